"""Conditions in the collector's own language (OTTL) about one span.

References:
    OpenTelemetry Collector Contrib, pkg/ottl/LANGUAGE.md: literals, comparison rules (a missing value is smaller and
    larger than nothing); pkg/ottl/ottlfuncs: `Double`, `IsMatch`, `IsRootSpan`.
"""

import math
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

ROOT: Final = "IsRootSpan()"
"""The span has no parent: it is the root of the whole trace, not that of a unit below another service's span."""
ERROR: Final = "span.status.code == STATUS_CODE_ERROR"

_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def text(value: str) -> str:
    """Return a text literal."""
    return f'"{"".join(map(_escaped, value))}"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def decimal(value: float) -> str:
    """Return a number literal, without an exponent.

    Raises:
        ValueError: It is no finite number.
    """
    if not math.isfinite(value):
        msg = f"{value} is no finite number."
        raise ValueError(msg)
    return format(Decimal(repr(value)), "f")


def attribute(key: str) -> str:
    """Return the path of a span attribute."""
    return f"span.attributes[{text(key)}]"


def resource(key: str) -> str:
    """Return the path of a resource attribute."""
    return f"resource.attributes[{text(key)}]"


def as_number(path: str) -> str:
    """Return what reads a value, or the text of one, as a number; nothing where there is no value."""
    return f"Double({path})"


def matches(path: str, expression: str) -> str:
    """Return the condition that an expression is found in a value."""
    return f"IsMatch({path}, {text(expression)})"


def fits(path: str, globs: Iterable[str]) -> str:
    """Return the condition that a value fits one of the globs."""
    return either([_fits_one(path, glob) for glob in globs])


def _fits_one(path: str, glob: str) -> str:
    if not any(sign in glob for sign in "*?["):
        return f"{path} == {text(glob)}"
    return matches(path, glob_expression(glob))


def both(conditions: Iterable[str]) -> str:
    """Return the condition that all hold."""
    return _joined(conditions, "and")


def either(conditions: Iterable[str]) -> str:
    """Return the condition that one of them holds."""
    return _joined(conditions, "or")


def _joined(conditions: Iterable[str], word: str) -> str:
    given = [condition for condition in conditions if condition]
    if len(given) == 1:
        return given[0]
    return f" {word} ".join(f"({each})" if " or " in each or " and " in each else each for each in given)


def glob_expression(glob: str) -> str:
    """Return the regular expression of a glob: `*`, `?` and `[…]` as in file names, case matters."""
    parts: list[str] = []
    position = 0
    while position < len(glob):
        sign = glob[position]
        if sign == "[" and (closing := glob.find("]", position + 2 + (glob[position + 1 : position + 2] == "!"))) > 0:
            parts.append(_set(glob[position + 1 : closing]))
            position = closing
        else:
            parts.append({"*": ".*", "?": "."}.get(sign) or re.escape(sign))
        position += 1
    return f"(?s)^(?:{''.join(parts)})$"


def _set(inner: str) -> str:
    """Return a set of characters; a range that is empty is left out, as file names have it."""
    negated = inner.startswith("!")
    signs = inner[1:] if negated else inner
    accepted: list[str] = []
    position = 0
    while position < len(signs):
        first, last = signs[position], signs[position]
        if position + 2 < len(signs) and signs[position + 1] == "-":
            last = signs[position + 2]
            position += 2
        if first <= last:
            accepted.append(_code(first) if first == last else f"{_code(first)}-{_code(last)}")
        position += 1
    if not accepted:
        return "." if negated else "[^\\x{0}-\\x{10FFFF}]"
    return f"[{'^' if negated else ''}{''.join(accepted)}]"


def _code(character: str) -> str:
    return character if character.isalnum() and character.isascii() else f"\\x{{{ord(character):X}}}"
