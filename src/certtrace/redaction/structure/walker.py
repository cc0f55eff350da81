"""Walk captured data and redact it: markers of models, rules for keys and paths, free text in the leaves."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import translate
from re import Pattern as RegularExpression
from re import compile as compile_expression
from typing import Any, Final

from certtrace.ports import ModelValue
from certtrace.redaction.detect.numbers import classify
from certtrace.redaction.known.fields import last_word
from certtrace.redaction.known.people import dict_kinds
from certtrace.redaction.markers import ExamSecret, Mark, Pii, class_marks
from certtrace.redaction.policy.model import RedactionPolicy
from certtrace.redaction.structure import jsonedit, jsontext, pieces
from certtrace.redaction.structure.binary import MIN_BLOB, Binary
from certtrace.redaction.structure.jsonscan import Repeated
from certtrace.redaction.texts import Tally

_MAX_NODES: Final = 200_000
_INT64: Final = 1 << 63
_CARD_DIGITS: Final = range(12, 20)
_HARMLESS_TOKEN: Final = 8
_SHORT_KEY: Final = 64
LONG_NUMBER: Final = 1_000_000
"""Numbers from here on may be somebody's."""
JSON_BEGINS: Final = frozenset("{[`")
"""How a text begins that may be JSON, bare or in a code fence."""
_NUMBERS: Final = (int, float)
_BYTES: Final = (bytes, bytearray, memoryview)
_NAME_PARTS: Final = {"GIVEN": "PERSON", "FAMILY": "PERSON", "MIDDLE": "PERSON"}

DESCRIBED: Final = Binary()
"""Binary content by kind and size."""

Leaf = Callable[[str], str]
Operator = Callable[[str, str], str]
Whole = Callable[[object, str], Any]


class Rules:
    """What a policy says about keys and paths, compiled once."""

    __slots__ = (
        "has_paths",
        "identity_keys",
        "max_characters",
        "max_depth",
        "max_items",
        "path_operators",
        "paths",
        "secret_keys",
    )

    def __init__(self, policy: RedactionPolicy) -> None:
        self.max_characters = policy.max_value_bytes
        self.max_depth = policy.max_depth
        self.max_items = policy.max_items
        self.secret_keys = policy.secret_keys
        self.identity_keys = policy.identity_keys
        self.paths: list[tuple[RegularExpression[str], Mark]] = [
            (compile_expression(translate(path)), mark) for path, mark in policy.marks_by_path().items()
        ]
        self.path_operators: list[tuple[RegularExpression[str], str]] = [
            (compile_expression(translate(rule.key_path)), rule.operator)
            for rule in policy.rules
            if rule.key_path is not None
        ]
        self.has_paths = bool(self.paths or self.path_operators)

    def operator_at(self, path: str) -> str:
        """Return the operator that a path rule has for the whole value; empty where there is none."""
        return next((op for expression, op in self.path_operators if expression.match(path)), "")

    def mark_at(self, path: str) -> Mark | None:
        """Return the marker that a path rule declares."""
        return next((mark for expression, mark in self.paths if expression.match(path)), None) if self.paths else None

    def promises_secret(self, key: str) -> bool:
        """Tell whether a key may say of some values that they are credentials."""
        return last_word(key) in self.secret_keys

    def is_secret(self, key: str, value: object) -> bool:
        """Tell whether a key says that its value is a credential, and the value can be one."""
        word = last_word(key)
        if word not in self.secret_keys:
            return False
        if value is None or isinstance(value, bool) or value in ("", b"", (), [], {}):
            return False
        if word in {"token", "secret", "otp"}:
            # `token` also names a piece of text that a model read, and a count.
            return isinstance(value, str | bytes) and (len(value) >= _HARMLESS_TOKEN and not _has_space(value))
        return True


def _has_space(value: str | bytes) -> bool:
    return len(value.split()) > 1


class Walk:
    """One pass over one value. Made anew for each value."""

    __slots__ = (
        "_binary",
        "_characters_left",
        "_find",
        "_left",
        "_on_path",
        "_operator",
        "_rules",
        "_tally",
        "_text",
        "_whole",
    )

    def __init__(
        self,
        rules: Rules,
        text: Leaf,
        operator: Operator,
        tally: Tally,
        whole: Whole,
        *,
        find: pieces.Finder | None = None,
        binary: Binary = DESCRIBED,
    ) -> None:
        """Take the rules and what is done to a leaf.

        Args:
            rules: Keys and paths.
            text: Redacts free text.
            operator: Returns the placeholder of a text of a kind (`PERSON`, `EXAM_SECRET` …) and counts it.
            tally: Counts what is withheld.
            whole: Applies the operator of a path rule to a value.
            find: Returns what is personal in a text that was recorded in pieces; without it pieces are read alone.
            binary: Describes binary content.
        """
        self._find = find
        self._binary = binary
        self._rules = rules
        self._whole = whole
        self._text = text
        self._operator = operator
        self._tally = tally
        self._left = _MAX_NODES
        self._characters_left = rules.max_characters
        self._on_path: set[int] = set()

    def redact(self, value: object, path: str) -> Any:
        """Return `value` as JSON-like data with everything personal replaced."""
        return self._value(value, path, 0)

    def marked(self, value: object, mark: Mark) -> Any:
        """Return `value` as a field with `mark` leaves."""
        return self._marked(value, mark, 0)

    def _value(self, value: object, path: str, depth: int) -> Any:
        self._left -= 1
        if self._left < 0:
            return self._cut("too many values")
        if isinstance(value, str):
            return self._bounded(value, path, depth)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, _NUMBERS):
            return self._number(value)
        if isinstance(value, _BYTES):
            return self._binary.content(value)
        return self._container(value, path, depth)

    def _bounded(self, text: str, path: str, depth: int) -> str:
        """Redact a text unless those before it have used up the bound; one text is cut by its own length."""
        if self._characters_left <= 0:
            return self._cut(f"{len(text)} characters beyond the bound")
        if len(text) >= MIN_BLOB or "data:" in text:
            text = self._binary.text(text, self._text)
        redacted = self._nested_json(text, path, depth)
        self._characters_left -= len(redacted)
        return redacted

    def _container(self, value: object, path: str, depth: int) -> Any:
        if depth >= self._rules.max_depth:
            return self._cut(f"deeper than {self._rules.max_depth}")
        if id(value) in self._on_path:
            return "<cycle>"
        self._on_path.add(id(value))
        try:
            return self._contents(value, path, depth)
        finally:
            self._on_path.discard(id(value))

    def _contents(self, value: object, path: str, depth: int) -> Any:
        if isinstance(value, ModelValue):
            return self._model(value, path, depth)
        if isinstance(value, dict) or isinstance(value, Mapping):  # noqa: SIM101 - asking an ABC costs much more
            return self._mapping(value, path, depth)
        if isinstance(value, list | tuple | set | frozenset):
            return self._items(value, path, depth)
        if isinstance(value, Repeated):
            return Repeated([self._mapping(layer, path, depth) for layer in value.layers])
        # Capture made plain data of everything it knows; what is still an object shows its kind only.
        return f"<{type(value).__name__}>"

    def _model(self, model: ModelValue, path: str, depth: int) -> dict[str, Any]:
        declared = class_marks(model.cls)
        if declared.unreadable:
            self._tally.withheld += 1
            return {self._text(str(name)): "<withheld: markers unreadable>" for name in model.fields}
        return self._entries(self._described(model.fields), declared.marks, path, depth)

    def _described(self, entries: Mapping[Any, Any]) -> Mapping[Any, Any]:
        """Return the entries of a part of a message with its encoded content described."""
        parts = self._binary.media_parts(entries)
        return {**entries, **parts} if parts else entries

    def _mapping(self, value: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
        value = self._described(value)
        kinds = dict_kinds(value) if self._rules.identity_keys else {}
        marks = {key: Pii[_NAME_PARTS.get(kind, kind)] for key, kind in kinds.items()} if kinds else kinds
        return self._entries(value, marks, path, depth)

    def _entries(self, entries: Mapping[Any, Any], marks: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        rules = self._rules
        at, mark = path, None
        for key, value in entries.items():
            if len(result) >= rules.max_items:
                result["<cut>"] = self._cut(f"{len(entries) - len(result)} more entries")
                break
            name = free = self._text(key) if type(key) is str and len(key) <= _SHORT_KEY else self._long_key(key)
            self._characters_left -= len(name)
            if rules.has_paths:
                at = f"{path}.{name}"
            if marks or rules.has_paths:
                mark = marks.get(key) or rules.mark_at(at)
            if name in result:
                free = _free(name, result)
            result[free] = self._entry(name, value, mark, at, depth + 1)
        return result

    def _entry(self, name: str, value: object, mark: Mark | None, path: str, depth: int) -> Any:
        if self._rules.is_secret(name, value):
            return self._operator("SECRET", "")
        if mark is not None:
            return self._marked(value, mark, depth)
        operator = self._rules.operator_at(path) if self._rules.path_operators else ""
        return self._whole(value, operator) if operator else self._value(value, path, depth)

    def _long_key(self, key: object) -> str:
        if isinstance(key, str) and self._characters_left <= 0:
            return self._cut(f"{len(key)} characters beyond the bound")
        return self._key(key)

    def _key(self, key: object) -> str:
        if isinstance(key, str):
            return self._text(key)
        if key is None or isinstance(key, bool | int | float):
            return str(self._number(key)) if isinstance(key, int | float) and not isinstance(key, bool) else str(key)
        if isinstance(key, tuple):
            return ",".join(self._key(part) for part in key)
        return f"<{type(key).__name__}>"

    def _items(self, value: Any, path: str, depth: int) -> list[Any]:
        result: list[Any] = []
        if self._find is not None and isinstance(value, list | tuple):
            value = self._mended(value, self._find)
        for item in value:
            if len(result) >= self._rules.max_items:
                result.append(self._cut(f"{len(value) - len(result)} more items"))
                break
            result.append(self._value(item, path, depth + 1))
        return result

    def _mended(self, items: Sequence[object], find: pieces.Finder) -> Sequence[object]:
        """Return a list with what lies across the borders of its texts replaced."""
        head = items[: self._rules.max_items]
        mended = pieces.mended(head, find, self._tally.count)
        return items if mended is head else [*mended, *items[len(head) :]]

    def _marked(self, value: object, mark: Mark, depth: int) -> Any:
        """Replace everything under a marked field; nothing and yes/no stay, they identify nobody."""
        if value is None or isinstance(value, bool) or value == "":
            return value
        if isinstance(mark, ExamSecret):
            return self._operator("EXAM_SECRET", exam_text(value))
        if isinstance(value, list | tuple | set | frozenset) and depth < self._rules.max_depth:
            return [self._marked(item, mark, depth + 1) for item in list(value)[: self._rules.max_items]]
        if isinstance(value, Mapping | ModelValue) and depth < self._rules.max_depth:
            fields = value.fields if isinstance(value, ModelValue) else value
            return {self._key(key): self._marked(item, mark, depth + 1) for key, item in fields.items()}
        text = value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
        return self._operator(mark.name, text)

    def _nested_json(self, text: str, path: str, depth: int) -> str:
        """Redact JSON inside a text by its structure, so that it stays JSON in the form it has."""
        if text[:1].isalnum() or text[:64].lstrip()[:1] not in JSON_BEGINS or depth >= self._rules.max_depth:
            return self._text(text)

        def redact(inner: object) -> Any:
            return self._container(inner, path, depth + 1)

        limit = self._rules.max_characters
        if len(text) > max(limit, jsontext.MAX_CHARACTERS):
            mark = self._cut(f"{len(text)} characters in all")
            redacted = jsonedit.by_structure_within(text, limit, redact, mark)
        else:
            redacted = jsonedit.by_structure(text, redact, self._text)
        return self._text(text) if redacted is None else redacted

    def _number(self, value: float) -> Any:
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if -LONG_NUMBER < value < LONG_NUMBER:
            return int(value)
        digits = str(abs(value)) if abs(value) < 10**40 else ""
        if not digits:
            return f"<integer of {value.bit_length()} bits>"
        if len(digits) in _CARD_DIGITS and any(classify(digits.encode(), 0, len(digits))):
            return self._operator("CREDIT_CARD", digits)
        text = self._text(digits)
        if text != digits:
            return text
        return int(value)

    def _cut(self, why: str) -> str:
        self._tally.withheld += 1
        return f"<cut: {why}>"


def exam_text(value: object) -> str:
    """Return one text that stands for an exam secret of any shape."""
    return value if isinstance(value, str) else "\n".join(exam_leaves(value))


def exam_leaves(value: object, depth: int = 0) -> Iterator[str]:
    """Yield the texts in an exam secret."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, ModelValue) and depth < 64:
        yield from exam_leaves(value.fields, depth + 1)
    elif isinstance(value, Mapping) and depth < 64:
        for key, item in value.items():
            yield str(key) if isinstance(key, str | int | float) else ""
            yield from exam_leaves(item, depth + 1)
    elif isinstance(value, list | tuple | set | frozenset) and depth < 64:
        for item in value:
            yield from exam_leaves(item, depth + 1)
    elif isinstance(value, int | float):
        yield str(value)


def _free(name: str, taken: Mapping[str, object]) -> str:
    """Return a key that is not taken, for one that is: two keys may become one when they are redacted."""
    number = 2
    while f"{name}#{number}" in taken:
        number += 1
    return f"{name}#{number}"


def int64(value: int) -> bool:
    """Tell whether OTLP can carry an integer."""
    return -_INT64 <= value < _INT64
