"""POST scores (one, and lists), GET v3/scores, GET v2/scores(/{id}), DELETE scores."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.contract.shapes import (
    Check,
    anything,
    assert_page,
    assert_shape,
    mapping,
    moment,
    null,
    optional,
    text,
)
from tests.contract.target import Json, Target, ids, iso, unique

CORE: dict[str, Check] = {
    "id": text,
    "projectId": text,
    "name": text,
    "dataType": text,
    "source": text,
    "timestamp": moment,
    "environment": text,
    "createdAt": moment,
    "updatedAt": moment,
    "value": anything,
}
GROUPS: dict[str, dict[str, Check]] = {
    "details": {"comment": optional(text), "configId": optional(text), "metadata": mapping},
    "subject": {"subject": mapping},
    "annotation": {"authorUserId": optional(text), "queueId": optional(text)},
}
OLDER: dict[str, Check] = {
    **CORE,
    **GROUPS["details"],
    **GROUPS["annotation"],
    "traceId": optional(text),
    "observationId": optional(text),
    "sessionId": optional(text),
    "datasetRunId": optional(text),
    "stringValue": optional(text),
}
MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


def score(target: Target, **body: Json) -> str:
    """Store one score about a trace of its own, and return its id."""
    about = {} if body.keys() & {"sessionId", "datasetRunId", "traceId"} else {"traceId": unique()}
    answer = target.post("scores", {"id": unique(), "name": "quality", "value": 0.5} | about | body)
    target.eventually(lambda: target.get("v3/scores", id=answer["id"])["data"], bool)
    return answer["id"]


def one(target: Target, score_id: str, fields: str = "details,subject,annotation") -> Json:
    [found] = target.get("v3/scores", id=score_id, fields=fields)["data"]
    return found


@pytest.mark.parametrize(
    ("given", "data_type", "value", "older_value", "older_text"),
    [
        ({"value": 0.75}, "NUMERIC", 0.75, 0.75, None),
        ({"value": 3, "dataType": "NUMERIC"}, "NUMERIC", 3, 3, None),
        ({"value": 1, "dataType": "BOOLEAN"}, "BOOLEAN", True, 1, "True"),
        ({"value": 0, "dataType": "BOOLEAN"}, "BOOLEAN", False, 0, "False"),
        ({"value": "excellent"}, "CATEGORICAL", "excellent", 0, "excellent"),
        ({"value": "Very detailed", "dataType": "TEXT"}, "TEXT", "Very detailed", None, "Very detailed"),
    ],
)
def test_a_score_has_the_value_of_its_type(
    target: Target, given: Json, data_type: str, value: Json, older_value: Json, older_text: Json
) -> None:
    score_id = score(target, **given)
    found = one(target, score_id)
    assert_shape(found, CORE | GROUPS["details"] | GROUPS["subject"] | GROUPS["annotation"])
    assert (found["dataType"], found["value"], type(found["value"]) is bool) == (data_type, value, type(value) is bool)
    older = target.get(f"v2/scores/{score_id}")
    assert (older["dataType"], older.get("value"), older["stringValue"]) == (data_type, older_value, older_text)
    assert_shape(older, {name: check for name, check in OLDER.items() if name in older or data_type != "TEXT"})


def test_a_correction_is_a_text_for_a_trace_or_observation(target: Target) -> None:
    score_id = score(target, name="output", value="This is the corrected output", dataType="CORRECTION")
    found = one(target, score_id)
    assert (found["dataType"], found["value"]) == ("CORRECTION", "This is the corrected output")
    assert target.get(f"v2/scores/{score_id}")["stringValue"] == "This is the corrected output"


@pytest.mark.parametrize("group", GROUPS)
def test_groups_of_fields_stand_beside_the_core(target: Target, group: str) -> None:
    score_id = score(target, comment="why", metadata={"by": "judge", "n": 5})
    assert_shape(one(target, score_id, group), CORE | GROUPS[group])
    [core] = target.get("v3/scores", id=score_id)["data"]
    assert_shape(core, CORE)
    if group == "details":
        found = one(target, score_id, group)
        assert (found["comment"], found["configId"], found["metadata"]) == ("why", None, {"by": "judge", "n": 5})


def test_the_subject_says_what_a_score_is_about(target: Target) -> None:
    trace, observation, session, run = (unique() for _ in range(4))
    subjects = [
        one(target, score(target, **about))["subject"]
        for about in (
            {"traceId": trace},
            {"traceId": trace, "observationId": observation},
            {"sessionId": session},
            {"datasetRunId": run},
        )
    ]
    assert subjects == [
        {"kind": "trace", "id": trace},
        {"kind": "observation", "id": observation, "traceId": trace},
        {"kind": "session", "id": session},
        {"kind": "experiment", "id": run},
    ]


def test_scores_are_found_by_every_parameter(target: Target) -> None:
    name, environment, trace = unique("n"), unique("e")[:36], unique()
    low = score(target, name=name, value=1, environment=environment, timestamp=iso(MOMENT), traceId=trace)
    high = score(
        target, name=name, value=5, timestamp=iso(MOMENT + timedelta(days=1)), observationId="o", traceId=trace
    )
    word = score(target, name=name, value="good")

    def found(**params: Json) -> list[str]:
        return ids(target.get("v3/scores", **{"name": name} | params))

    assert set(found()) == {low, high, word}
    assert found(id=f"{low},{high}") == [high, low]
    assert found(environment=environment) == [low]
    assert set(found(dataType="numeric,CATEGORICAL")) == {low, high, word}
    assert found(dataType="NUMERIC", valueMin=2) == [high]
    assert found(dataType="NUMERIC", valueMax=1) == [low]
    assert found(dataType="NUMERIC", value="1,7") == [low]
    assert found(dataType="CATEGORICAL", value="good") == [word]
    assert found(traceId=trace) == [high, low]
    assert found(traceId=trace, observationId="o") == [high]
    assert found(source="api", toTimestamp=iso(MOMENT + timedelta(days=1))) == [low]
    assert found(fromTimestamp=iso(MOMENT + timedelta(days=1)), dataType="NUMERIC") == [high]
    assert found(queueId="none") == found(authorUserId="none") == found(configId="none") == []


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 101},
        {"cursor": "not-valid-base64!!"},
        {"fields": "nonsense"},
        {"dataType": "NONSENSE"},
        {"value": "1"},
        {"valueMin": 1},
        {"dataType": "CATEGORICAL", "valueMin": 1},
        {"dataType": "NUMERIC,BOOLEAN", "value": "1"},
        {"dataType": "BOOLEAN", "value": "maybe"},
        {"dataType": "NUMERIC", "value": "x"},
        {"dataType": "TEXT", "value": "x"},
        {"observationId": "o"},
        {"traceId": "t", "sessionId": "s"},
        {"sessionId": "s", "experimentId": "e"},
        {"fromTimestamp": "yesterday"},
    ],
    ids=str,
)
def test_parameters_that_do_not_go_together_are_a_400(target: Target, params: Json) -> None:
    assert isinstance(target.get("v3/scores", 400, **params)["message"], str)


def test_a_cursor_leads_through_all_scores_once(target: Target) -> None:
    name = unique()
    made = {score(target, name=name, timestamp=iso(MOMENT)) for _ in range(5)}
    seen, cursor = [], None
    while True:
        page = target.get("v3/scores", name=name, limit=2, **({"cursor": cursor} if cursor else {}))
        assert page["meta"]["limit"] == 2
        seen += ids(page)
        cursor = page["meta"].get("cursor")
        if cursor is None:
            break
    assert sorted(seen) == sorted(made)
    assert target.get("v3/scores", name=name)["meta"] == {"limit": 50}


def test_a_list_of_scores_is_accepted_as_a_whole(target: Target) -> None:
    trace = unique()
    scores = [{"id": unique(), "traceId": trace, "name": "batch", "value": at} for at in range(3)]
    assert target.post("scores", scores, 202) == {"message": "Accepted"}
    found = target.eventually(lambda: target.get("v3/scores", traceId=trace)["data"], lambda rows: len(rows) == 3)
    assert {row["id"] for row in found} == {one["id"] for one in scores}


def test_what_cannot_be_of_a_list_is_counted_and_the_rest_is_kept(target: Target) -> None:
    trace = unique()
    good = {"id": unique(), "traceId": trace, "name": "batch", "value": 1}
    answer = target.post("scores", [good, {"traceId": trace, "name": "batch", "value": 2, "dataType": "BOOLEAN"}], 207)
    assert (answer["accepted"], answer["rejected"]) == (1, 1)
    assert [sorted(error) for error in answer["errors"]] == [["message"]]
    found = target.eventually(lambda: target.get("v3/scores", traceId=trace)["data"], bool)
    assert [row["id"] for row in found] == [good["id"]]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "n"},
        {"name": "n", "value": 1, "dataType": "NONSENSE", "traceId": "t"},
        {"name": "n", "value": "x", "dataType": "NUMERIC", "traceId": "t"},
        {"name": "n", "value": 2, "dataType": "BOOLEAN", "traceId": "t"},
        {"name": "", "value": 1, "traceId": "t"},
        {"name": "n", "value": 1},
        {"name": "n", "value": 1, "observationId": "o"},
        {"name": "n", "value": 1, "traceId": "t", "sessionId": "s"},
        {"name": "n", "value": None, "traceId": "t"},
    ],
    ids=str,
)
def test_a_score_that_cannot_be_is_a_400(target: Target, body: Json) -> None:
    answer = target.post("scores", body, 400)
    assert isinstance(answer["message"], str)
    assert answer["error"]


def test_a_score_is_changed_by_its_id_and_deleted(target: Target) -> None:
    trace, score_id = unique(), unique()
    score(target, id=score_id, traceId=trace, value=1, comment="first", timestamp=iso(MOMENT))
    score(target, id=score_id, traceId=trace, value=2, comment=None, timestamp=iso(MOMENT), unknown="ignored")
    found = target.eventually(lambda: one(target, score_id), lambda row: row["value"] == 2)
    assert (found["value"], found["comment"]) == (2, None)
    target.delete(f"scores/{score_id}", 202)
    target.eventually(lambda: target.get("v3/scores", id=score_id)["data"], lambda rows: rows == [])
    answer = target.get(f"v2/scores/{score_id}", 404)
    assert answer["error"] == "LangfuseNotFoundError"


def test_older_lists_tell_of_the_trace_too(target: Target) -> None:
    trace, user = unique(), unique("user")
    target.ingest(
        ("trace-create", {"id": trace, "userId": user, "tags": ["prod", "test"], "environment": "production"})
    )
    made = [score(target, traceId=trace, value=value) for value in (10.5, 50.5, 100.8)]
    session = unique("session")
    of_session = score(target, sessionId=session)
    answer = target.get("v2/scores", userId=user, name="quality")
    assert_page(answer, OLDER | {"trace": mapping})
    assert answer["meta"] == {"page": 1, "limit": 50, "totalItems": 3, "totalPages": 1}
    about = answer["data"][0]["trace"]
    assert (about["userId"], sorted(about["tags"]), about["environment"]) == (user, ["prod", "test"], "production")
    [row] = target.get("v2/scores", sessionId=session)["data"]
    assert_shape(row, OLDER | {"trace": null})
    assert (row["id"], row["traceId"]) == (of_session, None)
    without = target.get("v2/scores", userId=user, fields="score")["data"]
    assert [row["trace"] for row in without] == [None] * 3
    for operator, expected in (("<", 1), (">", 1), ("<=", 2), (">=", 2), ("!=", 2), ("=", 1)):
        found = target.get("v2/scores", userId=user, operator=operator, value=50.5)
        assert found["meta"]["totalItems"] == expected
    assert target.get("v2/scores", userId=user, operator="<")["meta"]["totalItems"] == 3
    assert target.get("v2/scores", userId=user, value=0.8)["meta"]["totalItems"] == 3
    assert sorted(ids(target.get("v2/scores", scoreIds=f"{made[0]},{made[1]}"))) == sorted(made[:2])
    assert target.get("v2/scores", userId=user, environment="production")["meta"]["totalItems"] == 0


@pytest.mark.parametrize(
    ("params", "issue"),
    [
        ({"operator": "op", "value": 1}, {"code": "invalid_value", "path": ["operator"]}),
        ({"operator": "<", "value": "myvalue"}, {"code": "invalid_type", "path": ["value"]}),
        ({"dataType": "x"}, {"code": "invalid_value", "path": ["dataType"]}),
        ({"page": 0}, {"code": "too_small", "path": ["page"]}),
    ],
    ids=str,
)
def test_older_lists_say_which_parameter_is_wrong(target: Target, params: Json, issue: Json) -> None:
    answer = target.get("v2/scores", 400, **params)
    assert answer["message"] == "Invalid request data"
    [found] = answer["error"]
    assert {name: found[name] for name in issue} == issue


def test_a_trace_cannot_be_asked_for_without_its_score(target: Target) -> None:
    answer = target.get("v2/scores", 400, fields="trace")
    assert "Scores needs to be selected always" in answer["message"]
