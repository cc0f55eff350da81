"""The entries of the index: for each word and each 4,096 records, which of these have it.

Why not SQLite's own full-text search: what is deleted from it stays in its segments until they happen to be merged, and
the option against that came with SQLite 3.42. Here a record's words are taken out when the record is, on disk too.
"""

import json
import sqlite3
import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from certtrace.records.search.documents import Kind
from certtrace.records.search.words import LONGEST_WORD, distinct_words

BITS: Final = 12
WITHIN: Final = (1 << BITS) - 1
_PLACE_BYTES: Final = 2
_ADD: Final = (
    "INSERT INTO search_words (project, kind, chunk, word, places) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (project, kind, chunk, word) DO UPDATE SET places = CAST(places || excluded.places AS BLOB)"
)
_COUNT: Final = (
    "INSERT INTO search_chunks (project, kind, chunk, documents) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (project, kind, chunk) DO UPDATE SET documents = documents + excluded.documents"
)

Document = tuple[str, int, set[str]]
"""Project, number and words of a record."""


def mark_of(connection: sqlite3.Connection, kind: Kind) -> int:
    """Return the number up to which records are indexed."""
    row = connection.execute("SELECT number FROM search_marks WHERE kind = ?", (kind.code,)).fetchone()
    return int(row[0])


class Entries:
    """New entries of records of one kind that stand in the same 4,096, gathered in memory."""

    def __init__(self, kind: Kind) -> None:
        """Start without any."""
        self._kind = kind
        self._places: dict[tuple[str, int], dict[str, bytearray]] = {}
        self._documents: dict[tuple[str, int], int] = defaultdict(int)

    def take(self, project: str, number: int, words: Iterable[str]) -> None:
        """Take the words of one record, each once."""
        key = project, number >> BITS
        place = (number & WITHIN).to_bytes(_PLACE_BYTES, sys.byteorder)
        self._documents[key] += 1
        places = self._places.get(key)
        if places is None:
            places = self._places[key] = defaultdict(bytearray)
        for word in words:
            places[word] += place

    def rows(self) -> "Rows":
        """Return what is to be added to the index, in its order; made before others have to wait."""
        code = self._kind.code
        words: list[tuple[object, ...]] = []
        for (project, chunk), found in sorted(self._places.items()):
            places = _shortened(found)
            words += [(project, code, chunk, word, places[word]) for word in sorted(places)]
        return Rows(words, [(project, code, chunk, count) for (project, chunk), count in self._documents.items()])


@dataclass(frozen=True, slots=True)
class Rows:
    """New rows of the index."""

    words: list[tuple[object, ...]]
    counts: list[tuple[object, ...]]

    def write(self, connection: sqlite3.Connection) -> None:
        """Add them."""
        connection.executemany(_ADD, self.words)
        connection.executemany(_COUNT, self.counts)


def _shortened(places: dict[str, bytearray]) -> dict[str, bytearray]:
    """Return the entries with what is too long for a word cut."""
    for word in [word for word in places if len(word) > LONGEST_WORD]:
        found = array("H", places.pop(word))
        short = word[:LONGEST_WORD]
        known = array("H", places.get(short, b""))
        places[short] = bytearray(array("H", sorted({*known, *found})).tobytes())
    return places


def remove(connection: sqlite3.Connection, kind: Kind, documents: Iterable[Document]) -> None:
    """Take records out of the index, with every word that is in no other."""
    for (project, chunk), found in _by_chunk(documents).items():
        gone: dict[str, set[int]] = defaultdict(set)
        for number, words in found:
            for word in words:
                gone[word[:LONGEST_WORD]].add(number & WITHIN)
        for word, places in gone.items():
            _remove_word(connection, (project, kind.code, chunk, word), places)
        connection.execute(_COUNT, (project, kind.code, chunk, -len(found)))
    connection.execute("DELETE FROM search_chunks WHERE documents = 0")


def forget(connection: sqlite3.Connection, kind: Kind, numbers: Sequence[int], *, again: bool) -> None:
    """Take records out of the index before they are deleted or, with `again`, replaced.

    Where `again` is true they are queued to be entered with their new words.
    """
    if not numbers:
        return
    mark = mark_of(connection, kind)
    old = json.dumps([number for number in numbers if number <= mark])
    if old == "[]":
        return
    indexed = connection.execute(
        f"SELECT {kind.columns} FROM {kind.table} WHERE number IN (SELECT value FROM json_each(?)) "  # noqa: S608 - constants
        "AND number NOT IN (SELECT number FROM search_queue WHERE kind = ?)",
        (old, kind.code),
    )
    remove(connection, kind, [(row["project"], row["number"], distinct_words(kind.texts_of(row))) for row in indexed])
    change = (
        "INSERT OR IGNORE INTO search_queue (kind, number) SELECT ?, value FROM json_each(?)"
        if again
        else "DELETE FROM search_queue WHERE kind = ? AND number IN (SELECT value FROM json_each(?))"
    )
    connection.execute(change, (kind.code, old))


def places_of(blob: bytes) -> Sequence[int]:
    """Return the places that an entry holds."""
    return array("H", blob)


def _by_chunk(documents: Iterable[Document]) -> dict[tuple[str, int], list[tuple[int, set[str]]]]:
    found: dict[tuple[str, int], list[tuple[int, set[str]]]] = defaultdict(list)
    for project, number, words in documents:
        found[project, number >> BITS].append((number, words))
    return found


def _remove_word(connection: sqlite3.Connection, key: tuple[str, int, int, str], gone: set[int]) -> None:
    where = "WHERE project = ? AND kind = ? AND chunk = ? AND word = ?"
    row = connection.execute(f"SELECT places FROM search_words {where}", key).fetchone()  # noqa: S608 - constants
    if row is None:
        return
    left = array("H", [place for place in array("H", row[0]) if place not in gone])
    if left:
        connection.execute(f"UPDATE search_words SET places = ? {where}", (left.tobytes(), *key))  # noqa: S608 - as above
    else:
        connection.execute(f"DELETE FROM search_words {where}", key)  # noqa: S608 - as above
