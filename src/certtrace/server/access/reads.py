"""Who read which trace: written down before the answer goes out."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from certtrace.server.access.file import AccessFile
from certtrace.server.access.keys import KnownKey

WHOLE: Final = "whole"
"""The trace itself was asked for."""
LISTED: Final = "listed"
"""It was one of several in a list."""

_SECOND_NS: Final = 1_000_000_000
_SPANS_NS: Final = {WHOLE: 60 * _SECOND_NS, LISTED: 3_600 * _SECOND_NS}
"""Reads of the same trace by the same key and route within such a span of time are one row with a count: a page that
reloads itself every few seconds would fill the disk otherwise."""
_DAY_NS: Final = 86_400 * _SECOND_NS
_SWEPT_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Read:
    """One or several reads of a trace by one key through one route, within a minute (whole) or an hour (listed)."""

    trace_id: str
    key_id: str
    public_key: str
    note: str | None
    route: str
    how: str
    first_at_ns: int
    last_at_ns: int
    times: int


class Reads:
    """The record of reads in the access file."""

    def __init__(self, file: AccessFile, clock: Callable[[], int] = time.time_ns) -> None:
        """Take the file and what tells the time in nanoseconds since 1970."""
        self._file = file
        self._clock = clock

    def record(self, key: KnownKey, route: str, trace_ids: Iterable[str], *, whole: bool) -> None:
        """Write down, on the disk itself, that a key is shown some traces."""
        now, how = self._clock(), WHOLE if whole else LISTED
        start = now - now % _SPANS_NS[how]
        rows = [
            (key.project.id, trace_id, start, key.id, route, how, now, now) for trace_id in dict.fromkeys(trace_ids)
        ]
        if not rows:
            return
        with self._file.writing() as connection:
            connection.executemany(
                "INSERT INTO reads VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)"
                " ON CONFLICT DO UPDATE SET last_at_ns = max(last_at_ns, excluded.last_at_ns), times = times + 1",
                rows,
            )

    def page(
        self,
        project_id: str,
        *,
        trace_id: str | None = None,
        from_ns: int | None = None,
        to_ns: int | None = None,
        offset: int = 0,
        limit: int = 50,
    ) -> tuple[list[Read], int]:
        """Return reads of one project's traces, the latest first, and how many there are.

        Args:
            project_id: The project.
            trace_id: Only of this trace.
            from_ns: Only what was read then or later.
            to_ns: Only what was read before then.
            offset: How many to pass over.
            limit: How many to return.
        """
        wanted: dict[str, Any] = {
            "r.project = ?": project_id,
            "r.trace_id = ?": trace_id,
            "r.last_at_ns >= ?": from_ns,
            "r.first_at_ns < ?": to_ns,
        }
        given = {condition: value for condition, value in wanted.items() if value is not None}
        where, values = " AND ".join(given), list(given.values())
        with self._file.reading() as connection:
            total = connection.execute(f"SELECT count(*) FROM reads AS r WHERE {where}", values).fetchone()[0]  # noqa: S608 - the conditions are those above
            rows = connection.execute(
                "SELECT r.trace_id, r.key, k.public_key, k.note, r.route, r.how, r.first_at_ns, r.last_at_ns, r.times"  # noqa: S608 - as above
                f" FROM reads AS r JOIN keys AS k ON k.id = r.key WHERE {where}"
                " ORDER BY r.last_at_ns DESC, r.trace_id, r.key, r.route, r.how LIMIT ? OFFSET ?",
                [*values, limit, offset],
            ).fetchall()
        return [Read(*row) for row in rows], total

    def sweep(self, kept_days: int) -> int:
        """Delete what is older, and return how many rows that were."""
        before, deleted = self._clock() - kept_days * _DAY_NS, 0
        while True:
            with self._file.writing() as connection:
                found = connection.execute(
                    "DELETE FROM reads WHERE (project, trace_id, span_from_ns, key, route, how) IN (SELECT project,"
                    " trace_id, span_from_ns, key, route, how FROM reads WHERE last_at_ns < ? LIMIT ?)",
                    (before, _SWEPT_AT_ONCE),
                ).rowcount
            deleted += found
            if found < _SWEPT_AT_ONCE:
                return deleted
