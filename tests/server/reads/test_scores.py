"""Scores: behind a cursor, by pages, and single ones."""

from typing import Any

import pytest
from langfuse import Langfuse
from tests.server.reads.records import GENERATION, GRADING, PLAIN
from tests.server.serving import Serving

from certtrace.server.access import Role

STORED = {"createdAt", "updatedAt"}
NUMBER = {
    "id": "s-number",
    "projectId": "default",
    "name": "accuracy",
    "dataType": "NUMERIC",
    "value": 0.5,
    "source": "API",
    "timestamp": "2026-11-23T10:00:01.000Z",
    "environment": "staging",
}
ALL = ["s-run", "s-text", "s-category", "s-boolean", "s-number"]


def got(box: Serving, path: str, **asked: Any) -> Any:
    answer = box.client(Role.READER).get(f"/api/public/{path}", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def without(shape: dict[str, Any], names: set[str]) -> dict[str, Any]:
    assert names <= set(shape)
    return {name: value for name, value in shape.items() if name not in names}


def test_the_newest_scores_come_first_with_values_of_their_own_type(box: Serving) -> None:
    answer = got(box, "v3/scores")
    assert [each["id"] for each in answer["data"]] == ALL
    assert [each["value"] for each in answer["data"]] == [0.9, "well done", "good", True, 0.5]
    assert answer["data"][3]["value"] is True
    assert without(answer["data"][4], STORED) == NUMBER
    assert answer["meta"] == {"limit": 50}


def test_groups_of_fields_are_added(box: Serving) -> None:
    run, text, category, boolean, number = got(box, "v3/scores", fields="core,details,subject,annotation")["data"]
    assert [number[field] for field in ("comment", "configId", "metadata")] == ["half", "config-1", {"by": "judge"}]
    assert run["metadata"] == {"metadata": ["a", "list"]}
    assert [category[field] for field in ("comment", "configId", "metadata")] == [None, None, {}]
    assert [category[field] for field in ("authorUserId", "queueId")] == ["author-1", "queue-1"]
    assert [each["subject"] for each in (run, text, category, boolean)] == [
        {"kind": "experiment", "id": "run-1"},
        {"kind": "session", "id": "session-1"},
        {"kind": "trace", "id": PLAIN},
        {"kind": "observation", "id": GENERATION, "traceId": GRADING},
    ]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"id": "s-run, s-text"}, ["s-run", "s-text"]),
        ({"name": "accuracy,passed"}, ["s-boolean", "s-number"]),
        ({"source": "eval"}, ["s-boolean"]),
        ({"dataType": "categorical,TEXT"}, ["s-text", "s-category"]),
        ({"environment": "staging"}, ["s-number"]),
        ({"configId": "config-1"}, ["s-number"]),
        ({"queueId": "queue-1"}, ["s-category"]),
        ({"authorUserId": "author-1"}, ["s-category"]),
        ({"value": "0.5,7", "dataType": "NUMERIC"}, ["s-number"]),
        ({"value": "true", "dataType": "BOOLEAN"}, ["s-boolean"]),
        ({"value": "false", "dataType": "BOOLEAN"}, []),
        ({"value": "good", "dataType": "CATEGORICAL"}, ["s-category"]),
        ({"valueMin": "0.6", "dataType": "NUMERIC"}, ["s-run"]),
        ({"valueMax": "0.6", "dataType": "NUMERIC"}, ["s-number"]),
        ({"valueMin": ""}, ALL),
        ({"traceId": GRADING}, ["s-boolean", "s-number"]),
        ({"traceId": GRADING, "observationId": GENERATION}, ["s-boolean"]),
        ({"sessionId": "session-1"}, ["s-text"]),
        ({"experimentId": "run-1"}, ["s-run"]),
        ({"fromTimestamp": "2026-11-23T10:00:04Z"}, ["s-run", "s-text"]),
        ({"toTimestamp": "2026-11-23T10:00:02"}, ["s-number"]),
        ({"userId": "", "traceTags": "", "fromTimestamp": ""}, ALL),
    ],
)
def test_parameters_narrow_the_list_behind_the_cursor(box: Serving, asked: dict[str, Any], expected: list[str]) -> None:
    assert [each["id"] for each in got(box, "v3/scores", **asked)["data"]] == expected


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"userId": "u"},
            "userId filter requires a trace JOIN and is not supported in v3 \u2014 use v2 or omit this filter",
        ),
        ({"value": "1"}, "value filter requires a single dataType from: NUMERIC, BOOLEAN, CATEGORICAL"),
        (
            {"value": "1", "dataType": "TEXT"},
            'value filter requires dataType to be NUMERIC, BOOLEAN, or CATEGORICAL (got "TEXT")',
        ),
        (
            {"value": "x", "dataType": "NUMERIC"},
            'value filter with dataType=NUMERIC requires each value to be a finite number (got "x")',
        ),
        (
            {"value": "1", "dataType": "BOOLEAN"},
            'value filter with dataType=BOOLEAN requires each value to be "true" or "false" (got "1")',
        ),
        ({"valueMin": "1"}, "valueMin and valueMax require dataType=NUMERIC as a single value"),
        ({"observationId": "o"}, "observationId filter requires traceId \u2014 observation IDs are scoped to a trace"),
        ({"traceId": "t", "sessionId": "s"}, "At most one of traceId, sessionId, experimentId may be specified"),
        ({"source": "x"}, 'Invalid source value: "X". Allowed: API, EVAL, ANNOTATION'),
        ({"fields": "core,nonsense"}, 'Invalid option: expected one of "core"|"details"|"subject"|"annotation"'),
    ],
)
def test_misused_parameters_are_refused(box: Serving, asked: dict[str, Any], message: str) -> None:
    answer = box.client(Role.READER).get("/api/public/v3/scores", params=asked)
    assert answer.status_code == 400
    assert answer.json()["message"] == "Invalid request data"
    assert [each["message"] for each in answer.json()["error"]] == [message]


def test_pages_show_numbers_and_texts_apart_and_the_trace(box: Serving) -> None:
    answer = got(box, "v2/scores")
    run, text, category, boolean, number = answer["data"]
    assert answer["meta"] == {"page": 1, "limit": 50, "totalItems": 5, "totalPages": 1}
    assert without(number, STORED) == NUMBER | {
        "stringValue": None,
        "traceId": GRADING,
        "observationId": None,
        "sessionId": None,
        "datasetRunId": None,
        "authorUserId": None,
        "comment": "half",
        "metadata": {"by": "judge"},
        "configId": "config-1",
        "queueId": None,
        "trace": {
            "userId": "user-1",
            "tags": ["essay", "pilot"],
            "environment": "staging",
            "sessionId": "session-1",
        },
    }
    assert (boolean["value"], boolean["stringValue"]) == (1.0, "True")
    assert (category["value"], category["stringValue"]) == (0, "good")
    assert text["stringValue"] == "well done"
    assert "value" not in text
    assert text["trace"] is None
    assert run["datasetRunId"] == "run-1"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"userId": "user-1"}, ["s-boolean", "s-number"]),
        ({"name": "accuracy"}, ["s-number"]),
        ({"fromTimestamp": "2026-11-23T10:00:04Z"}, ["s-run", "s-text"]),
        ({"toTimestamp": "2026-11-23T10:00:02Z"}, ["s-number"]),
        ({"environment": "staging"}, ["s-number"]),
        ({"environment": "staging", "userId": "user-1"}, ["s-number"]),
        ({"source": "ANNOTATION"}, ["s-category"]),
        ({"operator": ">=", "value": "0.9"}, ["s-run", "s-boolean"]),
        ({"operator": "!=", "value": "0.9"}, ["s-boolean", "s-number"]),
        ({"operator": "=", "value": "0.5"}, ["s-number"]),
        ({"value": "0.5"}, ALL),
        ({"scoreIds": "s-run,s-text"}, ["s-run", "s-text"]),
        ({"configId": "config-1"}, ["s-number"]),
        ({"queueId": "queue-1"}, ["s-category"]),
        ({"dataType": "TEXT"}, ["s-text"]),
        ({"traceTags": "pilot"}, ["s-boolean", "s-number"]),
        ({"traceTags": ["pilot", "said"]}, []),
        ({"sessionId": "session-1"}, ["s-text"]),
        ({"datasetRunId": "run-1"}, ["s-run"]),
        ({"traceId": PLAIN}, ["s-category"]),
        ({"observationId": f"{GENERATION},x"}, ["s-boolean"]),
        ({"page": 2, "limit": 2}, ["s-category", "s-boolean"]),
    ],
)
def test_parameters_narrow_the_pages(box: Serving, asked: dict[str, Any], expected: list[str]) -> None:
    answer = got(box, "v2/scores", **asked)
    assert [each["id"] for each in answer["data"]] == expected
    assert answer["meta"]["totalItems"] == (5 if "page" in asked else len(expected))


def test_the_trace_is_left_out_where_only_scores_are_asked_for(box: Serving) -> None:
    assert {each["trace"] for each in got(box, "v2/scores", fields="score")["data"]} == {None}


def test_the_first_version_lists_scores_of_traces_only(box: Serving) -> None:
    answer = got(box, "scores")
    assert [each["id"] for each in answer["data"]] == ["s-category", "s-boolean", "s-number"]
    assert answer["meta"]["totalItems"] == 3
    assert answer["data"][2]["trace"]["userId"] == "user-1"


def test_one_score_is_shown(box: Serving) -> None:
    assert got(box, "v2/scores/s-text")["stringValue"] == "well done"
    assert "trace" not in got(box, "v2/scores/s-number")
    assert got(box, "scores/s-number")["value"] == 0.5
    assert box.client(Role.READER).get("/api/public/scores/s-text").status_code == 404


def test_the_client_reads_scores(langfuse_client: Langfuse) -> None:
    first = langfuse_client.api.scores.get_many(limit=3, fields="details,subject,annotation")
    assert [(each.id, each.value) for each in first.data] == [
        ("s-run", 0.9),
        ("s-text", "well done"),
        ("s-category", "good"),
    ]
    assert first.meta.limit == 3
    second = langfuse_client.api.scores.get_many(limit=3, cursor=first.meta.cursor, fields="subject")
    assert [(each.id, each.value) for each in second.data] == [("s-boolean", True), ("s-number", 0.5)]
    assert second.meta.cursor is None
    assert second.data[0].subject is not None
    assert second.data[0].subject.trace_id == GRADING
