"""One OTLP span with its resource and scope becomes one observation."""

import time
from collections.abc import Iterator

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from certtrace import semconv
from certtrace.records.mapping import content, fields, types, usage
from certtrace.records.mapping.metadata import metadata_of
from certtrace.records.mapping.values import Attributes, attributes_of, clamped_ns, text
from certtrace.records.model import Observation


def observations_of(resource_spans: ResourceSpans) -> Iterator[Observation]:
    """Yield the observations of one resource.

    Raises:
        ValueError: A span's trace or span id is missing, all zero or of the wrong length.
    """
    resource = attributes_of(resource_spans.resource.attributes)
    for scope_spans in resource_spans.scope_spans:
        for span in scope_spans.spans:
            yield _observation(span, resource, scope_spans.scope)


def _observation(span: Span, resource: Attributes, scope: InstrumentationScope) -> Observation:
    attributes = attributes_of(span.attributes)
    kind = types.observation_type(types.SpanView(attributes, resource, scope.name, scope.version, span.name))
    start, end = _times(span)
    prompt_name, prompt_version = fields.prompt(attributes, kind)
    entered, returned = content.content_of(_content_view(span, attributes, scope))
    return Observation(
        id=_hex_id(span.span_id, 8),
        trace_id=_hex_id(span.trace_id, 16),
        parent_observation_id=_hex_id(span.parent_span_id, 8) if any(span.parent_span_id) else None,
        type=kind,
        name=fields.observation_name(span.name, attributes),
        start_time_ns=start,
        end_time_ns=end,
        level=fields.level(attributes, span.status.code),
        status_message=fields.status_message(attributes, span.status.message),
        environment=fields.environment(attributes, resource),
        release=fields.release(attributes, resource),
        version=fields.version(attributes, resource),
        user_id=fields.user_id(attributes),
        session_id=fields.session_id(attributes),
        trace_name=text(attributes.get(semconv.TRACE_NAME)),
        tags=fields.tags(attributes),
        public=fields.is_public(attributes),
        is_app_root=fields.is_app_root(attributes),
        model=fields.model_name(attributes),
        model_parameters=usage.model_parameters(attributes, scope.name),
        usage_details=usage.usage_details(attributes),
        cost_details=usage.cost_details(attributes),
        completion_start_time_ns=fields.completion_start_time_ns(attributes, start),
        prompt_name=prompt_name,
        prompt_version=prompt_version,
        input=text(entered),
        output=text(returned),
        metadata=metadata_of(attributes, resource, _scope_record(scope)),
    )


def _content_view(span: Span, attributes: Attributes, scope: InstrumentationScope) -> content.ContentView:
    events = [(event.name, attributes_of(event.attributes)) for event in span.events]
    return content.ContentView(attributes, events, scope.name)


def _scope_record(scope: InstrumentationScope) -> dict[str, object]:
    return {"name": scope.name, "version": scope.version, "attributes": attributes_of(scope.attributes)}


def _times(span: Span) -> tuple[int, int]:
    """Return start and end: a missing edge copies the other, both missing are now."""
    start, end = span.start_time_unix_nano, span.end_time_unix_nano
    if not start and not end:
        start = time.time_ns()
    return clamped_ns(start or end), clamped_ns(end or start)


def _hex_id(raw: bytes, length: int) -> str:
    if len(raw) != length or not any(raw):
        msg = f"an OTLP id must be {length} bytes and not all zero, got {len(raw)} bytes"
        raise ValueError(msg)
    return raw.hex()
