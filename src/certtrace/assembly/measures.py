"""What the metrics measure: each instrument, its unit, and where its values come from."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from certtrace.assembly.running import Running
from certtrace.delivery.counters import Owed, SpoolFacts
from certtrace.delivery.lane import LaneStatus
from certtrace.sampling import AccountSnapshot

RULE: Final = "certtrace.rule"
REASON: Final = "certtrace.reason"
STATE: Final = "certtrace.state"
DESTINATION: Final = "certtrace.destination"
FINDING: Final = "certtrace.redaction.type"
CAUSE: Final = "certtrace.fault.cause"
OTHER: Final = "other"
"""Stands for further values of an attribute that has too many."""

_MAX_VALUES: Final = 100
"""Values of one attribute that are told apart."""

Attributes: TypeAlias = tuple[tuple[str, str], ...]
Kind: TypeAlias = Literal["counter", "up_down_counter", "gauge"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One running pipeline at one moment."""

    account: AccountSnapshot
    findings: Mapping[str, int]
    withheld: int
    spans: int
    waiting_units: int
    waiting_bytes: int
    faults: Mapping[str, int]
    stressed: bool = False
    """Whether memory or the spool runs full, so that units without special reason are thinned."""
    spool: SpoolFacts | None = None
    lanes: Mapping[str, LaneStatus] = field(default_factory=dict)
    ledger_failures: int = 0
    imbalance: int = 0
    sums: str = ""
    """The account's sums in words."""

    @classmethod
    def of(cls, running: Running) -> "Reading":
        """Read a pipeline; it may be closed."""
        status = running.status()
        units, size = running.pipeline.backlog()
        return cls(
            account=status.account,
            findings=status.redaction,
            withheld=status.withheld,
            spans=status.spans,
            waiting_units=units,
            waiting_bytes=size,
            faults=status.faults,
            stressed=running.pipeline.light_below > 0,
            spool=running.spool.facts() if running.spool is not None else None,
            lanes=running.delivery.status().destinations if running.delivery is not None else {},
            ledger_failures=running.ledger.failures if running.ledger is not None else 0,
            imbalance=status.imbalance,
            sums=status.describe(),
        )


Read: TypeAlias = Callable[[Reading], Iterable[tuple[float, Attributes]]]


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument and where its values come from."""

    name: str
    kind: Kind
    unit: str
    description: str
    read: Read


def _one(value: Callable[[Reading], float]) -> Read:
    return lambda reading: [(value(reading), ())]


def _each(key: str, values: Callable[[Reading], Mapping[str, float]]) -> Read:
    told_apart: set[str] = set()

    def name_of(value: str) -> str:
        # Who was told apart once stays so: a count must not move from one name to another.
        if value not in told_apart and len(told_apart) >= _MAX_VALUES:
            return OTHER
        told_apart.add(value)
        return value

    def read(reading: Reading) -> Iterator[tuple[float, Attributes]]:
        for name, value in values(reading).items():
            yield value, ((key, name_of(name)),)

    return read


def _spool(value: Callable[[SpoolFacts], float]) -> Read:
    return lambda reading: [(value(reading.spool), ())] if reading.spool is not None else []


def _owed(value: Callable[[Owed], float]) -> Read:
    def values(reading: Reading) -> Mapping[str, float]:
        return {name: value(owed) for name, owed in reading.spool.owed.items()} if reading.spool is not None else {}

    return _each(DESTINATION, values)


def _lanes(value: Callable[[LaneStatus], float]) -> Read:
    return _each(DESTINATION, lambda reading: {name: value(lane) for name, lane in reading.lanes.items()})


def _refused(reading: Reading) -> Mapping[str, int]:
    return reading.spool.counters.refused_by_reason if reading.spool is not None else {}


_GATES: Final = {"open": 0, "certain_only": 1}


def _age(owed: Owed) -> float:
    return max(time.time_ns() - owed.oldest_time_ns, 0) / 1e9 if owed.oldest_time_ns is not None else 0.0


def _counter(name: str, unit: str, description: str, read: Read) -> Instrument:
    return Instrument(name, "counter", unit, description, read)


def _level(name: str, unit: str, description: str, read: Read) -> Instrument:
    """Make an instrument whose values add up over processes, and go down as well."""
    return Instrument(name, "up_down_counter", unit, description, read)


def _gauge(name: str, unit: str, description: str, read: Read) -> Instrument:
    return Instrument(name, "gauge", unit, description, read)


INSTRUMENTS: Final = (
    _counter("certtrace.unit.started", "{unit}", "Local roots that began.", _one(lambda now: now.account.started)),
    _level(
        "certtrace.unit.active",
        "{unit}",
        "Units that are not decided: open, or pending on spans below their root or on a limit.",
        _each(STATE, lambda now: {"open": now.account.open, "pending": now.account.pending}),
    ),
    _counter(
        "certtrace.unit.kept", "{unit}", "Units kept, by rule.", _each(RULE, lambda now: now.account.kept_by_rule)
    ),
    _counter(
        "certtrace.unit.dropped", "{unit}", "Units dropped, by reason.", _each(REASON, lambda now: now.account.dropped)
    ),
    _level(
        "certtrace.redaction.queue.size",
        "{unit}",
        "Kept units that wait for redaction.",
        _one(lambda now: now.waiting_units),
    ),
    _level(
        "certtrace.redaction.queue.memory",
        "By",
        "Estimated memory of the units that wait for redaction.",
        _one(lambda now: now.waiting_bytes),
    ),
    _counter(
        "certtrace.redaction.found",
        "{finding}",
        "What redaction found, by type.",
        _each(FINDING, lambda now: now.findings),
    ),
    _counter(
        "certtrace.redaction.withheld",
        "{value}",
        "Values withheld because redaction failed or a bound was exceeded.",
        _one(lambda now: now.withheld),
    ),
    _counter(
        "otel.sdk.processor.span.processed",
        "{span}",
        "Redacted spans that left the worker.",
        _one(lambda now: now.spans),
    ),
    _counter(
        "certtrace.spool.accepted",
        "{unit}",
        "Units that the spool accepted.",
        _spool(lambda now: now.counters.accepted),
    ),
    _counter("certtrace.spool.refused", "{unit}", "Units that the spool refused, by reason.", _each(REASON, _refused)),
    _counter(
        "certtrace.spool.written",
        "{record}",
        "Records of content written to disk.",
        _spool(lambda now: now.counters.spooled),
    ),
    _counter(
        "certtrace.spool.degraded",
        "{record}",
        "Records that went to memory because the disk refused.",
        _spool(lambda now: now.counters.degraded),
    ),
    _counter(
        "certtrace.spool.lost",
        "{record}",
        "Accepted records that neither disk nor memory could hold.",
        _spool(lambda now: now.counters.lost),
    ),
    _gauge(
        "certtrace.spool.disk.used",
        "By",
        "Disk that the whole spool uses, all processes together.",
        _spool(lambda now: now.used_bytes),
    ),
    _gauge("certtrace.spool.disk.limit", "By", "Disk that the whole spool may use.", _spool(lambda now: now.max_bytes)),
    _gauge(
        "certtrace.spool.refusing",
        "1",
        "Whom the spool refuses: 0 nobody, 1 units kept by chance, 2 everybody.",
        _spool(lambda now: _GATES.get(now.gate, 2)),
    ),
    _level(
        "certtrace.delivery.queue.size",
        "{record}",
        "Records that a destination has not taken.",
        _owed(lambda owed: owed.records + owed.adopted_records),
    ),
    _level(
        "certtrace.delivery.queue.bytes",
        "By",
        "Bytes that a destination has not taken.",
        _owed(lambda owed: owed.bytes + owed.adopted_bytes),
    ),
    _gauge(
        "certtrace.delivery.queue.age",
        "s",
        "Age of the oldest record that a destination has not taken; 0 for none.",
        _owed(_age),
    ),
    _counter(
        "certtrace.delivery.delivered",
        "{record}",
        "Records that a destination took.",
        _lanes(lambda lane: lane.delivered),
    ),
    _counter(
        "certtrace.delivery.rejected",
        "{item}",
        "Spans and scores refused inside batches that a destination took.",
        _lanes(lambda lane: lane.rejected),
    ),
    _counter(
        "certtrace.delivery.dead_lettered",
        "{record}",
        "Records refused alone, kept as dead letters.",
        _lanes(lambda lane: lane.dead_lettered),
    ),
    _counter(
        "certtrace.delivery.lost",
        "{record}",
        "Refused records that could not be kept as dead letters either.",
        _lanes(lambda lane: lane.lost),
    ),
    _gauge(
        "certtrace.delivery.failures",
        "{attempt}",
        "Failed attempts since the last success.",
        _lanes(lambda lane: lane.failures),
    ),
    _gauge(
        "certtrace.delivery.paused",
        "1",
        "1 while a destination waits for an operator, else 0.",
        _lanes(lambda lane: int(lane.paused)),
    ),
    _gauge(
        "certtrace.stress",
        "1",
        "1 while memory or the spool runs full and units without special reason are thinned, else 0.",
        _one(lambda now: int(now.stressed)),
    ),
    _counter(
        "certtrace.ledger.failures",
        "{entry}",
        "Entries of the ledger that could not be written.",
        _one(lambda now: now.ledger_failures),
    ),
    _gauge(
        "certtrace.account.imbalance",
        "1",
        "Units and records that the account's sums miss or count twice; 0 unless certtrace has a fault.",
        _one(lambda now: now.imbalance),
    ),
    _counter(
        "certtrace.fault", "{fault}", "Faults of certtrace's own, by cause.", _each(CAUSE, lambda now: now.faults)
    ),
)
"""Everything that is read when somebody collects."""
