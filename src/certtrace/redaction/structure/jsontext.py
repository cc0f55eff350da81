"""JSON text out and in: whatever Python holds becomes valid JSON that other languages can read."""

import json
import re
from typing import Any, Final

import orjson

_LONG_NUMBER: Final = re.compile(r"[0-9]{16}")
_UNREADABLE: Final = "\ufffd"


def dumps(value: object) -> str:
    """Return compact JSON with non-ASCII letters kept; integers beyond 64 bit stay numbers."""
    try:
        return orjson.dumps(value).decode()
    except (orjson.JSONEncodeError, RecursionError):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def loads(text: str) -> Any:
    """Return the list or mapping that a text holds as JSON, or None."""
    stripped = text.strip()
    if stripped[:1] + stripped[-1:] not in {"{}", "[]"}:
        return None
    try:
        # orjson turns long integers into floats; the standard library keeps every digit.
        value = json.loads(stripped) if _LONG_NUMBER.search(stripped) else orjson.loads(stripped)
    except (ValueError, RecursionError):
        return _lenient(stripped)
    return value if isinstance(value, dict | list) else None


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
