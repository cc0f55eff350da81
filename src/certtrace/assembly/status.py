"""What a running pipeline says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from certtrace.assembly.sums import Sums
from certtrace.sampling import AccountSnapshot, Handover, Passage


@dataclass(frozen=True, slots=True)
class FlushResult:
    """What a flush achieved within its timeout."""

    delivered: bool
    """Whether nothing is left."""
    undelivered: Mapping[str, int] = field(default_factory=dict)
    """Records still owed, by destination: the content of a unit is one, each score another."""
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
    """Records still owed, by destination: the content of a unit is one, each score another."""
    delivered: Mapping[str, int]
    """Units taken, by destination."""
    faults: Mapping[str, int]
    """Our own faults, by cause."""
    home: Path
    store: Path | None
    handover: Handover | None = None
    """How the account and the spool agree; None where nothing is spooled."""
    passages: Mapping[str, Passage] = field(default_factory=dict)
    """Where the records of the kept units are, by destination."""
    account_faults: int = 0
    """How often the running check found that a sum had stopped holding."""

    @property
    def balanced(self) -> bool:
        """Whether all sums hold: of the account, between account and spool, and of every destination."""
        return self._sums().balanced

    @property
    def imbalance(self) -> int:
        """How many units and records are nowhere or counted twice."""
        return self._sums().imbalance

    def describe(self) -> str:
        """Return every sum in words, one a line, and what is off where it is."""
        return self._sums().describe()

    def _sums(self) -> Sums:
        return Sums(self.account, self.handover, self.passages)
