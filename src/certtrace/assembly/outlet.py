"""What a kept unit passes on the worker: redaction, the stamp of its decision, ledger, spool, listeners."""

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol

import orjson

from certtrace import semconv
from certtrace.assembly.redaction import Route
from certtrace.ports import Decision, Payload, Receipt, ScoreRecord, SpanRecord
from certtrace.sampling import threshold_hex, tracestate_with
from certtrace.tracing.records import bare_records_of, records_of
from certtrace.tracing.spans import TracedSpan
from certtrace.tracing.units import Unit

_log = logging.getLogger("certtrace")

_RANDOMNESS: Final = re.compile(r"(?<![a-z0-9])rv:[0-9a-f]{14}(?![0-9a-f])")
_NOTHING_FOUND: Final = '"counts":{},"withheld":0'
"""In most receipts; the others are read."""


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
        self._lock = threading.Lock()
        self._logged: set[str] = set()

    def enter(self, decided: Decided) -> None:
        """Enter a dropped unit in the ledger."""
        if self.stations.enter is not None:
            self.stations.enter(decided, {})

    def wake(self) -> None:
        """Tell delivery that there is something new."""
        if self.stations.wake is not None:
            self.stations.wake()

    def send_bare(self, unit: Unit, error: Exception) -> None:
        """Send the unit without any text: what is left when redaction or encoding failed as a whole."""
        cause = type(error).__name__
        self._log_once(f"Units could not be redacted or encoded ({cause}); their spans go out without content.")
        try:
            spans = bare_records_of(unit)
            self.count_findings({}, len(spans))
            data = self.stations.encode(spans, self.stations.resource)
            if self.stations.enter is not None and unit.decision is not None:
                self.stations.enter(Decided(unit.trace_id, root_id(unit), len(spans), unit.decision, data), {})
            if self.stations.spool is not None:
                self.stations.spool.content(unit.sequence, Payload("spans", data, f"{unit.trace_id:032x}"))
        except Exception as again:  # noqa: BLE001 - the skeleton on disk is delivered by the next process
            _log.error("A unit could not be sent without content either (%s).", type(again).__name__)

    def send(self, unit: Unit, decision: Decision) -> None:
        """Redact a kept unit, enter it in the ledger and spool it."""
        stations = self.stations
        identities = unit.group.reduce(stations.reduce) if unit.group is not None else []
        records = records_of(unit)
        first, *others = stations.routes
        spans = first.redactor.redact_unit(records, identities)
        counts, withheld = self._stamp(spans, decision, unit)
        self.count_findings(counts, withheld)
        data = stations.encode(spans, stations.resource)
        if stations.enter is not None:
            stations.enter(Decided(unit.trace_id, root_id(unit), len(spans), decision, data), counts)
        if stations.spool is not None:
            trace_id = f"{unit.trace_id:032x}"
            payloads = [Payload("spans", data, trace_id, first.destinations)]
            for other in others:
                theirs = other.redactor.redact_unit(records, identities)
                self._stamp(theirs, decision, unit)
                data = stations.encode(theirs, stations.resource)
                payloads.append(Payload("spans", data, trace_id, other.destinations))
            stations.spool.content(unit.sequence, *payloads)
        self.spans_out += len(spans)
        self._tell(spans)
        for score in unit.scores or ():
            self.send_score(score, identities)

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

    @staticmethod
    def _stamp(spans: Sequence[SpanRecord], decision: Decision, unit: Unit) -> tuple[dict[str, int], int]:
        """Put rule, threshold and receipt where they can be read; return what was found and withheld in all spans."""
        total: dict[str, int] = {}
        withheld = 0
        stamp = _stamp_of(decision.rule, decision.threshold)
        # Of the state that came from outside only the randomness: the rest was redacted away on the span itself.
        randomness = _RANDOMNESS.search(unit.trace_state)
        state = tracestate_with(f"{semconv.TRACESTATE_KEY}={randomness[0]}" if randomness else "", decision.threshold)
        for span in spans:
            own = span.scope.name == semconv.SCOPE_NAME
            receipt = span.attributes.pop(semconv.REDACTION_RECEIPT, None)
            withheld += _add_up(receipt, total)
            # Langfuse shows a foreign span's metadata only under its own prefix.
            span.attributes[semconv.SAMPLING if own else semconv.metadata(semconv.SAMPLING)] = stamp
            if receipt is not None:
                key = semconv.REDACTION_RECEIPT if own else semconv.metadata(semconv.REDACTION_RECEIPT)
                span.attributes[key] = receipt
            span.trace_state = tracestate_with(span.trace_state, decision.threshold) if span.trace_state else state
        return total, withheld

    def count_findings(self, counts: Mapping[str, int], withheld: int = 0) -> None:
        """Add what redaction found to the totals of this process."""
        with self._lock:
            for kind, number in counts.items():
                self.findings[kind] = self.findings.get(kind, 0) + number
            self.withheld += withheld

    def send_score(self, record: ScoreRecord, identities: Sequence[object] = ()) -> None:
        """Redact a score and spool it. Never raises: a score that cannot be redacted is withheld and counted."""
        try:
            self._send_score(record, identities)
        except Exception as error:  # noqa: BLE001 - the worker has to go on
            self.count_findings({}, 1)
            _log.error("A score could not be redacted (%s) and was withheld.", type(error).__name__)

    def _send_score(self, record: ScoreRecord, identities: Sequence[object]) -> None:
        stations = self.stations
        first, *others = stations.routes
        clean, receipt = self._redacted_score(first, record, identities)
        self.count_findings(receipt.counts, receipt.withheld)
        if stations.spool is not None:
            scores = [clean, *(self._redacted_score(other, record, identities)[0] for other in others)]
            payloads = [
                Payload("scores", orjson.dumps([score_json(score)]), record.trace_id or "", route.destinations)
                for route, score in zip(stations.routes, scores, strict=True)
            ]
            stations.spool.content(0, *payloads)
            self.wake()
        for listener in stations.score_listeners:
            listener(clean)

    @staticmethod
    def _redacted_score(route: Route, record: ScoreRecord, identities: Sequence[object]) -> tuple[ScoreRecord, Receipt]:
        told = {
            "name": record.name,
            "value": record.value,
            "comment": record.comment,
            "metadata": _plain(record.metadata),
        }
        redacted, receipt = route.redactor.redact_value(told, identities)
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
        return clean, receipt


def _add_up(receipt: object, total: dict[str, int]) -> int:
    """Add what a receipt says was found to `total`; return how much was withheld."""
    if not isinstance(receipt, str) or _NOTHING_FOUND in receipt:
        return 0
    told = orjson.loads(receipt)
    for kind, number in told.get("counts", {}).items():
        total[kind] = total.get(kind, 0) + number
    return int(told.get("withheld", 0))


@lru_cache(maxsize=256)
def _stamp_of(rule: str, threshold: int) -> str:
    return orjson.dumps({"rule": rule, "th": threshold_hex(threshold)}).decode()


def root_id(unit: Unit) -> int:
    """Return the span id of a unit's local root."""
    root = unit.root
    return int(root.id if type(root) is TracedSpan else root.get_span_context().span_id)


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
