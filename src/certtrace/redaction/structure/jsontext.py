"""JSON text out and in: whatever Python holds becomes valid JSON that other languages can read."""

import json
from typing import Any, Final

import orjson

from certtrace.redaction.structure.jsonscan import Repeated, documents
from certtrace.redaction.text.lazy import lazy

_DIGIT: Final = lazy(r"[0-9]")
_LONG_NUMBER: Final = lazy(r"[0-9]{16}")
MAX_CHARACTERS: Final = 1 << 21
"""Longer texts are not read: a parser would hold up all other threads meanwhile."""
_UNREADABLE: Final = "\ufffd"


def dumps(value: object) -> str:
    """Return compact JSON with non-ASCII letters kept; integers beyond 64 bit stay numbers."""
    try:
        return orjson.dumps(value, default=_plain).decode()
    except (orjson.JSONEncodeError, RecursionError):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Repeated):
        return value.merged()
    raise TypeError  # as both encoders ask for


def repeats_keys(text: str, value: object) -> bool:
    """Tell, where in doubt with yes, whether an object in a JSON text repeats a key, so that `value` lacks something.

    Args:
        text: The JSON text.
        value: What `loads` returned for it.
    """
    # Each key costs two quotes, and quotes inside strings are spelled the same way back unless as \u0022.
    return "\\u0022" in text or text.count('"') != dumps(value).count('"')


def everything(text: str) -> list[Any]:
    """Return what a text that is nothing but JSON holds: one document, one per line, fenced, or cut off by a bound."""
    value = loads(text)
    if value is not None:
        return [value]
    if len(text) > MAX_CHARACTERS:
        return []
    return [_unfolded(document.root.value(text)) for document in documents(text)]


def _unfolded(value: Any) -> Any:
    """Return `value` with a list of mappings for each object that repeats a key."""
    if isinstance(value, Repeated):
        return [_unfolded(layer) for layer in value.layers]
    if isinstance(value, dict):
        return {key: _unfolded(item) for key, item in value.items()}
    return [_unfolded(item) for item in value] if isinstance(value, list) else value


def loads(text: str) -> Any:
    """Return the list or mapping that a text holds as JSON, or None."""
    if len(text) > MAX_CHARACTERS:
        return None
    stripped = text.strip()
    if stripped[:1] + stripped[-1:] not in {"{}", "[]"}:
        return None
    try:
        # orjson turns long integers into floats; the standard library keeps every digit.
        value = json.loads(stripped) if _has_long_number(stripped) else orjson.loads(stripped)
    except (ValueError, RecursionError):
        return _lenient(stripped)
    return value if isinstance(value, dict | list) else None


def _has_long_number(text: str) -> bool:
    # A run of 16 digits covers one of the places that are 16 apart.
    return _DIGIT.search(text[15::16]) is not None and _LONG_NUMBER.search(text) is not None


def _lenient(text: str) -> Any:
    """Read what Python's own encoder writes but JSON does not know: NaN, infinities, lone surrogates."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def clean(text: str) -> str:
    """Return `text` as UTF-8 and every database can hold it: no lone surrogates, no NUL."""
    if text.isascii():
        return text.replace("\0", _UNREADABLE) if "\0" in text else text
    try:
        has_nul = 0 in text.encode("utf-8")  # much faster than looking for NUL in wide text
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        has_nul = "\0" in text
    return text.replace("\0", _UNREADABLE) if has_nul else text
