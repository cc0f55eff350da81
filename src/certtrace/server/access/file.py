"""The file of projects, keys, sign-ins and reads: apart from the store, which can be handed on without it."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from certtrace.errors import StoreError
from certtrace.records.forking import GATE

_BUSY_SECONDS: Final = 10.0

_VERSION_1: Final = """
CREATE TABLE projects (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created_at_ns INTEGER NOT NULL
);
CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  project TEXT NOT NULL REFERENCES projects,
  public_key TEXT NOT NULL UNIQUE,
  secret_hash BLOB NOT NULL,
  shown_secret TEXT NOT NULL,
  roles TEXT NOT NULL,
  note TEXT,
  created_at_ns INTEGER NOT NULL,
  expires_at_ns INTEGER,
  used_at_ns INTEGER,
  revoked_at_ns INTEGER
);
CREATE INDEX keys_by_project ON keys (project, created_at_ns);
CREATE TABLE sessions (
  token_hash BLOB PRIMARY KEY,
  key TEXT NOT NULL REFERENCES keys,
  created_at_ns INTEGER NOT NULL,
  expires_at_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_key ON sessions (key);
CREATE INDEX sessions_by_end ON sessions (expires_at_ns);
CREATE TABLE reads (
  project TEXT NOT NULL,
  trace_id TEXT NOT NULL,
  span_from_ns INTEGER NOT NULL,
  key TEXT NOT NULL,
  route TEXT NOT NULL,
  how TEXT NOT NULL,
  first_at_ns INTEGER NOT NULL,
  last_at_ns INTEGER NOT NULL,
  times INTEGER NOT NULL,
  PRIMARY KEY (project, trace_id, span_from_ns, key, route, how)
) WITHOUT ROWID;
CREATE INDEX reads_by_time ON reads (project, last_at_ns);
CREATE INDEX reads_by_age ON reads (last_at_ns)
"""
_MIGRATIONS: Final = (_VERSION_1,)


class AccessFile:
    """One SQLite file, readable by its owner only. Safe between threads, processes and across a fork."""

    def __init__(self, path: Path) -> None:
        """Take the file; it is made, or migrated, now.

        Raises:
            StoreError: It cannot be made or read, or is of a newer version.
        """
        self._path = path
        self._reads, self._writes = threading.Lock(), threading.Lock()
        self._reader: sqlite3.Connection | None = None
        self._writer: sqlite3.Connection | None = None
        self._inherited: list[sqlite3.Connection | None] = []
        GATE.register(self)
        with self.writing():
            pass

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that reads; rows are read by column name.

        Raises:
            StoreError: The file cannot be read.
        """
        with GATE, self._reads:
            if self._reader is None:
                self._reader = self._opened()
            with self._explained():
                yield self._reader

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection that writes, in one transaction that is on the disk when the block has ended.

        Raises:
            StoreError: The file cannot be written.
        """
        with GATE, self._writes:
            if self._writer is None:
                self._writer = self._opened()
                with self._explained():
                    _migrate(self._writer)
            with self._explained():
                self._writer.execute("BEGIN IMMEDIATE")
                try:
                    yield self._writer
                    self._writer.execute("COMMIT")
                except BaseException:
                    with suppress(sqlite3.Error):
                        self._writer.execute("ROLLBACK")
                    raise

    def close(self) -> None:
        """Close the connections; the next use opens others."""
        with self._reads, self._writes:
            for connection in (self._reader, self._writer):
                if connection is not None:
                    connection.close()
            self._reader = self._writer = None

    def forget(self) -> None:
        """Start afresh in a forked child: SQLite forbids to use or close the parent's connections there."""
        self._inherited += [self._reader, self._writer]
        self._reader = self._writer = None
        self._reads, self._writes = threading.Lock(), threading.Lock()

    def _opened(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            if self._path.stat().st_mode & 0o077:
                self._path.chmod(0o600)
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from None
        with self._explained():
            connection = sqlite3.connect(
                self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            # A key that was revoked, and a read that was shown, stay so when the power fails a moment later.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")
        self._check_version(connection)
        return connection

    def _check_version(self, connection: sqlite3.Connection) -> None:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > len(_MIGRATIONS):
            connection.close()
            msg = (
                f"The file {self._path} has version {found}, this certtrace supports up to version {len(_MIGRATIONS)}. "
                "Upgrade certtrace, or use another folder with --home or CERTTRACE_HOME."
            )
            raise StoreError(msg)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._unusable(getattr(error, "sqlite_errorname", type(error).__name__)) from None

    def _unusable(self, reason: str) -> StoreError:
        msg = (
            f"The file of keys {self._path} cannot be used: {reason}. "
            "Give a folder with room that this user can write to with --home or CERTTRACE_HOME."
        )
        return StoreError(msg)


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    # Read under the lock: another process may have migrated meanwhile.
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    for script in _MIGRATIONS[found:]:
        for statement in script.split(";\n"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")
    connection.execute("COMMIT")
