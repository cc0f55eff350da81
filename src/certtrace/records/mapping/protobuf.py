"""OTLP protobuf messages decoded to span records."""

import time
from collections.abc import Iterable, Iterator
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from certtrace.ports import EventRecord, LinkRecord, ScopeRecord, SpanRecord
from certtrace.records.mapping.ids import SPAN_DIGITS, TRACE_DIGITS, id_number

_REMOTE: Final = 0x200
"""Bit of a span's flags: its parent is in another process."""
EMPTY_LIST: Final = '{"arrayValue":{}}'
"""What the Langfuse server takes an empty list in protobuf for."""
_EMPTY_VALUE: Final = "{}"
_PLAIN_KINDS: Final = ("string_value", "int_value", "bool_value", "double_value", "bytes_value")


def records_of(resource_spans: ResourceSpans) -> tuple[dict[str, object], list[SpanRecord]]:
    """Return the resource's attributes and its spans.

    Attribute values are `str`, `bool`, `int`, `float`, `None`, `list`, `dict` (a key/value list) or `bytes`. Times are
    resolved: a missing edge is the other one, both missing are now.

    Raises:
        ValueError: A span has no trace id or no span id.
    """
    return attributes_of(resource_spans.resource.attributes), list(_records(resource_spans))


def _records(resource_spans: ResourceSpans) -> Iterator[SpanRecord]:
    for scope_spans in resource_spans.scope_spans:
        scope = _scope(scope_spans.scope)
        for span in scope_spans.spans:
            yield _record(span, scope)


def _scope(scope: InstrumentationScope) -> ScopeRecord:
    return ScopeRecord(scope.name, scope.version, attributes_of(scope.attributes) if scope.attributes else {})


def _record(span: Span, scope: ScopeRecord) -> SpanRecord:
    start, end = resolved_times(span.start_time_unix_nano or None, span.end_time_unix_nano or None)
    status = span.status
    trace_id, span_id, parent = span.trace_id, span.span_id, span.parent_span_id
    if not trace_id or not span_id:
        msg = f"a span has no {'span' if trace_id else 'trace'} id"
        raise ValueError(msg)
    return SpanRecord(
        trace_id=id_number(trace_id, TRACE_DIGITS),
        span_id=id_number(span_id, SPAN_DIGITS),
        parent_span_id=id_number(parent, SPAN_DIGITS) if parent else 0,
        name=span.name,
        kind=span.kind,
        start_time_ns=start,
        end_time_ns=end,
        status_code=status.code,
        status_message=status.message,
        attributes=attributes_of(span.attributes),
        events=[EventRecord(event.name, event.time_unix_nano, attributes_of(event.attributes)) for event in span.events]
        if span.events
        else [],
        links=[_link(link) for link in span.links] if span.links else [],
        trace_state=span.trace_state,
        parent_is_remote=bool(span.flags & _REMOTE),
        scope=scope,
        dropped_attributes=span.dropped_attributes_count,
        dropped_events=span.dropped_events_count,
        dropped_links=span.dropped_links_count,
    )


def _link(link: Span.Link) -> LinkRecord:
    ids = int.from_bytes(link.trace_id[:16], "big"), int.from_bytes(link.span_id[:8], "big")
    return LinkRecord(*ids, link.trace_state, attributes_of(link.attributes))


def resolved_times(start: int | None, end: int | None) -> tuple[int, int]:
    """Return start and end: a missing edge copies the other, both missing are now."""
    if start is None and end is None:
        start = time.time_ns()
    return start if start is not None else end or 0, end if end is not None else start or 0


def attributes_of(pairs: Iterable[KeyValue]) -> dict[str, object]:
    """Return OTLP key/value pairs as a dictionary; of equal keys the last wins."""
    found: dict[str, object] = {}
    for pair in pairs:
        value = pair.value
        found[pair.key] = value.string_value or (plain(value) if pair.HasField("value") else None)
    return found


def plain(value: AnyValue) -> object:
    """Return one OTLP value as plain data."""
    kind = value.WhichOneof("value")
    if kind in _PLAIN_KINDS:
        return getattr(value, kind)
    if kind == "array_value":
        values = value.array_value.values
        # The server's decoder leaves an empty list out, and what remains is a value of no type it knows.
        return [plain(each) for each in values] if values else EMPTY_LIST
    if kind == "kvlist_value":
        return attributes_of(value.kvlist_value.values)
    return _EMPTY_VALUE
