"""Lists of scores, and single ones."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from certtrace.records.queries.columns import SCORE_COLUMNS
from certtrace.records.queries.conditions import Condition, install, narrow
from certtrace.records.queries.where import Where, as_list, in_range

Row = Mapping[str, Any]

_COLUMNS: Final = (
    "id", "name", "value", "data_type", "timestamp_ns", "trace_id", "observation_id", "session_id", "environment",
    "source", "dataset_run_id", "config_id", "queue_id", "author_user_id", "created_at_ns", "updated_at_ns", "comment",
    "metadata",
)  # fmt: skip
_SELECTED: Final = ", ".join(f"s.{column}" for column in _COLUMNS)
_WITH_TRACE: Final = (
    f"{_SELECTED}, t.trace_id AS known_trace_id, t.user_id AS trace_user_id, t.tags AS trace_tags,"
    " t.environment AS trace_environment, t.session_id AS trace_session_id"
)
_TABLES: Final = "scores AS s LEFT JOIN traces AS t ON t.project = s.project AND t.trace_id = s.trace_id"
_FEW: Final = ("s.id ", "s.trace_id ", "s.session_id ", "s.dataset_run_id ")
"""How conditions begin that leave few rows, which an index finds in another order than that of time."""
OPERATORS: Final = ("<", ">", "<=", ">=", "!=", "=")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFilter:
    """Which scores to list; every given condition must hold, of each list one value."""

    ids: Sequence[str] | None = None
    names: Sequence[str] | None = None
    sources: Sequence[str] | None = None
    data_types: Sequence[str] | None = None
    environments: Sequence[str] | None = None
    config_ids: Sequence[str] | None = None
    queue_ids: Sequence[str] | None = None
    author_user_ids: Sequence[str] | None = None
    trace_ids: Sequence[str] | None = None
    observation_ids: Sequence[str] | None = None
    session_ids: Sequence[str] | None = None
    dataset_run_ids: Sequence[str] | None = None
    since_ns: int | None = None
    before_ns: int | None = None
    values: Sequence[float] | Sequence[str] | None = None
    value_min: float | None = None
    value_max: float | None = None
    compared: tuple[str, float] | None = None
    """An operator of `OPERATORS` and a number that the value is compared with."""
    user_ids: Sequence[str] | None = None
    trace_tags: Sequence[str] | None = None
    """All of which the score's trace must have."""
    of_traces_only: bool = False
    """Whether to leave out scores of sessions and of runs."""
    without_corrections: bool = False
    conditions: Sequence[Condition] = ()


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: the last score's time and id."""

    timestamp_ns: int
    id: str


def list_after(
    connection: sqlite3.Connection, project: str, matching: ScoreFilter, *, limit: int, after: Position | None
) -> tuple[list[Row], bool]:
    """Return the scores behind a position, newest first, and whether there are more."""
    where = _where(connection, project, matching)
    if after is not None:
        at = in_range(after.timestamp_ns)
        where.add("s.timestamp_ns <= ?", at)
        where.add("(s.timestamp_ns, s.id) < (?, ?)", at, after.id)
    statement = f"SELECT {_SELECTED} FROM scores AS s WHERE {where} ORDER BY {_newest(where)} LIMIT ?"  # noqa: S608 - constants
    rows = connection.execute(statement, (*where.bound, limit + 1)).fetchall()
    return rows[:limit], len(rows) > limit


def list_page(
    connection: sqlite3.Connection, project: str, matching: ScoreFilter, *, limit: int, offset: int
) -> tuple[list[Row], int]:
    """Return one page of scores with what is known of their traces, newest first, and how many there are in all.

    Raises:
        FilterError: The filter cannot be asked.
    """
    where = _where(connection, project, matching)
    statement = f"SELECT {_WITH_TRACE} FROM {_TABLES} WHERE {where} ORDER BY {_newest(where)} LIMIT ? OFFSET ?"  # noqa: S608 - constants
    rows = connection.execute(statement, (*where.bound, limit, offset)).fetchall()
    return rows, _count(connection, project, where)


def one(connection: sqlite3.Connection, project: str, score_id: str) -> Row | None:
    """Return a score by its id."""
    statement = f"SELECT {_SELECTED} FROM scores AS s WHERE s.project = ? AND s.id = ?"  # noqa: S608 - constants
    found: Row | None = connection.execute(statement, (project, score_id)).fetchone()
    return found


def of_trace(connection: sqlite3.Connection, project: str, trace_id: str) -> list[Row]:
    """Return the scores of a trace and its observations, by time."""
    statement = (
        f"SELECT {_SELECTED} FROM scores AS s"  # noqa: S608 - constants
        " WHERE s.project = ? AND s.trace_id = ? ORDER BY +s.timestamp_ns, s.id"
    )
    return connection.execute(statement, (project, trace_id)).fetchall()


def _newest(where: Where) -> str:
    # A plus keeps SQLite from walking all of time where another index finds the few rows at once.
    return f"{'+' if where.has(*_FEW) else ''}s.timestamp_ns DESC, s.id DESC"


def _where(connection: sqlite3.Connection, project: str, matching: ScoreFilter) -> Where:
    install(connection)
    where = Where(["s.project = ?"], [project])
    named = {SCORE_COLUMNS[each.column].expression for each in matching.conditions if each.column in SCORE_COLUMNS}
    texts: tuple[tuple[str, Sequence[str] | None], ...] = (
        ("s.id", matching.ids),
        ("s.name", matching.names),
        ("s.source", matching.sources),
        ("s.data_type", matching.data_types),
        ("s.environment", matching.environments),
        ("s.config_id", matching.config_ids),
        ("s.queue_id", matching.queue_ids),
        ("s.author_user_id", matching.author_user_ids),
        ("s.trace_id", matching.trace_ids),
        ("s.observation_id", matching.observation_ids),
        ("s.session_id", matching.session_ids),
        ("s.dataset_run_id", matching.dataset_run_ids),
        ("t.user_id", matching.user_ids),
    )
    for column, values in texts:
        if column not in named:
            where.one_of(column, values)
    if "s.timestamp_ns" not in named:
        where.between("s.timestamp_ns", matching.since_ns, matching.before_ns)
    _narrow_by_value(where, matching)
    _narrow_by_trace(where, matching)
    narrow(where, matching.conditions, SCORE_COLUMNS)
    return where


def _narrow_by_value(where: Where, matching: ScoreFilter) -> None:
    if matching.values is not None:
        marks = ", ".join("?" * len(matching.values))
        where.add(f"s.value IN ({marks})", *matching.values)
    bounds = ((">=", matching.value_min), ("<=", matching.value_max), matching.compared or ("=", None))
    for operator, number in bounds:
        if number is not None:
            where.add(f"typeof(s.value) <> 'text' AND s.value {operator} ?", number)
    if matching.without_corrections:
        where.add("s.data_type <> 'CORRECTION'")


def _narrow_by_trace(where: Where, matching: ScoreFilter) -> None:
    if matching.of_traces_only:
        where.add("s.trace_id IS NOT NULL AND s.session_id IS NULL AND s.dataset_run_id IS NULL")
    if matching.trace_tags:
        missing = "SELECT 1 FROM json_each(?) WHERE value NOT IN (SELECT value FROM json_each(COALESCE(t.tags, '[]')))"
        where.add(f"NOT EXISTS ({missing})", as_list(matching.trace_tags))
    if matching.environments and (matching.trace_tags or matching.user_ids is not None):
        where.one_of("t.environment", matching.environments)


def _count(connection: sqlite3.Connection, project: str, where: Where) -> int:
    if len(where.parts) == 1:
        kept = connection.execute("SELECT scores FROM counts WHERE project = ?", (project,)).fetchone()
        return int(kept[0]) if kept else 0
    tables = _TABLES if "t." in str(where) else "scores AS s"
    statement = f"SELECT COUNT(*) FROM {tables} WHERE {where}"  # noqa: S608 - constants; values are bound
    return int(connection.execute(statement, where.bound).fetchone()[0])
