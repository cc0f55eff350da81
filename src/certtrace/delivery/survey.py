"""What lies in a spool, read from outside: nothing is taken over, changed or deleted."""

import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from certtrace.delivery import frames
from certtrace.delivery.addressed import addressees, holds_content, payload_of
from certtrace.delivery.counters import Owed
from certtrace.delivery.directory import JOURNAL_PREFIX, LOCK, Position, ProcessDirectory, abandoned, is_owned_here
from certtrace.delivery.files import Handle, folder_bytes, read_from
from certtrace.delivery.frames import FILE_HEADER, Found, RecordType
from certtrace.delivery.settlement import Settlement
from certtrace.delivery.volume import LOCKS_UNKNOWN
from certtrace.errors import SpoolError
from certtrace.ports import Payload

RUNNING: Final = "running"
ENDED: Final = "ended"
UNREADABLE: Final = "unreadable"
_NAME: Final = re.compile(r"[^-]+-(\d+)-[0-9a-f]+")


@dataclass(slots=True)
class DirectoryFacts:
    """What one process left, or is writing."""

    name: str
    state: str
    """`running` (its process lives, and delivers it), `ended` (to be taken over) or `unreadable`."""
    pid: int | None
    user: int
    """Number of the user it belongs to."""
    written_time_ns: int
    """When it was last written to, unix time."""
    bytes: int = 0
    without_content: int = 0
    """Accepted units whose content is not here: not redacted yet, or lost in a crash."""
    owed: dict[str, Owed] = field(default_factory=dict)
    """By destination."""
    faults: dict[str, int] = field(default_factory=dict)
    """How many `torn`, `corrupt` and `unknown` stretches there are."""


def is_there(root: Path) -> bool:
    """Whether there is a spool.

    Raises:
        SpoolError: There is something else in its place, or it cannot be read.
    """
    try:
        list(root.iterdir())
    except FileNotFoundError:
        return False
    except OSError as error:
        reason = error.strerror or type(error).__name__
        msg = f"The spool folder {root} cannot be read: {reason}. Name the data folder of your services with --home."
        raise SpoolError(msg) from None
    return True


def survey(root: Path) -> Iterator[DirectoryFacts]:
    """Yield what each directory in a spool holds, oldest first.

    What a running process delivers or writes meanwhile may be missing or counted.
    """
    for path in abandoned(root):
        try:
            yield _look_at(path)
        except FileNotFoundError:
            continue  # drained and deleted meanwhile
        except OSError:
            with_stat = _stat_or_none(path)
            if with_stat is not None:
                yield DirectoryFacts(path.name, UNREADABLE, _pid(path), with_stat.st_uid, with_stat.st_mtime_ns)


def owed_payloads(root: Path, destination: str | None = None) -> Iterator[Payload]:
    """Yield what a destination, or any, has not taken, in the order in which each process wrote it."""
    for path in abandoned(root):
        directory = ProcessDirectory(path, None)
        try:
            cursors = _cursors(directory, [destination] if destination is not None else None)
            for position, found in _contents(directory):
                record = found.record
                if record is not None and holds_content(record):
                    names = addressees(record)
                    if any(position > at for name, at in cursors.items() if not names or name in names):
                        yield payload_of(record)
        except OSError:
            continue  # gone meanwhile, or not to be read: the survey says so


def _look_at(path: Path) -> DirectoryFacts:
    directory = ProcessDirectory(path, None)
    about = path.stat()
    newest = max((entry.stat().st_mtime_ns for entry in path.iterdir()), default=about.st_mtime_ns)
    facts = DirectoryFacts(path.name, _state(path), _pid(path), about.st_uid, newest, folder_bytes(path))
    settled = Settlement(*directory.read_settled())
    cursors = _cursors(directory, None)
    for position, found in _contents(directory):
        record = found.record
        if record is None:
            _count_fault(facts, found)
        elif holds_content(record):
            settled.settle(record.sequence)
            names = addressees(record)
            for name, cursor in cursors.items():
                if position > cursor and (not names or name in names):
                    facts.owed[name] = _and_one_more(facts.owed.get(name), found.end - found.start, record.time_ns)
    for sequence in _skeletons(directory, facts):
        facts.without_content += not settled.is_settled(sequence)
    return facts


def _and_one_more(owed: Owed | None, size: int, time_ns: int) -> Owed:
    if owed is None:
        return Owed(1, size, time_ns)
    return Owed(owed.records + 1, owed.bytes + size, min(owed.oldest_time_ns or time_ns, time_ns))


def _cursors(directory: ProcessDirectory, names: Sequence[str] | None) -> dict[str, Position]:
    """Return how far each destination has taken what the directory holds; of those named only."""
    owed = directory.read_manifest().destinations
    return {name: directory.read_cursor(name) for name in owed if names is None or name in names}


def _contents(directory: ProcessDirectory) -> Iterator[tuple[Position, Found]]:
    """Yield every record and every fault of the segments, with the place behind it."""
    for number in directory.segments():
        try:
            data = read_from(directory.segment(number), 0)
        except FileNotFoundError:
            continue  # everybody has it
        if frames.is_from_a_later_version(data):
            yield Position(number, len(data)), Found(0, len(data), fault="unknown")
            continue
        for found in frames.scan(data, _first(data)):
            yield Position(number, found.end), found


def _skeletons(directory: ProcessDirectory, facts: DirectoryFacts) -> set[int]:
    sequences: set[int] = set()
    for number in directory.segments(JOURNAL_PREFIX):
        try:
            data = read_from(directory.segment(number, JOURNAL_PREFIX), 0)
        except FileNotFoundError:
            continue
        for found in frames.scan(data, _first(data)):
            if found.record is None:
                _count_fault(facts, found)
            elif found.record.type == RecordType.SKELETON:
                sequences.add(found.record.sequence)
    return sequences


def _count_fault(facts: DirectoryFacts, found: Found) -> None:
    # A running process may be in the middle of its last write.
    if not (facts.state == RUNNING and found.fault == "torn"):
        facts.faults[found.fault] = facts.faults.get(found.fault, 0) + 1


def _first(data: bytes) -> int:
    return FILE_HEADER.size if data.startswith(frames.file_header()) else 0


def _state(path: Path) -> str:
    if is_owned_here(path):
        return RUNNING
    try:
        handle = Handle(os.open(path / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC))
        # Shared, and given up at once: the owner's is exclusive.
        fcntl.lockf(handle.fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return RUNNING
    except PermissionError:
        return UNREADABLE
    except OSError as error:
        if error.errno in LOCKS_UNKNOWN:
            return RUNNING  # nobody can tell, and nobody may touch it
        raise
    return ENDED


def _pid(path: Path) -> int | None:
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match else None


def _stat_or_none(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
