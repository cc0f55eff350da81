"""What metrics cannot be asked for, and odd questions that can be."""

import json
from typing import Any

import pytest
from tests.server.serving import Serving
from tests.server.work.metric_rows import (
    COUNT,
    SPAN,
    ask,
    condition,
    refused,
    store,
)

from certtrace.records.metrics import running
from certtrace.server.access import Role


@pytest.fixture(scope="module", autouse=True)
def _stored(box: Serving) -> None:
    store(box)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"dimensions": [{"field": "none"}]}, "Invalid dimension none. Must be one of id,traceId,"),
        ({"metrics": [{"measure": "none", "aggregation": "count"}]}, "Invalid metric none. Must be one of count,"),
        (
            {"metrics": [{"measure": "traceId", "aggregation": "sum"}]},
            'Aggregation "sum" is not valid for measure "traceId" (type: string). Valid aggregations: count, uniq',
        ),
        ({"filters": [condition("none", "string", "=", "x")]}, "Invalid filter column none. Must be one of id,"),
        (
            {"filters": [condition("tags", "string", "contains", "x")]},
            "Invalid filter for field 'tags': Filter type 'string' is not supported for dimension type 'string[]'.",
        ),
        (
            {"filters": [condition("metadata", "string", "contains", "x")]},
            "Invalid filter for field 'metadata': Metadata filters require type 'stringObject' with a 'key' property",
        ),
        ({"filters": [condition("type", "number", ">", 1)]}, "Invalid filter type 'number' for column 'type'."),
        ({"orderBy": [{"field": "none", "direction": "asc"}]}, "Invalid orderBy field: none."),
        ({"orderBy": [{"field": "sum_count", "direction": "asc"}]}, "Invalid orderBy field: sum_count."),
        ({"dimensions": [{"field": "userId"}]}, "High cardinality dimension(s) 'userId' require both"),
        (
            {"dimensions": [{"field": "id"}], "timeDimension": {"granularity": "day"}},
            "High cardinality dimension(s) 'id' cannot be used with timeDimension.",
        ),
        (
            {
                "dimensions": [{"field": "id"}],
                "orderBy": [{"field": "id", "direction": "desc"}],
                "config": {"row_limit": 5},
            },
            "High cardinality dimension(s) 'id' require 'orderBy' with direction 'desc' on a measure field. 'id' is",
        ),
        (
            {"dimensions": [{"field": "costType"}, {"field": "usageType"}]},
            "Only one pairExpand dimension is supported per query. Found: costType, usageType",
        ),
        ({"filters": [condition("costType", "string", "=", "input")]}, "Invalid filter column costType"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_by_name(box: Serving, query: dict[str, Any], message: str) -> None:
    body = refused(box, {"view": "observations", "metrics": COUNT} | query)
    assert body["error"] == "InvalidRequestError"
    assert body["message"].startswith(message)


@pytest.mark.parametrize(
    "query",
    [
        {"view": "traces"},
        {"view": "none"},
        {"view": None},
        {"metrics": None},
        {"metrics": [{"measure": "count", "aggregation": "median"}]},
        {"fromTimestamp": "2026-11-05T00:00:00Z"},
        {"fromTimestamp": "yesterday"},
        {"toTimestamp": 5},
        {"timeDimension": {"granularity": "year"}},
        {"config": {"row_limit": 0}},
        {"config": {"row_limit": 1001}},
        {"config": {"bins": 101}},
        {"orderBy": [{"field": "x", "direction": "up"}]},
        {"filters": [{"column": "name"}]},
        {"filters": [condition("name", "string", "like", "x")]},
        {"filters": [condition("name", "string", "=", 5)]},
        {"filters": "all"},
    ],
)
def test_a_query_of_the_wrong_form_is_refused(box: Serving, query: dict[str, Any]) -> None:
    body = refused(box, {"view": "observations", "metrics": COUNT} | query)
    assert body["message"] == "Invalid request data"
    assert body["error"][0]["path"][0] == "query"


@pytest.mark.parametrize("path", ["/api/public/v2/metrics", "/api/public/metrics"])
def test_what_is_no_query_is_refused(box: Serving, path: str) -> None:
    bad = box.client().get(path, params={"query": "{"})
    assert bad.status_code == 400
    assert bad.json() == {"message": "Invalid JSON in query parameter", "error": "InvalidRequestError"}
    assert box.client().get(path).status_code == 400
    assert box.client(Role.WRITER).get(path, params={"query": "{}"}).status_code == 403


@pytest.mark.parametrize(
    "hostile",
    [
        {"fromTimestamp": "0001-01-01T00:00:00Z", "toTimestamp": "9999-12-31T23:59:59Z"},
        {"filters": [condition("value", "number", "=", 2**63)], "view": "scores-numeric"},
        {"filters": [condition("value", "number", "=", 1e308)], "view": "scores-numeric"},
        {"filters": [condition("name", "string", "=", "a\0b")]},
        {"filters": [condition("name", "stringOptions", "any of", ["\0", "'", '"'] * 500)]},
        {"filters": [condition("metadata", "stringObject", "=", "x", key='a"].b')]},
        {"filters": [condition("start_time", "datetime", ">", "9999-12-31T23:59:59Z")]},
        {"filters": [condition("tags", "null", "is null", "")]},
        {"dimensions": [{"field": "name"}] * 50, "metrics": COUNT * 50},
        {"metrics": []},
        {"metrics": [], "dimensions": [{"field": "name"}]},
    ],
)
def test_odd_questions_have_answers(box: Serving, hostile: dict[str, Any]) -> None:
    for granularity in (None, "month", "week"):
        series = {"timeDimension": None if granularity is None else {"granularity": granularity}}
        query = {"view": "observations", "metrics": COUNT} | series | hostile
        assert ask(box, query) is not None
        answer = box.client().get("/api/public/metrics", params={"query": json.dumps(SPAN | query)})
        assert answer.status_code in (200, 400)


def test_a_series_without_end_is_refused(box: Serving) -> None:
    forever = {"fromTimestamp": "1970-01-01T00:00:00Z", "toTimestamp": "2026-01-01T00:00:00Z"}
    query = {"view": "traces", "metrics": COUNT, "timeDimension": {"granularity": "minute"}} | forever
    assert "more than 50000 rows" in refused(box, query, "/api/public/metrics")["message"]


def test_an_answer_without_end_is_refused(box: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_MOST_ROWS", 5)
    query = {"view": "observations", "dimensions": [{"field": "id"}], "metrics": COUNT}
    assert refused(box, query, "/api/public/metrics")["message"].startswith("The answer has more than 5 rows.")
