"""What a kept unit passes on the worker: redaction, the stamp of its decision, ledger, spool, listeners."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from certtrace.assembly.ahead import Ahead
from certtrace.assembly.redaction import Route
from certtrace.assembly.scores import redacted_score, score_json
from certtrace.assembly.stamp import stamp
from certtrace.delivery.recorder import Recorder
from certtrace.ports import RULES, Decision, GivenUpError, Payload, ScoreRecord, SpanRecord
from certtrace.redaction.structure import jsontext
from certtrace.tracing.records import bare_records_of
from certtrace.tracing.spans import TracedSpan
from certtrace.tracing.units import Unit

_log = logging.getLogger("certtrace")

_PROMOTED: Final = RULES.index("promoted")
_AFTER_ALL: Final = Decision(keep=True, rule="promoted", threshold=0, counts=False)
"""A unit that was dropped and is wanted after all: its R is below its T, so it counts nothing."""
_NO_WEIGHT: Final = 8
"""The skeleton's flag for that."""


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

    def content(self, sequence: int, *payloads: Payload) -> bool:
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

    routes: Sequence[Route]
    """Who redacts for whom; listeners and ledger get what the first gives."""
    encode: Encoder
    resource: Mapping[str, object]
    reduce: Callable[[list[object]], list[object]] = list
    """Leaves of captured identities only what identifies somebody."""
    spool: ContentSpool | None = None
    enter: Callable[["Decided", Mapping[str, int]], None] | None = None
    """Writes the ledger's entry of a decided unit, with what redaction found in it."""
    wake: Callable[[], None] | None = None
    """Tells delivery that the spool has something new."""
    recorder: Recorder | None = None
    """Takes redacted units that were not kept."""
    listeners: list[Callable[[Sequence[SpanRecord]], None]] = field(default_factory=list)
    """Who else gets redacted, sampled spans: processors of other libraries, a test's fixture."""
    score_listeners: list[Callable[[ScoreRecord], None]] = field(default_factory=list)


class Outlet:
    """Sends units and scores through the stations and keeps the totals. For one worker at a time."""

    def __init__(self, stations: Stations) -> None:
        """Take the stations."""
        self.stations = stations
        self.findings: dict[str, int] = {}
        """What redaction found, by type."""
        self.withheld = 0
        self.spans_out = 0
        self.is_promoting = False
        """Whether a unit is between the spool's acceptance and the account."""
        self.ahead = Ahead(lambda: stations.routes)
        self._lock = threading.Lock()
        self._logged: set[str] = set()
        self._stopped = False

    def enter(self, decided: Decided) -> None:
        """Enter a dropped unit in the ledger."""
        if self.stations.enter is not None:
            self.stations.enter(decided, {})

    def wake(self) -> None:
        """Tell delivery that there is something new."""
        if self.stations.wake is not None:
            self.stations.wake()

    def stop(self) -> None:
        """Break off the redaction of the unit in work: the process ends."""
        self._stopped = True

    def goes_on(self) -> bool:
        """Tell whether `stop` was not called."""
        return not self._stopped

    def send_bare(self, unit: Unit, error: Exception) -> None:
        """Send the unit without any text: what is left when it could not be redacted or encoded, or not in time."""
        reason = "shutdown" if isinstance(error, GivenUpError) else "redaction_failed"
        if reason == "redaction_failed":
            cause = type(error).__name__
            self._log_once(f"Units could not be redacted or encoded ({cause}); their spans go out without content.")
        try:
            spans = bare_records_of(unit, reason)
            self.count_findings({}, len(spans))
            if unit.decision is not None:
                stamp(spans, unit.decision, unit)
            data = self.stations.encode(spans, self.stations.resource)
            if self.stations.enter is not None and unit.decision is not None:
                self.stations.enter(Decided(unit.trace_id, root_id(unit), len(spans), unit.decision, data), {})
            if self.stations.spool is not None:
                self.stations.spool.content(unit.sequence, Payload("spans", data, f"{unit.trace_id:032x}"))
            self.spans_out += len(spans)
        except Exception as again:  # noqa: BLE001 - the skeleton on disk is delivered by the next process
            _log.error("A unit could not be sent without content either (%s).", type(again).__name__)

    def is_redacted(self, unit: Unit) -> bool:
        """Tell whether a unit will be redacted: it is kept, or set aside."""
        decision = unit.decision
        return decision is not None and bool(unit.ended) and (decision.keep or self.stations.recorder is not None)

    def send(self, unit: Unit, decision: Decision) -> None:
        """Redact a kept unit, enter it in the ledger and spool it.

        Raises:
            GivenUpError: `stop` was called during the work.
        """
        stations = self.stations
        identities = unit.group.reduce(stations.reduce) if unit.group is not None else []
        spans, payloads, counts = self._redacted(unit, decision, identities)
        if stations.enter is not None:
            stations.enter(Decided(unit.trace_id, root_id(unit), len(spans), decision, payloads[0].data), counts)
        if stations.spool is not None:
            stations.spool.content(unit.sequence, *payloads)
        self.spans_out += len(spans)
        self._tell(spans)
        for score in unit.scores or ():
            self.send_score(score, identities)
        if stations.spool is not None:
            for told in unit.foreign_scores or ():
                data = jsontext.dumps([told]).encode()
                stations.spool.content(0, Payload("scores", data, str(told.get("traceId") or "")))

    def _redacted(
        self, unit: Unit, decision: Decision, identities: Sequence[object]
    ) -> tuple[list[SpanRecord], list[Payload], dict[str, int]]:
        """Return the unit's spans as the first route redacts them, the content of all routes, and what was found."""
        stations, trace_id = self.stations, f"{unit.trace_id:032x}"
        records = self.ahead.records_of(unit)
        first, *others = stations.routes
        spans = first.redactor.redact_unit(records, identities, self.goes_on)
        counts, withheld = stamp(spans, decision, unit)
        self.count_findings(counts, withheld)
        payloads = [Payload("spans", stations.encode(spans, stations.resource), trace_id, first.destinations)]
        if stations.spool is not None:
            for other in others:
                theirs = other.redactor.redact_unit(records, identities, self.goes_on)
                stamp(theirs, decision, unit)
                data = stations.encode(theirs, stations.resource)
                payloads.append(Payload("spans", data, trace_id, other.destinations))
        return spans, payloads, counts

    # --- the flight recorder ---------------------------------------------------------------------------------------

    def put_aside(self, unit: Unit, decision: Decision) -> None:
        """Redact a unit that was not kept and give it to the flight recorder, stamped as it would come after all."""
        stations = self.stations
        self.enter(Decided(unit.trace_id, root_id(unit), len(unit.ended), decision))
        if stations.recorder is None:
            return
        identities = unit.group.reduce(stations.reduce) if unit.group is not None else []
        spans, payloads, _counts = self._redacted(unit, _AFTER_ALL, identities)
        for score in unit.scores or ():
            payloads += self._score_payloads(score, identities)[1]
        stations.recorder.put_aside(unit.trace_id, root_id(unit), decision, len(spans), payloads)

    def promote(self, trace_id: int, count: Callable[[str], None]) -> int:
        """Send what was put aside of a trace.

        Args:
            trace_id: The trace.
            count: Told of each unit that the spool accepted for what reason this process had dropped it; nothing where
                another did, which has ended: it was never in this one's account.

        Returns:
            How many units of this process.
        """
        recorder, spool = self.stations.recorder, self.stations.spool
        if recorder is None or spool is None:
            return 0
        sent = 0
        for aside in recorder.take(trace_id):
            root, spans, time_ns = aside.root_span_id, aside.span_count, aside.time_ns
            is_own = recorder.is_own(aside)
            self.is_promoting = True
            try:
                sequence = spool.accept(trace_id, root, time_ns, time_ns, 0, spans, _NO_WEIGHT, 0, _PROMOTED)
                if sequence:
                    count(aside.decision.rule if is_own else "")
            finally:
                self.is_promoting = False
            if not sequence:
                recorder.put_back(aside)  # the spool is full: it comes again
                continue
            sent += is_own
            data = aside.payloads[0].data if aside.payloads else b""
            if self.stations.enter is not None:
                self.stations.enter(Decided(trace_id, root, spans, _AFTER_ALL, data), {})
            spool.content(sequence, *aside.payloads)
            self.spans_out += spans
        return sent

    def publish(self, trace_id: int) -> None:
        """Tell other processes that a trace is wanted."""
        if self.stations.recorder is not None:
            self.stations.recorder.publish(trace_id)

    def wanted_elsewhere(self) -> Sequence[int]:
        """Return the traces with something put aside here that some process wants; does the recorder's upkeep too."""
        recorder = self.stations.recorder
        if recorder is None:
            return ()
        recorder.maintain()
        return recorder.wanted()

    # --- listeners, totals and scores ------------------------------------------------------------------------------

    def _tell(self, spans: Sequence[SpanRecord]) -> None:
        for listener in self.stations.listeners:
            try:
                listener(spans)
            except Exception as error:  # noqa: BLE001 - the content is out already; a listener must not undo that
                self._log_once(f"A listener failed ({type(error).__name__}); what was delivered is not affected.")

    def _log_once(self, line: str) -> None:
        if line not in self._logged:
            self._logged.add(line)
            _log.error(line)

    def count_findings(self, counts: Mapping[str, int], withheld: int = 0) -> None:
        """Add what redaction found to the totals of this process."""
        with self._lock:
            for kind, number in counts.items():
                self.findings[kind] = self.findings.get(kind, 0) + number
            self.withheld += withheld

    def send_score(self, record: ScoreRecord, identities: Sequence[object] = ()) -> None:
        """Redact a score and spool it. Never raises: a score that cannot be redacted is withheld and counted."""
        try:
            clean, payloads = self._score_payloads(record, identities)
            if self.stations.spool is not None:
                self.stations.spool.content(0, *payloads)
                self.wake()
            for listener in self.stations.score_listeners:
                listener(clean)
        except Exception as error:  # noqa: BLE001 - the worker has to go on
            self.count_findings({}, 1)
            _log.error("A score could not be redacted (%s) and was withheld.", type(error).__name__)

    def _score_payloads(self, record: ScoreRecord, identities: Sequence[object]) -> tuple[ScoreRecord, list[Payload]]:
        """Return a score as the first route redacts it, and the content of all routes."""
        redacted = [(route, *redacted_score(route.redactor, record, identities)) for route in self.stations.routes]
        _, clean, receipt = redacted[0]
        self.count_findings(receipt.counts, receipt.withheld)
        payloads = [
            Payload("scores", jsontext.dumps([score_json(score)]).encode(), record.trace_id or "", route.destinations)
            for route, score, _ in redacted
        ]
        return clean, payloads


def root_id(unit: Unit) -> int:
    """Return the span id of a unit's local root."""
    root = unit.root
    return int(root.id if type(root) is TracedSpan else root.get_span_context().span_id)
