"""JSON schemas of datasets: what they say of a value, and that none of them can stall or reach out."""

import time
from typing import Any

import pytest

from certtrace.records.catalog.refusals import RefusedError
from certtrace.server.api.schemas import findings, is_schema

NESTED: Any = {}
for _ in range(3_000):
    NESTED = {"next": NESTED}
NOTS: Any = {"type": "string"}
for _ in range(3_000):
    NOTS = {"not": NOTS}
DOUBLING = {
    f"a{level}": {"allOf": [{"$ref": f"#/$defs/a{level + 1}"}] * 2} if level < 40 else {"type": "string"}
    for level in range(41)
}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"type": "string"}, 5, [("/", "must be string", "type")]),
        ({"type": ["string", "null"]}, 5, [("/", "must be string,null", "type")]),
        (
            {"required": ["a", "b", "c"]},
            {"b": 1},
            [
                ("/", "must have required property 'a'", "required"),
                ("/", "must have required property 'c'", "required"),
            ],
        ),
        ({"properties": {"a": {"minimum": 3}}}, {"a": 2}, [("/a", "must be >= 3", "minimum")]),
        ({"items": {"maxLength": 2}}, ["ab", "abc"], [("/1", "must NOT have more than 2 characters", "maxLength")]),
        (
            {"additionalProperties": False},
            {"secret": 1},
            [("/", "must NOT have additional properties", "additionalProperties")],
        ),
        ({"additionalProperties": {"type": "string"}}, {"a": 1}, [("/a", "must be string", "type")]),
        ({"patternProperties": {"^x": {"type": "string"}}}, {"x1": 1, "y": 1}, [("/x1", "must be string", "type")]),
        ({"enum": ["a"]}, "b", [("/", "must be equal to one of the allowed values", "enum")]),
        ({"const": "a"}, "b", [("/", "must be equal to constant", "const")]),
        ({"pattern": "^a+$"}, "b", [("/", 'must match pattern "^a+$"', "pattern")]),
        ({"uniqueItems": True}, [{"a": 1}, {"a": 1}], [("/", "must NOT have duplicate items", "uniqueItems")]),
        ({"not": {}}, 1, [("/", "must NOT be valid", "not")]),
        ({"$defs": {"t": {"type": "string"}}, "$ref": "#/$defs/t"}, 1, [("/", "must be string", "type")]),
        (
            {"patternProperties": {"^x": True}, "additionalProperties": False},
            {"x1": 1},
            [],
        ),
        ({"uniqueItems": True}, [1, 2], []),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema", "prefixItems": [{"type": "string"}]}, ["a"], []),
        ({}, "anything", []),
        (None, "anything", []),
    ],
)
def test_what_does_not_fit_is_told_without_its_value(schema: Any, value: Any, expected: list[Any]) -> None:
    assert schema is None or is_schema(schema)
    assert [(each.path, each.message, each.keyword) for each in findings(schema, value)] == expected


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "text"},
        {"type": 5},
        {"properties": []},
        {"$schema": "http://example.org/own"},
        {"$schema": 5},
        {"$ref": "#"},
        {"$ref": "#/definitions/missing"},
        {"$ref": "http://127.0.0.1:9/schema"},
        {"properties": {"a": {"$ref": "http://127.0.0.1:9/schema"}}},
        {"pattern": "(?=a)b"},
        {"pattern": "(a"},
        {"properties": {"a": {"patternProperties": {"(?<=x)y": {}}}}},
        {"patternProperties": {"a": {}}, "unevaluatedProperties": False},
        NESTED,
        NOTS,
        [],
        "text",
    ],
)
def test_what_is_no_schema_is_told_apart(schema: Any) -> None:
    assert not is_schema(schema)


def test_a_pattern_is_matched_in_linear_time() -> None:
    schema = {"type": "string", "pattern": "^(a+)+$"}
    started = time.thread_time()
    assert is_schema(schema)
    assert findings(schema, "a" * 50_000 + "b")
    assert time.thread_time() - started < 2


def test_many_equal_items_are_found_soon() -> None:
    started = time.thread_time()
    assert not findings({"uniqueItems": True}, [{"number": number} for number in range(20_000)])
    assert time.thread_time() - started < 2


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$defs": {"n": {"properties": {"next": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"}, NESTED),
        ({"$defs": DOUBLING, "properties": {"a": {"$ref": "#/$defs/a0"}}}, {"a": "text"}),
    ],
)
def test_a_check_without_end_is_given_up(schema: Any, value: Any) -> None:
    assert is_schema(schema)
    started = time.thread_time()
    with pytest.raises(RefusedError, match="cannot be checked"):
        findings(schema, value)
    assert time.thread_time() - started < 5
