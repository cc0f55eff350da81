"""Traces, observations and sessions as the 4.x API wrote them."""

from typing import Any

import pytest
from tests.server.reads.records import GENERATION, GRADING, LONE, PLAIN, ROOT, TOOL
from tests.server.serving import Serving

from certtrace.server.access import Role

STORED = {"createdAt", "updatedAt"}
GRADING_TRACE = {
    "id": GRADING,
    "projectId": "default",
    "name": "grading",
    "timestamp": "2026-11-23T10:00:00.000Z",
    "environment": "staging",
    "tags": ["essay", "pilot"],
    "bookmarked": True,
    "release": "r-7",
    "version": "1.2",
    "userId": "user-1",
    "sessionId": "session-1",
    "public": True,
    "input": {"question": "Why queues?", "points": [1, 2]},
    "output": "plain text",
    "metadata": {
        "resourceAttributes": {"service.name": "grader"},
        "scope": {"name": "s", "attributes": {}},
        "attempt": 2,
    },
    "externalId": None,
}
LISTED = {
    "observations": [ROOT, GENERATION, TOOL],
    "scores": ["s-number", "s-boolean"],
    "totalCost": 1.0,
    "latency": 2.5,
    "htmlPath": f"/project/default/traces/{GRADING}",
}
SAID = {
    "name": "said by a client",
    "userId": "user-2",
    "sessionId": "session-2",
    "version": "9",
    "release": "r-9",
    "tags": ["said"],
    "metadata": {"own": {"of": "trace"}},
    "input": "trace in",
    "output": {"trace": "out"},
}
WHOLE_GENERATION = {
    "id": GENERATION,
    "traceId": GRADING,
    "projectId": "default",
    "environment": "staging",
    "parentObservationId": ROOT,
    "type": "GENERATION",
    "name": "draft",
    "startTime": "2026-11-23T10:00:00.500Z",
    "endTime": "2026-11-23T10:00:01.500Z",
    "completionStartTime": "2026-11-23T10:00:00.700Z",
    "level": "DEFAULT",
    "statusMessage": None,
    "version": "1.2",
    "input": [{"role": "user", "content": "Needle in hay"}],
    "output": 42,
    "model": "gpt-test",
    "modelParameters": {"temperature": 0.2, "seed": "7"},
    "promptId": None,
    "promptName": "rubric",
    "promptVersion": 3,
    "usageDetails": {"input": 10, "input_cached": 5, "output": 20, "total": 35},
    "costDetails": {"input": 0.25, "output": 0.5, "total": 0.75},
    "usagePricingTierId": None,
    "usagePricingTierName": None,
    "usage": {"unit": "TOKENS", "input": 15, "output": 20, "total": 35},
    "unit": "TOKENS",
    "promptTokens": 15,
    "completionTokens": 20,
    "totalTokens": 35,
    "modelId": None,
    "inputPrice": None,
    "outputPrice": None,
    "totalPrice": None,
    "calculatedInputCost": 0.25,
    "calculatedOutputCost": 0.5,
    "calculatedTotalCost": 0.75,
    "latency": 1.0,
    "timeToFirstToken": 0.2,
}


def got(box: Serving, path: str, **asked: Any) -> Any:
    answer = box.client(Role.READER).get(f"/api/public/{path}", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def without(shape: dict[str, Any], names: set[str]) -> dict[str, Any]:
    assert names <= set(shape)
    return {name: value for name, value in shape.items() if name not in names}


def test_a_list_shows_traces_with_what_follows_from_their_observations(box: Serving) -> None:
    answer = got(box, "traces")
    said, graded = answer["data"]
    assert without(graded, STORED) == GRADING_TRACE | LISTED
    assert graded["createdAt"].endswith("Z")
    assert said.items() >= (SAID | {"id": PLAIN, "observations": [LONE], "latency": 0.001, "totalCost": 0}).items()
    assert answer["meta"] == {"page": 1, "limit": 50, "totalItems": 2, "totalPages": 1}


def test_groups_that_are_not_asked_for_are_empty(box: Serving) -> None:
    _said, graded = got(box, "traces", fields="core,nonsense")["data"]
    assert graded.items() >= {"observations": [], "scores": [], "totalCost": -1, "latency": -1}.items()
    assert graded["input"] is None
    assert graded["output"] is None
    assert graded["metadata"] == {}
    assert graded["userId"] == "user-1"
    assert got(box, "traces", fields="scores")["data"][1]["scores"] == LISTED["scores"]
    assert got(box, "traces", fields="metrics")["data"][1]["latency"] == 2.5


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"userId": "user-1"}, [GRADING]),
        ({"userId": "nobody"}, []),
        ({"name": "grading"}, [GRADING]),
        ({"name": "draft"}, []),
        ({"sessionId": "session-2"}, [PLAIN]),
        ({"fromTimestamp": "2026-11-23T10:00:30Z"}, [PLAIN]),
        ({"toTimestamp": "2026-11-23T10:00:30Z"}, [GRADING]),
        ({"tags": "essay"}, [GRADING]),
        ({"tags": ["essay", "pilot"]}, [GRADING]),
        ({"tags": "essay,said"}, []),
        ({"version": "9"}, [PLAIN]),
        ({"release": "r-7"}, [GRADING]),
        ({"environment": "staging"}, [GRADING]),
        ({"environment": ["staging", "default"]}, [PLAIN, GRADING]),
        ({"orderBy": "timestamp.asc"}, [GRADING, PLAIN]),
        ({"orderBy": "name.asc"}, [GRADING, PLAIN]),
        ({"orderBy": "userId.DESC"}, [PLAIN, GRADING]),
        ({"page": 2, "limit": 1}, [GRADING]),
        ({"page": 9}, []),
        ({"page": "", "limit": ""}, [PLAIN, GRADING]),
    ],
)
def test_parameters_narrow_and_order_the_list(box: Serving, asked: dict[str, Any], expected: list[str]) -> None:
    assert [each["id"] for each in got(box, "traces", **asked)["data"]] == expected


def test_one_trace_shows_its_observations_and_scores(box: Serving) -> None:
    trace = got(box, f"traces/{GRADING}")
    observations, scores = trace.pop("observations"), trace.pop("scores")
    own = {name: value for name, value in LISTED.items() if name not in ("observations", "scores")}
    assert without(trace, STORED) == GRADING_TRACE | own
    assert [each["id"] for each in observations] == LISTED["observations"]
    generation = without(observations[1], STORED | {"metadata"})
    assert generation == WHOLE_GENERATION
    assert observations[1]["metadata"]["nested"] == {"deep": {"leaf": "x"}}
    assert [each["id"] for each in scores] == ["s-number", "s-boolean"]
    assert scores[0]["comment"] == "half"


def test_what_a_client_said_of_a_trace_wins(box: Serving) -> None:
    assert got(box, f"traces/{PLAIN}").items() >= SAID.items()


def test_one_trace_shows_the_groups_that_are_asked_for(box: Serving) -> None:
    trace = got(box, f"traces/{GRADING}", fields="core,observations")
    assert len(trace["observations"]) == 3
    assert trace["scores"] == []
    assert trace["input"] is None
    assert trace["totalCost"] == -1


def test_one_observation_is_shown_whole(box: Serving) -> None:
    shape = got(box, f"observations/{GENERATION}")
    assert without(shape, STORED | {"metadata"}) == WHOLE_GENERATION


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [LONE, TOOL, GENERATION, ROOT]),
        ({"name": "draft"}, [GENERATION]),
        ({"userId": "user-1"}, [GENERATION, ROOT]),
        ({"type": "CHAIN"}, [ROOT]),
        ({"traceId": PLAIN}, [LONE]),
        ({"level": "ERROR"}, [ROOT]),
        ({"parentObservationId": GENERATION}, [TOOL]),
        ({"environment": "default"}, [LONE]),
        ({"fromStartTime": "2026-11-23T10:00:01Z"}, [LONE]),
        ({"toStartTime": "2026-11-23T10:00:00.500Z"}, [ROOT]),
        ({"version": "1.2"}, [GENERATION, ROOT]),
        ({"page": 2, "limit": 3}, [ROOT]),
    ],
)
def test_parameters_narrow_observations(box: Serving, asked: dict[str, Any], expected: list[str]) -> None:
    answer = got(box, "observations", **asked)
    assert [each["id"] for each in answer["data"]] == expected
    assert answer["meta"]["totalItems"] == (4 if "page" in asked else len(expected))


def test_sessions_follow_from_traces(box: Serving) -> None:
    answer = got(box, "sessions")
    assert {each["id"]: each["environment"] for each in answer["data"]} == {
        "session-1": "staging",
        "session-2": "default",
    }
    assert set(answer["data"][0]) == {"id", "createdAt", "projectId", "environment"}
    assert answer["meta"]["totalItems"] == 2
    assert [each["id"] for each in got(box, "sessions", environment="staging")["data"]] == ["session-1"]
    assert got(box, "sessions", fromTimestamp="2999-01-01T00:00:00Z")["data"] == []
    assert got(box, "sessions", toTimestamp="2000-01-01T00:00:00Z")["meta"]["totalPages"] == 0


def test_one_session_shows_its_traces(box: Serving) -> None:
    session = got(box, "sessions/session-1")
    (trace,) = session.pop("traces")
    assert session.items() >= {"id": "session-1", "projectId": "default", "environment": "staging"}.items()
    assert without(trace, STORED) == GRADING_TRACE
