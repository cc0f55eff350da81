"""The embedded store: writes observations and scores into one SQLite file, shared by several processes."""

import sqlite3
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from certtrace.errors import StoreError
from certtrace.ports import DeliveryError, DestinationPausedError, Payload
from certtrace.records.database import Database
from certtrace.records.model import Observation, ObservationChange, Score, TraceChange
from certtrace.records.payloads import decode
from certtrace.records.schema import StoreBusyError
from certtrace.records.summaries import renew_pending
from certtrace.records.writing import Batch

DEFAULT_PROJECT: Final = "default"
_UNWAITED_SECONDS: Final = 0.001
_QUIET_SECONDS: Final = 2.0
_OPERATOR_MUST_MEND: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN)


class StoreWriter:
    """Writes to one store. Safe to use from several threads and across a fork; one transaction per call."""

    def __init__(self, database: Database) -> None:
        """Take the store; it is opened, and made where needed, at the first write."""
        self._database = database

    def write(
        self,
        project: str,
        observations: Iterable[Observation] = (),
        scores: Iterable[Score] = (),
        *,
        changes: Sequence[ObservationChange] = (),
        traces: Sequence[TraceChange] = (),
        busy_seconds: float | None = None,
    ) -> None:
        """Write everything or nothing. What has the same id is replaced, or merged where it is a change.

        Args:
            project: Whose it is.
            observations: Whole observations.
            scores: Whole scores.
            changes: Fields of observations; merged in their order, after the whole ones.
            traces: What was said of traces themselves.
            busy_seconds: How long to wait for other writers, where it is not as long as always.

        Raises:
            StoreBusyError: Others held the store for too long.
            StoreError: The store cannot be opened.
            sqlite3.Error: It cannot be written.
        """
        given, new_scores = list(observations), list(scores)
        with self._database.writing(busy_seconds) as connection:
            now_ns = time.time_ns()
            batch = Batch(connection, project, now_ns)
            batch.add(given)
            batch.change(changes)
            batch.say(traces)
            batch.put(new_scores)
            renew_pending(connection, now_ns, quiet_seconds=_QUIET_SECONDS)


class StoreDestination:
    """The embedded store as a destination of delivery; see `certtrace.ports.Destination`."""

    name = "store"

    def __init__(self, path: Path, project: str = DEFAULT_PROJECT) -> None:
        """Take the file; it is opened, and created where needed, at the first delivery."""
        self._path = path
        self._project = project
        self._database = Database(path)
        self._writer = StoreWriter(self._database)

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
            self._writer.write(self._project, observations, scores, busy_seconds=remaining)
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
        """Close the file. The next delivery opens it again."""
        self._database.close()


def _symbol(error: sqlite3.Error) -> str:
    """Return SQLite's name for an error, such as `SQLITE_FULL`: unlike the message it never quotes a value."""
    return getattr(error, "sqlite_errorname", type(error).__name__)
