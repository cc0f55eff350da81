"""JSON values of any kind, as text in a column."""

from typing import Any, Final

import orjson

from certtrace.records.catalog.refusals import RefusedError

NULL: Final = "null"
_MOST_DIGITS: Final = 64


def json_text(value: Any) -> str:
    """Return a JSON value as text.

    What JSON in JavaScript does not know arrives as it would there: integers beyond 64 bits as floating-point numbers,
    lone surrogates as replacement characters.

    Raises:
        RefusedError: The value is nested too deeply.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, RecursionError):
        pass
    try:
        return orjson.dumps(_storable(value)).decode()
    except (TypeError, RecursionError) as error:
        msg = "The value is nested too deeply to be stored."
        raise RefusedError(msg) from error


def json_value(text: str) -> Any:
    """Return the JSON value that a column holds."""
    return orjson.loads(text)


def plain_text(text: str) -> str:
    """Return text that a column can hold: lone surrogates are replaced."""
    return text.encode(errors="replace").decode() if not text.isascii() else text


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, dict):
        return {plain_text(str(key)): _storable(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_storable(each) for each in value]
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() >= _MOST_DIGITS:
        return _as_float(value)
    return value


def _as_float(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None
