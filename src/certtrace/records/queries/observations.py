"""Lists of observations, and single ones."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from certtrace.records.queries.columns import IS_ROOT, OBSERVATION_COLUMNS
from certtrace.records.queries.conditions import Condition, install, narrow
from certtrace.records.queries.facets import narrow_by_facet
from certtrace.records.queries.where import LISTED, Where, as_list, in_range
from certtrace.records.search.finding import locate

Row = Mapping[str, Any]

FIELD_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "core": ("id", "trace_id", "start_time_ns", "end_time_ns", "parent_observation_id", "type"),
    "basic": (
        "name", "level", "status_message", "version", "environment", "bookmarked", "public", "user_id", "session_id",
        "is_app_root",
    ),
    "time": ("completion_start_time_ns", "created_at_ns", "updated_at_ns"),
    "io": ("input", "output"),
    "metadata": ("metadata",),
    "model": ("model", "model_parameters"),
    "usage": ("usage_details", "cost_details"),
    "prompt": ("prompt_name", "prompt_version"),
    "metrics": ("completion_start_time_ns",),
    "trace_context": ("tags", "release", "trace_name", "name", "is_app_root"),
}  # fmt: skip
"""What a caller may ask for of an observation, and the columns that it takes. Wide columns are read on demand only."""

WHOLE: Final = tuple(FIELD_GROUPS)
_FEW: Final = ("o.trace_id = ", "o.trace_id IN ", "o.user_id IN ", "o.session_id IN ", "o.experiment_id ")
"""How conditions begin that leave few rows, which an index finds in another order than that of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationFilter:
    """Which observations to list; every given condition must hold."""

    trace_id: str | None = None
    user_ids: Sequence[str] | None = None
    session_ids: Sequence[str] | None = None
    names: Sequence[str] | None = None
    type: str | None = None
    level: str | None = None
    version: str | None = None
    parent_observation_id: str | None = None
    is_root: bool | None = None
    environments: Sequence[str] | None = None
    since_ns: int | None = None
    before_ns: int | None = None
    conditions: Sequence[Condition] = ()
    """What the caller wrote in detail. A column that it names is not narrowed by the field above as well."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: the last row's start, trace and id."""

    start_time_ns: int
    trace_id: str
    id: str


def list_after(
    connection: sqlite3.Connection,
    project: str,
    matching: ObservationFilter,
    *,
    groups: Iterable[str],
    limit: int,
    after: Position | None,
) -> tuple[list[Row], bool]:
    """Return the rows behind a position, newest first, and whether there are more.

    Raises:
        FilterError: The filter cannot be asked.
    """
    where = _where(connection, project, matching)
    if after is not None:
        at = in_range(after.start_time_ns)
        where.add("o.start_time_ns <= ?", at)
        where.add("(o.start_time_ns, o.trace_id, o.id) < (?, ?, ?)", at, after.trace_id, after.id)
    rows = _rows(connection, groups, where, limit + 1, 0)
    return rows[:limit], len(rows) > limit


def list_page(
    connection: sqlite3.Connection, project: str, matching: ObservationFilter, *, limit: int, offset: int
) -> tuple[list[Row], int]:
    """Return one page of whole rows, newest first, and how many rows there are in all.

    Raises:
        FilterError: The filter cannot be asked.
    """
    where = _where(connection, project, matching)
    return _rows(connection, WHOLE, where, limit, offset), _count(connection, project, where)


def one(connection: sqlite3.Connection, project: str, observation_id: str) -> Row | None:
    """Return an observation by its id; of several, which only traces of different origin have, the latest."""
    where = Where(["o.project = ?", "o.id = ?"], [project, observation_id])
    where.add(f"o.trace_id IN {LISTED}", as_list(locate(connection, project, observation_id)))
    return next(iter(_rows(connection, WHOLE, where, 1, 0)), None)


def of_trace(connection: sqlite3.Connection, project: str, trace_id: str, groups: Iterable[str]) -> list[Row]:
    """Return the observations of a trace by start time."""
    statement = (
        f"SELECT {_selected(groups)} FROM observations AS o"  # noqa: S608 - columns are constants
        " WHERE o.project = ? AND o.trace_id = ?"
    )
    # Not by SQLite, whose sort carries the prompts along.
    return sorted(_read(connection, statement, (project, trace_id)), key=itemgetter("start_time_ns", "id"))


def _where(connection: sqlite3.Connection, project: str, matching: ObservationFilter) -> Where:
    install(connection)
    where = Where(["o.project = ?"], [project])
    named = {
        OBSERVATION_COLUMNS[each.column].expression
        for each in matching.conditions
        if each.column in OBSERVATION_COLUMNS
    }
    texts: tuple[tuple[str, Sequence[str] | None], ...] = (
        ("trace_id", _single(matching.trace_id)),
        ("user_id", matching.user_ids),
        ("session_id", matching.session_ids),
        ("name", matching.names),
        ("type", _single(matching.type)),
        ("level", _single(matching.level)),
        ("version", _single(matching.version)),
        ("parent_observation_id", _single(matching.parent_observation_id)),
        ("environment", matching.environments),
    )
    for column, values in texts:
        if f"o.{column}" not in named:
            where.one_of(f"o.{column}", values)
    if matching.is_root is not None and IS_ROOT not in named:
        where.add(f"{IS_ROOT} = ?", matching.is_root)
    if "o.start_time_ns" not in named:
        where.between("o.start_time_ns", matching.since_ns, matching.before_ns)
    narrow(where, matching.conditions, OBSERVATION_COLUMNS)
    if matching.trace_id is None:
        for names in _names(matching):
            narrow_by_facet(connection, where, "o.trace_id", (project, "name", names))
    return where


def _names(matching: ObservationFilter) -> Iterable[Sequence[str]]:
    """Yield the names that observations must have: of each list one."""
    given = [each for each in matching.conditions if each.column == "name"]
    if not given and matching.names is not None:
        yield matching.names
    for each in given:
        if each.operator == "=":
            yield (each.value,)
        elif each.operator == "any of":
            yield each.value


def _single(value: str | None) -> Sequence[str] | None:
    return None if value is None else (value,)


def _rows(connection: sqlite3.Connection, groups: Iterable[str], where: Where, limit: int, offset: int) -> list[Row]:
    """Find the rows by their numbers first: a sort must not carry prompts along."""
    # A plus keeps SQLite from walking all of time where another index finds the few rows at once.
    start = "+o.start_time_ns" if where.has(*_FEW) else "o.start_time_ns"
    statement = (
        f"SELECT {_selected(groups)} FROM observations AS o WHERE o.number IN"  # noqa: S608 - constants; values are bound
        f" (SELECT o.number FROM observations AS o WHERE {where}"
        f" ORDER BY {start} DESC, o.trace_id DESC, o.id DESC LIMIT ? OFFSET ?)"
        " ORDER BY o.start_time_ns DESC, o.trace_id DESC, o.id DESC"
    )
    return _read(connection, statement, (*where.bound, limit, offset))


def _read(connection: sqlite3.Connection, statement: str, bound: Sequence[Any]) -> list[Row]:
    """Return rows as dictionaries: `sqlite3.Row` compares names one by one, and each row is asked forty times."""
    cursor = connection.cursor()
    cursor.row_factory = None
    cursor.execute(statement, bound)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _selected(groups: Iterable[str]) -> str:
    columns = dict.fromkeys(column for group in ("core", *groups) for column in FIELD_GROUPS[group])
    return ", ".join(f'o."{column}"' for column in columns)


def _count(connection: sqlite3.Connection, project: str, where: Where) -> int:
    if len(where.parts) == 1:
        kept = connection.execute("SELECT observations FROM counts WHERE project = ?", (project,)).fetchone()
        return int(kept[0]) if kept else 0
    statement = f"SELECT COUNT(*) FROM observations AS o WHERE {where}"  # noqa: S608 - constants; values are bound
    return int(connection.execute(statement, where.bound).fetchone()[0])
