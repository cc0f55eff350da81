"""What a directory still owes to each destination: reading, cursors, and deleting what everyone has."""

import logging
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from certtrace.delivery import frames
from certtrace.delivery.addressed import addressees, holds_content, is_for, payload_of
from certtrace.delivery.directory import Position, ProcessDirectory
from certtrace.delivery.fates import Fate, Owing
from certtrace.delivery.files import read_from
from certtrace.delivery.frames import FILE_HEADER, Record
from certtrace.ports import Payload

_log = logging.getLogger(__name__)


_ALL_DELIVERED: Final[Mapping[Position, Fate]] = {}


@dataclass(slots=True, frozen=True)
class Item:
    """One payload to deliver, and the place behind it."""

    payload: Payload
    after: Position
    sequence: int = 0
    time_ns: int = 0


@dataclass(slots=True, frozen=True)
class Pending:
    """What a destination has not taken yet."""

    units: int = 0
    bytes: int = 0
    oldest_time_ns: int | None = None


class Backlog:
    """The content of one directory, as its destinations see it. Thread-safe."""

    def __init__(
        self,
        directory: ProcessDirectory,
        *,
        on_fault: Callable[[str], None],
        before_delete: Callable[[], None] = lambda: None,
    ) -> None:
        """Take a directory that this process owns.

        Args:
            directory: Its segments are found by `load` or announced by `grew`.
            on_fault: Told `torn`, `corrupt` or `unknown`, once per fault.
            before_delete: Called before segments are deleted. Raises `OSError` to prevent it.
        """
        self.directory = directory
        self._on_fault = on_fault
        self._before_delete = before_delete
        self._lock = threading.Lock()
        self._ends: dict[int, int] = {}
        self._live = 0
        self._cursors: dict[str, Position] = {}
        self._units: dict[tuple[str, ...], int] = {}
        self._moves: dict[int, tuple[Position, Position, bool]] = {}
        self._taken: dict[str, int] = {}
        self._fates: dict[str, Counter[Fate]] = {}
        self._counted: dict[str, list[tuple[Position, Position]]] = {}
        self._untouched: set[int] = set()
        self._faults_told: set[Position] = set()

    @property
    def owed(self) -> tuple[str, ...]:
        """Destinations that this directory's content is for."""
        return tuple(self._cursors)

    def owe(self, destinations: Sequence[str]) -> None:
        """Set who is to get the content."""
        with self._lock:
            self._cursors = {name: self._cursors.get(name) or self.directory.read_cursor(name) for name in destinations}
            self._taken = {name: self._taken.get(name, 0) for name in destinations}

    def load(self) -> set[int]:
        """Learn the segments on disk; return the sequences whose content they hold."""
        sequences: set[int] = set()
        for number in self.directory.segments():
            data = read_from(self.directory.segment(number), 0)
            if frames.is_from_a_later_version(data):
                self._leave(number)
                continue
            self._ends[number] = len(data)
            for found in frames.scan(data, _first_record(data)):
                if found.record is not None:
                    sequences.add(found.record.sequence)
                    self._count_loaded(Position(number, found.end), addressees(found.record))
        return sequences

    def grew(self, segment: int, end: int, destinations: tuple[str, ...] = ()) -> None:
        """Note one more record, whole up to `end`, for these destinations or for all."""
        with self._lock:
            self._ends[segment] = end
            self._live = segment
            self._units[destinations] = self._units.get(destinations, 0) + 1

    def moved(self, old: Position, new: Position, end: int) -> None:
        """Note that all records behind `old` in its segment are written anew from `new` to `end`, byte for byte."""
        with self._lock:
            # Only a segment of its own right behind the old one: else what lies between would be skipped.
            follows = new.offset == FILE_HEADER.size and not any(old.segment < n < new.segment for n in self._ends)
            self._ends[old.segment] = old.offset
            self._ends[new.segment] = end
            self._live = new.segment
            self._moves[old.segment] = (old, new, follows)
            for name, cursor in self._cursors.items():
                if cursor != (moved := self._cursor_now(cursor)):
                    self._cursors[name] = moved
                    if not follows:  # it gets again what it has: that is counted already
                        self._counted.setdefault(name, []).append((new, self._now(cursor)))

    def _now(self, position: Position) -> Position:
        """Return where a place is after what lay there was written anew."""
        while (move := self._moves.get(position.segment)) is not None and position.offset > move[0].offset:
            old, new, _ = move
            position = Position(new.segment, new.offset + position.offset - old.offset)
        return position

    def _cursor_now(self, cursor: Position) -> Position:
        """Return where a cursor goes on: at the new place, or, where that would skip something, before the old one."""
        move = self._moves.get(cursor.segment)
        if move is None or cursor.offset <= move[0].offset:
            return cursor
        return self._now(cursor) if move[2] else move[0]

    def seal(self) -> None:
        """Note that nothing will be appended any more."""
        with self._lock:
            self._live = 0
        self._delete_taken()

    def end(self) -> Position:
        """Return the place behind the last record."""
        with self._lock:
            return self._end()

    def reached(self, destination: str, position: Position) -> bool:
        """Whether the destination took everything before `position`."""
        with self._lock:
            cursor = self._cursors.get(destination)
            return cursor is None or self._at_end(cursor, self._now(position))

    def read(self, destination: str, max_bytes: int, max_units: int) -> list[Item]:
        """Return the next payloads, at least one if there is any; the cursor does not move.

        Raises:
            OSError: The segment cannot be read now.
        """
        while True:
            with self._lock:
                start = self._next_start(destination)
                if start is None:
                    return []
                end = self._ends[start.segment]
            items, behind = self._read_segment(start, end, max_bytes, max_units)
            if items:
                return items
            self._move(destination, behind)

    def ack(self, destination: str, items: Sequence[Item], fates: Mapping[Position, Fate] = _ALL_DELIVERED) -> None:
        """Note what became of the items, delivered unless `fates` says otherwise; the next `read` goes on behind."""
        if items:
            self._move(destination, items[-1].after, items, fates)

    def owing(self, destination: str) -> Owing:
        """Return what became of the records for a destination; also after `retire`, and without looking at files."""
        with self._lock:
            left = self._owed(destination)
            is_through = destination in self._cursors and self._next_start(destination) is None
            fates = Counter(self._fates.get(destination, {}))
        return Owing(0, left, fates) if is_through else Owing(left, 0, fates)

    def pending(self, destination: str) -> Pending:
        """Return what the destination has not taken."""
        with self._lock:
            cursor = self._cursors.get(destination)
            start = self._next_start(destination)
            if cursor is None or start is None:
                return Pending()
            size = sum(end for number, end in self._ends.items() if number >= start.segment) - start.offset
            units = max(self._owed(destination), 0)
        return Pending(units, size, self._time_at(start))

    def is_done(self) -> bool:
        """Whether everyone has everything."""
        with self._lock:
            end = self._end()
            return bool(self._cursors) and all(self._at_end(cursor, end) for cursor in self._cursors.values())

    def has_all(self, destinations: Sequence[str]) -> bool:
        """Whether these destinations have everything, whoever else is owed."""
        with self._lock:
            end = self._end()
            return all(self._at_end(self._cursors[name], end) for name in destinations if name in self._cursors)

    def is_behind_a_cursor(self) -> bool:
        """Whether a destination took more than is on disk: the machine died before that was forced to it."""
        with self._lock:
            return any(
                cursor.offset > self._ends.get(cursor.segment, cursor.offset) for cursor in self._cursors.values()
            )

    def retire(self) -> None:
        """Give nothing and note nothing any more: from now on the directory may be somebody else's."""
        with self._lock:
            self._cursors = {}

    def keep_directory(self) -> None:
        """Note that the directory holds something else of a later version."""
        self._untouched.add(0)  # no segment has this number

    def has_untouched(self) -> bool:
        """Whether the directory holds files of a later version, and must stay."""
        return bool(self._untouched)

    def _owed(self, destination: str) -> int:
        held = sum(n for names, n in self._units.items() if not names or destination in names)
        return held - self._taken.get(destination, 0)

    def _end(self) -> Position:
        if not self._ends:
            return Position()
        last = max(self._ends)
        return Position(last, self._ends[last])

    def _at_end(self, cursor: Position, position: Position) -> bool:
        """Whether nothing lies between cursor and position: an end and the next segment's start are the same place."""
        if cursor >= position:
            return True
        between = [n for n in self._ends if cursor.segment < n < position.segment]
        rest = self._ends.get(cursor.segment, 0) > cursor.offset
        return not rest and not between and cursor.segment < position.segment and position.offset <= FILE_HEADER.size

    def _next_start(self, destination: str) -> Position | None:
        cursor = self._cursors.get(destination)
        if cursor is None:
            return None
        if cursor.offset < self._ends.get(cursor.segment, 0):
            return cursor
        numbers = sorted(self._ends)
        index = bisect_right(numbers, cursor.segment)
        return Position(numbers[index], 0) if index < len(numbers) else None

    def _read_segment(self, start: Position, end: int, max_bytes: int, max_units: int) -> tuple[list[Item], Position]:
        """Return the payloads from `start` on, and the place up to which the segment was looked at."""
        data = read_from(self.directory.segment(start.segment), start.offset, end)
        items: list[Item] = []
        size = 0
        behind = start
        first = _first_record(data) if start.offset == 0 else 0
        for found in frames.scan(data, first):
            here = Position(start.segment, start.offset + found.end)
            if found.record is None:
                self._note_fault(Position(start.segment, start.offset + found.start), found.fault)
            elif holds_content(found.record):
                if items and (size + len(found.record.payload) > max_bytes or len(items) >= max_units):
                    break
                items.append(_item(found.record, here))
                size += len(found.record.payload)
            behind = here
        else:
            behind = Position(start.segment, end)
        return items, behind

    def _move(
        self,
        destination: str,
        position: Position,
        items: Sequence[Item] = (),
        fates: Mapping[Position, Fate] = _ALL_DELIVERED,
    ) -> None:
        with self._lock:
            if destination not in self._cursors:
                return
            new = [item for item in items if is_for(item.payload, destination) and self._is_new(destination, item)]
            self._cursors[destination] = position = self._cursor_now(position)
            self._taken[destination] = self._taken.get(destination, 0) + len(new)
            counted = self._fates.setdefault(destination, Counter())
            counted.update(fates.get(item.after, Fate.DELIVERED) for item in new)
        # No lock from here on: `before_delete` takes its owner's, which the owner holds when it calls `grew`.
        try:
            self.directory.write_cursor(destination, position)
            self._delete_taken()
        except OSError:
            # The cursor in memory holds; on disk it is older, so that a crash now sends some units twice.
            _log.debug("A spool cursor could not be written.")

    def _is_new(self, destination: str, item: Item) -> bool:
        """Whether an item that is settled now was never counted before, and will not come again."""
        move = self._moves.get(item.after.segment)
        if move is not None and not move[2] and item.after.offset > move[0].offset:
            return False  # it was written anew while it was on its way, and comes again from there
        counted = self._counted.get(destination, ())
        return not any(start.segment == item.after.segment and start < item.after <= end for start, end in counted)

    def _delete_taken(self) -> None:
        with self._lock:
            lowest = min(self._cursors.values(), default=Position())
            whole = [n for n, end in self._ends.items() if n != self._live and (n, end) <= lowest]
            taken = [number for number in whole if number not in self._untouched]
        if not taken:
            return
        self._before_delete()
        for number in taken:
            self.directory.segment(number).unlink(missing_ok=True)
            with self._lock:
                self._ends.pop(number, None)

    def _note_fault(self, position: Position, fault: str) -> None:
        if position in self._faults_told:
            return
        self._faults_told.add(position)
        if fault == "unknown":
            self._untouched.add(position.segment)
        self._on_fault(fault)

    def _leave(self, number: int) -> None:
        self._note_fault(Position(number, 0), "unknown")

    def _count_loaded(self, behind: Position, destinations: tuple[str, ...]) -> None:
        self._units[destinations] = self._units.get(destinations, 0) + 1
        for name, cursor in self._cursors.items():
            if behind <= cursor and (not destinations or name in destinations):
                self._taken[name] = self._taken.get(name, 0) + 1

    def _time_at(self, start: Position) -> int | None:
        try:
            offset = start.offset or FILE_HEADER.size
            head = read_from(self.directory.segment(start.segment), offset, offset + frames.HEADER.size)
            if len(head) == frames.HEADER.size and head.startswith(frames.RECORD_MAGIC):
                return int(frames.HEADER.unpack(head)[9])
        except OSError:
            pass
        return None


def _first_record(data: bytes) -> int:
    """Return where records begin: behind the file header, or at once where that is damaged."""
    return FILE_HEADER.size if data[: FILE_HEADER.size] == frames.file_header() else 0


def _item(record: Record, after: Position) -> Item:
    return Item(payload_of(record), after, record.sequence, record.time_ns)
