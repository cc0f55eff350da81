"""Memory that stands in for the disk while the disk refuses: bounded, in order, with one position per destination."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from certtrace.delivery.addressed import is_for
from certtrace.delivery.backlog import Item, Pending
from certtrace.delivery.directory import Position
from certtrace.delivery.fates import Fate, Owing
from certtrace.ports import Payload

_ALL_DELIVERED: Final[Mapping[Position, Fate]] = {}


class Ring:
    """Holds payloads until every destination has them. A full ring takes nothing more; it never drops. Thread-safe."""

    def __init__(self, max_bytes: int, *, on_gone: Callable[[Sequence[Item]], None] = lambda _: None) -> None:
        """Take the bound for the payloads' bytes, and whom to tell what every destination has taken."""
        self._max_bytes = max_bytes
        self._on_gone = on_gone
        self._lock = threading.Lock()
        self._items: deque[Item] = deque()
        self._bytes = 0
        self._next = 1
        self._cursors: dict[str, int] = {}
        self._fates: dict[str, Counter[Fate]] = {}
        self._away: set[int] = set()
        self._meanwhile: dict[tuple[str, int], Fate] = {}

    def owe(self, destinations: Sequence[str]) -> None:
        """Set who is to get the content."""
        with self._lock:
            self._cursors = {name: self._cursors.get(name, 0) for name in destinations}

    def append(self, payload: Payload, sequence: int, time_ns: int) -> bool:
        """Keep a payload; False when there is no room."""
        with self._lock:
            if self._bytes + len(payload.data) > self._max_bytes:
                return False
            self._items.append(Item(payload, Position(0, self._next), sequence, time_ns))
            self._bytes += len(payload.data)
            self._next += 1
            return True

    def read(self, destination: str, max_bytes: int, max_units: int) -> list[Item]:
        """Return the next payloads, at least one if there is any; the cursor does not move."""
        with self._lock:
            cursor = self._cursors.get(destination)
            chosen: list[Item] = []
            size = 0
            for item in self._items if cursor is not None else ():
                if item.after.offset <= (cursor or 0):
                    continue
                if chosen and (size + len(item.payload.data) > max_bytes or len(chosen) >= max_units):
                    break
                chosen.append(item)
                size += len(item.payload.data)
            return chosen

    def ack(self, destination: str, items: Sequence[Item], fates: Mapping[Position, Fate] = _ALL_DELIVERED) -> None:
        """Note what became of the items, delivered unless `fates` says otherwise; forget what everyone has."""
        gone: list[Item] = []
        with self._lock:
            if items and destination in self._cursors:
                self._count(destination, items, fates)
                self._cursors[destination] = items[-1].after.offset
                lowest = min(self._cursors.values())
                while self._items and self._items[0].after.offset <= lowest:
                    gone.append(self._items.popleft())
                self._bytes -= sum(len(item.payload.data) for item in gone)
        # Outside the lock: whoever is told has a lock of its own, which it holds when it calls `append`.
        if gone:
            self._on_gone(gone)

    def _count(self, destination: str, items: Sequence[Item], fates: Mapping[Position, Fate]) -> None:
        here = {item.after.offset for item in self._items}
        counted = self._fates.setdefault(destination, Counter())
        for item in items:
            place, fate = item.after.offset, fates.get(item.after, Fate.DELIVERED)
            if is_for(item.payload, destination) and place > self._cursors[destination]:
                if place in here:
                    counted[fate] += 1
                elif place in self._away:
                    self._meanwhile[destination, place] = fate
                # Else it went to disk while it was on its way, and comes again from there: it counts there.

    def owing(self, destination: str) -> Owing:
        """Return what became of the records for a destination, those that went to disk left out."""
        with self._lock:
            cursor = self._cursors.get(destination, self._next)
            left = sum(item.after.offset > cursor and is_for(item.payload, destination) for item in self._items)
            return Owing(left, 0, Counter(self._fates.get(destination, {})))

    def take_back(self) -> list[Item]:
        """Remove and return what no destination has yet: it can go to disk without reaching anyone twice.

        `put_back` ends it, in any case.
        """
        with self._lock:
            highest = max(self._cursors.values(), default=0)
            untouched = [item for item in self._items if item.after.offset > highest]
            for item in untouched:
                self._items.pop()
                self._bytes -= len(item.payload.data)
            self._away = {item.after.offset for item in untouched}
            return untouched

    def put_back(self, items: Sequence[Item]) -> None:
        """Undo `take_back` for these, which may be none."""
        with self._lock:
            back = {item.after.offset for item in items}
            for (destination, place), fate in self._meanwhile.items():
                if place in back:
                    self._fates.setdefault(destination, Counter())[fate] += 1
            self._away.clear()
            self._meanwhile.clear()
            self._items.extend(items)
            self._bytes += sum(len(item.payload.data) for item in items)

    def end(self) -> Position:
        """Return the place behind the last payload."""
        with self._lock:
            return Position(0, self._next - 1)

    def reached(self, destination: str, position: Position) -> bool:
        """Whether the destination took everything before `position` that is still here."""
        with self._lock:
            cursor = self._cursors.get(destination)
            if cursor is None:
                return True
            return not any(cursor < item.after.offset <= position.offset for item in self._items)

    def count(self) -> int:
        """Return how many payloads are here."""
        with self._lock:
            return len(self._items)

    def pending(self, destination: str) -> Pending:
        """Return what the destination has not taken."""
        with self._lock:
            cursor = self._cursors.get(destination)
            left = [item for item in self._items if cursor is not None and item.after.offset > cursor]
            left = [item for item in left if is_for(item.payload, destination)]
            return Pending(len(left), sum(len(i.payload.data) for i in left), left[0].time_ns if left else None)
