"""Where metadata comes from, what is decoded, and which tools leave it for the input."""

import json

import pytest
from tests.records.test_mapping import observed

from certtrace import semconv
from certtrace.records.mapping import flat_metadata

OBSERVATION, TRACE = "langfuse.observation.metadata", "langfuse.trace.metadata"


def test_leftover_attributes_are_kept_as_text_unless_the_scope_is_langfuses():
    given = {"http.route": "/grade", "http.status": 200, "ok": True, "list": ["a", 1.0], f"{OBSERVATION}.k": "v"}
    assert observed(given).metadata["attributes"] == {
        "http.route": "/grade",
        "http.status": "200",
        "ok": "true",
        "list": '["a",1]',
    }
    assert observed().metadata["attributes"] == {}
    assert "attributes" not in observed(given, scope="langfuse-sdk").metadata
    assert "attributes" not in observed(given, scope="langfuse-sdk-other").metadata


def test_resource_and_scope_are_kept_and_own_metadata_may_replace_them():
    found = observed(resource={"service.name": "worker", "n": 1.0}, scope="lib", scope_version="2").metadata
    assert found["resourceAttributes"] == {"service.name": "worker", "n": 1}
    assert found["scope"] == {"name": "lib", "version": "2", "attributes": {}}
    assert observed({f"{OBSERVATION}.scope": "mine"}, scope="lib").metadata["scope"] == "mine"
    assert observed(scope="").metadata["scope"] == {"attributes": {}}


ORDER = [
    (OBSERVATION, '{"k":"object"}'),
    (f"{OBSERVATION}.k", "key"),
    (TRACE, '{"k":"trace object"}'),
    (f"{TRACE}.k", "trace key"),
]


@pytest.mark.parametrize("position", range(1, len(ORDER)))
def test_of_two_sources_of_one_metadata_key_the_later_one_wins(position):
    (weaker, given), (stronger, winning) = ORDER[position - 1], ORDER[position]
    expected = json.loads(winning)["k"] if winning.startswith("{") else winning
    assert observed({stronger: winning, weaker: given}).metadata["k"] == expected


def test_the_common_object_stands_in_for_either_objects_absence_and_so_beats_the_observations():
    common = {"langfuse.metadata": '{"k":"common"}'}
    assert observed(common).metadata["k"] == "common"
    assert observed({**common, OBSERVATION: '{"k":"own"}'}).metadata["k"] == "common"
    assert observed({**common, OBSERVATION: '{"k":"own"}', TRACE: '{"x":1}'}).metadata["k"] == "own"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('"text"', {}),
        ("no json", {}),
        ("5", {}),
        (5, {}),
        ('["a","b"]', {"0": "a", "1": "b"}),
        ('{"a":{"b":1.0}}', {"a": {"b": 1}}),
    ],
)
def test_metadata_given_as_one_value_must_be_an_object(given, expected):
    found = observed({OBSERVATION: given}, scope="langfuse-sdk").metadata
    assert {key: found[key] for key in found if key not in ("resourceAttributes", "scope")} == expected


def test_metadata_of_every_family_is_taken():
    found = observed({"langfuse.metadata.a": "1", "ai.telemetry.metadata.b": "2", f"{TRACE}.c.d": "3"}).metadata
    assert (found["a"], found["b"], found["c.d"]) == ("1", "2", "3")
    assert set(found["attributes"]) == {"langfuse.metadata.a"}
    assert f"{OBSERVATION}." not in str(observed({f"{OBSERVATION}.": "nameless"}).metadata)


@pytest.mark.parametrize(
    ("scope", "version", "is_decoded"),
    [
        ("langfuse-sdk", "5.0.4", True),
        ("langfuse-sdk", "12.0", True),
        ("langfuse-sdk", "4.9.9", False),
        ("langfuse-sdk", "", False),
        ("other", "5.0.4", False),
        (semconv.SCOPE_NAME, "0.1", True),
    ],
)
def test_sdks_from_five_on_encode_each_metadata_value(scope, version, is_decoded):
    given = {f"{OBSERVATION}.text": '"5"', f"{OBSERVATION}.deep": '{"a":[1]}', f"{OBSERVATION}.raw": "no json"}
    found = observed(given, scope=scope, scope_version=version).metadata
    expected = ("5", {"a": [1]}) if is_decoded else ('"5"', '{"a":[1]}')
    assert (found["text"], found["deep"], found["raw"]) == (*expected, "no json")


def test_flat_metadata_has_dotted_names_and_keeps_texts_apart_from_numbers_where_they_differ():
    given = {f"{OBSERVATION}.text": '"5"', f"{OBSERVATION}.deep": '{"a":{"b":[1]},"none":null}'}
    new = flat_metadata(observed(given, scope="langfuse-sdk", scope_version="5.0").metadata)
    assert (new["text"], new["deep.a.b"], new["deep.none"]) == ("5", [1], None)
    assert (new["scope.name"], new["scope.version"]) == ("langfuse-sdk", "5.0")
    old = flat_metadata(observed({**given, f"{OBSERVATION}.n": "5"}, resource={"service.name": "w"}).metadata)
    assert (old["text"], old["n"], old["deep"]) == ("5", 5, {"a": {"b": [1]}, "none": None})
    assert old["resourceAttributes.service.name"] == "w"
    assert flat_metadata({"a": {"b": 1}, "a.b": 2}) == {"a.b": 1}


def test_a_receipt_of_redaction_shows_in_whatever_scope():
    receipt = {semconv.REDACTION_RECEIPT: '{"policy":"p"}'}
    assert observed(receipt, scope="langfuse-sdk").metadata[semconv.REDACTION_RECEIPT] == {"policy": "p"}
    foreign = observed({**receipt, "sent": "1"}, scope="lib").metadata
    assert foreign[semconv.REDACTION_RECEIPT] == {"policy": "p"}
    assert foreign["attributes"] == {"sent": "1"}


TOOL = {"type": "function", "function": {"name": "search", "parameters": {}}}
FLAT_TOOL = {"name": "grade", "inputSchema": {}}


@pytest.mark.parametrize(
    ("attributes", "tools"),
    [
        (
            {"ai.prompt.tools": [json.dumps(FLAT_TOOL), json.dumps({"type": "provider"})]},
            [FLAT_TOOL, {"type": "provider"}],
        ),
        ({"gen_ai.tool.definitions": json.dumps([TOOL])}, [TOOL]),
        ({"model_request_parameters": json.dumps({"function_tools": [FLAT_TOOL]})}, [FLAT_TOOL]),
        (
            {
                "llm.tools.10.tool.json_schema": json.dumps(TOOL),
                "llm.tools.2.tool.json_schema": json.dumps(FLAT_TOOL),
            },
            [FLAT_TOOL, TOOL],
        ),
        ({f"{OBSERVATION}.tools": json.dumps([TOOL, TOOL])}, [TOOL]),
    ],
)
def test_tool_definitions_move_from_metadata_into_the_input(attributes, tools):
    found = observed({**attributes, "input": '[{"role":"user"}]'})
    assert json.loads(found.input) == {"messages": [{"role": "user"}], "tools": tools}
    assert not {"attributes", "tools"} & set(found.metadata)


@pytest.mark.parametrize(
    ("entered", "expected"),
    [
        ('{"q":1.0}', {"q": 1, "tools": [TOOL]}),
        ('{"tools":[{"name":"grade","inputSchema":{}}]}', {"tools": [FLAT_TOOL, TOOL]}),
        ("just text", {"prompt": "just text", "tools": [TOOL]}),
        ('"quoted"', {"prompt": "quoted", "tools": [TOOL]}),
        (None, {"tools": [TOOL]}),
    ],
)
def test_tools_stand_beside_whatever_the_input_is(entered, expected):
    given = {"gen_ai.tool.definitions": json.dumps([TOOL]), **({} if entered is None else {"input": entered})}
    assert json.loads(observed(given).input) == expected


@pytest.mark.parametrize(
    ("attributes", "entered"),
    [
        ({"gen_ai.tool.definitions": json.dumps([TOOL])}, "5"),
        ({"gen_ai.tool.definitions": json.dumps([TOOL])}, '{"tools":"none"}'),
        ({"gen_ai.tool.definitions": json.dumps([TOOL, {"no": "name"}])}, "text"),
        ({f"{OBSERVATION}.tools": '["hammer"]'}, "text"),
        ({f"{OBSERVATION}.tools": "hammer"}, "text"),
    ],
)
def test_what_is_no_tool_or_fits_no_input_stays_where_it_is(attributes, entered):
    found = observed({**attributes, "input": entered})
    assert found.input == entered
    (key,) = attributes
    kept = found.metadata["tools"] if key.startswith(OBSERVATION) else found.metadata["attributes"][key]
    assert kept == attributes[key]


def test_parameters_beside_the_tools_stay():
    given = {"model_request_parameters": json.dumps({"function_tools": [FLAT_TOOL], "mode": 1}), "x": "y"}
    found = observed(given)
    assert found.metadata["attributes"] == {"model_request_parameters": '{"mode":1}', "x": "y"}
