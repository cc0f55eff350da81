"""Deletion of traces and scores."""

from collections.abc import Sequence

from certtrace.records.database import Database
from certtrace.records.queries.where import as_list


def remove_traces(database: Database, project: str, trace_ids: Sequence[str]) -> None:
    """Delete traces with everything recorded of them."""
    with database.writing() as connection:
        for table in ("scores", "trace_facets", "trace_bodies", "observations", "traces"):
            connection.execute(
                f"DELETE FROM {table} WHERE project = ? AND trace_id IN (SELECT value FROM json_each(?))",  # noqa: S608 - constants; values are bound
                (project, as_list(trace_ids)),
            )


def remove_scores(database: Database, project: str, score_ids: Sequence[str]) -> None:
    """Delete scores."""
    with database.writing() as connection:
        connection.execute(
            "DELETE FROM scores WHERE project = ? AND id IN (SELECT value FROM json_each(?))",
            (project, as_list(score_ids)),
        )
