"""OTLP as JSON becomes the message that OTLP as protobuf is.

Stricter than JavaScript, more lenient than protobuf's own decoder: ids are hex as OTLP wants them, or bytes as several
exporters send them, or any other text, which Langfuse takes as it is; a field of a wrong type refuses the request.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from certtrace.server.intake.refusing import Fault, Malformed

_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_INTEGER: Final = re.compile(r"-?\d{1,20}", re.ASCII)
_LONGEST_ID: Final = 800
_NOT_NUMBERS: Final = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_KINDS: Final = dict(Span.SpanKind.items())
_CODES: Final = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}


class JsonRequest:
    """One request. Its `message` is what protobuf would have brought."""

    def __init__(self, body: object) -> None:
        """Decode a JSON body.

        Raises:
            Malformed: It is no OTLP.
        """
        self.renamed: dict[str, str] = {}
        """The ids that are no hex: what was sent, by the hex id that stands for it in the message."""
        self.message = ExportTraceServiceRequest()
        for resource_spans in _objects(_object(body, "body"), "resourceSpans"):
            self._resource_spans(resource_spans, self.message.resource_spans.add())

    def _resource_spans(self, given: Mapping[str, Any], message: ResourceSpans) -> None:
        resource = _optional(given, "resource")
        _attributes(resource, message.resource.attributes.add)
        for scope_spans in _objects(given, "scopeSpans"):
            self._scope_spans(scope_spans, message.scope_spans.add())

    def _scope_spans(self, given: Mapping[str, Any], message: ScopeSpans) -> None:
        _scope(_optional(given, "scope"), message.scope)
        for span in _objects(given, "spans"):
            self._span(span, message.spans.add())

    def _span(self, given: Mapping[str, Any], span: Span) -> None:
        span.trace_id = self._id(given, "traceId", 16)
        span.span_id = self._id(given, "spanId", 8)
        if given.get("parentSpanId") not in (None, "", "0" * 16):
            span.parent_span_id = self._id(given, "parentSpanId", 8)
        span.name = _text(given, "name")
        span.trace_state = _text(given, "traceState")
        kind = _enumerated(given, "kind", _KINDS)
        span.kind = kind if kind in _KINDS.values() else 0  # type: ignore[assignment]  # an enum is an int
        span.start_time_unix_nano = _count(given, "startTimeUnixNano")
        span.end_time_unix_nano = _count(given, "endTimeUnixNano")
        _attributes(given, span.attributes.add)
        for event in _objects(given, "events"):
            message = span.events.add(name=_text(event, "name"), time_unix_nano=_count(event, "timeUnixNano"))
            _attributes(event, message.attributes.add)
        status = _optional(given, "status")
        span.status.message = _text(status, "message")
        code = _enumerated(status, "code", _CODES)
        span.status.code = code if code in _CODES.values() else 0  # type: ignore[assignment]  # an enum is an int

    def _id(self, given: Mapping[str, Any], field: str, length: int) -> bytes:
        value = given.get(field)
        if isinstance(value, Mapping) and value.get("type") == "Buffer":
            value = value.get("data")
        if isinstance(value, list):
            return _id_bytes(value, field, length)
        if not isinstance(value, str) or not value:
            raise Malformed(Fault.ABSENT if value in (None, "") else Fault.NOT_AN_ID, field)
        if not _HEX.fullmatch(value):
            return self._stand_in(value, field, length)
        raw = _known_length(bytes.fromhex(value) if len(value) == 2 * length else b"", field, length)
        return raw if value == value.lower() else self._stand_in(value, field, length)

    def _stand_in(self, value: str, field: str, length: int) -> bytes:
        if len(value) > _LONGEST_ID or _CONTROL.search(value):
            raise Malformed(Fault.NOT_AN_ID, field)
        raw = hashlib.sha256(value.encode()).digest()[:length]
        self.renamed[raw.hex()] = value
        return raw


def _id_bytes(value: list[Any], field: str, length: int) -> bytes:
    if not all(type(each) is int and 0 <= each <= 255 for each in value):
        raise Malformed(Fault.NOT_AN_ID, field)
    return _known_length(bytes(value), field, length)


def _known_length(raw: bytes, field: str, length: int) -> bytes:
    if len(raw) != length:
        raise Malformed(Fault.WRONG_LENGTH, field)
    if not any(raw):
        raise Malformed(Fault.ALL_ZERO, field)
    return raw


def _object(value: object, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Malformed(Fault.NOT_AN_OBJECT, field)
    return value


def _optional(given: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = given.get(field)
    return {} if value is None else _object(value, field)


def _objects(given: Mapping[str, Any], field: str) -> Iterator[Mapping[str, Any]]:
    value = given.get(field)
    if value is None:
        return
    if not isinstance(value, list):
        raise Malformed(Fault.NOT_AN_ARRAY, field)
    for each in value:
        yield _object(each, field)


def _text(given: Mapping[str, Any], field: str) -> str:
    value = given.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Malformed(Fault.NOT_A_STRING, field)
    return value


def _count(given: Mapping[str, Any], field: str) -> int:
    value = given.get(field)
    number = 0 if value is None else _integer(value, field)
    if not 0 <= number < 2**64:
        raise Malformed(Fault.OUT_OF_RANGE, field)
    return number


def _integer(value: object, field: str) -> int:
    if isinstance(value, Mapping):
        value = _whole_of(value.get("high"), value.get("low"))
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**64:
        return int(value)
    if type(value) is not int:
        raise Malformed(Fault.NOT_A_NUMBER, field)
    return value


def _whole_of(high: object, low: object) -> int | None:
    """Return the 64-bit integer of two halves, as exporters in JavaScript once sent it."""
    if type(high) is not int or type(low) is not int:
        return None
    return ((high & 0xFFFFFFFF) << 32 | (low & 0xFFFFFFFF)) - (1 << 64 if high < 0 else 0)


def _enumerated(given: Mapping[str, Any], field: str, names: Mapping[str, int]) -> int:
    value = given.get(field)
    if isinstance(value, str) and value in names:
        return names[value]
    return 0 if value is None else _integer(value, field)


def _scope(given: Mapping[str, Any], scope: InstrumentationScope) -> None:
    scope.name = _text(given, "name")
    scope.version = _text(given, "version")
    _attributes(given, scope.attributes.add)


def _attributes(given: Mapping[str, Any], add: Callable[[], KeyValue]) -> None:
    for pair in _objects(given, "attributes"):
        _pair(pair, add())


def _pair(pair: Mapping[str, Any], message: KeyValue) -> None:
    message.key = _text(pair, "key")
    _any_value(_optional(pair, "value"), message.value)


def _any_value(given: Mapping[str, Any], value: AnyValue) -> None:
    for kind, take in _TAKERS.items():
        if given.get(kind) is not None:
            take(given[kind], value)
            return


def _take_string(given: object, value: AnyValue) -> None:
    if not isinstance(given, str):
        raise Malformed(Fault.NOT_A_STRING, "stringValue")
    value.string_value = given


def _take_bool(given: object, value: AnyValue) -> None:
    if not isinstance(given, bool):
        raise Malformed(Fault.NOT_A_BOOLEAN, "boolValue")
    value.bool_value = given


def _take_int(given: object, value: AnyValue) -> None:
    number = _integer(given, "intValue")
    if not -(2**63) <= number < 2**63:
        raise Malformed(Fault.OUT_OF_RANGE, "intValue")
    value.int_value = number


def _take_double(given: object, value: AnyValue) -> None:
    if isinstance(given, str) and given in _NOT_NUMBERS:
        value.double_value = _NOT_NUMBERS[given]
    elif isinstance(given, (int, float)) and not isinstance(given, bool):
        value.double_value = given
    else:
        raise Malformed(Fault.NOT_A_NUMBER, "doubleValue")


def _take_array(given: object, value: AnyValue) -> None:
    value.array_value.SetInParent()
    for each in _objects(_object(given, "arrayValue"), "values"):
        _any_value(each, value.array_value.values.add())


def _take_pairs(given: object, value: AnyValue) -> None:
    value.kvlist_value.SetInParent()
    for each in _objects(_object(given, "kvlistValue"), "values"):
        _pair(each, value.kvlist_value.values.add())


def _take_bytes(given: object, value: AnyValue) -> None:
    try:
        value.bytes_value = base64.b64decode(given, validate=True) if isinstance(given, str) else _raw(given)
    except (binascii.Error, ValueError):
        raise Malformed(Fault.NOT_BASE64, "bytesValue") from None


def _raw(given: object) -> bytes:
    data = given.get("data") if isinstance(given, Mapping) else given
    if not isinstance(data, Sequence) or not all(type(each) is int for each in data):
        raise Malformed(Fault.NOT_BASE64, "bytesValue")
    return bytes(data)


_TAKERS: Final[Mapping[str, Callable[[object, AnyValue], None]]] = {
    "stringValue": _take_string,
    "boolValue": _take_bool,
    "intValue": _take_int,
    "doubleValue": _take_double,
    "arrayValue": _take_array,
    "kvlistValue": _take_pairs,
    "bytesValue": _take_bytes,
}
