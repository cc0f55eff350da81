"""Comments of people on traces, observations, sessions and prompts."""

import sqlite3
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One comment."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    object_type: str
    """`TRACE`, `OBSERVATION`, `SESSION` or `PROMPT`."""
    object_id: str
    content: str
    author_user_id: str | None = None
    created_at_ns: int = field(default_factory=time.time_ns)
    updated_at_ns: int = field(default_factory=time.time_ns)

    def __repr__(self) -> str:
        """Show ids only: a repr ends up in logs, content must not."""
        return f"<Comment {self.id} on {self.object_type}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentFilter:
    """Which comments to list; every given condition must hold."""

    object_type: str | None = None
    object_id: str | None = None
    author_user_id: str | None = None
    from_ns: int | None = None
    """Time of writing, inclusive."""
    to_ns: int | None = None
    """Time of writing, exclusive."""


def add_comment(connection: sqlite3.Connection, project: str, comment: Comment) -> None:
    """Store a comment."""
    marks = ", ".join("?" * (len(_COLUMNS) + 1))
    row = [getattr(comment, column) for column in _COLUMNS]
    connection.execute(f"INSERT INTO comments VALUES ({marks})", (project, *row))  # noqa: S608 - marks only


def get_comment(connection: sqlite3.Connection, project: str, comment_id: str) -> Comment | None:
    """Return a comment by id."""
    key = project, comment_id
    row = connection.execute("SELECT * FROM comments WHERE project = ? AND id = ?", key).fetchone()
    return None if row is None else _comment(row)


def list_comments(
    connection: sqlite3.Connection, project: str, matching: CommentFilter, *, limit: int, offset: int
) -> tuple[list[Comment], int]:
    """Return one page of comments, oldest first, and how many match."""
    conditions, values = ["project = ?"], [project]
    for condition, value in (
        ("object_type = ?", matching.object_type),
        ("object_id = ?", matching.object_id),
        ("author_user_id = ?", matching.author_user_id),
        ("created_at_ns >= ?", matching.from_ns),
        ("created_at_ns < ?", matching.to_ns),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)  # type: ignore[arg-type]  # text and numbers: SQLite takes both
    where = " AND ".join(conditions)
    statement = f"SELECT * FROM comments WHERE {where} ORDER BY created_at_ns, id LIMIT ? OFFSET ?"  # noqa: S608 - constants
    found = connection.execute(statement, (*values, limit, offset)).fetchall()
    total = connection.execute(f"SELECT count(*) FROM comments WHERE {where}", values).fetchone()[0]  # noqa: S608 - constants
    return [_comment(row) for row in found], total


_COLUMNS: Final = ("id", "object_type", "object_id", "content", "author_user_id", "created_at_ns", "updated_at_ns")


def _comment(row: Mapping[str, Any]) -> Comment:
    return Comment(**{column: row[column] for column in _COLUMNS})
