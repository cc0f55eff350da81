"""Turn ended spans, ours and other libraries', into the record that redaction takes. Runs on the worker."""

from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, StatusCode

from certtrace import semconv
from certtrace.ports import EventRecord, LinkRecord, ScopeRecord, SpanRecord, Structured
from certtrace.tracing.naming import ATOMS
from certtrace.tracing.spans import TracedSpan
from certtrace.tracing.units import Unit

_STATUS = {StatusCode.UNSET: 0, StatusCode.OK: 1, StatusCode.ERROR: 2}


def records_of(unit: Unit) -> list[SpanRecord]:
    """Return a record for each ended span of a unit, in the order in which they ended."""
    return [_own(span) if type(span) is TracedSpan else _foreign(span, unit) for span in unit.ended]


def bare_records_of(unit: Unit, reason: str) -> list[SpanRecord]:
    """Return records without any text of the host: ids, times, status, and the reason why there is no more."""
    return [_bare(span, unit, reason) for span in unit.ended]


def _bare(span: Any, unit: Unit, reason: str) -> SpanRecord:
    context, parent = span.get_span_context(), span.parent
    start = span.start_time or 0
    return SpanRecord(
        trace_id=unit.trace_id,
        span_id=context.span_id,
        parent_span_id=parent.span_id if parent else 0,
        name="withheld",
        kind=span.kind.value + 1,
        start_time_ns=start,
        end_time_ns=max(span.end_time or 0, start),
        status_code=_STATUS[span.status.status_code],
        status_message="",
        attributes={semconv.OBSERVATION_TYPE: "span", semconv.CONTENT_LOST: reason},
        scope=ScopeRecord(semconv.SCOPE_NAME),
    )


def _structured(value: Any) -> Any:
    return value if type(value) in ATOMS else Structured(value)


def _own(span: TracedSpan) -> SpanRecord:
    site = span.site
    attributes: dict[str, object] = {}
    if span.propagated:
        attributes.update({key: _structured(value) for key, value in span.propagated.items()})
    attributes[semconv.OBSERVATION_TYPE] = site.as_type
    if site.attributes:
        attributes.update({key: _structured(value) for key, value in site.attributes.items()})
    given_input = span.input_value()
    if given_input is not None:
        attributes[semconv.OBSERVATION_INPUT] = Structured(given_input)
    output = span.output_value()
    if output is not None:
        attributes[semconv.OBSERVATION_OUTPUT] = _structured(output)
    if span.item_count:
        attributes[semconv.ITEMS] = span.item_count
    attributes.update(span.given or {})
    if span.unit.root is span and (not span.parent_id or (span.parent_is_remote and not _ours(span.unit.trace_state))):
        attributes[semconv.IS_APP_ROOT] = True
    record = SpanRecord(
        trace_id=span.unit.trace_id,
        span_id=span.id,
        parent_span_id=span.parent_id,
        name=span.name,
        kind=site.kind,
        start_time_ns=span.start_ns,
        end_time_ns=max(span.end_ns or 0, span.start_ns),
        status_code=_STATUS[span.status.status_code],
        status_message=span.status.description or "",
        attributes=attributes,
        events=[_event(event) for event in span.events],
        links=[_link(link.context, link.attributes) for link in span.links],
        trace_state=span.unit.trace_state,
        parent_is_remote=span.parent_is_remote,
        scope=ScopeRecord(span.instrumentation_scope.name, span.instrumentation_scope.version or ""),
        dropped_attributes=span.dropped,
        dropped_events=span.dropped_events,
        dropped_links=span.dropped_links,
    )
    _add_failure(span, record)
    return record


def _add_failure(span: TracedSpan, record: SpanRecord) -> None:
    failure = span.failure
    if failure is None:
        return
    attributes = record.attributes
    if failure.outcome != "error":
        attributes[semconv.OUTCOME] = failure.outcome
        attributes.setdefault(semconv.OBSERVATION_LEVEL, "WARNING")
        attributes.setdefault(semconv.OBSERVATION_STATUS_MESSAGE, failure.outcome)
        return
    attributes.setdefault(semconv.ERROR_TYPE, failure.error_type)
    if failure.frames or failure.chain:
        record.events.append(EventRecord("exception", record.end_time_ns, failure.event_attributes()))
        # Langfuse stores no events: the stack is on record as metadata too, where a person finds it.
        attributes[semconv.EXCEPTION_STACKTRACE] = failure.stacktrace()


def _foreign(span: ReadableSpan, unit: Unit) -> SpanRecord:
    context = span.get_span_context()
    scope = span.instrumentation_scope
    parent = span.parent
    start = span.start_time or 0
    attributes: dict[str, object] = {key: _structured(value) for key, value in (span.attributes or {}).items()}
    is_root = context is not None and unit.root.get_span_context().span_id == context.span_id
    if not is_root:
        attributes.pop(semconv.IS_APP_ROOT, None)  # the langfuse SDK does not know that our span above is exported
    return SpanRecord(
        trace_id=unit.trace_id,
        span_id=context.span_id if context else 0,
        parent_span_id=parent.span_id if parent else 0,
        name=span.name,
        kind=span.kind.value + 1,
        start_time_ns=start,
        end_time_ns=max(span.end_time or 0, start),
        status_code=_STATUS[span.status.status_code],
        status_message=span.status.description or "",
        attributes=attributes,
        events=[_event(event) for event in span.events],
        links=[_link(link.context, link.attributes) for link in span.links],
        trace_state=context.trace_state.to_header() if context else "",
        parent_is_remote=bool(parent and parent.is_remote),
        scope=_scope(scope),
        dropped_attributes=span.dropped_attributes,
        dropped_events=span.dropped_events,
        dropped_links=span.dropped_links,
    )


def _ours(trace_state: str) -> bool:
    # A service with certtrace is upstream: it exports the root of this trace.
    return any(member.strip().startswith(f"{semconv.TRACESTATE_OWN_KEY}=") for member in trace_state.split(","))


def _scope(scope: Any) -> ScopeRecord:
    if scope is None:
        return ScopeRecord()
    return ScopeRecord(scope.name, scope.version or "", dict(scope.attributes or {}))


def _event(event: Any) -> EventRecord:
    return EventRecord(event.name, event.timestamp, _plain(event.attributes))


def _link(context: SpanContext, attributes: Mapping[str, Any] | None) -> LinkRecord:
    return LinkRecord(context.trace_id, context.span_id, context.trace_state.to_header(), _plain(attributes))


def _plain(attributes: Mapping[str, Any] | None) -> dict[str, object]:
    return {key: _structured(value) for key, value in (attributes or {}).items()}
