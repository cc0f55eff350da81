"""Annotation queues: what people are to look at, and who."""

import sqlite3
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from certtrace.records.mapping.values import json_text

OBJECT_TYPES: Final = ("TRACE", "OBSERVATION", "SESSION")
PENDING: Final = "PENDING"
COMPLETED: Final = "COMPLETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue, with the configs of the scores that are to be given in it."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    name: str
    description: str | None = None
    score_config_ids: tuple[str, ...]
    created_at_ns: int = field(default_factory=time.time_ns)
    updated_at_ns: int = field(default_factory=time.time_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueItem:
    """One thing to look at."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    queue_id: str
    object_type: str
    """One of `OBJECT_TYPES`."""
    object_id: str
    status: str = PENDING
    completed_at_ns: int | None = None
    created_at_ns: int = field(default_factory=time.time_ns)
    updated_at_ns: int = field(default_factory=time.time_ns)


def is_queue_name_taken(connection: sqlite3.Connection, project: str, name: str) -> bool:
    """Tell whether a queue has a name already."""
    key = project, name
    found = connection.execute("SELECT 1 FROM annotation_queues WHERE project = ? AND name = ?", key)
    return found.fetchone() is not None


def add_queue(connection: sqlite3.Connection, project: str, queue: Queue) -> None:
    """Store a queue, whose name is not taken."""
    connection.execute(
        "INSERT INTO annotation_queues VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            project,
            queue.id,
            queue.name,
            queue.description,
            json_text(list(queue.score_config_ids)),
            queue.created_at_ns,
            queue.updated_at_ns,
        ),
    )


def get_queue(connection: sqlite3.Connection, project: str, queue_id: str) -> Queue | None:
    """Return a queue by id."""
    key = project, queue_id
    row = connection.execute("SELECT * FROM annotation_queues WHERE project = ? AND id = ?", key).fetchone()
    return None if row is None else _queue(row)


def list_queues(connection: sqlite3.Connection, project: str, *, limit: int, offset: int) -> tuple[list[Queue], int]:
    """Return one page of queues, newest first, and how many there are."""
    statement = (
        "SELECT * FROM annotation_queues WHERE project = ? ORDER BY created_at_ns DESC, id DESC LIMIT ? OFFSET ?"
    )
    found = connection.execute(statement, (project, limit, offset)).fetchall()
    total = connection.execute("SELECT count(*) FROM annotation_queues WHERE project = ?", (project,)).fetchone()[0]
    return [_queue(row) for row in found], total


def put_item(connection: sqlite3.Connection, project: str, item: QueueItem) -> None:
    """Store an item, over the one with its id if there is one."""
    connection.execute(
        "INSERT OR REPLACE INTO annotation_queue_items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            project,
            item.queue_id,
            item.id,
            item.object_type,
            item.object_id,
            item.status,
            item.completed_at_ns,
            item.created_at_ns,
            item.updated_at_ns,
        ),
    )


def get_item(connection: sqlite3.Connection, project: str, queue_id: str, item_id: str) -> QueueItem | None:
    """Return an item of a queue by id."""
    statement = "SELECT * FROM annotation_queue_items WHERE project = ? AND queue_id = ? AND id = ?"
    row = connection.execute(statement, (project, queue_id, item_id)).fetchone()
    return None if row is None else _item(row)


def list_items(
    connection: sqlite3.Connection, project: str, queue_id: str, status: str | None, *, limit: int, offset: int
) -> tuple[list[QueueItem], int]:
    """Return one page of a queue's items, newest first, and how many match."""
    where = "project = ?1 AND queue_id = ?2 AND (?3 IS NULL OR status = ?3)"
    key = project, queue_id, status
    found = connection.execute(
        f"SELECT * FROM annotation_queue_items WHERE {where} ORDER BY created_at_ns DESC, id DESC LIMIT ?4 OFFSET ?5",  # noqa: S608 - constants
        (*key, limit, offset),
    ).fetchall()
    total = connection.execute(f"SELECT count(*) FROM annotation_queue_items WHERE {where}", key).fetchone()[0]  # noqa: S608 - constants
    return [_item(row) for row in found], total


def delete_item(connection: sqlite3.Connection, project: str, queue_id: str, item_id: str) -> None:
    """Take an item out of a queue."""
    key = project, queue_id, item_id
    connection.execute("DELETE FROM annotation_queue_items WHERE project = ? AND queue_id = ? AND id = ?", key)


def assign(connection: sqlite3.Connection, project: str, queue_id: str, user_id: str) -> None:
    """Have somebody work on a queue; once is as good as twice."""
    key = project, queue_id, user_id
    connection.execute("INSERT OR IGNORE INTO annotation_queue_assignments VALUES (?, ?, ?)", key)


def unassign(connection: sqlite3.Connection, project: str, queue_id: str, user_id: str) -> None:
    """Have somebody no longer work on a queue."""
    key = project, queue_id, user_id
    statement = "DELETE FROM annotation_queue_assignments WHERE project = ? AND queue_id = ? AND user_id = ?"
    connection.execute(statement, key)


def assigned(connection: sqlite3.Connection, project: str, queue_id: str) -> list[str]:
    """Return who works on a queue."""
    statement = "SELECT user_id FROM annotation_queue_assignments WHERE project = ? AND queue_id = ? ORDER BY user_id"
    return [row[0] for row in connection.execute(statement, (project, queue_id))]


def _queue(row: Mapping[str, Any]) -> Queue:
    columns = ("id", "name", "description", "created_at_ns", "updated_at_ns")
    ids = tuple(orjson.loads(row["score_config_ids"]))
    return Queue(score_config_ids=ids, **{column: row[column] for column in columns})


def _item(row: Mapping[str, Any]) -> QueueItem:
    return QueueItem(**{column: row[column] for column in QueueItem.__slots__})
