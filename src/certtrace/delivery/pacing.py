"""When a destination is asked next, and for how much at once: backoff, pause, and small steps back to full batches."""

import random
import time
from dataclasses import dataclass
from typing import Final

CONFIG: Final = "config"
NETWORK: Final = "network"
FAULT: Final = "fault"

_FIRST_BACKOFF_SECONDS: Final = 0.5
_LAST_BACKOFF_SECONDS: Final = 60.0
_FIRST_PAUSE_SECONDS: Final = 5.0
_LAST_PAUSE_SECONDS: Final = 300.0
_BATCH_BYTES: Final = 4 * 1024 * 1024
_BATCH_UNITS: Final = 512
_SMALLEST: Final = 9
"""How often a batch is halved until it is one unit."""


@dataclass(slots=True)
class Pace:
    """One destination's pace. Its owner guards it with a lock."""

    failures: int = 0
    """Since the last success."""
    retry_at: float = 0.0
    """`time.monotonic()` value before which nothing is sent; 0 while nothing is wrong."""
    asked_to_wait: bool = False
    """Whether the other side itself named the time."""
    failure: str = ""
    """`config` (an operator has to mend something), `network`, `fault` (ours); empty while nothing is wrong."""
    error: str = ""
    last_success_ns: int | None = None
    """Wall clock."""
    _halvings: int = 0

    @property
    def paused(self) -> bool:
        """Whether an operator has to mend something."""
        return self.failure == CONFIG

    @property
    def batch_units(self) -> int:
        """How many units go into the next batch at most."""
        return _BATCH_UNITS >> self._halvings

    @property
    def batch_bytes(self) -> int:
        """How many bytes go into the next batch; a single unit may be larger."""
        return _BATCH_BYTES >> self._halvings

    def settled(self) -> None:
        """Go on at once: the other side answers, whatever it said."""
        self.failures = 0
        self.retry_at = 0.0
        self.asked_to_wait = False
        self.failure = self.error = ""

    def succeeded(self) -> None:
        """Go on at once, with twice as much if less than a full batch was asked for."""
        self.settled()
        self.last_success_ns = time.time_ns()
        self._halvings = max(self._halvings - 1, 0)

    def failed(self, error: str, failure: str, retry_after: float | None) -> None:
        """Wait longer each time, and ask for less: what comes back must not be run down, nor a slow way be blocked."""
        self.failures += 1
        self.error, self.failure = error, failure
        self.asked_to_wait = retry_after is not None
        self.retry_at = time.monotonic() + self._seconds(retry_after)
        self._halvings = _SMALLEST if failure == CONFIG else min(self._halvings + 1, _SMALLEST)

    def retry_now(self, *, even_if_asked_to_wait: bool = False) -> None:
        """Try at once. What the other side asked for, and a pause, hold unless somebody insists."""
        if even_if_asked_to_wait or not (self.asked_to_wait or self.paused):
            self.retry_at = 0.0

    def _seconds(self, retry_after: float | None) -> float:
        first, last = _FIRST_BACKOFF_SECONDS, _LAST_BACKOFF_SECONDS
        if self.failure == CONFIG:
            first, last = _FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS
        growing = min(first * (1 << min(self.failures - 1, 10)), last)
        # Up to a quarter more, never less: a fleet must not come back at one moment, nor before it was asked to.
        return max(retry_after or 0.0, growing) * random.uniform(1.0, 1.25)  # noqa: S311 - spreads retries, keeps no secret
