import json

import pytest
from tests.records.spans import START_NS, any_value, meta, new_trace_id, resource_spans, span

from certtrace import semconv
from certtrace.records.mapping import observations_of

TRACE = "0af7651916cd43dd8448eb211c80319c"


def observed(attributes=None, *, name="step", resource=None, scope="some.library", scope_version="", **given):
    made = resource_spans(
        [span(name, trace_id=TRACE, attributes=attributes, **given)],
        resource=resource,
        scope=scope,
        scope_version=scope_version,
    )
    (observation,) = observations_of(made)
    return observation


@pytest.mark.parametrize(
    ("field", "attributes", "expected"),
    [
        ("name", {"gen_ai.tool.name": "search", "logfire.msg": "later"}, "search"),
        ("name", {"logfire.msg": "a message", "ai.toolCall.name": "later"}, "a message"),
        ("name", {"genkit:name": "flow", "logfire.msg": "later"}, "flow"),
        ("name", {"ai.operationId": "ai.generateText", "ai.telemetry.functionId": "grade"}, "grade:ai.generateText"),
        ("name", {"gen_ai.tool.name": ""}, "step"),
        ("type", {semconv.OBSERVATION_TYPE: "tool", "openinference.span.kind": "LLM"}, "TOOL"),
        ("type", {semconv.OBSERVATION_TYPE: "TOOL", "openinference.span.kind": "LLM"}, "GENERATION"),
        ("type", {"openinference.span.kind": "RETRIEVER", "gen_ai.operation.name": "chat"}, "RETRIEVER"),
        ("type", {"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "m"}, "EMBEDDING"),
        ("type", {"gen_ai.operation.name": "unheard-of", "gen_ai.request.model": "m"}, "GENERATION"),
        ("type", {"gen_ai.tool.call.id": "c1", "gen_ai.request.model": "m"}, "TOOL"),
        ("type", {"operation.name": "ai.embed.doEmbed fn", "ai.model.id": "m"}, "EMBEDDING"),
        ("type", {"operation.name": "ai.toolCall x"}, "TOOL"),
        ("type", {"llm.model_name": "m"}, "GENERATION"),
        ("type", {"gen_ai.request.model": ""}, "SPAN"),
        ("type", {}, "SPAN"),
        ("input", {semconv.OBSERVATION_INPUT: "own", "input.value": "other"}, "own"),
        ("input", {semconv.OBSERVATION_OUTPUT: "own", "input.value": "other"}, None),
        ("input", {"mlflow.spanInputs": "first", "traceloop.entity.input": "second"}, "first"),
        ("input", {"input.value": "first", "input": "second"}, "first"),
        ("output", {"gen_ai.tool.call.arguments": "a", "gen_ai.tool.call.result": "r"}, "r"),
        ("input", {"gcp.vertex.agent.llm_request": "{}", "gcp.vertex.agent.tool_call_args": "args"}, "args"),
        (
            "input",
            {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "hi", "gen_ai.input.messages": "later"},
            '[{"role":"user","content":"hi"}]',
        ),
        (
            "output",
            {"llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": "yes"},
            '[{"message":{"role":"assistant","content":"yes"}}]',
        ),
        ("input", {semconv.OBSERVATION_INPUT: ["a", 1, True]}, '["a",1,true]'),
        ("level", {semconv.OBSERVATION_LEVEL: "critical"}, "ERROR"),
        ("level", {semconv.OBSERVATION_LEVEL: "WARN"}, "WARNING"),
        ("level", {semconv.OBSERVATION_LEVEL: "verbose"}, "DEBUG"),
        ("level", {semconv.OBSERVATION_LEVEL: "nonsense"}, "DEFAULT"),
        ("model", {semconv.OBSERVATION_MODEL: "own", "gen_ai.response.model": "answered"}, "own"),
        ("model", {"gen_ai.response.model": "answered", "gen_ai.request.model": "asked"}, "answered"),
        ("model", {"llm.model_name": "m1", "model": "m2"}, "m1"),
        (
            "model_parameters",
            {"gen_ai.request.temperature": 0.5, "gen_ai.request.model": "m", "gen_ai.request.stop": ["a"]},
            {"temperature": 0.5, "stop": '["a"]'},
        ),
        (
            "model_parameters",
            {semconv.OBSERVATION_MODEL_PARAMETERS: '{"seed": 7, "json": true}', "llm.invocation_parameters": "{}"},
            {"seed": 7, "json": "true"},
        ),
        ("model_parameters", {semconv.OBSERVATION_MODEL_PARAMETERS: "no json", "model_config": '{"a":1}'}, {"a": 1}),
        (
            "usage_details",
            {semconv.OBSERVATION_USAGE_DETAILS: '{"input": 5, "output": 2}', "gen_ai.usage.input_tokens": 99},
            {"input": 5, "output": 2, "total": 7},
        ),
        (
            "usage_details",
            {
                "gen_ai.usage.input_tokens": 100,
                "gen_ai.usage.output_tokens": 600,
                "gen_ai.usage.reasoning.output_tokens": 500,
            },
            {"input": 100, "output": 100, "output_reasoning_tokens": 500, "total": 700},
        ),
        (
            "usage_details",
            {"llm.token_count.prompt": 80, "llm.token_count.completion": 30, "llm.token_count.total": 110},
            {"input": 80, "output": 30, "total": 110},
        ),
        (
            "usage_details",
            {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.prompt_tokens": 10, "gen_ai.usage.cost": 0.2},
            {"input": 10, "total": 10},
        ),
        (
            "usage_details",
            {"gen_ai.usage.input_tokens": 48, "gen_ai.usage.cache_read.input_tokens": 40},
            {"input": 8, "input_cached_tokens": 40, "total": 48},
        ),
        (
            "cost_details",
            {semconv.OBSERVATION_COST_DETAILS: '{"input": 1, "output": 2}'},
            {"input": 1, "output": 2, "total": 3},
        ),
        ("cost_details", {"gen_ai.usage.cost": 0.25, "llm.cost.total": 9}, {"total": 0.25}),
        ("cost_details", {"llm.cost.total": 9}, {"total": 9}),
        ("user_id", {"langfuse.user.id": "a", "user.id": "b"}, "a"),
        ("user_id", {"user.id": "b"}, "b"),
        ("user_id", {semconv.metadata("langfuse_user_id"): "c"}, "c"),
        ("session_id", {"session.id": "s", "gen_ai.conversation.id": "later"}, "s"),
        ("session_id", {"gen_ai.conversation.id": "conversation"}, "conversation"),
        ("tags", {semconv.TRACE_TAGS: ["a", "b"], "langfuse.tags": "c"}, ("a", "b")),
        ("tags", {"langfuse.tags": '["a", 1]'}, ("a", "1")),
        ("tags", {"tag.tags": "a, b"}, ("a", "b")),
        ("environment", {semconv.ENVIRONMENT: "Langfuse-Prod"}, "prod"),
        ("environment", {semconv.ENVIRONMENT: "no spaces!", "deployment.environment": "prod"}, "default"),
        ("environment", {"deployment.environment": "staging"}, "staging"),
        ("trace_name", {semconv.TRACE_NAME: "t"}, "t"),
        ("public", {semconv.TRACE_PUBLIC: True}, True),
        ("public", {"langfuse.public": "false"}, False),
        ("is_app_root", {semconv.IS_APP_ROOT: True}, True),
        (
            "prompt_version",
            {semconv.OBSERVATION_TYPE: "generation", "langfuse.prompt.version": "3", "langfuse.prompt.name": "p"},
            3,
        ),
        ("prompt_name", {semconv.OBSERVATION_TYPE: "span", semconv.OBSERVATION_PROMPT_NAME: "p"}, None),
        ("prompt_version", {semconv.OBSERVATION_TYPE: "generation", semconv.OBSERVATION_PROMPT_VERSION: 70000}, None),
        (
            "completion_start_time_ns",
            {semconv.OBSERVATION_COMPLETION_START_TIME: '"2026-11-18T09:10:00.250000Z"'},
            1_794_993_000_250_000_000,
        ),
        ("completion_start_time_ns", {"ai.response.msToFirstChunk": 12}, START_NS + 12_000_000),
    ],
)
def test_the_first_given_key_of_a_row_wins(field, attributes, expected):
    assert getattr(observed(attributes), field) == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [("3.3.0", "GENERATION"), ("3.4.0", "SPAN"), ("4.0.1", "SPAN"), ("", "GENERATION")],
)
def test_old_python_sdks_sent_span_for_generations(version, expected):
    found = observed(
        {semconv.OBSERVATION_TYPE: "span", semconv.OBSERVATION_MODEL: "m"},
        resource={"telemetry.sdk.language": "python"},
        scope="langfuse-sdk",
        scope_version=version,
    )
    assert found.type == expected


def test_the_vercel_scope_alone_decides_about_its_content():
    found = observed(
        {"ai.prompt": "asked", "ai.response.text": "said", "ai.response.toolCalls": "[]", "input.value": "x"},
        scope="ai",
    )
    assert found.input == "asked"
    assert json.loads(found.output) == {"role": "assistant", "content": "said", "tool_calls": "[]"}
    assert observed({"input.value": "x"}, scope="ai").input is None


def test_gen_ai_message_events_are_content_and_exception_events_are_not():
    found = observed(
        events=[
            ("exception", {"exception.message": "secret"}),
            ("gen_ai.user.message", {"content": "hi"}),
            ("gen_ai.choice", {"index": 0}),
        ]
    )
    assert json.loads(found.input) == [{"role": "user", "content": "hi"}]
    assert json.loads(found.output) == {"index": 0}
    assert "secret" not in json.dumps(dict(found.metadata))


def test_older_prompt_events_are_looked_into_for_other_frameworks_keys():
    found = observed(
        events=[("gen_ai.content.prompt", {"input.value": "deep"}), ("gen_ai.content.completion", {"a": 1})]
    )
    assert (found.input, found.output) == ("deep", '{"a":1}')


def test_status_message_falls_back_to_the_description_and_status_to_the_level():
    assert observed(error="it broke").level == "ERROR"
    assert observed(error="it broke").status_message == "it broke"
    assert observed({semconv.OBSERVATION_STATUS_MESSAGE: "said"}, error="it broke").status_message == "said"
    assert observed({semconv.OBSERVATION_LEVEL: "WARNING"}, error="it broke").level == "WARNING"
    assert observed().status_message is None


def test_the_resource_fills_what_the_span_leaves_open():
    resource = {"service.version": "1.2", semconv.RELEASE: "r9", "deployment.environment.name": "prod"}
    found = observed(resource=resource)
    assert (found.version, found.release, found.environment) == ("1.2", "r9", "prod")
    found = observed({semconv.VERSION: "2", semconv.RELEASE: "r10", semconv.ENVIRONMENT: "dev"}, resource=resource)
    assert (found.version, found.release, found.environment) == ("2", "r10", "dev")


def test_leftover_attributes_are_kept_for_foreign_scopes_only():
    attributes = {"http.route": "/grade", "n": 3, "input": "content", **meta(a=1)}
    assert observed(attributes, scope="httpx").metadata["attributes"] == {"http.route": "/grade", "n": "3"}
    assert "attributes" not in observed(attributes, scope=semconv.SCOPE_NAME).metadata


def test_metadata_values_are_decoded_and_trace_metadata_wins():
    found = observed(
        {
            **meta(cert__confidence=0.5, text="plain", nested={"a": [1]}, none=None),
            semconv.metadata("raw"): "not json",
            semconv.OBSERVATION_METADATA: '{"whole": 1, "text": "overridden"}',
            f"{semconv.TRACE_METADATA}.text": '"of the trace"',
        },
        resource={"service.name": "worker"},
        scope=semconv.SCOPE_NAME,
        scope_version="1.0",
    )
    assert found.metadata == {
        "resourceAttributes": {"service.name": "worker"},
        "scope": {"name": semconv.SCOPE_NAME, "version": "1.0", "attributes": {}},
        "whole": 1,
        "text": "of the trace",
        "cert.confidence": 0.5,
        "nested": {"a": [1]},
        "none": None,
        "raw": "not json",
    }


def test_metadata_that_is_no_object_is_dropped_as_langfuse_does():
    assert "x" not in json.dumps(dict(observed({semconv.OBSERVATION_METADATA: '"x"'}).metadata))


def test_a_missing_time_copies_the_other_edge_and_none_is_now():
    made = span(trace_id=TRACE)
    made.start_time_unix_nano = 0
    (found,) = observations_of(resource_spans([made]))
    assert found.start_time_ns == found.end_time_ns == START_NS + 1_000_000_000
    made.end_time_unix_nano = 0
    (found,) = observations_of(resource_spans([made]))
    assert found.start_time_ns == found.end_time_ns > START_NS - 10**18


@pytest.mark.parametrize("field", ["trace_id", "span_id"])
def test_a_span_without_an_id_is_refused(field):
    made = span(trace_id=TRACE)
    setattr(made, field, b"")
    with pytest.raises(ValueError, match=f"no {field.removesuffix('_id')} id"):
        list(observations_of(resource_spans([made])))


def test_an_id_of_unusual_length_is_kept_in_hex():
    made = span(trace_id=TRACE)
    made.trace_id, made.parent_span_id = b"\x01" * 15, bytes(8)
    (found,) = observations_of(resource_spans([made]))
    assert (found.trace_id, found.parent_observation_id) == ("01" * 15, None)


def test_hostile_shapes_neither_exhaust_the_stack_nor_the_time():
    deep_json = "[" * 900 + "]" * 900
    found = observed(
        {
            "gen_ai.prompt" + ".a" * 20_000: "x",
            "gen_ai.prompt.999999999.content": "y",
            semconv.metadata("deep"): deep_json,
            semconv.OBSERVATION_USAGE_DETAILS: '{"input": "nan", "output": "%s", "n": "12"}' % ("9" * 5000),
        }
    )
    assert found.input == "{}"
    assert found.metadata["deep"] == deep_json
    assert found.usage_details == {}


def test_key_value_lists_and_bytes_become_otlp_json_text():
    made = span(trace_id=new_trace_id())
    made.attributes.add(key="input", value=any_value(b"\x00\xff"))
    made.attributes.add(key="empty")
    (found,) = observations_of(resource_spans([made]))
    assert found.input == '{"bytesValue":{"type":"Buffer","data":[0,255]}}'


def test_a_repr_shows_no_content():
    assert "secret" not in repr(observed({"input": "secret"}))
