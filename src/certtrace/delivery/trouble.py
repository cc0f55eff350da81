"""What is wrong with a process's destinations, for whoever looks from another process: a small file while it lasts."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from certtrace.delivery.files import read_from, replace_file
from certtrace.delivery.pacing import Pace

_PREFIX: Final = "trouble-"
_REFRESH_SECONDS: Final = 30.0


@dataclass(slots=True, frozen=True)
class Trouble:
    """Why one destination of one process takes nothing."""

    destination: str
    failure: str
    """`config` (an operator has to mend something), `network` (it may pass by itself), `fault` (ours)."""
    error: str
    failures: int
    """Failed attempts in a row, as of the last writing."""
    since_ns: int
    """When they began, wall clock, as the other times."""
    retry_at_ns: int
    last_success_ns: int | None


class Notice:
    """One destination's file. For one thread."""

    def __init__(self, destination: str) -> None:
        """Take the destination's name; nothing is written yet."""
        safe = "".join(c if c.isalnum() or c in "-_" else f"%{ord(c):x}" for c in destination)
        self._name = f"{_PREFIX}{safe}.json"
        self._destination = destination
        self._written: tuple[Path, str] | None = None
        self._again_at = 0.0
        self._since_ns = 0

    def tell(self, directory: Path | None, pace: Pace) -> None:
        """Write, renew or delete the file, where there is reason to. Never raises: it is a help, and no more."""
        if not pace.failure:
            self._withdraw()
        elif directory is not None:
            now = time.monotonic()
            if self._written != (directory, pace.error) or now >= self._again_at:
                self._again_at = now + _REFRESH_SECONDS
                self._since_ns = self._since_ns or time.time_ns()
                self._write(directory, pace, now)

    def _write(self, directory: Path, pace: Pace, now: float) -> None:
        trouble = Trouble(
            destination=self._destination,
            failure=pace.failure,
            error=pace.error,
            failures=pace.failures,
            since_ns=self._since_ns,
            retry_at_ns=time.time_ns() + int((pace.retry_at - now) * 1e9),
            last_success_ns=pace.last_success_ns,
        )
        with suppress(OSError):
            replace_file(directory / self._name, json.dumps(asdict(trouble)).encode())
            self._written = (directory, pace.error)

    def _withdraw(self) -> None:
        written, self._written, self._since_ns = self._written, None, 0
        if written is not None:
            with suppress(OSError):
                (written[0] / self._name).unlink()


def troubles(directory: Path) -> Iterator[Trouble]:
    """Yield what is wrong with the destinations of the process that a spool directory belongs to, if it still runs."""
    for path in sorted(directory.glob(f"{_PREFIX}*.json")):
        with suppress(OSError, ValueError, TypeError, KeyError):
            told: dict[str, Any] = json.loads(read_from(path, 0))
            success = told["last_success_ns"]
            yield Trouble(
                destination=str(told["destination"]),
                failure=str(told["failure"]),
                error=str(told["error"]),
                failures=int(told["failures"]),
                since_ns=int(told["since_ns"]),
                retry_at_ns=int(told["retry_at_ns"]),
                last_success_ns=None if success is None else int(success),
            )
