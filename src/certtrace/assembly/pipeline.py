"""The way of a unit: decision and skeleton on the caller's thread; redaction, ledger and spool on the worker."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from certtrace.assembly.outlet import Decided, Outlet, Stations, root_id
from certtrace.ports import RULES, Decision, ScoreRecord, UnitFacts
from certtrace.sampling import Account, AccountSnapshot, SamplingPolicy, randomness_of
from certtrace.tracing.spans import TracedSpan
from certtrace.tracing.units import Unit, Units

_log = logging.getLogger("certtrace")

POLL_SECONDS: Final = 0.05
"""How often the worker looks for finished units. It is not woken for each: the caller would pay for the switch."""
IDLE_POLL_SECONDS: Final = 0.25
"""The same after `IDLE_ROUNDS` looks at an empty queue."""
IDLE_ROUNDS: Final = 40
MAX_HOLD_SECONDS: Final = 30.0
"""Longest time a finished unit waits for the other units of its trace in this process, which may yet name a person."""
MAX_WAIT_SECONDS: Final = 60.0
"""Longest time a unit whose root has ended waits for spans below; then it is decided without them."""
SWEEP_SECONDS: Final = 5.0
"""How often units that wait are looked through."""
GRACE_SECONDS: Final = 5.0
"""Longest wait at the end for the unit in work: a thread that stands in a C++ library (the detectors' engine) when the
interpreter ends aborts the process."""
SPAN_BYTES: Final = 1_536
"""Estimated memory of a span without its captured text."""

_BASELINE: Final = Decision(keep=True, rule="baseline", threshold=0)
_RULE_NUMBERS: Final = {name: number for number, name in enumerate(RULES)}


class Pipeline:
    """Takes finished units from the tracer; see `tracing.runtime.UnitSink`."""

    def __init__(
        self,
        stations: Stations,
        policy: SamplingPolicy,
        *,
        service: str,
        units: Units | None = None,
        max_backlog_bytes: int = 268_435_456,
    ) -> None:
        """Take the stations and the policy; the worker thread starts with the first unit."""
        self.stations = stations
        self.outlet = Outlet(stations)
        self.policy = policy
        self._lock = threading.Lock()
        self.account = Account(self._lock)
        self.units = units
        self._service = service
        self._max_backlog_bytes = max_backlog_bytes
        self._keeps_all = policy.always
        self._closed = False
        self._given_up = False
        self.complete_stale: Callable[[int], None] | None = None
        """The tracer's: hands on units that have waited since before a time in nanoseconds."""
        self._sweep_at = 0.0
        self._logged: set[str] = set()
        self._begin()

    def _begin(self) -> None:
        self._queue: deque[Unit] = deque()
        self._late_scores: deque[tuple[ScoreRecord, Unit]] = deque()
        self._dropped: deque[Decided] = deque()
        self._held: dict[int, list[tuple[float, Unit]]] = {}
        self._backlog_bytes = 0
        self._wake = threading.Event()
        self._flushes: deque[threading.Event] = deque()
        self._thread: threading.Thread | None = None
        self._working = threading.Lock()

    def forked(self) -> None:
        """Start anew in a forked child: what was queued is the parent's."""
        self._lock = threading.Lock()
        self._begin()
        self.account = Account(self._lock)
        self.outlet = Outlet(self.stations)

    # --- the caller's thread ---------------------------------------------------------------------------------------

    def dropped_at_start(self) -> None:
        """See `UnitSink.dropped_at_start`."""
        self.account.dropped("drop_rule")

    def accept(self, unit: Unit) -> None:
        """See `UnitSink.accept`."""
        decision = unit.inherited
        if decision is None or not decision.keep:
            # Without special reason, and with a baseline that keeps all, there is nothing to decide.
            decision = _BASELINE if self._keeps_all and not unit.special else self._decide(unit)
        unit.decision = decision
        if not decision.keep:
            self._refuse(unit, decision.rule)
            return
        unit.bytes = size = unit.bytes + SPAN_BYTES * len(unit.ended)
        # Not under a lock: a lost addition makes the bound a little late, and the worker starts it anew at every pause.
        self._backlog_bytes = waiting = self._backlog_bytes + size
        if self._closed or waiting > self._max_backlog_bytes:
            self._backlog_bytes -= size
            self._refuse(unit, "shutdown" if self._closed else "backlog_full")
            return
        spool = self.stations.spool
        if spool is not None:
            root = unit.root
            if type(root) is TracedSpan:
                span_id, start, end = root.id, root.start_ns, root.end_ns
            else:
                span_id, start, end = _root_facts(root)
            special = unit.special
            unit.sequence = sequence = spool.accept(
                unit.trace_id,
                span_id,
                start,
                end,
                2 if special and unit.has_error else 0,
                len(unit.ended),
                unit.has_error | unit.cancelled << 1 | unit.abandoned << 2 if special else 0,
                decision.threshold,
                _RULE_NUMBERS.get(decision.rule, 0xFFFF),
            )
            if not sequence:
                self._refuse(unit, "spool_full")
                return
        unit.accepted = True
        self._queue.append(unit)  # the worker counts it as kept
        if self._thread is None:
            self._start()

    def _refuse(self, unit: Unit, reason: str) -> None:
        unit.decision = Decision(keep=False, rule=reason, threshold=unit.decision.threshold if unit.decision else 0)
        self.account.dropped(reason)
        unit.accepted = True
        self._dropped.append(Decided(unit.trace_id, root_id(unit), len(unit.ended), unit.decision))
        if unit.group is not None:
            self._queue.append(unit)  # the worker forgets what the trace captured
        unit.ended = []
        if self._thread is None:
            self._start()

    def lost(self, unit: Unit) -> None:
        """See `UnitSink.lost`."""
        if not unit.accepted:
            self.account.dropped("fault")
            unit.decision = Decision(keep=False, rule="fault")

    def _decide(self, unit: Unit) -> Decision:
        root = unit.root
        randomness = unit.randomness if unit.randomness >= 0 else randomness_of(unit.trace_id, unit.trace_state)
        return self.policy.decide(
            UnitFacts(
                service=self._service,
                route=root.name,
                randomness=randomness,
                duration_ns=(root.end_time or 0) - (root.start_time or 0),
                span_count=len(unit.ended),
                has_error=unit.has_error,
                cancelled=unit.cancelled,
                abandoned=unit.abandoned,
                confidence=unit.confidence,
            )
        )

    def score(self, record: ScoreRecord, unit: Unit) -> None:
        """See `UnitSink.score`: a score of a dropped unit is dropped with it."""
        if unit.decision is not None and unit.decision.keep:
            self._late_scores.append((record, unit))
            if self._thread is None:
                self._start()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._closed:
                thread = threading.Thread(target=self._run, name="certtrace-worker", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    return  # the interpreter is ending; `close` does the rest on its own thread
                self._thread = thread

    # --- the worker ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        queue = self._queue  # a forked child has another
        idle = 0
        while self._queue is queue:
            self._wake.wait(POLL_SECONDS if idle < IDLE_ROUNDS else IDLE_POLL_SECONDS)
            idle = 0 if self._queue else idle + 1
            self._wake.clear()
            flushes = [self._flushes.popleft() for _ in range(len(self._flushes))]
            try:
                self._drain()
            except Exception as error:  # noqa: BLE001 - without its worker the process would only queue
                self._fault(error)
            for done in flushes:
                done.set()
            if self._closed:
                return

    def _sweep(self) -> None:
        now = time.monotonic()
        if self.complete_stale is not None and now > self._sweep_at:
            self._sweep_at = now + SWEEP_SECONDS
            self.complete_stale(time.time_ns() - int(MAX_WAIT_SECONDS * 1e9))

    def _fault(self, error: Exception) -> None:
        cause = type(error).__name__
        if cause not in self._logged:
            self._logged.add(cause)
            _log.error("The worker met a fault (%s) and goes on.", cause)

    def _drain(self, *, everything: bool = False) -> None:
        """Process what is queued; with `everything` also what waits for other units of its trace."""
        with self._working:
            self._sweep()
            before = self.outlet.spans_out
            while (unit := self._next()) is not None:
                group = unit.group
                if group is not None and (group.open or group.trace_id in self._held) and not everything:
                    self._held.setdefault(unit.trace_id, []).append((time.monotonic(), unit))
                else:
                    self._process(unit)
            if self._held:
                self._release_held(everything=everything)
            while self._dropped:
                self.outlet.enter(self._dropped.popleft())
            while self._late_scores:
                record, unit = self._late_scores.popleft()
                self.outlet.send_score(record, unit.group.identities if unit.group else ())
            if self.outlet.spans_out != before:
                self.outlet.wake()

    def _next(self) -> Unit | None:
        with self._lock:
            if self._given_up or not self._queue:
                if not self._held and not self._queue:
                    self._backlog_bytes = 0
                return None
            unit = self._queue.popleft()
            if unit.decision is not None and unit.decision.keep:
                self.account.count_kept(unit.decision.rule)
            return unit

    def _release_held(self, *, everything: bool) -> None:
        now = time.monotonic()
        for trace_id, waiting in list(self._held.items()):
            group = waiting[0][1].group
            if self._given_up:
                return
            if everything or group is None or not group.open or now - waiting[0][0] > MAX_HOLD_SECONDS:
                del self._held[trace_id]
                for _, unit in waiting:
                    self._process(unit)

    def _process(self, unit: Unit) -> None:
        decision = unit.decision
        try:
            if decision is not None and decision.keep:
                self.outlet.send(unit, decision)
        except Exception as error:  # noqa: BLE001 - one unit's fault must not stop the others, nor lose its trace
            self.outlet.send_bare(unit, error)
        finally:
            if decision is not None and decision.keep:
                self._backlog_bytes -= unit.bytes
            unit.ended = []
            unit.root = None
            if unit.group is not None and self.units is not None:
                self.units.release(unit.group)

    # --- flush and end ---------------------------------------------------------------------------------------------

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until what has ended is redacted and spooled; return whether it was in time."""
        if self._thread is None or not self._thread.is_alive():
            self._drain()
            return True
        done = threading.Event()
        self._flushes.append(done)
        self._wake.set()
        return done.wait(max(timeout_seconds, 0.0))

    def close(self, timeout_seconds: float) -> bool:
        """Take no more units and process all that were taken; return whether it was in time."""
        self._closed = True
        thread, deadline = self._thread, time.monotonic() + timeout_seconds
        if thread is not None and thread.is_alive():
            self._wake.set()
            thread.join(max(timeout_seconds, 0.0))
            if thread.is_alive():
                self._given_up = True  # what waits keeps its skeleton on disk
                thread.join(GRACE_SECONDS)
                return False
        if thread is None or not thread.is_alive():
            self._drain(everything=True)
        return time.monotonic() <= deadline and not self._queue

    def snapshot(self) -> AccountSnapshot:
        """Return the account of the decided units, those that the worker has not counted yet included."""
        with self._lock:
            queued = [unit.decision.rule for unit in list(self._queue) if unit.decision and unit.decision.keep]
            return self.account.snapshot(queued)

    def backlog(self) -> tuple[int, int]:
        """Return how many units wait for redaction, and their estimated bytes."""
        return len(self._queue) + sum(map(len, self._held.values())), self._backlog_bytes


def _root_facts(root: Any) -> tuple[int, int, int]:
    start = root.start_time or 0
    return root.get_span_context().span_id, start, root.end_time or start
