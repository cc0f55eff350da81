"""Runs over datasets: which trace handled which item. Made by name, as older clients do."""

import hashlib
import json
import sqlite3
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from certtrace.records.catalog.datasets import Dataset
from certtrace.records.catalog.json_values import json_text, json_value, plain_text

_EXPERIMENT: Final = "langfuse-experiment-v1"
_ID_LENGTH: Final = 16
_RUN: Final = (
    "SELECT r.id, r.name, r.description, r.metadata, r.dataset_id, d.name AS dataset_name, r.created_at_ns,"
    " r.updated_at_ns FROM dataset_runs AS r JOIN datasets AS d ON d.project = r.project AND d.id = r.dataset_id"
)
_ITEM: Final = (
    "SELECT i.id, i.run_id, r.name AS run_name, i.dataset_item_id, i.trace_id, i.observation_id, i.created_at_ns"
    " FROM dataset_run_items AS i JOIN dataset_runs AS r ON r.project = i.project AND r.id = i.run_id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRun:
    """One run."""

    id: str
    name: str
    description: str | None
    metadata: Any
    dataset_id: str
    dataset_name: str
    created_at_ns: int
    updated_at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunItem:
    """One item's part in a run."""

    id: str
    run_id: str
    run_name: str
    dataset_item_id: str
    trace_id: str
    observation_id: str | None
    created_at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What a run is made of, unless there is one of that name."""

    id: str
    name: str
    description: str | None
    metadata: Any
    created_at_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRunItem:
    """What an item's part in a run is made of."""

    dataset_item_id: str
    dataset_item_version_ns: int
    trace_id: str
    observation_id: str | None


def experiment_id(project: str, dataset_id: str, run_name: str) -> str:
    """Return the id of a run: the one that clients compute for an experiment of that name over that dataset."""
    named = json.dumps([_EXPERIMENT, project, dataset_id, run_name], separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(named.encode(errors="replace")).hexdigest()[:_ID_LENGTH]


def find_named(connection: sqlite3.Connection, project: str, dataset_name: str, name: str) -> DatasetRun | None:
    """Return the run of a name over the dataset of a name."""
    row = connection.execute(
        f"{_RUN} WHERE r.project = ? AND d.name = ? AND r.name = ?", (project, dataset_name, name)
    ).fetchone()
    return _run(row) if row else None


def find(connection: sqlite3.Connection, project: str, dataset_id: str, name: str) -> DatasetRun | None:
    """Return the run of a name over the dataset of an id."""
    row = connection.execute(
        f"{_RUN} WHERE r.project = ? AND r.dataset_id = ? AND r.name = ?", (project, dataset_id, name)
    ).fetchone()
    return _run(row) if row else None


def page(
    connection: sqlite3.Connection, project: str, dataset: Dataset, *, limit: int, offset: int
) -> tuple[list[DatasetRun], int]:
    """Return some of a dataset's runs, the newest first, and how many there are."""
    rows = connection.execute(
        f"{_RUN} WHERE r.project = ? AND r.dataset_id = ? ORDER BY r.created_at_ns DESC, r.id LIMIT ? OFFSET ?",
        (project, dataset.id, limit, offset),
    )
    total = connection.execute(
        "SELECT count(*) FROM dataset_runs WHERE project = ? AND dataset_id = ?", (project, dataset.id)
    ).fetchone()[0]
    return [_run(row) for row in rows], total


def names(connection: sqlite3.Connection, project: str, dataset_ids: Iterable[str]) -> dict[str, list[str]]:
    """Return the names of the runs of some datasets, the newest first."""
    statement = "SELECT name FROM dataset_runs WHERE project = ? AND dataset_id = ? ORDER BY created_at_ns DESC, id"
    return {each: [row["name"] for row in connection.execute(statement, (project, each))] for each in dataset_ids}


def items(
    connection: sqlite3.Connection, project: str, run: DatasetRun, *, limit: int = -1, offset: int = 0
) -> tuple[list[RunItem], int]:
    """Return some of a run's items, the newest first, and how many there are; without a limit all."""
    rows = connection.execute(
        f"{_ITEM} WHERE i.project = ? AND i.run_id = ? ORDER BY i.created_at_ns DESC, i.id LIMIT ? OFFSET ?",
        (project, run.id, limit, offset),
    )
    total = connection.execute(
        "SELECT count(*) FROM dataset_run_items WHERE project = ? AND run_id = ?", (project, run.id)
    ).fetchone()[0]
    return [RunItem(**dict(row)) for row in rows], total


def add_item(connection: sqlite3.Connection, project: str, dataset: Dataset, run: NewRun, item: NewRunItem) -> RunItem:
    """Add an item's part to the run of a name; the run is made where there is none."""
    now_ns = run.created_at_ns if run.created_at_ns is not None else time.time_ns()
    known = find(connection, project, dataset.id, run.name)
    if known is None:
        description = None if run.description is None else plain_text(run.description)
        connection.execute(
            "INSERT INTO dataset_runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (project, run.id, dataset.id, run.name, now_ns, now_ns, description, json_text(run.metadata)),
        )
    made = RunItem(
        id=str(uuid.uuid4()),
        run_id=known.id if known else run.id,
        run_name=run.name,
        dataset_item_id=item.dataset_item_id,
        trace_id=item.trace_id,
        observation_id=item.observation_id,
        created_at_ns=now_ns,
    )
    connection.execute(
        "INSERT INTO dataset_run_items VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            project,
            made.id,
            made.run_id,
            made.dataset_item_id,
            item.dataset_item_version_ns,
            made.trace_id,
            made.observation_id,
            now_ns,
        ),
    )
    return made


def delete(connection: sqlite3.Connection, project: str, run: DatasetRun) -> None:
    """Delete a run and its items; the traces stay."""
    connection.execute("DELETE FROM dataset_run_items WHERE project = ? AND run_id = ?", (project, run.id))
    connection.execute("DELETE FROM dataset_runs WHERE project = ? AND id = ?", (project, run.id))


def trace_of(connection: sqlite3.Connection, project: str, observation_id: str) -> str | None:
    """Return the trace that an observation belongs to."""
    row = connection.execute(
        "SELECT trace_id FROM observations WHERE project = ? AND id = ? LIMIT 1", (project, observation_id)
    ).fetchone()
    return row["trace_id"] if row else None


def _run(row: sqlite3.Row) -> DatasetRun:
    return DatasetRun(**(dict(row) | {"metadata": json_value(row["metadata"])}))
