"""Taking traces and scores out of the store: rows, words of the search index, and what the log still holds of them."""

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from certtrace.errors import StoreError
from certtrace.records.catalog.work import forget_work
from certtrace.records.database import Database
from certtrace.records.search.documents import BODIES, OBSERVATIONS, SCORES, Kind
from certtrace.records.search.entries import forget
from certtrace.records.store import DEFAULT_PROJECT

_BUSY_SECONDS: Final = 5.0
_OF_TRACES: Final = (SCORES, OBSERVATIONS, BODIES)


def remove_traces(database: Database, project: str, trace_ids: Sequence[str]) -> int:
    """Delete traces with everything recorded of them; return how many there were.

    Raises:
        StoreError: The store cannot be opened, or others held it for too long.
        sqlite3.Error: It cannot be written.
    """
    with database.writing() as connection:
        removed = delete_traces(connection, project, trace_ids)
    database.empty_log()
    return removed


def remove_scores(database: Database, project: str, score_ids: Sequence[str]) -> int:
    """Delete scores; return how many there were; raises as `remove_traces`."""
    with database.writing() as connection:
        removed = delete_scores(connection, project, score_ids)
    database.empty_log()
    return removed


def delete_traces(connection: sqlite3.Connection, project: str, trace_ids: Sequence[str]) -> int:
    """Delete traces within the transaction of `connection`; return how many there were."""
    forget_work(connection, project, trace_ids)
    for kind in _OF_TRACES:
        _delete(connection, kind, project, "trace_id", trace_ids)
    # Facets go with their traces.
    return connection.execute(
        "DELETE FROM traces WHERE project = ? AND trace_id IN (SELECT value FROM json_each(?))",
        (project, json.dumps(list(trace_ids))),
    ).rowcount


def delete_scores(connection: sqlite3.Connection, project: str, score_ids: Sequence[str]) -> int:
    """Delete scores within the transaction of `connection`; return how many there were."""
    return _delete(connection, SCORES, project, "id", score_ids)


def remove_trace(path: Path, trace_id: str, project: str = DEFAULT_PROJECT) -> bool:
    """Delete a trace with everything recorded of it; return whether there was one.

    Raises:
        StoreError: The store cannot be opened or written.
    """
    database = Database(path, busy_seconds=_BUSY_SECONDS)
    try:
        return remove_traces(database, project, [trace_id]) > 0
    except sqlite3.Error as error:
        msg = f"The trace cannot be removed from the store {path}: {getattr(error, 'sqlite_errorname', 'error')}."
        raise StoreError(msg) from None
    finally:
        database.close()


def _delete(connection: sqlite3.Connection, kind: Kind, project: str, column: str, values: Sequence[str]) -> int:
    where = f"WHERE project = ? AND {column} IN (SELECT value FROM json_each(?))"  # noqa: S608 - constants
    bound = project, json.dumps(list(values))
    numbers = connection.execute(f"SELECT number FROM {kind.table} {where}", bound).fetchall()  # noqa: S608 - as above
    forget(connection, kind, [row["number"] for row in numbers], again=False)
    return connection.execute(f"DELETE FROM {kind.table} {where}", bound).rowcount  # noqa: S608 - as above
