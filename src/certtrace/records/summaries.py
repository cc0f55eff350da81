"""The row of each trace, kept up with every write.

A small trace is summarised anew at each write. A large one that arrives in many small parts would cost its square that
way: there what is new is added to what is known, and the whole is read again once a share of it has changed.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from certtrace.records import rows
from certtrace.records.bodies import read_body
from certtrace.records.facets import add_facets, facets_of, set_facets
from certtrace.records.facts import Facts
from certtrace.records.model import TraceChange, TraceSummary
from certtrace.records.statements import upsert
from certtrace.records.summary import ERROR, summarise, with_body

_SMALL: Final = 128
"""Observations up to which a trace is summarised anew at each write."""
_SHARE: Final = 4
"""A larger one is when one in so many of its observations has changed since."""

_PUT: Final = upsert(
    "traces",
    ("project", "trace_id", *rows.SUMMARY_COLUMNS, "pending"),
    ("project", "trace_id"),
    kept=("created_at_ns",),
)
_GET_FACTS: Final = (
    "SELECT " + ", ".join(f'"{column}"' for column in rows.FACT_COLUMNS) + " FROM observations"  # noqa: S608 - constants
    " WHERE project = ? AND trace_id = ?"
)


class Summaries:
    """The rows of one project's traces, within one transaction."""

    def __init__(self, connection: sqlite3.Connection, project: str, now_ns: int) -> None:
        """Take the connection that writes."""
        self._connection = connection
        self._project = project
        self._now_ns = now_ns

    def enter(self, trace_id: str, facts: Sequence[Facts], body: TraceChange | None) -> None:
        """Summarise a trace of which nothing was known."""
        summary = self._put(summarise(trace_id, facts, body))
        add_facets(self._connection, self._project, trace_id, facets_of(facts, summary), summary.start_time_ns)

    def update(self, stored: sqlite3.Row, facts: Sequence[Facts], new: int) -> None:
        """Bring a trace up to date.

        Args:
            stored: Its row of `traces`.
            facts: What was written of it: observations that are new, and that were replaced.
            new: How many of them are new.
        """
        count = stored["observation_count"] + new
        pending = stored["pending"] + len(facts)
        if count <= _SMALL or pending * _SHARE >= count:
            self.renew(stored["trace_id"])
            return
        trace_id: str = stored["trace_id"]
        known = rows.summary_from(trace_id, stored)
        body = read_body(self._connection, self._project, trace_id)
        summary = self._put(_extended(known, facts, count, body), max(pending, 1))
        add_facets(self._connection, self._project, trace_id, facets_of(facts, summary), summary.start_time_ns)

    def renew(self, trace_id: str) -> None:
        """Summarise a trace from everything that is stored of it; one of which nothing is left goes."""
        key = self._project, trace_id
        facts = [rows.facts_from(row) for row in self._connection.execute(_GET_FACTS, key)]
        body = read_body(self._connection, *key)
        if not facts and body is None:
            self._connection.execute("DELETE FROM traces WHERE project = ? AND trace_id = ?", key)
            return
        summary = self._put(summarise(trace_id, facts, body))
        set_facets(self._connection, *key, facets_of(facts, summary), summary.start_time_ns)

    def _put(self, summary: TraceSummary, pending: int = 0) -> TraceSummary:
        dated = replace(summary, created_at_ns=self._now_ns, updated_at_ns=self._now_ns)
        self._connection.execute(_PUT, (self._project, summary.trace_id, *rows.summary_row(dated), pending))
        return dated


def renew_pending(connection: sqlite3.Connection, now_ns: int, *, quiet_seconds: float = 0.0) -> bool:
    """Summarise one large trace anew that has changed since it was last; return whether there was one.

    Args:
        connection: One that writes.
        now_ns: The time it is.
        quiet_seconds: Only a trace to which nothing has come for so long.
    """
    row = connection.execute(
        "SELECT project, trace_id FROM traces INDEXED BY traces_pending "
        "WHERE pending > 0 AND updated_at_ns <= ? LIMIT 1",
        (now_ns - int(quiet_seconds * 1e9),),
    ).fetchone()
    if row is not None:
        Summaries(connection, row["project"], now_ns).renew(row["trace_id"])
    return row is not None


def _extended(known: TraceSummary, facts: Sequence[Facts], count: int, body: TraceChange | None) -> TraceSummary:
    """Return what can be said of a trace from its summary and what is new, until it is read as a whole again."""
    fresh = summarise(known.trace_id, facts, body) if facts else known
    extended = replace(
        known,
        start_time_ns=min(known.start_time_ns, fresh.start_time_ns),
        end_time_ns=max(known.end_time_ns, fresh.end_time_ns),
        status=ERROR if _failed_at_root(facts) else known.status,
        observation_count=count,
        error_count=known.error_count + sum(each.level == "ERROR" for each in facts),
        pass_count=known.pass_count + sum(each.is_pass for each in facts),
        tags=tuple(dict.fromkeys((*known.tags, *fresh.tags))),
        public=known.public or fresh.public,
        user_id=known.user_id or fresh.user_id,
        session_id=known.session_id or fresh.session_id,
    )
    return extended if body is None else with_body(extended, body)


def _failed_at_root(facts: Sequence[Facts]) -> bool:
    return any(each.level == "ERROR" and each.parent_observation_id is None for each in facts)
