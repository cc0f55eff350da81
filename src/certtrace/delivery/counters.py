"""What the spool counts: every unit that it took, kept or could not keep."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class SpoolCounters:
    """Exact counts of this process since it started (or was forked)."""

    accepted: int = 0
    """Units that `accept` took: sequence numbers handed out, less those refused."""
    refused_units: int = 0
    """Units that `accept` refused because the spool is full or closed."""
    refused_by_reason: dict[str, int] = field(default_factory=dict)
    """The same by reason: `spool_full`, `disk_full`, `spool_reserve`, `disk_low` or `closed`."""
    refused: int = 0
    """Content that was refused for the same reasons: scores, and what came after `close`."""
    spooled: int = 0
    """Records of content written to disk."""
    records: int = 0
    """Records of content that disk or memory took, a record that went from memory to disk once."""
    records_for: dict[tuple[str, ...], int] = field(default_factory=dict)
    """The same by the destinations they are for; an empty tuple is for all."""
    lost_for: dict[tuple[str, ...], int] = field(default_factory=dict)
    """Records that neither took, likewise."""
    degraded: int = 0
    """Skeletons and records that went to memory because the disk refused."""
    degraded_units: int = 0
    """Units whose skeleton is not on disk, of those accepted."""
    lost: int = 0
    """Accepted records that neither disk nor memory could hold, or that were deleted from outside."""
    torn: int = 0
    """Cut ends of segments, left by a killed process or a full disk."""
    corrupt: int = 0
    """Damaged stretches of segments that were skipped."""
    unknown: int = 0
    """Segments of a later version, left untouched."""
    content_lost: int = 0
    """Skeletons without content, found in adopted directories and sent on as such."""
    sync_errors: int = 0
    """Times that the disk failed to take what was forced to it; what was in doubt was written anew."""
    unsafe: int = 0
    """Files of which what was in doubt could not even be read again: it may not survive the machine."""

    def records_of(self, destination: str) -> tuple[int, int]:
        """Return how many records for a destination disk or memory took, and how many neither did."""
        return _sum_for(destination, self.records_for), _sum_for(destination, self.lost_for)


def _sum_for(destination: str, counted: Mapping[tuple[str, ...], int]) -> int:
    return sum(number for names, number in counted.items() if not names or destination in names)


@dataclass(slots=True, frozen=True)
class Owed:
    """What one destination has not taken."""

    records: int
    """Of this process, those for other destinations only not counted."""
    bytes: int
    oldest_time_ns: int | None
    """When the oldest was written, unix time."""
    adopted_records: int = 0
    """Of processes that ended, whose directories this one took over; not part of `records`."""
    adopted_bytes: int = 0


@dataclass(slots=True, frozen=True)
class SpoolFacts:
    """How the spool stands at one moment: whatever metrics and checks need. Exact for this process.

    `accepted == waiting + settled`, where `settled` units have their content on disk, or delivered from memory, or
    counted as lost. For a destination that takes everything, `counters.records` is what it took plus `owed.records`
    plus what was `lost` from disk.
    """

    counters: SpoolCounters
    waiting: int
    """Units that were accepted and have no content on disk yet."""
    in_memory: int
    """Records of content that are in memory only."""
    is_degraded: bool
    gate: str
    """Whom the spool takes: `open`, `certain_only` or `shut`."""
    gate_reason: str
    """Why, where it is not open."""
    used_bytes: int
    """Disk that the whole spool uses, all processes together, measured every few seconds."""
    max_bytes: int
    free_bytes: int | None
    owed: Mapping[str, Owed]
    """By destination."""
    adopted_directories: int

    @property
    def oldest_time_ns(self) -> int | None:
        """When the oldest record that anybody is owed was written, unix time."""
        times = [owed.oldest_time_ns for owed in self.owed.values() if owed.oldest_time_ns is not None]
        return min(times, default=None)
