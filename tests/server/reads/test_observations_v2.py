"""Observations by groups of fields, through HTTP and through the unmodified client."""

from typing import Any

import pytest
from langfuse import Langfuse
from tests.server.reads.records import FOREIGN, GENERATION, GRADING, LONE, LONG, PLAIN, ROOT, TOOL
from tests.server.serving import Serving

from certtrace.server.access import Role

UNPRICED = {"modelId": None, "inputPrice": None, "outputPrice": None, "totalPrice": None}
CORE = {
    "id": ROOT,
    "traceId": GRADING,
    "startTime": "2026-11-23T10:00:00.000Z",
    "endTime": "2026-11-23T10:00:02.500Z",
    "projectId": "default",
    "parentObservationId": None,
    "type": "CHAIN",
}
BASIC = {
    "name": "grade",
    "level": "ERROR",
    "statusMessage": "No quorum",
    "version": "1.2",
    "environment": "staging",
    "bookmarked": True,
    "public": True,
    "userId": "user-1",
    "sessionId": "session-1",
    "isRootObservation": True,
}


def found(box: Serving, **asked: Any) -> list[dict[str, Any]]:
    answer = box.client(Role.READER).get("/api/public/v2/observations", params=asked)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


def one(box: Serving, identifier: str, **asked: Any) -> dict[str, Any]:
    (observation,) = [each for each in found(box, **asked) if each["id"] == identifier]
    return observation


def test_core_and_basic_fields_come_unless_groups_are_named(box: Serving) -> None:
    assert one(box, ROOT) == CORE | BASIC | UNPRICED


def test_core_fields_come_with_any_group(box: Serving) -> None:
    assert one(box, ROOT, fields="core") == CORE | UNPRICED
    assert one(box, ROOT, fields=" basic , nonsense") == CORE | BASIC | UNPRICED


def test_what_was_never_set_is_an_empty_text(box: Serving) -> None:
    lone = one(box, LONE, fields="basic,model,prompt,trace_context,io")
    for name in ("statusMessage", "version", "userId", "sessionId", "model", "promptName", "promptId", "release"):
        assert lone[name] == "", name
    assert lone["traceName"] == "ping"
    assert lone["internalModelId"] == ""
    assert lone["input"] is None
    assert lone["promptVersion"] is None


def test_contents_are_raw_texts(box: Serving) -> None:
    generation = one(box, GENERATION, fields="io")
    assert generation["input"] == '[{"role": "user", "content": "Needle in hay"}]'
    assert generation["output"] == "42"
    assert "metadata" not in generation


def test_usage_and_cost_come_with_their_sums(box: Serving) -> None:
    assert (
        one(box, GENERATION, fields="usage").items()
        >= {
            "usageDetails": {"input": 10, "input_cached": 5, "output": 20, "total": 35},
            "costDetails": {"input": 0.25, "output": 0.5, "total": 0.75},
            "inputUsage": 15,
            "outputUsage": 20,
            "totalUsage": 35,
            "inputCost": 0.25,
            "outputCost": 0.5,
            "totalCost": 0.75,
            "usagePricingTierName": None,
        }.items()
    )


def test_model_prompt_and_times_have_groups_of_their_own(box: Serving) -> None:
    generation = one(box, GENERATION, fields="model,prompt,time,metrics,trace_context")
    assert generation["model"] == "gpt-test"
    assert generation["modelParameters"] == {"temperature": 0.2, "seed": "7"}
    assert generation["promptName"] == "rubric"
    assert generation["promptVersion"] == 3
    assert generation["completionStartTime"] == "2026-11-23T10:00:00.700Z"
    assert generation["createdAt"] == generation["updatedAt"]
    assert generation["latency"] == 1.0
    assert generation["timeToFirstToken"] == 0.2
    assert generation["tags"] == ["essay", "pilot"]
    assert generation["traceName"] == "grading"
    assert "name" not in generation


def test_metadata_is_flat_and_cut_unless_it_is_expanded(box: Serving) -> None:
    cut = one(box, GENERATION, fields="metadata")["metadata"]
    assert cut == {"long": LONG[:200], "nested.deep.leaf": "x", "count": 12, "flag": True, "list": [1, "two"]}
    assert one(box, GENERATION, fields="metadata", expandMetadata="long")["metadata"]["long"] == LONG
    assert one(box, GENERATION, fields="metadata,io")["metadata"]["long"] == LONG
    assert one(box, ROOT, fields="metadata")["metadata"] == {
        "resourceAttributes.service.name": "grader",
        "scope.name": "s",
        "attempt": 2,
    }


def test_the_newest_come_first(box: Serving) -> None:
    assert [each["id"] for each in found(box)] == [LONE, TOOL, GENERATION, ROOT]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"name": "draft"}, [GENERATION]),
        ({"userId": "user-1"}, [GENERATION, ROOT]),
        ({"sessionId": "session-1"}, [GENERATION, ROOT]),
        ({"type": "TOOL"}, [TOOL]),
        ({"traceId": PLAIN}, [LONE]),
        ({"traceId": FOREIGN}, []),
        ({"level": "WARNING"}, [TOOL]),
        ({"parentObservationId": ROOT}, [GENERATION]),
        ({"parentObservationId": ""}, [LONE, ROOT]),
        ({"isRootObservation": "true"}, [LONE, ROOT]),
        ({"isRootObservation": "false"}, [TOOL, GENERATION]),
        ({"environment": "staging"}, [TOOL, GENERATION, ROOT]),
        ({"environment": ["staging", "default"]}, [LONE, TOOL, GENERATION, ROOT]),
        ({"environment": "default,other"}, [LONE]),
        ({"fromStartTime": "2026-11-23T10:00:00.500Z"}, [LONE, TOOL, GENERATION]),
        ({"toStartTime": "2026-11-23T11:00:00.500+01:00"}, [ROOT]),
        ({"version": "1.2"}, [GENERATION, ROOT]),
        ({"version": "none"}, []),
        ({"limit": 1}, [LONE]),
        ({"limit": 0}, []),
        ({"parseIoAsJson": "false", "limit": 1}, [LONE]),
    ],
)
def test_parameters_narrow_the_list(box: Serving, asked: dict[str, Any], expected: list[str]) -> None:
    assert [each["id"] for each in found(box, **asked)] == expected


def test_the_client_reads_observations(langfuse_client: Langfuse) -> None:
    answer = langfuse_client.api.observations.get_many(
        fields="core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context", trace_id=GRADING, limit=2
    )
    tool, generation = answer.data
    assert (tool.id, generation.id) == (TOOL, GENERATION)
    assert generation.usage_details == {"input": 10, "input_cached": 5, "output": 20, "total": 35}
    assert generation.total_cost == 0.75
    assert generation.is_root_observation is False
    assert generation.trace_name == "grading"
    assert answer.meta.cursor is not None
    rest = langfuse_client.api.observations.get_many(trace_id=GRADING, limit=2, cursor=answer.meta.cursor)
    assert [each.id for each in rest.data] == [ROOT]
    assert rest.meta.cursor is None
    assert rest.data[0].level == "ERROR"
