"""What a running pipeline says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from certtrace.sampling import AccountSnapshot


@dataclass(frozen=True, slots=True)
class FlushResult:
    """What a flush achieved within its timeout."""

    delivered: bool
    """Whether nothing is left."""
    undelivered: Mapping[str, int] = field(default_factory=dict)
    """Units still owed, by destination."""
    waiting: int = 0
    """Units that are not redacted yet."""

    def __bool__(self) -> bool:
        """Whether everything was delivered."""
        return self.delivered


@dataclass(frozen=True, slots=True)
class Status:
    """The account of this process, and where its data is."""

    account: AccountSnapshot
    redaction: Mapping[str, int]
    """Findings by type."""
    withheld: int
    """Values that were refused because redaction failed or a bound was exceeded."""
    spans: int
    """Redacted spans that left the worker."""
    waiting: int
    """Units that are not redacted yet."""
    pending: Mapping[str, int]
    """Units still owed, by destination."""
    delivered: Mapping[str, int]
    """Units taken, by destination."""
    faults: Mapping[str, int]
    """Our own faults, by cause."""
    home: Path
    store: Path | None
