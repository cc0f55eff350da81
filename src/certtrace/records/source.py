"""Where traces are read from. One small interface, so that a command works on the local store and on a server alike."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol

from certtrace.errors import StoreError, TraceNotFoundError
from certtrace.records import rows
from certtrace.records.bodies import read_body
from certtrace.records.database import Database
from certtrace.records.facts import facts_of
from certtrace.records.forking import GATE
from certtrace.records.listing import EVERYTHING, Listing, Position, TraceFilter
from certtrace.records.model import Trace, TraceSummary
from certtrace.records.sampled import COLUMNS, SampledPart, part_from
from certtrace.records.schema import connect_read_only
from certtrace.records.search.words import query_of
from certtrace.records.selecting import Selection, select
from certtrace.records.store import DEFAULT_PROJECT
from certtrace.records.summary import summarise

_BUSY_SECONDS: Final = 5.0
_HEX: Final = re.compile(r"[0-9a-f]{1,32}")
_FULL_ID: Final = 32
_LISTED: Final = 10

__all__ = ["EVERYTHING", "StoreSource", "TraceFilter", "TracePage", "TraceSource"]


@dataclass(frozen=True, slots=True)
class TracePage:
    """Summaries, newest first, and where to go on; `cursor` is None on the last page."""

    traces: tuple[TraceSummary, ...] = field(default=())
    cursor: str | None = None


class TraceSource(Protocol):
    """Reads traces. Implemented by the local store and by servers."""

    def list_traces(
        self, matching: TraceFilter = EVERYTHING, *, limit: int = 50, cursor: str | None = None
    ) -> TracePage:
        """Return one page of summaries, newest first.

        Raises:
            InputError: The cursor is not one that this source gave.
        """
        ...

    def get_trace(self, trace_id: str) -> Trace:
        """Return one trace by its full id.

        Raises:
            TraceNotFoundError: There is none.
        """
        ...

    def resolve(self, text: str) -> tuple[str, ...]:
        """Return the ids of the traces that `text` means, newest first, at least one.

        Args:
            text: A trace id, a prefix that only one trace id has, or a submission id, which several traces may share.

        Raises:
            TraceNotFoundError: There is none, or several trace ids have the prefix; the message lists them.
        """
        ...


class StoreSource:
    """The local store as a `TraceSource`. A store that was never written to is empty."""

    def __init__(self, store: Path | Database, project: str = DEFAULT_PROJECT) -> None:
        """Take the store.

        Args:
            store: Its file, opened for each call, read-only; or its connections, where there are any.
            project: Whose traces are read.
        """
        self._database = store if isinstance(store, Database) else None
        self._path = store.path if isinstance(store, Database) else store
        self._project = project

    def list_traces(
        self,
        matching: TraceFilter = EVERYTHING,
        *,
        limit: int = 50,
        cursor: str | None = None,
        failed_first: bool = False,
    ) -> TracePage:
        """Return one page of summaries, newest first; see `TraceSource`.

        Args:
            matching: Which traces. A page of a search for text may be short, and still have a cursor: what is common
                and matches seldom is looked through a part at a time.
            limit: How many at most.
            cursor: That of the page before.
            failed_first: Whether those with a failure that was not made good come before all others.
        """
        position = None if cursor is None else Position.decoded(cursor, failed_first=failed_first)
        with self._reading() as connection:
            rows_found, behind = select(connection, Selection(self._project, matching, limit, position, failed_first))
        found = [rows.summary_from(row["trace_id"], row) for row in rows_found]
        return TracePage(tuple(found), None if behind is None else behind.encoded())

    def count_traces(self, matching: TraceFilter = EVERYTHING, at_most: int = 1000) -> int:
        """Return how many traces match; counting stops at `at_most`."""
        with self._reading() as connection:
            if query_of(matching.text or ""):
                selection = Selection(self._project, matching, at_most, None, failed_first=False)
                return len(select(connection, selection)[0])
            statement, values = Listing(self._project, matching).count(at_most)
            return int(connection.execute(statement, values).fetchone()[0])

    def known_values(self, kind: str, limit: int = 50) -> tuple[str, ...]:
        """Return values that traces have, in order: of `service`, `name`, `environment`, `tag` and such."""
        statement = (
            "WITH RECURSIVE known (value, at) AS ("
            "SELECT min(value), 1 FROM trace_facets WHERE project = ?1 AND kind = ?2"
            " UNION ALL SELECT (SELECT min(value) FROM trace_facets WHERE project = ?1 AND kind = ?2"
            " AND value > known.value), at + 1 FROM known WHERE value IS NOT NULL AND at < ?3)"
            " SELECT value FROM known WHERE value IS NOT NULL"
        )
        return tuple(row["value"] for row in self._read(statement, (self._project, kind, limit)))

    def get_trace(self, trace_id: str) -> Trace:
        """Return one trace by its full id; see `TraceSource`."""
        key = self._project, trace_id
        with self._reading() as connection:
            summary = connection.execute("SELECT * FROM traces WHERE project = ? AND trace_id = ?", key).fetchone()
            observations = connection.execute(
                "SELECT * FROM observations WHERE project = ? AND trace_id = ? ORDER BY start_time_ns, id", key
            ).fetchall()
            scores = connection.execute(
                "SELECT * FROM scores WHERE project = ? AND trace_id = ? ORDER BY timestamp_ns, id", key
            ).fetchall()
            body = read_body(connection, *key)
        if summary is None:
            raise self._not_found(trace_id)
        found = tuple(rows.observation_from(trace_id, row) for row in observations)
        shown = rows.summary_from(trace_id, summary)
        if summary["pending"]:
            # A large trace that came in small parts: what the list shows may lag behind; here everything is at hand.
            anew = summarise(trace_id, map(facts_of, found), body)
            shown = replace(anew, created_at_ns=shown.created_at_ns, updated_at_ns=shown.updated_at_ns)
        return Trace(summary=shown, observations=found, scores=tuple(map(rows.score_from, scores)))

    def resolve(self, text: str) -> tuple[str, ...]:
        """Return the ids of the traces that `text` means; see `TraceSource`."""
        by_submission = self._ids_by_submission(text)
        if by_submission:
            return by_submission
        prefix = text.strip().lower()
        found = self._ids_by_prefix(prefix) if _HEX.fullmatch(prefix) else []
        if not found:
            raise self._not_found(text)
        if len(found) > 1:
            raise TraceNotFoundError(_ambiguous(prefix, found))
        return (found[0],)

    def sampled(self, trace_ids: Sequence[str]) -> list[SampledPart]:
        """Return how the observations of some traces came through sampling, trace by trace."""
        marks = ", ".join("?" * len(trace_ids))
        statement = (
            f"SELECT {COLUMNS} FROM observations "  # noqa: S608 - columns are constants; values are bound
            f"WHERE project = ? AND trace_id IN ({marks}) ORDER BY trace_id"
        )
        return [part_from(row) for row in self._read(statement, (self._project, *trace_ids))]

    def _ids_by_submission(self, text: str) -> tuple[str, ...]:
        statement = (
            "SELECT trace_id FROM trace_facets WHERE project = ? AND kind = 'submission_id' AND value = ? "
            "ORDER BY start_time_ns DESC, trace_id"
        )
        return tuple(row["trace_id"] for row in self._read(statement, (self._project, text)))

    def _ids_by_prefix(self, prefix: str) -> list[str]:
        statement = "SELECT trace_id FROM traces WHERE project = ? AND trace_id BETWEEN ? AND ? LIMIT ?"
        values = self._project, prefix, prefix.ljust(_FULL_ID, "f"), _LISTED + 1
        return [row["trace_id"] for row in self._read(statement, values)]

    def _not_found(self, text: str) -> TraceNotFoundError:
        return TraceNotFoundError(
            f"No trace, unique prefix of a trace id or submission is {text[:80]!r} in {self._path}. "
            "List what there is with: certtrace traces"
        )

    def _read(self, statement: str, values: Sequence[object]) -> list[Any]:
        with self._reading() as connection:
            return connection.execute(statement, values).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that sees one moment of the store."""
        if self._database is not None:
            with self._database.reading() as connection:
                yield connection
            return
        with GATE, closing(connect_read_only(self._path, _BUSY_SECONDS)) as connection:
            connection.row_factory = sqlite3.Row
            try:
                connection.execute("BEGIN")
                yield connection
            except sqlite3.Error as error:
                msg = f"The store {self._path} cannot be read: {error}. Check it with: certtrace store check"
                raise StoreError(msg) from error


def _ambiguous(prefix: str, found: Sequence[str]) -> str:
    listed = "\n".join(f"  {trace_id}" for trace_id in found[:_LISTED])
    more = "\n  and more" if len(found) > _LISTED else ""
    return f"Several trace ids begin with {prefix!r}; give more digits. Candidates:\n{listed}{more}"
