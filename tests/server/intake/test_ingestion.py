"""Batches of events, as clients before OpenTelemetry send them."""

import json
from typing import Any

import httpx
import pytest
from tests.server.intake.exports import stored
from tests.server.serving import Serving

from certtrace.server.access import Role

EVENTS = "/api/public/ingestion"
MOMENT = "2026-11-23T10:00:00.000Z"
MOMENT_NS = 1_795_428_000_000_000_000


@pytest.fixture
def writer(box: Serving) -> httpx.Client:
    return box.client(Role.WRITER)


def _event(kind: str, body: dict[str, Any], own_id: str = "", timestamp: str = MOMENT) -> dict[str, Any]:
    return {"id": own_id or f"{kind}-{body.get('id')}", "type": kind, "timestamp": timestamp, "body": body}


def _send(writer: httpx.Client, *events: Any) -> dict[str, Any]:
    answer = writer.post(EVENTS, json={"batch": list(events)})
    assert answer.status_code == 207
    told: dict[str, Any] = answer.json()
    assert set(told) == {"successes", "errors"}
    return told


def _observation(box: Serving, own_id: str) -> dict[str, Any]:
    (found,) = [row for row in stored(box) if row["id"] == own_id]
    decoded = ("metadata", "usage_details", "cost_details", "model_parameters")
    return found | {name: json.loads(found[name]) for name in decoded}


def test_each_event_succeeds_or_fails_on_its_own(box: Serving, writer: httpx.Client) -> None:
    told = _send(
        writer,
        _event("trace-create", {"id": "t1", "name": "whole"}, "e1"),
        _event("span-create", {"id": "s1", "traceId": "t1", "level": "LOUD"}, "e2"),
        _event("no-such-type", {}, "e3"),
        {"id": 5, "type": "trace-create"},
        "no event",
        _event("score-create", {"traceId": "t1", "name": "n", "value": 1, "configId": "none"}, "e4"),
    )
    assert told["successes"] == [{"id": "e1", "status": 201}]
    assert [(each["id"], each["status"]) for each in told["errors"]] == [
        ("e3", 400), ("unknown", 400), ("unknown", 400), ("e2", 400), ("e4", 404),
    ]  # fmt: skip
    assert all(set(each) == {"id", "status", "message", "error"} for each in told["errors"])
    assert told["errors"][0]["message"] == "Invalid request data"
    assert told["errors"][4]["message"] == "Resource not found"
    assert all(row["id"] != "s1" for row in stored(box))


def test_a_trace_is_merged_from_several_events(box: Serving, writer: httpx.Client) -> None:
    first = {"id": "t2", "name": "before", "userId": "u", "tags": ["a"], "metadata": {"a": 1}, "input": {"q": 1}}
    second = {"id": "t2", "name": "after", "tags": ["b"], "metadata": {"b": 2}, "output": "done", "public": True}
    _send(writer, _event("trace-create", first), _event("trace-create", second, "again"))
    (body,) = [row for row in stored(box, "trace_bodies") if row["trace_id"] == "t2"]
    assert (body["name"], body["user_id"], body["public"]) == ("after", "u", 1)
    assert (json.loads(body["tags"]), json.loads(body["metadata"])) == (["a", "b"], {"a": 1, "b": 2})
    assert (body["input"], body["output"], body["timestamp_ns"]) == ('{"q":1}', "done", MOMENT_NS)


def test_an_observation_is_merged_whatever_comes_first(box: Serving, writer: httpx.Client) -> None:
    made = {"id": "g1", "traceId": "t3", "name": "call", "startTime": MOMENT, "input": [1], "metadata": {"a": 1}}
    ended = {
        "id": "g1", "traceId": "t3", "endTime": "2026-11-23T10:00:01.500Z", "output": {"a": 1}, "metadata": {"b": 2},
        "usage": {"promptTokens": 3, "completionTokens": 4}, "level": "WARNING", "statusMessage": "slow",
    }  # fmt: skip
    told = _send(
        writer,
        _event("generation-update", ended, "later", "2026-11-23T09:00:00Z"),
        _event("generation-create", made, "earlier"),
    )
    assert [each["id"] for each in told["successes"]] == ["earlier", "later"]
    found = _observation(box, "g1")
    assert (found["type"], found["name"], found["level"]) == ("GENERATION", "call", "WARNING")
    assert (found["start_time_ns"], found["end_time_ns"]) == (MOMENT_NS, MOMENT_NS + 1_500_000_000)
    assert (found["input"], found["output"], found["status_message"]) == ("[1]", '{"a":1}', "slow")
    assert found["metadata"] == {"a": 1, "b": 2}
    assert found["usage_details"] == {"input": 3, "output": 4, "total": 7}


def test_a_change_in_a_later_request_is_merged_into_what_is_stored(box: Serving, writer: httpx.Client) -> None:
    _send(writer, _event("span-create", {"id": "s4", "traceId": "t4", "name": "step", "startTime": MOMENT}))
    _send(writer, _event("span-update", {"id": "s4", "traceId": "t4", "output": "o"}))
    found = _observation(box, "s4")
    assert (found["name"], found["output"], found["start_time_ns"]) == ("step", "o", MOMENT_NS)


def test_a_change_without_a_trace_finds_its_observation(box: Serving, writer: httpx.Client) -> None:
    _send(writer, _event("span-create", {"id": "s5", "traceId": "t5", "name": "step"}))
    _send(writer, _event("span-update", {"id": "s5", "output": "found"}))
    found = _observation(box, "s5")
    assert (found["trace_id"], found["output"]) == ("t5", "found")


@pytest.mark.parametrize(
    "kind",
    ["span", "generation", "event", "agent", "tool", "chain", "retriever", "evaluator", "embedding", "guardrail"],
)
def test_each_type_has_its_event(box: Serving, writer: httpx.Client, kind: str) -> None:
    _send(writer, _event(f"{kind}-create", {"id": f"made-{kind}", "traceId": "t6", "name": "x"}))
    assert _observation(box, f"made-{kind}")["type"] == kind.upper()


def test_an_observation_may_name_its_own_type(box: Serving, writer: httpx.Client) -> None:
    _send(writer, _event("observation-create", {"id": "o7", "traceId": "t7", "type": "GENERATION", "name": "x"}))
    _send(writer, _event("observation-update", {"id": "o7", "traceId": "t7", "type": "GENERATION", "output": "y"}))
    found = _observation(box, "o7")
    assert (found["type"], found["name"], found["output"]) == ("GENERATION", "x", "y")


def test_an_agent_changed_as_a_span_stays_an_agent(box: Serving, writer: httpx.Client) -> None:
    _send(writer, _event("agent-create", {"id": "a8", "traceId": "t8", "name": "x"}))
    _send(writer, _event("span-update", {"id": "a8", "traceId": "t8", "output": "y"}))
    assert _observation(box, "a8")["type"] == "AGENT"


OPENAI = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}


@pytest.mark.parametrize(
    ("given", "usage", "cost"),
    [
        ({"usage": {"input": 1, "output": 2}}, {"input": 1, "output": 2, "total": 3}, {}),
        ({"usage": {"input": 1, "total": 5, "totalCost": 0.5}}, {"input": 1, "total": 5}, {"total": 0.5}),
        ({"usage": {"totalTokens": 5}}, {"total": 5}, {}),
        ({"usageDetails": {"input": 1, "cached": 2}}, {"input": 1, "cached": 2, "total": 3}, {}),
        ({"usageDetails": OPENAI}, {"input": 9, "output": 5, "total": 14}, {}),
        (
            {"usageDetails": {**OPENAI, "prompt_tokens_details": {"cached_tokens": 4, "audio": None}}},
            {"input": 5, "output": 5, "total": 14, "input_cached_tokens": 4},
            {},
        ),
        ({"costDetails": {"input": 0.25, "output": 0.25}}, {}, {"input": 0.25, "output": 0.25, "total": 0.5}),
    ],
)
def test_usage_and_cost_are_told_in_many_ways(
    box: Serving, writer: httpx.Client, given: dict[str, Any], usage: dict[str, Any], cost: dict[str, Any]
) -> None:
    own_id = f"usage-{json.dumps(given)}"[:100]
    told = _send(writer, _event("generation-create", {"id": own_id, "traceId": "t9", "name": "x", **given}))
    assert told["errors"] == []
    found = _observation(box, own_id)
    assert (found["usage_details"], found["cost_details"]) == (usage, cost)


@pytest.mark.parametrize(
    "wrong",
    [
        {"startTime": "soon"}, {"name": 5},
        {"costDetails": {"input": -1}}, {"modelParameters": {"a": [1]}}, {"promptName": "p"}, {"promptVersion": 1},
        {"id": ""}, {"id": "x" * 801}, {"level": "error"}, {"usage": {"input": "1"}}, {"traceId": 5},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_observation_is_refused(box: Serving, writer: httpx.Client, wrong: dict[str, Any]) -> None:
    before = len(stored(box))
    told = _send(writer, _event("generation-create", {"id": "w", "traceId": "t10", **wrong}, "wrong"))
    assert told["successes"] == []
    assert told["errors"][0]["id"] == "wrong"
    (finding, *_) = json.loads(told["errors"][0]["error"])
    assert finding["path"][:1] in ([], list(wrong))
    assert len(stored(box)) == before


def test_metadata_that_is_no_object_stands_under_its_name(box: Serving, writer: httpx.Client) -> None:
    _send(writer, _event("span-create", {"id": "m11", "traceId": "t11", "metadata": ["a"]}))
    assert _observation(box, "m11")["metadata"] == {"metadata": ["a"]}


def test_an_event_starts_and_ends_when_it_was_sent(box: Serving, writer: httpx.Client) -> None:
    _send(writer, _event("event-create", {"id": "e12", "traceId": "t12", "name": "happened"}))
    found = _observation(box, "e12")
    assert (found["start_time_ns"], found["end_time_ns"]) == (MOMENT_NS, MOMENT_NS)


def test_a_score_has_the_time_of_its_event(box: Serving, writer: httpx.Client) -> None:
    body = {"id": "sc13", "traceId": "t13", "name": "n", "value": "good", "source": "EVAL"}
    assert _send(writer, _event("score-create", body))["errors"] == []
    (found,) = [row for row in stored(box, "scores") if row["id"] == "sc13"]
    assert (found["timestamp_ns"], found["source"], found["data_type"]) == (MOMENT_NS, "EVAL", "CATEGORICAL")


def test_logs_of_a_client_are_taken_and_dropped(writer: httpx.Client) -> None:
    assert _send(writer, _event("sdk-log", {"log": {"any": "thing"}})) == {"successes": [], "errors": []}


def test_an_empty_batch_is_fine(writer: httpx.Client) -> None:
    assert _send(writer) == {"successes": [], "errors": []}


@pytest.mark.parametrize("body", [{}, {"batch": None}, {"batch": {}}, [], "x", None, 5])
def test_what_is_no_batch_is_refused(writer: httpx.Client, body: object) -> None:
    answer = writer.post(EVENTS, json=body)
    assert answer.status_code == 400
    assert answer.json()["message"] == "Invalid request data"


def test_a_reader_may_not_send_events(box: Serving) -> None:
    events = {"batch": [_event("trace-create", {"id": "no"})]}
    assert box.client(Role.READER).post(EVENTS, json=events).status_code == 403
    assert all(row["trace_id"] != "no" for row in stored(box, "trace_bodies"))
