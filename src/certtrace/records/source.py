"""Where traces are read from. One small interface, so that a command works on the local store and on a server alike."""

import base64
import binascii
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from certtrace.errors import InputError, StoreError, TraceNotFoundError
from certtrace.records import rows
from certtrace.records.facets import FACETS, facet_value
from certtrace.records.forking import GATE
from certtrace.records.model import Trace, TraceSummary
from certtrace.records.sampled import COLUMNS, SampledPart, part_from
from certtrace.records.schema import connect_read_only
from certtrace.records.store import DEFAULT_PROJECT

_BUSY_SECONDS: Final = 5.0
_HEX: Final = re.compile(r"[0-9a-f]{1,32}")
_FULL_ID: Final = 32
_LISTED: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFilter:
    """Which traces to list; every given condition must hold. A text is found in any observation of the trace."""

    failed: bool = False
    """Only traces with a failure that was not made good; see `TraceSummary.is_failed`."""
    service: str | None = None
    name: str | None = None
    submission_id: str | None = None
    candidate: str | None = None
    session_id: str | None = None
    since_ns: int | None = None
    """Start time in nanoseconds since the epoch, inclusive."""


EVERYTHING: Final = TraceFilter()


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

    def __init__(self, path: Path, project: str = DEFAULT_PROJECT) -> None:
        """Take the file; it is opened for each call, read-only."""
        self._path = path
        self._project = project

    def list_traces(
        self, matching: TraceFilter = EVERYTHING, *, limit: int = 50, cursor: str | None = None
    ) -> TracePage:
        """Return one page of summaries, newest first; see `TraceSource`."""
        statement, values = _list_query(self._project, matching, limit + 1, _decode_cursor(cursor))
        found = [rows.summary_from(row["trace_id"], row) for row in self._read(statement, values)]
        more = len(found) > limit
        return TracePage(tuple(found[:limit]), _encode_cursor(found[limit - 1]) if more else None)

    def get_trace(self, trace_id: str) -> Trace:
        """Return one trace by its full id; see `TraceSource`."""
        key = self._project, trace_id
        with self._reading() as connection:
            # One transaction: a writer must not slip between the summary and its observations.
            connection.execute("BEGIN")
            summary = connection.execute("SELECT * FROM traces WHERE project = ? AND trace_id = ?", key).fetchone()
            observations = connection.execute(
                "SELECT * FROM observations WHERE project = ? AND trace_id = ? ORDER BY start_time_ns, id", key
            ).fetchall()
            scores = connection.execute(
                "SELECT * FROM scores WHERE project = ? AND trace_id = ? ORDER BY timestamp_ns, id", key
            ).fetchall()
        if summary is None:
            raise self._not_found(trace_id)
        return Trace(
            summary=rows.summary_from(trace_id, summary),
            observations=tuple(rows.observation_from(trace_id, row) for row in observations),
            scores=tuple(map(rows.score_from, scores)),
        )

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
        with GATE, closing(connect_read_only(self._path, _BUSY_SECONDS)) as connection:
            connection.row_factory = sqlite3.Row
            try:
                yield connection
            except sqlite3.Error as error:
                msg = f"The store {self._path} cannot be read: {error}. If it is damaged, move it away."
                raise StoreError(msg) from error


def _list_query(
    project: str, matching: TraceFilter, limit: int, after: tuple[int, str] | None
) -> tuple[str, list[object]]:
    """Build the list statement: the first facet drives it in time order, the others are checked on each trace."""
    facets = [
        (kind, facet_value(kind, value)) for kind in FACETS if (value := getattr(matching, kind, None)) is not None
    ]
    tables, conditions, values = "traces AS t", ["t.project = ?"], [project]
    order = "t"
    arguments: list[object] = [*values]
    if facets:
        tables, order = "trace_facets AS f JOIN traces AS t USING (project, trace_id)", "f"
        conditions = ["f.project = ?", "f.kind = ?", "f.value = ?"]
        arguments += facets[0]
    for facet in facets[1:]:
        conditions.append(
            "EXISTS (SELECT 1 FROM trace_facets AS o WHERE o.project = t.project AND o.trace_id = t.trace_id"
            " AND o.kind = ? AND o.value = ?)"
        )
        arguments += facet
    if matching.failed:
        conditions.append("t.is_failed = 1")
    if matching.since_ns is not None:
        conditions.append(f"{order}.start_time_ns >= ?")
        arguments.append(matching.since_ns)
    if after is not None:
        conditions.append(f"({order}.start_time_ns, {order}.trace_id) < (?, ?)")
        arguments += after
    statement = (
        f"SELECT t.* FROM {tables} WHERE {' AND '.join(conditions)} "  # noqa: S608 - parts are constants; values are bound
        f"ORDER BY {order}.start_time_ns DESC, {order}.trace_id DESC LIMIT ?"
    )
    return statement, [*arguments, limit]


def _encode_cursor(last: TraceSummary) -> str:
    return base64.urlsafe_b64encode(f"{last.start_time_ns}:{last.trace_id}".encode()).decode()


def _decode_cursor(cursor: str | None) -> tuple[int, str] | None:
    if cursor is None:
        return None
    try:
        time_ns, _, trace_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        return int(time_ns), trace_id
    except (binascii.Error, ValueError):
        msg = "The cursor was not given by this list. Use the value of the page before, unchanged."
        raise InputError(msg) from None


def _ambiguous(prefix: str, found: Sequence[str]) -> str:
    listed = "\n".join(f"  {trace_id}" for trace_id in found[:_LISTED])
    more = "\n  and more" if len(found) > _LISTED else ""
    return f"Several trace ids begin with {prefix!r}; give more digits. Candidates:\n{listed}{more}"
