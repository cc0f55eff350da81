"""Finding what a destination refuses: the rest of a batch gets through, the culprit is kept as a dead letter."""

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Final

from certtrace.delivery.backlog import Item
from certtrace.delivery.deadletter import bury
from certtrace.delivery.directory import Position
from certtrace.delivery.fates import Fate
from certtrace.delivery.parting import bare_unit, cut_unit, halve_unit
from certtrace.errors import SpoolError
from certtrace.ports import BatchRejectedError, DestinationPausedError, Payload

_IN_A_ROW: Final = 16
"""So many refused alone, and nothing taken in between, are no poison: the destination refuses everything."""


class Isolator:
    """Delivers items of one destination, halving what is rejected until the culprit is alone."""

    def __init__(
        self, root: Path, destination: str, attempt: Callable[[Sequence[Payload]], None], log: Callable[[str], object]
    ) -> None:
        """Take where dead letters go, and what sends a batch or raises as `ports.Destination.deliver` does."""
        self.dead_lettered = 0
        self.by_reason: dict[str, int] = {}
        self.lost = 0
        self.reduced = 0
        """Dead letters of which a part was delivered: with cut texts, or without content."""
        self._root = root
        self._destination = destination
        self._try = attempt
        self._log = log
        self._in_a_row = 0
        self._buried: set[bytes] = set()
        self._fate = Fate.DELIVERED

    def send(self, items: Sequence[Item], done: MutableMapping[Position, Fate]) -> None:
        """Deliver items of one kind, in order; note in `done` what became of those that are settled.

        Raises:
            DeliveryError: The rest has to wait.
        """
        if not items:
            return
        try:
            self._attempt([item.payload for item in items])
        except BatchRejectedError as error:
            if len(items) > 1:
                middle = len(items) // 2
                self.send(items[:middle], done)
                self.send(items[middle:], done)
                return
            self._fate = Fate.DELIVERED
            self._send_alone(items[0], str(error))
            self._buried.clear()
            done[items[0].after] = self._fate
            self._refuse_to_go_on()
        else:
            done.update((item.after, Fate.DELIVERED) for item in items)

    def keep_sample(self, item: Item, reason: str) -> None:
        """Keep one of a batch that was taken with losses, so that somebody can see what such a batch looks like."""
        try:
            bury(self._root, self._destination, item, reason)
        except (OSError, SpoolError) as error:
            self._log(f"A sample of refused spans could not be kept ({type(error).__name__}).")

    def _attempt(self, payloads: Sequence[Payload]) -> None:
        self._try(payloads)
        self._in_a_row = 0

    def _send_alone(self, item: Item, reason: str) -> None:
        """Halve a rejected unit down to its spans, and those to what is taken of them."""
        halves = halve_unit(item.payload.data) if item.payload.kind == "spans" else None
        if halves is None:
            self._settle(item, reason)
            return
        for data in halves:
            half = _with(item, data)
            try:
                self._attempt([half.payload])
            except BatchRejectedError as error:
                self._send_alone(half, str(error))

    def _settle(self, item: Item, reason: str) -> None:
        """Deliver what is taken of one span or score list; what was given up of it is kept."""
        if item.payload.kind == "spans":
            for data, what in _less_and_less(item.payload.data):
                try:
                    self._attempt([_with(item, data).payload])
                except BatchRejectedError:
                    continue
                self.reduced += 1
                self._bury(item, reason, f" It was delivered {what}.")
                return
        self._in_a_row += 1
        self._bury(item, reason, "")

    def _bury(self, item: Item, reason: str, rest: str) -> None:
        # What waits amid a unit is sent again from its beginning: it is kept once.
        digest = blake2b(item.payload.data, digest_size=16).digest()
        if self._fate == Fate.DELIVERED:
            self._fate = Fate.DEAD_LETTERED
        if digest in self._buried:
            return
        try:
            bury(self._root, self._destination, item, reason + rest)
        except (OSError, SpoolError) as error:
            self.lost += 1
            self._fate = Fate.LOST
            self._log(f"A dead letter could not be kept ({type(error).__name__}); it is lost.")
            return
        self._buried.add(digest)
        self.dead_lettered += 1
        self.by_reason[reason] = self.by_reason.get(reason, 0) + 1
        self._log(f"{reason} What is refused alone is kept as a dead letter; the rest goes on.")

    def _refuse_to_go_on(self) -> None:
        if self._in_a_row >= _IN_A_ROW:
            msg = "It refuses everything. Check its address, its version and what stands between."
            raise DestinationPausedError(msg)


def _less_and_less(data: bytes) -> Iterator[tuple[bytes, str]]:
    cut = cut_unit(data)
    if cut is not None:
        yield cut, "with its texts cut"
    bare = bare_unit(data)
    if bare is not None:
        yield bare, "without content"


def _with(item: Item, data: bytes) -> Item:
    return replace(item, payload=replace(item.payload, data=data))
