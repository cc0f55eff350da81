"""OTLP in protobuf becomes records; whatever attributes arrive, they map."""

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from tests.records.spans import START_NS, resource_spans, span

from certtrace.ports import ScopeRecord, SpanRecord
from certtrace.records.mapping import flat_metadata, observation_of, observations_of, records_of
from certtrace.records.mapping.ids import id_number, id_text
from certtrace.records.mapping.keys import DROPPED_CONTENT

TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_ids_of_another_length_are_records_too():
    for text in (TRACE, "Cvdo", "any text ü"):
        assert id_text(id_number(text, 32), 32) == text
    with pytest.raises(ValueError, match="1 to 800 characters"):
        id_number("x" * 801, 32)


@pytest.mark.parametrize(("start", "end", "expected"), [(10, 20, (10, 20)), (0, 20, (20, 20)), (10, 0, (10, 10))])
def test_a_missing_time_copies_the_other(start, end, expected):
    made = span(trace_id=TRACE)
    made.start_time_unix_nano, made.end_time_unix_nano = start, end
    (found,) = observations_of(resource_spans([made], scope="lib"))
    assert (found.start_time_ns, found.end_time_ns) == expected


def test_without_any_time_a_span_is_now():
    made = span(trace_id=TRACE)
    made.start_time_unix_nano = made.end_time_unix_nano = 0
    before = time.time_ns()
    (found,) = observations_of(resource_spans([made], scope="lib"))
    assert before <= found.start_time_ns == found.end_time_ns <= time.time_ns()


def value_in(value, kind):
    if kind == "array":
        return AnyValue(array_value=ArrayValue(values=[value]))
    return AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="k", value=value)]))


@pytest.mark.parametrize("kind", ["array", "pairs"])
def test_deep_values_are_kept(kind):
    value = AnyValue(int_value=-(2**63))
    for _ in range(25):
        value = value_in(value, kind)
    made = span(trace_id=TRACE)
    for key in ("input", "other"):
        made.attributes.add(key=key, value=value)
    (found,) = observations_of(resource_spans([made], scope="lib"))
    assert found.input == found.metadata["attributes"]["other"]
    assert "-922337203685477" in found.input


def test_an_empty_list_in_protobuf_is_no_tag():
    made = span(trace_id=TRACE)
    made.attributes.add(key="langfuse.trace.tags", value=AnyValue(array_value=ArrayValue()))
    (found,) = observations_of(resource_spans([made], scope="lib"))
    assert found.tags == ()
    assert found.metadata["attributes"] == {"langfuse.trace.tags": '{"arrayValue":{}}'}


def test_a_resource_may_be_shared_by_many_spans():
    made = resource_spans([span(trace_id=TRACE), span(trace_id=TRACE)], resource={"service.name": "w"})
    resource, records = records_of(made)
    assert [observation_of(record, resource) for record in records] == list(observations_of(made))


# --- whatever arrives maps ---

_KEYS = st.one_of(
    st.sampled_from(
        sorted(DROPPED_CONTENT)
        + [f"langfuse.observation.{name}" for name in ("type", "level", "usage_details", "cost_details", "metadata")]
        + ["langfuse.observation.model.parameters", "langfuse.observation.completion_start_time", "langfuse.tags"]
        + [
            "gen_ai.prompt.0.a.b",
            "gen_ai.prompt.0",
            "llm.input_messages.5.x",
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.x",
        ]
        + ["ai.response.providerMetadata", "ai.usage.cachedInputTokens", "ai.stream.msToFirstChunk", "gen_ai.tool.name"]
        + ["ai.prompt.tools", "llm.tools.1.tool.json_schema", "model_request_parameters", "langfuse.metadata.tools"]
        + ["langfuse.experiment.id", "langfuse.experiment.item.version", "langfuse.experiment.metadata"]
        + [
            "langfuse.prompt.version",
            "genkit:metadata:subtype",
            "openrouter.source",
            "ai.telemetry.metadata.langfusePrompt",
        ]
    ),
    st.text(max_size=8),
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "tools", "usage", "config", "anthropic", "messages", "role", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
_VALUES = st.one_of(
    st.text(max_size=12),
    _JSON.map(json.dumps),
    _JSON,
    st.binary(max_size=4),
    st.sampled_from(
        ["[" * 2000, "9" * 5000, "1e999", "[" * 900 + "]" * 900, "9999-12-31T23:59:59-23:59", "0001-01-01"]
    ),
)
_SCOPES = st.sampled_from(
    [
        "lib",
        "ai",
        "genkit-tracer",
        "gcp.vertex.agent",
        "pydantic-ai",
        "livekit-agents",
        "langfuse-sdk",
        "@flue/opentelemetry",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(_KEYS, _VALUES, max_size=8), _SCOPES, st.sampled_from(["", "3.0", "5.0", "x" * 50]))
def test_whatever_the_attributes_a_span_maps_in_time(attributes, scope, version):
    record = SpanRecord(1, 2, 0, "step", 1, START_NS, START_NS, 0, "", attributes, scope=ScopeRecord(scope, version))
    started = time.thread_time()
    found = observation_of(record, attributes)
    assert time.thread_time() - started < 0.5
    assert all(
        isinstance(text, str | None) for text in (found.name, found.input, found.output, found.model, found.user_id)
    )
    assert all(type(count) in (int, float) for count in [*found.usage_details.values(), *found.cost_details.values()])
    json.dumps([dict(found.metadata), flat_metadata(found.metadata), dict(found.model_parameters)])
