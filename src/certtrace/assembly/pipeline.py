"""The way of a unit: decision and skeleton on the caller's thread; redaction, ledger and spool on the worker."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from certtrace.assembly.deciding import Deciding
from certtrace.assembly.outlet import Decided, Outlet, Stations, root_id
from certtrace.assembly.worker import Worker
from certtrace.ports import Decision, ScoreRecord
from certtrace.sampling import Account, Deferred
from certtrace.semconv import SERVICE_NAME
from certtrace.tracing.spans import TracedSpan
from certtrace.tracing.units import Unit, Units

MAX_WAIT_SECONDS: Final = 60.0
"""Longest time a unit whose root has ended waits for spans below; then it is decided without them."""
SWEEP_SECONDS: Final = 1.0
"""How often units that wait are looked through."""
AUDIT_SECONDS: Final = 5.0
"""How often the account's sums are checked."""
SPAN_BYTES: Final = 1_536
"""Estimated memory of a span without its captured text."""
STRESS_ABOVE: Final = 0.75
"""Share of the backlog's memory, or of the spool, above which stress begins."""
STRESS_BELOW: Final = 0.5
STRESS_SECONDS: Final = 5.0
"""Shortest time of stress: it must not come and go with every unit."""

_BASELINE: Final = Decision(keep=True, rule="baseline", threshold=0)
_NOT_RECORDED: Final = frozenset({"drop_rule", "backlog_full", "spool_full", "shutdown", "fault", "stress", "forced"})
"""Reasons for which the flight recorder takes no unit: it would add to the trouble, or was refused on purpose."""


class Pipeline:
    """Takes finished units from the tracer; see `tracing.completing.UnitSink`."""

    def __init__(
        self,
        stations: Stations,
        deciding: Deciding,
        *,
        units: Units | None = None,
        max_backlog_bytes: int = 268_435_456,
        max_age_seconds: float = 600.0,
        light_threshold: int = 0,
        keeps_scored: bool = False,
    ) -> None:
        """Take the stations and the policy; the worker thread starts with the first unit.

        Args:
            stations: What a kept unit passes.
            deciding: The policy.
            units: The tracer's units.
            max_backlog_bytes: Estimated memory of units that wait for redaction.
            max_age_seconds: Age at which a unit that goes on is decided in parts.
            light_threshold: Under stress units whose randomness is below it record no content.
            keeps_scored: Whether a score keeps a dropped unit that can still be had.
        """
        self.stations = stations
        self.outlet = Outlet(stations)
        self.deciding = deciding
        self.units = units
        self.light_below = 0
        """See `UnitSink.light_below`."""
        self.complete_stale: Callable[[int, float], None] | None = None
        """The tracer's: hands on units that have waited since before a time in nanoseconds, and those too old."""
        self.spool_share: Callable[[], float] | None = None
        """How full the spool is, 0.0 to 1.0."""
        self.audit: Callable[[], object] | None = None
        """Looks whether the account's sums hold."""
        self.scores_dropped = 0
        self.spans_shed = 0
        """Spans of kept units that memory had no room for."""
        self._max_backlog_bytes = max_backlog_bytes
        self._max_age_seconds = max_age_seconds
        self._light_threshold = light_threshold
        self._keeps_scored = keeps_scored
        self._keeps_all = deciding.keeps_all
        self._numbers = {name: number for number, name in enumerate(deciding.sampler.rule_names)}
        self._closed = False
        self._begin()

    def _begin(self) -> None:
        # Reentrant: the garbage collector may end an abandoned unit on a thread that is in here.
        self.lock = threading.RLock()
        """Held while a unit leaves the queue and enters the account."""
        self.deferred: dict[int, Unit] = {}
        """Units in the hands of the limits, until they are dropped or queued."""
        self.account = Account(self.lock, str(self.stations.resource.get(SERVICE_NAME, "")))
        self.worker = Worker(self)
        self._queue: deque[Unit] = self.worker.queue
        self._backlog_bytes = 0
        self._sweep_at = self._stressed_at = 0.0
        self._audit_at = time.monotonic() + AUDIT_SECONDS
        self._stress_ends()

    def forked(self) -> None:
        """Start anew in a forked child: what was queued is the parent's."""
        self.deciding.begin()
        self._begin()
        self.outlet = Outlet(self.stations)

    # --- the caller's thread ---------------------------------------------------------------------------------------

    def dropped_at_start(self, rule: str) -> None:
        """See `UnitSink.dropped_at_start`."""
        self.account.dropped_at_start("drop_rule", rule)

    def accept(self, unit: Unit) -> None:
        """See `UnitSink.accept`."""
        decision = unit.inherited
        if decision is None or not decision.keep:
            if self._keeps_all and not unit.special and unit.partial is None and not self.light_below:
                decision = _BASELINE  # without special reason, and with a baseline that keeps all, nobody has to look
            else:
                found = self.deciding.decide(unit)
                if type(found) is Deferred:
                    self._defer(unit, found)
                    return
                decision = found  # type: ignore[assignment]  # what is not deferred is decided
        self.settle(unit, decision)  # type: ignore[arg-type]  # as above

    def settle(self, unit: Unit, decision: Decision) -> None:
        """Act on the decision about a unit: skeleton and queue, or account and forget."""
        unit.decision = decision
        if not decision.keep:
            self._refuse(unit, "drop_rule" if self.deciding.sampler.is_drop(decision) else decision.rule)
            return
        unit.bytes = size = unit.bytes + SPAN_BYTES * len(unit.ended)
        # Not under a lock: a lost addition makes the bound a little late, and the worker starts it anew at every pause.
        self._backlog_bytes = waiting = self._backlog_bytes + size
        if waiting > self._max_backlog_bytes * STRESS_ABOVE and not self.light_below:
            self._stress_begins()
        if unit.partial is None:
            if self._closed or waiting > self._max_backlog_bytes:
                self._backlog_bytes -= size
                self._refuse(unit, "shutdown" if self._closed else "backlog_full")
                return
            if not self._write_skeleton(unit, decision):
                self._backlog_bytes -= size
                self._refuse(unit, "spool_full")
                return
        self._queue.append(unit)  # the worker counts it as kept
        unit.accepted = True
        if unit.group is not None and self.deciding.remember(unit, decision):
            self.worker.wanted.append(unit)
        if self.worker.thread is None:
            self.worker.start()

    def _write_skeleton(self, unit: Unit, decision: Decision) -> bool:
        spool = self.stations.spool
        if spool is None:
            return True
        root = unit.root
        if type(root) is TracedSpan:
            span_id, start, end = root.id, root.start_ns, root.end_ns or unit.now()
        else:
            span_id, start, end = _root_facts(root, unit)
        special = unit.special
        flags = unit.has_error | unit.cancelled << 1 | unit.abandoned << 2 if special else 0
        if not (decision.counts and unit.root_ended):
            flags |= (not decision.counts) << 3 | (not unit.root_ended) << 4
        unit.sequence = sequence = spool.accept(
            unit.trace_id,
            span_id,
            start,
            end,
            2 if special and unit.has_error else 0,
            len(unit.ended),
            flags,
            decision.threshold,
            self._numbers.get(decision.rule, 0xFFFF),
        )
        return sequence != 0

    def accept_part(self, unit: Unit) -> None:
        """See `UnitSink.accept_part`."""
        taken = unit.ended[:]
        unit.parts += 1
        if unit.partial is None:
            found = self.deciding.decide(unit)
            decision = found.otherwise if isinstance(found, Deferred) else found
            room = self._backlog_bytes < self._max_backlog_bytes and not self._closed
            if decision.keep and room and self._write_skeleton(unit, decision):
                unit.partial = decision
        if not taken:
            return  # old, but nothing of it has ended: its skeleton is all there is to say
        del unit.ended[: len(taken)]  # by other threads it only grows, at its end
        part = _part_of(unit, taken)
        unit.bytes = 0
        if unit.partial is None or self._backlog_bytes + part.bytes > self._max_backlog_bytes:
            unit.shed += len(taken)
            self.spans_shed += len(taken)
            return
        self._backlog_bytes += part.bytes
        self._queue.append(part)
        if self.worker.thread is None:
            self.worker.start()

    def _defer(self, unit: Unit, deferred: Deferred) -> None:
        self.deferred[id(unit)] = unit
        unit.accepted = True  # it is in the limits' hands: nobody else counts it
        self._settle_deferred(self.deciding.offer(unit, deferred))
        if self.worker.thread is None:
            self.worker.start()

    def _settle_deferred(self, decided: Sequence[tuple[Unit, Decision]]) -> None:
        for unit, decision in decided:
            try:
                self.settle(unit, decision)
            except Exception as error:  # noqa: BLE001 - one unit's fault must not cost the others their decision
                self.worker.log_once(f"A unit could not be decided ({type(error).__name__}).")
                self.lost(unit)
            finally:
                self.deferred.pop(id(unit), None)

    def _refuse(self, unit: Unit, reason: str) -> None:
        decision = unit.decision
        unit.decision = Decision(keep=False, rule=reason, threshold=decision.threshold if decision else 0)
        with self.lock:
            self.account.count_dropped(reason, decision.rule if decision else "")
            unit.counted = True
        unit.accepted = True
        self.deciding.remember(unit, unit.decision)
        asides = self.stations.recorder is not None and reason not in _NOT_RECORDED and not self.light_below
        if asides:
            self._backlog_bytes += unit.bytes + SPAN_BYTES * len(unit.ended)
        else:
            self.worker.dropped.append(Decided(unit.trace_id, root_id(unit), len(unit.ended), unit.decision))
            unit.ended = []
        if asides or unit.group is not None:
            self._queue.append(unit)  # the worker sets it aside, and forgets what the trace captured
        if self.worker.thread is None:
            self.worker.start()

    def lost(self, unit: Unit) -> None:
        """See `UnitSink.lost`."""
        with self.lock:
            # Flat, and the count before all else: there may be no more than one frame of stack left.
            if unit.counted:
                return
            for each in self._queue.copy():
                if each is unit:
                    return
            if unit.sequence > 0 and (unit.partial is not None or (unit.decision is not None and unit.decision.keep)):
                unit.decision = unit.decision or unit.partial
                self._queue.append(unit)  # its skeleton is on disk: it is accepted
            else:
                self.account.count_dropped("fault")
                unit.counted = True
                unit.decision = Decision(keep=False, rule="fault")
            unit.accepted = True

    def score(self, record: ScoreRecord, unit: Unit) -> None:
        """See `UnitSink.score`: a score of a dropped unit is dropped with it, or brings it back."""
        decision = unit.decision
        if decision is not None and not decision.keep and not self._keeps_scored:
            self.scores_dropped += 1
            return
        self.worker.late_scores.append((record, unit))
        if self.worker.thread is None:
            self.worker.start()

    def takes_foreign_score(self, trace_id: int, score: dict[str, Any]) -> bool:
        """Take a redacted score of the `langfuse` SDK whose trace is not decided, or was dropped.

        Returns:
            Whether it was taken: it then leaves with its unit, or not at all. Otherwise it may leave at once.
        """
        unit = self.units.of_trace(trace_id) if self.units is not None else None
        if unit is None:
            pending = (item for item in self.deciding.limits.pending_items() if isinstance(item, Unit))
            unit = next((each for each in pending if each.trace_id == trace_id), None)
        if unit is not None:
            if unit.foreign_scores is None:
                unit.foreign_scores = []
            unit.foreign_scores.append(score)
            return unit.decision is None  # decided in between: it was queued, so that the score may follow at once
        if not self.deciding.tombstones.is_dropped(trace_id):
            return False
        if self._keeps_scored and self.worker.promote(trace_id):
            return False
        self.scores_dropped += 1
        return True

    # --- pressure --------------------------------------------------------------------------------------------------

    def sweep(self) -> None:
        """Look after what waits too long, and after memory; called by the worker between units."""
        self._settle_deferred(self.deciding.due())
        now = time.monotonic()
        if now < self._sweep_at:
            return
        self._sweep_at = now + SWEEP_SECONDS
        if self.audit is not None and now >= self._audit_at:
            self._audit_at = now + AUDIT_SECONDS
            self.audit()
        if self.complete_stale is not None:
            self.complete_stale(time.time_ns() - int(MAX_WAIT_SECONDS * 1e9), self._max_age_seconds)
        share = self._share_used()
        if share > STRESS_ABOVE:
            self._stress_begins()
        elif self.light_below and share < STRESS_BELOW and now - self._stressed_at > STRESS_SECONDS:
            self._stress_ends()

    def _share_used(self) -> float:
        memory = self._backlog_bytes + (self.units.open_bytes() if self.units is not None else 0)
        return max(memory / self._max_backlog_bytes, self.spool_share() if self.spool_share is not None else 0.0)

    def _stress_begins(self) -> None:
        self._stressed_at = time.monotonic()
        if self._light_threshold and not self.light_below:
            self.worker.log_once(
                "Memory or the spool runs full: until that is over, units without special reason are kept at the "
                "stress rate and record content only if they may be kept."
            )
            self.deciding.under_stress = True
            self.light_below = self._light_threshold

    def _stress_ends(self) -> None:
        self.deciding.under_stress = False
        self.light_below = 0

    @property
    def is_pressed(self) -> bool:
        """Whether memory is short, so that nothing should wait."""
        return self._backlog_bytes > self._max_backlog_bytes * STRESS_BELOW

    def processed(self, unit: Unit) -> None:
        """Take a unit's memory out of the backlog."""
        self._backlog_bytes -= unit.bytes

    def nothing_waits(self) -> None:
        """Begin the estimate anew: additions may have been lost."""
        self._backlog_bytes = 0

    # --- flush and end ---------------------------------------------------------------------------------------------

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until what has ended is decided, redacted and spooled; return whether it was in time."""
        self._close_windows()
        return self.worker.flush(timeout_seconds)

    def close(self, seconds: float, bare_seconds: float) -> None:
        """Take no more units and process all that were taken.

        Args:
            seconds: How long units are redacted.
            bare_seconds: How long, counted from now as well, what is left then is sent without its content.
        """
        self._close_windows()
        self._closed = True
        now = time.monotonic()
        self.worker.close(now + seconds, now + bare_seconds)

    def _close_windows(self) -> None:
        self._settle_deferred(self.deciding.due(everything=True))

    @property
    def is_closed(self) -> bool:
        """Whether no more units are taken."""
        return self._closed

    def queued(self) -> list[Unit]:
        """Return the kept units that the worker has not counted yet; the caller holds the lock."""
        return [unit for unit in list(self._queue) if not (unit.is_part or unit.counted)]

    def backlog(self) -> tuple[int, int]:
        """Return how many units wait for redaction, and their estimated bytes."""
        return self.worker.waiting(), self._backlog_bytes


def _part_of(unit: Unit, spans: list[Any]) -> Unit:
    """Return what has ended of a unit that goes on, as the worker takes it."""
    part = Unit(unit.trace_id, unit.generation)
    part.is_part = part.accepted = part.root_ended = True
    part.root, part.ended, part.group = unit.root, spans, unit.group
    part.decision, part.trace_state, part.randomness = unit.partial, unit.trace_state, unit.randomness
    part.bytes = unit.bytes + SPAN_BYTES * len(spans)
    part.sequence = 0
    return part


def _root_facts(root: Any, unit: Unit) -> tuple[int, int, int]:
    start = root.start_time or 0
    return root.get_span_context().span_id, start, root.end_time or max(unit.now(), start)
