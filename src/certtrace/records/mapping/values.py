"""OTLP attribute values as plain data, and the small conversions all rows of the mapping share."""

import re
from collections.abc import Iterable, Mapping, Sequence

import orjson
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

Attributes = Mapping[str, object]

_PLAIN_KINDS = ("string_value", "bool_value", "int_value", "double_value")
_LONGEST_NUMBER = 64
_EXACT = 2**53
MAX_TIME_NS = 2**63 - 1
_SURELY_SHALLOW = 200
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def attributes_of(pairs: Iterable[KeyValue]) -> dict[str, object]:
    """Return OTLP key/value pairs as a dictionary; of equal keys the last wins."""
    return {pair.key: plain(pair.value) for pair in pairs}


def plain(value: AnyValue) -> object:
    """Return one OTLP value as plain data. Langfuse knows neither key/value lists nor bytes: they become OTLP JSON."""
    kind = value.WhichOneof("value")
    if kind in _PLAIN_KINDS:
        return getattr(value, kind)
    if kind == "array_value":
        return [plain(element) for element in value.array_value.values]
    return None if kind is None else json_text(MessageToDict(value))


def is_set(value: object) -> bool:
    """Tell whether a value counts as given: JavaScript's truth, in which every list and object is true."""
    return isinstance(value, (list, dict)) or bool(value)


def first(attributes: Attributes, keys: Sequence[str]) -> object:
    """Return the first given value among `keys`, or None."""
    for key in keys:
        value = attributes.get(key)
        if value is not None and is_set(value):
            return value
    return None


def text(value: object) -> str | None:
    """Return a value as text: strings as they are, anything else as JSON."""
    return value if value is None or isinstance(value, str) else json_text(value)


def json_text(value: object) -> str:
    """Return compact JSON; what JSON cannot carry becomes its string form."""
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def parsed(value: object) -> object:
    """Return JSON text decoded, any other value as it is, None where the text is no JSON or nested too deeply."""
    if not isinstance(value, str):
        return value
    try:
        result: object = orjson.loads(value)
        if value.count("[") + value.count("{") > _SURELY_SHALLOW:
            # The decoder takes 1024 levels, the encoder 254: what could not be written again stays text.
            orjson.dumps([[[[result]]]])
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None
    return result


def parsed_object(value: object) -> dict[str, object] | None:
    """Return a JSON object decoded, or None when the value is something else."""
    result = parsed(value) if is_set(value) else None
    return result if isinstance(result, dict) else None


def number(value: object) -> float | None:
    """Return a finite number given as number or decimal text, or None."""
    if isinstance(value, str):
        value = _from_decimal(value.strip())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int) and abs(value) > _EXACT:
        return float(value)  # SQLite's integers end at 64 bits
    return value if abs(value) < float("inf") else None


def clamped_ns(time_ns: float) -> int:
    """Return a time that SQLite can hold: from the epoch to the year 2262."""
    return int(min(max(time_ns, 0), MAX_TIME_NS))


def _from_decimal(given: str) -> float | None:
    # Long digit strings are no counts, and Python refuses to read the longest.
    if len(given) > _LONGEST_NUMBER or not _DECIMAL.fullmatch(given):
        return None
    value = float(given)
    return int(value) if value.is_integer() and abs(value) < _EXACT else value
