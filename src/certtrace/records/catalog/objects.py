"""Whether the thing exists that a comment or a queue points at."""

import sqlite3
from typing import Final

_FOUND: Final = {
    "TRACE": ("SELECT 1 FROM traces WHERE project = ?1 AND trace_id = ?2",),
    "OBSERVATION": ("SELECT 1 FROM observations WHERE project = ?1 AND id = ?2 LIMIT 1",),
    "SESSION": (
        "SELECT 1 FROM traces WHERE project = ?1 AND session_id = ?2 LIMIT 1",
        "SELECT 1 FROM observations WHERE project = ?1 AND session_id = ?2 LIMIT 1",
    ),
    "PROMPT": ("SELECT 1 FROM prompts WHERE project = ?1 AND id = ?2 LIMIT 1",),
}
OBJECT_TYPES: Final = tuple(_FOUND)


def exists(connection: sqlite3.Connection, project: str, object_type: str, object_id: str) -> bool:
    """Tell whether a project has an object of one of `OBJECT_TYPES`."""
    key = project, object_id
    return any(connection.execute(statement, key).fetchone() is not None for statement in _FOUND[object_type])


def trace_ids_of(connection: sqlite3.Connection, project: str, object_type: str, object_id: str) -> list[str]:
    """Return the traces that an object is, or belongs to."""
    if object_type == "TRACE":
        return [object_id]
    column = {"OBSERVATION": "id", "SESSION": "session_id"}.get(object_type)
    if column is None:
        return []
    statement = f"SELECT DISTINCT trace_id FROM observations WHERE project = ? AND {column} = ?"  # noqa: S608 - constants
    return [row[0] for row in connection.execute(statement, (project, object_id))]
