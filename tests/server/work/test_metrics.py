"""Metrics against a plain computation over the same rows, for every view, measure and aggregation."""

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.server.serving import Serving
from tests.server.work.metric_rows import (
    FROM,
    INSIDE,
    OBSERVATIONS,
    SCORES_INSIDE,
    SPAN,
    TO,
    ask,
    latency_ms,
    ns,
    store,
)

from certtrace.records.metrics.model import AGGREGATIONS
from certtrace.records.metrics.views import VIEWS_1, VIEWS_2
from certtrace.records.model import Observation


@pytest.fixture(scope="module", autouse=True)
def _stored(box: Serving) -> None:
    store(box)


QUANTILES = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def _part(details: Any, part: str) -> float:
    return sum(value for key, value in details.items() if part in key)


def _rate(amount: float, earlier_ns: int | None, later_ns: int) -> float | None:
    seconds = None if earlier_ns is None else later_ns // 10**9 - earlier_ns // 10**9
    return amount / seconds if seconds else None


def _since(earlier_ns: int | None, later_ns: int | None) -> int | None:
    return None if earlier_ns is None or later_ns is None else later_ns // 10**6 - earlier_ns // 10**6


OF_OBSERVATION: dict[str, Callable[[Observation], Any]] = {
    "count": lambda o: 1,
    "latency": latency_ms,
    "streamingLatency": lambda o: _since(o.completion_start_time_ns, o.end_time_ns),
    "timeToFirstToken": lambda o: _since(o.start_time_ns, o.completion_start_time_ns),
    "inputTokens": lambda o: _part(o.usage_details, "input"),
    "outputTokens": lambda o: _part(o.usage_details, "output"),
    "totalTokens": lambda o: o.usage_details.get("total", 0),
    "outputTokensPerSecond": lambda o: _rate(
        _part(o.usage_details, "output"), o.completion_start_time_ns, o.end_time_ns
    ),
    "tokensPerSecond": lambda o: _rate(o.usage_details.get("total", 0), o.start_time_ns, o.end_time_ns),
    "inputCost": lambda o: _part(o.cost_details, "input"),
    "outputCost": lambda o: _part(o.cost_details, "output"),
    "totalCost": lambda o: o.cost_details.get("total"),
    "traceId": lambda o: o.trace_id,
    "uniqueUserIds": lambda o: o.user_id,
    "uniqueSessionIds": lambda o: o.session_id,
}
TEXTS = ("traceId", "uniqueUserIds", "uniqueSessionIds")
NEVER_MISSING = (
    "count", "inputTokens", "outputTokens", "totalTokens", "inputCost", "outputCost",
)  # fmt: skip


def _aggregated(values: Iterable[Any], aggregation: str, *, zero: bool) -> Any:
    present = [value for value in values if value is not None]
    if aggregation == "count":
        return len(present)
    if aggregation == "uniq":
        return len(set(present))
    if aggregation == "histogram":
        return _histogram(present)
    if not present:
        return 0 if zero and aggregation in ("sum", "min", "max") else None
    if aggregation in QUANTILES:
        return _quantile(present, QUANTILES[aggregation])
    return {"sum": sum, "avg": statistics.fmean, "min": min, "max": max}[aggregation](present)


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    rank = share * (len(ordered) - 1)
    low, high = math.floor(rank), math.ceil(rank)
    return ordered[low] * (1 - (rank - low)) + ordered[high] * (rank - low)


def _histogram(values: Sequence[float]) -> int:
    return len(values)


def _same(found: Any, expected: Any, aggregation: str) -> None:
    if aggregation == "histogram":
        assert sum(count for _, _, count in found) == expected
        assert len(found) <= 10
        assert all(low <= high for low, high, _ in found)
    elif expected is None:
        assert found is None
    else:
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def _metrics(measure: str) -> list[dict[str, str]]:
    """Ask for every aggregation of a measure at once."""
    return [{"measure": measure, "aggregation": aggregation} for aggregation in AGGREGATIONS]


@pytest.mark.parametrize("measure", OF_OBSERVATION)
def test_a_measure_of_observations_is_what_the_rows_say(box: Serving, measure: str) -> None:
    groups = defaultdict(list)
    for observation in INSIDE:
        groups[observation.name, observation.environment].append(OF_OBSERVATION[measure](observation))
    dimensions = [{"field": "name"}, {"field": "environment"}]
    metrics = [each for each in _metrics(measure) if measure not in TEXTS or each["aggregation"] in ("count", "uniq")]
    query = {"view": "observations", "dimensions": dimensions, "metrics": metrics}
    found = {(row["name"], row["environment"]): row for row in ask(box, query)}
    assert found.keys() == groups.keys()
    for group, values in groups.items():
        for metric in metrics:
            aggregation = metric["aggregation"]
            expected = _aggregated(values, aggregation, zero=measure in NEVER_MISSING)
            _same(found[group][f"{aggregation}_{measure}"], expected, aggregation)
    if measure not in TEXTS:
        older = ask(box, query, "/api/public/metrics")
        assert {(row["name"], row["environment"]): row for row in older} == found


def test_scores_of_observations_are_counted(box: Serving) -> None:
    by_observation = defaultdict(int)
    for score in SCORES_INSIDE:
        by_observation[score.observation_id] += 1
    groups = defaultdict(list)
    for observation in INSIDE:
        if observation.id in by_observation:
            groups[observation.type].append(by_observation[observation.id])
    metrics = [*_metrics("countScores"), {"measure": "count", "aggregation": "count"}]
    rows = ask(box, {"view": "observations", "dimensions": [{"field": "type"}], "metrics": metrics})
    assert {row["type"] for row in rows} == groups.keys()
    for row in rows:
        for aggregation in AGGREGATIONS:
            expected = _aggregated(groups[row["type"]], aggregation, zero=True)
            _same(row[f"{aggregation}_countScores"], expected, aggregation)
        assert row["count_count"] == len(groups[row["type"]])


OF_SCORE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "scores-numeric": (("NUMERIC", "BOOLEAN"), ("count", "value")),
    "scores-boolean": (("BOOLEAN",), ("count", "value")),
    "scores-categorical": (("CATEGORICAL", "TEXT"), ("count",)),
}


@pytest.mark.parametrize("path", ["/api/public/v2/metrics", "/api/public/metrics"])
@pytest.mark.parametrize(
    ("view", "measure"), [(view, measure) for view, (_, measures) in OF_SCORE.items() for measure in measures]
)
def test_a_measure_of_scores_is_what_the_rows_say(box: Serving, path: str, view: str, measure: str) -> None:
    types = OF_SCORE[view][0]
    groups = defaultdict(list)
    for score in SCORES_INSIDE:
        if score.data_type in types:
            groups[score.name].append(1 if measure == "count" else score.value)
    rows = ask(box, {"view": view, "dimensions": [{"field": "name"}], "metrics": _metrics(measure)}, path)
    found = {row["name"]: row for row in rows}
    assert found.keys() == groups.keys()
    for group, values in groups.items():
        for aggregation in AGGREGATIONS:
            expected = _aggregated(values, aggregation, zero=True)
            _same(found[group][f"{aggregation}_{measure}"], expected, aggregation)


def _of_trace(measure: str) -> dict[str, Any]:
    """Return the measure of each trace, of those that a join leaves."""
    observed, scored = defaultdict(list), defaultdict(set)
    for observation in OBSERVATIONS:
        observed[observation.trace_id].append(observation)
    for score in SCORES_INSIDE:
        scored[score.trace_id].add(score.id)
    first = {trace_id: min(each.start_time_ns for each in all_of_it) for trace_id, all_of_it in observed.items()}
    observed = {
        trace_id: [each for each in all_of_it if each in INSIDE]
        for trace_id, all_of_it in observed.items()
        if ns(FROM) <= first[trace_id] <= ns(TO)
    }
    costs = {
        trace_id: [each.cost_details["total"] for each in all_of_it if each.cost_details]
        for trace_id, all_of_it in observed.items()
    }
    if measure == "scoresCount":
        return {trace_id: len(scored[trace_id]) for trace_id in observed if scored[trace_id]}
    computed: dict[str, Callable[[str, list[Observation]], Any]] = {
        "count": lambda t, o: 1,
        "observationsCount": lambda t, o: len(o),
        "uniqueUserIds": lambda t, o: int(any(each.user_id for each in o)),
        "uniqueSessionIds": lambda t, o: int(any(each.session_id for each in o)),
        "latency": lambda t, o: (
            max(each.end_time_ns for each in o) // 10**6 - min(each.start_time_ns for each in o) // 10**6
        ),
        "totalTokens": lambda t, o: sum(each.usage_details.get("total", 0) for each in o),
        "totalCost": lambda t, o: sum(costs[t]) if costs[t] else None,
    }
    return {trace_id: computed[measure](trace_id, all_of_it) for trace_id, all_of_it in observed.items()}


@pytest.mark.parametrize("measure", VIEWS_1["traces"].measures)
def test_a_measure_of_traces_is_what_the_rows_say(box: Serving, measure: str) -> None:
    (row,) = ask(box, {"view": "traces", "metrics": _metrics(measure)}, "/api/public/metrics")
    for aggregation in AGGREGATIONS:
        expected = _aggregated(_of_trace(measure).values(), aggregation, zero=measure != "totalCost")
        _same(row[f"{aggregation}_{measure}"], expected, aggregation)


def test_every_measure_of_every_view_was_computed() -> None:
    absent = {"toolDefinitions", "toolCalls"}
    by_type = {"costByType", "usageByType"}
    assert VIEWS_2["observations"].measures.keys() == OF_OBSERVATION.keys() | absent | by_type | {"countScores"}
    assert {name: tuple(VIEWS_2[name].measures) for name in OF_SCORE} == {
        name: measures for name, (_, measures) in OF_SCORE.items()
    }


def test_days_tell_usage_and_cost_by_model(box: Serving) -> None:
    answer = box.client().get("/api/public/metrics/daily", params=SPAN).json()
    first = {}
    for observation in INSIDE:
        known = first.setdefault(observation.trace_id, observation.start_time_ns)
        first[observation.trace_id] = min(known, observation.start_time_ns)

    def day(time_ns: int) -> str:
        return datetime.fromtimestamp(time_ns // 10**9, UTC).strftime("%Y-%m-%d")

    for entry in answer["data"]:
        mine = [each for each in INSIDE if day(each.start_time_ns) == entry["date"]]
        assert entry["countTraces"] == sum(day(start) == entry["date"] for start in first.values())
        assert entry["countObservations"] == len(mine)
        assert entry["totalCost"] == pytest.approx(sum(each.cost_details.get("total", 0) for each in mine))
        for usage in entry["usage"]:
            of_model = [each for each in mine if each.model == usage["model"]]
            assert usage["countObservations"] == len(of_model)
            assert usage["countTraces"] == len({each.trace_id for each in of_model})
            for name in ("input", "output", "total"):
                expected = sum(each.usage_details.get(name, 0) for each in of_model)
                assert usage[f"{name}Usage"] == expected
    dates = [entry["date"] for entry in answer["data"]]
    assert dates == sorted(dates, reverse=True)
    assert answer["meta"] == {"page": 1, "limit": 50, "totalItems": len(dates), "totalPages": 1}


def test_days_are_filtered_by_trace(box: Serving) -> None:
    def counted(**params: str) -> int:
        data = box.client().get("/api/public/metrics/daily", params=SPAN | params).json()["data"]
        return sum(entry["countTraces"] for entry in data)

    assert counted(tags="a") + counted(tags="none") <= counted()
    assert counted(userId="nobody") == 0
    assert counted(environment="prod") + counted(environment="test") == counted()
