"""Our own faults: counted, logged once per cause, never shown to the host."""

import functools
import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_log = logging.getLogger("certtrace.grading")
_lock = threading.Lock()
_counts: Counter[str] = Counter()

P = ParamSpec("P")
R = TypeVar("R")


def count(where: str, error: BaseException) -> None:
    """Count a fault at `where`; the first one of a kind is logged, by class name only."""
    kind = f"{where}: {type(error).__name__}"
    with _lock:
        _counts[kind] += 1
        first = _counts[kind] == 1
    if first:
        # No message and no traceback: either may quote what the candidate wrote.
        _log.error("%s failed with %s; the grading goes on, the record lacks this part.", where, type(error).__name__)


def counts() -> dict[str, int]:
    """Return how often each fault happened in this process, by `where: class`."""
    with _lock:
        return dict(_counts)


def contained(method: Callable[P, None]) -> Callable[P, None]:
    """Wrap a method that tells a trace something, so that its faults never reach the host."""

    @functools.wraps(method)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here is ours, the grading must go on
            count(method.__qualname__, error)

    return wrapper
