"""Every row of the field mapping: each source alone, and of two sources the first."""

import json
from itertools import pairwise

import pytest
from tests.records.spans import START_NS
from tests.records.test_mapping import observed

from certtrace.records.model import Experiment

OBSERVATION = "langfuse.observation"
GENERATION = {f"{OBSERVATION}.type": "generation"}

TEXT_ROWS = {
    "model": (
        f"{OBSERVATION}.model.name",
        "gen_ai.response.model",
        "ai.model.id",
        "gen_ai.request.model",
        "llm.response.model",
        "llm.model_name",
        "model",
    ),
    "user_id": (
        "langfuse.user.id",
        "user.id",
        f"{OBSERVATION}.metadata.langfuse_user_id",
        "langfuse.trace.metadata.langfuse_user_id",
        "ai.telemetry.metadata.userId",
    ),
    "session_id": (
        "langfuse.session.id",
        "session.id",
        "gen_ai.conversation.id",
        f"{OBSERVATION}.metadata.langfuse_session_id",
        "langfuse.trace.metadata.langfuse_session_id",
        "ai.telemetry.metadata.sessionId",
    ),
    "name": ("gen_ai.tool.name", "genkit:name", "logfire.msg", "ai.toolCall.name", "ai.operationId"),
    "prompt_name": (f"{OBSERVATION}.prompt.name", "langfuse.prompt.name"),
    "environment": ("langfuse.environment", "deployment.environment.name", "deployment.environment"),
    "trace_name": ("langfuse.trace.name",),
    "release": ("langfuse.release",),
    "version": ("langfuse.version",),
    "status_message": (f"{OBSERVATION}.status_message",),
}
TAG_KEYS = (
    "langfuse.trace.tags",
    "langfuse.tags",
    f"{OBSERVATION}.metadata.langfuse_tags",
    "langfuse.trace.metadata.langfuse_tags",
    "ai.telemetry.metadata.tags",
    "tag.tags",
)
SINGLE = [(field, key) for field, keys in TEXT_ROWS.items() for key in keys]
CONFLICTS = [(field, *pair) for field, keys in TEXT_ROWS.items() for pair in pairwise(keys)]


@pytest.mark.parametrize(("field", "key"), SINGLE)
def test_a_key_alone_gives_its_field(field, key):
    assert getattr(observed({**GENERATION, key: "value"}), field) == "value"


@pytest.mark.parametrize(("field", "winner", "loser"), CONFLICTS)
def test_of_two_keys_of_a_field_the_first_wins_in_whatever_order_they_come(field, winner, loser):
    assert getattr(observed({**GENERATION, loser: "second", winner: "first"}), field) == "first"


@pytest.mark.parametrize(
    ("field", "winner", "loser"),
    [row for row in CONFLICTS if row[0] in ("model", "user_id", "session_id", "environment") or "logfire" in row[1]],
)
def test_an_empty_text_gives_way_to_the_next_key(field, winner, loser):
    assert getattr(observed({winner: "", loser: "second"}), field) == "second"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"genkit:name": ""}, ""),
        ({"ai.toolCall.name": ""}, ""),
        ({"gen_ai.tool.name": 7}, "7"),
        ({"gen_ai.tool.name": ["a", 1]}, '["a",1]'),
        ({"ai.operationId": "ai.embed", "ai.telemetry.functionId": "search"}, "search:ai.embed"),
        ({"ai.operationId": "ai.embed", "ai.telemetry.functionId": ""}, "ai.embed"),
        ({}, "step"),
    ],
)
def test_names_of_frameworks_replace_the_spans(attributes, expected):
    assert observed(attributes).name == expected


@pytest.mark.parametrize(("winner", "loser"), list(pairwise(TAG_KEYS)))
def test_tags_come_from_the_first_key_that_has_any(winner, loser):
    assert observed({loser: ["second"], winner: ["first"]}).tags == ("first",)
    assert observed({loser: ["second"], winner: ""}).tags == ("second",)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["a", 1, True, 1.0], ("a", "1", "true", "1")),
        ('["a", 1]', ("a", "1")),
        (' ["a"]', ("a",)),
        ("a, b ,c", ("a", "b", "c")),
        (" one ", (" one ",)),
        ("[not json", ("[not json",)),
        ("[not, json", ("[not", "json")),
        (7, ()),
        ([], ()),
    ],
)
def test_tags_are_lists_json_lists_or_text_with_commas(given, expected):
    assert observed({"langfuse.trace.tags": given}).tags == expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"langfuse.trace.public": True}, True),
        ({"langfuse.trace.public": "true"}, True),
        ({"langfuse.trace.public": 1}, False),
        ({"langfuse.public": "true"}, True),
        ({"langfuse.trace.public": False, "langfuse.public": True}, False),
        ({}, False),
    ],
)
def test_public_is_the_first_value_that_is_not_null(attributes, expected):
    assert observed(attributes).public is expected


@pytest.mark.parametrize(("value", "expected"), [(True, True), ("true", True), ("yes", False), (1, False)])
def test_roots_are_marked_by_true_alone(value, expected):
    assert observed({"langfuse.internal.is_app_root": value}).is_app_root is expected
    assert observed({"langfuse.internal.as_root": value}).as_root is expected
    assert observed({"langfuse.internal.as_root": value}).is_app_root is False


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        *((name, "DEBUG") for name in ("DEBUG", "TRACE", "VERBOSE", "debug", " Trace ")),
        *((name, "DEFAULT") for name in ("DEFAULT", "INFO", "LOG", "NOTICE", "OK", "SUCCESS")),
        *((name, "WARNING") for name in ("WARNING", "WARN", "warn")),
        *((name, "ERROR") for name in ("ERROR", "FATAL", "CRITICAL")),
        ("no level", "DEFAULT"),
        (3, "DEFAULT"),
    ],
)
def test_levels_of_other_vocabularies_are_translated(named, expected):
    assert observed({f"{OBSERVATION}.level": named}).level == expected


def test_an_unknown_level_falls_back_to_the_status():
    assert observed({f"{OBSERVATION}.level": "unheard-of"}, error="it broke").level == "ERROR"
    assert observed({f"{OBSERVATION}.level": "info"}, error="it broke").level == "DEFAULT"
    assert observed(name="tts_node", scope="livekit-agents").level == "DEBUG"
    assert observed(name="tts_node").level == "DEFAULT"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Prod", "prod"),
        ("langfuse-prod", "prod"),
        ("LANGFUSE_langfuse-prod", "prod"),
        ("langfuse", "default"),
        ("with space", "default"),
        (" prod", "default"),
        ("a" * 50, "a" * 40),
        ("grün", "default"),
        (5, "default"),
    ],
)
def test_environments_are_normalised(given, expected):
    assert observed({"langfuse.environment": given, "deployment.environment": "other"}).environment == expected


def test_each_environment_key_is_sought_in_the_span_then_in_the_resource():
    resource = {"langfuse.environment": "of-resource", "deployment.environment": "last"}
    assert observed({"deployment.environment.name": "of-span"}, resource=resource).environment == "of-resource"
    assert observed({"langfuse.environment": "of-span"}, resource=resource).environment == "of-span"
    assert observed(resource={"deployment.environment": "last"}).environment == "last"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({f"{OBSERVATION}.prompt.version": 3, "langfuse.prompt.version": 4}, 3),
        ({"langfuse.prompt.version": " 4 "}, 4),
        ({"ai.telemetry.metadata.langfusePrompt": '{"name":"p","version":5}'}, 5),
        ({"langfuse.prompt.version": 4, "ai.telemetry.metadata.langfusePrompt": '{"version":5}'}, 4),
        ({f"{OBSERVATION}.prompt.version": "v3"}, None),
        ({f"{OBSERVATION}.prompt.version": 1.5}, None),
        ({f"{OBSERVATION}.prompt.version": -1}, None),
        ({f"{OBSERVATION}.prompt.version": 65536}, None),
        ({f"{OBSERVATION}.prompt.version": True}, None),
    ],
)
def test_prompt_versions_are_small_whole_numbers(attributes, expected):
    assert observed({**GENERATION, **attributes}).prompt_version == expected


def test_only_generations_have_a_prompt():
    given = {f"{OBSERVATION}.prompt.name": "p", f"{OBSERVATION}.prompt.version": 1}
    assert observed({**given, f"{OBSERVATION}.type": "agent"}).prompt_name is None
    found = observed({**given, "gen_ai.request.model": "m"})
    assert (found.prompt_name, found.prompt_version) == ("p", 1)


@pytest.mark.parametrize(
    ("attributes", "expected_ms"),
    [
        ({f"{OBSERVATION}.completion_start_time": "2026-11-23T10:00:00.250Z"}, 1_795_428_000_250),
        ({f"{OBSERVATION}.completion_start_time": '"2026-11-23T10:00:00.250000Z"'}, 1_795_428_000_250),
        ({f"{OBSERVATION}.completion_start_time": "2026-11-23T12:00:00+02:00"}, 1_795_428_000_000),
        ({f"{OBSERVATION}.completion_start_time": "soon", "ai.response.msToFirstChunk": 12.2}, START_NS // 10**6 + 13),
        ({"ai.response.msToFirstChunk": "12", "ai.stream.msToFirstChunk": 99}, START_NS // 10**6 + 12),
        ({"ai.stream.msToFirstChunk": 5}, START_NS // 10**6 + 5),
    ],
)
def test_the_first_token_came_at_a_time_or_after_a_wait(attributes, expected_ms):
    assert observed(attributes).completion_start_time_ns == expected_ms * 10**6


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"usage_details": '{"input":5,"output":2,"cached":1}'}, {"input": 5, "output": 2, "cached": 1, "total": 8}),
        ({"usage_details": '{"input":5,"total":9}'}, {"input": 5, "total": 9}),
        ({"usage_details": '{"input":5,"output":null}'}, {"input": 5, "total": 5}),
        (
            {"usage_details": '{"prompt_tokens":49,"completion_tokens":46,"total_tokens":95}'},
            {"input": 49, "output": 46, "total": 95},
        ),
        (
            {
                "usage_details": '{"prompt_tokens":49,"completion_tokens":46,"total_tokens":95,'
                '"prompt_tokens_details":{"cached_tokens":9},"completion_tokens_details":{"reasoning_tokens":6}}'
            },
            {"input": 40, "input_cached_tokens": 9, "output": 40, "output_reasoning_tokens": 6, "total": 95},
        ),
        (
            {
                "usage_details": '{"input_tokens":10,"output_tokens":5,"total_tokens":15,'
                '"input_tokens_details":{"cached_tokens":4}}'
            },
            {"input": 6, "input_cached_tokens": 4, "output": 5, "total": 15},
        ),
        ({"usage_details": '{"input":1.5,"output":2}'}, {}),
        ({"usage_details": '{"input":-1,"output":2}'}, {}),
        ({"usage_details": '{"input":"7"}'}, {}),
        ({"usage_details": "[1]"}, {}),
        ({"usage_details": "no json"}, {"input": 3, "total": 3}),
        ({"usage_details": ""}, {"input": 3, "total": 3}),
    ],
)
def test_usage_given_outright_is_taken_whole_or_not_at_all(attributes, expected):
    given = {f"{OBSERVATION}.{key}": value for key, value in attributes.items()}
    assert observed({**given, "gen_ai.usage.input_tokens": 3}).usage_details == expected


INPUT_SPELLINGS = ("gen_ai.usage.prompt_tokens", "gen_ai.usage.input_tokens", "llm.token_count.prompt")
OUTPUT_SPELLINGS = ("gen_ai.usage.completion_tokens", "gen_ai.usage.output_tokens", "llm.token_count.completion")
CACHE_READ_SPELLINGS = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.cache_read_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.details.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
    "gen_ai.usage.input_cached_tokens",
)
CACHE_WRITE_SPELLINGS = (
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write_tokens",
    "gen_ai.usage.details.cache_write_tokens",
    "gen_ai.usage.details.cache_creation_input_tokens",
    "llm.token_count.prompt_details.cache_write",
    "gen_ai.usage.input_cache_creation",
)
REASONING_SPELLINGS = ("gen_ai.usage.reasoning.output_tokens", "llm.token_count.completion_details.reasoning")


@pytest.mark.parametrize(
    ("winner", "loser", "kind"),
    [
        *((*pair, "input") for pair in pairwise(INPUT_SPELLINGS)),
        *((*pair, "output") for pair in pairwise(OUTPUT_SPELLINGS)),
        *((*pair, "input_cached_tokens") for pair in pairwise(CACHE_READ_SPELLINGS)),
        *((*pair, "input_cache_creation") for pair in pairwise(CACHE_WRITE_SPELLINGS)),
        *((*pair, "output_reasoning_tokens") for pair in pairwise(REASONING_SPELLINGS)),
        ("gen_ai.usage.total_tokens", "llm.token_count.total", "total"),
    ],
)
def test_of_two_spellings_of_a_count_the_first_counts_alone(winner, loser, kind):
    assert observed({loser: 7, winner: 5}).usage_details[kind] == 5
    assert observed({loser: "7"}).usage_details[kind] == 7


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input_tokens": 100, "cache_read.input_tokens": 30, "cache_creation.input_tokens": 20}, {"input": 50}),
        ({"input_tokens": 10, "cache_read_tokens": 30}, {"input": 0}),
        ({"output_tokens": 9, "reasoning.output_tokens": 4}, {"output": 5}),
        ({"details.thinking": 4, "own_kind": 3}, {"thinking": 4, "own_kind": 3, "total": 7}),
        ({"input_tokens": "12", "output_tokens": ""}, {"input": 12, "output": 0, "total": 12}),
        ({"input_tokens": "twelve"}, {}),
        ({"input_tokens": 1.5}, {}),
    ],
)
def test_parts_are_taken_out_of_the_whole_they_were_counted_in(usage, expected):
    found = observed({f"gen_ai.usage.{key}": value for key, value in usage.items()}).usage_details
    assert expected.items() <= found.items()
    assert bool(found) == bool(expected)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({f"{OBSERVATION}.cost_details": '{"input":1,"output":2.5}'}, {"input": 1, "output": 2.5, "total": 3.5}),
        ({f"{OBSERVATION}.cost_details": '{"input":1,"cache":2}'}, {"input": 1, "cache": 2}),
        ({f"{OBSERVATION}.cost_details": '{"total":1}', "gen_ai.usage.cost": 9}, {"total": 1}),
        ({f"{OBSERVATION}.cost_details": "broken", "gen_ai.usage.cost": 9}, {"total": 9}),
        ({f"{OBSERVATION}.cost_details": "[]", "gen_ai.usage.cost": 9}, {}),
        ({"gen_ai.usage.cost": 0, "llm.cost.total": 9}, {"total": 0}),
        ({"gen_ai.usage.cost": "", "llm.cost.total": "0.5"}, {"total": 0.5}),
    ],
)
def test_cost_is_given_or_a_total(attributes, expected):
    assert observed(attributes).cost_details == expected


def test_agents_that_repeat_their_calls_count_nothing():
    given = {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 5}
    found = observed({**given, "gen_ai.usage.cost": 1})
    assert (found.type, found.model, found.usage_details, found.cost_details) == ("AGENT", None, {}, {})


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {f"{OBSERVATION}.model.parameters": '{"t":1.0,"stop":["a"],"on":true,"none":null}', "model_config": "{}"},
            {"t": 1, "stop": '["a"]', "on": "true", "none": "null"},
        ),
        ({f"{OBSERVATION}.model.parameters": "broken", "llm.invocation_parameters": '{"a":1}'}, {"a": 1}),
        ({"llm.invocation_parameters": '{"a":1}', "model_config": '{"b":2}'}, {"a": 1}),
        ({"llm.invocation_parameters": "broken", "model_config": '{"b":2}'}, {"b": 2}),
        ({"model_config": '{"b":2}', "gen_ai.request.top_p": 1}, {"b": 2}),
        ({"gen_ai.request.top_p": 0.5, "gen_ai.request.model": "m"}, {"top_p": 0.5}),
        ({"llm.invocation_parameters.top_k": 4, "gen_ai.request.top_p": [1, 2]}, {"top_p": "[1,2]", "top_k": 4}),
        ({"gen_ai.request.model": "m"}, {}),
    ],
)
def test_model_parameters_come_from_the_first_source_that_can_be_read(attributes, expected):
    assert observed(attributes).model_parameters == expected


EXPERIMENT = {
    "langfuse.experiment.id": "e1",
    "langfuse.experiment.name": "run",
    "langfuse.experiment.description": "why",
    "langfuse.experiment.metadata": '{"model":"m","deep":{"a":1}}',
    "langfuse.experiment.metadata.extra": "x",
    "langfuse.experiment.dataset.id": "d1",
    "langfuse.experiment.item.id": "i1",
    "langfuse.experiment.item.version": "2026-11-23T10:00:00.000Z",
    "langfuse.experiment.item.metadata": '{"k":"v"}',
    "langfuse.experiment.item.expected_output": '{"grade":3}',
    "langfuse.experiment.item.root_observation_id": "00000000000000aa",
}


def test_an_experiment_is_read_from_its_attributes():
    assert observed(EXPERIMENT).experiment == Experiment(
        id="e1",
        name="run",
        description="why",
        metadata={"model": "m", "deep": {"a": 1}, "extra": "x"},
        dataset_id="d1",
        item_id="i1",
        item_version_ns=1_795_428_000 * 10**9,
        item_metadata={"k": "v"},
        item_expected_output='{"grade":3}',
        root_observation_id="00000000000000aa",
    )


def test_an_experiments_version_is_a_moment_and_a_span_without_its_id_belongs_to_none():
    assert observed({**EXPERIMENT, "langfuse.experiment.item.version": "latest"}).experiment.item_version_ns is None
    assert observed({**EXPERIMENT, "langfuse.experiment.id": ""}).experiment is None
    assert observed({**EXPERIMENT, "langfuse.experiment.metadata": "no json"}).experiment.metadata == {"extra": "x"}


def test_numbers_read_as_javascript_writes_them():
    found = observed({"langfuse.trace.name": 5.0, "langfuse.version": 2**63 - 1, "langfuse.release": 0.25})
    assert (found.trace_name, found.version, found.release) == ("5", "9223372036854776000", "0.25")
    assert json.loads(observed({"input": [1.0, float("nan"), -(2**63)]}).input) == [1, None, -9223372036854776000]


@pytest.mark.parametrize("given", [0, "0", "soon", True, ["2026-11-23"]])
def test_what_is_no_moment_is_no_first_token(given):
    assert observed({f"{OBSERVATION}.completion_start_time": given}).completion_start_time_ns is None
