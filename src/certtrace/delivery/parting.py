"""What is left to try with a unit that a destination refuses: fewer of its spans, less of its texts, no content at all.

The generated classes are imported when they are needed: only a unit that is too large or refused pays for them.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from certtrace import semconv

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

LOST_NAME: Final = "content lost"
"""Name of a span that stands in for content that is not there."""
_CUT_ABOVE_BYTES: Final = 64 * 1024
"""A span below this was not refused for its size."""
_TEXT_CHARACTERS: Final = 2_048
_ELEMENTS: Final = 64
_CUT_MARK: Final = "…"


def halve_unit(payload: bytes) -> tuple[bytes, bytes] | None:
    """Return the unit as two units of half the spans each, or None where it cannot be divided."""
    whole = _read(payload)
    total = sum(len(scope.spans) for scope in whole.scope_spans) if whole is not None else 0
    if whole is None or total < 2:
        return None
    return _slice(whole, 0, total // 2), _slice(whole, total // 2, total)


def cut_unit(payload: bytes) -> bytes | None:
    """Return the unit with its texts cut and its spans marked so, or None where that would not make it small."""
    if len(payload) <= _CUT_ABOVE_BYTES:
        return None
    return _changed(payload, _cut)


def bare_unit(payload: bytes) -> bytes | None:
    """Return the unit with ids, times and status codes alone, or None where it cannot be read."""
    return _changed(payload, _strip)


def _read(payload: bytes) -> "ResourceSpans | None":
    from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans  # noqa: PLC0415 - see the module

    try:
        return ResourceSpans.FromString(payload)
    except Exception:  # noqa: BLE001 - the protobuf runtimes raise different classes; what is unreadable stays whole
        return None


def _slice(whole: "ResourceSpans", start: int, end: int) -> bytes:
    """Return the spans `start` to `end`, counted over all scopes, with resource and scopes kept."""
    part = type(whole)(resource=whole.resource, schema_url=whole.schema_url)
    position = 0
    for scope in whole.scope_spans:
        low, high = max(start - position, 0), max(end - position, 0)
        chosen = scope.spans[low:high]
        if chosen:
            part.scope_spans.add(scope=scope.scope, schema_url=scope.schema_url, spans=chosen)
        position += len(scope.spans)
    return part.SerializeToString()


def _changed(payload: bytes, change: "Callable[[Span, str], None]") -> bytes | None:
    unit = _read(payload)
    if unit is None or not any(scope.spans for scope in unit.scope_spans):
        return None
    for scope in unit.scope_spans:
        # Langfuse shows the attributes of our own scope only as metadata.
        prefix = semconv.metadata("") if scope.scope.name == semconv.SCOPE_NAME else ""
        for span in scope.spans:
            change(span, prefix)
    return unit.SerializeToString()


def _cut(span: "Span", prefix: str) -> None:
    size = span.ByteSize()
    span.name = _shortened(span.name)
    span.trace_state = span.trace_state if len(span.trace_state) <= 512 else ""
    span.status.message = _shortened(span.status.message)
    for group in (span.events, span.links):
        del group[_ELEMENTS:]
    del span.attributes[4 * _ELEMENTS :]
    _cut_values(span.attributes)
    for event in span.events:
        event.name = _shortened(event.name)
        _cut_values(event.attributes)
    for link in span.links:
        _cut_values(link.attributes)
    _mark(span, prefix + semconv.DELIVERY_CUT, str(size))


def _cut_values(attributes: "Iterable[KeyValue]") -> None:
    for attribute in attributes:
        attribute.key = attribute.key[:256]
        _cut_value(attribute.value)


def _cut_value(value: "AnyValue") -> None:
    kind = value.WhichOneof("value")
    if kind == "string_value":
        value.string_value = _shortened(value.string_value)
    elif kind == "array_value":
        del value.array_value.values[_ELEMENTS:]
        for element in value.array_value.values:
            _cut_value(element)


def _shortened(text: str) -> str:
    return text if len(text) <= _TEXT_CHARACTERS else text[:_TEXT_CHARACTERS] + _CUT_MARK


def _strip(span: "Span", prefix: str) -> None:
    code = span.status.code
    kept = [a for a in span.attributes if a.key in (semconv.OBSERVATION_TYPE, semconv.IS_APP_ROOT)]
    bare = type(span)(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        flags=span.flags,
        name=LOST_NAME,
        kind=span.kind,
        start_time_unix_nano=span.start_time_unix_nano,
        end_time_unix_nano=span.end_time_unix_nano,
        attributes=kept,
    )
    if code:
        bare.status.code = code
    _mark(bare, prefix + semconv.CONTENT_LOST, '"rejected"' if prefix else "rejected")
    span.CopyFrom(bare)


def _mark(span: "Span", key: str, text: str) -> None:
    attribute = span.attributes.add(key=key)
    attribute.value.string_value = text
