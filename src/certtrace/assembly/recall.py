"""Sending what was not kept after all, and saying what of it there was."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from certtrace.assembly.destinations import destinations_of
from certtrace.assembly.keys import LEDGER, load_or_create
from certtrace.assembly.promotion import RULE, promoted
from certtrace.delivery import recordings
from certtrace.delivery.asides import Aside
from certtrace.delivery.recorder import Recorder
from certtrace.delivery.restamp import kinships
from certtrace.delivery.sender import Delivery
from certtrace.delivery.spool import Spool
from certtrace.errors import TraceNotFoundError
from certtrace.ledger import Entry, Ledger, entries_of
from certtrace.ports import RULES, Decision, Payload
from certtrace.records.source import StoreSource
from certtrace.settings import Settings

_RULE_NUMBER: Final = RULES.index(RULE)
_NO_WEIGHT: Final = 8
"""Flag in a skeleton: the unit stands for nothing in an estimate."""
_STOP_SECONDS: Final = 0.5
_ON_PURPOSE: Final = frozenset({"drop_rule", "forced"})
_UNDER_PRESSURE: Final = frozenset({"backlog_full", "spool_full", "shutdown", "fault", "stress"})


@dataclass(frozen=True, slots=True)
class Gone:
    """A unit that was dropped and is in no recorder."""

    root: str
    """Span id of its local root."""
    rule: str
    """What dropped it."""
    spans: int
    time_ns: int
    why: str
    """`on_purpose` (drop rule or code) and `under_pressure` (refused whole): never recorded; else `expired`, or
    `displaced`: the recorder was off then, or others needed its room."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is left of one trace."""

    trace_id: str
    kept: int = 0
    """Units that were kept when they were decided."""
    promoted: int = 0
    """Units that were sent just now."""
    promoted_before: int = 0
    """Units that had been dropped and were sent before this recall."""
    refused: int = 0
    """Units that were found and that the spool did not take."""
    spans: int = 0
    """Spans that were sent just now."""
    gone: tuple[Gone, ...] = ()
    orphans: int | None = 0
    """Spans whose parent nobody here has; None where the kept units cannot be read from here."""

    @property
    def is_known(self) -> bool:
        """Whether anybody here ever saw the trace."""
        return bool(self.kept or self.promoted or self.promoted_before or self.refused or self.gone)

    @property
    def is_complete(self) -> bool:
        """Whether every unit and every parent is there."""
        return self.is_known and not self.gone and not self.refused and not self.orphans


@dataclass(frozen=True, slots=True)
class RecallResult:
    """What a recall achieved."""

    traces: tuple[Recalled, ...]
    undelivered: Mapping[str, int] = field(default_factory=dict)
    """Units that wait in the spool, by destination."""
    told: bool = True
    """Whether other processes and machines were told to send theirs."""


def recall(settings: Settings, trace_ids: Sequence[int], *, timeout_seconds: float) -> RecallResult:
    """Send what the recorders of this home hold of the traces, and tell everyone to keep the rest.

    Args:
        settings: Whose home and whose destinations.
        trace_ids: The traces.
        timeout_seconds: How long to wait for the destinations; what they did not take stays in the spool.

    Raises:
        SpoolError: The spool folder cannot be used.
        StoreError: The store cannot be opened.
        ConfigurationError: A key or an address cannot be used.
    """
    found = recordings.find(settings.recorder_path, set(trace_ids))
    recorder = Recorder(
        settings.recorder_path,
        settings.signals_path,
        max_bytes=settings.recorder_max_bytes,
        max_seconds=settings.recorder_max_seconds,
    )
    sent: list[Aside] = []
    undelivered: Mapping[str, int] = {}
    entries = entries_of(settings.ledger_path, {f"{trace_id:032x}" for trace_id in trace_ids})
    if found.asides:
        sent, undelivered = _send(settings, found.asides, timeout_seconds)
        # Before the signal: the processes that hear it must not send the same once more.
        recorder.note_recalled(sent)
    for trace_id in trace_ids:
        recorder.publish(trace_id)
    recorder.close(_STOP_SECONDS)
    traces = [
        _told(
            settings,
            trace_id,
            [entry for entry in entries if entry.trace_id == f"{trace_id:032x}"],
            found,
            {aside.key for aside in sent},
        )
        for trace_id in trace_ids
    ]
    return RecallResult(tuple(traces), undelivered, told=not recorder.counters().signal_failures)


def _send(settings: Settings, asides: Iterable[Aside], timeout_seconds: float) -> tuple[list[Aside], Mapping[str, int]]:
    """Spool and deliver the units; return those that the spool took, and what is not delivered."""
    destinations = destinations_of(settings)
    spool = Spool(
        settings.spool_path,
        fsync=settings.spool_fsync,
        max_bytes=settings.spool_max_bytes,
        min_free_bytes=settings.spool_min_free_bytes,
    )
    with closing(Ledger(settings.ledger_path, load_or_create(settings.keys_path, LEDGER))) as ledger:
        delivery = Delivery(spool, destinations)
        sent = [aside for aside in asides if _spool(aside, spool, ledger)]
        undelivered = delivery.flush(timeout_seconds).undelivered
        delivery.close(0.0)
        spool.close()
    return sent, undelivered


def _spool(aside: Aside, spool: Spool, ledger: Ledger) -> bool:
    try:
        decision, payloads = promoted(aside)
    except ValueError:
        return False
    now = time.time_ns()
    sequence = spool.accept(
        aside.trace_id,
        aside.root_span_id,
        aside.time_ns,
        now,
        span_count=aside.span_count,
        outcome=0 if decision.counts else _NO_WEIGHT,
        threshold=decision.threshold,
        rule=_RULE_NUMBER,
    )
    if not sequence or not spool.content(sequence, *payloads):
        return False
    _enter(ledger, aside, decision, payloads)
    return True


def _enter(ledger: Ledger, aside: Aside, decision: Decision, payloads: Sequence[Payload]) -> None:
    ledger.append(
        trace_id=f"{aside.trace_id:032x}",
        root_span_id=f"{aside.root_span_id:016x}",
        decision=decision,
        span_count=aside.span_count,
        content=payloads[0].data if payloads else b"",
    )


def _told(
    settings: Settings,
    trace_id: int,
    entries: Sequence[Entry],
    found: recordings.Findings,
    sent: set[tuple[str, int]],
) -> Recalled:
    """Compare what was decided with what was found."""
    asides = [aside for aside in found.asides if aside.trace_id == trace_id]
    before = [aside for aside in found.promoted if aside.trace_id == trace_id]
    now = [aside for aside in asides if aside.key in sent]
    dropped = [entry for entry in entries if not entry.keep]
    kept = [entry for entry in entries if entry.keep and entry.rule != RULE]
    noted = Counter(_root(aside) for aside in before)
    entered = Counter(entry.root for entry in entries if entry.keep and entry.rule == RULE)
    sent_before = noted | entered
    expired_ns = time.time_ns() - int(settings.recorder_max_seconds * 1e9)
    gone = _gone(dropped, Counter(_root(aside) for aside in asides) + sent_before, expired_ns)
    return Recalled(
        trace_id=f"{trace_id:032x}",
        kept=len(kept),
        promoted=len(now),
        promoted_before=sent_before.total(),
        refused=len(asides) - len(now),
        spans=sum(aside.span_count for aside in now),
        gone=tuple(gone),
        orphans=_orphans(settings, trace_id, [*before, *now], others=len(kept) + sent_before.total() - len(before)),
    )


def _root(aside: Aside) -> str:
    return f"{aside.root_span_id:016x}"


def _gone(dropped: Sequence[Entry], there: Counter[str], expired_ns: int) -> Iterable[Gone]:
    """Yield the dropped units that are neither in a recorder nor sent, matched by their local roots."""
    left = Counter(there)
    for entry in reversed(dropped):
        if left[entry.root] > 0:
            left[entry.root] -= 1
        else:
            yield Gone(entry.root, entry.rule, entry.spans, entry.time_ns, _why(entry, expired_ns))


def _why(entry: Entry, expired_ns: int) -> str:
    if entry.rule in _ON_PURPOSE:
        return "on_purpose"
    if entry.rule in _UNDER_PRESSURE:
        return "under_pressure"
    return "expired" if entry.time_ns < expired_ns else "displaced"


def _orphans(settings: Settings, trace_id: int, asides: Iterable[Aside], *, others: int) -> int | None:
    """Return how many spans refer to a parent that neither the recordings nor the store have."""
    parents: dict[int, int] = {}
    for payload in (payload for aside in asides for payload in aside.payloads if payload.kind == "spans"):
        parents.update(kinships(payload.data))
    if "store" in settings.destinations:
        parents |= _stored(settings, f"{trace_id:032x}")
    elif others:
        return None
    return sum(1 for parent in parents.values() if parent and parent not in parents)


def _stored(settings: Settings, trace_id: str) -> dict[int, int]:
    try:
        observations = StoreSource(settings.store_path).get_trace(trace_id).observations
    except TraceNotFoundError:
        return {}
    return {int(each.id, 16): int(each.parent_observation_id or "0", 16) for each in observations}
