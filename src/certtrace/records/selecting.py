"""One page of a list of traces, read."""

import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from certtrace.records.listing import Listing, Position, TraceFilter
from certtrace.records.search.finding import Found
from certtrace.records.search.words import query_of

_FEW: Final = 4000
"""Records up to which a search starts from what has the words; else from the list, looking at each trace."""
_AT_ONCE: Final = 100
_LONGEST_SECONDS: Final = 1.0
"""How long a page is looked for; then it ends where it is, and the next one goes on from there."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked for."""

    project: str
    matching: TraceFilter
    limit: int
    position: Position | None
    """The end of the page before."""
    failed_first: bool

    @property
    def groups(self) -> tuple[bool | None, ...]:
        """Return the groups to read, one behind the other: failed or not, or everything."""
        if not self.failed_first:
            return (None,)
        return (True, False) if self.position is None or self.position.is_failed else (False,)

    def start_of(self, group: bool | None) -> Position | None:  # noqa: FBT001 - the value of a column
        """Return where to begin in a group."""
        return self.position if self.position is not None and self.position.is_failed == group else None


def select(connection: sqlite3.Connection, asked: Selection) -> tuple[list[sqlite3.Row], Position | None]:
    """Return the rows of one page, and where it ends if more may follow."""
    found: list[sqlite3.Row] = []
    end = asked.position
    give_up = time.monotonic() + _LONGEST_SECONDS
    for row, position, matches in _looked_at(connection, asked):
        if not matches:
            if time.monotonic() > give_up:
                return found, position
            continue
        if len(found) == asked.limit:
            return found, end
        found.append(row)
        end = position
    return found, None


def _looked_at(connection: sqlite3.Connection, asked: Selection) -> Iterator[tuple[sqlite3.Row, Position, bool]]:
    """Yield traces in their order, each with its place in it and whether the text that is looked for is there."""
    text = asked.matching.text or ""
    query = query_of(text)
    if text.strip() and not query:
        return  # no words: nothing has them
    search = Found(connection, asked.project, query) if query else None
    few = json.dumps(sorted(search.trace_ids())) if search is not None and search.at_most <= _FEW else None
    for group in asked.groups:
        position = asked.start_of(group)
        while True:
            listing = Listing(asked.project, asked.matching).behind(position).only_failed(group).among(few)
            size = asked.limit + 1 if search is None else _AT_ONCE
            rows = connection.execute(*listing.page(size)).fetchall()
            ids = [row["trace_id"] for row in rows]
            matching = set(ids) if search is None else search.among(ids)
            for row in rows:
                position = Position(row["order_ns"], row["trace_id"], group)
                yield row, position, row["trace_id"] in matching
            if len(rows) < size:
                break
