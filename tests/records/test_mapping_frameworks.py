"""Spans as the frameworks send them, and which framework wins where a span carries several."""

import json
from itertools import pairwise

import pytest
from tests.records.test_mapping import observed

TYPES = {
    "openinference.span.kind": {
        "LLM": "GENERATION",
        "CHAIN": "CHAIN",
        "RETRIEVER": "RETRIEVER",
        "EMBEDDING": "EMBEDDING",
        "AGENT": "AGENT",
        "TOOL": "TOOL",
        "GUARDRAIL": "GUARDRAIL",
        "EVALUATOR": "EVALUATOR",
        "llm": "SPAN",
        "RERANKER": "SPAN",
    },
    "gen_ai.operation.name": {
        "chat": "GENERATION",
        "completion": "GENERATION",
        "text_completion": "GENERATION",
        "generate_content": "GENERATION",
        "generate": "GENERATION",
        "embeddings": "EMBEDDING",
        "invoke_agent": "AGENT",
        "create_agent": "AGENT",
        "execute_tool": "TOOL",
    },
    "genkit:metadata:subtype": {
        "model": "GENERATION",
        "background-model": "GENERATION",
        "embedder": "EMBEDDING",
        "tool": "TOOL",
        "tool.v2": "TOOL",
        "retriever": "RETRIEVER",
        "evaluator": "EVALUATOR",
        "flow": "SPAN",
    },
    "langfuse.observation.type": {
        name: name.upper()
        for name in (
            "span",
            "generation",
            "event",
            "embedding",
            "agent",
            "tool",
            "chain",
            "retriever",
            "guardrail",
            "evaluator",
        )
    },
}


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [(key, value, expected) for key, table in TYPES.items() for value, expected in table.items()],
)
def test_a_value_names_the_type(key, value, expected):
    assert observed({key: value}).type == expected


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        *((f"ai.{name}", "GENERATION") for name in ("generateText.doGenerate", "streamText.doStream")),
        *((f"ai.{name}", "GENERATION") for name in ("generateObject.doGenerate", "streamObject.doStream")),
        *((f"ai.{name}", "EMBEDDING") for name in ("embed.doEmbed", "embedMany.doEmbed")),
        ("ai.toolCall", "TOOL"),
    ],
)
@pytest.mark.parametrize("key", ["operation.name", "ai.operationId"])
def test_operations_of_the_vercel_sdk_name_the_type(key, operation, expected):
    assert observed({key: operation, "ai.model.id": "m"}).type == expected
    assert observed({key: operation}).type == ("TOOL" if expected == "TOOL" else "SPAN")
    assert observed({"operation.name": f"{operation} my-function", "ai.model.id": "m"}).type == expected


# Each rule with a span that only it answers, in the rules' order; the type tells which one answered.
RULES = [
    ({"langfuse.observation.type": "event"}, "EVENT"),
    ({"openinference.span.kind": "RETRIEVER"}, "RETRIEVER"),
    ({"gen_ai.operation.name": "create_agent"}, "AGENT"),
    ({"genkit:metadata:subtype": "evaluator"}, "EVALUATOR"),
    ({"ai.operationId": "ai.embed.doEmbed", "ai.model.id": "m"}, "EMBEDDING"),
    ({"gen_ai.tool.call.id": "c"}, "TOOL"),
    ({"flue.task.id": "t"}, "AGENT"),
    ({"llm.model_name": "m"}, "GENERATION"),
]


@pytest.mark.parametrize(("winner", "loser"), list(pairwise(RULES)))
def test_of_two_rules_the_first_answers(winner, loser):
    assert observed({**loser[0], **winner[0]}).type == winner[1]
    assert observed(loser[0]).type == loser[1]


@pytest.mark.parametrize(
    ("name", "expected"), [("agent_turn", "AGENT"), ("start_agent_activity", "AGENT"), ("function_tool", "TOOL")]
)
def test_livekit_spans_are_known_by_name(name, expected):
    assert observed(name=name, scope="livekit-agents").type == expected
    assert observed(name=name).type == "SPAN"
    assert observed({"gen_ai.tool.name": "t"}, name="agent_turn", scope="livekit-agents").type == "TOOL"


# --- input and output ---

PAIRS = [
    ("langfuse.observation.input", "langfuse.observation.output"),
    ("gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response"),
    ("prompt", "all_messages_events"),
    ("lk.input_text", "lk.response.text"),
    ("mlflow.spanInputs", "mlflow.spanOutputs"),
    ("traceloop.entity.input", "traceloop.entity.output"),
    ("input.value", "output.value"),
    ("input", "output"),
    ("tool_arguments", "tool_response"),
    ("gen_ai.prompt", "gen_ai.completion"),
    ("llm.input_messages", "llm.output_messages"),
    ("gen_ai.input.messages", "gen_ai.output.messages"),
    ("gen_ai.tool.call.arguments", "gen_ai.tool.call.result"),
]


@pytest.mark.parametrize("pair", PAIRS)
def test_a_pair_of_attributes_gives_input_and_output(pair):
    found = observed({pair[0]: "asked", pair[1]: "answered"})
    assert (found.input, found.output) == ("asked", "answered")
    assert set(pair) & set(found.metadata["attributes"]) == (set(pair) if pair[0] == "tool_arguments" else set())


@pytest.mark.parametrize(("winner", "loser"), list(pairwise(PAIRS)))
def test_the_first_framework_that_has_either_side_wins_both(winner, loser):
    found = observed({loser[0]: "other", loser[1]: "other", winner[1]: "answered"})
    assert found.output == "answered"
    assert found.input in (None, "{}")  # a folded side without keys is an empty object


EVENTS = [
    [("gen_ai.client.inference.operation.details", {"gen_ai.input.messages": "of details"})],
    [("gen_ai.user.message", {"content": "of messages"})],
    [("gen_ai.content.prompt", {"gen_ai.prompt": "of content"})],
]


@pytest.mark.parametrize(("winner", "loser"), list(pairwise(EVENTS)))
def test_events_are_asked_in_order_before_foreign_attributes(winner, loser):
    found = observed({"prompt": "attribute"}, events=[*loser, *winner])
    assert winner[0][1].popitem()[1] in found.input
    assert observed({"langfuse.observation.input": "own"}, events=winner).input == "own"


def test_openinference_messages_are_folded():
    found = observed(
        {
            "openinference.span.kind": "LLM",
            "llm.model_name": "gpt-4o",
            "llm.invocation_parameters": '{"temperature": 0.5}',
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": "hi",
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "search",
            "llm.token_count.prompt": 10,
            "llm.token_count.completion": 4,
            "llm.token_count.prompt_details.cache_read": 6,
            "llm.token_count.completion_details.reasoning": 1,
            "llm.cost.total": 0.02,
        },
        scope="openinference.instrumentation.openai",
    )
    assert (found.type, found.model, found.model_parameters) == ("GENERATION", "gpt-4o", {"temperature": 0.5})
    assert json.loads(found.input) == [{"message": {"role": "user", "content": "hi"}}]
    assert json.loads(found.output) == [
        {"message": {"role": "assistant", "tool_calls": [{"tool_call": {"function": {"name": "search"}}}]}}
    ]
    assert found.usage_details == {
        "input": 4,
        "output": 3,
        "input_cached_tokens": 6,
        "output_reasoning_tokens": 1,
        "total": 14,
    }
    assert found.cost_details == {"total": 0.02}


def test_traceloop_prompts_are_folded_and_their_tasks_have_entities():
    found = observed(
        {
            "gen_ai.system": "OpenAI",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.request.max_tokens": 100,
            "gen_ai.response.model": "gpt-4o-2024",
            "gen_ai.prompt.0.role": "system",
            "gen_ai.prompt.0.content": "be kind",
            "gen_ai.prompt.1.role": "user",
            "gen_ai.completion.0.content": "hello",
            "gen_ai.completion.0.finish_reason": "stop",
            "gen_ai.usage.prompt_tokens": 8,
            "gen_ai.usage.completion_tokens": 2,
            "llm.usage.total_tokens": 10,
        },
        scope="opentelemetry.instrumentation.openai.v1",
    )
    assert (found.type, found.model, found.model_parameters) == ("GENERATION", "gpt-4o-2024", {"max_tokens": 100})
    assert json.loads(found.input) == [{"role": "system", "content": "be kind"}, {"role": "user"}]
    assert json.loads(found.output) == [{"content": "hello", "finish_reason": "stop"}]
    assert found.usage_details == {"input": 8, "output": 2, "total": 10}
    task = observed({"traceloop.entity.input": '{"args":[1]}', "traceloop.span.kind": "task"})
    assert (task.type, task.input) == ("SPAN", '{"args":[1]}')


def test_vercel_spans_have_sources_of_their_own():
    found = observed(
        {
            "operation.name": "ai.generateText.doGenerate grade",
            "ai.operationId": "ai.generateText.doGenerate",
            "ai.telemetry.functionId": "grade",
            "ai.model.id": "gpt-4o",
            "ai.model.provider": "openai.chat",
            "ai.prompt.messages": '[{"role":"user"}]',
            "ai.response.text": "hello",
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 20,
            "ai.usage.cachedInputTokens": 30,
            "ai.usage.reasoningTokens": "5",
            "gen_ai.request.temperature": 1.0,
            "gen_ai.response.finish_reasons": ["stop", "length"],
            "ai.telemetry.metadata.userId": "u1",
            "ai.telemetry.metadata.sessionId": "s1",
            "ai.telemetry.metadata.tags": ["t"],
            "ai.telemetry.metadata.langfusePrompt": '{"name":"p","version":3}',
            "ai.telemetry.metadata.rubric": "r1",
            "ai.response.msToFirstChunk": 10,
        },
        scope="ai",
    )
    assert (found.name, found.type, found.model) == ("grade:ai.generateText.doGenerate", "GENERATION", "gpt-4o")
    assert (found.input, found.output) == ('[{"role":"user"}]', "hello")
    assert found.usage_details == {
        "input": 70,
        "output": 15,
        "input_cached_tokens": 30,
        "output_reasoning_tokens": 5,
        "total": 120,
    }
    assert found.model_parameters == {
        "maxSteps": None,
        "toolChoice": None,
        "maxTokens": None,
        "finishReason": "stop,length",
        "system": "openai.chat",
        "maxRetries": None,
        "mode": None,
        "temperature": "1",
        "service_tier": None,
    }
    assert (found.user_id, found.session_id, found.tags) == ("u1", "s1", ("t",))
    assert (found.prompt_name, found.prompt_version) == ("p", 3)
    assert found.metadata["rubric"] == "r1"
    assert not {"userId", "sessionId", "tags", "langfusePrompt"} & set(found.metadata)


VERCEL_OUTPUTS = [
    "ai.result.text",
    "ai.toolCall.result",
    "ai.response.object",
    "ai.result.object",
    "ai.response.toolCalls",
    "ai.result.toolCalls",
    "gen_ai.output.messages",
]


@pytest.mark.parametrize(("winner", "loser"), list(pairwise(VERCEL_OUTPUTS)))
def test_outputs_of_the_vercel_sdk_are_sought_in_order(winner, loser):
    assert observed({loser: "second", winner: "first"}, scope="ai").output == "first"
    assert observed({loser: "second", "output.value": "foreign"}, scope="ai").output == "second"


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        (
            {"openai": {"cachedPromptTokens": 30, "reasoningTokens": 5, "serviceTier": "flex"}},
            {"input": 70, "input_cached_tokens": 30, "output": 15, "output_reasoning_tokens": 5, "total": 120},
        ),
        (
            {
                "anthropic": {
                    "usage": {
                        "cache_creation_input_tokens": 25,
                        "cache_read_input_tokens": 10,
                        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 2},
                    }
                }
            },
            {
                "input": 65,
                "input_cached_tokens": 10,
                "input_cache_creation": 3,
                "input_cache_creation_5m": 20,
                "input_cache_creation_1h": 2,
                "output": 20,
                "total": 120,
            },
        ),
        (
            {"bedrock": {"usage": {"cacheReadInputTokens": 40, "cacheWriteInputTokens": 0}}},
            {"input": 60, "input_cache_read": 40, "input_cache_write": 0, "output": 20, "total": 120},
        ),
    ],
)
def test_usage_of_the_vercel_sdk_is_filled_from_the_provider(provider, expected):
    found = observed(
        {
            "gen_ai.usage.input_tokens": "100",
            "gen_ai.usage.output_tokens": 20,
            "ai.response.providerMetadata": json.dumps(provider),
        },
        scope="ai",
    )
    assert found.usage_details == expected
    assert found.model_parameters["service_tier"] == ("flex" if "openai" in provider else None)


def test_genkit_spans_have_sources_of_their_own():
    found = observed(
        {
            "genkit:name": "googleai/gemini",
            "genkit:metadata:subtype": "model",
            "genkit:input": '{"messages":[{"role":"user"}],"config":{"temperature":1.0,"stop":["a"]}}',
            "genkit:output": '{"message":{"role":"model"},'
            '"usage":{"inputTokens":8,"outputTokens":7,"thoughtsTokens":2,"totalTokens":15}}',
            "input.value": "foreign",
        },
        scope="genkit-tracer",
    )
    assert (found.type, found.model) == ("GENERATION", "googleai/gemini")
    assert (found.input, found.output) == ('[{"role":"user"}]', '{"role":"model"}')
    assert found.usage_details == {"input": 8, "output": 5, "output_reasoning": 2, "total": 15}
    assert found.model_parameters == {"temperature": 1, "stop": '["a"]'}
    flow = observed({"genkit:input": "plain", "genkit:output": '{"a":1}'}, scope="genkit-tracer")
    assert (flow.input, flow.output) == ("plain", '{"a":1}')
    assert observed({"input.value": "foreign"}, scope="genkit-tracer").input is None
    assert observed({"genkit:input": "elsewhere"}).input is None


def test_pydantic_ai_and_logfire_spans_are_read():
    agent = observed(
        {
            "pydantic_ai.all_messages": '[{"role":"user","content":"hi"}]',
            "gen_ai.system_instructions": '[{"type":"text","content":"be kind"},{"content":"and short"}]',
            "final_result": "done",
            "logfire.msg": "grader run",
        },
        scope="pydantic-ai",
    )
    assert json.loads(agent.input) == [
        {"role": "system", "content": "be kind\nand short"},
        {"role": "user", "content": "hi"},
    ]
    assert (agent.output, agent.name) == ("done", "grader run")
    assert observed({"final_result": "done"}).output is None
    tool = observed({"gen_ai.tool.name": "search", "tool_arguments": '{"q":1}', "tool_response": "r"})
    assert (tool.type, tool.name, tool.input, tool.output) == ("TOOL", "search", '{"q":1}', "r")
    events = observed(
        {"events": '[{"event.name":"gen_ai.user.message","content":"q"},{"event.name":"gen_ai.choice","index":0}]'}
    )
    assert json.loads(events.input) == [{"event.name": "gen_ai.user.message", "content": "q"}]
    assert json.loads(events.output) == {"event.name": "gen_ai.choice", "index": 0}
    assert observed({"prompt": "p", "all_messages_events": "m"}).output == "m"


def test_mlflow_spans_are_read():
    found = observed({"mlflow.spanInputs": '{"q":1}', "mlflow.spanOutputs": '"a"', "mlflow.spanType": '"LLM"'})
    assert (found.input, found.output, found.type) == ('{"q":1}', '"a"', "SPAN")


def test_googles_agent_kit_is_read():
    found = observed(
        {
            "gen_ai.system": "gcp.vertex.agent",
            "gen_ai.request.model": "gemini",
            "gcp.vertex.agent.llm_request": '{"contents":[]}',
            "gcp.vertex.agent.llm_response": '{"usage_metadata":{"cached_content_token_count":30}}',
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 5,
            "gcp.vertex.agent.session_id": "v1",
        },
        scope="gcp.vertex.agent",
    )
    assert (found.type, found.input) == ("GENERATION", '{"contents":[]}')
    assert found.usage_details == {"input": 70, "output": 5, "input_cached_tokens": 30, "total": 105}
    tool = observed(
        {
            "gcp.vertex.agent.llm_request": "{}",
            "gcp.vertex.agent.llm_response": "{}",
            "gcp.vertex.agent.tool_call_args": '{"a":1}',
            "gcp.vertex.agent.tool_response": '{"b":2}',
        }
    )
    assert (tool.input, tool.output) == ('{"a":1}', '{"b":2}')


def test_semantic_kernels_older_events_are_read():
    found = observed(
        {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"},
        events=[
            ("gen_ai.content.prompt", {"gen_ai.prompt": '[{"role":"user"}]'}),
            ("gen_ai.content.completion", {"other": 1}),
        ],
    )
    assert (found.input, found.output) == ('[{"role":"user"}]', '{"other":1}')


@pytest.mark.parametrize(
    ("attributes", "entered", "returned"),
    [
        ({"lk.user_transcript": "hi", "lk.function_tool.output": "", "lk.response.text": "yo"}, "hi", "yo"),
        ({"lk.pii.input_text": "hi", "lk.pii.response.text": "yo"}, "hi", "yo"),
        ({"lk.chat_ctx": "ctx", "lk.pii.instructions": "later"}, "ctx", None),
        (
            {"lk.pii.instructions": "be kind", "lk.pii.user_input": "hi"},
            '[{"role":"system","content":"be kind"},{"role":"user","content":"hi"}]',
            None,
        ),
        ({"lk.pii.instructions": "be kind"}, '[{"role":"system","content":"be kind"}]', None),
        ({"lk.user_input": "hi", "lk.pii.function_tool.arguments": "later"}, "hi", None),
        ({"lk.pii.function_tool.arguments": "args", "lk.pii.response.function_calls": "[1]"}, "args", "[1]"),
        ({"lk.pii.function_tool.arguments": "args", "lk.pii.response.function_calls": "[]"}, "args", None),
    ],
)
def test_livekit_content_is_read(attributes, entered, returned):
    found = observed(attributes, scope="livekit-agents")
    assert (found.input, found.output) == (entered, returned)
    assert found.metadata["attributes"] == {}


def test_flue_content_is_read_in_its_own_scope_only():
    given = {"flue.turn.input": '{"a": 1}', "flue.tool.result": "r"}
    found = observed(given, scope="@flue/opentelemetry")
    assert (found.input, found.output) == ('{"a":1}', "r")
    assert observed(given).input is None


def test_the_conventions_for_generative_ai_are_read_old_and_new():
    attributes = observed(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.input.messages": '[{"role":"user"}]',
            "gen_ai.system_instructions": "be kind",
            "gen_ai.output.messages": '[{"role":"assistant"}]',
            "gen_ai.conversation.id": "c1",
        }
    )
    assert json.loads(attributes.input) == [{"role": "system", "content": "be kind"}, {"role": "user"}]
    assert (attributes.output, attributes.session_id) == ('[{"role":"assistant"}]', "c1")
    kept = observed({"gen_ai.input.messages": '[{"role":"system"}]', "gen_ai.system_instructions": "be kind"})
    assert kept.input == '[{"role":"system"}]'
    details = observed(
        events=[
            ("gen_ai.client.inference.operation.details", {"other": 1}),
            ("gen_ai.client.inference.operation.details", {"gen_ai.output.messages": "m"}),
        ]
    )
    assert (details.input, details.output) == (None, "m")
    messages = observed(
        events=[
            ("gen_ai.system.message", {"content": "be kind"}),
            ("gen_ai.tool.message", {"id": "1"}),
            ("gen_ai.choice", {"index": 0}),
            ("gen_ai.choice", {"index": 1}),
        ]
    )
    assert json.loads(messages.input) == [{"role": "system", "content": "be kind"}, {"role": "tool", "id": "1"}]
    assert json.loads(messages.output) == [{"index": 0}, {"index": 1}]
    tool = observed({"gen_ai.tool.call.arguments": '{"a":1}', "gen_ai.operation.name": "execute_tool"})
    assert (tool.type, tool.input) == ("TOOL", '{"a":1}')


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"0.role": "user", "2.role": "tool"}, [{"role": "user"}, None, {"role": "tool"}]),
        ({"role": "user", "deep.er": 1}, {"role": "user", "deep": {"er": 1}}),
        ({"0": "a", "1": "b"}, {"0": "a", "1": "b"}),
        ({"0.a": 1, "name": "dropped"}, [{"a": 1}]),
        ({"0.a": 1, "0.a.b": "dropped"}, [{"a": 1}]),
        ({"0.a.b": 1, "0.a": "dropped"}, [{"a": {"b": 1}}]),
        ({"0.a": ["x"], "0.a.0": "dropped"}, [{"a": ["x"]}]),
        ({"0.parts.1": "b", "0.parts.0": "a"}, [{"parts": ["a", "b"]}]),
        ({"0.__proto__": "dropped", "0..a": "dropped", "0.a": 1}, [{"a": 1}]),
        ({"10001.a": "dropped", "0.a": 1}, [{"a": 1}]),
        ({"9000.a": 1, "1.x.9000": "dropped"}, 9001),
        ({".".join("a" * 65): "dropped", "b": 1}, {"b": 1}),
    ],
)
def test_folded_keys_build_lists_within_bounds(keys, expected):
    found = json.loads(observed({f"gen_ai.prompt.{key}": value for key, value in keys.items()}).input)
    assert (len(found) if isinstance(expected, int) else found) == expected
