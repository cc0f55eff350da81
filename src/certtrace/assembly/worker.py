"""The worker: one thread that redacts, enters and spools what the host's threads have decided."""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable
from itertools import islice
from math import inf
from typing import TYPE_CHECKING, Final

from certtrace.assembly.deciding import Fate
from certtrace.assembly.outlet import Decided
from certtrace.ports import GivenUpError, ScoreRecord
from certtrace.tracing.skipped import record_nothing
from certtrace.tracing.units import Unit

if TYPE_CHECKING:
    from certtrace.assembly.pipeline import Pipeline

_log = logging.getLogger("certtrace")

POLL_SECONDS: Final = 0.05
"""How often the worker looks for finished units. It is not woken for each: the caller would pay for the switch."""
IDLE_POLL_SECONDS: Final = 0.25
"""The same after `IDLE_ROUNDS` looks at an empty queue."""
IDLE_ROUNDS: Final = 40
MAX_HOLD_SECONDS: Final = 30.0
"""Longest time a finished unit waits for the other units of its trace in this process, which may yet name a person."""
LOOK_AHEAD: Final = 63
"""So many units that wait are looked at together with the one that is redacted next."""
GRACE_SECONDS: Final = 5.0
"""Longest wait at the end for the unit in work: a thread that stands in a C++ library (the detectors' engine) when the
interpreter ends aborts the process."""


class Worker:
    """Takes from the queue of one pipeline; of one process, a forked child makes another."""

    def __init__(self, pipeline: "Pipeline") -> None:
        """Take whose units these are; the thread starts with the first."""
        self._pipeline = pipeline
        self.queue: deque[Unit] = deque()
        self.dropped: deque[Decided] = deque()
        """What the ledger is told of units that were not kept."""
        self.late_scores: deque[tuple[ScoreRecord, Unit]] = deque()
        self.wanted: deque[Unit] = deque()
        """Units that were kept for what happened in them: the rest of their traces is wanted."""
        self.thread: threading.Thread | None = None
        self._held: dict[int, list[tuple[float, Unit]]] = {}
        self._wake = threading.Event()
        self._flushes: deque[threading.Event] = deque()
        self._working = threading.RLock()
        self._starting = threading.Lock()
        self._given_up = False
        self._deadline = inf
        """When work on a caller's thread has to stop."""
        self._logged: set[str] = set()

    def start(self) -> None:
        """Start the thread, once."""
        # Not waited for: who holds the lock starts the thread, and where greenlets share one thread it waits itself.
        if not self._starting.acquire(blocking=False):
            return
        try:
            if self.thread is None and not self._pipeline.is_closed:
                thread = threading.Thread(target=self._run, name="certtrace-worker", daemon=True)
                thread.start()
                self.thread = thread
        except RuntimeError:
            return  # the interpreter is ending; `close` does the rest on its own thread
        finally:
            self._starting.release()

    def log_once(self, message: str) -> None:
        """Log a cause once."""
        if message not in self._logged:
            self._logged.add(message)
            _log.warning("%s", message)

    def waiting(self) -> int:
        """Return how many units are not redacted yet."""
        return len(self.queue) + sum(len(held) for held in list(self._held.values()))

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until what has ended is redacted and spooled; return whether it was in time."""
        if self.thread is None or not self.thread.is_alive():
            return self._drain_here(time.monotonic() + timeout_seconds)
        done = threading.Event()
        self._flushes.append(done)
        self._wake.set()
        return done.wait(max(timeout_seconds, 0.0))

    def close(self, until: float, bare_until: float) -> None:
        """Process all that was taken, then end.

        Args:
            until: `time.monotonic()` value until which units are redacted.
            bare_until: The same for what is left then, which goes on without its content. What is still left then keeps
                its skeleton on disk, and the next process speaks for it.
        """
        thread = self.thread
        if thread is not None and thread.is_alive():
            self._wake.set()
            thread.join(max(until - time.monotonic(), 0.0))
            if thread.is_alive():
                self._given_up = True
                self._pipeline.outlet.stop()
                thread.join(GRACE_SECONDS)
                self._send_bare(bare_until)
                return
        if not self._drain_here(until, everything=True):
            self._send_bare(bare_until)

    def _drain_here(self, until: float, *, everything: bool = False) -> bool:
        """Do the work on the calling thread, where none could be started; return whether it was done in time."""
        self._deadline = until
        try:
            self._drain(everything=everything)
        finally:
            self._deadline = inf
        return not self.queue and not (everything and self._held)

    def _is_over(self) -> bool:
        return self._given_up or time.monotonic() >= self._deadline

    def _send_bare(self, until: float) -> None:
        rest = [unit for held in self._held.values() for _, unit in held]
        self._held.clear()
        error = GivenUpError()
        while (rest or self.queue) and time.monotonic() < until:
            with self._pipeline.lock:
                unit = rest.pop() if rest else self.queue.popleft()
                self._count(unit)
            if unit.decision is not None and unit.decision.keep:
                self._pipeline.outlet.send_bare(unit, error)

    def _count(self, unit: Unit) -> None:
        """Enter a unit in the account, once; the caller holds the lock."""
        if unit.decision is not None and unit.decision.keep and not (unit.is_part or unit.counted):
            self._pipeline.account.count_kept(unit.decision.rule)
            unit.counted = True

    def promote(self, trace_id: int) -> int:
        """Bring back what was set aside of a trace that turned out to be wanted; return how many units."""
        with self._working:
            return self._pipeline.outlet.promote(trace_id, self._pipeline.account.promoted)

    # --- on the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        record_nothing()  # a log handler of the host may be traced: its spans would be this thread's next work
        idle = 0
        while self._pipeline.worker is self:  # a forked child has another
            self._wake.wait(POLL_SECONDS if idle < IDLE_ROUNDS else IDLE_POLL_SECONDS)
            idle = 0 if self.queue else idle + 1
            self._wake.clear()
            flushes = [self._flushes.popleft() for _ in range(len(self._flushes))]
            try:
                self._drain()
            except Exception as error:  # noqa: BLE001 - without its worker the process would only queue
                self.log_once(f"The worker met a fault ({type(error).__name__}) and goes on.")
            for done in flushes:
                done.set()
            if self._pipeline.is_closed:
                return

    def _drain(self, *, everything: bool = False) -> None:
        """Process what is queued; with `everything` also what waits for other units of its trace."""
        pipeline, outlet = self._pipeline, self._pipeline.outlet
        with self._working:
            before = outlet.spans_out
            try:
                pipeline.sweep()
                while (unit := self._next()) is not None:
                    if self._waits(unit, everything=everything):
                        self._held.setdefault(unit.trace_id, []).append((time.monotonic(), unit))
                    else:
                        self._look_ahead(unit, self.queue, everything=everything)
                        self._process(unit)
                    pipeline.sweep()
                if self._held:
                    self._release_held(everything=everything or pipeline.is_pressed)
            finally:
                outlet.ahead.forget()
            self._after_units()
            if outlet.spans_out != before:
                outlet.wake()

    def _waits(self, unit: Unit, *, everything: bool) -> bool:
        """Tell whether a unit waits for others of its trace."""
        group = unit.group
        if group is None or everything or self._pipeline.is_pressed:
            return False
        return bool(group.open) or group.trace_id in self._held

    def _look_ahead(self, unit: Unit, queue: Iterable[Unit], *, everything: bool = True) -> None:
        """Let the redactors look at a unit together with those behind it, unless they have looked at it before."""
        outlet = self._pipeline.outlet
        if outlet.is_redacted(unit) and not outlet.ahead.knows(unit):
            waiting = list(islice(queue, LOOK_AHEAD))  # at once: other threads append
            others = [
                each for each in waiting if outlet.is_redacted(each) and not self._waits(each, everything=everything)
            ]
            outlet.ahead.look([unit, *others], lambda: outlet.goes_on() and not self._is_over())

    def _after_units(self) -> None:
        outlet = self._pipeline.outlet
        while self.dropped:
            outlet.enter(self.dropped.popleft())
        while self.wanted:
            trace_id = self.wanted.popleft().trace_id
            outlet.publish(trace_id)  # and comes back as wanted, where something of it was set aside
        for trace_id in outlet.wanted_elsewhere():
            self._pipeline.deciding.tombstones.enter(trace_id, Fate.WANTED)
            self.promote(trace_id)
        while self.late_scores:
            record, unit = self.late_scores.popleft()
            decision = unit.decision
            if decision is not None and not decision.keep and not self.promote(unit.trace_id):
                self._pipeline.scores_dropped += 1
            else:
                outlet.send_score(record, unit.group.identities if unit.group else ())

    def _next(self) -> Unit | None:
        with self._pipeline.lock:
            if self._is_over() or not self.queue:
                if not self._held and not self.queue:
                    self._pipeline.nothing_waits()
                return None
            unit = self.queue.popleft()
            self._count(unit)
            return unit

    def _release_held(self, *, everything: bool) -> None:
        now = time.monotonic()
        for trace_id, waiting in list(self._held.items()):
            group = waiting[0][1].group
            if self._is_over():
                return
            if everything or group is None or not group.open or now - waiting[0][0] > MAX_HOLD_SECONDS:
                del self._held[trace_id]
                units = [unit for _, unit in waiting]
                for number, unit in enumerate(units, 1):
                    self._look_ahead(unit, units[number:])
                    self._process(unit)

    def _process(self, unit: Unit) -> None:
        decision, outlet = unit.decision, self._pipeline.outlet
        kept = decision is not None and decision.keep
        try:
            if decision is not None and kept:
                outlet.send(unit, decision)
            elif decision is not None and unit.ended:
                outlet.put_aside(unit, decision)
        except Exception as error:  # noqa: BLE001 - one unit's fault must not stop the others, nor lose its trace
            if kept:
                outlet.send_bare(unit, error)
        finally:
            if kept or unit.ended:
                self._pipeline.processed(unit)
            unit.ended = []
            if not unit.is_part:
                unit.root = None
            if unit.group is not None and self._pipeline.units is not None:
                self._pipeline.units.release(unit.group)
