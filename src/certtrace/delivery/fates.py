"""What became of the records that this process wrote, by destination."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Fate(Enum):
    """What became of one record at one destination."""

    PASSED = "passed"
    """It is for others."""
    DELIVERED = "delivered"
    """The destination took all of it, at once or in pieces."""
    DEAD_LETTERED = "dead_lettered"
    """It took nothing or a part; the whole is kept as a dead letter."""
    LOST = "lost"
    """It was refused, and could not be kept either."""


@dataclass(slots=True, frozen=True)
class Owing:
    """One place's records for one destination; together they are all that it ever held for it and did not pass on."""

    waiting: int = 0
    damaged: int = 0
    """Were passed over: the file that held them was damaged from outside."""
    fates: Mapping[Fate, int] = field(default_factory=Counter)


@dataclass(slots=True, frozen=True)
class Records:
    """Where the records are that this process had for one destination; `written` is the sum of all the others.

    Exact at any moment, for this process alone: neither adopted directories count nor what a parent process wrote.
    """

    written: int
    spooled: int
    """On disk, and not settled."""
    degraded: int
    """In memory, because the disk refuses, and not settled."""
    delivered: int
    dead_lettered: int
    lost: int
    """Held by neither disk nor memory, deleted or damaged from outside, or neither deliverable nor kept as a letter."""


@dataclass(slots=True, frozen=True)
class Books:
    """What the spool took from this process and what became of it, at one moment: `accepted == waiting + settled`."""

    accepted: int
    """Units that `accept` took, or is about to refuse at this moment."""
    handed_out: int
    """Units that `accept` was called for."""
    refused: int
    waiting: int
    """Units that were accepted and are not settled."""
    settled: int
    """Units with content on disk, or taken from memory by every destination."""
    records: Mapping[str, Records]
    """By destination."""


def gather(taken: int, unwritten: int, disk: Owing, memory: Owing, replaced: Mapping[Fate, int]) -> Records:
    """Return where the records for one destination are.

    Args:
        taken: How many disk or memory took.
        unwritten: How many neither did.
        disk: What the directory says.
        memory: What memory says.
        replaced: What directories said that were deleted from outside.
    """
    fates = Counter(disk.fates) + Counter(memory.fates) + Counter(replaced)
    return Records(
        written=taken + unwritten,
        spooled=disk.waiting,
        degraded=memory.waiting,
        delivered=fates[Fate.DELIVERED],
        dead_lettered=fates[Fate.DEAD_LETTERED],
        lost=fates[Fate.LOST] + disk.damaged + unwritten,
    )
