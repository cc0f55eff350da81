"""The search index of a running server: kept up to date by a process of its own, or within the server without one."""

import logging
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from certtrace.records.search import alongside

_log: Final = logging.getLogger("certtrace.server")
_ATTEMPTS: Final = 3
_END_SECONDS: Final = 3.0


class Indexing:
    """Starts the process, and again if it ends; where that does not help, the work is done within the server."""

    def __init__(self, store: Path, within: Callable[[], bool], python: str = sys.executable) -> None:
        """Take the store.

        Args:
            store: Its file.
            within: Does a piece of the work here; returns whether more of it is waiting.
            python: The program that runs the process.
        """
        self._command = [python, "-P", "-m", alongside.__name__, str(store)]
        self.index_here = within
        self._attempts = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Begin; the process is started by the first look after it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        self._attempts = _ATTEMPTS + 1
        self._end()

    @property
    def process_number(self) -> int | None:
        """Return the number of the process, if there is one."""
        return None if self._process is None else self._process.pid

    def look_after(self) -> bool:
        """See to it that the index is kept up to date; return whether more is to be done at once."""
        if self._process is not None and self._process.poll() is None:
            return False
        self._end()
        if self._attempts < _ATTEMPTS:
            self._start()
            return False
        if self._attempts == _ATTEMPTS:
            self._attempts += 1
            _log.warning("No process for indexing can be kept running; it is done within the server, which is slower.")
        return self.index_here()

    def _start(self) -> None:
        self._attempts += 1
        with suppress(OSError):
            self._process = subprocess.Popen(  # noqa: S603 - this program's own interpreter and module
                self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )

    def _end(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
