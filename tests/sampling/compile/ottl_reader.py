"""A small reader of the collector's condition language, written from its reference (pkg/ottl/LANGUAGE.md).

It knows what `certtrace policy compile` may write and refuses everything else, so that a misspelt name fails a test.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import re2

_TOKEN = re.compile(
    r'\s*(?:(?P<text>"(?:\\.|[^\\"])*")|(?P<number>[-+]?\d+(?:\.\d+)?(?![\w.]))|(?P<name>[A-Za-z_]\w*)'
    r"|(?P<sign>==|!=|<=|>=|[<>()\[\],.\-]))"
)


class OttlError(Exception):
    """The condition cannot be read, or fails on a value."""


@dataclass
class View:
    """One span as the collector shows it to a condition."""

    span: Any
    resource: dict[str, Any]
    attributes: dict[str, Any]


Evaluate = Callable[[View], Any]


class Reader:
    def __init__(self, condition: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(condition.rstrip()):
            found = _TOKEN.match(condition, position)
            if found is None:
                raise OttlError(f"cannot read {condition[position:]!r}")
            kind = found.lastgroup or ""
            self.tokens.append((kind, found[kind]))
            position = found.end()
        self.at = 0

    def whole(self) -> Evaluate:
        made = self.either()
        if self.at != len(self.tokens):
            raise OttlError(f"unexpected {self.tokens[self.at]}")
        return made

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            raise OttlError(f"expected {expected!r}, got {token!r}")
        self.at += 1
        return token

    def either(self) -> Evaluate:
        parts = [self.both()]
        while self.peek() == "or":
            self.take()
            parts.append(self.both())
        return lambda view: any(part(view) for part in parts)

    def both(self) -> Evaluate:
        parts = [self.negated()]
        while self.peek() == "and":
            self.take()
            parts.append(self.negated())
        return lambda view: all(part(view) for part in parts)

    def negated(self) -> Evaluate:
        if self.peek() == "not":
            self.take()
            inner = self.negated()
            return lambda view: not inner(view)
        if self.peek() == "(":
            self.take()
            inner = self.either()
            self.take(")")
            return inner
        return self.comparison()

    def comparison(self) -> Evaluate:
        left = self.difference()
        sign = self.peek()
        if sign not in ("==", "!=", "<", "<=", ">", ">="):
            return left
        self.take()
        right = self.difference()
        return lambda view: compare(left(view), sign, right(view))

    def difference(self) -> Evaluate:
        left = self.value()
        if self.peek() != "-":
            return left
        self.take()
        right = self.value()
        return lambda view: left(view) - right(view)

    def value(self) -> Evaluate:
        kind, token = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        if kind == "text":
            self.take()
            text = unquoted(token)
            return lambda _view: text
        if kind == "number":
            self.take()
            number = float(token) if "." in token else int(token)
            return lambda _view: number
        if token in ("true", "false", "nil", "STATUS_CODE_ERROR"):
            self.take()
            constant = {"true": True, "false": False, "nil": None, "STATUS_CODE_ERROR": 2}[token]
            return lambda _view: constant
        if token in FUNCTIONS:
            return self.call()
        return self.path()

    def call(self) -> Evaluate:
        function, arity = FUNCTIONS[self.take()]
        self.take("(")
        arguments = []
        while self.peek() != ")":
            arguments.append(self.difference())
            if self.peek() == ",":
                self.take()
        self.take(")")
        if len(arguments) != arity:
            raise OttlError("wrong number of arguments")
        return lambda view: function(view, *(argument(view) for argument in arguments))

    def path(self) -> Evaluate:
        parts = [self.take()]
        while self.peek() == ".":
            self.take()
            parts.append(self.take())
        read = PATHS.get(".".join(parts))
        if read is None:
            raise OttlError(f"no path {'.'.join(parts)}")
        if parts[-1] != "attributes":
            return read
        self.take("[")
        key = unquoted(self.take())
        self.take("]")
        return lambda view: read(view).get(key)


def unquoted(token: str) -> str:
    """Read a literal as Go's strconv.Unquote does, as far as JSON says the same; `\\U` besides."""
    plain = re.sub(r"\\U([0-9a-f]{8})", lambda found: json.dumps(chr(int(found[1], 16)))[1:-1], token)
    return str(json.loads(plain))


def compare(left: Any, sign: str, right: Any) -> bool:
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (left, right))
    if not numbers and type(left) is not type(right):
        return sign == "!="
    if left is None or right is None:
        return {"==": left is right, "!=": left is not right}.get(sign, False)
    return {
        "==": lambda: left == right,
        "!=": lambda: left != right,
        "<": lambda: left < right,
        "<=": lambda: left <= right,
        ">": lambda: left > right,
        ">=": lambda: left >= right,
    }[sign]()


def _double(_view: View, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, list):
        raise OttlError("not a number")
    try:
        return float(value)
    except ValueError as error:
        raise OttlError(str(error)) from None


def _is_match(_view: View, value: Any, pattern: str) -> bool:
    if value is None:
        return False
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return re2.search(pattern, text) is not None


FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {
    "Double": (_double, 1),
    "IsMatch": (_is_match, 2),
    "IsRootSpan": (lambda view: not any(view.span.parent_span_id), 0),
}
PATHS: dict[str, Evaluate] = {
    "span.attributes": lambda view: view.attributes,
    "resource.attributes": lambda view: view.resource,
    "span.name": lambda view: view.span.name,
    "span.status.code": lambda view: view.span.status.code,
    "span.start_time_unix_nano": lambda view: view.span.start_time_unix_nano,
    "span.end_time_unix_nano": lambda view: view.span.end_time_unix_nano,
}


def read(condition: str) -> Evaluate:
    """Return what evaluates a condition.

    Raises:
        OttlError: It is not written in the language, or names what there is not.
    """
    return Reader(condition).whole()
