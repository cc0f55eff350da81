"""Which records have the words that are looked for."""

import json
import sqlite3
import sys
from array import array
from collections.abc import Sequence
from functools import reduce
from typing import Final

from certtrace.records.search.documents import KINDS, OBSERVATIONS, Kind
from certtrace.records.search.entries import BITS, WITHIN, mark_of
from certtrace.records.search.words import Query, has_phrases, words_of

Places = dict[int, Sequence[int]]
"""By the number of the 4,096 the places in them."""

_WHOLE: Final = (
    "SELECT w.chunk, w.places FROM search_chunks AS c JOIN search_words AS w "
    "ON w.project = c.project AND w.kind = c.kind AND w.chunk = c.chunk AND w.word = ? "
    "WHERE c.project = ? AND c.kind = ?"
)
_BEGINNING: Final = (
    "SELECT w.chunk, w.places FROM search_chunks AS c JOIN search_words AS w "
    "ON w.project = c.project AND w.kind = c.kind AND w.chunk = c.chunk AND w.word BETWEEN ? AND ? "
    "WHERE c.project = ? AND c.kind = ?"
)
_LAST: Final = chr(sys.maxunicode)


class Found:
    """What matches a query in one project, at one moment of the store."""

    def __init__(self, connection: sqlite3.Connection, project: str, query: Query) -> None:
        """Look for the words; whether phrases stand in their order is seen later, record by record."""
        self._connection = connection
        self._project = project
        self._query = query
        self._places = {kind.code: self._matching(kind) for kind in KINDS}

    @property
    def count(self) -> int:
        """Return how many records have all words."""
        return sum(len(places) for found in self._places.values() for places in found.values())

    def numbers(self, kind: Kind) -> list[int]:
        """Return the numbers of the records that have all words."""
        return [chunk << BITS | place for chunk, places in self._places[kind.code].items() for place in places]

    def trace_ids(self) -> set[str]:
        """Return the traces of all records that have all words. For few only: see `count`."""
        found: set[str] = set()
        for kind in KINDS:
            rows = self._connection.execute(
                f"SELECT trace_id FROM {kind.table} WHERE number IN (SELECT value FROM json_each(?))",  # noqa: S608 - constants
                (json.dumps(self.numbers(kind)),),
            )
            found.update(row[0] for row in rows if row[0] is not None)
        return found

    def among(self, trace_ids: Sequence[str]) -> set[str]:
        """Return those of some traces that match, phrases in their order too."""
        found: set[str] = set()
        for kind in KINDS:
            if self._places[kind.code]:
                found |= self._among(kind, [trace_id for trace_id in trace_ids if trace_id not in found])
        return found

    def _among(self, kind: Kind, trace_ids: Sequence[str]) -> set[str]:
        rows = self._connection.execute(
            f"SELECT number, trace_id FROM {kind.table} "  # noqa: S608 - constants
            "WHERE project = ? AND trace_id IN (SELECT value FROM json_each(?))",
            (self._project, json.dumps(trace_ids)),
        )
        held = _Held(self._places[kind.code])
        candidates = [(number, trace_id) for number, trace_id in map(tuple, rows) if held(number)]
        if not self._query.phrases:
            return {trace_id for _, trace_id in candidates}
        found: set[str] = set()
        for number, trace_id in candidates:
            if trace_id not in found and self._has_phrases(kind, number):
                found.add(trace_id)
        return found

    def _has_phrases(self, kind: Kind, number: int) -> bool:
        row = self._connection.execute(
            f"SELECT {kind.columns} FROM {kind.table} WHERE number = ?",  # noqa: S608 - constants
            (number,),
        ).fetchone()
        return row is not None and has_phrases(kind.texts_of(row), self._query.phrases)

    def _matching(self, kind: Kind) -> Places:
        parts = [self._rows(_WHOLE, (word,), kind) for word in self._query.words]
        parts += [self._rows(_BEGINNING, (start, start + _LAST), kind) for start in self._query.beginnings]
        return reduce(_both, parts) if parts else {}

    def _rows(self, statement: str, words: tuple[str, ...], kind: Kind) -> Places:
        found: Places = {}
        for chunk, blob in map(tuple, self._connection.execute(statement, (*words, self._project, kind.code))):
            places = array("H", blob)
            found[chunk] = sorted({*found[chunk], *places}) if chunk in found else places
        return found


class _Held:
    """Tells whether a record is among places; those of one 4,096 are made a set when they are first asked for."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._sets: dict[int, frozenset[int]] = {}

    def __call__(self, number: int) -> bool:
        chunk = number >> BITS
        if chunk not in self._sets:
            self._sets[chunk] = frozenset(self._places.get(chunk, ()))
        return number & WITHIN in self._sets[chunk]


def locate(connection: sqlite3.Connection, project: str, observation_id: str) -> list[str]:
    """Return the ids of the traces that have an observation of this id; there is no index of ids alone.

    An index on random ids would cost a third of the rate at which observations are taken. The search index has them as
    words; what it does not have yet is looked through.
    """
    words = words_of(observation_id)
    indexed = Found(connection, project, Query(parts=tuple((word,) for word in words)))
    mark = mark_of(connection, OBSERVATIONS) if words else 0
    rows = connection.execute(
        "SELECT trace_id FROM observations WHERE project = ?1 AND id = ?2 AND number IN "
        "(SELECT value FROM json_each(?3) UNION SELECT number FROM search_queue WHERE kind = ?4) "
        "UNION SELECT trace_id FROM observations WHERE project = ?1 AND id = ?2 AND number > ?5",
        (project, observation_id, json.dumps(indexed.numbers(OBSERVATIONS)), OBSERVATIONS.code, mark),
    )
    return [row[0] for row in rows]


def _both(left: Places, right: Places) -> Places:
    return {
        chunk: shared
        for chunk, places in left.items()
        if chunk in right and (shared := sorted(set(places) & set(right[chunk])))
    }
