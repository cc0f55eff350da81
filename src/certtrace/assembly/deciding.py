"""What the pipeline asks before a unit is kept or dropped: the policy, the fate of its trace, and how full it is."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Final

from certtrace.ports import Decision
from certtrace.sampling import Deferred, Sampler, randomness_of, threshold_of, tracestate_with
from certtrace.sampling.limits import Limits
from certtrace.semconv import TRACESTATE_OWN_KEY
from certtrace.tracing.facts import facts_of
from certtrace.tracing.units import Unit

MAX_REMEMBERED: Final = 32_768
"""Traces whose fate is remembered for spans and scores that come later."""
_BY_CHANCE: Final = frozenset({"baseline", "context", "dry_run", "parent", "promoted", "stress"})
_CONTEXT: Final = Decision(keep=True, rule="context", threshold=0, counts=False)


def is_certain(decision: Decision) -> bool:
    """Whether a unit was kept for what happened in it, so that the rest of its trace is wanted too."""
    return decision.keep and decision.threshold == 0 and decision.rule not in _BY_CHANCE


class Fate(IntEnum):
    """What became of a trace, as far as it was decided here. A later unit can only raise it."""

    DROPPED = 0
    KEPT = 1
    WANTED = 2
    """Kept for what happened in it: whatever else belongs to the trace is kept with it."""


class Tombstones:
    """What became of traces that go on elsewhere, for whatever of them comes later. Bounded; thread-safe."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._lock = threading.Lock()
        self._fates: OrderedDict[int, Fate] = OrderedDict()

    def enter(self, trace_id: int, fate: Fate) -> None:
        """Remember a fate; a keep is never taken back."""
        with self._lock:
            self._fates[trace_id] = max(self._fates.pop(trace_id, fate), fate)
            if len(self._fates) > MAX_REMEMBERED:
                self._fates.popitem(last=False)

    def is_wanted(self, trace_id: int) -> bool:
        """Whether some unit of the trace was kept for what happened in it."""
        return self._fates.get(trace_id) is Fate.WANTED

    def is_dropped(self, trace_id: int) -> bool:
        """Whether every unit of the trace that was decided here was dropped."""
        return self._fates.get(trace_id) is Fate.DROPPED


class Deciding:
    """Decides units for one process. For the host's threads: quick, and thread-safe."""

    def __init__(self, sampler: Sampler, *, service: str, stress_threshold: int) -> None:
        """Take the compiled policy.

        Args:
            sampler: The policy.
            service: `service.name`.
            stress_threshold: T for units without special reason while memory or the spool runs full.
        """
        self.sampler = sampler
        self.service = service
        self._stress_threshold = stress_threshold
        self.keeps_all = sampler.keeps_all
        """Whether a unit without any special reason is kept for certain, so that nobody has to look at it."""
        self.under_stress = False
        self.kept_elsewhere: Callable[[int], bool] | None = None
        """The flight recorder's: whether another process keeps the trace."""
        self.begin()

    def begin(self) -> None:
        """Start as a process that has decided nothing: at construction, and in a forked child."""
        self.limits = Limits()
        self.tombstones = Tombstones()

    # --- at the start: what the tracer asks ------------------------------------------------------------------------

    @property
    def watched(self) -> frozenset[str]:
        """See `tracing.head.HeadRules`."""
        return self.sampler.watched

    def drops_at_start(self, name: str, attributes: Mapping[str, object] | None = None) -> str:
        """See `tracing.head.HeadRules`."""
        return self.sampler.drops_at_start(name, attributes)

    def tracestate(self, trace_id: int, randomness: int, trace_state: str, route: str) -> str:
        """See `tracing.head.HeadRules`."""
        threshold = self.sampler.head_threshold(route, threshold_of(trace_state))
        if randomness < 0:
            randomness = randomness_of(trace_id, trace_state)
        return tracestate_with(trace_state, threshold if randomness >= threshold else None)

    def is_certain(self, unit: Unit) -> bool:
        """See `tracing.head.HeadRules`."""
        found = self.decide(unit)
        return isinstance(found, Decision) and is_certain(found)

    # --- at the end ------------------------------------------------------------------------------------------------

    def decide(self, unit: Unit) -> Decision | Deferred:
        """Decide a unit by what is known now."""
        randomness = self.randomness(unit)
        above = threshold_of(unit.trace_state) if unit.parent_sampled is not None else None
        facts = facts_of(unit, service=self.service, randomness=randomness, parent_threshold=above)
        if above is None and facts.parent_sampled and TRACESTATE_OWN_KEY in unit.trace_state:
            # certtrace above says `sampled` while nothing is decided, and no T where R is below it.
            facts.parent_sampled = False
        found = self.sampler.decide(facts)
        if self.under_stress and isinstance(found, Decision):
            found = self.sampler.stressed(facts, found, self._stress_threshold)
        return found if isinstance(found, Deferred) else self.final(unit, found)

    @staticmethod
    def randomness(unit: Unit) -> int:
        """Return R of the unit."""
        return unit.randomness if unit.randomness >= 0 else randomness_of(unit.trace_id, unit.trace_state)

    def final(self, unit: Unit, decision: Decision) -> Decision:
        """Return what holds after the rules have spoken: a dry run keeps all, a kept trace what belongs to it."""
        decision = self.sampler.settled(decision)
        partial = unit.partial
        if partial is not None and (not decision.keep or decision.threshold > partial.threshold):
            return partial
        if not decision.keep and self._is_wanted(unit) and not self.sampler.is_drop(decision):
            return _CONTEXT
        return decision

    def _is_wanted(self, unit: Unit) -> bool:
        """Whether another unit of the trace was kept for what happened in it, here or elsewhere."""
        if unit.group is None:
            return False
        elsewhere = self.kept_elsewhere
        return self.tombstones.is_wanted(unit.trace_id) or (elsewhere is not None and elsewhere(unit.trace_id))

    def offer(self, unit: Unit, deferred: Deferred) -> list[tuple[Unit, Decision]]:
        """Let the limits see a unit; return the units that are decided by that."""
        decided = self.limits.offer(unit, deferred, self.randomness(unit), time.time())
        return [(each, self.final(each, decision)) for each, decision in _units(decided)]

    def due(self, *, everything: bool = False) -> list[tuple[Unit, Decision]]:
        """Return the units that limits have decided since."""
        if not self.limits.pending:
            return []
        decided = self.limits.due(time.time(), everything=everything)
        return [(each, self.final(each, decision)) for each, decision in _units(decided)]

    def remember(self, unit: Unit, decision: Decision) -> bool:
        """Note the fate of a unit; return whether the rest of its trace is wanted for it."""
        certain = is_certain(decision)
        if unit.group is not None:
            kept = Fate.WANTED if certain else Fate.KEPT
            self.tombstones.enter(unit.trace_id, kept if decision.keep else Fate.DROPPED)
        elif not decision.keep:
            self.tombstones.enter(unit.trace_id, Fate.DROPPED)
        return certain and unit.group is not None


def _units(decided: Sequence[tuple[object, Decision]]) -> list[tuple[Unit, Decision]]:
    return [(item, decision) for item, decision in decided if isinstance(item, Unit)]
