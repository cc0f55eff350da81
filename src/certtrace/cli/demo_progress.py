"""Progress of the demo on stderr: a live line on a terminal, a plain line now and then elsewhere."""

import sys
import threading
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from certtrace.cli.terminal import remark
from certtrace.demo.intake import BadLine
from certtrace.demo.results import Result

_PLAIN_EVERY: Final = 25
_MOST_BAD_LINES: Final = 20


class Progress:
    """Counts results and says what went wrong, from any thread. It names subjects by id, never a person."""

    def __init__(self, *, total: int | None, terminal: bool) -> None:
        """Draw a bar if `terminal` is wanted and stderr is one."""
        self._total = total
        self._lock = threading.Lock()
        self._done = self._failed = self._bad_lines = 0
        console = Console(stderr=True)
        self._bar = _bar(console) if terminal and console.is_terminal and not console.is_dumb_terminal else None
        self._task = self._bar.add_task("grading", total=total) if self._bar else None

    def __enter__(self) -> Self:
        """Begin."""
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last state standing."""
        if self._bar is not None:
            self._bar.stop()
        if kind is None and self._bad_lines > _MOST_BAD_LINES:
            remark(f"{self._bad_lines - _MOST_BAD_LINES} more lines were skipped.")

    def bad_line(self, line: BadLine) -> None:
        """Report a skipped line, up to a number of them."""
        self._bad_lines += 1
        if self._bad_lines <= _MOST_BAD_LINES:
            self._say(f"certtrace: {line}")

    def result(self, result: Result) -> None:
        """Count a result."""
        with self._lock:
            self._done += 1
            self._failed += bool(result.error)
            done, failed = self._done, self._failed
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, description=f"grading, {failed} failed")
        elif done % _PLAIN_EVERY == 0 or done == self._total:
            self._say(f"graded {done}{f' of {self._total}' if self._total else ''}, {failed} failed")

    def _say(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            remark(text)
        sys.stderr.flush()


def _bar(console: Console) -> Bar:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Bar(*columns, console=console, transient=True)
