"""Dead letters back into the spool: written first and forced to the disk, deleted then."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from certtrace.delivery.deadletter import DeadLetter, letters
from certtrace.delivery.spool import Spool

_BATCH_BYTES: Final = 8 * 1024 * 1024


@dataclass(slots=True, frozen=True)
class Wanted:
    """Which dead letters are meant; what is not given does not matter."""

    destination: str | None = None
    reason: str | None = None
    """A part of the reason, in any case."""
    since_ns: int | None = None
    before_ns: int | None = None

    def fits(self, letter: DeadLetter) -> bool:
        """Whether a dead letter is meant."""
        return (
            (self.destination is None or letter.destination == self.destination)
            and (self.reason is None or self.reason.lower() in letter.reason.lower())
            and (self.since_ns is None or letter.time_ns >= self.since_ns)
            and (self.before_ns is None or letter.time_ns < self.before_ns)
        )


@dataclass(slots=True, frozen=True)
class Replayed:
    """What became of the dead letters that were meant."""

    taken: int
    left: int
    """Those that the spool did not take, or could not force to the disk: they stay dead letters."""


def wanted_letters(root: Path, wanted: Wanted) -> Iterator[DeadLetter]:
    """Yield the dead letters that are meant, oldest first."""
    return (letter for letter in letters(root) if wanted.fits(letter))


def replay_all(root: Path, wanted: Wanted, progress: Callable[[int], object] = lambda _: None) -> Replayed:
    """Put dead letters back, each for the destination that refused it.

    Interrupted at any point, nothing is lost: what is in both places is delivered again, and stored once, by its ids.

    Args:
        root: The spool's folder.
        wanted: Which.
        progress: Told how many were taken so far.

    Raises:
        SpoolError: The spool cannot be used.
    """
    names = sorted({letter.destination for letter in wanted_letters(root, wanted)})
    if not names:
        return Replayed(0, 0)
    # Without a bound: what is written here is deleted there.
    spool = Spool(root, fsync="always", max_bytes=2**62, min_free_bytes=0)
    taken = left = 0
    try:
        spool.owe(names)
        for batch in _batches(wanted_letters(root, wanted)):
            done = _replay(batch, spool)
            taken += done
            left += len(batch) - done
            progress(taken)
    finally:
        spool.close()
    return Replayed(taken, left)


def _batches(found: Iterable[DeadLetter]) -> Iterator[list[DeadLetter]]:
    batch: list[DeadLetter] = []
    size = 0
    for letter in found:
        batch.append(letter)
        size += len(letter.payload.data)
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _replay(batch: list[DeadLetter], spool: Spool) -> int:
    """Write all of a batch, or leave all of it."""
    payloads = [replace(letter.payload, destinations=(letter.destination,)) for letter in batch]
    if spool.is_degraded or not all(spool.content(0, payload) for payload in payloads):
        return 0
    if not spool.sync() or spool.is_degraded:
        return 0
    for letter in batch:
        letter.path.unlink(missing_ok=True)
    return len(batch)
