"""The decision about one unit: the lowest threshold of all rules that match, against the trace's own randomness."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Final

from certtrace import semconv
from certtrace.ports import RULES, Decision, UnitFacts
from certtrace.sampling.bounds import Limit
from certtrace.sampling.model import SamplingPolicy
from certtrace.sampling.predicates import (
    Predicate,
    StartRule,
    always,
    confidence_below,
    judged_at_start,
    predicate_of,
    watched_by,
)
from certtrace.sampling.rule import Rule
from certtrace.sampling.values import atoms
from certtrace.sampling.verdict import CERTAIN, NEVER, Deferred, LimitSpec, Offer

MAX_FAULTS: Final = 100
"""Faults after which a rule is switched off: until then each keeps its unit."""
_MAX_KEY: Final = 200
"""Characters of an attribute's value that tell one key of a limit from another."""

_UNDECIDED: Final = Decision(keep=False, rule="baseline", threshold=NEVER)
_FORCED_KEEP: Final = Decision(keep=True, rule="forced", threshold=CERTAIN)
_FORCED_DROP: Final = Decision(keep=False, rule="forced", threshold=NEVER)
_FAULT: Final = Decision(keep=True, rule="fault", threshold=CERTAIN)
_PARENT_DROP: Final = Decision(keep=False, rule="parent", threshold=NEVER)
_PARENT_KEEP: Final = Decision(keep=True, rule="parent", threshold=CERTAIN, counts=False)
"""Below a parent that was sampled by an unknown probability: the unit stands for nobody knows how many."""

_WITHOUT_REASON: Final = frozenset({"baseline", "parent", "dry_run"})
"""Rules that keep for no reason of the unit's own, so that pressure may thin them."""
_UNREMARKABLE: Final = frozenset({"service", "route", "span", "slower_than_seconds"})
"""Conditions that a unit may meet though nothing in it ever made it special."""
_RANKS: Final = {"error": 0, "cancelled": 1, "low_confidence": 2, "baseline": 4}
"""Which of several rules with the same T is named; those of the policy come between, by name."""
_OWN_RANK: Final = 3

OnFault = Callable[[str, str], None]


class _Compiled:
    """A rule ready for use, with the decisions it can lead to."""

    __slots__ = ("dropped", "faults", "kept", "key", "matches", "name", "spec", "threshold")

    def __init__(self, name: str, threshold: int, matches: Predicate, limit: Limit | None = None) -> None:
        self.name = name
        self.threshold = threshold
        self.matches = matches
        self.spec: LimitSpec | None = limit.spec(name) if limit is not None else None
        self.key = (limit.key or "") if limit is not None else ""
        self.kept = Decision(keep=True, rule=name, threshold=threshold)
        self.dropped = Decision(keep=False, rule=name, threshold=threshold)
        self.faults = count(1)


class Sampler:
    """A policy compiled for one service. Never raises once it is made."""

    def __init__(self, policy: SamplingPolicy, *, service: str, on_fault: OnFault | None = None) -> None:
        """Compile the policy.

        Args:
            policy: The rules.
            service: Name of the service whose units are decided.
            on_fault: Called with a rule's name and the cause when a rule fails for the first time for that cause, and
                when it is switched off.
        """
        self.policy = policy
        self.version = policy.version
        self._service = service
        self._on_fault = on_fault
        self._faults: dict[str, int] = {}
        self._causes: set[tuple[str, str]] = set()
        self._follows = policy.parent == "follow"
        own = policy.own_rules
        compiled = sorted((*_built_in(policy), *map(_compiled, own)), key=_rank)
        dropping = {rule.name for rule in own if rule.drop}
        self._drops = tuple(rule for rule in compiled if rule.name in dropping)
        self._keeps = tuple(rule for rule in compiled if rule.name not in dropping and rule.spec is None)
        self._limited = tuple(rule for rule in compiled if rule.spec is not None)
        by_name = {rule.name for rule in own if rule.conditions <= {"service", "route"}}
        self._heads = tuple(rule for rule in self._keeps if rule.name in by_name)
        ordered = sorted(own, key=lambda rule: rule.name)
        self._at_start = tuple(StartRule(rule, service) for rule in ordered if rule.drop and judged_at_start(rule))
        self.watched: frozenset[str] = frozenset().union(
            *map(watched_by, own), {semconv.CONFIDENCE} if policy.keep_confidence_below else ()
        )
        """Attributes whose setting makes a unit special."""
        self.keeps_all = _keeps_all(policy)
        """Whether the baseline keeps, for certain, every unit without error, cancellation or watched attribute."""
        self.rule_names = (*RULES, *(rule.name for rule in own if rule.name not in RULES))
        """Names by the number that a skeleton on disk has for them."""
        self.drop_rules = frozenset(dropping)
        """Names of the drop rules."""

    def decide(self, facts: UnitFacts) -> Decision | Deferred:
        """Decide one unit, or say which limits have to see it first."""
        verdict = self._verdict(facts)
        return self.settled(verdict) if self.policy.dry_run and type(verdict) is Decision else verdict

    def settled(self, decision: Decision) -> Decision:
        """Return a final decision as the policy means it: in a dry run all is kept, and the decision noted.

        `decide` does it by itself; for what came of a `Deferred` its caller does.
        """
        if not self.policy.dry_run or decision.rule == "dry_run":
            return decision
        return Decision(keep=True, rule="dry_run", threshold=CERTAIN, would=decision)

    def is_drop(self, decision: Decision) -> bool:
        """Tell whether a unit was dropped by a drop rule or by code, so that nothing can bring it back."""
        return not decision.keep and (decision.rule == "forced" or decision.rule in self.drop_rules)

    def drops_at_start(self, name: str, attributes: Mapping[str, object] | None = None) -> str:
        """Return the name of the drop rule that matches a local root at its start whatever may follow; else nothing.

        Args:
            name: Name of the local root.
            attributes: What it starts with.
        """
        if not self._at_start or self.policy.dry_run:
            return ""
        try:
            return next((rule.name for rule in self._at_start if rule.matches(name, attributes)), "")
        except Exception as error:  # noqa: BLE001 - what cannot be judged at the start is judged at the end
            self._remark("drop at start", type(error).__name__)
            return ""

    def head_threshold(self, route: str, above: int | None = None) -> int:
        """Return the lowest T that is known at the start of a unit: what services below can rely on.

        The baseline and the rules on service and route alone count, if they have no limit: a limit's T is known later.

        Args:
            route: Name of the local root.
            above: T of a remote parent, if it said so.
        """
        if above is None or self.policy.parent == "ignore":
            return self._own_head(route)
        return above if self._follows else min(self._own_head(route), above)

    def _own_head(self, route: str) -> int:
        policy = self.policy
        lowest = policy.baseline_threshold if policy.baseline_limit is None else NEVER
        if not self._heads:
            return lowest
        facts = UnitFacts(service=self._service, route=route, randomness=0, duration_ns=0, span_count=0)
        for rule in self._heads:
            if rule.threshold >= lowest:
                break
            if rule.matches(facts):
                return rule.threshold
        return lowest

    def stressed(self, facts: UnitFacts, decision: Decision, threshold: int) -> Decision:
        """Return the decision under pressure: what no certain rule keeps has at least this threshold.

        Args:
            facts: The unit.
            decision: What the policy says.
            threshold: T of the time of stress.
        """
        certain = decision.threshold == CERTAIN and decision.rule not in _WITHOUT_REASON
        if not decision.keep or certain or decision.threshold >= threshold:
            return decision
        return replace(decision, keep=facts.randomness >= threshold, rule="stress", threshold=threshold)

    @property
    def faults(self) -> dict[str, int]:
        """How often each rule failed."""
        return dict(self._faults)

    # --- how -------------------------------------------------------------------------------------------------------

    def _verdict(self, facts: UnitFacts) -> Decision | Deferred:
        forced = facts.forced
        if forced == "drop":
            return _FORCED_DROP
        dropped = self._dropped(facts) if self._drops else None
        if dropped is not None and not dropped.keep:
            return dropped
        if forced == "keep":
            return _FORCED_KEEP
        decision = dropped or self._lowest(facts)
        if facts.parent_sampled is not None and self.policy.parent != "ignore":
            decision = self._beside_parent(facts, decision)
        if decision.threshold == CERTAIN or not self._limited or (self._follows and decision.rule == "parent"):
            return decision
        return self._deferred(facts, decision)

    def _dropped(self, facts: UnitFacts) -> Decision | None:
        fault = None
        for rule in self._drops:
            try:
                if rule.matches(facts):
                    return rule.dropped
            except Exception as error:  # noqa: BLE001 - whatever an attribute is, the unit is kept rather
                fault = self._fault(rule, error)
        return fault

    def _lowest(self, facts: UnitFacts) -> Decision:
        randomness = facts.randomness
        for rule in self._keeps:
            try:
                if rule.matches(facts):
                    return rule.kept if randomness >= rule.threshold else rule.dropped
            except Exception as error:  # noqa: BLE001 - as above
                return self._fault(rule, error)
        return _UNDECIDED

    def _beside_parent(self, facts: UnitFacts, decision: Decision) -> Decision:
        theirs = facts.parent_threshold
        if self._follows:
            # What is kept is what the parent kept, so the probability is the parent's, however low our own T is.
            if decision.threshold == CERTAIN and decision.rule != "baseline":
                return decision
            if not facts.parent_sampled or theirs is None:
                return _PARENT_KEEP if facts.parent_sampled else _PARENT_DROP
        elif not facts.parent_sampled or theirs is None or theirs >= decision.threshold:
            return decision
        return Decision(keep=facts.randomness >= theirs, rule="parent", threshold=theirs)

    def _deferred(self, facts: UnitFacts, otherwise: Decision) -> Decision | Deferred:
        offers = []
        for rule in self._limited:
            # A unit below the rule's own T is none that its limit has to choose among.
            if rule.threshold >= otherwise.threshold or facts.randomness < rule.threshold:
                continue
            try:
                if rule.matches(facts) and rule.spec is not None:
                    offers.append(Offer(rule.spec, rule.threshold, _key(rule.key, facts)))
            except Exception as error:  # noqa: BLE001 - as above
                return self._fault(rule, error)
        return Deferred(tuple(offers), otherwise) if offers else otherwise

    def _fault(self, rule: _Compiled, error: Exception) -> Decision:
        number = next(rule.faults)
        self._faults[rule.name] = max(self._faults.get(rule.name, 0), number)
        self._remark(rule.name, type(error).__name__)
        if number >= MAX_FAULTS:
            rule.matches = _never
            self._remark(rule.name, f"switched off after {MAX_FAULTS} faults")
        return _FAULT

    def _remark(self, rule: str, cause: str) -> None:
        if self._on_fault is not None and (rule, cause) not in self._causes:
            self._causes.add((rule, cause))
            with suppress(Exception):  # the host's logging is no reason to lose a unit
                self._on_fault(rule, cause)


def _rank(rule: _Compiled) -> tuple[int, int, str]:
    return rule.threshold, _RANKS.get(rule.name, _OWN_RANK), rule.name


def _compiled(rule: Rule) -> _Compiled:
    return _Compiled(rule.name, rule.threshold, predicate_of(rule), rule.limit)


def _built_in(policy: SamplingPolicy) -> Iterator[_Compiled]:
    yield _Compiled("baseline", policy.baseline_threshold, always, policy.baseline_limit)
    if policy.keep_errors:
        yield _Compiled("error", CERTAIN, lambda facts: facts.has_error)
        yield _Compiled("cancelled", CERTAIN, lambda facts: facts.cancelled or facts.abandoned)
    if policy.keep_confidence_below is not None:
        yield _Compiled("low_confidence", CERTAIN, confidence_below(policy.keep_confidence_below))


def _keeps_all(policy: SamplingPolicy) -> bool:
    if policy.baseline_threshold != CERTAIN or policy.baseline_limit is not None:
        return False
    if policy.dry_run or policy.parent == "follow":
        return False
    # Beside a baseline that is certain only what drops, or is as certain and gives the unit another name, matters.
    telling = (rule for rule in policy.own_rules if rule.drop or (rule.threshold == CERTAIN and rule.limit is None))
    return all(rule.conditions - _UNREMARKABLE for rule in telling)


def _never(_facts: UnitFacts) -> bool:
    return False


def _key(key: str, facts: UnitFacts) -> str:
    if not key:
        return ""
    if key in ("service", "route"):
        return facts.service if key == "service" else facts.route
    return next((str(value)[:_MAX_KEY] for value in atoms(facts.values(key)) if value is not None), "")
