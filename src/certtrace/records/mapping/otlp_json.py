"""OTLP/JSON requests decoded to span records.

A request is taken whole or not at all: what the server could not turn into observations is an error that names its
place, never its content.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import orjson

from certtrace.ports import EventRecord, LinkRecord, ScopeRecord, SpanRecord
from certtrace.records.mapping.ids import SPAN_DIGITS, TRACE_DIGITS, id_number
from certtrace.records.mapping.protobuf import resolved_times
from certtrace.records.mapping.values import json_text, number

Given = Mapping[str, object]
ResourceRecords = tuple[dict[str, object], list[SpanRecord]]

_KINDS: Final = {
    f"SPAN_KIND_{name}": number
    for number, name in enumerate(("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"))
}
_STATUS_CODES: Final = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
_REMOTE: Final = 0x200
_MAX_TIME_NS: Final = 8_640_000_000_000_000 * 10**6
"""The last moment that the server's clock type can express."""
_MAX_DIGITS: Final = 30
MAX_DEPTH: Final = 64


def json_request(data: bytes, *, max_depth: int = MAX_DEPTH) -> list[ResourceRecords]:
    """Return the resources of an `ExportTraceServiceRequest` in JSON, each with its attributes and spans.

    Ids are kept as they stand, in hex, base64 or any other text; bytes may also come as a list of numbers. 64-bit
    integers are text or numbers, enumerations numbers or names. Unknown fields are ignored.

    Args:
        data: The request's body, already decompressed.
        max_depth: How deep values may nest within an attribute.

    Raises:
        ValueError: The body is no such request. The message names the place, such as
            `resourceSpans[0].scopeSpans[1].spans[0].traceId`.
    """
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        # No cause in the chain: a decoder's message may quote what it could not decode.
        msg = f"the request of {len(data)} bytes is no JSON, or nested too deeply"
        raise ValueError(msg) from None
    if not isinstance(body, dict):
        msg = "the request must be a JSON object with the field resourceSpans"
        raise ValueError(msg)  # noqa: TRY004 - one kind of error for whatever is wrong with a request
    reader = _Reader(max_depth)
    return [reader.resource(each, place) for each, place in _objects(body.get("resourceSpans"), "resourceSpans")]


def _objects(given: object, place: str) -> Iterator[tuple[Given, str]]:
    """Yield the objects of a list with their places; absent and null are an empty list."""
    if given is None:
        return
    if not isinstance(given, list):
        msg = f"{place} must be an array"
        raise ValueError(msg)  # noqa: TRY004 - one kind of error for whatever is wrong with a request
    for index, each in enumerate(given):
        if not isinstance(each, dict):
            msg = f"{place}[{index}] must be an object"
            raise ValueError(msg)  # noqa: TRY004 - one kind of error for whatever is wrong with a request
        yield each, f"{place}[{index}]"


def _object(given: Given, field: str, place: str) -> Given:
    value = given.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        msg = f"{place}.{field} must be an object"
        raise ValueError(msg)  # noqa: TRY004 - one kind of error for whatever is wrong with a request
    return value


class _Reader:
    """Reads one request. Knows how deep values may nest."""

    def __init__(self, max_depth: int) -> None:
        self._max_depth = max_depth

    def resource(self, given: Given, place: str) -> ResourceRecords:
        resource = _object(given, "resource", place)
        attributes = self._attributes(resource.get("attributes"), f"{place}.resource.attributes")
        spans: list[SpanRecord] = []
        for scope_spans, at in _objects(given.get("scopeSpans"), f"{place}.scopeSpans"):
            scope = self._scope(_object(scope_spans, "scope", at), f"{at}.scope")
            spans += [
                self._span(span, scope, where) for span, where in _objects(scope_spans.get("spans"), f"{at}.spans")
            ]
        return attributes, spans

    def _scope(self, given: Given, place: str) -> ScopeRecord:
        attributes = self._attributes(given.get("attributes"), f"{place}.attributes")
        return ScopeRecord(_text(given.get("name")), _text(given.get("version")), attributes)

    def _span(self, given: Given, scope: ScopeRecord, place: str) -> SpanRecord:
        start, end = resolved_times(_time_ns(given.get("startTimeUnixNano")), _time_ns(given.get("endTimeUnixNano")))
        status = _object(given, "status", place)
        return SpanRecord(
            trace_id=_id(given.get("traceId"), TRACE_DIGITS, f"{place}.traceId"),
            span_id=_id(given.get("spanId"), SPAN_DIGITS, f"{place}.spanId"),
            parent_span_id=_parent(given.get("parentSpanId"), f"{place}.parentSpanId"),
            name=_text(given.get("name")),
            kind=_enumerated(given.get("kind"), _KINDS),
            start_time_ns=start,
            end_time_ns=end,
            status_code=_enumerated(status.get("code"), _STATUS_CODES),
            status_message=_text(status.get("message")),
            attributes=self._attributes(given.get("attributes"), f"{place}.attributes"),
            events=[self._event(event, at) for event, at in _objects(given.get("events"), f"{place}.events")],
            links=[self._link(link, at) for link, at in _objects(given.get("links"), f"{place}.links")],
            trace_state=_text(given.get("traceState")),
            parent_is_remote=bool(_count(given.get("flags")) & _REMOTE),
            scope=scope,
            dropped_attributes=_count(given.get("droppedAttributesCount")),
            dropped_events=_count(given.get("droppedEventsCount")),
            dropped_links=_count(given.get("droppedLinksCount")),
        )

    def _event(self, given: Given, place: str) -> EventRecord:
        attributes = self._attributes(given.get("attributes"), f"{place}.attributes")
        return EventRecord(_text(given.get("name")), _time_ns(given.get("timeUnixNano")) or 0, attributes)

    def _link(self, given: Given, place: str) -> LinkRecord:
        attributes = self._attributes(given.get("attributes"), f"{place}.attributes")
        ids = _hex_number(given.get("traceId"), TRACE_DIGITS), _hex_number(given.get("spanId"), SPAN_DIGITS)
        return LinkRecord(*ids, _text(given.get("traceState")), attributes)

    def _attributes(self, given: object, place: str) -> dict[str, object]:
        found: dict[str, object] = {}
        for pair, at in _objects(given, place):
            value = pair.get("value")
            text = value.get("stringValue") if isinstance(value, dict) else None
            found[_text(pair.get("key"))] = text if isinstance(text, str) else self._value(value, at, 0)
        return found

    def _value(self, given: object, place: str, depth: int) -> object:
        """Return an attribute's value. A type that the server does not know stays JSON text."""
        if depth > self._max_depth:
            msg = f"{place} nests values more than {self._max_depth} deep"
            raise ValueError(msg)
        if given is None:
            return None
        if not isinstance(given, dict):
            return json_text(given)
        for kind, read in _READERS.items():
            if kind in given:
                return read(given[kind])
        return self._nested(given, place, depth)

    def _nested(self, given: Given, place: str, depth: int) -> object:
        values = _values(given.get("arrayValue"))
        if values is not None:
            return [self._value(each, f"{place}[{index}]", depth + 1) for index, each in enumerate(values)]
        whole = _whole_number(given.get("intValue"))
        if whole is not None:
            return whole
        pairs = [pair for pair in _values(given.get("kvlistValue")) or () if isinstance(pair, dict)]
        if pairs:
            return {_text(pair.get("key")): self._value(pair.get("value"), place, depth + 1) for pair in pairs}
        return json_text(given)


def _double(given: object) -> object:
    if not isinstance(given, str):
        return _as_it_stands(given)
    found = number(given)
    return given if found is None else found


def _as_it_stands(given: object) -> object:
    return given if given is None or isinstance(given, (str, bool, int, float)) else json_text(given)


_READERS: Final = {"stringValue": _as_it_stands, "doubleValue": _double, "boolValue": _as_it_stands}


def _values(given: object) -> Sequence[object] | None:
    values = given.get("values") if isinstance(given, dict) else None
    return values if isinstance(values, list) else None


def _whole_number(given: object) -> float | None:
    """Return a 64-bit integer given as number, as decimal text, or as its two halves."""
    if isinstance(given, bool):
        return None
    if isinstance(given, (int, float)):
        return given
    if isinstance(given, str):
        return _decimal(given)
    if isinstance(given, dict):
        return _from_halves(given)
    return None


def _decimal(given: str) -> int | None:
    digits = given.strip()
    try:
        return int(digits) if len(digits) <= _MAX_DIGITS and "_" not in digits else None
    except ValueError:
        return None


def _from_halves(given: Given) -> int | None:
    high, low = given.get("high"), given.get("low")
    if isinstance(high, int) and isinstance(low, int):
        return ((high & 0xFFFFFFFF) << 32 | (low & 0xFFFFFFFF)) - (1 << 64 if high < 0 else 0)
    return None


def _time_ns(given: object) -> int | None:
    """Return a time, or None where it is missing or none that the server could express."""
    found = _whole_number(given)
    if found is None or not abs(found) <= _MAX_TIME_NS:
        return None
    return int(found)


def _id(given: object, digits: int, place: str) -> int:
    raw = _raw_id(given)
    if not raw:
        msg = f"{place} must be a string or an array of bytes" if given else f"{place} is missing"
        raise ValueError(msg)
    try:
        return id_number(raw, digits)
    except ValueError:
        msg = f"{place} is longer than an id can be"
        raise ValueError(msg) from None


def _parent(given: object, place: str) -> int:
    if not given:
        return 0
    return _id(given, SPAN_DIGITS, place)


def _raw_id(given: object) -> str | bytes | None:
    if isinstance(given, dict) and given.get("type") == "Buffer":
        given = given.get("data")
    if isinstance(given, str):
        return given
    try:
        return bytes(given) if isinstance(given, list) else None
    except (TypeError, ValueError):
        return None


def _hex_number(given: object, digits: int) -> int:
    """Return a link's id; what is none counts as unknown."""
    try:
        return int(given, 16) if isinstance(given, str) and len(given) == digits else 0
    except ValueError:
        return 0


def _enumerated(given: object, names: Mapping[str, int]) -> int:
    if isinstance(given, str):
        return names.get(given, 0)
    return _count(given)


def _count(given: object) -> int:
    found = _whole_number(given)
    return int(found) if found is not None and 0 <= found < 1 << 32 else 0


def _text(given: object) -> str:
    if isinstance(given, str):
        return given
    return "" if given is None else json_text(given)
