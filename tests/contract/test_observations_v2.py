"""GET v2/observations: groups of fields, filters, order, cursors."""

import json
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from tests.contract.shapes import anything, assert_shape, flag, mapping, moment, number, optional, text, texts
from tests.contract.target import Json, Target, condition, ids, unique

START = datetime(2026, 2, 3, 10, tzinfo=UTC)
CORE = {
    "id": text,
    "traceId": text,
    "startTime": moment,
    "endTime": optional(moment),
    "projectId": text,
    "parentObservationId": optional(text),
    "type": text,
}
PRICES = {
    "modelId": optional(text),
    "inputPrice": optional(text),
    "outputPrice": optional(text),
    "totalPrice": optional(text),
}
GROUPS = {
    "basic": {
        "name": text,
        "level": text,
        "statusMessage": text,
        "version": text,
        "environment": text,
        "bookmarked": flag,
        "public": flag,
        "userId": text,
        "sessionId": text,
        "isRootObservation": flag,
    },
    "time": {"completionStartTime": optional(moment), "createdAt": moment, "updatedAt": moment},
    "io": {"input": optional(text), "output": optional(text)},
    "metadata": {"metadata": mapping},
    "model": {"model": text, "internalModelId": text, "modelParameters": anything},
    "prompt": {"promptId": text, "promptName": text, "promptVersion": anything},
    "metrics": {"latency": optional(number), "timeToFirstToken": optional(number)},
    "trace_context": {"tags": texts, "release": text, "traceName": text},
}
USAGE = ("usageDetails", "costDetails", "totalCost", "usagePricingTierName")


def span(trace_id: str, index: int = 0, **attributes: Json) -> Json:
    """Return an OTLP span of half a second that starts `index` seconds after START."""
    begin = int((START + timedelta(seconds=index)).timestamp()) * 1_000_000_000
    return {
        "traceId": trace_id,
        "spanId": attributes.pop("id", None) or secrets.token_hex(8),
        "parentSpanId": attributes.pop("parent", ""),
        "name": attributes.pop("name", f"span {index}"),
        "kind": 1,
        "startTimeUnixNano": str(begin),
        "endTimeUnixNano": str(begin + 500_000_000),
        "attributes": [{"key": key, "value": _any(value)} for key, value in attributes.items()],
        "status": {},
    }


def _any(value: Json) -> Json:
    match value:
        case bool():
            return {"boolValue": value}
        case list():
            return {"arrayValue": {"values": [_any(each) for each in value]}}
        case _:
            return {"stringValue": str(value)}


def export(target: Target, *spans: Json, scope: str = "langfuse-sdk") -> None:
    """POST spans as OTLP JSON, and wait until they can be read."""
    body = {
        "resourceSpans": [
            {
                "resource": {"attributes": []},
                "scopeSpans": [{"scope": {"name": scope, "version": "4.6.0"}, "spans": list(spans)}],
            }
        ]
    }
    headers = {"x-langfuse-ingestion-version": "4"}
    target.send("POST", "otel/v1/traces", 200, json=body, headers=headers)
    wanted = {one["spanId"] for one in spans}
    trace_id = spans[0]["traceId"]
    target.eventually(lambda: ids(target.get("v2/observations", traceId=trace_id, limit=1000)), wanted.issubset)


def trace() -> str:
    return secrets.token_hex(16)


WHOLE: Json = {
    "langfuse.observation.type": "generation",
    "langfuse.observation.level": "WARNING",
    "langfuse.observation.status_message": "ok",
    "langfuse.version": "1.0",
    "langfuse.release": "1.2.3",
    "langfuse.environment": "production",
    "langfuse.trace.public": True,
    "langfuse.trace.name": "contract-trace",
    "langfuse.trace.tags": ["tag-a", "tag-b"],
    "langfuse.user.id": "user-7",
    "langfuse.session.id": "session-7",
    "langfuse.observation.input": '{"question": "What is 2+2?"}',
    "langfuse.observation.output": "four",
    "langfuse.observation.metadata.key": "val",
    "langfuse.observation.model.name": "contract-model",
    "langfuse.observation.model.parameters": '{"temperature": 0.5}',
    "langfuse.observation.usage_details": '{"input": 10, "output": 20}',
    "langfuse.observation.cost_details": '{"input": 0.01, "output": 0.02}',
    "langfuse.observation.prompt.name": "contract-prompt",
    "langfuse.observation.prompt.version": "2",
    "langfuse.observation.completion_start_time": "2026-02-03T10:00:00.250Z",
}


@pytest.fixture(scope="module")
def whole(target: Target) -> str:
    """Return the trace of one observation that has everything."""
    trace_id = trace()
    export(target, span(trace_id, name="everything", **WHOLE))
    return trace_id


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_of_fields_has_exactly_its_fields(target: Target, whole: str, group: str) -> None:
    [row] = target.get("v2/observations", traceId=whole, fields=group)["data"]
    assert_shape(row, CORE | PRICES | GROUPS[group])


def test_core_and_basic_are_shown_unless_other_groups_are_asked_for(target: Target, whole: str) -> None:
    answer = target.get("v2/observations", traceId=whole)
    assert answer["meta"] == {}
    assert_shape(answer["data"][0], CORE | PRICES | GROUPS["basic"])
    assert_shape(target.get("v2/observations", traceId=whole, fields="core")["data"][0], CORE | PRICES)
    assert target.get("v2/observations", traceId=whole, fields="core,nonsense,basic")["data"]


def test_the_values_are_those_that_were_sent(target: Target, whole: str) -> None:
    [row] = target.get("v2/observations", traceId=whole, fields=",".join([*GROUPS, "usage"]))["data"]
    expected = {
        "type": "GENERATION",
        "level": "WARNING",
        "statusMessage": "ok",
        "version": "1.0",
        "release": "1.2.3",
        "environment": "production",
        "public": True,
        "bookmarked": False,
        "userId": "user-7",
        "sessionId": "session-7",
        "isRootObservation": True,
        "parentObservationId": None,
        "traceName": "contract-trace",
        "tags": ["tag-a", "tag-b"],
        "input": '{"question": "What is 2+2?"}',
        "output": "four",
        "model": "contract-model",
        "modelParameters": {"temperature": 0.5},
        "usageDetails": {"input": 10, "output": 20, "total": 30},
        "costDetails": {"input": 0.01, "output": 0.02, "total": 0.03},
        "totalCost": 0.03,
        "promptName": "contract-prompt",
        "promptVersion": 2,
        "startTime": "2026-02-03T10:00:00.000Z",
        "endTime": "2026-02-03T10:00:00.500Z",
        "completionStartTime": "2026-02-03T10:00:00.250Z",
        "latency": 0.5,
        "timeToFirstToken": 0.25,
        "projectId": target.project_id,
    }
    assert {name: row[name] for name in expected} == expected
    assert row["metadata"]["key"] == "val"
    assert row["metadata"]["scope.name"] == "langfuse-sdk"


def test_what_is_not_set_is_an_empty_text(target: Target) -> None:
    trace_id = trace()
    export(target, span(trace_id, name="bare"))
    [row] = target.get("v2/observations", traceId=trace_id, fields=",".join([*GROUPS, "usage"]))["data"]
    blank = ("statusMessage", "version", "userId", "sessionId", "model", "internalModelId", "promptName", "release")
    assert [row[name] for name in blank] == [""] * len(blank)
    assert (row["type"], row["level"], row["environment"], row["tags"]) == ("SPAN", "DEFAULT", "default", [])
    assert (row["usageDetails"], row["costDetails"], row["promptVersion"]) == ({}, {}, None)
    assert row["traceName"] == "bare"


@pytest.mark.parametrize(
    "params",
    [
        {"type": "GENERATION"},
        {"name": "everything"},
        {"level": "WARNING"},
        {"userId": "user-7"},
        {"sessionId": "session-7"},
        {"version": "1.0"},
        {"environment": "production"},
        {"environment": ["production", "other"]},
        {"isRootObservation": "true"},
        {"parentObservationId": ""},
        {"fromStartTime": "2026-02-03T10:00:00Z", "toStartTime": "2026-02-03T10:00:00.001Z"},
        {"fromStartTime": "2026-02-03T12:00:00+02:00"},
        {"unknown": "x"},
        {"cursor": "", "limit": "", "filter": "", "fields": "", "name": "", "parseIoAsJson": "false"},
    ],
    ids=str,
)
def test_a_parameter_that_fits_finds_the_observation(target: Target, whole: str, params: Json) -> None:
    if params.get("cursor") == "":
        params = {name: value for name, value in params.items() if name not in ("cursor", "name", "limit")}
    assert len(target.get("v2/observations", traceId=whole, **params)["data"]) == 1


@pytest.mark.parametrize(
    "params",
    [
        {"type": "SPAN"},
        {"name": "other"},
        {"level": "DEFAULT"},
        {"userId": "other"},
        {"environment": "other"},
        {"isRootObservation": "false"},
        {"parentObservationId": "x"},
        {"toStartTime": "2026-02-03T10:00:00Z"},
        {"fromStartTime": "2026-02-03T10:00:00.001Z"},
    ],
    ids=str,
)
def test_a_parameter_that_does_not_fit_finds_nothing(target: Target, whole: str, params: Json) -> None:
    assert target.get("v2/observations", traceId=whole, **params)["data"] == []


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 1001},
        {"limit": "x"},
        {"type": "NONSENSE"},
        {"level": "LOUD"},
        {"fromStartTime": "yesterday"},
        {"cursor": "invalid-base64-string"},
        {"parseIoAsJson": "true"},
        {"filter": "{"},
        {"filter": '{"type": "string"}'},
    ],
    ids=str,
)
def test_a_parameter_that_cannot_be_is_a_400(target: Target, params: Json) -> None:
    answer = target.get("v2/observations", 400, **params)
    assert isinstance(answer["message"], str)
    assert answer["error"]
    if "cursor" in params:
        assert "Invalid cursor format" in answer["message"]
    if "parseIoAsJson" in params:
        assert "parseIoAsJson" in json.dumps(answer)


FITTING = [
    condition("string", "id", "does not contain", "zz"),
    condition("string", "type", "=", "GENERATION"),
    condition("stringOptions", "type", "any of", ["GENERATION", "SPAN"]),
    condition("string", "name", "contains", "very"),
    condition("string", "name", "starts with", "every"),
    condition("string", "name", "ends with", "thing"),
    condition("datetime", "startTime", ">=", "2026-02-03T10:00:00.000Z"),
    condition("datetime", "endTime", "<", "2026-02-03T10:00:01.000Z"),
    condition("string", "environment", "=", "production"),
    condition("string", "level", "=", "WARNING"),
    condition("string", "statusMessage", "=", "ok"),
    condition("string", "version", "=", "1.0"),
    condition("string", "userId", "=", "user-7"),
    condition("string", "sessionId", "=", "session-7"),
    condition("boolean", "isRootObservation", "=", True),
    condition("boolean", "isRootObservation", "<>", False),
    condition("string", "traceName", "contains", "contract"),
    condition("arrayOptions", "traceTags", "all of", ["tag-a", "tag-b"]),
    condition("arrayOptions", "tags", "any of", ["tag-a", "other"]),
    condition("arrayOptions", "tags", "none of", ["other"]),
    condition("number", "latency", "=", 0.5),
    condition("number", "timeToFirstToken", "<=", 0.25),
    condition("number", "tokensPerSecond", ">=", 40),
    condition("number", "inputTokens", "=", 10),
    condition("number", "outputTokens", ">", 19),
    condition("number", "totalTokens", "=", 30),
    condition("number", "tokens", "=", 30),
    condition("number", "inputCost", "<=", 0.01),
    condition("number", "outputCost", ">=", 0.02),
    condition("number", "totalCost", ">", 0.02),
    condition("string", "model", "=", "contract-model"),
    condition("string", "providedModelName", "=", "contract-model"),
    condition("string", "promptName", "=", "contract-prompt"),
    condition("number", "promptVersion", "=", 2),
    condition("string", "output", "=", "four"),
    condition("string", "output", "matches", "FOUR"),
    condition("string", "input", "matches", "question"),
    condition("stringObject", "metadata", "=", "val", key="key"),
    condition("stringObject", "metadata", "contains", "a", key="key"),
    condition("stringObject", "metadata", "matches", "val", key="key"),
    condition("stringObject", "metadata", "starts with", "langfuse", key="scope.name"),
    condition("stringObject", "metadata", "is set", "", key="key"),
    condition("stringObject", "metadata", "is not set", "", key="nothing"),
    condition("categoryOptions", "metadata", "any of", ["val"], key="key"),
    condition("null", "parentObservationId", "is null", ""),
    condition("null", "userId", "is not null", ""),
]


@pytest.mark.parametrize("one", FITTING, ids=lambda one: f"{one['column']} {one['operator']}")
def test_a_condition_of_every_documented_kind_finds_the_observation(target: Target, whole: str, one: Json) -> None:
    by_trace = condition("string", "traceId", "=", whole)
    assert len(target.filtered("v2/observations", one, by_trace)["data"]) == 1


def test_words_are_sought_whole_and_in_order(target: Target) -> None:
    trace_id, key = trace(), "langfuse.observation.output"
    texts_by_name = {
        "token": "Needle in mixed case",
        "mail": "needle@gmail.com",
        "embedded": "foobarneedle cadabra",
        "phrase": "prefix alpha beta suffix",
        "reverse": "prefix beta alpha suffix",
        "gap": "prefix alpha gap beta suffix",
    }
    export(
        target,
        *(span(trace_id, at, name=name, **{key: words}) for at, (name, words) in enumerate(texts_by_name.items())),
    )

    def found(words: str) -> set[str]:
        sought = condition("string", "output", "matches", words)
        rows = target.filtered("v2/observations", sought, condition("string", "traceId", "=", trace_id))["data"]
        return {row["name"] for row in rows}

    assert {"token"} <= found("needle")
    assert "embedded" not in found("needle")
    assert found("alpha beta") == {"phrase"}


@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        ([condition("string", "output", "contains", "needle")], 400),
        ([condition("string", "output", "matches", "a"), condition("string", "output", "contains", "a")], 200),
        (
            [
                condition("stringObject", "metadata", "matches", "a", key="k"),
                condition("string", "output", "contains", "a"),
            ],
            400,
        ),
        ([condition("null", "output", "is null", "")], 400),
        ([condition("stringOptions", "output", "any of", ["a"])], 400),
        ([condition("string", "name", "matches", "needle")], 400),
        ([condition("string", "output", "matches", "")], 400),
        ([condition("stringObject", "metadata", "matches", "!!!", key="k")], 400),
        ([condition("string", "name", "=", 5)], 400),
        ([condition("datetime", "startTime", ">", "yesterday")], 400),
        ([condition("arrayOptions", "tags", "equals", ["a"])], 400),
    ],
    ids=str,
)
def test_contents_are_sought_only_where_an_index_helps(target: Target, conditions: list[Json], status: int) -> None:
    target.filtered("v2/observations", *conditions, expect=status)


def test_the_newest_is_first_and_ties_go_by_id(target: Target) -> None:
    trace_id = trace()
    spans = [span(trace_id, index) for index in (3, 1, 1, 0)]
    export(target, *spans)
    expected = [spans[0]["spanId"], *sorted((spans[1]["spanId"], spans[2]["spanId"]), reverse=True), spans[3]["spanId"]]
    assert ids(target.get("v2/observations", traceId=trace_id)) == expected


def test_a_cursor_leads_through_all_pages_and_may_be_used_again(target: Target) -> None:
    user = unique("user")
    for index in range(5):
        export(target, span(trace(), index // 2, **{"langfuse.user.id": user}))
    seen, cursor, pages = [], None, []
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = target.get("v2/observations", userId=user, limit=2, **more)
        seen += ids(page)
        pages.append((more, ids(page)))
        cursor = page["meta"].get("cursor")
        if cursor is None:
            break
        assert isinstance(cursor, str)
    assert [len(found) for _, found in pages] == [2, 2, 1]
    assert len(set(seen)) == 5
    assert ids(target.get("v2/observations", userId=user, limit=2, **pages[1][0])) == pages[1][1]


def test_long_metadata_is_cut_unless_it_is_asked_for(target: Target) -> None:
    trace_id, long = trace(), "z" * 300
    prefix = "langfuse.observation.metadata."
    export(target, span(trace_id, **{f"{prefix}long": long, f"{prefix}short": "s"}))

    def metadata(**params: Json) -> Json:
        return target.get("v2/observations", traceId=trace_id, fields="metadata", **params)["data"][0]["metadata"]

    assert metadata()["long"] == long[:200]
    assert metadata(expandMetadata="")["long"] == long[:200]
    assert metadata(expandMetadata="long") | {"short": "s"} == metadata(expandMetadata="nothing") | {"short": "s"}
    assert metadata(expandMetadata="long")["long"] == long


def test_values_of_older_sdks_that_are_json_are_shown_decoded(target: Target) -> None:
    trace_id, prefix = trace(), "langfuse.observation.metadata."
    given = {"count": "5", "list": '["yo"]', "object": '{"foo": "bar"}', "word": "acme", "big": "1983516295378495150"}
    export(target, span(trace_id, **{prefix + key: value for key, value in given.items()}))
    [row] = target.get("v2/observations", traceId=trace_id, fields="metadata")["data"]
    shown = {key: row["metadata"].get(key) for key in given}
    assert shown == {"count": 5, "list": ["yo"], "object": {"foo": "bar"}, "word": "acme", "big": "1983516295378495150"}
