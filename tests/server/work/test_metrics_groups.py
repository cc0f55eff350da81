"""Metrics by dimension, filtered, as time series, in an order, up to a limit."""

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from langfuse.api import LangfuseAPI
from tests.server.serving import Serving
from tests.server.work.metric_rows import (
    COUNT,
    FROM,
    HIGH,
    INSIDE,
    SCORES_INSIDE,
    SPAN,
    ask,
    condition,
    latency_ms,
    ns,
    store,
)

from certtrace.records.metrics.views import VIEWS_1, VIEWS_2
from certtrace.records.model import Observation


@pytest.fixture(scope="module", autouse=True)
def _stored(box: Serving) -> None:
    store(box)


@pytest.mark.parametrize(
    ("dimension", "of"),
    [
        ("id", lambda o: o.id),
        ("traceId", lambda o: o.trace_id),
        ("parentObservationId", lambda o: o.parent_observation_id),
        ("isRootObservation", lambda o: o.parent_observation_id is None),
        ("type", lambda o: o.type),
        ("level", lambda o: o.level),
        ("userId", lambda o: o.user_id),
        ("sessionId", lambda o: o.session_id),
        ("release", lambda o: o.release),
        ("traceRelease", lambda o: o.release),
        ("providedModelName", lambda o: o.model),
        ("promptName", lambda o: None),
        ("promptVersion", lambda o: None),
        ("tags", lambda o: list(o.tags)),
        ("startTimeMonth", lambda o: "2026-11"),
        ("traceName", lambda o: o.name if o.parent_observation_id is None else None),
        ("experimentId", lambda o: None),
    ],
)
def test_a_dimension_of_observations_groups_by_its_values(
    box: Serving, dimension: str, of: Callable[[Observation], Any]
) -> None:
    expected = defaultdict(int)
    for observation in INSIDE:
        expected[json.dumps(of(observation))] += 1
    query = {"view": "observations", "dimensions": [{"field": dimension}], "metrics": COUNT} | HIGH
    assert {json.dumps(row[dimension]): row["count_count"] for row in ask(box, query)} == expected


def test_costs_and_usage_are_taken_apart_by_kind(box: Serving) -> None:
    for measure, dimension, details in (
        ("costByType", "costType", lambda o: o.cost_details),
        ("usageByType", "usageType", lambda o: o.usage_details),
    ):
        expected = defaultdict(float)
        for observation in INSIDE:
            for kind, value in details(observation).items():
                expected[kind] += value
        rows = ask(box, {"view": "observations", "metrics": [{"measure": measure, "aggregation": "sum"}]})
        found = {row[dimension]: row[f"sum_{measure}"] for row in rows}
        assert found == pytest.approx(expected)


def test_a_dimension_that_needs_a_join_leaves_out_what_has_no_partner(box: Serving) -> None:
    names = {observation.id: observation.name for observation in INSIDE}
    expected = defaultdict(int)
    for score in SCORES_INSIDE:
        if score.data_type in ("CATEGORICAL", "TEXT"):
            expected[names[score.observation_id]] += 1
    query = {"view": "scores-categorical", "dimensions": [{"field": "observationName"}], "metrics": COUNT}
    for path in ("/api/public/v2/metrics", "/api/public/metrics"):
        assert {row["observationName"]: row["count_count"] for row in ask(box, query, path)} == expected


@pytest.mark.parametrize("path", ["/api/public/v2/metrics", "/api/public/metrics"])
def test_every_dimension_can_be_asked_for(box: Serving, path: str) -> None:
    views = VIEWS_2 if "v2" in path else VIEWS_1
    for name, view in views.items():
        for dimension, declared in view.dimensions.items():
            query = {"view": name, "dimensions": [{"field": dimension}], "metrics": COUNT} | HIGH
            answer = box.client().get(path, params={"query": json.dumps(SPAN | query)})
            assert answer.status_code == (200 if declared.is_kept else 501), (name, dimension, answer.text)


# Filters.


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (condition("name", "string", "=", "grade"), lambda o: o.name == "grade"),
        (condition("name", "string", "contains", "ra"), lambda o: "ra" in o.name),
        (condition("name", "string", "does not contain", "ra"), lambda o: "ra" not in o.name),
        (condition("name", "string", "starts with", "re"), lambda o: o.name.startswith("re")),
        (condition("name", "string", "ends with", "l"), lambda o: o.name.endswith("l")),
        (condition("name", "stringOptions", "any of", ["call", "grade"]), lambda o: o.name in ("call", "grade")),
        (condition("name", "stringOptions", "none of", ["call"]), lambda o: o.name != "call"),
        (condition("userId", "stringOptions", "none of", ["u-1"]), lambda o: o.user_id == "u-2"),
        (condition("userId", "string", "does not contain", "1"), lambda o: o.user_id == "u-2"),
        (condition("userId", "string", "=", ""), lambda o: o.user_id is None),
        (condition("userId", "null", "is null", ""), lambda o: o.user_id is None),
        (condition("userId", "null", "is not null", ""), lambda o: o.user_id is not None),
        (condition("isRootObservation", "boolean", "=", True), lambda o: o.parent_observation_id is None),
        (condition("isRootObservation", "boolean", "<>", True), lambda o: o.parent_observation_id is not None),
        (condition("tags", "arrayOptions", "any of", ["a", "b"]), lambda o: bool({"a", "b"} & set(o.tags))),
        (condition("tags", "arrayOptions", "all of", ["a", "b"]), lambda o: {"a", "b"} <= set(o.tags)),
        (condition("tags", "arrayOptions", "none of", ["a"]), lambda o: "a" not in o.tags),
        (condition("metadata", "stringObject", "=", "x", key="room"), lambda o: o.metadata["room"] == "x"),
        (condition("metadata", "stringObject", "contains", "x", key="none"), lambda o: False),
        (
            condition("start_time", "datetime", ">=", "2026-11-02T00:00:00Z"),
            lambda o: o.start_time_ns >= ns(FROM) + 86_400 * 10**9,
        ),
        (
            condition("start_time", "datetime", "<", "2026-11-02T00:00:00Z"),
            lambda o: o.start_time_ns < ns(FROM) + 86_400 * 10**9,
        ),
    ],
)
def test_a_filter_keeps_what_it_says(
    box: Serving, condition: dict[str, Any], holds: Callable[[Observation], bool]
) -> None:
    (row,) = ask(box, {"view": "observations", "metrics": COUNT, "filters": [condition]})
    assert row == {"count_count": sum(map(holds, INSIDE))}


def test_numbers_and_truth_of_scores_are_filtered(box: Serving) -> None:
    numeric = [each for each in SCORES_INSIDE if each.data_type in ("NUMERIC", "BOOLEAN")]
    above = condition("value", "number", ">", 0.5)
    (row,) = ask(box, {"view": "scores-numeric", "metrics": COUNT, "filters": [above]})
    assert row["count_count"] == sum(each.value > 0.5 for each in numeric)  # type: ignore[operator]  # they are numbers
    true = condition("booleanValue", "boolean", "=", True)
    (row,) = ask(box, {"view": "scores-boolean", "metrics": COUNT, "filters": [true]})
    assert row["count_count"] == sum(each.value for each in numeric if each.data_type == "BOOLEAN")
    by_name = condition("scoreName", "string", "=", "quality")
    (row,) = ask(box, {"view": "scores-numeric", "metrics": COUNT, "filters": [by_name]})
    assert row["count_count"] == sum(each.name == "quality" for each in numeric)


# Series, order, limits.


@pytest.mark.parametrize(
    ("granularity", "label"),
    [
        ("minute", "%Y-%m-%dT%H:%M:00Z"),
        ("hour", "%Y-%m-%dT%H:00:00Z"),
        ("auto", "%Y-%m-%d"),
        ("day", "%Y-%m-%d"),
        ("month", "%Y-%m-01"),
    ],
)
def test_a_series_has_the_buckets_of_its_granularity(box: Serving, granularity: str, label: str) -> None:
    expected = defaultdict(int)
    for observation in INSIDE:
        moment = datetime.fromtimestamp(observation.start_time_ns // 10**9, UTC)
        expected[moment.strftime(label)] += 1
    query = {"view": "observations", "metrics": COUNT, "timeDimension": {"granularity": granularity}}
    rows = ask(box, query | {"config": {"row_limit": 1000}}, "/api/public/metrics")
    times = [row["time_dimension"] for row in rows]
    assert times == sorted(times)
    found = {row["time_dimension"]: row["count_count"] for row in rows if row["count_count"]}
    assert found == {time: count for time, count in expected.items() if time in found}
    if granularity != "minute":
        assert found == expected


def test_a_week_begins_on_monday(box: Serving) -> None:
    query = {"view": "observations", "metrics": COUNT, "timeDimension": {"granularity": "week"}}
    before = sum(each.start_time_ns < ns(datetime(2026, 11, 2, tzinfo=UTC)) for each in INSIDE)
    found = [(row["time_dimension"], row["count_count"]) for row in ask(box, query)]
    assert found == [("2026-10-26", before), ("2026-11-02", len(INSIDE) - before)]


def test_gaps_of_a_series_are_filled_unless_an_order_is_given(box: Serving) -> None:
    early = {"fromTimestamp": "2026-10-29T12:00:00Z", "toTimestamp": "2026-11-01T00:00:00Z"}
    metrics = [*COUNT, {"measure": "totalCost", "aggregation": "sum"}, {"measure": "latency", "aggregation": "p95"}]
    query = {
        "view": "observations",
        "dimensions": [{"field": "name"}, {"field": "release"}],
        "metrics": metrics,
        "timeDimension": {"granularity": "day"},
    }
    nothing = {"name": "", "release": None, "count_count": 0, "sum_totalCost": None, "p95_latency": None}
    assert ask(box, query | early) == [
        nothing | {"time_dimension": day} for day in ("2026-10-29", "2026-10-30", "2026-10-31")
    ]
    assert ask(box, query | early | {"orderBy": [{"field": "time_dimension", "direction": "asc"}]}) == []


def test_rows_come_in_the_order_asked_for_and_no_more_than_asked_for(box: Serving) -> None:
    query = {"view": "observations", "dimensions": [{"field": "name"}], "metrics": COUNT}
    usual = [row["count_count"] for row in ask(box, query)]
    assert usual == sorted(usual, reverse=True)
    names = [row["name"] for row in ask(box, query | {"orderBy": [{"field": "name", "direction": "asc"}]})]
    assert names == sorted(names)
    assert len(ask(box, query | {"config": {"row_limit": 2}})) == 2
    minutes = {"view": "observations", "metrics": COUNT, "timeDimension": {"granularity": "minute"}}
    assert len(ask(box, minutes)) == 100


def test_nothing_still_has_a_row_unless_there_are_groups(box: Serving) -> None:
    empty = {"fromTimestamp": "2020-01-01T00:00:00Z", "toTimestamp": "2020-01-02T00:00:00+02:00"}
    metrics = [*COUNT, *({"measure": "latency", "aggregation": each} for each in ("sum", "p95", "histogram"))]
    query = {"view": "observations", "metrics": metrics} | empty
    assert ask(box, query) == [{"count_count": 0, "sum_latency": None, "p95_latency": None, "histogram_latency": []}]
    assert ask(box, query | {"dimensions": [{"field": "name"}]}) == []


def test_a_histogram_has_as_many_bins_as_asked_for(box: Serving) -> None:
    metrics = [{"measure": "latency", "aggregation": "histogram"}]
    (row,) = ask(box, {"view": "observations", "metrics": metrics, "config": {"bins": 3}})
    bins = row["histogram_latency"]
    assert len(bins) <= 3
    latencies = [latency_ms(observation) for observation in INSIDE]
    assert (bins[0][0], bins[-1][1]) == (min(latencies), max(latencies))
    assert sum(count for _, _, count in bins) == len(latencies)


def test_the_client_asks_for_metrics(api: LangfuseAPI) -> None:
    answer = api.metrics.metrics(query=json.dumps(SPAN | {"view": "observations", "metrics": COUNT}))
    assert answer.data == [{"count_count": len(INSIDE)}]
