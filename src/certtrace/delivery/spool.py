"""The spool: accepted means on disk before the caller goes on; what is on disk reaches every destination."""

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from certtrace.delivery import files
from certtrace.delivery.adoption import StandIn
from certtrace.delivery.backlog import Backlog, Item, Pending
from certtrace.delivery.budget import Budget, Gate, is_certain
from certtrace.delivery.counters import Owed, SpoolCounters, SpoolFacts
from certtrace.delivery.directory import Manifest, Position
from certtrace.delivery.fates import Books, Fate
from certtrace.delivery.journal import REFUSED, Journal, Troubled
from certtrace.delivery.orphans import Orphans
from certtrace.delivery.output import Output, Sizes
from certtrace.delivery.parting import halve_unit
from certtrace.delivery.ring import Ring
from certtrace.delivery.syncing import Fsync
from certtrace.delivery.volume import complaint_about
from certtrace.ports import RULES, Payload

_log = logging.getLogger(__name__)

_MIB: Final = 1024 * 1024
_USAGE_SECONDS: Final = 5.0
_ADOPT_SECONDS: Final = 15.0
_CLOSE_SECONDS: Final = 1.0
_SEGMENTS: Final = 16
_SMALLEST_SEGMENT: Final = 64 * 1024
_DIVIDE_ABOVE: Final = 4 * _MIB


class Source(Protocol):
    """Something that destinations are owed from."""

    def read(self, destination: str, max_bytes: int, max_units: int) -> list[Item]:
        """Return the next payloads, at least one if there is any; the cursor does not move."""
        ...

    def ack(self, destination: str, items: Sequence[Item], fates: Mapping[Position, Fate] = ...) -> None:
        """Note what became of the items, delivered unless `fates` says otherwise."""
        ...

    def pending(self, destination: str) -> Pending:
        """Return what the destination has not taken."""
        ...


class Mark(NamedTuple):
    """How far this process had written at one moment."""

    disk: Position
    memory: Position


class Spool:
    """One process's part of the spool. Thread-safe, fork-safe; after construction nothing raises.

    `accept` is for the host's thread, `content` for the worker, everything else for the delivery threads.
    """

    accept: Callable[..., int]
    """`Journal.accept`: put one unit's skeleton on disk and return its sequence, or 0 where it was refused."""

    def __init__(  # noqa: PLR0913 - built in one place, from the settings
        self,
        root: Path,
        *,
        resource: Mapping[str, object] | None = None,
        rules: Sequence[str] = (),
        fsync: Fsync = "group",
        max_bytes: int = 1024 * _MIB,
        segment_bytes: int = 8 * _MIB,
        memory_bytes: int = 16 * _MIB,
        min_free_bytes: int = 64 * _MIB,
        relieve: Callable[[int], object] | None = None,
    ) -> None:
        """Open the spool and this process's directory in it.

        Args:
            root: Folder of all processes' directories; created if missing, closed to other users.
            resource: Redacted resource attributes, for the spans that stand in for content a crash destroyed.
            rules: Names of the sampling policy's own rules; see `rule_numbers`.
            fsync: When the disk is forced: never (`process`), within 0.2 s (`group`), or before a unit counts as
                accepted (`always`).
            max_bytes: Budget for everything below `root`. Above it new units are refused; accepted ones stay.
            segment_bytes: Size at which the next segment begins.
            memory_bytes: Bound for what is held in memory while the disk refuses.
            min_free_bytes: Below this much free disk, units that were kept by chance are refused.
            relieve: Called with a number of bytes when the disk is that short, before anybody is refused.

        Raises:
            SpoolError: `root` is not usable.
        """
        files.make_private_folder(root)
        self._root = root
        self._manifest = Manifest((), dict(resource or {}), (*RULES, *rules))
        self._fsync: Fsync = fsync
        # Deleted is a whole segment only: what is delivered must not keep a small spool full.
        self._sizes = Sizes(min(segment_bytes, max(max_bytes // _SEGMENTS, _SMALLEST_SEGMENT)), memory_bytes)
        self.on_content_lost: Callable[[Sequence[StandIn]], None] | None = None
        """Told of units of dead processes whose content is lost; what stands for them is in the spool by then."""
        self._budget = Budget(root, max_bytes, min_free_bytes, relieve)
        self._closed = False
        self._journal = Journal()
        self.accept = self._journal.accept
        self.rule_numbers: dict[str, int] = {}
        """The number that `accept` takes for each rule: certtrace's own, then the policy's."""
        self.add_rules(rules)
        self._begin()
        self._output.open()
        complaint = complaint_about(root)
        if complaint:
            _log.warning("%s", complaint)
        _spools.add(self)

    def _begin(self) -> None:
        """Start as a process that has written nothing: at construction, and in a forked child."""
        self._lock = threading.Lock()
        self._upkeep = threading.Lock()
        self._counters = SpoolCounters()
        self._output = Output(
            self._root,
            self._manifest,
            self._journal,
            self._counters,
            sizes=self._sizes,
            fsync=self._fsync,
            refuses=self._refuses,
        )
        self._orphans = Orphans(self._root, on_fault=self._count_fault, on_content_lost=self._content_lost)
        self._adopt_at = 0.0
        self._usage_at = 0.0
        self._gate = Gate.OPEN
        self._gate_reason = ""
        self._update_gate()

    @property
    def path(self) -> Path | None:
        """This process's directory; None until the disk gave one."""
        return self._output.path

    @property
    def is_degraded(self) -> bool:
        """Whether the disk refuses at present, so that new units are in memory only."""
        return self._output.is_degraded

    @property
    def root(self) -> Path:
        """The folder of all processes' directories."""
        return self._root

    def owe(self, destinations: Sequence[str]) -> None:
        """Name the destinations that are to get what is written from now on."""
        self._manifest = self._manifest._replace(destinations=tuple(destinations))
        self._output.describe(self._manifest)

    def add_rules(self, names: Sequence[str]) -> None:
        """Give numbers to rules that have none yet; a number once given stays, as skeletons on disk hold it."""
        known = self._manifest.rules
        known += tuple(name for name in dict.fromkeys(names) if name not in known)
        self.rule_numbers = {name: number for number, name in enumerate(known)}
        if known != self._manifest.rules:
            self._manifest = self._manifest._replace(rules=known)
            self._output.describe(self._manifest)

    def sync(self) -> bool:
        """Force what was written to the disk itself; return whether all of it is safe. Waits for the disk."""
        return self._output.sync()

    def content(self, sequence: int, *payloads: Payload) -> bool:
        """Append redacted content; False where it was refused or neither disk nor memory took it. Never raises.

        Args:
            sequence: What `accept` returned for the unit; 0 for what has no skeleton, such as scores.
            payloads: The content: one for all destinations, or several, each for its own.
        """
        try:
            with self._lock:
                if self._closed or (sequence == REFUSED and self._gate == Gate.SHUT):
                    self._counters.refused += 1
                    return False
                if not self._put(sequence, payloads):
                    self._counters.lost += 1
                    return False
                self._update_gate()
            self._output.sync_if_always()
        except Exception as error:  # noqa: BLE001 - the worker has to live on; the loss is counted
            self._counters.lost += 1
            _log.warning("A unit could not be spooled: %s. It is lost.", type(error).__name__)
            return False
        return True

    def _put(self, sequence: int, payloads: Sequence[Payload]) -> bool:
        *parts, last = [part for payload in payloads for part in _divide(payload)]
        # Only the last part has the sequence: a crash in between leaves the unit without settled content.
        taken = True
        for part in (*parts, last):
            taken = taken and self._output.put(sequence if part is last else REFUSED, part)
            self._counters.records += taken
            counted = self._counters.records_for if taken else self._counters.lost_for
            counted[part.destinations] = counted.get(part.destinations, 0) + 1
        return taken

    # --- the delivery threads' side ----------------------------------------------------------------------------------

    def sources(self, destination: str) -> list[Source]:
        """Return what the destination is owed from: this process's output, and adopted directories."""
        own = self._output.backlog
        adopted = [backlog for backlog in self._orphans.backlogs() if destination in backlog.owed]
        return [*([own] if own is not None else []), self._output.ring, *adopted]

    def mark(self) -> Mark:
        """Return how far this process has written."""
        own = self._output.backlog
        return Mark(own.end() if own is not None else Position(), self._output.ring.end())

    def reached(self, destination: str, mark: Mark) -> bool:
        """Whether the destination took everything this process wrote before the mark."""
        own = self._output.backlog
        first_moved, behind_moved = self._output.moved
        disk = max(mark.disk, behind_moved) if mark.memory >= first_moved else mark.disk
        on_disk = own is None or own.reached(destination, disk)
        return on_disk and self._output.ring.reached(destination, mark.memory)

    def pending(self, destination: str) -> Pending:
        """Return what the destination has not taken, adopted directories included."""
        parts = [source.pending(destination) for source in self.sources(destination)]
        times = [part.oldest_time_ns for part in parts if part.oldest_time_ns is not None]
        return Pending(sum(p.units for p in parts), sum(p.bytes for p in parts), min(times, default=None))

    def counters(self) -> SpoolCounters:
        """Return a copy of the counts, `accepted` brought up to date."""
        with self._lock:
            return self._count()[0]

    def books(self) -> Books:
        """Return what this process put in, and what became of it; looks at no file."""
        with self._lock:
            return self._output.books()

    def share_used(self) -> float:
        """Return how much of its budget the spool uses, all processes together; measured every few seconds."""
        return self._budget.used_bytes(self._output.written_bytes) / self._budget.max_bytes

    def facts(self) -> SpoolFacts:
        """Return how the spool stands now."""
        with self._lock:
            counters, waiting = self._count()
            own, ring = self._output.backlog, self._output.ring
            adopted = self._orphans.backlogs()
            owed = {name: _owed(name, own, ring, adopted) for name in self._manifest.destinations}
            return SpoolFacts(
                counters=counters,
                waiting=waiting,
                in_memory=ring.count(),
                is_degraded=self._output.is_degraded,
                gate=self._gate.name.lower(),
                gate_reason=self._gate_reason,
                used_bytes=self._budget.used_bytes(self._output.written_bytes),
                max_bytes=self._budget.max_bytes,
                free_bytes=self._budget.free_bytes,
                owed=owed,
                adopted_directories=len(adopted),
            )

    def _count(self) -> tuple[SpoolCounters, int]:
        handed_out, waiting = self._output.accepted()
        counted = self._counters
        copy = replace(
            counted,
            accepted=max(handed_out - counted.refused_units, 0),
            refused_by_reason=dict(counted.refused_by_reason),
            records_for=dict(counted.records_for),
            lost_for=dict(counted.lost_for),
        )
        return copy, waiting

    def maintain(self) -> None:
        """Do the upkeep that is due: probe and sync the disk, measure, adopt, delete. Called often, by any thread."""
        if self._closed or not self._upkeep.acquire(blocking=False):
            return
        try:
            self._output.maintain()
            now = time.monotonic()
            if now >= self._usage_at:
                self._usage_at = now + _USAGE_SECONDS
                self._measure()
            if now >= self._adopt_at:
                self._adopt_at = now + _ADOPT_SECONDS
                self._orphans.look(self._manifest.destinations)
            self._orphans.leave_finished(self._manifest.destinations)
        finally:
            self._upkeep.release()

    def close(self) -> None:
        """Accept no more. What is not delivered stays on disk for the next process."""
        if self._closed:
            return
        self._closed = True
        self._update_gate()
        if not self._upkeep.acquire(timeout=_CLOSE_SECONDS):
            return  # a disk that hangs must not hang the exit; the lock dies with the process, and others adopt
        try:
            self._orphans.leave_finished(self._manifest.destinations)
            self._orphans.leave_all()
            with self._lock:
                self._output.close(_CLOSE_SECONDS)
        finally:
            self._upkeep.release()

    # --- upkeep ------------------------------------------------------------------------------------------------------

    def _measure(self) -> None:
        if self._gate != Gate.OPEN:
            self._output.make_room()
        # Taken off afterwards: what is written while the folder is looked through counts twice rather than never.
        before = self._output.written_bytes
        self._budget.measure(is_refused=self._output.is_degraded)
        self._output.written_bytes -= before
        self._update_gate()

    def _update_gate(self) -> None:
        if self._closed:
            self._gate, self._gate_reason = Gate.SHUT, "closed"
        else:
            self._gate, self._gate_reason = self._budget.judge(self._output.written_bytes)
        self._journal.is_open = self._gate == Gate.OPEN

    def _refuses(self, unit: Troubled) -> bool:
        """Decide about a unit while not everybody is taken. Called under the output's lock, on a host's thread."""
        gate, reason = self._gate, self._gate_reason
        if gate == Gate.OPEN or (gate == Gate.CERTAIN_ONLY and is_certain(unit.threshold, unit.rule)):
            return False
        self._counters.refused_units += 1
        by_reason = self._counters.refused_by_reason
        by_reason[reason] = by_reason.get(reason, 0) + 1
        return True

    def _count_fault(self, fault: str) -> None:
        with self._lock:
            setattr(self._counters, fault, getattr(self._counters, fault) + 1)

    def _content_lost(self, units: Sequence[StandIn]) -> None:
        with self._lock:
            self._counters.content_lost += len(units)
        if self.on_content_lost is not None:
            self.on_content_lost(units)

    def _after_fork_in_child(self) -> None:
        """Become a process of its own: files are dropped unflushed, the directory is opened on first use."""
        self._output.forget_after_fork()
        self._orphans.forget_after_fork()
        self._begin()


def _divide(payload: Payload) -> list[Payload]:
    """Return the payload in parts that a destination takes: a unit of many large spans exceeds any backend's limit."""
    if payload.kind != "spans" or len(payload.data) <= _DIVIDE_ABOVE:
        return [payload]
    halves = halve_unit(payload.data)
    if halves is None:
        return [payload]
    return [part for half in halves for part in _divide(replace(payload, data=half))]


def _owed(name: str, own: Backlog | None, ring: Ring, adopted: Sequence[Backlog]) -> Owed:
    parts = [ring.pending(name), *([own.pending(name)] if own is not None else [])]
    others = [backlog.pending(name) for backlog in adopted if name in backlog.owed]
    times = [part.oldest_time_ns for part in (*parts, *others) if part.oldest_time_ns is not None]
    return Owed(
        records=sum(part.units for part in parts),
        bytes=sum(part.bytes for part in parts),
        oldest_time_ns=min(times, default=None),
        adopted_records=sum(part.units for part in others),
        adopted_bytes=sum(part.bytes for part in others),
    )


_spools: "weakref.WeakSet[Spool]" = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for spool in list(_spools):
        spool._after_fork_in_child()  # noqa: SLF001 - the same module; no caller outside may do this


os.register_at_fork(after_in_child=_after_fork_in_child)
