"""POST ingestion: every kind of event, updates before creations, errors one by one."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from tests.contract.target import Json, Target, event, iso, unique

START = datetime(2026, 4, 1, tzinfo=UTC)
KINDS = ("span", "generation", "event", "agent", "tool", "chain", "retriever", "evaluator", "embedding", "guardrail")


def send(target: Target, *events: Json) -> Json:
    return target.post("ingestion", {"batch": list(events), "metadata": {"sdk_name": "python"}}, 207)


def observation(target: Target, observation_id: str) -> Json:
    return target.eventually(
        lambda: target.get(f"observations/{quote(observation_id, safe='')}"), lambda row: row["id"] == observation_id
    )


def trace(target: Target, trace_id: str) -> Json:
    return target.eventually(lambda: target.get(f"traces/{trace_id}"), lambda row: row["id"] == trace_id)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"metadata": {"hello": "world"}, "input": "input", "output": "output"},
        {"input": ["hello", {"world": "world"}, [1, 2, 3]], "environment": "production"},
        {"input": "🪢🚀🌖", "output": "👋🌍"},
        {"metadata": {"string": "this is text", "small": 5, "float": 5.5, "big": "1983516295378495150", "none": None}},
    ],
    ids=str,
)
def test_a_trace_is_read_back_as_it_was_sent(target: Target, body: Json) -> None:
    trace_id, envelope = unique(), event("trace-create", {})
    envelope["body"] = {"id": trace_id, "timestamp": iso(START)} | body
    answer = send(target, envelope)
    assert answer == {"successes": [{"id": envelope["id"], "status": 201}], "errors": []}
    found = trace(target, trace_id)
    assert found["timestamp"] == iso(START)
    expected = {"input": None, "output": None, "environment": "default", "metadata": {}} | body
    assert {name: found[name] if name != "metadata" else found[name] or {} for name in expected} == expected


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_observation_is_made(target: Target, kind: str) -> None:
    observation_id, trace_id = unique(), unique()
    body = {
        "id": observation_id,
        "traceId": trace_id,
        "name": f"{kind} name",
        "startTime": iso(START),
        "input": ["hello", {"world": "world"}],
        "output": {"text": "output"},
        "metadata": {"a": 1},
        "level": "WARNING",
        "statusMessage": "careful",
        "version": "2",
        "parentObservationId": "parent",
    }
    if kind != "event":
        body["endTime"] = iso(START + timedelta(seconds=2))
    assert send(target, event(f"{kind}-create", body))["errors"] == []
    found = observation(target, observation_id)
    assert found["type"] == kind.upper()
    same = (
        "name",
        "traceId",
        "input",
        "output",
        "metadata",
        "level",
        "statusMessage",
        "version",
        "parentObservationId",
    )
    assert {name: found[name] for name in same} == {name: body[name] for name in same}
    assert (found["startTime"], found["environment"]) == (iso(START), "default")
    assert trace(target, trace_id)["id"] == trace_id


def test_a_generation_keeps_model_usage_and_cost(target: Target) -> None:
    observation_id = unique()
    body = {
        "id": observation_id,
        "traceId": unique(),
        "startTime": iso(START),
        "completionStartTime": iso(START + timedelta(milliseconds=250)),
        "endTime": iso(START + timedelta(seconds=1)),
        "model": "a-model",
        "modelParameters": {"temperature": 0.7, "max_tokens": 1000},
        "usage": {"input": 150, "output": 75, "unit": "TOKENS", "inputCost": 0.5, "outputCost": 1.5},
    }
    assert send(target, event("generation-create", body))["errors"] == []
    found = observation(target, observation_id)
    assert (found["model"], found["modelParameters"]) == ("a-model", {"temperature": 0.7, "max_tokens": 1000})
    assert found["usage"] == {"input": 150, "output": 75, "total": 225, "unit": "TOKENS"}
    assert (found["promptTokens"], found["completionTokens"], found["totalTokens"]) == (150, 75, 225)
    assert found["usageDetails"] == {"input": 150, "output": 75, "total": 225}
    costs = (found["calculatedInputCost"], found["calculatedOutputCost"], found["calculatedTotalCost"])
    assert costs == (0.5, 1.5, 2)
    assert (found["latency"], found["timeToFirstToken"]) == (1, 0.25)


def test_an_update_may_come_before_what_it_updates(target: Target) -> None:
    observation_id, trace_id = unique(), unique()
    update = {"id": observation_id, "traceId": trace_id, "output": "late", "endTime": iso(START + timedelta(seconds=3))}
    creation = {"id": observation_id, "traceId": trace_id, "name": "gen", "startTime": iso(START), "input": "early"}
    send(target, event("generation-update", update, timestamp=iso(START + timedelta(seconds=3))))
    send(target, event("generation-create", creation, timestamp=iso(START)))
    found = target.eventually(lambda: observation(target, observation_id), lambda row: row["name"] == "gen")
    assert (found["type"], found["input"], found["output"]) == ("GENERATION", "early", "late")
    assert (found["startTime"], found["endTime"]) == (iso(START), iso(START + timedelta(seconds=3)))


def test_a_later_event_changes_what_it_says_and_keeps_the_rest(target: Target) -> None:
    trace_id = unique()
    send(
        target,
        event("trace-create", {"id": trace_id, "name": "operation", "metadata": {"step": 1, "status": "started"}}),
        event(
            "trace-create",
            {"id": trace_id, "userId": "u", "metadata": {"step": 2, "error": ""}},
            timestamp=iso(datetime.now(UTC) + timedelta(seconds=1)),
        ),
    )
    found = target.eventually(lambda: trace(target, trace_id), lambda row: row["userId"] == "u")
    assert found["name"] == "operation"
    assert found["metadata"] == {"step": 2, "status": "started", "error": ""}


def test_a_comment_is_taken_back_with_null(target: Target) -> None:
    body = {"id": unique(), "name": "score-name", "traceId": unique(), "value": 100.5, "comment": "Foo Bar"}
    later = iso(datetime.now(UTC) + timedelta(seconds=1))
    send(target, event("score-create", body), event("score-create", body | {"comment": None}, timestamp=later))
    found = target.eventually(lambda: target.get(f"v2/scores/{body['id']}"), lambda row: row["comment"] is None)
    assert (found["value"], found["comment"], found["source"]) == (100.5, None, "API")


def test_what_is_wrong_is_said_event_by_event(target: Target) -> None:
    good = event("trace-create", {"id": unique()})
    bad = [
        event("trace-create", {"id": unique(), "name": "n" * 1500}),
        event("nonsense-create", {"id": unique()}),
        event("score-create", {"id": unique(), "traceId": "t", "value": 1}),
        event("trace-create", {"id": unique()}, id=f"{unique()}-\r-test"),
    ]
    answer = send(target, *bad, good)
    assert answer["successes"] == [{"id": good["id"], "status": 201}]
    assert [sorted(error) for error in answer["errors"]] == [["error", "id", "message", "status"]] * 4
    assert {error["status"] for error in answer["errors"]} == {400}
    assert {error["message"] for error in answer["errors"]} == {"Invalid request data"}
    [returned] = [error for error in answer["errors"] if error["id"] == bad[-1]["id"]]
    assert "ID cannot contain carriage return characters" in returned["error"]


@pytest.mark.parametrize(
    ("environment", "kept"),
    [("langfuse-test", "test"), (".invalidcharacter!", "default"), ("e" * 44, "e" * 40), ("Production", "production")],
)
def test_an_environment_is_made_to_fit(target: Target, environment: str, kept: str) -> None:
    trace_id = unique()
    assert send(target, event("trace-create", {"id": trace_id, "environment": environment}))["errors"] == []
    assert trace(target, trace_id)["environment"] == kept


def test_broken_numbers_of_usage_are_dropped_silently(target: Target) -> None:
    body = {"id": unique(), "traceId": unique(), "startTime": iso(START), "usageDetails": {"key": 0.1}}
    answer = send(target, event("generation-create", body))
    assert (len(answer["successes"]), answer["errors"]) == (1, [])


@pytest.mark.parametrize("body", [{}, {"batch": "x"}, {"batch": {}}, [], "text", None])
def test_a_body_without_a_batch_is_a_400(target: Target, body: Json) -> None:
    target.post("ingestion", body, 400)


def test_an_empty_batch_and_logs_are_accepted(target: Target) -> None:
    assert send(target) == {"successes": [], "errors": []}
    assert send(target, event("sdk-log", {"log": {"any": "thing"}}))["errors"] == []


def test_observations_are_listed_by_page(target: Target) -> None:
    trace_id = unique()
    for at, level in enumerate(("DEBUG", "DEFAULT", "WARNING", "ERROR")):
        body = {"id": unique(), "traceId": trace_id, "name": level, "level": level}
        send(target, event("event-create", body | {"startTime": iso(START + timedelta(seconds=at))}))
    answer = target.eventually(lambda: target.get("observations", traceId=trace_id), lambda a: len(a["data"]) == 4)
    assert [row["name"] for row in answer["data"]] == ["ERROR", "WARNING", "DEFAULT", "DEBUG"]
    assert answer["meta"] == {"page": 1, "limit": 50, "totalItems": 4, "totalPages": 1}
    [row] = target.get("observations", traceId=trace_id, level="DEBUG")["data"]
    assert row["name"] == "DEBUG"
    empty = target.get("observations", traceId=trace_id, level="DEBUG", type="GENERATION")
    assert empty == {"data": [], "meta": {"page": 1, "limit": 50, "totalItems": 0, "totalPages": 0}}
    assert target.get(f"observations/{unique()}", 404)["error"] == "LangfuseNotFoundError"
