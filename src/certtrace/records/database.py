"""One store file, shared: many readers at once, one writer; several processes may use the same file."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from certtrace.errors import StoreError
from certtrace.records.forking import GATE
from certtrace.records.schema import StoreBusyError, connect, is_busy

_BUSY_SECONDS: Final = 10.0
_UNWAITED_SECONDS: Final = 0.001
_LOG_SECONDS: Final = 1.0
_IDLE_READERS: Final = 8
_MAPPED_BYTES: Final = 1 << 40
"""More than any store has; SQLite maps as much of it as it was built for, 2 GiB as a rule."""
_READER_CACHE_KIB: Final = 16_000
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
        self._file: tuple[int, int] | None = None
        self.owes_emptying = True
        """Whether the log may hold what was deleted: a process before may have ended too soon."""
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
    def writing(self, busy_seconds: float | None = None) -> Iterator[sqlite3.Connection]:
        """Give the connection that writes, in one transaction: committed at the end, rolled back by any error.

        Args:
            busy_seconds: How long to wait for other writers, where it is not as long as always.

        Raises:
            StoreBusyError: Others held the store for too long.
            StoreError: The store cannot be opened.
            sqlite3.Error: It cannot be written, or a statement is at fault.
        """
        give_up = time.monotonic() + (self._busy_seconds if busy_seconds is None else busy_seconds)
        with GATE, self._turn(give_up):
            connection = self._usable_writer(give_up)
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._abandon_writer()
                if is_busy(error):
                    raise self._busy() from error
                raise
            except BaseException:
                self._abandon_writer()
                raise

    def shorten_log(self, most_bytes: int) -> bool:
        """Empty the log if it is longer than this.

        Where readers follow upon each other without a gap, SQLite itself never begins the log anew: it grows.

        Returns:
            Whether it is short now.
        """
        try:
            size = self.path.with_name(f"{self.path.name}-wal").stat().st_size
        except OSError:
            return True
        return size <= most_bytes or self.empty_log()

    def empty_log(self) -> bool:
        """Carry the log over into the file and cut it, so that it holds nothing that was deleted.

        Returns:
            Whether that was possible: readers of an older moment, or other writers, put it off until the next time.
        """
        try:
            with GATE, self._turn(time.monotonic() + self._busy_seconds):
                connection = self._usable_writer(time.monotonic() + _LOG_SECONDS)
                self.owes_emptying = bool(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
        except (sqlite3.Error, StoreError):
            self.owes_emptying = True
        return not self.owes_emptying

    def close(self) -> None:
        """Close all idle connections; the next use opens others."""
        with self._lock:
            self._abandon_writer()
        self._close_readers()

    def forget(self) -> None:
        """Start afresh in a forked child, whose parent may have held the lock at the moment of the fork."""
        _INHERITED.extend(self._idle)
        if self._writer is not None:
            _INHERITED.append(self._writer)
        self._idle, self._writer, self._lock = [], None, threading.Lock()

    @contextmanager
    def _turn(self, give_up: float) -> Iterator[None]:
        """Hold the lock of this process's writers."""
        lock = self._lock
        if not lock.acquire(timeout=max(give_up - time.monotonic(), _UNWAITED_SECONDS)):
            raise self._busy()
        try:
            yield
        finally:
            lock.release()

    def _usable_writer(self, give_up: float) -> sqlite3.Connection:
        """Return the connection to the file that stands at the path now."""
        self._leave_what_is_gone()
        remaining = max(give_up - time.monotonic(), _UNWAITED_SECONDS)
        if self._writer is None:
            self._writer = self._opened(remaining)
        self._writer.execute(f"PRAGMA busy_timeout = {max(int(remaining * 1000), 1)}")
        return self._writer

    def _reader(self) -> sqlite3.Connection:
        if self._file is not None and self._file != self._on_disk():
            self._close_readers()
        try:
            return self._idle.pop()
        except IndexError:
            connection = self._opened(self._busy_seconds)
            connection.execute("PRAGMA query_only = ON")
            connection.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES}")
            connection.execute(f"PRAGMA cache_size = -{_READER_CACHE_KIB}")
            return connection

    def _opened(self, busy_seconds: float) -> sqlite3.Connection:
        connection = connect(self.path, busy_seconds)
        connection.row_factory = sqlite3.Row
        if self._durable:
            connection.execute("PRAGMA synchronous = FULL")
        self._file = self._on_disk()
        return connection

    def _on_disk(self) -> tuple[int, int] | None:
        """Return what tells this file from another: one that was deleted meanwhile would take writes that are lost."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _leave_what_is_gone(self) -> None:
        if self._file is not None and self._file != self._on_disk():
            self._abandon_writer()
            self._close_readers()

    def _close_readers(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _busy(self) -> StoreBusyError:
        return StoreBusyError(f"The store {self.path} is busy: others are writing. Try again.")

    def _abandon_writer(self) -> None:
        """Close after a failure: whatever state the connection is in, the transaction is rolled back."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _symbol(error: sqlite3.Error) -> str:
    """Return SQLite's name for an error, such as `SQLITE_FULL`: unlike the message it never quotes a value."""
    return getattr(error, "sqlite_errorname", type(error).__name__)
