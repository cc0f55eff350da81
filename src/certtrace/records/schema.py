"""The SQLite schema, its versions, and how a connection to it is opened."""

import errno
import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from certtrace.errors import StoreError
from certtrace.records.migrations import MIGRATIONS

SUPPORTED_VERSION: Final = len(MIGRATIONS)

_RETRY_SECONDS: Final = 0.01
_PAGE_BYTES: Final = 8192
"""Of a new store. An observation of two or three KB would leave a third of each page of 4096 unused."""
_CACHE_KIB: Final = 64_000
_CHECKPOINT_PAGES: Final = 4000
_LOG_BYTES: Final = 64 * 1024 * 1024


class StoreBusyError(StoreError):
    """Another process held the store for longer than the caller wanted to wait."""


def connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Open the store for writing; create or migrate it where needed.

    Raises:
        StoreBusyError: Others held the store for longer than `busy_seconds`.
        StoreError: The folder or file cannot be written, is no store, or is of a newer version.
    """
    give_up = time.monotonic() + busy_seconds
    while True:
        try:
            return _connect_once(path, busy_seconds)
        except StoreBusyError:
            # SQLite's own waiting does not cover the change to write-ahead logging of a store that is being made.
            if time.monotonic() >= give_up:
                raise
            time.sleep(_RETRY_SECONDS)


def connect_read_only(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Open the store for reading; nothing is created or changed. What was never written to reads as empty.

    Raises:
        StoreError: The file cannot be read, is no store, or is of another version.
    """
    connection = None
    try:
        if not path.exists():
            _check_folder(path.parent)
            return _empty()
        connection = _open_read_only(path, busy_seconds)
        found = _check_version(connection, path)
    except (OSError, sqlite3.Error) as error:
        _close(connection)
        raise _cannot_open(path, error) from error
    except StoreError:
        _close(connection)
        raise
    if found == SUPPORTED_VERSION:
        return connection
    _close(connection)
    if found == 0:
        return _empty()
    msg = (
        f"The store {path} has version {found}, this certtrace reads {SUPPORTED_VERSION}. "
        "Run `certtrace serve` or a service with this certtrace on it once: that migrates it."
    )
    raise StoreError(msg)


def open_any_version(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Open a store for reading, of this version or an earlier one; nothing is changed.

    Raises:
        StoreError: There is no store, the file cannot be read, or it is of a newer version.
    """
    if not path.exists():
        msg = f"There is no store at {path}. Give its folder with --home or CERTTRACE_HOME."
        raise StoreError(msg)
    connection = None
    try:
        connection = _open_read_only(path, busy_seconds)
        _check_version(connection, path)
    except (OSError, sqlite3.Error) as error:
        _close(connection)
        raise _cannot_open(path, error) from error
    except StoreError:
        _close(connection)
        raise
    return connection


def is_busy(error: sqlite3.Error) -> bool:
    """Tell whether an error only says that another process is writing."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _connect_once(path: Path, busy_seconds: float) -> sqlite3.Connection:
    connection = None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)
        connection = _open(path.as_posix(), busy_seconds)
        found = _check_version(connection, path)
        _prepare(connection, found)
    except (OSError, sqlite3.Error) as error:
        _close(connection)
        raise _cannot_open(path, error) from error
    except StoreError:
        _close(connection)
        raise
    return connection


def _check_folder(folder: Path) -> None:
    """Tell a folder that is not there yet from a wrong one."""
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


def _empty() -> sqlite3.Connection:
    connection = _open(":memory:", 0)
    _migrate(connection)
    return connection


def _open_read_only(path: Path, busy_seconds: float) -> sqlite3.Connection:
    address = path.absolute().as_uri()
    try:
        return _probed(_open(f"{address}?mode=ro", busy_seconds))
    except sqlite3.OperationalError:
        # A write-ahead store on read-only media: SQLite cannot make its shared memory there. Without a log nothing is
        # pending, and the file may be read as it is.
        if path.with_name(f"{path.name}-wal").exists() or not path.is_file():
            raise
        return _probed(_open(f"{address}?immutable=1", busy_seconds))


def _probed(connection: sqlite3.Connection) -> sqlite3.Connection:
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _open(address: str, busy_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        address,
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
        uri=address.startswith("file:"),
    )
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _close(connection: sqlite3.Connection | None) -> None:
    if connection is not None:
        with suppress(sqlite3.Error):
            connection.close()


def _prepare(connection: sqlite3.Connection, found: int) -> None:
    if found == 0:
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    # Trace ids are random, so inserts touch the whole index: with the default 2 MB each would read it from disk.
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    # What is deleted must not survive in free pages: erasing a candidate has to hold on disk, too.
    connection.execute("PRAGMA secure_delete = ON")
    # The more pages a checkpoint carries over, the more often they were written in between, for once.
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
    if version_of(connection) == SUPPORTED_VERSION:
        return
    _migrate(connection)


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    # Read again under the lock: another process may have migrated meanwhile.
    found = version_of(connection)
    for script in MIGRATIONS[found:]:
        for statement in script.split(";\n"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {max(found, SUPPORTED_VERSION)}")
    connection.execute("COMMIT")


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of the tables; 0 where there are none."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _check_version(connection: sqlite3.Connection, path: Path) -> int:
    found = version_of(connection)
    if found > SUPPORTED_VERSION:
        msg = (
            f"The store {path} has version {found}, this certtrace supports up to version {SUPPORTED_VERSION}. "
            "Upgrade certtrace, or use another folder with --home or CERTTRACE_HOME."
        )
        raise StoreError(msg)
    # Read again: another process may have made the tables, and with them the version, between the first two questions.
    has_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if found == 0 and has_tables and (found := version_of(connection)) == 0:
        msg = (
            f"The file {path} is a database, but no certtrace store. Use another folder with --home or CERTTRACE_HOME."
        )
        raise StoreError(msg)
    return found


def _cannot_open(path: Path, error: Exception) -> StoreError:
    if isinstance(error, sqlite3.Error) and is_busy(error):
        return StoreBusyError(f"The store {path} is busy: other processes are writing. Try again.")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return StoreError(
        f"The store {path} cannot be opened: {reason}. "
        "Give a folder with room that this user can write to with --home or CERTTRACE_HOME."
    )
