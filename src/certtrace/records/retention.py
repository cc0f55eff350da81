"""How long traces are kept, and the sweep that deletes what is older: traces with their scores and words."""

import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from certtrace.errors import ConfigurationError
from certtrace.records.database import Database
from certtrace.records.removal import delete_scores, delete_traces

DEFAULT: Final = "default"
FAILED: Final = "failed"
SCORED: Final = "scored"
CLASSES: Final = (DEFAULT, FAILED, SCORED)

_DAY_NS: Final = 86_400 * 10**9
_LOOKED_AT: Final = 500
_MOST_OBSERVATIONS: Final = 1000
"""Of one transaction: others wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """For how many days traces are kept from their start, by class: `default`, `failed`, `scored`.

    A trace that is of several classes is kept for the longest. A class without days is kept as `default` is; without
    any days it is kept for ever.
    """

    days: Mapping[str, float] = field(default_factory=dict)
    environments: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Days by class for traces of one environment, in place of those for all."""

    def __post_init__(self) -> None:
        """Refuse what is no class or no time.

        Raises:
            ConfigurationError: A class is unknown, or its days are not more than 0.
        """
        for days in (self.days, *self.environments.values()):
            for name, given in days.items():
                if name not in CLASSES or not given > 0:
                    msg = (
                        f"Retention of {given} days for {name!r}: "
                        f"give more than 0 days for one of {', '.join(CLASSES)}; leave a class out to keep it for ever."
                    )
                    raise ConfigurationError(msg)

    def days_for(self, environment: str, *, failed: bool, scored: bool) -> float | None:
        """Return for how many days such a trace is kept; None for ever."""
        days = {**self.days, **self.environments.get(environment, {})}
        classes = [name for name, is_in in ((FAILED, failed), (SCORED, scored)) if is_in and name in days]
        kept = [days[name] for name in classes or [DEFAULT] if name in days]
        return max(kept, default=None)

    @property
    def shortest_days(self) -> float | None:
        """Return the days before which nothing is deleted; None where everything is kept."""
        return min((each for days in (self.days, *self.environments.values()) for each in days.values()), default=None)


@dataclass(slots=True)
class Swept:
    """What a sweep deleted."""

    traces: int = 0
    observations: int = 0
    scores: int = 0
    """Those that belonged to no trace; the others go with theirs."""
    is_done: bool = True
    """Whether nothing is left that is too old; False where the time ran out."""


def sweep(database: Database, retention: Retention, now_ns: int, budget_seconds: float) -> Swept:
    """Delete what is older than it is kept for, in steps between which others write.

    Args:
        database: The store.
        retention: How long what is kept.
        now_ns: The time it is.
        budget_seconds: No step is begun after so much time.

    Raises:
        StoreError: The store cannot be opened, or others held it for too long.
        sqlite3.Error: It cannot be written.
    """
    swept = Swept()
    shortest = retention.shortest_days
    if shortest is None:
        return swept
    give_up = time.monotonic() + budget_seconds
    steps = _Steps(database, retention, now_ns, swept)
    before_ns = now_ns - int(shortest * _DAY_NS)
    for project in _projects(database):
        for step in (steps.traces(project, before_ns), steps.scores(project)):
            for _ in step:
                if time.monotonic() >= give_up:
                    swept.is_done = False
                    database.empty_log()
                    return swept
    if swept.traces or swept.scores:
        database.empty_log()
    return swept


class _Steps:
    """The steps of one sweep; each is one transaction."""

    def __init__(self, database: Database, retention: Retention, now_ns: int, swept: Swept) -> None:
        self._database = database
        self._retention = retention
        self._now_ns = now_ns
        self._swept = swept

    def traces(self, project: str, before_ns: int) -> Iterator[None]:
        """Delete one project's traces that are too old, the oldest first."""
        at = (-1, "")
        while True:
            with self._database.writing() as connection:
                rows = _oldest(connection, project, before_ns, at)
                old: list[str] = []
                observations = 0
                for row in rows:
                    at = row["start_time_ns"], row["trace_id"]
                    if self._is_too_old(row):
                        old.append(row["trace_id"])
                        observations += row["observation_count"]
                    if observations >= _MOST_OBSERVATIONS:
                        break
                self._swept.traces += delete_traces(connection, project, old)
                self._swept.observations += observations
            if not rows:
                return
            yield

    def scores(self, project: str) -> Iterator[None]:
        """Delete one project's scores that belong to no trace."""
        days = self._retention.days_for("", failed=False, scored=True)
        while days is not None:
            with self._database.writing() as connection:
                rows = connection.execute(
                    "SELECT id FROM scores AS s WHERE project = ? AND timestamp_ns < ? AND NOT EXISTS "
                    "(SELECT 1 FROM traces AS t WHERE t.project = s.project AND t.trace_id = s.trace_id) LIMIT ?",
                    (project, self._now_ns - int(days * _DAY_NS), _LOOKED_AT),
                ).fetchall()
                self._swept.scores += delete_scores(connection, project, [row["id"] for row in rows])
            if not rows:
                return
            yield

    def _is_too_old(self, row: sqlite3.Row) -> bool:
        days = self._retention.days_for(
            row["environment"], failed=bool(row["is_failed"]), scored=bool(row["is_scored"])
        )
        return days is not None and row["start_time_ns"] < self._now_ns - int(days * _DAY_NS)


def _projects(database: Database) -> list[str]:
    with database.reading() as connection:
        return [row["project"] for row in connection.execute("SELECT project FROM counts ORDER BY project")]


def _oldest(connection: sqlite3.Connection, project: str, before_ns: int, at: tuple[int, str]) -> list[sqlite3.Row]:
    return connection.execute(
        "SELECT trace_id, start_time_ns, environment, is_failed, observation_count, EXISTS (SELECT 1 FROM scores AS s "
        "WHERE s.project = t.project AND s.trace_id = t.trace_id) AS is_scored FROM traces AS t "
        "WHERE project = ? AND start_time_ns < ? AND (start_time_ns, trace_id) > (?, ?) "
        "ORDER BY start_time_ns, trace_id LIMIT ?",
        (project, before_ns, *at, _LOOKED_AT),
    ).fetchall()
