"""Synthetic units: as certtrace's sampler sees them, and as they stand on the wire."""

import random
from dataclasses import dataclass, field
from typing import Any

import orjson

from certtrace import semconv
from certtrace.delivery.otlp import encode_unit
from certtrace.ports import Decision, ScopeRecord, SpanRecord, Structured, UnitFacts
from certtrace.sampling.deciding import Sampler

SECOND = 1_000_000_000
START = 1_800_000_000 * SECOND


@dataclass
class Unit:
    """A local root and one span below it."""

    service: str = "grader"
    route: str = "answer.grade"
    child: str = "gateway.chat"
    seconds: float = 1.0
    error: bool = False
    outcome: str = ""
    forced: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    """Of the span below, where it is certtrace's own."""
    foreign: dict[str, Any] = field(default_factory=dict)
    """Of another library's span."""
    is_root: bool = True

    def facts(self, trace_id: int) -> UnitFacts:
        values = [self.attributes, self.foreign]
        confidence = self.attributes.get(semconv.CONFIDENCE)
        return UnitFacts(
            service=self.service,
            route=self.route,
            randomness=trace_id & (2**56 - 1),
            duration_ns=int(self.seconds * SECOND),
            span_count=3,
            has_error=self.error,
            cancelled=self.outcome == "cancelled",
            abandoned=self.outcome == "abandoned",
            confidence=confidence,
            forced=self.forced,
            values=lambda key: [each[key] for each in values if key in each],
            span_names=lambda: [self.route, self.child, "POST"],
        )

    def on_the_wire(self, trace_id: int, decision: Decision, number: int = 0) -> bytes:
        """Return the unit as certtrace sends it."""
        root_id, end = 16 * (number + 1), START + int(self.seconds * SECOND)
        below = dict(self.attributes)
        if self.outcome:
            below[semconv.OUTCOME] = self.outcome
        spans = [
            _span(trace_id, root_id, self.route, START, end, {}, 0 if self.is_root else 1),
            _span(trace_id, root_id + 1, self.child, START, end, below, root_id, 2 if self.error else 0),
            _span(trace_id, root_id + 2, "POST", START, START + 1, self.foreign, root_id, scope="httpx"),
        ]
        for span in spans:
            own = span.scope.name == semconv.SCOPE_NAME
            span.attributes[semconv.SAMPLING if own else semconv.metadata(semconv.SAMPLING)] = stamp(decision)
        return encode_unit(spans, {semconv.SERVICE_NAME: self.service})


def _span(trace_id, span_id, name, start, end, attributes, parent, status=0, scope=semconv.SCOPE_NAME):
    plain = {
        key: orjson.dumps(value.value).decode() if isinstance(value, Structured) else value
        for key, value in attributes.items()
    }
    return SpanRecord(trace_id, span_id, parent, name, 1, start, end, status, "", plain, scope=ScopeRecord(scope))


def stamp(decision: Decision) -> str:
    """Return the stamp of a dry run."""
    told: dict[str, Any] = {"rule": decision.rule, "th": "0"}
    if decision.would is not None:
        told["would"] = {"keep": decision.would.keep, "rule": decision.would.rule, "th": "0"}
    return orjson.dumps(told).decode()


def decided(sampler: Sampler, unit: Unit, trace_id: int) -> Decision:
    """Return what a sampler in a dry run says; its policy has no limits."""
    decision = sampler.decide(unit.facts(trace_id))
    assert isinstance(decision, Decision)
    assert decision.would is not None
    return decision


def random_unit(chance: random.Random) -> Unit:
    """Return a unit in which every rule of the tests may find something."""
    attributes: dict[str, Any] = {}

    def maybe(key: str, value: Any, share: float = 0.3) -> None:
        if chance.random() < share:
            attributes[key] = value

    maybe(semconv.CONFIDENCE, round(chance.random(), 2))
    maybe(semconv.AGGREGATE_SPREAD, round(chance.random() * 3, 1))
    maybe(semconv.REVIEW_DECISION, chance.choice(["override", "confirm"]))
    maybe(semconv.GRADE, chance.randint(0, 10))
    attributes[semconv.GRADE_MAX] = 10
    maybe(semconv.COST_USD, round(chance.random(), 3))
    maybe("tenant", chance.choice(["acme", 'Zürich "AG"', "other"]), 0.8)
    maybe("attempt", chance.randint(0, 3))
    maybe("share", chance.random())
    maybe("replayed", chance.random() < 0.5)
    maybe(semconv.USER_ID, chance.choice(["u1", "u2"]))
    return Unit(
        service=chance.choice(["grader", "gateway", "ocr-worker"]),
        route=chance.choice(["answer.grade", "GET /health", "case_study.grade", "review [x]"]),
        child=chance.choice(["gateway.chat", "parse", "cache.look"]),
        seconds=chance.choice([0.1, 3.0, 25.0]),
        error=chance.random() < 0.1,
        outcome=chance.choice(["", "", "", "", "cancelled", "abandoned"]),
        forced=chance.choice([""] * 20 + ["keep", "drop"]),
        attributes=attributes,
        foreign={"http.response.status_code": chance.choice([200, 200, 503])},
    )
