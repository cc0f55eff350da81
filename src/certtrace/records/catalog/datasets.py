"""Datasets: a name, what its items must look like, and notes on it. Names are unique within a project."""

import sqlite3
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from certtrace.records.catalog.json_values import NULL, json_text, json_value, plain_text
from certtrace.records.catalog.refusals import MissingError

_FIELDS: Final = "id, name, description, metadata, input_schema, expected_output_schema, created_at_ns, updated_at_ns"
_SET: Final[Mapping[str, Callable[[Any], str | None]]] = {
    "description": lambda value: None if value is None else plain_text(value),
    "metadata": json_text,
    "input_schema": json_text,
    "expected_output_schema": json_text,
}
"""What can be set, and how it stands in its column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One dataset."""

    id: str
    name: str
    description: str | None
    metadata: Any
    input_schema: Any
    """JSON schema of its items' inputs; None: anything goes."""
    expected_output_schema: Any
    created_at_ns: int
    updated_at_ns: int

    def __repr__(self) -> str:
        """Show the id only: a repr ends up in logs, content must not."""
        return f"<Dataset {self.id}>"


def find(connection: sqlite3.Connection, project: str, name: str) -> Dataset | None:
    """Return the dataset of a name."""
    return _one(connection, "name", project, name)


def get(connection: sqlite3.Connection, project: str, name: str) -> Dataset:
    """Return the dataset of a name.

    Raises:
        MissingError: There is none.
    """
    found = find(connection, project, name)
    if found is None:
        msg = "Dataset not found"
        raise MissingError(msg)
    return found


def find_by_id(connection: sqlite3.Connection, project: str, dataset_id: str) -> Dataset | None:
    """Return the dataset of an id."""
    return _one(connection, "id", project, dataset_id)


def page(connection: sqlite3.Connection, project: str, *, limit: int, offset: int) -> tuple[list[Dataset], int]:
    """Return some of the datasets, the newest first, and how many there are."""
    rows = connection.execute(
        f"SELECT {_FIELDS} FROM datasets WHERE project = ? ORDER BY created_at_ns DESC, id LIMIT ? OFFSET ?",  # noqa: S608 - constant columns
        (project, limit, offset),
    )
    total = connection.execute("SELECT count(*) FROM datasets WHERE project = ?", (project,)).fetchone()[0]
    return [_dataset(row) for row in rows], total


def upsert(connection: sqlite3.Connection, project: str, name: str, values: Mapping[str, Any]) -> Dataset:
    """Make a dataset, or change it where there is one of that name.

    Args:
        connection: The connection that writes.
        project: The project.
        name: The dataset's name.
        values: `description`, `metadata`, `input_schema`, `expected_output_schema`; what is left out stays as it is.
    """
    now_ns = time.time_ns()
    connection.execute(
        "INSERT INTO datasets (project, id, name, created_at_ns, updated_at_ns, metadata, input_schema,"
        " expected_output_schema) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (project, name) DO UPDATE SET updated_at_ns = excluded.updated_at_ns",
        (project, str(uuid.uuid4()), name, now_ns, now_ns, NULL, NULL, NULL),
    )
    for column, stored in _SET.items():
        if column in values:
            connection.execute(
                f"UPDATE datasets SET {column} = ? WHERE project = ? AND name = ?",  # noqa: S608 - a constant of this module
                (stored(values[column]), project, name),
            )
    return get(connection, project, name)


def _one(connection: sqlite3.Connection, column: str, project: str, value: str) -> Dataset | None:
    row = connection.execute(
        f"SELECT {_FIELDS} FROM datasets WHERE project = ? AND {column} = ?",  # noqa: S608 - constant columns
        (project, value),
    ).fetchone()
    return _dataset(row) if row else None


def _dataset(row: sqlite3.Row) -> Dataset:
    return Dataset(
        id=row["id"],
        name=row["name"],
        description=row["description"],
        metadata=json_value(row["metadata"]),
        input_schema=json_value(row["input_schema"]),
        expected_output_schema=json_value(row["expected_output_schema"]),
        created_at_ns=row["created_at_ns"],
        updated_at_ns=row["updated_at_ns"],
    )
