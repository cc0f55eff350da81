"""What clients said of a trace itself, apart from its observations: merged, stored and read back."""

import sqlite3
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final

import orjson

from certtrace.records.mapping.values import json_text
from certtrace.records.model import TraceChange

_COLUMNS: Final = tuple(field.name for field in fields(TraceChange) if field.name != "trace_id")
_FLAGS: Final = ("public", "bookmarked")
_NAMES: Final = ", ".join(f'"{column}"' for column in _COLUMNS)
_PUT: Final = (
    f"INSERT INTO trace_bodies (project, trace_id, {_NAMES}, created_at_ns, updated_at_ns) "  # noqa: S608 - constants
    f"VALUES ({', '.join('?' * (len(_COLUMNS) + 4))}) ON CONFLICT (project, trace_id) DO UPDATE SET "
    + ", ".join(f'"{column}" = excluded."{column}"' for column in (*_COLUMNS, "updated_at_ns"))
)


def read_body(connection: sqlite3.Connection, project: str, trace_id: str) -> TraceChange | None:
    """Return everything that was said of a trace, merged; None where nothing was."""
    row = connection.execute(
        "SELECT * FROM trace_bodies WHERE project = ? AND trace_id = ?", (project, trace_id)
    ).fetchone()
    return None if row is None else body_from(row)


def body_from(row: Mapping[str, Any]) -> TraceChange:
    """Return what a row of `trace_bodies` says."""
    given = {column: row[column] for column in _COLUMNS}
    given |= {flag: None if row[flag] is None else bool(row[flag]) for flag in _FLAGS}
    metadata = None if row["metadata"] is None else orjson.loads(row["metadata"])
    return TraceChange(
        trace_id=row["trace_id"], **(given | {"tags": tuple(orjson.loads(row["tags"])), "metadata": metadata})
    )


def write_body(connection: sqlite3.Connection, project: str, body: TraceChange, now_ns: int) -> None:
    """Store what is said of a trace, in place of what was."""
    given = {column: getattr(body, column) for column in _COLUMNS} | {
        "tags": json_text(list(body.tags)),
        "metadata": None if body.metadata is None else json_text(body.metadata),
    }
    connection.execute(_PUT, (project, body.trace_id, *(given[column] for column in _COLUMNS), now_ns, now_ns))


def merged(body: TraceChange | None, change: TraceChange) -> TraceChange:
    """Return what holds after a change: what it does not name stays, tags are united, metadata merged key by key."""
    if body is None:
        return replace(change, tags=tuple(dict.fromkeys(change.tags)))
    given = {column: value for column in _COLUMNS if (value := getattr(change, column)) is not None}
    given["tags"] = tuple(dict.fromkeys((*body.tags, *change.tags)))
    if isinstance(body.metadata, Mapping) and isinstance(change.metadata, Mapping):
        given["metadata"] = {**body.metadata, **change.metadata}
    return replace(body, **given)
