"""Which records have the words that are looked for."""

import json
import sqlite3
import sys
from array import array
from collections.abc import Sequence
from typing import Final

from certtrace.records.search.documents import KINDS, OBSERVATIONS, Kind
from certtrace.records.search.entries import BITS, WITHIN, mark_of
from certtrace.records.search.words import Query, has_phrases, words_of

Part = dict[int, Sequence[int]]
"""Where one word stands: by the number of the 4,096 the places in them."""

# A cross join keeps its order: few chunks, and in each of them one look for the word.
_WHOLE: Final = (
    "SELECT w.chunk, w.places FROM search_chunks AS c CROSS JOIN search_words AS w "
    "ON w.project = c.project AND w.kind = c.kind AND w.chunk = c.chunk AND w.word = ? "
    "WHERE c.project = ? AND c.kind = ?"
)
_BEGINNING: Final = (
    "SELECT w.chunk, w.places FROM search_chunks AS c CROSS JOIN search_words AS w "
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
        self._places = {kind.code: _Places(self._parts(kind)) for kind in KINDS}

    @property
    def at_most(self) -> int:
        """Return how many records may have all words: as many as have the rarest, among each 4,096."""
        return sum(places.at_most for places in self._places.values())

    def numbers(self, kind: Kind) -> list[int]:
        """Return the numbers of the records that have all words."""
        places = self._places[kind.code]
        return [chunk << BITS | place for chunk in places.chunks for place in sorted(places.within(chunk))]

    def trace_ids(self) -> set[str]:
        """Return the traces of all records that have all words. For few only: see `at_most`."""
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
            if self._places[kind.code].chunks:
                found |= self._among(kind, [trace_id for trace_id in trace_ids if trace_id not in found])
        return found

    def _among(self, kind: Kind, trace_ids: Sequence[str]) -> set[str]:
        rows = self._connection.execute(
            f"SELECT number, trace_id FROM {kind.table} "  # noqa: S608 - constants
            "WHERE project = ? AND trace_id IN (SELECT value FROM json_each(?))",
            (self._project, json.dumps(trace_ids)),
        )
        held = self._places[kind.code].holds
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

    def _parts(self, kind: Kind) -> list[Part]:
        parts = [self._rows(_WHOLE, (word,), kind) for word in self._query.words]
        return parts + [self._rows(_BEGINNING, (start, start + _LAST), kind) for start in self._query.beginnings]

    def _rows(self, statement: str, words: tuple[str, ...], kind: Kind) -> Part:
        found: Part = {}
        for chunk, blob in map(tuple, self._connection.execute(statement, (*words, self._project, kind.code))):
            places = array("H", blob)
            found[chunk] = sorted({*found[chunk], *places}) if chunk in found else places
        return found


class _Places:
    """Where all words stand. Those of one 4,096 are brought together when they are first asked for."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._within: dict[int, frozenset[int]] = {}
        self.chunks = sorted(set(parts[0]).intersection(*parts[1:])) if parts else []
        self.at_most = sum(min(len(part[chunk]) for part in parts) for chunk in self.chunks)

    def within(self, chunk: int) -> frozenset[int]:
        """Return the places among one 4,096."""
        if chunk not in self._within:
            rarest, *others = sorted((part.get(chunk, ()) for part in self._parts), key=len)
            self._within[chunk] = frozenset(rarest).intersection(*others)
        return self._within[chunk]

    def holds(self, number: int) -> bool:
        """Tell whether a record is among them."""
        return number & WITHIN in self.within(number >> BITS)


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
