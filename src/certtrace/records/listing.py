"""The statements behind lists of traces: conditions, order, and where a page goes on."""

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from certtrace.errors import InputError
from certtrace.records.facets import FACETS, facet_value
from certtrace.records.mapping.values import clamped_ns

_STATUSES: Final = ("ok", "error", "cancelled", "abandoned")


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFilter:
    """Which traces to list; every given condition must hold. A value is found in any observation of the trace."""

    failed: bool = False
    """Only traces with a failure that was not made good; see `TraceSummary.is_failed`."""
    failure: str | None = None
    """Class of the failure, or type of the error where it has no class; implies `failed`."""
    status: str | None = None
    """`ok`, `error`, `cancelled` or `abandoned`."""
    service: str | None = None
    name: str | None = None
    submission_id: str | None = None
    candidate: str | None = None
    session_id: str | None = None
    user_id: str | None = None
    tag: str | None = None
    environment: str | None = None
    since_ns: int | None = None
    """Start time in nanoseconds since the epoch, inclusive."""
    until_ns: int | None = None
    """Start time in nanoseconds since the epoch, exclusive."""
    text: str | None = None
    """Words, "phrases" and beginnings with a star, all of them in the same observation or score."""


EVERYTHING: Final = TraceFilter()


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ends: the next one goes on behind it."""

    start_time_ns: int
    trace_id: str
    is_failed: bool | None = None
    """Whether it is among the failed, in a list that has these first."""

    def encoded(self) -> str:
        """Return it as a cursor."""
        group = "" if self.is_failed is None else f"{int(self.is_failed)}:"
        return base64.urlsafe_b64encode(f"{group}{self.start_time_ns}:{self.trace_id}".encode()).decode()

    @classmethod
    def decoded(cls, cursor: str, *, failed_first: bool) -> "Position":
        """Return what a cursor means.

        Raises:
            InputError: It is not one that a list of this order gave.
        """
        try:
            parts = base64.urlsafe_b64decode(cursor.encode()).decode().split(":", 2 if failed_first else 1)
            group = bool(int(parts.pop(0))) if failed_first else None
            time_ns, trace_id = parts
            return cls(clamped_ns(int(time_ns)), trace_id, group)
        except (binascii.Error, ValueError, IndexError):
            msg = "The cursor was not given by this list. Use the value of the page before, unchanged."
            raise InputError(msg) from None


class Listing:
    """The statement that selects one project's traces, newest first."""

    def __init__(self, project: str, matching: TraceFilter) -> None:
        """Build it: the first facet drives it in time order, the others are checked on each trace."""
        self._tables, self._order = "traces AS t", "t"
        self._conditions = ["t.project = ?"]
        self._values: list[object] = [project]
        self._take_facets(project, matching)
        if matching.failed or matching.failure is not None:
            self._conditions.append("t.is_failed = 1")
        if matching.failure is not None:
            self._bind("coalesce(nullif(t.failure_class, ''), t.error_type) = ?", matching.failure)
        if matching.status is not None:
            # Written out, not bound: only so the index of what is not ok is used.
            self._conditions.append(f"t.status = '{matching.status}'" if matching.status in _STATUSES else "0")
        if matching.since_ns is not None:
            self._bind(f"{self._order}.start_time_ns >= ?", matching.since_ns)
        if matching.until_ns is not None:
            self._bind(f"{self._order}.start_time_ns < ?", matching.until_ns)

    def behind(self, position: Position | None) -> "Listing":
        """Go on behind the end of a page."""
        if position is not None:
            order = self._order
            self._bind(f"({order}.start_time_ns, {order}.trace_id) < (?, ?)", position.start_time_ns, position.trace_id)
        return self

    def only_failed(self, failed: bool | None) -> "Listing":  # noqa: FBT001 - the value of a column
        """Keep to what failed, or to what did not; to both with None."""
        if failed is not None:
            self._bind("t.is_failed = ?", int(failed))
        return self

    def among(self, trace_ids_json: str | None) -> "Listing":
        """Keep to some traces; None for no such bound."""
        if trace_ids_json is not None:
            self._bind("t.trace_id IN (SELECT value FROM json_each(?))", trace_ids_json)
        return self

    def page(self, limit: int) -> tuple[str, list[object]]:
        """Return the statement for one page and its values; `order_ns` is what the list is ordered by."""
        order = self._order
        statement = (
            f"SELECT t.*, {order}.start_time_ns AS order_ns {self._from()} "
            f"ORDER BY {order}.start_time_ns DESC, {order}.trace_id DESC LIMIT ?"
        )
        return statement, [*self._values, limit]

    def count(self, at_most: int) -> tuple[str, list[object]]:
        """Return the statement that counts, and its values."""
        return f"SELECT count(*) FROM (SELECT 1 {self._from()} LIMIT ?)", [*self._values, at_most]  # noqa: S608 - constants; values are bound

    def _from(self) -> str:
        return f"FROM {self._tables} WHERE {' AND '.join(self._conditions)}"

    def _take_facets(self, project: str, matching: TraceFilter) -> None:
        facets = [(kind, facet_value(kind, value)) for kind in FACETS if (value := getattr(matching, kind)) is not None]
        if facets:
            self._tables, self._order = "trace_facets AS f JOIN traces AS t USING (project, trace_id)", "f"
            self._conditions = ["f.project = ?", "f.kind = ?", "f.value = ?"]
            self._values = [project, *facets[0]]
        for facet in facets[1:]:
            self._bind(
                "EXISTS (SELECT 1 FROM trace_facets AS o WHERE o.project = t.project AND o.trace_id = t.trace_id"
                " AND o.kind = ? AND o.value = ?)",
                *facet,
            )

    def _bind(self, condition: str, *values: object) -> None:
        self._conditions.append(condition)
        self._values += values
