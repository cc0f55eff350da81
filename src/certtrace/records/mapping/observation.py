"""One span with its resource becomes one observation."""

from collections.abc import Iterator

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from certtrace import semconv
from certtrace.ports import ScopeRecord, SpanRecord
from certtrace.records.mapping import content, fields, types, usage
from certtrace.records.mapping.ids import SPAN_DIGITS, TRACE_DIGITS, id_text
from certtrace.records.mapping.metadata import is_encoded, metadata_of
from certtrace.records.mapping.protobuf import records_of
from certtrace.records.mapping.values import Attributes, clamped_ns, mapped, text
from certtrace.records.model import Observation


def observations_of(resource_spans: ResourceSpans) -> Iterator[Observation]:
    """Yield the observations of one resource.

    Raises:
        ValueError: A span has no trace id or no span id.
    """
    resource, records = records_of(resource_spans)
    seen = mapped(resource)
    for record in records:
        yield observation_of(record, seen)


def observation_of(record: SpanRecord, resource: Attributes, *, sdk_version: str = "") -> Observation:
    """Return the observation that one span is.

    Args:
        record: The span, before or after redaction.
        resource: The resource's attributes.
        sdk_version: What the request's header `x-langfuse-sdk-version` said.
    """
    attributes = mapped(record.attributes)
    resource = mapped(resource)
    scope = record.scope
    scope_record = _scope_record(scope)
    kind = types.observation_type(types.SpanView(attributes, resource, scope.name, scope.version, record.name))
    start, end = clamped_ns(record.start_time_ns), clamped_ns(record.end_time_ns)
    prompt_name, prompt_version = fields.prompt(attributes, kind)
    entered, returned = content.content_of(_content_view(record, attributes))
    return Observation(
        id=id_text(record.span_id, SPAN_DIGITS),
        trace_id=id_text(record.trace_id, TRACE_DIGITS),
        parent_observation_id=id_text(record.parent_span_id, SPAN_DIGITS) if record.parent_span_id else None,
        type=kind,
        name=fields.observation_name(record.name, attributes),
        start_time_ns=start,
        end_time_ns=end,
        level=fields.level(attributes, record.status_code),
        status_message=fields.status_message(attributes, record.status_message),
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
        metadata=metadata_of(attributes, resource, scope_record, encoded=is_encoded(scope_record, sdk_version)),
    )


def _content_view(record: SpanRecord, attributes: Attributes) -> content.ContentView:
    events = [(event.name, mapped(event.attributes)) for event in record.events]
    return content.ContentView(attributes, events, record.scope.name)


def _scope_record(scope: ScopeRecord) -> dict[str, object]:
    """Return the scope as the server keeps it: what is empty was not sent."""
    found: dict[str, object] = {}
    if scope.name:
        found["name"] = scope.name
    if scope.version:
        found["version"] = scope.version
    found["attributes"] = mapped(scope.attributes)
    return found
