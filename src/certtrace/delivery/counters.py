"""What the spool counts: every unit that it took, kept or could not keep."""

from dataclasses import dataclass


@dataclass(slots=True)
class SpoolCounters:
    """Exact counts of this process since it started (or was forked)."""

    accepted: int = 0
    """Sequence numbers handed out."""
    refused_units: int = 0
    """Units that `accept` refused because the spool is full or closed."""
    refused: int = 0
    """Content that was refused for the same reason: scores, and what came after `close`."""
    spooled: int = 0
    """Records written to disk."""
    degraded: int = 0
    """Skeletons and records that went to memory because the disk refused."""
    lost: int = 0
    """Accepted records that neither disk nor memory could hold."""
    torn: int = 0
    """Cut ends of segments, left by a killed process or a full disk."""
    corrupt: int = 0
    """Damaged stretches of segments that were skipped."""
    unknown: int = 0
    """Segments of a later version, left untouched."""
    content_lost: int = 0
    """Skeletons without content, found in adopted directories and sent on as such."""
