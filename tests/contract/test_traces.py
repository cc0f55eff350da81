"""GET traces and traces/{id}, DELETE traces: shapes, fields, filters, pages, order."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from tests.contract.shapes import FULL_TRACE, LISTED_TRACE, OBSERVATION, USAGE, assert_page, assert_shape
from tests.contract.target import Json, Target, condition, ids, iso, unique

START = datetime(2026, 1, 5, 10, tzinfo=UTC)


def trace_with(target: Target, **body: Json) -> str:
    """Store a trace with one generation of 1 s and cost 0.05, and one score; return its id."""
    trace_id = body.pop("id", None) or unique()
    target.ingest(
        ("trace-create", {"id": trace_id, "timestamp": iso(START)} | body),
        (
            "generation-create",
            {
                "id": unique(),
                "traceId": trace_id,
                "name": "generation",
                "startTime": iso(START),
                "endTime": iso(START + timedelta(seconds=1)),
                "costDetails": {"input": 0.02, "output": 0.03},
                "input": "observation input",
            },
        ),
        ("score-create", {"id": unique(), "traceId": trace_id, "name": "quality", "value": 0.8}),
    )
    read(target, trace_id)
    return trace_id


def read(target: Target, trace_id: str, **params: Json) -> Json:
    return target.eventually(
        lambda: target.get(f"traces/{quote(trace_id, safe='')}", **params), lambda trace: trace["id"] == trace_id
    )


def test_a_trace_has_every_documented_field_and_no_other(target: Target) -> None:
    trace_id = trace_with(
        target,
        name="trace-name",
        userId="user-1",
        sessionId="session-1",
        metadata={"key": "value"},
        release="1.0.0",
        version="2.0.0",
        tags=["b", "a"],
        environment="production",
        public=True,
        input={"prompt": "test"},
        output="answer",
    )
    trace = read(target, trace_id)
    assert_shape(trace, FULL_TRACE)
    assert trace["timestamp"] == "2026-01-05T10:00:00.000Z"
    expected = {
        "name": "trace-name",
        "userId": "user-1",
        "sessionId": "session-1",
        "metadata": {"key": "value"},
        "release": "1.0.0",
        "version": "2.0.0",
        "environment": "production",
        "public": True,
        "bookmarked": False,
        "input": {"prompt": "test"},
        "output": "answer",
        "projectId": target.project_id,
        "htmlPath": f"/project/{target.project_id}/traces/{trace_id}",
        "latency": 1,
        "totalCost": 0.05,
    }
    assert {name: trace[name] for name in expected} == expected
    assert sorted(trace["tags"]) == ["a", "b"]
    [observation] = trace["observations"]
    assert_shape(observation, OBSERVATION)
    assert_shape(observation["usage"], USAGE)
    [score] = trace["scores"]
    assert (score["name"], score["value"], score["dataType"], score["traceId"]) == ("quality", 0.8, "NUMERIC", trace_id)


def test_a_trace_with_nothing_set_has_nulls_and_defaults(target: Target) -> None:
    trace_id = unique()
    target.ingest(("trace-create", {"id": trace_id}))
    trace = read(target, trace_id)
    assert_shape(trace, FULL_TRACE)
    blank = {name: trace[name] for name in ("name", "userId", "sessionId", "release", "version", "input", "output")}
    assert set(blank.values()) == {None}
    assert (trace["environment"], trace["tags"], trace["public"]) == ("default", [], False)
    assert trace["metadata"] in ({}, None)
    assert (trace["observations"], trace["scores"], trace["latency"], trace["totalCost"]) == ([], [], 0, 0)


def test_a_trace_that_is_not_there_is_a_404_with_an_error_name(target: Target) -> None:
    answer = target.get(f"traces/{unique()}", 404)
    assert answer["error"] == "LangfuseNotFoundError"
    assert isinstance(answer["message"], str)


@pytest.mark.parametrize(
    ("fields", "present"),
    [
        ("core", set()),
        ("core,io", {"io"}),
        ("core,scores", {"scores"}),
        ("core,observations", {"observations"}),
        ("core,metrics", {"metrics"}),
        ("core,invalid,scores", {"scores"}),
        ("", {"io", "scores", "observations", "metrics"}),
    ],
)
def test_groups_of_fields_that_are_not_asked_for_have_placeholders(
    target: Target, fields: str, present: set[str]
) -> None:
    trace_id = trace_with(target, name=(name := unique()), input={"a": 1}, output="b", metadata={"key": "value"})
    listed = target.get("traces", fields=fields, name=name)["data"][0]
    assert_shape(listed, LISTED_TRACE)
    one = read(target, trace_id, fields=fields)
    assert_shape(one, FULL_TRACE)
    for trace in (listed, one):
        assert trace["input"] == ({"a": 1} if "io" in present else None)
        assert trace["output"] == ("b" if "io" in present else None)
        assert trace["metadata"] == ({"key": "value"} if "io" in present else {})
        assert len(trace["scores"]) == (1 if "scores" in present else 0)
        assert len(trace["observations"]) == (1 if "observations" in present else 0)
        assert trace["totalCost"] == (0.05 if "metrics" in present else -1)
        assert trace["latency"] == (1 if "metrics" in present else -1)


def test_only_unknown_groups_of_fields_mean_all_of_a_single_trace(target: Target) -> None:
    trace_id = trace_with(target, input={"a": 1}, output="b")
    trace = read(target, trace_id, fields="invalid_group,also_invalid")
    assert (trace["input"], trace["output"]) == ({"a": 1}, "b")
    assert len(trace["observations"]) == 1
    assert trace["totalCost"] >= 0


@pytest.mark.parametrize("field", ["userId", "sessionId", "release", "version", "name", "environment"])
def test_traces_are_listed_by_a_value(target: Target, field: str) -> None:
    value = unique("v")[:36]
    trace_id = trace_with(target, **{field: value})
    trace_with(target)
    answer = target.get("traces", **{field: value})
    assert_page(answer, LISTED_TRACE)
    assert ids(answer) == [trace_id]
    assert answer["data"][0][field] == value
    assert answer["meta"] == {"page": 1, "limit": 50, "totalItems": 1, "totalPages": 1}


def test_all_given_tags_must_be_on_a_trace(target: Target) -> None:
    both, one = unique("both"), unique("one")
    trace_id = trace_with(target, tags=[both, one])
    trace_with(target, tags=[one])
    assert ids(target.get("traces", tags=[both, one])) == [trace_id]
    assert target.get("traces", tags=one)["meta"]["totalItems"] == 2


def test_several_environments_are_any_of_them(target: Target) -> None:
    first, second = (unique("e")[:36] for _ in range(2))
    expected = {trace_with(target, environment=first), trace_with(target, environment=second)}
    assert set(ids(target.get("traces", environment=[first, second]))) == expected


def test_metadata_and_io_given_as_json_text_are_objects(target: Target) -> None:
    trace_id = trace_with(target, metadata={"key": json.dumps({"foo": "bar"})}, input=json.dumps({"args": [{"a": 1}]}))
    trace = read(target, trace_id)
    assert trace["metadata"] == {"key": {"foo": "bar"}}
    assert trace["input"] == {"args": [{"a": 1}]}


def test_the_newest_trace_is_first_unless_another_order_is_asked_for(target: Target) -> None:
    tag = unique()
    made = [
        trace_with(target, name=f"n{index}", tags=[tag], timestamp=iso(START + timedelta(hours=index)))
        for index in range(3)
    ]
    assert ids(target.get("traces", tags=tag)) == made[::-1]
    assert ids(target.get("traces", tags=tag, orderBy="timestamp.asc")) == made
    assert ids(target.get("traces", tags=tag, orderBy="name.desc")) == made[::-1]
    page = target.get("traces", tags=tag, limit=2, page=2)
    assert ids(page) == made[:1]
    assert page["meta"] == {"page": 2, "limit": 2, "totalItems": 3, "totalPages": 2}


def test_the_time_from_is_included_and_the_time_to_is_not(target: Target) -> None:
    tag = unique()
    made = [trace_with(target, tags=[tag], timestamp=iso(START + timedelta(hours=index))) for index in range(3)]
    window = {"fromTimestamp": iso(START), "toTimestamp": "2026-01-05T14:00:00+02:00"}
    assert ids(target.get("traces", tags=tag, **window)) == [made[1], made[0]]


@pytest.mark.parametrize("params", [{"page": 0}, {"page": -1}, {"limit": 101}, {"limit": "x"}, {"filter": "no json"}])
def test_a_query_that_cannot_be_is_a_400(target: Target, params: Json) -> None:
    answer = target.get("traces", 400, **params)
    assert isinstance(answer["message"], str)
    assert "error" in answer


@pytest.mark.parametrize("params", [{"page": ""}, {"limit": ""}, {"filter": ""}, {"unknown": "x"}, {"userId": ""}])
def test_an_empty_or_unknown_parameter_is_no_parameter(target: Target, params: Json) -> None:
    assert target.get("traces", **params)["meta"]["page"] == 1


def test_a_filter_goes_before_plain_parameters_and_joins_the_others(target: Target) -> None:
    tag = unique()
    first = trace_with(target, userId="filter-1", tags=[tag], metadata={"model": "gpt-4"})
    trace_with(target, userId="filter-2", tags=[tag], metadata={"model": "gpt-3.5"})
    by_user = condition("string", "userId", "=", "filter-1")
    by_tag = condition("arrayOptions", "tags", "any of", [tag])
    by_model = condition("stringObject", "metadata", "contains", "gpt-4", key="model")
    assert ids(target.filtered("traces", by_user, by_tag, userId="filter-2")) == [first]
    assert ids(target.filtered("traces", by_model, by_tag, userId="filter-1")) == [first]
    late = condition("datetime", "timestamp", ">=", iso(START))
    assert ids(target.filtered("traces", late, by_tag, by_user, toTimestamp="2020-01-02T00:00:00Z")) == [first]


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "invalid-type", "column": "metadata", "operator": "=", "value": "test"},
        {"column": "userId", "value": "test"},
        {"type": "string", "column": "userId", "operator": "invalid-operator", "value": "test"},
        {"type": "number", "column": "latency", "operator": ">", "value": "text"},
    ],
)
def test_a_filter_of_no_documented_form_is_a_400(target: Target, wrong: Json) -> None:
    target.filtered("traces", wrong, expect=400)


@pytest.mark.parametrize(
    "one",
    [
        *(
            condition("number", column, ">=", 0)
            for column in [
                "latency",
                "inputTokens",
                "outputTokens",
                "totalTokens",
                "inputCost",
                "outputCost",
                "totalCost",
                "warningCount",
                "errorCount",
                "defaultCount",
                "debugCount",
            ]
        ),
        condition("string", "level", "=", "DEFAULT"),
        condition("stringOptions", "level", "any of", ["DEFAULT"]),
        condition("numberObject", "scores_avg", ">=", 0.5, key="quality"),
        condition("stringOptions", "id", "none of", ["x"]),
        condition("datetime", "timestamp", ">", "2020-01-01T00:00:00+00:00"),
        condition("string", "name", "starts with", "filter"),
        condition("string", "name", "ends with", "columns"),
        condition("string", "name", "does not contain", "zebra"),
        condition("stringObject", "metadata", "=", "v", key="k"),
        condition("arrayOptions", "tags", "none of", ["zebra"]),
        condition("null", "sessionId", "is null", ""),
    ],
    ids=lambda one: f"{one['column']} {one['operator']}",
)
def test_every_documented_column_filters_traces(target: Target, one: Json) -> None:
    tag = unique()
    trace_id = trace_with(target, name="filter columns", tags=[tag], metadata={"k": "v"})
    answer = target.filtered("traces", one, condition("arrayOptions", "tags", "any of", [tag]))
    assert ids(answer) == [trace_id]


def test_categories_of_scores_filter_traces(target: Target) -> None:
    good, bad = trace_with(target), trace_with(target)
    for trace_id, value in ((good, "good"), (bad, "bad")):
        target.post("scores", {"traceId": trace_id, "name": "grade", "value": value, "dataType": "CATEGORICAL"})
    among = condition("stringOptions", "id", "any of", [good, bad])
    for one in (
        condition("stringOptions", "score_categories", "any of", ["grade:good"]),
        condition("categoryOptions", "score_categories", "any of", ["good"], key="grade"),
    ):
        answer = target.eventually(
            lambda: target.filtered("traces", one, among, fields="core"), lambda a: len(a["data"]) == 1
        )
        assert ids(answer) == [good]


def test_a_deleted_trace_and_what_hangs_on_it_are_gone(target: Target) -> None:
    trace_id, others = trace_with(target), [trace_with(target), trace_with(target)]
    observation_id = read(target, trace_id)["observations"][0]["id"]
    assert list(target.delete(f"traces/{trace_id}")) == ["message"]
    answer = target.delete("traces", json={"traceIds": others})
    assert isinstance(answer["message"], str)
    for gone in (trace_id, *others):
        target.eventually(lambda path=f"traces/{gone}": target.get(path, 404), lambda _answer: True)
    target.get(f"observations/{observation_id}", 404)
    assert target.get("v2/scores", traceId=trace_id)["data"] == []


@pytest.mark.parametrize("body", [{}, {"traceIds": []}, {"traceIds": "one"}, {"traceIds": [1]}])
def test_a_deletion_without_traces_is_a_400(target: Target, body: Json) -> None:
    target.delete("traces", 400, json=body)


@pytest.mark.parametrize("odd", [*list('&$@=;+ ,?{}^%`]">[~<#|'), "é", "漢字", "🪢"])
def test_an_id_with_odd_characters_is_found_again(target: Target, odd: str) -> None:
    trace_id = f"{unique()}-{odd}-test"
    target.ingest(("trace-create", {"id": trace_id, "name": odd}))
    assert read(target, trace_id)["name"] == odd
    assert target.langfuse.api.trace.delete(trace_id).message
