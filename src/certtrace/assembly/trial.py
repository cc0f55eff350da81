"""Apply a sampling policy to stored traces: what it would have kept and dropped, and what nobody can know."""

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from certtrace import semconv
from certtrace.ledger import Entry
from certtrace.ports import Decision, UnitFacts
from certtrace.records.facts import fact, service_of
from certtrace.records.model import Observation, Trace
from certtrace.sampling.deciding import Sampler
from certtrace.sampling.estimates import Estimate, Part, Tally
from certtrace.sampling.limits import Limits
from certtrace.sampling.model import SamplingPolicy
from certtrace.sampling.tracestate import randomness_of, threshold_of
from certtrace.sampling.verdict import NEVER, Deferred

MAX_EXAMPLES: Final = 3
_LAST_WINDOWS_SECONDS: Final = 60.0
_DAY_NS: Final = 86_400_000_000_000
_FIELDS: Final = {
    semconv.OBSERVATION_MODEL: "model",
    semconv.GEN_AI_REQUEST_MODEL: "model",
    semconv.OBSERVATION_COST_DETAILS: "cost_details",
    semconv.OBSERVATION_USAGE_DETAILS: "usage_details",
    semconv.OBSERVATION_LEVEL: "level",
    semconv.OBSERVATION_PROMPT_NAME: "prompt_name",
    semconv.USER_ID: "user_id",
    semconv.SESSION_ID: "session_id",
    semconv.TRACE_NAME: "trace_name",
    semconv.TRACE_TAGS: "tags",
    semconv.RELEASE: "release",
    semconv.VERSION: "version",
    semconv.ENVIRONMENT: "environment",
}
"""Attributes that a stored observation has as fields of its own."""


@dataclass(frozen=True, slots=True)
class StoredUnit:
    """One unit of a stored trace, as far as sampling is concerned."""

    trace_id: str
    facts: UnitFacts
    start_time_ns: int
    end_time_ns: int
    threshold: int | None
    """T it was kept with; None where it stands for nothing, or nothing was noted."""


@dataclass(slots=True)
class RuleTrial:
    """What one rule would have done."""

    kept: int = 0
    dropped: int = 0
    examples: list[str] = field(default_factory=list)
    """Ids of some of the traces."""


@dataclass(slots=True)
class Trial:
    """What a policy would have done with the units that are stored."""

    version: str
    traces: int = 0
    units: int = 0
    kept: int = 0
    spans: int = 0
    spans_kept: int = 0
    from_ns: int = 0
    to_ns: int = 0
    rules: dict[str, RuleTrial] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    """Units that were dropped before, by rule: nothing more is known of them."""
    uncounted: int = 0
    """Units that stand for no others: kept for context only, or without a note of their threshold."""
    all_units: Estimate = field(default_factory=lambda: Estimate(0.0))
    """Units there were, as far as stored ones stand for them."""
    all_kept: Estimate = field(default_factory=lambda: Estimate(0.0))
    """Units the policy would keep of those."""

    @property
    def days(self) -> float:
        """How long the stored units reach."""
        return (self.to_ns - self.from_ns) / _DAY_NS


def try_policy(policy: SamplingPolicy, traces: Iterable[Trace], decided: Iterable[Entry] = ()) -> Trial:
    """Return what a policy would have done with stored traces.

    Args:
        policy: The policy.
        traces: The traces.
        decided: What the ledger says of them and of what was dropped; it knows the local roots.
    """
    # In the order of their ends: that is how limits saw them, or would have seen them.
    units: list[tuple[int, int, StoredUnit]] = []
    trial = Trial(version=policy.version)
    roots: dict[str, set[str]] = {}
    for entry in decided:
        if entry.keep:
            roots.setdefault(entry.trace_id, set()).add(entry.root)
        else:
            trial.gone[entry.rule] = trial.gone.get(entry.rule, 0) + 1
    for trace in traces:
        trial.traces += 1
        for unit in units_of(trace, roots.get(trace.trace_id, ())):
            units.append((unit.end_time_ns, len(units), unit))
    heapq.heapify(units)
    samplers: dict[str, Sampler] = {}
    effective = policy.changed(dry_run=False)
    weighing = _Weighing()
    for unit, decision in _decided(_in_order(units), effective, samplers):
        _enter(trial, unit, decision)
        weighing.take(unit, decision)
    trial.uncounted = weighing.uncounted
    trial.all_units, trial.all_kept = weighing.result()
    trial.faults = {rule: number for sampler in samplers.values() for rule, number in sampler.faults.items()}
    return trial


def units_of(trace: Trace, roots: Collection[str] = ()) -> Iterator[StoredUnit]:
    """Yield the units of a trace: what is below each local root.

    Args:
        trace: The trace.
        roots: Ids of the local roots that are known; what has no parent in the same service is one too.
    """
    by_id = {each.id: each for each in trace.observations}
    members: dict[str, list[Observation]] = {}
    for each in trace.observations:
        members.setdefault(_local_root(each, by_id, roots).id, []).append(each)
    for root_id, found in members.items():
        yield _unit(trace.trace_id, by_id[root_id], found)


def _local_root(observation: Observation, by_id: Mapping[str, Observation], roots: Collection[str]) -> Observation:
    seen = {observation.id}
    service = service_of(observation)
    while observation.id not in roots:
        parent = by_id.get(observation.parent_observation_id or "")
        if parent is None or service_of(parent) != service:
            break
        if parent.id in seen:
            return by_id[min(seen)]  # a circle: the same for all in it
        seen.add(parent.id)
        observation = parent
    return observation


def _unit(trace_id: str, root: Observation, found: Sequence[Observation]) -> StoredUnit:
    # The root first, then the outermost: those that end last.
    spans = [root, *sorted((each for each in found if each is not root), key=lambda each: -each.end_time_ns)]
    outcomes = {fact(each, semconv.OUTCOME) for each in spans}
    confidences = [value for each in spans if isinstance(value := fact(each, semconv.CONFIDENCE), (int, float))]
    note = _note(root)
    threshold = note.get("th")
    facts = UnitFacts(
        service=service_of(root) or "unknown_service",
        route=root.name,
        randomness=_randomness(trace_id, note.get("rv")),
        duration_ns=root.end_time_ns - root.start_time_ns,
        span_count=len(spans),
        has_error=any(each.level == "ERROR" for each in spans),
        cancelled="cancelled" in outcomes,
        abandoned="abandoned" in outcomes,
        confidence=min(confidences, default=None),
        forced="keep" if "forced" in (note.get("rule"), _mapping(note.get("would")).get("rule")) else "",
        values=lambda key: (value for each in spans if (value := _value(each, key)) is not None),
        span_names=lambda: (each.name for each in spans),
    )
    kept_with = threshold_of(f"{semconv.TRACESTATE_KEY}=th:{threshold}") if isinstance(threshold, str) else None
    return StoredUnit(trace_id, facts, root.start_time_ns, root.end_time_ns, kept_with)


def _randomness(trace_id: str, noted: object) -> int:
    state = f"{semconv.TRACESTATE_KEY}=rv:{noted}" if isinstance(noted, str) else ""
    return randomness_of(int(trace_id, 16), state)


def _note(root: Observation) -> Mapping[str, Any]:
    return _mapping(fact(root, semconv.SAMPLING))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _value(observation: Observation, key: str) -> object:
    if key in _FIELDS:
        value = getattr(observation, _FIELDS[key])
        if value:
            return dict(value) if isinstance(value, Mapping) else value
    return fact(observation, key)


def _in_order(heap: list[tuple[int, int, StoredUnit]]) -> Iterator[StoredUnit]:
    while heap:
        yield heapq.heappop(heap)[2]


def _decided(
    units: Iterable[StoredUnit], policy: SamplingPolicy, samplers: dict[str, Sampler]
) -> Iterator[tuple[StoredUnit, Decision]]:
    limits: dict[str, Limits] = {}
    for unit in units:
        service, now = unit.facts.service, unit.end_time_ns / 1e9
        sampler = samplers.get(service) or samplers.setdefault(service, Sampler(policy, service=service))
        verdict = sampler.decide(unit.facts)
        if isinstance(verdict, Deferred):
            of_service = limits.setdefault(service, Limits())
            yield from _units(of_service.due(now))
            yield from _units(of_service.offer(unit, verdict, unit.facts.randomness, now))
        else:
            yield unit, verdict
    for of_service in limits.values():
        end = max((unit.end_time_ns for unit in _stored(of_service.pending_items())), default=0) / 1e9
        yield from _units(of_service.due(end + _LAST_WINDOWS_SECONDS))
        yield from _units(of_service.due(end + _LAST_WINDOWS_SECONDS, everything=True))


def _stored(items: Iterable[object]) -> Iterator[StoredUnit]:
    return (item for item in items if isinstance(item, StoredUnit))


def _units(decided: Iterable[tuple[object, Decision]]) -> Iterator[tuple[StoredUnit, Decision]]:
    return ((unit, decision) for unit, decision in decided if isinstance(unit, StoredUnit))


def _enter(trial: Trial, unit: StoredUnit, decision: Decision) -> None:
    rule = trial.rules.setdefault(decision.rule, RuleTrial())
    trial.units += 1
    trial.spans += unit.facts.span_count
    trial.from_ns = min(trial.from_ns or unit.start_time_ns, unit.start_time_ns)
    trial.to_ns = max(trial.to_ns, unit.end_time_ns)
    if decision.keep:
        trial.kept += 1
        trial.spans_kept += unit.facts.span_count
        rule.kept += 1
    else:
        rule.dropped += 1
    if len(rule.examples) < MAX_EXAMPLES and unit.trace_id not in rule.examples:
        rule.examples.append(unit.trace_id)


class _Weighing:
    """What the stored units say about all there were: a trace's units are kept together, so they are added together."""

    def __init__(self) -> None:
        self.uncounted = 0
        self._certain = 0
        self._all: dict[str, list[Part]] = {}
        self._more: dict[str, list[Part]] = {}

    def take(self, unit: StoredUnit, decision: Decision) -> None:
        before = unit.threshold
        if before is None:
            self.uncounted += 1
            return
        self._all.setdefault(unit.trace_id, []).append(Part(before))
        if not decision.keep:
            return
        if decision.threshold >= before:
            self._certain += 1  # all that this policy keeps of such units was kept before: they are all here
        else:
            share = 1.0 - decision.threshold / NEVER
            self._more.setdefault(unit.trace_id, []).append(Part(before, share))

    def result(self) -> tuple[Estimate, Estimate]:
        """Return how many units there were, and how many of them the policy keeps."""
        everything, more = Tally(), Tally()
        for parts in self._all.values():
            everything.add_trace(parts)
        for parts in self._more.values():
            more.add_trace(parts)
        further = more.total()
        return everything.count(), replace(further, value=further.value + self._certain)
