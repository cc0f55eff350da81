"""The embedded store: writes observations and scores into one SQLite file, shared by several processes."""

import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from certtrace.errors import StoreError
from certtrace.ports import DeliveryError, DestinationPausedError, Payload
from certtrace.records import rows
from certtrace.records.forking import GATE
from certtrace.records.model import Observation, Score
from certtrace.records.payloads import decode
from certtrace.records.schema import StoreBusyError, connect, is_busy
from certtrace.records.summary import summarise

DEFAULT_PROJECT: Final = "default"
_BUSY_SECONDS: Final = 10.0
_UNWAITED_SECONDS: Final = 0.001
_OPERATOR_MUST_MEND: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN)

FACETS: Final = ("submission_id", "candidate", "session_id", "service", "name")
"""What traces are looked up by, the rarest values first: a trace is found by what any of its observations has."""

_INHERITED: list[sqlite3.Connection] = []
"""Connections of a parent that forked amid a write. SQLite forbids to use or close them here: they are kept alive."""


def facet_value(kind: str, value: str | None) -> str | None:
    """Return the form a value is looked up by: a pseudonym is the same with and without its angle brackets."""
    return value.removeprefix("<").removesuffix(">") if kind == "candidate" and value else value


def _upsert(table: str, columns: Sequence[str], key: Sequence[str]) -> str:
    names = ", ".join(f'"{column}"' for column in columns)
    marks = ", ".join("?" * len(columns))
    changes = ", ".join(f'"{column}" = excluded."{column}"' for column in columns if column not in key)
    return (
        f"INSERT INTO {table} ({names}) VALUES ({marks}) "  # noqa: S608 - table and columns are constants of this module
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
    )


# A skeleton that a crash left behind never overwrites the content, in whichever order the two arrive.
_PUT_OBSERVATION: Final = (
    _upsert("observations", ("project", "trace_id", *rows.OBSERVATION_COLUMNS), ("project", "trace_id", "id"))
    + " WHERE excluded.content_lost <= observations.content_lost"
)
_PUT_TRACE: Final = _upsert("traces", ("project", "trace_id", *rows.SUMMARY_COLUMNS), ("project", "trace_id"))
_PUT_SCORE: Final = _upsert("scores", ("project", *rows.SCORE_COLUMNS), ("project", "id"))
_GET_FACTS: Final = (
    "SELECT " + ", ".join(f'"{column}"' for column in rows.FACT_COLUMNS) + " FROM observations"  # noqa: S608 - constants
    " WHERE project = ? AND trace_id = ?"
)


class StoreWriter:
    """Writes to one store file. Safe to use from several threads and across a fork; one transaction per call."""

    def __init__(self, path: Path, project: str = DEFAULT_PROJECT) -> None:
        """Take the file; it is opened, and created where needed, at the first write."""
        self._path = path
        self._project = project
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._thread = 0
        self._file: tuple[int, int] | None = None
        GATE.register(self)

    def write(
        self, observations: Iterable[Observation], scores: Iterable[Score] = (), busy_seconds: float = _BUSY_SECONDS
    ) -> None:
        """Write everything or nothing. What has the same id is replaced.

        Raises:
            StoreBusyError: Others held the store for longer than `busy_seconds`.
            StoreError: The store cannot be opened.
            sqlite3.Error: It cannot be written.
        """
        new_observations, new_scores = list(observations), list(scores)
        with GATE, self._lock:
            connection = self._usable(busy_seconds)
            try:
                connection.execute("BEGIN IMMEDIATE")
                self._put(connection, new_observations, new_scores)
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._abandon(connection)
                if is_busy(error):
                    msg = f"The store {self._path} is busy: other processes are writing. Try again."
                    raise StoreBusyError(msg) from error
                raise
            except BaseException:
                self._abandon(connection)
                raise

    def close(self) -> None:
        """Close the file. The next write opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def forget(self) -> None:
        """Start afresh in a forked child, whose parent may have held the lock at the moment of the fork."""
        if self._connection is not None:
            _INHERITED.append(self._connection)
        self._connection = None
        self._lock = threading.Lock()

    def _usable(self, busy_seconds: float) -> sqlite3.Connection:
        """Return a connection of this thread to the file that stands at the path now."""
        if self._connection is not None and (self._thread != threading.get_ident() or self._file != self._on_disk()):
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = connect(self._path, busy_seconds)
            self._thread, self._file = threading.get_ident(), self._on_disk()
        self._connection.execute(f"PRAGMA busy_timeout = {max(int(busy_seconds * 1000), 1)}")
        return self._connection

    def _on_disk(self) -> tuple[int, int] | None:
        """Return what tells this file from another: one that was deleted meanwhile would take writes that are lost."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _abandon(self, connection: sqlite3.Connection) -> None:
        """Close after a failure: whatever state the connection is in, the transaction is rolled back."""
        connection.close()
        self._connection = None

    def _put(self, connection: sqlite3.Connection, observations: list[Observation], scores: list[Score]) -> None:
        connection.executemany(
            _PUT_OBSERVATION, ((self._project, each.trace_id, *rows.observation_row(each)) for each in observations)
        )
        for trace_id in dict.fromkeys(each.trace_id for each in observations):
            self._put_trace(connection, trace_id)
        connection.executemany(_PUT_SCORE, ((self._project, *rows.score_row(each)) for each in scores))

    def _put_trace(self, connection: sqlite3.Connection, trace_id: str) -> None:
        key = self._project, trace_id
        cursor = connection.cursor()
        cursor.row_factory = sqlite3.Row
        facts = [rows.facts_from(row) for row in cursor.execute(_GET_FACTS, key)]
        summary = summarise(trace_id, facts)
        connection.execute(_PUT_TRACE, (*key, *rows.summary_row(summary)))
        connection.execute("DELETE FROM trace_facets WHERE project = ? AND trace_id = ?", key)
        values = {(kind, facet_value(kind, getattr(each, kind))) for each in facts for kind in FACETS}
        values.add(("name", summary.name))
        connection.executemany(
            "INSERT INTO trace_facets (project, trace_id, kind, value, start_time_ns) VALUES (?, ?, ?, ?, ?)",
            ((*key, kind, value, summary.start_time_ns) for kind, value in values if value),
        )


class StoreDestination:
    """The embedded store as a destination of delivery; see `certtrace.ports.Destination`."""

    name = "store"

    def __init__(self, path: Path, project: str = DEFAULT_PROJECT) -> None:
        """Take the file; it is opened, and created where needed, at the first delivery."""
        self._path = path
        self._writer = StoreWriter(path, project)

    def deliver(self, batch: Sequence[Payload], deadline: float) -> None:
        """Write the batch in one transaction.

        Args:
            batch: At least one payload.
            deadline: `time.monotonic()` value by which the call must have returned.

        Raises:
            BatchRejectedError: The batch is malformed.
            DestinationPausedError: The file cannot be opened or is damaged; the message names it and the remedy.
            DeliveryError: Other processes held the store for too long, or the disk is full.
        """
        observations, scores = decode(batch)
        remaining = max(deadline - time.monotonic(), _UNWAITED_SECONDS)
        try:
            self._writer.write(observations, scores, remaining)
        except StoreBusyError as error:
            raise DeliveryError(str(error)) from None
        except StoreError as error:
            raise DestinationPausedError(str(error)) from None
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _OPERATOR_MUST_MEND:
                msg = f"the store {self._path} is not writable ({_symbol(error)}); mend its permissions"
                raise DestinationPausedError(msg) from None
            msg = f"the store {self._path} could not be written: {_symbol(error)}"
            raise DeliveryError(msg) from None
        except sqlite3.DatabaseError as error:
            msg = f"the store {self._path} is damaged ({_symbol(error)}); move it away, a new one will be made"
            raise DestinationPausedError(msg) from None

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


def _symbol(error: sqlite3.Error) -> str:
    """Return SQLite's name for an error, such as `SQLITE_FULL`: unlike the message it never quotes a value."""
    return getattr(error, "sqlite_errorname", type(error).__name__)
