"""Synthetic traces through the real `Sampler` and `Limits`: what is estimated from the kept ones, beside the truth.

A trace crosses one to three services, each a process with a sampler, limits and an account of its own; they share the
trace's randomness, and each tells the next what the stock headers tell: whether it is sampled, and with which T.
"""

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as changed
from typing import Any, Final

import numpy as np

from certtrace.ports import Decision, UnitFacts
from certtrace.sampling import NEVER, Account, Deferred, Sampler
from certtrace.sampling.estimates import Estimate, Part, Tally
from certtrace.sampling.limits import Limits
from certtrace.sampling.model import SamplingPolicy

SERVICES: Final = ("capture", "grading", "review")
ROUTES: Final = ("answer.grade", "case.review", "answer.redeliver", "healthz")
TENANTS: Final = 12
START: Final = 20_000 * 86_400.0
_LOOK_SECONDS: Final = 0.5
_STRESS: Final = round(0.5 * NEVER)

_ERROR, _SLOW, _UNSURE = 0.02, 8.0, 0.6


@dataclass(frozen=True)
class Mix:
    """One mix of rules, in one or several processes."""

    name: str
    policies: Sequence[Mapping[str, Any]]
    """For each service in turn; the last stands for those behind it."""
    per_second: float = 50.0
    """Traces that arrive."""
    services: int = 1
    """Most services that a trace crosses."""
    forces_keep: bool = False
    """A unit with an error makes the units behind it kept: a keep mark travels forward."""
    promotes: bool = False
    """What one process keeps for an error, others promote from their recorder, for context: lossy and without T."""
    stressed: bool = False
    """Every second minute baseline units are thinned further."""


class Units:
    """Synthetic units, trace by trace in the order of their arrival."""

    def __init__(self, traces: int, mix: Mix, seed: int) -> None:
        """Draw them."""
        rng = np.random.default_rng([seed, traces])
        length = rng.integers(1, mix.services, traces, endpoint=True)
        self.trace = np.repeat(np.arange(traces), length)
        first = np.repeat(np.cumsum(length) - length, length)
        n = len(self.trace)
        self.service = np.arange(n) - first
        self.randomness = rng.integers(0, NEVER, traces, dtype=np.int64)[self.trace]
        self.at = START + np.sort(rng.uniform(0.0, traces / mix.per_second, traces))[self.trace]
        popular = 1.0 / np.arange(1, TENANTS + 1)
        self.tenant = rng.choice(TENANTS, n, p=popular / popular.sum())
        self.route = rng.choice(len(ROUTES), n, p=(0.6, 0.25, 0.05, 0.1))
        self.error = rng.random(n) < _ERROR * (1 + self.tenant / 4)
        self.cancelled = rng.random(n) < 0.003
        self.seconds = rng.lognormal(0.5 + self.tenant / 20, 1.0, n)
        self.confidence = np.where(rng.random(n) < 0.7, rng.beta(6, 2, n), np.nan)
        self.cost = rng.gamma(2.0, 0.01, n) * (1 + self.seconds / 10)
        self.promoted = rng.random(n) < 0.8  # the recorder of the other process still has it
        # marks of the trace that are known before the unit is decided
        before = np.zeros(n, dtype=bool)
        before[1:] = (self.trace[1:] == self.trace[:-1]) & self.error[:-1]
        self.forced = before & mix.forces_keep

    def __len__(self) -> int:
        """Return how many units there are."""
        return len(self.trace)


@dataclass
class Outcome:
    """What became of the units, and what is estimated from the kept ones."""

    estimates: dict[str, tuple[Estimate, float]]
    """With the truth, by name."""
    decisions: list[Decision]
    counts: dict[str, tuple[int, int]]
    """What the accounts counted, with the truth, by name."""
    certain: frozenset[str] = frozenset()
    """Questions about units that are all kept with certainty."""
    context: int = 0
    most_pending: int = 0

    def z_scores(self) -> dict[str, float]:
        """Return by name how many standard errors each estimate is off; an exact one has to be right.

        Where the estimate itself says that it is rough, or what was seen was all certain and more was not seen, there
        is no such distance.
        """
        scores = {}
        for name, (estimate, truth) in self.estimates.items():
            off = estimate.against(truth)
            if off.standard_errors is not None and not estimate.is_rough:
                scores[name] = off.standard_errors
            elif off.standard_errors is None and name in self.certain:
                assert math.isclose(estimate.value, truth, rel_tol=1e-9), name
        return scores


class _Process:
    """One service: its sampler, its limits, its account."""

    def __init__(self, service: str, policy: SamplingPolicy) -> None:
        self.sampler = Sampler(policy, service=service)
        self.limits = Limits()
        self.lock = threading.Lock()
        self.account = Account(self.lock, service)

    def count(self, decision: Decision) -> None:
        if decision.keep:
            with self.lock:
                self.account.count_kept(decision.rule)
        else:
            self.account.dropped(decision.rule)


def run(mix: Mix, traces: int, seed: int) -> Outcome:
    """Send the units of so many traces through the mix."""
    units = Units(traces, mix, seed)
    policies = [SamplingPolicy.model_validate(each) for each in mix.policies]
    processes = [_Process(service, policies[min(number, len(policies) - 1)]) for number, service in enumerate(SERVICES)]
    decisions: list[Decision | None] = [None] * len(units)
    look, most = START, 0

    def note(process: _Process, results: Sequence[tuple[Any, Decision]]) -> None:
        for index, decision in results:
            assert decisions[index] is None, "decided twice"
            settled = process.sampler.settled(decision)
            decisions[index] = settled
            process.count(settled)

    for index, facts, at in _facts(units, mix, processes):
        while look + _LOOK_SECONDS <= at:
            look = at if at - look > 60 else look + _LOOK_SECONDS
            for process in processes:
                note(process, process.limits.due(look))
        process = processes[units.service[index]]
        verdict = process.sampler.decide(facts)
        if mix.stressed and int(at / 60) % 2 and isinstance(verdict, Decision):
            verdict = process.sampler.stressed(facts, verdict, _STRESS)
        if isinstance(verdict, Deferred):
            note(process, process.limits.offer(index, verdict, facts.randomness, at))
            most = max(most, process.limits.pending)
        else:
            note(process, [(index, verdict)])
    for process in processes:
        note(process, process.limits.due(look + 1, everything=True))
        assert not process.limits.pending
    final = [decision for decision in decisions if decision is not None]
    assert len(final) == len(units), "not decided"
    outcome = Outcome({}, final, _counts(units, final, processes), most_pending=most)
    if mix.promotes:
        outcome.context = _promote(units, final)
    _estimate(units, final, outcome)
    return outcome


def _facts(units: Units, mix: Mix, processes: Sequence[_Process]) -> Iterator[tuple[int, UnitFacts, float]]:
    trace, service, randomness = units.trace.tolist(), units.service.tolist(), units.randomness.tolist()
    at, tenant, route = units.at.tolist(), units.tenant.tolist(), units.route.tolist()
    error, cancelled, confidence = units.error.tolist(), units.cancelled.tolist(), units.confidence.tolist()
    nanoseconds, cost, forced = (units.seconds * 1e9).astype(np.int64).tolist(), units.cost.tolist(), units.forced
    told: tuple[int, int] | None = None
    for index, own in enumerate(trace):
        sampled = parent = None
        r, name = randomness[index], ROUTES[route[index]]
        head = processes[service[index]].sampler.head_threshold(name) if mix.services > 1 else NEVER
        if told is not None and told[0] == own:
            sampled = r >= told[1]
            parent = told[1] if sampled else None
            head = min(head, told[1]) if sampled else head
        told = own, head
        values = {"tenant": (f"tenant {tenant[index]}",), "cost": (cost[index],)}
        yield (
            index,
            UnitFacts(
                service=SERVICES[service[index]],
                route=name,
                randomness=r,
                duration_ns=nanoseconds[index],
                span_count=3,
                has_error=error[index],
                cancelled=cancelled[index],
                confidence=None if math.isnan(confidence[index]) else confidence[index],
                forced="keep" if forced[index] else "",
                parent_sampled=sampled,
                parent_threshold=parent,
                values=_reader(values),
                span_names=lambda: (),
            ),
            at[index],
        )


def _reader(values: Mapping[str, tuple[object, ...]]) -> Callable[[str], tuple[object, ...]]:
    return lambda key: values.get(key, ())


def _counts(units: Units, decisions: Sequence[Decision], processes: Sequence[_Process]) -> dict[str, tuple[int, int]]:
    """Return what the accounts counted beside what was drawn."""
    counts: dict[str, tuple[int, int]] = {}
    services = units.service.tolist()
    truth = Counter((services[index], each.keep, each.rule) for index, each in enumerate(decisions))
    for number, process in enumerate(processes):
        with process.lock:
            snapshot = process.account.snapshot([])
        drawn = int((units.service == number).sum())
        snapshot = snapshot.with_undecided(started=drawn, open_units=0, pending=0)
        counts[f"{SERVICES[number]}: all"] = snapshot.kept + sum(snapshot.dropped.values()), drawn
        for keep, found in ((True, snapshot.kept_by_rule), (False, snapshot.dropped)):
            for rule in {*found, *(name for at, kept, name in truth if (at, kept) == (number, keep))}:
                name = f"{SERVICES[number]}: {'kept' if keep else 'dropped'} by {rule}"
                counts[name] = found.get(rule, 0), truth[number, keep, rule]
    probes = units.route == ROUTES.index("healthz")
    names = {rule.name for process in processes for rule in process.sampler.policy.rules}
    if "probes" in names:
        counts["probes dropped"] = sum(not each.keep and each.rule == "probes" for each in decisions), int(probes.sum())
    if processes[0].sampler.policy.keep_errors:
        errors = units.error & ~units.forced & ~(probes & ("probes" in names))
        kept = sum(process.account.snapshot([]).kept_by_rule.get("error", 0) for process in processes)
        counts["errors kept"] = kept, int(errors.sum())
    return counts


def _promote(units: Units, decisions: list[Decision]) -> int:
    """Keep for context what was sampled away in traces that another process kept for an error; return how many."""
    traces = units.trace.tolist()
    signalled = {
        traces[index] for index, decision in enumerate(decisions) if decision.keep and decision.rule == "error"
    }
    promoted = 0
    for index, decision in enumerate(decisions):
        if not decision.keep and units.promoted[index] and traces[index] in signalled and decision.rule != "probes":
            decisions[index] = changed(decision, keep=True, rule="promoted", counts=False)
            promoted += 1
    return promoted


def _estimate(units: Units, decisions: Sequence[Decision], outcome: Outcome) -> None:
    """Estimate from the kept units; what a drop rule leaves out is no part of what is asked."""
    dropped = np.fromiter((decision.rule == "probes" for decision in decisions), bool, len(units))
    asked = ~dropped
    known = ~np.isnan(units.confidence)
    one = np.ones(len(units))
    questions: dict[str, tuple[np.ndarray, np.ndarray | None]] = {
        "units": (one * asked, None),
        "errors": (one * (asked & units.error), None),
        "slow": (one * (asked & (units.seconds > _SLOW)), None),
        "tenant 0": (one * (asked & (units.tenant == 0)), None),
        "tenant 9": (one * (asked & (units.tenant == 9)), None),
        "redelivered": (one * (asked & (units.route == 2)), None),
        "cost": (units.cost * asked, None),
        "mean seconds": (units.seconds * asked, one * asked),
        "mean confidence": (np.where(known, units.confidence, 0.0) * asked, one * (asked & known)),
        **{service: (one * (asked & (units.service == n)), None) for n, service in enumerate(SERVICES[:3])},
    }
    kept = [index for index, decision in enumerate(decisions) if decision.keep]
    thresholds = {index: decisions[index].threshold if decisions[index].counts else None for index in kept}
    groups = _by_trace(kept, units.trace.tolist())
    unsure = np.fromiter(
        (not (each.keep and each.threshold == 0 and each.counts) for each in decisions), bool, len(units)
    )
    for name, (values, sizes) in questions.items():
        truth = float(values.sum()) if sizes is None else float(values.sum() / max(sizes.sum(), 1))
        tally, numbers = Tally(), values.tolist()
        counted = one.tolist() if sizes is None else sizes.tolist()
        for group in groups:
            parts = [index for index in group if numbers[index] or (sizes is not None and counted[index])]
            if parts:
                tally.add_trace([Part(thresholds[index], numbers[index], counted[index]) for index in parts])
        estimate = tally.total() if sizes is None else tally.mean()
        if estimate is not None and truth:
            outcome.estimates[name] = estimate, truth
        mattering = (values != 0) if sizes is None else (sizes != 0)
        if not unsure[mattering].any():
            outcome.certain |= {name}
    outcome.estimates["traces"] = _traces(groups, thresholds), float(len(set(units.trace[asked].tolist())))


def _traces(groups: Sequence[Sequence[int]], thresholds: Mapping[int, int | None]) -> Estimate:
    """Estimate the number of traces: one is there if any of its units is, so the lowest T is the trace's."""
    tally = Tally()
    for group in groups:
        given = [threshold for index in group if (threshold := thresholds[index]) is not None]
        tally.add(min(given, default=None))
    return tally.count()


def _by_trace(kept: Sequence[int], trace: Sequence[int]) -> list[list[int]]:
    groups: dict[int, list[int]] = {}
    for index in kept:
        groups.setdefault(trace[index], []).append(index)
    return list(groups.values())


_CERTAIN: Final = {"keep_errors": True, "keep_confidence_below": _UNSURE}
_NOTHING_SPECIAL: Final = {"keep_errors": False, "keep_confidence_below": None}
_SLOW_RULE: Final = {"name": "slow", "slower_than_seconds": _SLOW}
_PROBES: Final = {"name": "probes", "route": "healthz", "drop": True}
_COST: Final = {"name": "costly", "where": [{"key": "cost", "op": ">", "value": 0.06}]}


def _chance(name: str, keep: float, **conditions: Any) -> dict[str, Any]:
    return {"name": name, "keep": keep, **conditions}


MIXES: Final = (
    Mix("baseline", [{"baseline": 0.1, **_NOTHING_SPECIAL}]),
    Mix(
        "service and route",
        [
            {
                "baseline": 0.05,
                **_NOTHING_SPECIAL,
                "rules": [
                    _chance("service", 0.2, service="grading"),
                    _chance("route", 0.5, route="answer.redeliver"),
                    _chance("tenant", 0.3, where=[{"key": "tenant", "value": "tenant 9"}]),
                ],
            }
        ],
        services=3,
    ),
    Mix("outcomes", [{"baseline": 0.05, **_CERTAIN, "rules": [_SLOW_RULE, _COST]}]),
    Mix("drop rules", [{"baseline": 0.1, **_CERTAIN, "rules": [_PROBES, _SLOW_RULE]}], services=2),
    Mix("limit a second", [{"baseline": 1.0, "baseline_limit": {"per_second": 8}, **_NOTHING_SPECIAL}]),
    Mix(
        "limit a second and a key",
        [
            {
                "baseline": 0.8,
                "baseline_limit": {"per_second": 12, "key_per_second": 3, "key": "tenant", "max_keys": 6},
                **_CERTAIN,
            }
        ],
    ),
    Mix(
        "limit a day",
        [{"baseline": 1.0, "baseline_limit": {"per_day": 7_200}, **_NOTHING_SPECIAL}],
        per_second=5.0,
    ),
    Mix(
        "limit a day and a key",
        [
            {
                "baseline": 0.02,
                **_CERTAIN,
                "rules": [
                    {
                        "name": "tenants",
                        "limit": {"per_day": 7_200, "key_per_day": 1_800, "key": "tenant", "max_keys": 8},
                    }
                ],
            }
        ],
        per_second=10.0,
    ),
    Mix(
        "everything",
        [
            {
                "baseline": 0.3,
                "baseline_limit": {"per_second": 6.5},
                **_CERTAIN,
                "rules": [
                    _PROBES,
                    _SLOW_RULE,
                    _COST,
                    _chance("redelivered", 0.4, route="answer.redeliver"),
                    {
                        "name": "tenants",
                        "keep": 0.9,
                        "service": "grading",
                        "limit": {"key_per_second": 2, "key": "tenant", "per_day": 48_000},
                    },
                ],
            }
        ],
        services=3,
        stressed=True,
    ),
    Mix(
        "three processes, nested",
        [
            {"baseline": 0.25, **_CERTAIN},
            {"baseline": 0.1, **_CERTAIN, "rules": [_SLOW_RULE]},
            {"baseline": 0.02, **_CERTAIN},
        ],
        services=3,
    ),
    Mix(
        "two processes, each for itself",
        [{"baseline": 0.05, **_CERTAIN, "parent": "ignore"}, {"baseline": 0.2, **_CERTAIN, "parent": "ignore"}],
        services=2,
    ),
    Mix("keep mark forward", [{"baseline": 0.05, **_CERTAIN}], services=3, forces_keep=True),
    Mix(
        "lossy promotion",
        [{"baseline": 0.1, **_CERTAIN, "rules": [_PROBES]}, {"baseline": 0.05, **_CERTAIN, "rules": [_PROBES]}],
        services=3,
        promotes=True,
    ),
    Mix(
        "processes with limits",
        [
            {"baseline": 0.2, **_CERTAIN},
            {"baseline": 0.5, "baseline_limit": {"per_second": 5}, **_CERTAIN},
            {"baseline": 0.01, **_CERTAIN, "rules": [{"name": "review", "limit": {"per_day": 12_000}}]},
        ],
        services=3,
        promotes=True,
    ),
)
