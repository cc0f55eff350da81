"""Taking one trace out of the embedded store."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from certtrace.errors import StoreError
from certtrace.records.forking import GATE
from certtrace.records.schema import connect
from certtrace.records.store import DEFAULT_PROJECT

_BUSY_SECONDS: Final = 5.0
_TABLES: Final = ("scores", "trace_facets", "observations", "traces")


def remove_trace(path: Path, trace_id: str, project: str = DEFAULT_PROJECT) -> bool:
    """Delete a trace with everything recorded of it; return whether there was one.

    Raises:
        StoreError: The store cannot be opened or written.
    """
    key = project, trace_id
    with GATE, closing(connect(path, _BUSY_SECONDS)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            deleted = [
                connection.execute(f"DELETE FROM {table} WHERE project = ? AND trace_id = ?", key).rowcount  # noqa: S608 - constants; values are bound
                for table in _TABLES
            ]
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            msg = f"The trace cannot be removed from the store {path}: {getattr(error, 'sqlite_errorname', 'error')}."
            raise StoreError(msg) from None
    return deleted[-1] > 0
