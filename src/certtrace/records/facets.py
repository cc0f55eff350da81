"""What traces are looked up by, the values of all observations of a trace."""

import sqlite3
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final

from certtrace.records.facts import Facts
from certtrace.records.model import TraceSummary

FACETS: Final = ("submission_id", "candidate", "session_id", "user_id", "tag", "service", "name", "environment")
"""The rarest values first: a trace is found by what any of its observations has."""

_SINGLE: Final = {kind: attrgetter(kind) for kind in FACETS if kind != "tag"}
_OF_SUMMARY: Final = ("name", "session_id", "user_id", "environment")
_PUT: Final = (
    "INSERT INTO trace_facets (project, trace_id, kind, value, start_time_ns) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT DO NOTHING"
)

Facet = tuple[str, str]


def facet_value(kind: str, value: str | None) -> str | None:
    """Return the form a value is looked up by: a pseudonym is the same with and without its angle brackets."""
    return value.removeprefix("<").removesuffix(">") if kind == "candidate" and value else value


def facets_of(facts: Sequence[Facts], summary: TraceSummary) -> set[Facet]:
    """Return everything a trace is found by, as kind and value."""
    found = {(kind, facet_value(kind, value)) for kind, of in _SINGLE.items() for value in set(map(of, facts))}
    found.update((kind, getattr(summary, kind)) for kind in _OF_SUMMARY)
    found.update(("tag", tag) for tag in summary.tags)
    return {(kind, value) for kind, value in found if value}


def add_facets(
    connection: sqlite3.Connection, project: str, trace_id: str, facets: Iterable[Facet], start_time_ns: int
) -> None:
    """Have the trace found by these, too."""
    connection.executemany(_PUT, ((project, trace_id, kind, value, start_time_ns) for kind, value in facets))


def set_facets(
    connection: sqlite3.Connection, project: str, trace_id: str, facets: set[Facet], start_time_ns: int
) -> None:
    """Have the trace found by these and nothing else; what stays is not written again."""
    key = project, trace_id
    stored = {
        (row["kind"], row["value"]): row["start_time_ns"]
        for row in connection.execute("SELECT * FROM trace_facets WHERE project = ? AND trace_id = ?", key)
    }
    connection.executemany(
        "DELETE FROM trace_facets WHERE project = ? AND trace_id = ? AND kind = ? AND value = ?",
        ((*key, kind, value) for kind, value in stored.keys() - facets),
    )
    connection.executemany(
        "UPDATE trace_facets SET start_time_ns = ? WHERE project = ? AND trace_id = ? AND kind = ? AND value = ?",
        (
            (start_time_ns, *key, *facet)
            for facet, start in stored.items()
            if start != start_time_ns and facet in facets
        ),
    )
    add_facets(connection, project, trace_id, facets - stored.keys(), start_time_ns)
