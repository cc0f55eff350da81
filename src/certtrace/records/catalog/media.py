"""Media that belong to traces or dataset items. Their bytes lie in files; here is what is known of them.

Media are kept as they are: their id is made of their hash, which clients compute, so that redacted bytes would be other
media. `is_redacted` says so of each.
"""

import base64
import binascii
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

HASH_BYTES: Final = 32
_ID_LENGTH: Final = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """What is known of one medium."""

    id: str
    sha256: str
    """Base64 of the hash of its bytes."""
    content_type: str
    content_length: int
    is_stored: bool = False
    """Whether the bytes are here, complete and with this hash."""
    is_redacted: bool = False
    """Always false: media are kept as they came."""
    uploaded_at_ns: int | None = None
    upload_http_status: int | None = None
    upload_http_error: str | None = None
    created_at_ns: int = 0
    updated_at_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MediumUse:
    """Where a medium is used."""

    owner: str
    """`TRACE` or `DATASET`."""
    owner_id: str
    part_id: str | None
    """The observation, or the dataset item."""
    field: str


def media_id(sha256: str) -> str | None:
    """Return the id of the medium with a hash in base64, None where it is no such hash.

    The first 132 bits in the alphabet for URLs: clients compute the same and upload nothing to another id.
    """
    try:
        digest = base64.b64decode(sha256, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(digest) != HASH_BYTES:
        return None
    return base64.urlsafe_b64encode(digest).decode()[:_ID_LENGTH]


def expect_medium(connection: sqlite3.Connection, project: str, medium: Medium, use: MediumUse) -> Medium:
    """Note that a medium is used, and will be uploaded unless it is here already; return what is known of it."""
    now = time.time_ns()
    connection.execute(
        "INSERT INTO media (project, id, sha256, content_type, content_length, created_at_ns, updated_at_ns)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (project, id) DO UPDATE SET content_type = excluded.content_type,"
        " content_length = iif(is_stored, content_length, excluded.content_length), updated_at_ns = ?",
        (project, medium.id, medium.sha256, medium.content_type, medium.content_length, now, now, now),
    )
    connection.execute(
        "INSERT OR IGNORE INTO media_uses VALUES (?, ?, ?, ?, ?, ?)",
        (project, medium.id, use.owner, use.owner_id, use.part_id or "", use.field),
    )
    known = get_medium(connection, project, medium.id)
    assert known is not None  # noqa: S101 - it was just written
    return known


def get_medium(connection: sqlite3.Connection, project: str, medium_id: str) -> Medium | None:
    """Return what is known of a medium."""
    row = connection.execute("SELECT * FROM media WHERE project = ? AND id = ?", (project, medium_id)).fetchone()
    return None if row is None else _medium(row)


def medium_stored(connection: sqlite3.Connection, project: str, medium_id: str) -> None:
    """Note that the bytes are here."""
    now = time.time_ns()
    connection.execute(
        "UPDATE media SET is_stored = 1, uploaded_at_ns = ?, upload_http_status = 200, upload_http_error = NULL,"
        " updated_at_ns = ? WHERE project = ? AND id = ?",
        (now, now, project, medium_id),
    )


def medium_reported(connection: sqlite3.Connection, project: str, medium: Medium) -> bool:
    """Note what a client says of its upload; tell whether there is such a medium."""
    done = connection.execute(
        "UPDATE media SET uploaded_at_ns = ?, upload_http_status = ?, upload_http_error = ?, updated_at_ns = ?"
        " WHERE project = ? AND id = ?",
        (
            medium.uploaded_at_ns,
            medium.upload_http_status,
            medium.upload_http_error,
            time.time_ns(),
            project,
            medium.id,
        ),
    )
    return done.rowcount > 0


def traces_using(connection: sqlite3.Connection, project: str, medium_id: str) -> list[str]:
    """Return the traces that use a medium."""
    statement = "SELECT DISTINCT owner_id FROM media_uses WHERE project = ? AND media_id = ? AND owner = 'TRACE'"
    return [row[0] for row in connection.execute(statement, (project, medium_id))]


def all_media(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return project and id of every medium."""
    return [(row[0], row[1]) for row in connection.execute("SELECT project, id FROM media")]


def forget_traces(connection: sqlite3.Connection, project: str, trace_ids: Iterable[str]) -> list[str]:
    """Forget the media of deleted traces; return the ids of those that nothing uses any more: their files can go."""
    orphans = []
    for trace_id in trace_ids:
        used = connection.execute(
            "DELETE FROM media_uses WHERE project = ? AND owner = 'TRACE' AND owner_id = ? RETURNING media_id",
            (project, trace_id),
        ).fetchall()
        for (medium_id,) in {tuple(row) for row in used}:
            done = connection.execute(
                "DELETE FROM media WHERE project = ?1 AND id = ?2"
                " AND NOT EXISTS (SELECT 1 FROM media_uses WHERE project = ?1 AND media_id = ?2)",
                (project, medium_id),
            )
            if done.rowcount:
                orphans.append(medium_id)
    return orphans


def _medium(row: Mapping[str, Any]) -> Medium:
    given = {column: row[column] for column in Medium.__slots__}
    return Medium(**(given | {"is_stored": bool(row["is_stored"]), "is_redacted": bool(row["is_redacted"])}))
