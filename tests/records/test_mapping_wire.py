"""OTLP in protobuf and in JSON: what arrives in either form is the same, and what is malformed is named."""

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from tests.records.spans import START_NS, resource_spans, span

from certtrace.ports import ScopeRecord, SpanRecord
from certtrace.records.mapping import flat_metadata, json_request, observation_of, observations_of, records_of
from certtrace.records.mapping.ids import id_number, id_text
from certtrace.records.mapping.keys import DROPPED_CONTENT

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def request(span=None, *, resource=None, scope=None, **fields):
    made = {"traceId": TRACE, "spanId": SPAN, "name": "step", **(span or {}), **fields}
    scope_spans = {"scope": scope or {"name": "lib"}, "spans": [made]}
    return {"resourceSpans": [{"resource": resource or {}, "scopeSpans": [scope_spans]}]}


def from_json(body, **options):
    ((resource, records),) = json_request(json.dumps(body).encode(), **options)
    (record,) = records
    return observation_of(record, resource)


def value_of(value):
    found = from_json(request(attributes=[{"key": "langfuse.observation.input", "value": value}]))
    return found.input


def test_json_and_protobuf_of_one_span_are_one_observation():
    made = span(
        "step",
        trace_id=TRACE,
        span_id=SPAN,
        parent="00000000000000aa",
        error="bad",
        events=[("gen_ai.choice", {"a": 1})],
    )
    made.attributes.add(key="n", value=AnyValue(int_value=2**40))
    made.attributes.add(key="d", value=AnyValue(double_value=0.5))
    made.attributes.add(key="l", value=AnyValue(array_value=ArrayValue(values=[AnyValue(bool_value=True)])))
    pairs = KeyValueList(values=[KeyValue(key="k", value=AnyValue(int_value=3))])
    made.attributes.add(key="kv", value=AnyValue(kvlist_value=pairs))
    (expected,) = observations_of(resource_spans([made], resource={"service.name": "w"}, scope="lib"))
    body = request(
        parentSpanId="00000000000000aa",
        kind="SPAN_KIND_SERVER",
        startTimeUnixNano=str(START_NS),
        endTimeUnixNano=START_NS + 10**9,
        status={"code": "STATUS_CODE_ERROR", "message": "bad"},
        events=[{"name": "gen_ai.choice", "attributes": [{"key": "a", "value": {"intValue": 1}}]}],
        attributes=[
            {"key": "n", "value": {"intValue": str(2**40)}},
            {"key": "d", "value": {"doubleValue": 0.5}},
            {"key": "l", "value": {"arrayValue": {"values": [{"boolValue": True}]}}},
            {"key": "kv", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"intValue": "3"}}]}}},
        ],
        resource={"attributes": [{"key": "service.name", "value": {"stringValue": "w"}}]},
        unknownField={"ignored": True},
    )
    assert from_json(body) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"stringValue": "x", "intValue": 1}, "x"),
        ({"stringValue": ""}, ""),
        ({"stringValue": None}, None),
        ({"intValue": "7"}, "7"),
        ({"intValue": 7}, "7"),
        ({"intValue": {"low": 7, "high": 1}}, str(2**32 + 7)),
        ({"intValue": {"low": -1, "high": -1}}, "-1"),
        ({"intValue": "seven"}, '{"intValue":"seven"}'),
        ({"doubleValue": 2.0}, "2"),
        ({"doubleValue": "NaN"}, "NaN"),
        ({"doubleValue": "2.5"}, "2.5"),
        ({"boolValue": False}, "false"),
        ({"arrayValue": {"values": [{"intValue": "1"}, {"arrayValue": {"values": []}}]}}, "[1,[]]"),
        ({"arrayValue": {}}, '{"arrayValue":{}}'),
        ({"bytesValue": "AQI="}, '{"bytesValue":"AQI="}'),
        ({}, "{}"),
        (
            {"kvlistValue": {"values": [{"key": "k", "value": {"stringValue": "v"}}]}},
            '{"kvlistValue":{"values":[{"key":"k","value":{"stringValue":"v"}}]}}',
        ),
    ],
)
def test_values_in_json_are_read_as_the_server_reads_them(value, expected):
    assert value_of(value) == expected


def test_records_hold_key_value_lists_as_dictionaries_for_redaction():
    body = request(
        attributes=[{"key": "kv", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"intValue": "3"}}]}}}]
    )
    ((_, (record,)),) = json_request(json.dumps(body).encode())
    assert record.attributes == {"kv": {"k": 3}}


@pytest.mark.parametrize(
    "given", [TRACE, TRACE.upper(), "Cvdo", "CvdlGRbNQ92ESOshHIAxnA==", "any text ü", "0" * 32, "0" * 31, "f" * 33]
)
def test_ids_given_as_text_stay_as_they_are(given):
    assert from_json(request(traceId=given)).trace_id == given
    assert id_text(id_number(given, 32), 32) == given


def test_ids_given_as_bytes_become_hex():
    raw = list(bytes.fromhex(TRACE))
    assert from_json(request(traceId=raw)).trace_id == TRACE
    assert from_json(request(traceId={"type": "Buffer", "data": raw})).trace_id == TRACE
    assert from_json(request(parentSpanId="")).parent_observation_id is None
    assert from_json(request(parentSpanId="0" * 16)).parent_observation_id is None
    assert from_json(request(parentSpanId="parent")).parent_observation_id == "parent"


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("10", "20", (10, 20)),
        (None, "20", (20, 20)),
        ("10", "", (10, 10)),
        ("soon", 30, (30, 30)),
        ({"low": 5, "high": 0}, "9", (5, 9)),
        ("1" * 40, "7", (7, 7)),
        ("0", "5", (0, 5)),
    ],
)
def test_a_missing_time_copies_the_other(start, end, expected):
    found = from_json(request(startTimeUnixNano=start, endTimeUnixNano=end))
    assert (found.start_time_ns, found.end_time_ns) == expected


def test_without_any_time_a_span_is_now():
    before = time.time_ns()
    found = from_json(request())
    assert before <= found.start_time_ns == found.end_time_ns <= time.time_ns()


def deep(levels):
    value = {"stringValue": "x"}
    for _ in range(levels):
        value = {"arrayValue": {"values": [value]}}
    return value


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "JSON object"),
        (b"null", "JSON object"),
        (b'{"resourceSpans":{}}', "resourceSpans must be an array"),
        (b'{"resourceSpans":[5]}', r"resourceSpans\[0\] must be an object"),
        (b'{"resourceSpans":[{"scopeSpans":{}}]}', r"resourceSpans\[0\].scopeSpans must be an array"),
        (b'{"resourceSpans":[{"resource":{"attributes":{}}}]}', r"resourceSpans\[0\].resource.attributes must be"),
        (request(scope={"attributes": {"a": 1}}), r"scopeSpans\[0\].scope.attributes must be an array"),
        (request(attributes={"a": 1}), r"spans\[0\].attributes must be an array"),
        (request(attributes=["a"]), r"spans\[0\].attributes\[0\] must be an object"),
        (request(events={}), r"spans\[0\].events must be an array"),
        (request(events=[{"attributes": "x"}]), r"events\[0\].attributes must be an array"),
        (request(traceId=None), r"spans\[0\].traceId is missing"),
        (request(spanId=""), r"spans\[0\].spanId is missing"),
        (request(spanId=5), r"spans\[0\].spanId must be a string"),
        (request(spanId=[300]), r"spans\[0\].spanId must be a string"),
        (request(parentSpanId=7), r"spans\[0\].parentSpanId must be a string"),
        (request(traceId="x" * 801), r"spans\[0\].traceId is longer"),
        (request(status="bad"), r"spans\[0\].status must be an object"),
        (request(attributes=[{"key": "a", "value": deep(70)}]), r"attributes\[0\].* nests values more than 64 deep"),
    ],
)
def test_a_malformed_request_is_refused_with_its_place(body, place):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(ValueError, match=place):
        json_request(data)


def test_one_bad_span_refuses_the_whole_request():
    body = request()
    body["resourceSpans"][0]["scopeSpans"][0]["spans"].append({"traceId": TRACE})
    with pytest.raises(ValueError, match=r"spans\[1\].spanId"):
        json_request(json.dumps(body).encode())


def test_the_depth_of_values_is_the_callers_choice():
    body = request(attributes=[{"key": "langfuse.observation.input", "value": deep(3)}])
    assert from_json(body).input == '[[["x"]]]'
    with pytest.raises(ValueError, match="more than 2 deep"):
        from_json(body, max_depth=2)


@pytest.mark.parametrize("kind", ["arrayValue", "kvlistValue"])
def test_values_as_deep_as_is_allowed_are_kept(kind):
    value = {"intValue": str(-(2**63))}
    for _ in range(60):
        value = {kind: {"values": [value if kind == "arrayValue" else {"key": "k", "value": value}]}}
    found = from_json(request(attributes=[{"key": "input", "value": value}, {"key": "other", "value": value}]))
    assert found.input == found.metadata["attributes"]["other"]
    assert "-922337203685477" in found.input


def test_nothing_is_an_empty_request():
    assert json_request(b"{}") == json_request(b'{"resourceSpans":null}') == json_request(b'{"resourceSpans":[]}') == []
    assert json_request(b'{"resourceSpans":[{}]}') == [({}, [])]


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
