"""Metrics against a plain computation over the same rows, for every view, measure and aggregation."""

import json
import math
import random
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langfuse.api import LangfuseAPI
from tests.server.serving import Serving

from certtrace.records.metrics import running
from certtrace.records.metrics.model import AGGREGATIONS
from certtrace.records.metrics.views import VIEWS_1, VIEWS_2
from certtrace.records.model import Observation, Score
from certtrace.records.store import StoreWriter
from certtrace.server.access import Role

FROM, TO = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 4, tzinfo=UTC)
SPAN = {"fromTimestamp": "2026-11-01T00:00:00.000Z", "toTimestamp": "2026-11-04T00:00:00.000Z"}
QUANTILES = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def _ns(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 1000


def _made() -> tuple[list[Observation], list[Score]]:
    chance = random.Random(20261123)
    observations, scores = [], []
    for number in range(24):
        trace_id = f"{number:032x}"
        start = _ns(FROM) + chance.randrange(0, 3 * 86_400) * 1_000_000_000
        for place in range(chance.randrange(1, 6)):
            begin = start + chance.randrange(0, 60_000) * 1_000_000
            end = begin + chance.randrange(0, 9_000) * 1_000_000
            usage = {"input": chance.randrange(100), "output": chance.randrange(50)} if chance.random() < 0.7 else {}
            usage |= {"total": sum(usage.values())} if usage else {}
            cost = {"input": 0.5, "output": chance.random()} if chance.random() < 0.5 else {}
            cost |= {"total": sum(cost.values())} if cost else {}
            observations.append(
                Observation(
                    id=f"{number:08x}{place:08x}",
                    trace_id=trace_id,
                    parent_observation_id=None if place == 0 else f"{number:08x}{0:08x}",
                    name=chance.choice(["grade", "retrieve", "call"]),
                    type=chance.choice(["SPAN", "GENERATION"]),
                    start_time_ns=begin,
                    end_time_ns=end,
                    level=chance.choice(["DEFAULT", "ERROR"]),
                    environment=chance.choice(["prod", "test"]),
                    user_id=chance.choice([None, "u-1", "u-2"]),
                    session_id=chance.choice([None, "s-1"]),
                    release=chance.choice([None, "r1"]),
                    model=chance.choice([None, "gpt", "claude"]),
                    tags=tuple(chance.sample(["a", "b", "c"], chance.randrange(3))),
                    completion_start_time_ns=begin + (end - begin) // 2 if chance.random() < 0.5 else None,
                    usage_details=usage,
                    cost_details=cost,
                    metadata={"room": chance.choice(["x", "y"]), "deep": {"n": 1}},
                )
            )
            for index in range(chance.randrange(3)):
                kind = chance.choice(["NUMERIC", "BOOLEAN", "CATEGORICAL", "TEXT"])
                value: float | str = {
                    "NUMERIC": round(chance.random() * 10, 3), "BOOLEAN": float(chance.randrange(2)),
                }.get(kind, chance.choice(["good", "bad"]))  # fmt: skip
                scores.append(
                    Score(
                        id=f"sc-{number}-{place}-{index}",
                        name=chance.choice(["quality", "tone"]),
                        value=value,
                        data_type=kind,
                        timestamp_ns=begin,
                        trace_id=trace_id,
                        observation_id=observations[-1].id,
                    )
                )
    outside = Observation(id="ff" * 8, trace_id="ff" * 16, start_time_ns=_ns(TO) + 10**15, end_time_ns=_ns(TO) + 10**15)
    return [*observations, outside], scores


OBSERVATIONS, SCORES = _made()
INSIDE = [each for each in OBSERVATIONS if _ns(FROM) <= each.start_time_ns <= _ns(TO)]
SCORES_INSIDE = [each for each in SCORES if _ns(FROM) <= each.timestamp_ns <= _ns(TO)]


@pytest.fixture(scope="module", autouse=True)
def _stored(box: Serving) -> None:
    StoreWriter(box.box.store).write(box.project.id, OBSERVATIONS, SCORES)


def _ask(box: Serving, query: dict[str, Any], path: str = "/api/public/v2/metrics") -> list[dict[str, Any]]:
    answer = box.client().get(path, params={"query": json.dumps(SPAN | query)})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def _refused(box: Serving, query: dict[str, Any], path: str = "/api/public/v2/metrics") -> dict[str, Any]:
    answer = box.client().get(path, params={"query": json.dumps(SPAN | query)})
    assert answer.status_code == 400
    body: dict[str, Any] = answer.json()
    return body


# What the numbers have to be.


def _ms(observation: Observation) -> int:
    return observation.end_time_ns // 10**6 - observation.start_time_ns // 10**6


def _part(details: Any, part: str) -> float:
    return sum(value for key, value in details.items() if part in key)


def _rate(amount: float, earlier_ns: int | None, later_ns: int) -> float | None:
    seconds = None if earlier_ns is None else later_ns // 10**9 - earlier_ns // 10**9
    return amount / seconds if seconds else None


def _since(earlier_ns: int | None, later_ns: int | None) -> int | None:
    return None if earlier_ns is None or later_ns is None else later_ns // 10**6 - earlier_ns // 10**6


OF_OBSERVATION: dict[str, Callable[[Observation], Any]] = {
    "count": lambda o: 1,
    "latency": _ms,
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
    found = {(row["name"], row["environment"]): row for row in _ask(box, query)}
    assert found.keys() == groups.keys()
    for group, values in groups.items():
        for metric in metrics:
            aggregation = metric["aggregation"]
            expected = _aggregated(values, aggregation, zero=measure in NEVER_MISSING)
            _same(found[group][f"{aggregation}_{measure}"], expected, aggregation)
    if measure not in TEXTS:
        older = _ask(box, query, "/api/public/metrics")
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
    rows = _ask(box, {"view": "observations", "dimensions": [{"field": "type"}], "metrics": metrics})
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
    rows = _ask(box, {"view": view, "dimensions": [{"field": "name"}], "metrics": _metrics(measure)}, path)
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
        if _ns(FROM) <= first[trace_id] <= _ns(TO)
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
    (row,) = _ask(box, {"view": "traces", "metrics": _metrics(measure)}, "/api/public/metrics")
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


# Dimensions.

HIGH = {"orderBy": [{"field": "count_count", "direction": "desc"}], "config": {"row_limit": 1000}}
COUNT = [{"measure": "count", "aggregation": "count"}]


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
    assert {json.dumps(row[dimension]): row["count_count"] for row in _ask(box, query)} == expected


def test_costs_and_usage_are_taken_apart_by_kind(box: Serving) -> None:
    for measure, dimension, details in (
        ("costByType", "costType", lambda o: o.cost_details),
        ("usageByType", "usageType", lambda o: o.usage_details),
    ):
        expected = defaultdict(float)
        for observation in INSIDE:
            for kind, value in details(observation).items():
                expected[kind] += value
        rows = _ask(box, {"view": "observations", "metrics": [{"measure": measure, "aggregation": "sum"}]})
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
        assert {row["observationName"]: row["count_count"] for row in _ask(box, query, path)} == expected


@pytest.mark.parametrize("path", ["/api/public/v2/metrics", "/api/public/metrics"])
def test_every_dimension_can_be_asked_for(box: Serving, path: str) -> None:
    views = VIEWS_2 if "v2" in path else VIEWS_1
    for name, view in views.items():
        for dimension, declared in view.dimensions.items():
            query = {"view": name, "dimensions": [{"field": dimension}], "metrics": COUNT} | HIGH
            answer = box.client().get(path, params={"query": json.dumps(SPAN | query)})
            assert answer.status_code == (200 if declared.is_kept else 501), (name, dimension, answer.text)


# Filters.


def _filter(column: str, kind: str, operator: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"column": column, "type": kind, "operator": operator, "value": value} | more


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (_filter("name", "string", "=", "grade"), lambda o: o.name == "grade"),
        (_filter("name", "string", "contains", "ra"), lambda o: "ra" in o.name),
        (_filter("name", "string", "does not contain", "ra"), lambda o: "ra" not in o.name),
        (_filter("name", "string", "starts with", "re"), lambda o: o.name.startswith("re")),
        (_filter("name", "string", "ends with", "l"), lambda o: o.name.endswith("l")),
        (_filter("name", "stringOptions", "any of", ["call", "grade"]), lambda o: o.name in ("call", "grade")),
        (_filter("name", "stringOptions", "none of", ["call"]), lambda o: o.name != "call"),
        (_filter("userId", "stringOptions", "none of", ["u-1"]), lambda o: o.user_id == "u-2"),
        (_filter("userId", "string", "does not contain", "1"), lambda o: o.user_id == "u-2"),
        (_filter("userId", "string", "=", ""), lambda o: o.user_id is None),
        (_filter("userId", "null", "is null", ""), lambda o: o.user_id is None),
        (_filter("userId", "null", "is not null", ""), lambda o: o.user_id is not None),
        (_filter("isRootObservation", "boolean", "=", True), lambda o: o.parent_observation_id is None),
        (_filter("isRootObservation", "boolean", "<>", True), lambda o: o.parent_observation_id is not None),
        (_filter("tags", "arrayOptions", "any of", ["a", "b"]), lambda o: bool({"a", "b"} & set(o.tags))),
        (_filter("tags", "arrayOptions", "all of", ["a", "b"]), lambda o: {"a", "b"} <= set(o.tags)),
        (_filter("tags", "arrayOptions", "none of", ["a"]), lambda o: "a" not in o.tags),
        (_filter("metadata", "stringObject", "=", "x", key="room"), lambda o: o.metadata["room"] == "x"),
        (_filter("metadata", "stringObject", "contains", "x", key="none"), lambda o: False),
        (
            _filter("start_time", "datetime", ">=", "2026-11-02T00:00:00Z"),
            lambda o: o.start_time_ns >= _ns(FROM) + 86_400 * 10**9,
        ),
        (
            _filter("start_time", "datetime", "<", "2026-11-02T00:00:00Z"),
            lambda o: o.start_time_ns < _ns(FROM) + 86_400 * 10**9,
        ),
    ],
)
def test_a_filter_keeps_what_it_says(
    box: Serving, condition: dict[str, Any], holds: Callable[[Observation], bool]
) -> None:
    (row,) = _ask(box, {"view": "observations", "metrics": COUNT, "filters": [condition]})
    assert row == {"count_count": sum(map(holds, INSIDE))}


def test_numbers_and_truth_of_scores_are_filtered(box: Serving) -> None:
    numeric = [each for each in SCORES_INSIDE if each.data_type in ("NUMERIC", "BOOLEAN")]
    above = _filter("value", "number", ">", 0.5)
    (row,) = _ask(box, {"view": "scores-numeric", "metrics": COUNT, "filters": [above]})
    assert row["count_count"] == sum(each.value > 0.5 for each in numeric)  # type: ignore[operator]  # they are numbers
    true = _filter("booleanValue", "boolean", "=", True)
    (row,) = _ask(box, {"view": "scores-boolean", "metrics": COUNT, "filters": [true]})
    assert row["count_count"] == sum(each.value for each in numeric if each.data_type == "BOOLEAN")
    by_name = _filter("scoreName", "string", "=", "quality")
    (row,) = _ask(box, {"view": "scores-numeric", "metrics": COUNT, "filters": [by_name]})
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
    rows = _ask(box, query | {"config": {"row_limit": 1000}}, "/api/public/metrics")
    times = [row["time_dimension"] for row in rows]
    assert times == sorted(times)
    found = {row["time_dimension"]: row["count_count"] for row in rows if row["count_count"]}
    assert found == {time: count for time, count in expected.items() if time in found}
    if granularity != "minute":
        assert found == expected


def test_a_week_begins_on_monday(box: Serving) -> None:
    query = {"view": "observations", "metrics": COUNT, "timeDimension": {"granularity": "week"}}
    before = sum(each.start_time_ns < _ns(datetime(2026, 11, 2, tzinfo=UTC)) for each in INSIDE)
    found = [(row["time_dimension"], row["count_count"]) for row in _ask(box, query)]
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
    assert _ask(box, query | early) == [
        nothing | {"time_dimension": day} for day in ("2026-10-29", "2026-10-30", "2026-10-31")
    ]
    assert _ask(box, query | early | {"orderBy": [{"field": "time_dimension", "direction": "asc"}]}) == []


def test_rows_come_in_the_order_asked_for_and_no_more_than_asked_for(box: Serving) -> None:
    query = {"view": "observations", "dimensions": [{"field": "name"}], "metrics": COUNT}
    usual = [row["count_count"] for row in _ask(box, query)]
    assert usual == sorted(usual, reverse=True)
    names = [row["name"] for row in _ask(box, query | {"orderBy": [{"field": "name", "direction": "asc"}]})]
    assert names == sorted(names)
    assert len(_ask(box, query | {"config": {"row_limit": 2}})) == 2
    minutes = {"view": "observations", "metrics": COUNT, "timeDimension": {"granularity": "minute"}}
    assert len(_ask(box, minutes)) == 100


def test_nothing_still_has_a_row_unless_there_are_groups(box: Serving) -> None:
    empty = {"fromTimestamp": "2020-01-01T00:00:00Z", "toTimestamp": "2020-01-02T00:00:00+02:00"}
    metrics = [*COUNT, *({"measure": "latency", "aggregation": each} for each in ("sum", "p95", "histogram"))]
    query = {"view": "observations", "metrics": metrics} | empty
    assert _ask(box, query) == [{"count_count": 0, "sum_latency": None, "p95_latency": None, "histogram_latency": []}]
    assert _ask(box, query | {"dimensions": [{"field": "name"}]}) == []


def test_a_histogram_has_as_many_bins_as_asked_for(box: Serving) -> None:
    metrics = [{"measure": "latency", "aggregation": "histogram"}]
    (row,) = _ask(box, {"view": "observations", "metrics": metrics, "config": {"bins": 3}})
    bins = row["histogram_latency"]
    assert len(bins) <= 3
    latencies = [_ms(observation) for observation in INSIDE]
    assert (bins[0][0], bins[-1][1]) == (min(latencies), max(latencies))
    assert sum(count for _, _, count in bins) == len(latencies)


def test_the_client_asks_for_metrics(api: LangfuseAPI) -> None:
    answer = api.metrics.metrics(query=json.dumps(SPAN | {"view": "observations", "metrics": COUNT}))
    assert answer.data == [{"count_count": len(INSIDE)}]


# What cannot be asked.


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"dimensions": [{"field": "none"}]}, "Invalid dimension none. Must be one of id,traceId,"),
        ({"metrics": [{"measure": "none", "aggregation": "count"}]}, "Invalid metric none. Must be one of count,"),
        (
            {"metrics": [{"measure": "traceId", "aggregation": "sum"}]},
            'Aggregation "sum" is not valid for measure "traceId" (type: string). Valid aggregations: count, uniq',
        ),
        ({"filters": [_filter("none", "string", "=", "x")]}, "Invalid filter column none. Must be one of id,"),
        (
            {"filters": [_filter("tags", "string", "contains", "x")]},
            "Invalid filter for field 'tags': Array fields require type 'arrayOptions', not 'string'.",
        ),
        (
            {"filters": [_filter("metadata", "string", "contains", "x")]},
            "Invalid filter for field 'metadata': Metadata filters require type 'stringObject' with a 'key' property",
        ),
        ({"filters": [_filter("type", "number", ">", 1)]}, "Invalid filter type 'number' for column 'type'."),
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
        ({"filters": [_filter("costType", "string", "=", "input")]}, "Invalid filter column costType"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_by_name(box: Serving, query: dict[str, Any], message: str) -> None:
    body = _refused(box, {"view": "observations", "metrics": COUNT} | query)
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
        {"filters": [_filter("name", "string", "like", "x")]},
        {"filters": [_filter("name", "string", "=", 5)]},
        {"filters": "all"},
    ],
)
def test_a_query_of_the_wrong_form_is_refused(box: Serving, query: dict[str, Any]) -> None:
    body = _refused(box, {"view": "observations", "metrics": COUNT} | query)
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
        {"filters": [_filter("value", "number", "=", 2**63)], "view": "scores-numeric"},
        {"filters": [_filter("value", "number", "=", 1e308)], "view": "scores-numeric"},
        {"filters": [_filter("name", "string", "=", "a\0b")]},
        {"filters": [_filter("name", "stringOptions", "any of", ["\0", "'", '"'] * 500)]},
        {"filters": [_filter("metadata", "stringObject", "=", "x", key='a"].b')]},
        {"filters": [_filter("start_time", "datetime", ">", "9999-12-31T23:59:59Z")]},
        {"filters": [_filter("tags", "null", "is null", "")]},
        {"dimensions": [{"field": "name"}] * 50, "metrics": COUNT * 50},
        {"metrics": []},
        {"metrics": [], "dimensions": [{"field": "name"}]},
    ],
)
def test_odd_questions_have_answers(box: Serving, hostile: dict[str, Any]) -> None:
    for granularity in (None, "month", "week"):
        series = {"timeDimension": None if granularity is None else {"granularity": granularity}}
        query = {"view": "observations", "metrics": COUNT} | series | hostile
        assert _ask(box, query) is not None
        answer = box.client().get("/api/public/metrics", params={"query": json.dumps(SPAN | query)})
        assert answer.status_code in (200, 400)


def test_a_series_without_end_is_refused(box: Serving) -> None:
    forever = {"fromTimestamp": "1970-01-01T00:00:00Z", "toTimestamp": "2026-01-01T00:00:00Z"}
    query = {"view": "traces", "metrics": COUNT, "timeDimension": {"granularity": "minute"}} | forever
    assert "more than 50000 rows" in _refused(box, query, "/api/public/metrics")["message"]


def test_an_answer_without_end_is_refused(box: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_MOST_ROWS", 5)
    query = {"view": "observations", "dimensions": [{"field": "id"}], "metrics": COUNT}
    assert _refused(box, query, "/api/public/metrics")["message"].startswith("The answer has more than 5 rows.")


# The daily metrics.


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
