"""The chores of one box."""

import time
from collections.abc import Callable, Mapping
from typing import Final

from certtrace.records import retention
from certtrace.records.retention import Retention
from certtrace.records.search import SearchIndex
from certtrace.server.box import Box
from certtrace.server.indexing import Indexing
from certtrace.server.media import sweeping
from certtrace.server.upkeep import Chore

_INDEX_SECONDS: Final = 1.0
_INDEX_BUDGET_SECONDS: Final = 0.5
_LOG_SECONDS: Final = 2.0
_LOG_BYTES: Final = 64 * 1024 * 1024
_SWEEP_SECONDS: Final = 3_600.0
_SWEEP_BUDGET_SECONDS: Final = 0.5


def indexing_of(box: Box) -> Indexing:
    """Return what keeps a box's search index up to date."""
    index = SearchIndex(box.store)
    return Indexing(box.store.path, lambda: index.catch_up(_INDEX_BUDGET_SECONDS) > 0)


def chores_of(box: Box, indexing: Callable[[], bool], *, reads_kept_days: int, kept: Retention) -> list[Chore]:
    """Return what has to be done again and again for a box.

    Args:
        box: The box.
        indexing: Sees to it that the search index is kept up to date; returns whether more is to be done at once.
        reads_kept_days: For how long it is known who read what.
        kept: For how long traces are kept.
    """

    def shorten_log() -> bool:
        box.store.shorten_log(_LOG_BYTES)
        return False

    def forget_traces() -> bool:
        return not retention.sweep(box.store, kept, time.time_ns(), _SWEEP_BUDGET_SECONDS).is_done

    def forget_deleted() -> bool:
        if box.store.owes_emptying:
            box.store.empty_log()
        return False

    def forget_media() -> bool:
        sweeping.remove_unused(box)
        return False

    def forget_reads() -> bool:
        box.access.reads.sweep(reads_kept_days)
        return False

    return [
        Chore("Indexing", _INDEX_SECONDS, indexing),
        Chore("Shortening the log", _LOG_SECONDS, shorten_log),
        Chore("Deleting old traces", _SWEEP_SECONDS, forget_traces),
        Chore("Emptying the log of what was deleted", _LOG_SECONDS, forget_deleted),
        Chore("Deleting media that nothing uses", _SWEEP_SECONDS, forget_media),
        Chore("Deleting old records of reads", _SWEEP_SECONDS, forget_reads),
    ]


def retention_of(days: Mapping[str, float]) -> Retention:
    """Return for how long traces are kept: `failed` for all, `staging/failed` for one environment."""
    environments: dict[str, dict[str, float]] = {}
    for name, kept in days.items():
        environment, slash, kind = name.rpartition("/")
        if slash:
            environments.setdefault(environment, {})[kind] = kept
    return Retention(days={name: kept for name, kept in days.items() if "/" not in name}, environments=environments)
