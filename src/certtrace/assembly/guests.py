"""Redacted spans in the form that span processors and exporters of other libraries take."""

from collections.abc import Mapping
from typing import Any, cast

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import Attributes

from certtrace.ports import SpanRecord

_SAMPLED = TraceFlags(TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID)
_STATUS = {0: StatusCode.UNSET, 1: StatusCode.OK, 2: StatusCode.ERROR}


def readable(span: SpanRecord, resource: Resource) -> ReadableSpan:
    """Return a redacted span as the SDK's exporters read it."""
    return ReadableSpan(
        name=span.name,
        context=_context(span.trace_id, span.span_id, span.trace_state, remote=False),
        parent=_context(span.trace_id, span.parent_span_id, "", remote=span.parent_is_remote)
        if span.parent_span_id
        else None,
        resource=resource,
        attributes=_attributes(span.attributes),
        events=[Event(event.name, _attributes(event.attributes), event.time_ns) for event in span.events],
        links=[
            Link(_context(link.trace_id, link.span_id, link.trace_state, remote=True), _attributes(link.attributes))
            for link in span.links
        ],
        kind=SpanKind(span.kind - 1),
        status=Status(_STATUS[span.status_code], span.status_message or None)
        if span.status_code == 2
        else Status(_STATUS[span.status_code]),
        start_time=span.start_time_ns,
        end_time=span.end_time_ns,
        instrumentation_scope=InstrumentationScope(
            span.scope.name, span.scope.version, None, _attributes(span.scope.attributes)
        ),
    )


def _context(trace_id: int, span_id: int, trace_state: str, *, remote: bool) -> SpanContext:
    state = TraceState.from_header([trace_state]) if trace_state else None
    return SpanContext(trace_id, span_id, is_remote=remote, trace_flags=_SAMPLED, trace_state=state)


def _attributes(attributes: Mapping[str, object]) -> Attributes:
    plain: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in attributes.items()
    }
    return cast("Attributes", plain)
