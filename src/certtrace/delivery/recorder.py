"""The flight recorder: what was not kept stays on disk, redacted, for a while, and can be sent after all.

Recordings are a convenience: they are never forced to the disk, they give way to the spool when the disk runs full,
and whatever goes wrong loses recordings and nothing else.
"""

import errno
import logging
import os
import threading
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from certtrace.delivery import retention
from certtrace.delivery.asides import Aside
from certtrace.delivery.directory import ProcessDirectory
from certtrace.delivery.frames import RecordType
from certtrace.delivery.recorder_index import Index, Place
from certtrace.delivery.recordings import (
    PROMOTED_PREFIX,
    heads,
    processes,
    promotions,
    read_aside,
    recalled,
    segments,
)
from certtrace.delivery.signals import Signals
from certtrace.delivery.tape import Tape
from certtrace.errors import SpoolError
from certtrace.ports import Decision, Payload

_log = logging.getLogger(__name__)

_MIB: Final = 1024 * 1024
_SMALLEST_SEGMENT: Final = 16 * 1024
_LARGEST_SEGMENT: Final = 8 * _MIB
_SEGMENTS: Final = 16
"""A full recorder has about so many segments, so that what makes room takes little with it."""
_LOOK_SECONDS: Final = 5.0
_ADOPT_SECONDS: Final = 15.0
_ADOPTING_SECONDS: Final = 0.05
_MAX_ADOPTED: Final = 64
_RETRY_SECONDS: Final = 5.0
_CLOSE_SECONDS: Final = 0.5
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


@dataclass(slots=True)
class RecorderCounters:
    """What became of the units that were not kept, in this process."""

    put_aside: int = 0
    promoted: int = 0
    """Taken back to be sent."""
    expired: int = 0
    """Gone when they were asked for: too old, or others needed the room."""
    lost: int = 0
    """Not set aside: the disk refused."""
    bytes: int = 0
    """Size of all processes' recordings when it was last measured, and what this process has written since."""
    indexed: int = 0
    """Units that a signal would find; older ones are found by a recall only."""
    signal_failures: int = 0
    """Attempts to read or write the folder of signals that failed."""


class Recorder:
    """One process's part of the recorder. Thread-safe, fork-safe; nothing raises, not even the constructor."""

    def __init__(
        self,
        root: Path,
        signals: Path,
        *,
        max_bytes: int,
        max_seconds: float,
        min_free_bytes: int = 128 * _MIB,
    ) -> None:
        """Take the folders and the bounds; nothing is created before the first unit.

        Args:
            root: Folder of all processes' recordings.
            signals: Folder of the signals; it may be shared between machines.
            max_bytes: Budget for everything below `root`.
            max_seconds: How long a recording can be promoted, and how long a signal holds.
            min_free_bytes: Free disk that recordings give way to; above what the spool wants free.
        """
        self._root = root
        self._signals_folder = signals
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._min_free_bytes = min_free_bytes
        self._segment_bytes = min(max(max_bytes // _SEGMENTS, _SMALLEST_SEGMENT), _LARGEST_SEGMENT)
        self._budget = max_bytes - self._segment_bytes
        self._closed = False
        self._begin()
        _recorders.add(self)

    def _begin(self) -> None:
        """Start as a process that has set nothing aside: at construction, and in a forked child."""
        self._lock = threading.RLock()
        self._signals = Signals(self._signals_folder, max_seconds=self._max_seconds)
        self._counters = RecorderCounters()
        self._tape = Tape(self._root, segment_bytes=self._segment_bytes, max_seconds=self._max_seconds)
        self._sequence = 0
        self._index = Index()
        self._adopted: dict[Path, ProcessDirectory] = {}
        self._wanted: dict[int, None] = {}
        self._later: dict[int, None] = {}
        self._taken: dict[tuple[str, int], tuple[Aside, Place]] = {}
        self._unmeasured = 0
        self._look_at = self._adopt_at = self._retry_at = 0.0
        self._complained = False
        if self._closed:
            self._signals.close(0.0)

    # --- setting aside, and back -------------------------------------------------------------------------------------

    def put_aside(
        self, trace_id: int, root_span_id: int, decision: Decision, span_count: int, payloads: Sequence[Payload]
    ) -> bool:
        """Record a unit that was not kept; False, counted, where that was not possible. Never raises.

        Args:
            trace_id: 128 bits.
            root_span_id: Span id of the local root.
            decision: Why the unit was not kept.
            span_count: Spans in the unit.
            payloads: Its redacted content, as the spool would take it.
        """
        try:
            with self._lock:
                self._note_taken()
                if self._closed or time.monotonic() < self._retry_at:
                    self._counters.lost += 1
                    return False
                self._sequence += 1
                aside = Aside(
                    trace_id,
                    root_span_id,
                    decision,
                    span_count,
                    tuple(payloads),
                    time.time_ns(),
                    sequence=self._sequence,
                )
                place, grown = self._tape.write(aside)
                self._unmeasured += grown
                self._counters.put_aside += 1
                self._index.add(trace_id, place)
                if self._signals.is_kept(trace_id):
                    self._wanted[trace_id] = None
                self._measure_if_much()
        except Exception as error:  # noqa: BLE001 - the worker has to go on; the loss is counted
            self._failed(error)
            return False
        self._signals.start()
        return True

    def take(self, trace_id: int) -> list[Aside]:
        """Return what was set aside for the trace and not promoted yet, oldest first. Never raises.

        Counts as promoted from the next call of any method on; `put_back` undoes it.
        """
        try:
            with self._lock:
                self._note_taken()
                self._wanted.pop(trace_id, None)
                places = self._index.pop(trace_id)
                if not places:
                    return []
                found = [(read_aside(place.path, place.offset), place) for place in places]
                self._taken = self._promotable(found)
                self._counters.promoted += len(self._taken)
                return [aside for aside, _ in self._taken.values()]
        except Exception as error:  # noqa: BLE001 - as above
            self._complain(error)
            return []

    def put_back(self, aside: Aside) -> None:
        """Undo `take` for a unit that could not be sent; only before the next call of another method.

        `wanted` names it again after a while.
        """
        with self._lock:
            _, place = self._taken.pop(aside.key, (None, None))
            if place is not None:
                self._index.add(aside.trace_id, place)
                self._later[aside.trace_id] = None
                self._counters.promoted -= 1

    def is_own(self, aside: Aside) -> bool:
        """Whether this process set the unit aside; else it took it over from one that died."""
        return self._tape.path is not None and aside.process == self._tape.path.name

    def _promotable(self, found: Sequence[tuple[Aside | None, Place]]) -> dict[tuple[str, int], tuple[Aside, Place]]:
        since = time.time_ns() - int(self._max_seconds * 1e9)
        alive = {aside.key: (aside, place) for aside, place in found if aside is not None and aside.time_ns >= since}
        self._counters.expired += len(found) - len(alive)
        by_others = recalled(self._root)
        return {key: both for key, both in alive.items() if key not in by_others}

    def note_recalled(self, asides: Sequence[Aside]) -> bool:
        """Note that this process sent what others had set aside; return whether the note was written."""
        try:
            with self._lock:
                self._tape.note(asides)
        except Exception as error:  # noqa: BLE001 - it may be sent twice then, which span ids make harmless
            self._complain(error)
            return False
        return True

    # --- signals -----------------------------------------------------------------------------------------------------

    def publish(self, trace_id: int) -> None:
        """Tell all processes, this one included, that the trace is kept. Never raises, never waits."""
        try:
            self._signals.publish(trace_id)
        except Exception as error:  # noqa: BLE001 - the worker has to go on
            self._complain(error)

    def wanted(self) -> list[int]:
        """Return the traces that became kept since the last call and of which something is aside. Never raises."""
        try:
            with self._lock:
                self._note_taken()
                found = [*self._wanted, *(trace_id for trace_id in self._signals.heard() if trace_id in self._index)]
                self._wanted = {}
                return list(dict.fromkeys(found))
        except Exception as error:  # noqa: BLE001 - as above
            self._complain(error)
            return []

    def is_kept(self, trace_id: int) -> bool:
        """Whether a process, perhaps this one, said lately that it keeps the trace. Never raises, never waits."""
        return self._signals.is_kept(trace_id)

    # --- upkeep ------------------------------------------------------------------------------------------------------

    def counters(self) -> RecorderCounters:
        """Return a copy of the counts."""
        with self._lock:
            measured = self._counters.bytes + self._unmeasured
            return replace(
                self._counters, bytes=measured, indexed=len(self._index), signal_failures=self._signals.failures
            )

    def maintain(self) -> None:
        """Do the upkeep that is due: make room, take over what dead processes set aside. Called often. Never raises."""
        try:
            with self._lock:
                self._note_taken()
                now = time.monotonic()
                if now >= self._look_at:
                    self._make_room(self._budget)
                    self._wanted.update(self._later)
                    self._later = {}
                if now >= self._adopt_at and not self._closed:
                    self._adopt_at = now + _ADOPT_SECONDS
                    self._adopt_abandoned()
        except Exception as error:  # noqa: BLE001 - as above
            self._complain(error)

    def give_way(self, bytes_wanted: int) -> None:
        """Delete the oldest recordings for so many bytes: the spool needs the room. Never raises."""
        try:
            with self._lock:
                self._make_room(self._budget)
                self._make_room(max(self._counters.bytes - bytes_wanted, 0))
        except Exception as error:  # noqa: BLE001 - as above
            self._complain(error)

    def close(self, timeout_seconds: float = _CLOSE_SECONDS) -> None:
        """Set nothing aside any more; what is on disk can be recalled. Waits no longer than the timeout."""
        if self._closed:
            return
        self._closed = True
        self._signals.close(timeout_seconds)
        try:
            with self._lock:
                self._note_taken()
                self._tape.release()
                for directory in self._adopted.values():
                    directory.release()
        except Exception as error:  # noqa: BLE001 - the process is ending; others take over
            self._complain(error)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _note_taken(self) -> None:
        """Note as promoted what `take` gave: later than that, so that a crash in between sends twice and not never."""
        if self._taken:
            taken, self._taken = [aside for aside, _ in self._taken.values()], {}
            self._tape.note(taken)

    def _measure_if_much(self) -> None:
        if self._unmeasured >= self._segment_bytes // 4:
            self._make_room(self._budget)

    def _make_room(self, max_bytes: int) -> int:
        """Delete what no longer fits; return how many segments that were."""
        self._look_at = time.monotonic() + _LOOK_SECONDS
        kept = retention.enforce(
            self._root,
            max_bytes=max_bytes,
            max_seconds=self._max_seconds,
            min_free_bytes=self._min_free_bytes,
        )
        self._counters.bytes, self._unmeasured = kept.bytes, 0
        if kept.removed:
            own = [self._tape.path] if self._tape.path is not None else []
            there = {(directory, number) for directory in (*own, *self._adopted) for number, _ in segments(directory)}
            self._index.keep_only(there)
        return kept.removed

    def _adopt_abandoned(self) -> None:
        """Take over what dead processes set aside, so that a signal finds it; leave what holds nothing any more."""
        for path in [path for path in self._adopted if not segments(path)]:
            self._adopted.pop(path).release()
        retention.remove_empty(self._root)
        until = time.monotonic() + _ADOPTING_SECONDS
        for path in processes(self._root):
            # Each holds a file open, and the worker has other things to do.
            if len(self._adopted) >= _MAX_ADOPTED or time.monotonic() > until:
                return
            # What holds notes only is left: they are read without being owned, and grow old.
            directory = ProcessDirectory.adopt(path) if segments(path) else None
            if directory is not None:
                self._adopted[path] = directory
                self._index_adopted(path)

    def _index_adopted(self, directory: Path) -> None:
        done = promotions(directory, PROMOTED_PREFIX)
        for number, path in reversed(segments(directory)):
            for head in heads(path):
                if self._index.is_full:
                    return
                if head.type == RecordType.ASIDE and (directory.name, head.sequence) not in done:
                    self._index.add(head.trace_id, Place(directory, number, head.offset))
                    if self._signals.is_kept(head.trace_id):
                        self._wanted[head.trace_id] = None

    def _failed(self, error: Exception) -> None:
        with self._lock:
            self._counters.lost += 1
            if isinstance(error, OSError | SpoolError):
                self._retry_at = time.monotonic() + _RETRY_SECONDS
                self._tape.begin_next_segment()
            if isinstance(error, OSError) and error.errno in _FULL and not self._make_room(self._budget):
                self._make_room(self._counters.bytes // 2)  # a quota, or no more inodes: what counts is to have less
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            self._complained = True
            reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            _log.warning("The flight recorder failed (%s); recordings are lost, and counted. Nothing else is.", reason)

    def _after_fork_in_child(self) -> None:
        """Become a process of its own: what the parent set aside is the parent's."""
        self._tape.forget_after_fork()
        for directory in self._adopted.values():
            directory.forget_after_fork()
        self._begin()


_recorders: "weakref.WeakSet[Recorder]" = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for recorder in list(_recorders):
        recorder._after_fork_in_child()  # noqa: SLF001 - the same module; no caller outside may do this


os.register_at_fork(after_in_child=_after_fork_in_child)
