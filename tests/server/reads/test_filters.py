"""The parameter `filter`, over every type of condition."""

import json
from typing import Any

import pytest
from tests.server.reads.records import GENERATION, GRADING, LONE, PLAIN, ROOT, TOOL
from tests.server.serving import Serving

from certtrace.server.access import Role


def asked(box: Serving, route: str, *conditions: Any, **further: Any) -> Any:
    return box.client(Role.READER).get(
        f"/api/public/{route}", params={"filter": json.dumps(list(conditions)), **further}
    )


def condition(kind: str, column: str, operator: str, value: Any, key: str | None = None) -> dict[str, Any]:
    given = {"type": kind, "column": column, "operator": operator, "value": value}
    return given if key is None else given | {"key": key}


ALL = [LONE, TOOL, GENERATION, ROOT]
CASES = [
    (condition("string", "name", "=", "draft"), [GENERATION]),
    (condition("string", "name", "contains", "ra"), [GENERATION, ROOT]),
    (condition("string", "name", "does not contain", "ra"), [LONE, TOOL]),
    (condition("string", "name", "starts with", "se"), [TOOL]),
    (condition("string", "name", "ends with", "ng"), [LONE]),
    (condition("string", "userId", "does not contain", "user"), [LONE, TOOL]),
    (condition("string", "userId", "=", ""), [LONE, TOOL]),
    (condition("string", "id", "=", ROOT), [ROOT]),
    (condition("string", "traceId", "=", PLAIN), [LONE]),
    (condition("string", "statusMessage", "contains", "quorum"), [ROOT]),
    (condition("string", "input", "matches", "needle"), [GENERATION]),
    (condition("string", "input", "matches", "need"), []),
    (condition("string", "output", "=", "42"), [GENERATION]),
    (condition("string", "type", "=", "TOOL"), [TOOL]),
    (condition("string", "Trace Name", "=", "grading"), [GENERATION, ROOT]),
    (condition("stringOptions", "type", "any of", ["TOOL", "CHAIN"]), [TOOL, ROOT]),
    (condition("stringOptions", "model", "none of", ["gpt-test"]), [LONE, TOOL, ROOT]),
    (condition("stringOptions", "environment", "any of", ["default"]), [LONE]),
    (condition("stringOptions", "version", "any of", ["", "other"]), [LONE, TOOL]),
    (condition("datetime", "startTime", ">=", "2026-11-23T10:00:00.500Z"), [LONE, TOOL, GENERATION]),
    (condition("datetime", "startTime", ">", "2026-11-23T10:00:00.500Z"), [LONE]),
    (condition("datetime", "startTime", "<", "2026-11-23T10:00:00.000Z"), []),
    (condition("datetime", "startTime", "<=", "2026-11-23T10:00:00.000Z"), [ROOT]),
    (condition("datetime", "endTime", "<", "2026-11-23"), []),
    (condition("datetime", "startTime", ">", 1795428000500), [LONE]),
    (condition("number", "latency", ">=", 1), [GENERATION, ROOT]),
    (condition("number", "latency", "=", 2.5), [ROOT]),
    (condition("number", "timeToFirstToken", "<", 0.5), [GENERATION]),
    (condition("number", "tokensPerSecond", ">", 19.5), [GENERATION]),
    (condition("number", "inputTokens", "=", 15), [GENERATION]),
    (condition("number", "outputTokens", ">", 0), [GENERATION]),
    (condition("number", "totalTokens", "<=", 35), [GENERATION]),
    (condition("number", "tokens", ">", 35), []),
    (condition("number", "inputCost", ">", 0.2), [GENERATION]),
    (condition("number", "outputCost", "=", 0.5), [GENERATION]),
    (condition("number", "totalCost", "<", 0.5), [TOOL]),
    (condition("number", "promptVersion", "=", 3), [GENERATION]),
    (condition("boolean", "isRootObservation", "=", True), [LONE, ROOT]),
    (condition("boolean", "isRootObservation", "<>", True), [TOOL, GENERATION]),
    (condition("boolean", "hasParentObservation", "=", False), [LONE, ROOT]),
    (condition("arrayOptions", "tags", "any of", ["pilot", "x"]), [GENERATION, ROOT]),
    (condition("arrayOptions", "traceTags", "all of", ["pilot", "essay"]), [GENERATION, ROOT]),
    (condition("arrayOptions", "tags", "all of", ["pilot", "x"]), []),
    (condition("arrayOptions", "tags", "none of", ["pilot"]), [LONE, TOOL]),
    (condition("stringObject", "metadata", "=", "lookup", key="kind"), [TOOL]),
    (condition("stringObject", "metadata", "=", "grader", key="resourceAttributes.service.name"), [ROOT]),
    (condition("stringObject", "metadata", "contains", "ong lo", key="long"), [GENERATION]),
    (condition("stringObject", "metadata", "does not contain", "z", key="kind"), [TOOL]),
    (condition("stringObject", "metadata", "starts with", "1", key="count"), [GENERATION]),
    (condition("stringObject", "metadata", "ends with", "p", key="kind"), [TOOL]),
    (condition("stringObject", "metadata", "matches", "lookup", key="kind"), [TOOL]),
    (condition("stringObject", "metadata", "is set", "", key="nested.deep.leaf"), [GENERATION]),
    (condition("stringObject", "metadata", "is not set", "", key="kind"), [LONE, GENERATION, ROOT]),
    (condition("numberObject", "metadata", ">", 1, key="attempt"), [ROOT]),
    (condition("numberObject", "metadata", "=", 12, key="count"), [GENERATION]),
    (condition("categoryOptions", "metadata", "any of", ["lookup", "other"], key="kind"), [TOOL]),
    (condition("categoryOptions", "metadata", "none of", ["lookup"], key="kind"), [LONE, GENERATION, ROOT]),
    (condition("null", "parentObservationId", "is null", ""), [LONE, ROOT]),
    (condition("null", "parentObservationId", "is not null", ""), [TOOL, GENERATION]),
    (condition("null", "sessionId", "is null", ""), [LONE, TOOL]),
]


@pytest.mark.parametrize(("given", "expected"), CASES, ids=lambda given: json.dumps(given)[:90])
def test_a_condition_narrows_observations(box: Serving, given: dict[str, Any], expected: list[str]) -> None:
    answer = asked(box, "v2/observations", given)
    assert answer.status_code == 200, answer.text
    assert [each["id"] for each in answer.json()["data"]] == expected
    page = asked(box, "observations", given).json()
    assert [each["id"] for each in page["data"]] == expected
    assert page["meta"]["totalItems"] == len(expected)


def test_conditions_hold_together(box: Serving) -> None:
    both = condition("string", "name", "contains", "ra"), condition("number", "latency", ">", 2)
    assert [each["id"] for each in asked(box, "v2/observations", *both).json()["data"]] == [ROOT]
    assert [each["id"] for each in asked(box, "v2/observations").json()["data"]] == ALL


def test_a_condition_wins_over_the_parameter_for_the_same_field(box: Serving) -> None:
    found = asked(box, "v2/observations", condition("string", "name", "=", "draft"), name="search", userId="user-1")
    assert [each["id"] for each in found.json()["data"]] == [GENERATION]


TRACE_CASES = [
    (condition("string", "id", "=", PLAIN), [PLAIN]),
    (condition("stringOptions", "name", "any of", ["grading"]), [GRADING]),
    (condition("string", "userId", "=", "user-2"), [PLAIN]),
    (condition("string", "sessionId", "starts with", "session"), [PLAIN, GRADING]),
    (condition("datetime", "timestamp", "<", "2026-11-23T10:00:01Z"), [GRADING]),
    (condition("string", "version", "=", "9"), [PLAIN]),
    (condition("string", "release", "=", "r-7"), [GRADING]),
    (condition("stringOptions", "environment", "none of", ["staging"]), [PLAIN]),
    (condition("stringOptions", "level", "any of", ["ERROR"]), [GRADING]),
    (condition("arrayOptions", "tags", "any of", ["said", "x"]), [PLAIN]),
    (condition("boolean", "bookmarked", "=", True), [GRADING]),
    (condition("number", "errorCount", ">", 0), [GRADING]),
    (condition("number", "warningCount", "=", 1), [GRADING]),
    (condition("number", "defaultCount", "=", 1), [PLAIN, GRADING]),
    (condition("number", "latency", ">", 2), [GRADING]),
    (condition("number", "totalTokens", "=", 35), [GRADING]),
    (condition("number", "inputTokens", "=", 15), [GRADING]),
    (condition("number", "totalCost", "=", 1), [GRADING]),
    (condition("stringObject", "metadata", "=", "trace", key="own.of"), [PLAIN]),
    (condition("numberObject", "metadata", "=", 2, key="attempt"), [GRADING]),
    (condition("numberObject", "scores_avg", ">=", 0.5, key="accuracy"), [GRADING]),
    (condition("categoryOptions", "score_categories", "any of", ["good"], key="verdict"), [PLAIN]),
    (condition("categoryOptions", "score_categories", "none of", ["good"], key="verdict"), [GRADING]),
    (condition("null", "release", "is null", ""), []),
]


@pytest.mark.parametrize(("given", "expected"), TRACE_CASES, ids=lambda given: json.dumps(given)[:90])
def test_a_condition_narrows_traces(box: Serving, given: dict[str, Any], expected: list[str]) -> None:
    answer = asked(box, "traces", given)
    assert answer.status_code == 200, answer.text
    assert [each["id"] for each in answer.json()["data"]] == expected
    assert answer.json()["meta"]["totalItems"] == len(expected)


SCORE_CASES = [
    (condition("string", "name", "=", "accuracy"), ["s-number"]),
    (condition("stringOptions", "dataType", "any of", ["TEXT", "BOOLEAN"]), ["s-text", "s-boolean"]),
    (condition("number", "value", ">", 0.6), ["s-run", "s-boolean"]),
    (condition("datetime", "timestamp", ">=", "2026-11-23T10:00:04Z"), ["s-run", "s-text"]),
    (condition("string", "comment", "contains", "al"), ["s-number"]),
    (condition("string", "stringValue", "=", "good"), ["s-category"]),
    (condition("string", "userId", "=", "user-2"), ["s-category"]),
    (condition("arrayOptions", "traceTags", "any of", ["pilot"]), ["s-boolean", "s-number"]),
    (condition("stringObject", "metadata", "=", "judge", key="by"), ["s-number"]),
    (condition("null", "traceId", "is null", ""), ["s-run", "s-text"]),
]


@pytest.mark.parametrize(("given", "expected"), SCORE_CASES, ids=lambda given: json.dumps(given)[:90])
def test_a_condition_narrows_scores(box: Serving, given: dict[str, Any], expected: list[str]) -> None:
    answer = asked(box, "v2/scores", given)
    assert answer.status_code == 200, answer.text
    assert [each["id"] for each in answer.json()["data"]] == expected
    assert answer.json()["meta"]["totalItems"] == len(expected)


UNFIT = [
    condition("text", "name", "=", "x"),
    condition("string", "name", "~", "x"),
    condition("string", "name", "=", 5),
    condition("number", "latency", ">", "x"),
    condition("number", "latency", ">", True),
    condition("datetime", "startTime", ">", "yesterday"),
    condition("datetime", "startTime", ">", 1e300),
    condition("stringOptions", "name", "any of", []),
    condition("stringOptions", "name", "any of", [1]),
    condition("arrayOptions", "tags", "any of", []),
    condition("boolean", "isRootObservation", "=", "true"),
    condition("stringObject", "metadata", "=", "x"),
    {"type": "string", "operator": "=", "value": "x"},
    {"type": ["string"]},
    "text",
    None,
]


@pytest.mark.parametrize("given", UNFIT, ids=lambda given: json.dumps(given)[:90])
@pytest.mark.parametrize("route", ["v2/observations", "observations", "traces", "v2/scores"])
def test_an_unfit_condition_is_refused_with_its_place(box: Serving, route: str, given: Any) -> None:
    answer = asked(box, route, given)
    assert answer.status_code == 400
    body = answer.json()
    assert body["message"] == "Invalid request data"
    assert body["error"][0]["path"][:2] == ["filter", 0]
    assert set(body["error"][0]) >= {"code", "path", "message"}


REFUSED = [
    (condition("string", "nonsense", "=", "x"), "Column nonsense does not match a UI / CH table mapping."),
    (
        condition("number", "name", "=", 1),
        "Invalid filter type 'number' for column 'name'. Expected filter type 'stringOptions'.",
    ),
    (
        condition("string", "input", "contains", "x"),
        "Input/output filters require at least one `matches` or `=` operator.",
    ),
    (condition("stringOptions", "input", "any of", ["x"]), "Input/output filters only support filter type `string`."),
    (condition("string", "input", "matches", "!?"), "`matches` requires at least one search token."),
    (
        condition("string", "name", "matches", "x"),
        "`matches` is only supported for input, output, and metadata filters.",
    ),
]


@pytest.mark.parametrize(("given", "message"), REFUSED, ids=lambda given: json.dumps(given)[:90])
def test_what_cannot_be_asked_is_refused(box: Serving, given: dict[str, Any], message: str) -> None:
    answer = asked(box, "v2/observations", given)
    assert answer.status_code == 400
    assert answer.json() == {"message": message, "error": "InvalidRequestError"}


@pytest.mark.parametrize("text", ["{", '{"a": 1}', '"x"', "[" * 5000, '["\\ud800"]', "[1e999]", "\x00"])
def test_what_is_no_list_of_conditions_is_refused(box: Serving, text: str) -> None:
    for route in ("v2/observations", "observations", "traces", "v2/scores", "scores"):
        assert box.client(Role.READER).get(f"/api/public/{route}", params={"filter": text}).status_code == 400
