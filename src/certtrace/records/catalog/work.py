"""What people did about traces, and what has to go with them."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Final

from certtrace.records.catalog.media import forget_traces

_GONE: Final = "(SELECT value FROM json_each(?2))"
_TABLES: Final = ("comments", "annotation_queue_items")
_OBJECTS: Final = (
    f"object_type = 'TRACE' AND object_id IN {_GONE}",
    "object_type = 'OBSERVATION' AND object_id IN"  # noqa: S608 - constants; values are bound
    f" (SELECT id FROM observations WHERE project = ?1 AND trace_id IN {_GONE})",
    # A session is gone with the last of its traces.
    "object_type = 'SESSION' AND object_id IN"  # noqa: S608 - constants; values are bound
    f" (SELECT session_id FROM observations WHERE project = ?1 AND trace_id IN {_GONE} AND session_id IS NOT NULL"
    f" UNION SELECT session_id FROM traces WHERE project = ?1 AND trace_id IN {_GONE} AND session_id IS NOT NULL)"
    " AND NOT EXISTS (SELECT 1 FROM traces AS t WHERE t.project = ?1 AND t.session_id = object_id"
    f" AND t.trace_id NOT IN {_GONE})"
    " AND NOT EXISTS (SELECT 1 FROM observations AS o WHERE o.project = ?1 AND o.session_id = object_id"
    f" AND o.trace_id NOT IN {_GONE})",
)


def forget_work(connection: sqlite3.Connection, project: str, trace_ids: Sequence[str]) -> None:
    """Delete comments, queue items and media of traces that are about to be deleted, and are still there."""
    bound = project, json.dumps(list(trace_ids))
    for table in _TABLES:
        for objects in _OBJECTS:
            connection.execute(f"DELETE FROM {table} WHERE project = ?1 AND {objects}", bound)  # noqa: S608 - constants; values are bound
    forget_traces(connection, project, trace_ids)
