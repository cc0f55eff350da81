"""Score configs: what a score of some kind may be."""

import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from certtrace.records.mapping.values import json_text

BOOLEAN_CATEGORIES: Final = ({"label": "True", "value": 1}, {"label": "False", "value": 0})


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreConfig:
    """What scores of one kind look like."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    name: str
    data_type: str
    is_archived: bool = False
    min_value: float | None = None
    max_value: float | None = None
    categories: Sequence[Mapping[str, Any]] | None = None
    """`label` and `value` of each."""
    description: str | None = None
    created_at_ns: int = field(default_factory=time.time_ns)
    updated_at_ns: int = field(default_factory=time.time_ns)


def put_score_config(connection: sqlite3.Connection, project: str, config: ScoreConfig) -> None:
    """Store a config, over the one with its id if there is one."""
    marks = ", ".join("?" * (len(_COLUMNS) + 1))
    connection.execute(f"INSERT OR REPLACE INTO score_configs VALUES ({marks})", (project, *_row(config)))  # noqa: S608 - marks only


def get_score_config(connection: sqlite3.Connection, project: str, config_id: str) -> ScoreConfig | None:
    """Return a config by id."""
    key = project, config_id
    row = connection.execute("SELECT * FROM score_configs WHERE project = ? AND id = ?", key).fetchone()
    return None if row is None else _config(row)


def list_score_configs(
    connection: sqlite3.Connection, project: str, *, limit: int, offset: int
) -> tuple[list[ScoreConfig], int]:
    """Return one page of configs, newest first, and how many there are."""
    statement = "SELECT * FROM score_configs WHERE project = ? ORDER BY created_at_ns DESC, id LIMIT ? OFFSET ?"
    found = connection.execute(statement, (project, limit, offset)).fetchall()
    total = connection.execute("SELECT count(*) FROM score_configs WHERE project = ?", (project,)).fetchone()[0]
    return [_config(row) for row in found], total


def missing_score_configs(connection: sqlite3.Connection, project: str, config_ids: Sequence[str]) -> list[str]:
    """Return those ids that no config of the project has."""
    statement = "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT id FROM score_configs WHERE project = ?)"
    return [row[0] for row in connection.execute(statement, (json_text(list(config_ids)), project))]


_COLUMNS: Final = (
    "id",
    "name",
    "data_type",
    "is_archived",
    "min_value",
    "max_value",
    "categories",
    "description",
    "created_at_ns",
    "updated_at_ns",
)


def _row(config: ScoreConfig) -> list[Any]:
    categories = None if config.categories is None else json_text(list(config.categories))
    return [categories if column == "categories" else getattr(config, column) for column in _COLUMNS]


def _config(row: Mapping[str, Any]) -> ScoreConfig:
    given = {column: row[column] for column in _COLUMNS}
    given["is_archived"] = bool(row["is_archived"])
    given["categories"] = None if row["categories"] is None else orjson.loads(row["categories"])
    return ScoreConfig(**given)
