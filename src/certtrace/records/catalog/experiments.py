"""Experiments and their items, read from what observations say of them; nothing else is kept."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from certtrace.records.catalog.json_values import json_value
from certtrace.records.queries.conditions import Column, Condition, install, narrow
from certtrace.records.queries.where import Where, in_range

Row = Mapping[str, Any]

_NAME: Final = "json_extract(o.experiment, '$.name')"
_ROOT: Final = "json_extract(o.experiment, '$.root_observation_id')"
_COLUMNS: Final = {
    "id": Column("stringOptions", "o.experiment_id"),
    "name": Column("stringOptions", _NAME),
    "datasetId": Column("stringOptions", "o.experiment_dataset_id"),
}
_ITEM_COLUMNS: Final = {
    "experimentId": Column("stringOptions", "o.experiment_id"),
    "experimentName": Column("stringOptions", _NAME),
    "experimentItemId": Column("stringOptions", "o.experiment_item_id"),
    "datasetId": Column("stringOptions", "o.experiment_dataset_id"),
}
_ITEM: Final = (
    "o.id, o.trace_id, o.start_time_ns, o.end_time_ns, o.level, o.environment, o.experiment_id,"
    " o.experiment_dataset_id, o.experiment_item_id, o.experiment"
)
_WIDE: Final = ("input", "output", "metadata")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentFilter:
    """Which experiments, or which items; every given condition must hold, of each list one value."""

    since_ns: int
    """Observations that started earlier do not count."""
    before_ns: int | None = None
    ids: Sequence[str] | None = None
    names: Sequence[str] | None = None
    item_ids: Sequence[str] | None = None
    dataset_ids: Sequence[str] | None = None
    conditions: Sequence[Condition] = ()


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: an observation of an experiment."""

    time_ns: int
    trace_id: str
    observation_id: str
    experiment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentSummary:
    """What the observations of one experiment say together."""

    id: str
    name: str
    description: str | None
    dataset_id: str | None
    start_time_ns: int
    end_time_ns: int
    item_count: int
    metadata: Mapping[str, Any]
    last: Position
    """Its latest observation: lists go by it."""


def page(
    connection: sqlite3.Connection, project: str, wanted: ExperimentFilter, *, limit: int, after: Position | None
) -> tuple[list[ExperimentSummary], bool]:
    """Return the experiments behind a position, the last active first, and whether there are more.

    Raises:
        FilterError: The filter cannot be asked.
    """
    where = _where(connection, project, wanted, _COLUMNS)
    behind = "" if after is None else "HAVING (last_ns, o.experiment_id) < (?, ?)"
    values = () if after is None else (in_range(after.time_ns), after.experiment_id)
    found = connection.execute(
        "SELECT o.experiment_id AS experiment_id, max(o.start_time_ns) AS last_ns, o.trace_id AS trace_id, o.id AS id"  # noqa: S608 - conditions
        f" FROM observations AS o WHERE {where} GROUP BY o.experiment_id {behind}"
        " ORDER BY last_ns DESC, o.experiment_id DESC LIMIT ?",
        (*where.bound, *values, limit + 1),
    ).fetchall()
    return [_summary(connection, project, wanted, row) for row in found[:limit]], len(found) > limit


def items(
    connection: sqlite3.Connection,
    project: str,
    wanted: ExperimentFilter,
    *,
    wide: Sequence[str] = (),
    limit: int,
    after: Position | None,
) -> tuple[list[Row], bool]:
    """Return the items behind a position, the newest first, and whether there are more.

    Args:
        connection: An open store.
        project: The project.
        wanted: Which items.
        wide: Of `input`, `output` and `metadata`, what to read.
        limit: How many.
        after: Where the last page ended.

    Raises:
        FilterError: The filter cannot be asked.
    """
    where = _where(connection, project, wanted, _ITEM_COLUMNS)
    where.add(f"o.experiment_item_id <> '' AND {_ROOT} = o.id")
    if after is not None:
        at = in_range(after.time_ns)
        key = (at, after.trace_id, after.observation_id, after.experiment_id)
        where.add("(o.start_time_ns, o.trace_id, o.id, o.experiment_id) < (?, ?, ?, ?)", *key)
    selected = ", ".join((_ITEM, *(f"o.{column}" for column in _WIDE if column in wide)))
    found = connection.execute(
        f"SELECT {selected} FROM observations AS o WHERE {where}"  # noqa: S608 - conditions
        " ORDER BY o.start_time_ns DESC, o.trace_id DESC, o.id DESC, o.experiment_id DESC LIMIT ?",
        (*where.bound, limit + 1),
    ).fetchall()
    return [dict(row) | {"experiment": json_value(row["experiment"])} for row in found[:limit]], len(found) > limit


def _where(
    connection: sqlite3.Connection, project: str, wanted: ExperimentFilter, columns: Mapping[str, Column]
) -> Where:
    install(connection)
    where = Where()
    where.add("o.project = ? AND o.experiment_id IS NOT NULL", project)
    where.between("o.start_time_ns", wanted.since_ns, wanted.before_ns)
    where.one_of("o.experiment_id", wanted.ids)
    where.one_of(_NAME, wanted.names)
    where.one_of("o.experiment_item_id", wanted.item_ids)
    where.one_of("o.experiment_dataset_id", wanted.dataset_ids)
    narrow(where, wanted.conditions, columns)
    return where


def _summary(
    connection: sqlite3.Connection, project: str, wanted: ExperimentFilter, last: sqlite3.Row
) -> ExperimentSummary:
    where = Where()
    where.add("o.project = ? AND o.experiment_id = ?", project, last["experiment_id"])
    where.between("o.start_time_ns", wanted.since_ns, wanted.before_ns)
    row = connection.execute(
        "SELECT min(o.start_time_ns) AS start_ns, max(max(o.start_time_ns), max(o.end_time_ns)) AS end_ns,"  # noqa: S608 - conditions
        f" count(DISTINCT iif({_ROOT} = o.id, o.id, NULL)) AS item_count, max({_NAME}) AS name,"
        " max(json_extract(o.experiment, '$.description')) AS description, max(o.experiment_dataset_id) AS dataset_id"
        f" FROM observations AS o WHERE {where}",
        where.bound,
    ).fetchone()
    told = connection.execute(
        f"SELECT json_extract(o.experiment, '$.metadata') AS metadata FROM observations AS o WHERE {where}"  # noqa: S608 - conditions
        " AND json_extract(o.experiment, '$.metadata') <> '{}' ORDER BY o.start_time_ns LIMIT 1",
        where.bound,
    ).fetchone()
    return ExperimentSummary(
        id=last["experiment_id"],
        name=row["name"] or "",
        description=row["description"],
        dataset_id=row["dataset_id"] or None,
        start_time_ns=row["start_ns"],
        end_time_ns=row["end_ns"],
        item_count=row["item_count"],
        metadata=json_value(told["metadata"]) if told else {},
        last=Position(last["last_ns"], last["trace_id"], last["id"], last["experiment_id"]),
    )
