"""Span records to OTLP protobuf: one serialized `ResourceSpans` per unit, joined without decoding.

Input is already redacted. One value that OTLP cannot carry never costs its span: it is replaced and the rest goes out.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, SpanFlags, Status

from certtrace import semconv
from certtrace.ports import EventRecord, LinkRecord, ScopeRecord, SpanRecord

_METADATA_PREFIX: Final = semconv.metadata("")
_TRACE_METADATA_PREFIX: Final = f"{semconv.TRACE_METADATA}."
_KEPT_AS_THEY_ARE: Final = frozenset({semconv.USER_ID, semconv.SESSION_ID})
_SAMPLED: Final = 1
_INT64: Final = range(-(2**63), 2**63)
_UINT64_MAX: Final = 2**64 - 1
_UINT32_MAX: Final = 2**32 - 1
_REQUEST_FIELD_1: Final = b"\x0a"
"""Tag of `ExportTraceServiceRequest.resource_spans`: field 1, length delimited."""


def encode_unit(spans: Sequence[SpanRecord], resource: Mapping[str, object]) -> bytes:
    """Return one serialized `ResourceSpans`, its spans grouped by scope.

    Args:
        spans: Redacted spans of one unit.
        resource: Redacted resource attributes.
    """
    scopes: dict[tuple[str, str], tuple[ScopeRecord, list[Span]]] = {}
    for span in spans:
        key = (span.scope.name, span.scope.version)
        scopes.setdefault(key, (span.scope, []))[1].append(_span(span))
    message = ResourceSpans(
        resource=Resource(attributes=_key_values(resource.items())),
        scope_spans=[ScopeSpans(scope=_scope(scope), spans=encoded) for scope, encoded in scopes.values()],
    )
    return message.SerializeToString()


def concat_units(payloads: Iterable[bytes]) -> bytes:
    """Return a serialized `ExportTraceServiceRequest` made of serialized `ResourceSpans`, without decoding them."""
    parts: list[bytes] = []
    for payload in payloads:
        parts += (_REQUEST_FIELD_1, _varint(len(payload)), payload)
    return b"".join(parts)


def halve_unit(payload: bytes) -> tuple[bytes, bytes] | None:
    """Return the unit as two units of half the spans each, or None where it cannot be divided."""
    try:
        whole = ResourceSpans.FromString(payload)
    except Exception:  # noqa: BLE001 - the protobuf runtimes raise different classes; an unreadable unit is not divisible
        return None
    total = sum(len(scope.spans) for scope in whole.scope_spans)
    if total < 2:
        return None
    return _slice(whole, 0, total // 2), _slice(whole, total // 2, total)


def _slice(whole: ResourceSpans, start: int, end: int) -> bytes:
    """Return the spans `start` to `end`, counted over all scopes, with resource and scopes kept."""
    part = ResourceSpans(resource=whole.resource, schema_url=whole.schema_url)
    position = 0
    for scope in whole.scope_spans:
        low, high = max(start - position, 0), max(end - position, 0)
        chosen = scope.spans[low:high]
        if chosen:
            part.scope_spans.append(ScopeSpans(scope=scope.scope, schema_url=scope.schema_url, spans=chosen))
        position += len(scope.spans)
    return part.SerializeToString()


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _span(span: SpanRecord) -> Span:
    attributes: Iterable[tuple[str, object]] = span.attributes.items()
    if span.scope.name == semconv.SCOPE_NAME:
        attributes = [_for_langfuse(key, value) for key, value in attributes]
    start = _uint64(span.start_time_ns)
    return Span(
        trace_id=_id(span.trace_id, 16),
        span_id=_id(span.span_id, 8),
        parent_span_id=_id(span.parent_span_id, 8) if span.parent_span_id else b"",
        trace_state=_text(span.trace_state),
        flags=_flags(remote=span.parent_is_remote),
        name=_text(span.name),
        kind=span.kind if span.kind in range(6) else 0,  # type: ignore[arg-type]  # protobuf enums are ints at run time
        start_time_unix_nano=start,
        # A clock that was set back while the span ran must not cost the batch: Langfuse refuses end before start.
        end_time_unix_nano=max(_uint64(span.end_time_ns), start),
        attributes=_key_values(attributes),
        dropped_attributes_count=min(max(span.dropped_attributes, 0), _UINT32_MAX),
        events=[_event(event) for event in span.events],
        links=[_link(link) for link in span.links],
        status=_status(span),
    )


def _status(span: SpanRecord) -> Status:
    code = span.status_code if span.status_code in range(3) else 0
    return Status(code=code, message=_text(span.status_message))  # type: ignore[arg-type]  # protobuf enums are ints


def _flags(*, remote: bool) -> int:
    is_remote = SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK if remote else 0
    return _SAMPLED | SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK | is_remote


def _event(event: EventRecord) -> Span.Event:
    return Span.Event(
        name=_text(event.name),
        time_unix_nano=_uint64(event.time_ns),
        attributes=_key_values(event.attributes.items()),
    )


def _link(link: LinkRecord) -> Span.Link:
    return Span.Link(
        trace_id=_id(link.trace_id, 16),
        span_id=_id(link.span_id, 8),
        trace_state=_text(link.trace_state),
        attributes=_key_values(link.attributes.items()),
    )


def _scope(scope: ScopeRecord) -> InstrumentationScope:
    return InstrumentationScope(
        name=_text(scope.name), version=_text(scope.version), attributes=_key_values(scope.attributes.items())
    )


def _for_langfuse(key: str, value: object) -> tuple[str, object]:
    """Return the attribute under the name where Langfuse shows it.

    For a scope called `langfuse-sdk…` Langfuse stores its own attributes and metadata, and drops every other attribute.
    """
    if key.startswith((_METADATA_PREFIX, _TRACE_METADATA_PREFIX)):
        return key, _json(value)
    if key.startswith("langfuse.") or key in _KEPT_AS_THEY_ARE:
        return key, value
    return semconv.metadata(key), _json(value)


def _json(value: object) -> str:
    """Return the value as JSON, strings included, as Langfuse expects of metadata.

    Text that already is a JSON object, array or string stays: structured values are JSON text when they get here.
    """
    if isinstance(value, str):
        if value[:1] in {"{", "[", '"'} and _is_json(value):
            return value
        return orjson.dumps(_text(value)).decode()
    return orjson.dumps(_plain(value)).decode()


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return False
    return True


def _plain(value: object) -> object:
    """Return what orjson can write: the same clean-up as `_any_value`, as Python values."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int):
        return int(value) if value in _INT64 else str(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, list | tuple):
        return [_plain(element) for element in value]
    return _leftover_text(value)


def _key_values(attributes: Iterable[tuple[str, object]]) -> list[KeyValue]:
    return [_key_value(key, value) for key, value in attributes if value is not None]


def _key_value(key: str, value: object) -> KeyValue:
    try:
        # The usual case first and without further looks: encoding is per attribute of every span.
        if type(value) is str:
            return KeyValue(key=key, value=AnyValue(string_value=value))
        return KeyValue(key=key, value=_any_value(value))
    except Exception:  # noqa: BLE001 - one value must not cost its span, whatever the protobuf runtime raises
        return KeyValue(key=_text(key), value=AnyValue(string_value=_leftover_text(value)))


def _any_value(value: object) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value) if value in _INT64 else AnyValue(string_value=str(value))
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, list | tuple):
        return AnyValue(array_value=ArrayValue(values=[_any_value(element) for element in value]))
    return AnyValue(string_value=_leftover_text(value))


def _leftover_text(value: object) -> str:
    """Return clean text for a string, and the type's name for anything else: its `str` is foreign code."""
    return _text(value) if isinstance(value, str) else f"<unrepresentable {type(value).__name__}>"


def _text(text: str) -> str:
    """Return the text with lone surrogates replaced: protobuf and JSON refuse them."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _id(number: int, size: int) -> bytes:
    return (number & (1 << 8 * size) - 1).to_bytes(size, "big")


def _uint64(number: int) -> int:
    return min(max(number, 0), _UINT64_MAX)
