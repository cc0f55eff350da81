"""The way of a unit: decision and skeleton on the caller's thread; redaction, ledger and spool on the worker."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

import orjson

from certtrace import semconv
from certtrace.ports import RULES, Decision, Payload, ScoreRecord, SpanRecord, UnitFacts, UnitRedactor
from certtrace.sampling import Account, AccountSnapshot, SamplingPolicy, randomness_of, threshold_hex, tracestate_with
from certtrace.tracing.records import bare_records_of, records_of
from certtrace.tracing.spans import TracedSpan
from certtrace.tracing.units import Unit, Units

_log = logging.getLogger("certtrace")

POLL_SECONDS: Final = 0.05
"""How often the worker looks for finished units. It is not woken for each: the caller would pay for the switch."""
MAX_HOLD_SECONDS: Final = 30.0
"""Longest time a finished unit waits for the other units of its trace in this process, which may yet name a person."""
GRACE_SECONDS: Final = 5.0
"""Longest wait at the end for the unit in work: a thread that stands in a C++ library (the detectors' engine) when the
interpreter ends aborts the process."""
SPAN_BYTES: Final = 1_536
"""Estimated memory of a span without its captured text."""

_BASELINE: Final = Decision(keep=True, rule="baseline", threshold=0)
_RULE_NUMBERS: Final = {name: number for number, name in enumerate(RULES)}


class Decided(NamedTuple):
    """What the ledger keeps of a unit."""

    trace_id: int
    root_span_id: int
    span_count: int
    decision: Decision
    content: bytes = b""


class ContentSpool(Protocol):
    """What the pipeline needs of a spool."""

    accept: Callable[..., int]

    def content(self, sequence: int, payload: Payload) -> bool:
        """Append redacted content."""
        ...


class Encoder(Protocol):
    """Serializes a redacted unit."""

    def __call__(self, spans: Sequence[SpanRecord], resource: Mapping[str, object]) -> bytes:
        """Return OTLP `ResourceSpans`."""
        ...


@dataclass(slots=True)
class Stations:
    """What a unit passes after it was accepted; each may be absent in a test."""

    redactor: UnitRedactor
    encode: Encoder
    resource: Mapping[str, object]
    reduce: Callable[[list[object]], list[object]] = list
    """Leaves of captured identities only what identifies somebody."""
    spool: ContentSpool | None = None
    enter: Callable[["Decided", Mapping[str, int]], None] | None = None
    """Writes the ledger's entry of a decided unit, with what redaction found in it."""
    wake: Callable[[], None] | None = None
    """Tells delivery that the spool has something new."""
    listeners: list[Callable[[Sequence[SpanRecord]], None]] = field(default_factory=list)
    """Who else gets redacted, sampled spans: processors of other libraries, a test's fixture."""
    score_listeners: list[Callable[[ScoreRecord], None]] = field(default_factory=list)


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
        self.policy = policy
        self._lock = threading.Lock()
        self.account = Account(self._lock)
        self.units = units
        self.redaction_counts: dict[str, int] = {}
        self.withheld = 0
        self.spans_out = 0
        self._service = service
        self._max_backlog_bytes = max_backlog_bytes
        self._keeps_all = policy.always
        self._closed = False
        self._given_up = False
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
        self.redaction_counts = {}
        self.withheld = self.spans_out = 0

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
        if spool is not None and not self._write_skeleton(spool, unit, decision):
            self._refuse(unit, "spool_full")
            return
        self._queue.append(unit)  # the worker counts it as kept
        if self._thread is None:
            self._start()

    def _refuse(self, unit: Unit, reason: str) -> None:
        unit.decision = Decision(keep=False, rule=reason, threshold=unit.decision.threshold if unit.decision else 0)
        self.account.dropped(reason)
        self._dropped.append(Decided(unit.trace_id, _root_id(unit), len(unit.ended), unit.decision))
        if unit.group is not None:
            self._queue.append(unit)  # the worker forgets what the trace captured
        unit.ended = []
        if self._thread is None:
            self._start()

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
                forced=unit.forced,
            )
        )

    def _write_skeleton(self, spool: ContentSpool, unit: Unit, decision: Decision) -> bool:
        root = unit.root
        if type(root) is TracedSpan:
            span_id, start, end = root.id, root.start_ns, root.end_ns
        else:
            span_id, start, end = _root_facts(root)
        error = unit.has_error
        unit.sequence = sequence = spool.accept(
            unit.trace_id,
            span_id,
            start,
            end,
            2 if error else 0,
            len(unit.ended),
            error | unit.cancelled << 1 | unit.abandoned << 2 if unit.special else 0,
            decision.threshold,
            _RULE_NUMBERS.get(decision.rule, 0xFFFF),
        )
        return sequence != 0

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
        while self._queue is queue:
            self._wake.wait(POLL_SECONDS)
            self._wake.clear()
            flushes = [self._flushes.popleft() for _ in range(len(self._flushes))]
            self._drain()
            for done in flushes:
                done.set()
            if self._closed:
                return

    def _drain(self, *, everything: bool = False) -> None:
        """Process what is queued; with `everything` also what waits for other units of its trace."""
        with self._working:
            before = self.spans_out
            while (unit := self._next()) is not None:
                group = unit.group
                if group is not None and (group.open or group.trace_id in self._held) and not everything:
                    self._held.setdefault(unit.trace_id, []).append((time.monotonic(), unit))
                else:
                    self._process(unit)
            if self._held:
                self._release_held(everything=everything)
            while self._dropped:
                decided = self._dropped.popleft()
                if self.stations.enter is not None:
                    self.stations.enter(decided, {})
            while self._late_scores:
                record, unit = self._late_scores.popleft()
                self.put_score(record, unit.group.identities if unit.group else ())
            if self.spans_out != before and self.stations.wake is not None:
                self.stations.wake()

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
                self._send(unit, decision)
        except Exception as error:  # noqa: BLE001 - one unit's fault must not stop the others, nor lose its trace
            self._fall_back(unit, error)
        finally:
            if decision is not None and decision.keep:
                self._backlog_bytes -= unit.bytes
            unit.ended = []
            unit.root = None
            if unit.group is not None and self.units is not None:
                self.units.release(unit.group)

    def _fall_back(self, unit: Unit, error: Exception) -> None:
        """Send the unit without any text: what is left when redaction or encoding failed as a whole."""
        cause = type(error).__name__
        if cause not in self._logged:
            self._logged.add(cause)
            _log.error("Units could not be redacted or encoded (%s); their spans go out without content.", cause)
        try:
            spans = bare_records_of(unit)
            self.count_findings({}, len(spans))
            data = self.stations.encode(spans, self.stations.resource)
            if self.stations.spool is not None:
                self.stations.spool.content(unit.sequence, Payload("spans", data, f"{unit.trace_id:032x}"))
        except Exception as again:  # noqa: BLE001 - the skeleton on disk is delivered by the next process
            _log.error("A unit could not be sent without content either (%s).", type(again).__name__)

    def _send(self, unit: Unit, decision: Decision) -> None:
        stations = self.stations
        identities = unit.group.reduce(stations.reduce) if unit.group is not None else []
        spans = stations.redactor.redact_unit(records_of(unit), identities)
        counts = self._stamp(spans, decision, unit)
        data = stations.encode(spans, stations.resource)
        if stations.enter is not None:
            stations.enter(Decided(unit.trace_id, _root_id(unit), len(spans), decision, data), counts)
        if stations.spool is not None:
            stations.spool.content(unit.sequence, Payload("spans", data, f"{unit.trace_id:032x}"))
        self.spans_out += len(spans)
        for listener in stations.listeners:
            listener(spans)
        for score in unit.scores or ():
            self.put_score(score, identities)

    def _stamp(self, spans: Sequence[SpanRecord], decision: Decision, unit: Unit) -> dict[str, int]:
        """Put rule, threshold and receipt where they can be read, on every span; return what was found in all."""
        total: dict[str, int] = {}
        stamp = orjson.dumps({"rule": decision.rule, "th": threshold_hex(decision.threshold)}).decode()
        state = tracestate_with(unit.trace_state, decision.threshold)
        for span in spans:
            own = span.scope.name == semconv.SCOPE_NAME
            receipt = span.attributes.pop(semconv.REDACTION_RECEIPT, None)
            self._add_up(receipt, total)
            # Langfuse shows a foreign span's metadata only under its own prefix.
            span.attributes[semconv.SAMPLING if own else semconv.metadata(semconv.SAMPLING)] = stamp
            if receipt is not None:
                key = semconv.REDACTION_RECEIPT if own else semconv.metadata(semconv.REDACTION_RECEIPT)
                span.attributes[key] = receipt
            span.trace_state = tracestate_with(span.trace_state, decision.threshold) if span.trace_state else state
        return total

    def _add_up(self, receipt: object, total: dict[str, int]) -> None:
        if isinstance(receipt, str):
            told = orjson.loads(receipt)
            self.count_findings(told.get("counts", {}), told.get("withheld", 0))
            for kind, number in told.get("counts", {}).items():
                total[kind] = total.get(kind, 0) + number

    def count_findings(self, counts: Mapping[str, int], withheld: int = 0) -> None:
        """Add what redaction found to the totals of this process."""
        with self._lock:
            for kind, number in counts.items():
                self.redaction_counts[kind] = self.redaction_counts.get(kind, 0) + number
            self.withheld += withheld

    def put_score(self, record: ScoreRecord, identities: Sequence[object] = ()) -> None:
        """Redact a score and spool it."""
        stations = self.stations
        told = {
            "name": record.name,
            "value": record.value,
            "comment": record.comment,
            "metadata": _plain(record.metadata),
        }
        redacted, receipt = stations.redactor.redact_value(told, identities)
        self.count_findings(receipt.counts, receipt.withheld)
        clean = ScoreRecord(
            id=record.id,
            name=str(redacted["name"]),
            value=redacted["value"],
            data_type=record.data_type,
            trace_id=record.trace_id,
            observation_id=record.observation_id,
            session_id=record.session_id,
            comment=redacted["comment"],
            metadata=redacted["metadata"],
            timestamp_ns=record.timestamp_ns or time.time_ns(),
        )
        if stations.spool is not None:
            body = orjson.dumps([score_json(clean)])
            stations.spool.content(0, Payload("scores", body, record.trace_id or ""))
            if stations.wake is not None:
                stations.wake()
        for listener in stations.score_listeners:
            listener(clean)

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

    def snapshot(self, *, started: int, open_units: int, pending: int) -> AccountSnapshot:
        """Return the account, units that the worker has not counted yet included."""
        with self._lock:
            queued = [unit.decision.rule for unit in list(self._queue) if unit.decision and unit.decision.keep]
            return self.account.snapshot(started=started, open_units=open_units, pending=pending, queued=queued)

    def backlog(self) -> tuple[int, int]:
        """Return how many units wait for redaction, and their estimated bytes."""
        return len(self._queue) + sum(map(len, self._held.values())), self._backlog_bytes


def _root_id(unit: Unit) -> int:
    root = unit.root
    return int(root.id if type(root) is TracedSpan else root.get_span_context().span_id)


def _root_facts(root: Any) -> tuple[int, int, int]:
    start = root.start_time or 0
    return root.get_span_context().span_id, start, root.end_time or start


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def score_json(score: ScoreRecord) -> dict[str, Any]:
    """Return a score in the form of Langfuse's `POST /api/public/scores`."""
    seconds, rest = divmod(score.timestamp_ns, 1_000_000_000)
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    body = {
        "id": score.id,
        "name": score.name,
        "value": score.value,
        "dataType": score.data_type,
        "traceId": score.trace_id,
        "observationId": score.observation_id,
        "sessionId": score.session_id,
        "comment": score.comment,
        "metadata": score.metadata,
        "timestamp": f"{moment}.{rest // 1_000_000:03d}Z",
    }
    return {key: value for key, value in body.items() if value is not None}
