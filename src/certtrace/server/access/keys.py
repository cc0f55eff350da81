"""Projects and API keys, in a file of their own: the store can be handed on without them."""

import hashlib
import hmac
import secrets
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from certtrace.server.access.roles import Permission, Role, allowed

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS projects (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created_at_ns INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS keys (
  id TEXT PRIMARY KEY,
  project TEXT NOT NULL REFERENCES projects,
  public_key TEXT NOT NULL UNIQUE,
  secret_hash TEXT NOT NULL,
  shown_secret TEXT NOT NULL,
  roles TEXT NOT NULL,
  note TEXT,
  created_at_ns INTEGER NOT NULL,
  revoked_at_ns INTEGER
);
CREATE TABLE IF NOT EXISTS reads (
  at_ns INTEGER NOT NULL,
  project TEXT NOT NULL,
  public_key TEXT NOT NULL,
  route TEXT NOT NULL,
  trace_id TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS reads_by_trace ON reads (project, trace_id, at_ns);
"""


@dataclass(frozen=True, slots=True)
class Project:
    """A project: everything stored belongs to one."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that was accepted."""

    id: str
    public_key: str
    project: Project
    roles: frozenset[Role]

    @property
    def permissions(self) -> frozenset[Permission]:
        """Return what it may do."""
        return allowed(self.roles)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at the only moment its secret is known."""

    public_key: str
    secret_key: str

    def __repr__(self) -> str:
        """Show the public part only."""
        return f"<NewKey {self.public_key}>"


class Access:
    """The file of projects, keys and reads. Safe between threads."""

    def __init__(self, path: Path) -> None:
        """Take the file; it is made where needed."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.executescript("PRAGMA journal_mode = WAL;" + _SCHEMA)

    def project(self, name: str) -> Project:
        """Return the project of that name; it is made where needed."""
        with self._lock:
            self._connection.execute(
                "INSERT INTO projects VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (name, name, time.time_ns())
            )
            row = self._connection.execute("SELECT id, name FROM projects WHERE name = ?", (name,)).fetchone()
        return Project(*row)

    def projects(self) -> list[Project]:
        """Return all projects, oldest first."""
        with self._lock:
            rows = self._connection.execute("SELECT id, name FROM projects ORDER BY created_at_ns, id").fetchall()
        return [Project(*row) for row in rows]

    def has_keys(self, project: Project | None = None) -> bool:
        """Tell whether any key, or any of a project, is not revoked."""
        with self._lock:
            return bool(
                self._connection.execute(
                    "SELECT 1 FROM keys WHERE revoked_at_ns IS NULL AND ifnull(project = ?, TRUE) LIMIT 1",
                    (project.id if project is not None else None,),
                ).fetchone()
            )

    def create(self, project: Project, roles: Iterable[Role], note: str | None = None) -> NewKey:
        """Make a key and return it, for the only time with its secret."""
        new = NewKey(f"pk-lf-{uuid.uuid4()}", f"sk-lf-{secrets.token_urlsafe(32)}")
        shown = f"{new.secret_key[:6]}...{new.secret_key[-4:]}"
        row = (
            str(uuid.uuid4()),
            project.id,
            new.public_key,
            _hashed(new.secret_key),
            shown,
            " ".join(sorted(roles)),
            note,
            time.time_ns(),
        )
        with self._lock:
            self._connection.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)", row)
        return new

    def known(self, public_key: str, secret_key: str) -> KnownKey | None:
        """Return the key if both parts belong together and it is not revoked."""
        with self._lock:
            row = self._connection.execute(
                "SELECT k.id, k.secret_hash, k.roles, p.id, p.name"
                " FROM keys AS k JOIN projects AS p ON p.id = k.project"
                " WHERE k.public_key = ? AND k.revoked_at_ns IS NULL",
                (public_key,),
            ).fetchone()
        if row is None or not hmac.compare_digest(row[1], _hashed(secret_key)):
            return None
        return KnownKey(row[0], public_key, Project(row[3], row[4]), frozenset(map(Role, row[2].split())))

    def record_reads(self, key: KnownKey, route: str, trace_ids: Iterable[str]) -> None:
        """Write down that a key read some traces."""
        now = time.time_ns()
        rows = [(now, key.project.id, key.public_key, route, trace_id) for trace_id in trace_ids]
        with self._lock:
            self._connection.execute("BEGIN")
            self._connection.executemany("INSERT INTO reads VALUES (?, ?, ?, ?, ?)", rows)
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _hashed(secret: str) -> str:
    # The secret is 256 random bits: one round of SHA-256 is as hard to turn back as many.
    return hashlib.sha256(secret.encode()).hexdigest()
