"""The index is brought up to date behind the writers' backs, by whoever has the time."""

import sqlite3
import time
from typing import Final

from certtrace.records.database import Database
from certtrace.records.schema import StoreBusyError
from certtrace.records.search.documents import KINDS, Kind
from certtrace.records.search.entries import WITHIN, Entries, mark_of
from certtrace.records.search.words import distinct_words
from certtrace.records.summaries import renew_pending

_AT_ONCE_CHARACTERS: Final = 16_000_000
_CHANGED_AT_ONCE: Final = 256
_BUSY_SECONDS: Final = 0.25
_COUNTED: Final = 10_000


class SearchIndex:
    """The full-text index of one store."""

    def __init__(self, database: Database, *, busy_seconds: float = _BUSY_SECONDS) -> None:
        """Take the store.

        Args:
            database: The store.
            busy_seconds: How long a step waits for other writers.
        """
        self._database = database
        self._busy_seconds = busy_seconds

    def catch_up(self, budget_seconds: float) -> int:
        """Index what has been written since; return how many records are left; see `behind`.

        Several processes may do so at once: each step is one transaction. A store that is busy is left for later.

        Args:
            budget_seconds: No step is begun after so much time.
        """
        give_up = time.monotonic() + budget_seconds
        try:
            while time.monotonic() < give_up and self._step():
                pass
        except StoreBusyError:
            pass
        return self.behind()

    def behind(self) -> int:
        """Return how many records are not indexed yet; of each kind 10,000 are counted at most."""
        with self._database.reading() as connection:
            queued = int(connection.execute("SELECT count(*) FROM search_queue").fetchone()[0])
            return queued + sum(_behind(connection, kind) for kind in KINDS)

    def _step(self) -> bool:
        """Do one piece of work; return whether there was any."""
        return any(self._index_new(kind) for kind in KINDS) or self._index_changed() or self._summarise()

    def _index_new(self, kind: Kind) -> bool:
        """Index the next records that were never; the words are gathered while others may write."""
        with self._database.reading() as connection:
            mark = mark_of(connection, kind)
            entries, read = _gathered(connection, kind, mark)
        if not read:
            return False
        last = max(read)
        rows = entries.rows()
        with self._database.writing(self._busy_seconds) as connection:
            if mark_of(connection, kind) != mark:
                return True  # another process was quicker
            if _stored(connection, kind, mark, last) != read:
                rows = _gathered(connection, kind, mark, last)[0].rows()
            rows.write(connection)
            connection.execute("UPDATE search_marks SET number = ? WHERE kind = ?", (last, kind.code))
        return True

    def _index_changed(self) -> bool:
        """Index anew what was replaced after it had been indexed."""
        with self._database.reading() as connection:
            if connection.execute("SELECT 1 FROM search_queue LIMIT 1").fetchone() is None:
                return False
        with self._database.writing(self._busy_seconds) as connection:
            for kind in KINDS:
                queued = connection.execute(
                    "SELECT number FROM search_queue WHERE kind = ? LIMIT ?", (kind.code, _CHANGED_AT_ONCE)
                ).fetchall()
                entries = Entries(kind)
                for (number,) in map(tuple, queued):
                    row = connection.execute(
                        f"SELECT {kind.columns} FROM {kind.table} WHERE number = ?",  # noqa: S608 - constants
                        (number,),
                    ).fetchone()
                    if row is not None:
                        entries.take(row["project"], number, distinct_words(kind.texts_of(row)))
                    connection.execute("DELETE FROM search_queue WHERE kind = ? AND number = ?", (kind.code, number))
                entries.rows().write(connection)
        return True

    def _summarise(self) -> bool:
        """Summarise a large trace that was only added to; see `certtrace.records.summaries`."""
        with self._database.reading() as connection:
            if (
                connection.execute(
                    "SELECT 1 FROM traces INDEXED BY traces_pending WHERE pending > 0 LIMIT 1"
                ).fetchone()
                is None
            ):
                return False
        with self._database.writing(self._busy_seconds) as connection:
            return renew_pending(connection, time.time_ns())


def _behind(connection: sqlite3.Connection, kind: Kind) -> int:
    row = connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {kind.table} WHERE number > ? LIMIT ?)",  # noqa: S608 - constants
        (mark_of(connection, kind), _COUNTED),
    ).fetchone()
    return int(row[0])


def _gathered(
    connection: sqlite3.Connection, kind: Kind, mark: int, last: int | None = None
) -> tuple[Entries, dict[int, int]]:
    """Return the entries of what comes behind the mark, and when each record was written, by its number."""
    entries = Entries(kind)
    read: dict[int, int] = {}
    characters = 0
    rows = connection.execute(
        f"SELECT {kind.columns} FROM {kind.table} WHERE number > ? AND number <= ? ORDER BY number",  # noqa: S608 - constants
        (mark, _end_of_chunk(connection, kind, mark) if last is None else last),
    )
    for row in rows:
        number, project, _, updated_at_ns = row[:4]
        texts = kind.texts_of(row)
        entries.take(project, number, distinct_words(texts))
        read[number] = updated_at_ns
        characters += sum(map(len, texts))
        if last is None and characters > _AT_ONCE_CHARACTERS:
            break
    return entries, read


def _stored(connection: sqlite3.Connection, kind: Kind, mark: int, last: int) -> dict[int, int]:
    """Return when each record was written, by its number."""
    rows = connection.execute(
        f"SELECT number, updated_at_ns FROM {kind.table} WHERE number > ? AND number <= ?",  # noqa: S608 - constants
        (mark, last),
    )
    return dict(map(tuple, rows))


def _end_of_chunk(connection: sqlite3.Connection, kind: Kind, mark: int) -> int:
    """Return the last number of the records that stand together with the next one."""
    row = connection.execute(f"SELECT min(number) FROM {kind.table} WHERE number > ?", (mark,)).fetchone()  # noqa: S608 - constants
    return mark if row[0] is None else int(row[0]) | WITHIN
