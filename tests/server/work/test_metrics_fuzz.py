"""No question about metrics, however odd, is answered by a failure of the server."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.server.serving import Serving

from certtrace.records.metrics.model import AGGREGATIONS, GRANULARITIES
from certtrace.records.metrics.views import VIEWS_1, VIEWS_2
from certtrace.records.model import Observation, Score
from certtrace.records.store import StoreWriter

VIEWS = {**VIEWS_1, **VIEWS_2}
DIMENSIONS = sorted({name for views in (VIEWS_1, VIEWS_2) for view in views.values() for name in view.dimensions})
MEASURES = sorted({name for views in (VIEWS_1, VIEWS_2) for view in views.values() for name in view.measures})
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.lists(st.text(), max_size=2)
)
OPERATORS = {
    "datetime": (">", "<", ">=", "<="),
    "string": ("=", "contains", "does not contain", "starts with", "ends with", "matches"),
    "stringOptions": ("any of", "none of"),
    "categoryOptions": ("any of", "none of"),
    "arrayOptions": ("any of", "none of", "all of"),
    "number": ("=", ">", "<", ">=", "<="),
    "stringObject": ("=", "contains", "does not contain", "starts with", "ends with", "matches", "is set"),
    "numberObject": ("=", ">", "<", ">=", "<="),
    "boolean": ("=", "<>"),
    "null": ("is null", "is not null"),
    "positionInTrace": ("=",),
}
VALUES = {
    "datetime": st.sampled_from(["2026-11-01T00:00:00Z", "0001-01-01", "9999-12-31T23:59:59.999Z", "no"]),
    "number": st.floats(allow_nan=False) | st.integers(),
    "numberObject": st.floats(allow_nan=False) | st.integers(),
    "boolean": st.booleans(),
    "null": st.just(""),
    "string": st.text(max_size=5),
    "stringObject": st.text(max_size=5),
}


@st.composite
def _conditions(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(OPERATORS)))
    value = VALUES.get(kind, st.lists(st.text(max_size=4), max_size=3))
    return {
        "type": kind,
        "column": draw(st.sampled_from([*DIMENSIONS, "metadata", "start_time", "timestamp", "someName", ""])),
        "operator": draw(st.sampled_from(OPERATORS[kind])),
        "value": draw(st.one_of(value, value, value, ODD)),
        "key": draw(st.text(max_size=5)),
    }


QUERIES = st.fixed_dictionaries(
    {
        "view": st.sampled_from(sorted(VIEWS)),
        "metrics": st.lists(
            st.fixed_dictionaries({"measure": st.sampled_from(MEASURES), "aggregation": st.sampled_from(AGGREGATIONS)}),
            max_size=2,
        ),
        "fromTimestamp": st.sampled_from(["2026-10-01T00:00:00Z", "2026-11-20T12:00Z", "0001-01-01T00:00:00Z"]),
        "toTimestamp": st.sampled_from(["2026-11-23T00:00:00+05:30", "9999-12-31T23:59:59Z"]),
    },
    optional={
        "dimensions": st.lists(st.fixed_dictionaries({"field": st.sampled_from(DIMENSIONS)}), max_size=2),
        "filters": st.lists(_conditions(), max_size=2),
        "timeDimension": st.none() | st.fixed_dictionaries({"granularity": st.sampled_from(GRANULARITIES)}),
        "orderBy": st.lists(
            st.fixed_dictionaries(
                {
                    "field": st.sampled_from([*DIMENSIONS, "time_dimension", "count_count", "p95_latency"]),
                    "direction": st.sampled_from(["asc", "desc"]),
                }
            ),
            max_size=2,
        ),
        "config": st.fixed_dictionaries({}, optional={"row_limit": st.integers(1, 1000), "bins": st.integers(1, 100)}),
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(QUERIES)
def test_no_question_makes_the_server_fail(box: Serving, query: dict[str, Any]) -> None:
    _store(box)
    for path in ("/api/public/v2/metrics", "/api/public/metrics"):
        answer = box.client().get(path, params={"query": json.dumps(query)})
        assert answer.status_code in (200, 400, 501), answer.text
        if answer.status_code == 200:
            assert isinstance(answer.json()["data"], list)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["view", "metrics", "filters", "config", "orderBy", "dimensions"]), ODD))
def test_no_form_makes_the_server_fail(box: Serving, query: dict[str, Any]) -> None:
    whole = {"fromTimestamp": "2026-10-01T00:00:00Z", "toTimestamp": "2026-11-01T00:00:00Z"} | query
    answer = box.client().get("/api/public/v2/metrics", params={"query": json.dumps(whole)})
    assert answer.status_code in (200, 400)


def _store(box: Serving) -> None:
    """Have something to compute with, numbers near the ends of what there is among it."""
    if box.box.media_folder.with_name("stored").exists():
        return
    box.box.media_folder.with_name("stored").touch()
    extreme = {"input": 2.0**62, "output": 1e308, "total": 1e308}
    given = [
        Observation(
            id=f"{number:016x}",
            trace_id=f"{number % 3:032x}",
            start_time_ns=1_793_000_000_000_000_000 + number,
            end_time_ns=2**63 - 1 - number,
            usage_details=extreme,
            cost_details=extreme,
            tags=("a",) if number % 2 else (),
            metadata={"k": number, "deep": {"a": [1]}},
        )
        for number in range(9)
    ]
    scores = [
        Score(
            id=f"s{number}",
            name="n",
            value=1e308 if number % 2 else "good",
            data_type="NUMERIC" if number % 2 else "CATEGORICAL",
            timestamp_ns=1_793_000_000_000_000_000,
            trace_id=f"{number % 3:032x}",
            observation_id=f"{number:016x}",
        )
        for number in range(6)
    ]
    StoreWriter(box.box.store).write(box.project.id, given, scores)
