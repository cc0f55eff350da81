"""Attribute values as the Langfuse server sees them, and the small conversions all rows of the mapping share.

The server is JavaScript: its numbers print without a trailing `.0`, its empty lists are true, and key/value lists and
bytes are types of OTLP that it does not know, so they stay the JSON text of the OTLP value.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import orjson

Attributes = Mapping[str, object]

_LONGEST_NUMBER = 64
_EXACT = 2**53
MAX_TIME_NS = 2**63 - 1
_SURELY_SHALLOW = 200
_SURELY_SHORT: Final = 1e21
"""Below this JavaScript prints a whole number with all its digits."""
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def mapped(values: Attributes) -> Attributes:
    """Return attribute values as the server has them after decoding; the mapping's rows take nothing else."""
    changed: dict[str, object] = {}
    for key, value in values.items():
        kind = type(value)
        if kind is str or kind is bool or (kind is int and -_EXACT <= value <= _EXACT):  # type: ignore[operator]  # an int
            continue
        changed[key] = mapped_value(value)
    return {**values, **changed} if changed else values


def mapped_value(value: object) -> object:
    """Return one plain value as the server has it: text, truth value, number, list of those, or None."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, float)):
        return plain_number(value)
    if isinstance(value, (list, tuple)):
        return [mapped_value(each) for each in value]
    if isinstance(value, (dict, bytes)):
        return json_text(_any_value(value))
    return str(value)


def plain_number(value: float) -> float | None:
    """Return a number as JavaScript would print it: whole ones without a fraction, none that is not finite."""
    if isinstance(value, int):
        if -_EXACT <= value <= _EXACT:
            return value
        try:
            value = float(value)
        except OverflowError:
            return None
    if not math.isfinite(value):
        return None
    if value.is_integer() and abs(value) < _SURELY_SHORT:
        return int(value) if abs(value) <= _EXACT else int(Decimal(repr(value)))
    return value


def _list_form(value: Sequence[object]) -> dict[str, object]:
    return {"arrayValue": {"values": [_any_value(each) for each in value]} if value else {}}


def _pairs_form(value: Mapping[str, object]) -> dict[str, object]:
    pairs = [{"key": key, "value": _any_value(each)} for key, each in value.items()]
    return {"kvlistValue": {"values": pairs} if pairs else {}}


_FORMS: Final[Mapping[type, Callable[[Any], dict[str, object]]]] = {
    str: lambda value: {"stringValue": value},
    bool: lambda value: {"boolValue": value},
    int: lambda value: {"intValue": str(value)},
    float: lambda value: {"doubleValue": plain_number(value)},
    bytes: lambda value: {"bytesValue": {"type": "Buffer", "data": list(value)}},
    list: _list_form,
    dict: _pairs_form,
}


def _any_value(value: object) -> dict[str, object]:
    """Return the OTLP value that `value` was decoded from, as the server's decoder writes it in JSON."""
    form = _FORMS.get(type(value))
    return form(value) if form is not None else {}


def is_set(value: object) -> bool:
    """Tell whether a value counts as given: JavaScript's truth, in which every list and object is true."""
    return bool(value) or isinstance(value, (list, dict))


def is_meaningful(value: object) -> bool:
    """Tell whether a value says something: zero and false do, empty text, lists and objects do not."""
    return value is not None and value not in ("", [], {})


def first(attributes: Attributes, keys: Sequence[str]) -> object:
    """Return the first given value among `keys`, or None."""
    for key in keys:
        value = attributes.get(key)
        if value is not None and is_set(value):
            return value
    return None


def first_known(attributes: Attributes, keys: Sequence[str]) -> object:
    """Return the first value among `keys` that is not null, or None: empty text and zero are values."""
    for key in keys:
        value = attributes.get(key)
        if value is not None:
            return value
    return None


def text(value: object) -> str | None:
    """Return a value as text: strings as they are, anything else as JSON."""
    return value if value is None or isinstance(value, str) else json_text(value)


def spoken(value: object) -> str:
    """Return a value as JavaScript's `String(value)`: lists joined by commas, objects without their content."""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return ",".join("" if each is None else spoken(each) for each in value)
    return "[object Object]" if isinstance(value, dict) else json_text(value)


def json_text(value: object) -> str:
    """Return compact JSON; what JSON cannot carry becomes its string form.

    Raises:
        ValueError: The value is nested some hundred levels deep.
    """
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:
        return _slow_json_text(value)


def _slow_json_text(value: object) -> str:
    """Return compact JSON of what the quick encoder refuses: more than 254 levels, integers just outside 64 bits."""
    try:
        return json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        msg = "a value is nested too deeply"
        raise ValueError(msg) from None


def parsed(value: object) -> object:
    """Return JSON text decoded, any other value as it is, None where the text is no JSON or nested too deeply."""
    if type(value) is not str:
        return value
    try:
        result: object = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return result if len(value) <= _SURELY_SHALLOW or _is_shallow(value, result) else None


def decoded(value: object) -> object:
    """Return a value that was encoded as JSON; what is no JSON is taken as it stands."""
    if type(value) is not str:
        return value
    try:
        result: object = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    return result if len(value) <= _SURELY_SHALLOW or _is_shallow(value, result) else value


def _is_shallow(given: str, result: object) -> bool:
    """Tell whether decoded JSON can be written again: the decoder takes 1024 levels, the encoder 254."""
    if given.count("[") + given.count("{") <= _SURELY_SHALLOW:
        return True
    try:
        orjson.dumps([[[[result]]]])
    except orjson.JSONEncodeError:
        return False
    return True


def plain_data(value: object) -> object:
    """Return decoded JSON with its numbers as JavaScript would write them again."""
    if isinstance(value, dict):
        return {key: plain_data(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain_data(each) for each in value]
    return plain_number(value) if isinstance(value, float) else value


def as_object(value: object) -> dict[str, object]:
    """Return what JavaScript's spread makes of a value: objects as they are, lists by position, else nothing."""
    if isinstance(value, dict):
        return value
    return {str(index): each for index, each in enumerate(value)} if isinstance(value, list) else {}


def number(value: object) -> float | None:
    """Return a finite number given as number or decimal text, or None."""
    if isinstance(value, str):
        value = _from_decimal(value.strip())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int) and abs(value) > _EXACT:
        return float(value)  # SQLite's integers end at 64 bits
    return value if abs(value) < float("inf") else None


def counted(value: object) -> float | None:
    """Return what JavaScript's `Number(value)` is: empty text, an empty list and null are zero, true is one."""
    if isinstance(value, list):
        value = spoken(value)
    if value is None or isinstance(value, bool):
        return int(bool(value))
    return 0 if isinstance(value, str) and not value.strip() else number(value)


def clamped_ns(time_ns: float) -> int:
    """Return a time that SQLite can hold: from the epoch to the year 2262."""
    return time_ns if type(time_ns) is int and 0 <= time_ns <= MAX_TIME_NS else int(min(max(time_ns, 0), MAX_TIME_NS))


def _from_decimal(given: str) -> float | None:
    # Long digit strings are no counts, and Python refuses to read the longest.
    if len(given) > _LONGEST_NUMBER or not _DECIMAL.fullmatch(given):
        return None
    value = float(given)
    return int(value) if value.is_integer() and abs(value) < _EXACT else value
