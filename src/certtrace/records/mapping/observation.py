"""One span with its resource becomes one observation."""

from collections.abc import Iterator, Sequence
from typing import Final

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from certtrace import semconv
from certtrace.ports import EventRecord, SpanRecord
from certtrace.records.mapping import fields, keys, usage
from certtrace.records.mapping.content import Content, ContentView, content_of
from certtrace.records.mapping.experiment import experiment_of
from certtrace.records.mapping.ids import SPAN_DIGITS, TRACE_DIGITS, id_text
from certtrace.records.mapping.metadata import is_encoded, keeps_no_leftovers, metadata_of, scope_of
from certtrace.records.mapping.parameters import model_parameters
from certtrace.records.mapping.protobuf import records_of
from certtrace.records.mapping.tools import with_tools
from certtrace.records.mapping.types import SpanView, observation_type
from certtrace.records.mapping.values import Attributes, clamped_ns, mapped, text
from certtrace.records.model import Observation

_SCOPES_WITH_RULES: Final = frozenset(
    ("ai", "genkit-tracer", "gcp.vertex.agent", "@flue/opentelemetry", "livekit-agents", "pydantic-ai")
)
"""Scopes whose name alone decides something: no row is spared."""


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
    scope_name = record.scope.name
    encoded = is_encoded(scope_name, record.scope.version, sdk_version)
    filed = keys.sort_attributes(attributes, with_leftovers=not keeps_no_leftovers(scope_name), encoded=encoded)
    rows = keys.ALL_ROWS if scope_name in _SCOPES_WITH_RULES else filed.rows
    kind = observation_type(
        SpanView(attributes, resource, scope_name, record.scope.version, record.name),
        is_foreign=bool(rows & keys.TYPE),
    )
    start = clamped_ns(record.start_time_ns)
    prompt_name, prompt_version = fields.prompt(attributes, kind) if rows & keys.PROMPT else (None, None)
    entered, returned = _content(attributes, rows, record.events, scope_name)
    metadata = metadata_of(attributes, filed, resource, scope_of(record.scope))
    if rows & keys.TOOLS or "tools" in metadata:
        entered, metadata = with_tools(entered, metadata)
    return Observation(
        id=id_text(record.span_id, SPAN_DIGITS),
        trace_id=id_text(record.trace_id, TRACE_DIGITS),
        parent_observation_id=id_text(record.parent_span_id, SPAN_DIGITS) if record.parent_span_id else None,
        type=kind,
        name=fields.observation_name(record.name, attributes) if rows & keys.NAME else record.name,
        start_time_ns=start,
        end_time_ns=clamped_ns(record.end_time_ns),
        level=fields.level(attributes, record.status_code, scope_name, record.name),
        status_message=fields.status_message(attributes, record.status_message),
        environment=fields.environment(attributes, resource),
        release=fields.release(attributes, resource),
        version=fields.version(attributes, resource),
        user_id=fields.user_id(attributes, encoded=encoded) if rows & keys.USER else None,
        session_id=fields.session_id(attributes, encoded=encoded) if rows & keys.SESSION else None,
        trace_name=text(attributes.get(semconv.TRACE_NAME)),
        tags=fields.tags(attributes) if rows & keys.TAGS else (),
        public=fields.is_public(attributes) if rows & keys.PUBLIC else False,
        is_app_root=fields.is_app_root(attributes),
        as_root=fields.is_as_root(attributes),
        model=_model(attributes) if rows & keys.MODEL else None,
        model_parameters=model_parameters(attributes, filed.parameters, filed.late_parameters, scope_name)
        if rows & keys.PARAMETERS
        else {},
        usage_details=usage.usage_details(attributes, filed.usage, scope_name) if rows & keys.USAGE else {},
        cost_details=usage.cost_details(attributes) if rows & keys.COST else {},
        completion_start_time_ns=fields.completion_start_time_ns(attributes, start) if rows & keys.COMPLETION else None,
        prompt_name=prompt_name,
        prompt_version=prompt_version,
        input=text(entered),
        output=text(returned),
        metadata=metadata,
        experiment=experiment_of(attributes, encoded=encoded) if rows & keys.EXPERIMENT else None,
    )


def _model(attributes: Attributes) -> str | None:
    return None if usage.is_aggregate(attributes) else fields.model_name(attributes)


def _content(attributes: Attributes, rows: int, events: Sequence[EventRecord], scope_name: str) -> Content:
    """Return input and output. Most spans name them outright, or have none: nothing else is looked at then."""
    entered, returned = attributes.get(semconv.OBSERVATION_INPUT), attributes.get(semconv.OBSERVATION_OUTPUT)
    if entered is not None or returned is not None:
        return entered, returned
    if not rows & keys.CONTENT and not any(event.name.startswith("gen_ai.") for event in events):
        return None, None
    seen = [(event.name, mapped(event.attributes)) for event in events]
    return content_of(ContentView(attributes, seen, scope_name), rows)
