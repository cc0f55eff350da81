"""One batch on its way into the store, within one transaction."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from certtrace.records import rows
from certtrace.records.bodies import merged, read_body, write_body
from certtrace.records.facts import Facts, facts_of, is_content_lost
from certtrace.records.merging import changed
from certtrace.records.model import Observation, ObservationChange, Score, TraceChange
from certtrace.records.search.documents import BODIES, OBSERVATIONS, SCORES
from certtrace.records.search.entries import forget
from certtrace.records.statements import insert, upsert
from certtrace.records.summaries import Summaries

_COLUMNS: Final = ("project", "trace_id", *rows.OBSERVATION_COLUMNS)
_INSERT_OBSERVATION: Final = insert("observations", _COLUMNS)
_REPLACE_OBSERVATION: Final = upsert("observations", _COLUMNS, ("project", "trace_id", "id"), kept=("created_at_ns",))
_PUT_SCORE: Final = upsert("scores", ("project", *rows.SCORE_COLUMNS), ("project", "id"), kept=("created_at_ns",))

Key = tuple[str, str]
"""Trace id and observation id."""


class Batch:
    """What one call writes for one project."""

    def __init__(self, connection: sqlite3.Connection, project: str, now_ns: int) -> None:
        """Take the connection that writes; its rows are read by column name."""
        self._connection = connection
        self._project = project
        self._now_ns = now_ns
        self._observations: dict[Key, Observation] = {}
        self._replacing: set[Key] = set()
        self._bodies: dict[str, TraceChange] = {}
        self._known: dict[str, sqlite3.Row | None] = {}

    def add(self, observations: Iterable[Observation]) -> None:
        """Take whole observations; what has the same id is replaced, but never content by its skeleton."""
        for each in observations:
            key = each.trace_id, each.id
            if key not in self._observations or not is_content_lost(each):
                self._observations[key] = each

    def change(self, changes: Iterable[ObservationChange]) -> None:
        """Merge changes, in their order, into what is stored or came before them."""
        for each in changes:
            key = each.trace_id, each.id
            stored = self._observations.get(key) or self._stored(key)
            self._observations[key] = changed(stored, each, self._now_ns)

    def say(self, changes: Iterable[TraceChange]) -> None:
        """Merge what was said of traces themselves."""
        for each in changes:
            stored = self._bodies.get(each.trace_id) or read_body(self._connection, self._project, each.trace_id)
            self._bodies[each.trace_id] = merged(stored, each)

    def put(self, scores: Sequence[Score]) -> None:
        """Write everything."""
        observations = _priced(self._connection, self._project, list(self._observations.values()))
        self._observations = dict(zip(self._observations, observations, strict=True))
        new, replaced = self._sorted()
        facts: dict[str, list[Facts]] = {trace_id: [] for trace_id in self._bodies}
        facts.update((trace_id, []) for trace_id, _ in (*new, *replaced))
        self._forget_words(replaced, scores)
        inserted, updated = ([self._row(key, facts) for key in keys] for keys in (new, replaced))
        summaries = Summaries(self._connection, self._project, self._now_ns)
        self._enter(summaries, facts)
        for body in self._bodies.values():
            write_body(self._connection, self._project, body, self._now_ns)
        self._connection.executemany(_INSERT_OBSERVATION, inserted)
        self._connection.executemany(_REPLACE_OBSERVATION, updated)
        self._update(summaries, facts, new)
        self._connection.executemany(
            _PUT_SCORE, [(self._project, *rows.score_row(each, self._now_ns)) for each in scores]
        )

    def _sorted(self) -> tuple[list[Key], list[Key]]:
        """Tell what is new from what replaces something. A skeleton that a crash left never replaces content."""
        by_trace = defaultdict(list)
        for trace_id, observation_id in self._observations:
            by_trace[trace_id].append(observation_id)
        stored: dict[Key, bool] = {}
        for trace_id, ids in by_trace.items():
            if self._row_of(trace_id) is not None:
                stored |= self._stored_ids(trace_id, ids)
        new = [key for key in self._observations if key not in stored]
        replaced = [
            key for key, is_skeleton in stored.items() if is_skeleton or not is_content_lost(self._observations[key])
        ]
        return new, replaced

    def _forget_words(self, replaced: Iterable[Key], scores: Iterable[Score]) -> None:
        """Have what is replaced indexed anew."""
        project = self._project
        for kind, where, keys in (
            (OBSERVATIONS, "trace_id = ? AND id = ?", replaced),
            (SCORES, "id = ?", ((each.id,) for each in scores)),
            (BODIES, "trace_id = ?", ((trace_id,) for trace_id in self._bodies)),
        ):
            select = f"SELECT number FROM {kind.table} WHERE project = ? AND {where}"  # noqa: S608 - constants
            found = (self._connection.execute(select, (project, *key)).fetchone() for key in keys)
            forget(self._connection, kind, [row["number"] for row in found if row is not None], again=True)

    def _row(self, key: Key, facts: dict[str, list[Facts]]) -> Sequence[object]:
        observation = self._observations[key]
        found = facts_of(observation)
        facts[key[0]].append(found)
        return (self._project, key[0], *rows.observation_row(observation, found, self._now_ns))

    def _enter(self, summaries: Summaries, facts: dict[str, list[Facts]]) -> None:
        """Summarise what is new, before its observations are written: each looks for its trace's row."""
        for trace_id, found in facts.items():
            if self._row_of(trace_id) is None:
                summaries.enter(trace_id, found, self._bodies.get(trace_id))

    def _update(self, summaries: Summaries, facts: dict[str, list[Facts]], new: Iterable[Key]) -> None:
        """Bring what was known up to date, after its observations are written: they may all be read again."""
        counts = Counter(trace_id for trace_id, _ in new)
        for trace_id, found in facts.items():
            if (stored := self._row_of(trace_id)) is not None:
                summaries.update(stored, found, counts[trace_id])

    def _row_of(self, trace_id: str) -> sqlite3.Row | None:
        """Return the row of a trace as it was before this batch; None where there was none."""
        if trace_id not in self._known:
            self._known[trace_id] = self._connection.execute(
                "SELECT * FROM traces WHERE project = ? AND trace_id = ?", (self._project, trace_id)
            ).fetchone()
        return self._known[trace_id]

    def _stored_ids(self, trace_id: str, ids: Sequence[str]) -> dict[Key, bool]:
        """Return which observations of a trace are stored, and whether each is a skeleton only."""
        found = {}
        for observation_id in ids:
            row = self._connection.execute(
                "SELECT content_lost FROM observations WHERE project = ? AND trace_id = ? AND id = ?",
                (self._project, trace_id, observation_id),
            ).fetchone()
            if row is not None:
                found[trace_id, observation_id] = bool(row["content_lost"])
        return found

    def _stored(self, key: Key) -> Observation | None:
        row = self._connection.execute(
            "SELECT * FROM observations WHERE project = ? AND trace_id = ? AND id = ?", (self._project, *key)
        ).fetchone()
        return None if row is None else rows.observation_from(key[0], row)


def _priced(connection: sqlite3.Connection, project: str, observations: list[Observation]) -> list[Observation]:
    """Return observations with their cost where none was sent and the project knows the model's price."""
    if connection.execute("SELECT 1 FROM models WHERE project = ? LIMIT 1", (project,)).fetchone() is None:
        return observations
    # Needs what only the server brings along; only the server makes models.
    from certtrace.records.catalog.model_prices import priced  # noqa: PLC0415 - as above

    return priced(connection, project, observations)
