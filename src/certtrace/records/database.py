"""One store file, shared: many readers at once, one writer; several processes may use the same file."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from certtrace.errors import StoreError
from certtrace.records.forking import GATE
from certtrace.records.schema import StoreBusyError, connect, is_busy

_BUSY_SECONDS: Final = 10.0
_IDLE_READERS: Final = 8
_MAPPED_BYTES: Final = 1 << 30
_INHERITED: list[sqlite3.Connection] = []
"""Connections of a parent that forked amid a use. SQLite forbids to use or close them here: they are kept alive."""


class Database:
    """Connections to one store file, opened when they are needed and kept. Safe between threads and across a fork."""

    def __init__(self, path: Path, *, busy_seconds: float = _BUSY_SECONDS, durable: bool = False) -> None:
        """Take the file; it is made, or migrated, at the first use.

        Args:
            path: The store file.
            busy_seconds: How long to wait for other writers.
            durable: Whether a commit waits for the disk, so that it outlasts a power failure.
        """
        self.path = path
        self._busy_seconds = busy_seconds
        self._durable = durable
        self._lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._idle: list[sqlite3.Connection] = []
        GATE.register(self)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that sees one moment of the store; rows are read by column name.

        Raises:
            StoreError: The store cannot be opened or read.
        """
        with GATE:
            connection = self._reader()
            try:
                connection.execute("BEGIN")
                yield connection
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                connection.close()
                msg = f"The store {self.path} cannot be read: {_symbol(error)}. Check it with: certtrace store check"
                raise StoreError(msg) from error
            except BaseException:
                connection.close()
                raise
            self._idle.append(connection)
            while len(self._idle) > _IDLE_READERS:
                self._idle.pop(0).close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection that writes, in one transaction: committed at the end, rolled back by any error.

        Raises:
            StoreBusyError: Other processes held the store for too long.
            StoreError: The store cannot be opened.
            sqlite3.Error: It cannot be written, or a statement is at fault.
        """
        with GATE, self._lock:
            if self._writer is None:
                self._writer = self._opened()
            connection = self._writer
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._abandon_writer()
                if is_busy(error):
                    msg = f"The store {self.path} is busy: other processes are writing. Try again."
                    raise StoreBusyError(msg) from error
                raise
            except BaseException:
                self._abandon_writer()
                raise

    def close(self) -> None:
        """Close all idle connections; the next use opens others."""
        with self._lock:
            self._abandon_writer()
        while self._idle:
            self._idle.pop().close()

    def forget(self) -> None:
        """Start afresh in a forked child, whose parent may have held the lock at the moment of the fork."""
        _INHERITED.extend(self._idle)
        if self._writer is not None:
            _INHERITED.append(self._writer)
        self._idle, self._writer, self._lock = [], None, threading.Lock()

    def _reader(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            connection = self._opened()
            connection.execute("PRAGMA query_only = ON")
            connection.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES}")
            return connection

    def _opened(self) -> sqlite3.Connection:
        connection = connect(self.path, self._busy_seconds)
        connection.row_factory = sqlite3.Row
        if self._durable:
            connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _abandon_writer(self) -> None:
        """Close after a failure: whatever state the connection is in, the transaction is rolled back."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _symbol(error: sqlite3.Error) -> str:
    """Return SQLite's name for an error, such as `SQLITE_FULL`: unlike the message it never quotes a value."""
    return getattr(error, "sqlite_errorname", type(error).__name__)
