"""The chores of one box."""

from typing import Final

from certtrace.records.search import SearchIndex
from certtrace.server.box import Box
from certtrace.server.upkeep import Chore

_INDEX_SECONDS: Final = 1.0
_INDEX_BUDGET_SECONDS: Final = 0.5
_SWEEP_SECONDS: Final = 3_600.0


def chores_of(box: Box, *, reads_kept_days: int) -> list[Chore]:
    """Return what has to be done again and again for a box."""
    index = SearchIndex(box.store)

    def catch_up() -> bool:
        return index.catch_up(_INDEX_BUDGET_SECONDS) > 0

    def forget_reads() -> bool:
        box.access.reads.sweep(reads_kept_days)
        return False

    return [
        Chore("Indexing", _INDEX_SECONDS, catch_up),
        Chore("Deleting old records of reads", _SWEEP_SECONDS, forget_reads),
    ]
