"""Sessions: they follow from the traces that name one."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from certtrace.records.queries.where import Where

Row = Mapping[str, Any]

_SESSIONS: Final = (
    "SELECT t.session_id AS id, MIN(COALESCE(t.created_at_ns, t.start_time_ns)) AS created_at_ns, t.environment"
    " FROM traces AS t INDEXED BY traces_by_session"
    " WHERE t.project = ? AND t.session_id IS NOT NULL AND t.session_id <> ''"
)
"""SQLite takes the environment from the row of the minimum: from the trace that came first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which sessions to list: by when they came, and by the environment of their first trace."""

    since_ns: int | None = None
    before_ns: int | None = None
    environments: Sequence[str] | None = None


def list_page(
    connection: sqlite3.Connection, project: str, matching: SessionFilter, *, limit: int, offset: int
) -> tuple[list[Row], int]:
    """Return one page, the newest first, and how many sessions there are in all."""
    where = Where()
    where.between("created_at_ns", matching.since_ns, matching.before_ns)
    where.one_of("environment", matching.environments)
    found = f"FROM ({_SESSIONS} GROUP BY t.session_id) WHERE {where}"
    rows = connection.execute(
        f"SELECT *, COUNT(*) OVER () AS total {found} ORDER BY created_at_ns DESC, id DESC LIMIT ? OFFSET ?",
        (project, *where.bound, limit, offset),
    ).fetchall()
    if rows or not offset:
        return rows, int(rows[0]["total"]) if rows else 0
    total = connection.execute(f"SELECT COUNT(*) {found}", (project, *where.bound)).fetchone()[0]
    return [], int(total)


def one(connection: sqlite3.Connection, project: str, session_id: str) -> Row | None:
    """Return a session by its id."""
    statement = f"{_SESSIONS} AND t.session_id = ? GROUP BY t.session_id"
    found: Row | None = connection.execute(statement, (project, session_id)).fetchone()
    return found
