"""Lists of traces, and single ones: what a client said of a trace itself wins over what its observations say."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final

import orjson

from certtrace.records.queries.columns import TRACE_COLUMNS, TRACE_ORDER
from certtrace.records.queries.conditions import Condition, install, narrow
from certtrace.records.queries.facets import narrow_by_facet
from certtrace.records.queries.where import LISTED, NS_PER_MS, Where, as_list

Row = Mapping[str, Any]

_FACETS: Final = {
    "userId": "user_id",
    "sessionId": "session_id",
    "name": "name",
    "traceName": "name",
    "tags": "tag",
    "traceTags": "tag",
}
_HAS_TAG: Final = f"EXISTS (SELECT 1 FROM json_each(t.tags) WHERE value IN {LISTED})"  # noqa: S608 - constants

FIELD_GROUPS: Final = ("core", "io", "scores", "observations", "metrics")

_FEW: Final = ("t.trace_id ",)
"""How conditions begin that leave few rows, which an index finds in another order than that of time."""
_SUMMARY: Final = ", ".join(
    f't."{column}"'
    for column in (
        "trace_id", "name", "start_time_ns", "environment", "release", "version", "user_id", "session_id", "tags",
        "public", "bookmarked", "created_at_ns", "updated_at_ns",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceQuery:
    """Which traces to list, and in which order; every given condition must hold."""

    user_ids: Sequence[str] | None = None
    names: Sequence[str] | None = None
    session_ids: Sequence[str] | None = None
    tags: Sequence[Sequence[str]] = ()
    """Of each list of alternatives one must be there."""
    environments: Sequence[str] | None = None
    version: str | None = None
    release: str | None = None
    since_ns: int | None = None
    before_ns: int | None = None
    conditions: Sequence[Condition] = ()
    order_by: str = "timestamp"
    """One of `TRACE_ORDER`."""
    descending: bool = True


@dataclass(slots=True)
class TraceRecord:
    """One trace, as far as it was asked for."""

    row: Row
    observation_ids: list[str] = field(default_factory=list)
    score_ids: list[str] = field(default_factory=list)
    total_cost: float = 0.0
    latency_seconds: float = 0.0
    input: str | None = None
    output: str | None = None
    metadata: str = "{}"
    """As JSON."""

    @property
    def trace_id(self) -> str:
        """Return the id."""
        return str(self.row["trace_id"])


def list_page(
    connection: sqlite3.Connection,
    project: str,
    query: TraceQuery,
    *,
    groups: Iterable[str],
    limit: int,
    offset: int,
) -> tuple[list[TraceRecord], int]:
    """Return one page, and how many traces there are in all.

    Raises:
        FilterError: The filter cannot be asked.
    """
    where = _where(connection, project, query)
    direction = "DESC" if query.descending else "ASC"
    order = f"{TRACE_ORDER[query.order_by]} {direction}, t.trace_id {direction}"
    # A plus keeps SQLite from walking all of time where another index finds the few rows at once.
    few = "+" if where.has(*_FEW) else ""
    statement = (
        f"SELECT {_SUMMARY} FROM traces AS t WHERE t.project = ? AND t.trace_id IN"  # noqa: S608 - constants; values are bound
        f" (SELECT t.trace_id FROM traces AS t WHERE {where} ORDER BY {few}{order} LIMIT ? OFFSET ?)"
        f" ORDER BY +{order}"
    )
    records = [TraceRecord(row) for row in connection.execute(statement, (project, *where.bound, limit, offset))]
    _fill(connection, project, records, frozenset(groups))
    return records, _count(connection, project, where)


def one(
    connection: sqlite3.Connection,
    project: str,
    trace_id: str,
    groups: Iterable[str] = FIELD_GROUPS,
    observations: Sequence[Row] | None = None,
) -> TraceRecord | None:
    """Return a trace by its id, as far as lists show it.

    Args:
        connection: One moment of the store.
        project: The project's id.
        trace_id: The trace's id.
        groups: Of `FIELD_GROUPS`.
        observations: The trace's whole observations, if they have been read already.
    """
    row = connection.execute(
        f"SELECT {_SUMMARY} FROM traces AS t WHERE t.project = ? AND t.trace_id = ?",  # noqa: S608 - constants
        (project, trace_id),
    ).fetchone()
    if row is None:
        return None
    record = TraceRecord(row)
    if observations:
        root = _sum_up(record, list(observations))
        if "io" in groups:
            record.input, record.output, record.metadata = root["input"], root["output"], root["metadata"]
            _fill_said(connection, project, {trace_id: record}, as_list([trace_id]))
        groups = set(groups) & {"scores"}
    _fill(connection, project, [record], frozenset(groups))
    return record


def of_session(connection: sqlite3.Connection, project: str, session_id: str) -> list[TraceRecord]:
    """Return the traces of a session in the order of time, with input and output."""
    statement = (
        f"SELECT {_SUMMARY} FROM traces AS t INDEXED BY traces_by_session"  # noqa: S608 - constants
        " WHERE t.project = ? AND t.session_id = ? ORDER BY +t.start_time_ns, t.trace_id"
    )
    records = [TraceRecord(row) for row in connection.execute(statement, (project, session_id))]
    _fill(connection, project, records, frozenset(("io",)))
    return records


def _where(connection: sqlite3.Connection, project: str, query: TraceQuery) -> Where:
    install(connection)
    where = Where(["t.project = ?"], [project])
    named = {TRACE_COLUMNS[each.column].expression for each in query.conditions if each.column in TRACE_COLUMNS}
    found_by = (("user_id", query.user_ids), ("session_id", query.session_ids), ("name", query.names))
    for column, values in found_by:
        if f"t.{column}" not in named and values is not None:
            where.one_of(f"t.{column}", values)
            narrow_by_facet(connection, where, "t.trace_id", (project, column, values))
    texts: tuple[tuple[str, Sequence[str] | None], ...] = (
        ("t.environment", query.environments),
        ("t.version", None if query.version is None else (query.version,)),
        ("t.release", None if query.release is None else (query.release,)),
    )
    for column, values in texts:
        if column not in named:
            where.one_of(column, values)
    if "t.tags" not in named:
        for alternatives in query.tags:
            where.add(_HAS_TAG, as_list(alternatives))
            narrow_by_facet(connection, where, "t.trace_id", (project, "tag", alternatives))
    if "t.start_time_ns" not in named:
        where.between("t.start_time_ns", query.since_ns, query.before_ns)
    narrow(where, query.conditions, TRACE_COLUMNS)
    for each in query.conditions:
        for values in _facets(each):
            narrow_by_facet(connection, where, "t.trace_id", (project, _FACETS[each.column], values))
    return where


def _facets(condition: Condition) -> Iterable[Sequence[str]]:
    """Return what the traces of a condition have for sure: of each list one value."""
    if condition.column not in _FACETS:
        return ()
    match condition.operator:
        case "=":
            return ((condition.value,),)
        case "any of":
            return (condition.value,)
        case "all of":
            return [(value,) for value in condition.value]
    return ()


def _count(connection: sqlite3.Connection, project: str, where: Where) -> int:
    if len(where.parts) == 1:
        kept = connection.execute("SELECT traces FROM counts WHERE project = ?", (project,)).fetchone()
        return int(kept[0]) if kept else 0
    statement = f"SELECT COUNT(*) FROM traces AS t WHERE {where}"  # noqa: S608 - constants; values are bound
    return int(connection.execute(statement, where.bound).fetchone()[0])


def _fill(connection: sqlite3.Connection, project: str, records: Sequence[TraceRecord], groups: frozenset[str]) -> None:
    if not records:
        return
    by_id = {record.trace_id: record for record in records}
    ids = as_list(by_id)
    if groups & {"io", "observations", "metrics"}:
        roots = _fill_observations(connection, project, by_id, ids)
        if "io" in groups:
            _fill_content(connection, project, by_id, ids, roots)
    if "scores" in groups:
        statement = (
            "SELECT s.trace_id, s.id FROM scores AS s WHERE s.project = ?"
            " AND s.trace_id IN (SELECT value FROM json_each(?)) ORDER BY +s.timestamp_ns, s.id"
        )
        for trace_id, score_id in connection.execute(statement, (project, ids)):
            by_id[trace_id].score_ids.append(score_id)


def _fill_observations(
    connection: sqlite3.Connection, project: str, by_id: Mapping[str, TraceRecord], ids: str
) -> dict[int, TraceRecord]:
    """Fill in what follows from the observations; return the traces by the number of their root."""
    statement = (
        "SELECT o.trace_id, o.number, o.id, o.parent_observation_id, o.start_time_ns, o.end_time_ns, o.is_app_root,"
        " o.cost_details FROM observations AS o WHERE o.project = ?"
        " AND o.trace_id IN (SELECT value FROM json_each(?))"
    )
    found: dict[str, list[Row]] = {}
    for row in connection.execute(statement, (project, ids)):
        found.setdefault(row["trace_id"], []).append(row)
    return {_sum_up(by_id[trace_id], rows)["number"]: by_id[trace_id] for trace_id, rows in found.items()}


def _sum_up(record: TraceRecord, rows: list[Row]) -> Row:
    """Fill in what follows from the observations of one trace; return its root."""
    rows.sort(key=itemgetter("start_time_ns", "id"))
    record.observation_ids = [row["id"] for row in rows]
    record.total_cost = sum(total_cost(row["cost_details"]) for row in rows)
    last = max(row["end_time_ns"] for row in rows)
    record.latency_seconds = (last // NS_PER_MS - rows[0]["start_time_ns"] // NS_PER_MS) / 1000
    return _root(rows)


def _root(rows: Sequence[Row]) -> Row:
    """Return the first that has no parent, else the first that an SDK marked, else one whose parent is not here."""
    here = {row["id"] for row in rows}
    return (
        next((row for row in rows if not row["parent_observation_id"]), None)
        or next((row for row in rows if row["is_app_root"]), None)
        or next((row for row in rows if row["parent_observation_id"] not in here), rows[0])
    )


def total_cost(details: str) -> float:
    """Return the total of stored cost details: as given, else the sum of its parts."""
    if details == "{}":
        return 0.0
    costs = orjson.loads(details)
    total = costs.get("total")
    return float(sum(costs.values()) if total is None else total)


def _fill_content(
    connection: sqlite3.Connection,
    project: str,
    by_id: Mapping[str, TraceRecord],
    ids: str,
    roots: Mapping[int, TraceRecord],
) -> None:
    statement = (
        "SELECT number, metadata, input, output FROM observations WHERE number IN (SELECT value FROM json_each(?))"
    )
    for number, metadata, given, result in connection.execute(statement, (orjson.dumps(list(roots)).decode(),)):
        record = roots[number]
        record.input, record.output, record.metadata = given, result, metadata
    _fill_said(connection, project, by_id, ids)


def _fill_said(connection: sqlite3.Connection, project: str, by_id: Mapping[str, TraceRecord], ids: str) -> None:
    """Fill in what a client said of the traces themselves; it wins."""
    bodies = connection.execute(
        "SELECT trace_id, metadata, input, output FROM trace_bodies"
        " WHERE project = ? AND trace_id IN (SELECT value FROM json_each(?))",
        (project, ids),
    )
    for trace_id, metadata, given, result in bodies:
        record = by_id[trace_id]
        record.input = record.input if given is None else given
        record.output = record.output if result is None else result
        record.metadata = record.metadata if metadata is None else metadata
