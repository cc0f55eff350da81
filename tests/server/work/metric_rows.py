"""Rows to compute metrics over, and how to ask for them."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.server.serving import Serving

from certtrace.records.model import Observation, Score
from certtrace.records.store import StoreWriter

FROM, TO = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 4, tzinfo=UTC)
SPAN = {"fromTimestamp": "2026-11-01T00:00:00.000Z", "toTimestamp": "2026-11-04T00:00:00.000Z"}


def ns(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 1000


def _made() -> tuple[list[Observation], list[Score]]:
    chance = random.Random(20261123)
    observations, scores = [], []
    for number in range(24):
        trace_id = f"{number:032x}"
        start = ns(FROM) + chance.randrange(0, 3 * 86_400) * 1_000_000_000
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
    outside = Observation(id="ff" * 8, trace_id="ff" * 16, start_time_ns=ns(TO) + 10**15, end_time_ns=ns(TO) + 10**15)
    return [*observations, outside], scores


OBSERVATIONS, SCORES = _made()
INSIDE = [each for each in OBSERVATIONS if ns(FROM) <= each.start_time_ns <= ns(TO)]
SCORES_INSIDE = [each for each in SCORES if ns(FROM) <= each.timestamp_ns <= ns(TO)]


def store(box: Serving) -> None:
    StoreWriter(box.box.store).write(box.project.id, OBSERVATIONS, SCORES)


def ask(box: Serving, query: dict[str, Any], path: str = "/api/public/v2/metrics") -> list[dict[str, Any]]:
    answer = box.client().get(path, params={"query": json.dumps(SPAN | query)})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def refused(box: Serving, query: dict[str, Any], path: str = "/api/public/v2/metrics") -> dict[str, Any]:
    answer = box.client().get(path, params={"query": json.dumps(SPAN | query)})
    assert answer.status_code == 400
    body: dict[str, Any] = answer.json()
    return body


HIGH = {"orderBy": [{"field": "count_count", "direction": "desc"}], "config": {"row_limit": 1000}}
COUNT = [{"measure": "count", "aggregation": "count"}]


def condition(column: str, kind: str, operator: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"column": column, "type": kind, "operator": operator, "value": value} | more


def latency_ms(observation: Observation) -> int:
    return observation.end_time_ns // 10**6 - observation.start_time_ns // 10**6
