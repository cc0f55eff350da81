"""Stores that an earlier version wrote."""

import hashlib
import json
import multiprocessing
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.records.filling import observation

from certtrace.errors import StoreError
from certtrace.records import schema
from certtrace.records.checking import check
from certtrace.records.database import Database
from certtrace.records.migrations import MIGRATIONS
from certtrace.records.search import SearchIndex
from certtrace.records.source import StoreSource, TraceFilter
from certtrace.records.store import StoreWriter

FAILED, SCORED = "fa" * 16, "5c" * 16
_TRACES = (
    "INSERT INTO traces (project, trace_id, name, start_time_ns, end_time_ns, status, is_failed, observation_count, "
    "error_count, pass_count, environment, tags) "
    "VALUES ('default', ?, 'answer.grade', ?, ?, ?, ?, ?, 0, 0, 'default', '[]')"
)
_OBSERVATIONS = (
    "INSERT INTO observations (project, trace_id, id, name, start_time_ns, end_time_ns, level, environment, tags, "
    "is_pass, content_lost, type, is_app_root, public, usage_details, cost_details, model_parameters, metadata, input) "
    "VALUES ('default', ?, ?, 'step', ?, ?, 'DEFAULT', 'default', '[\"a\"]', 0, 0, 'SPAN', 0, 0, '{\"input\":1}', "
    "'{}', '{}', '{\"k\":[1]}', ?)"
)
_SCORES = (
    "INSERT INTO scores (project, id, name, value, data_type, timestamp_ns, trace_id, environment, comment) "
    "VALUES ('default', ?, 'quality', 0.5, 'NUMERIC', 5, ?, 'default', 'kindly wombat')"
)


def make_version_1(path, observations=40):
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    for statement in MIGRATIONS[0].split(";\n"):
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 1")
    connection.execute(_TRACES, (FAILED, 10, 20, "error", 1, observations))
    connection.execute(_TRACES, (SCORED, 30, 40, "ok", 0, 1))
    for number in range(observations):
        connection.execute(_OBSERVATIONS, (FAILED, f"{number:016x}", 10 + number, 20, f"quokka {number}"))
    connection.execute(_OBSERVATIONS, (SCORED, "f" * 16, 30, 40, "x" * 20_000))
    connection.execute(_SCORES, ("s1", SCORED))
    connection.execute("INSERT INTO trace_facets VALUES ('default', ?, 'name', 'answer.grade', 10)", (FAILED,))
    connection.commit()
    connection.close()


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "home" / "store.db"
    make_version_1(found)
    return found


def version(path):
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA user_version").fetchone()[0]
    finally:
        connection.close()


def contents(path):
    connection = sqlite3.connect(path)
    try:
        tables = ("traces", "observations", "scores", "trace_facets")
        found = {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall() for table in tables}
        return hashlib.sha256(json.dumps(found).encode()).hexdigest()
    finally:
        connection.close()


def test_everything_is_there_after_the_migration(path):
    database = Database(path)
    try:
        StoreWriter(database).write("default", [observation(7)])
        source = StoreSource(database)
        failed, scored = source.get_trace(FAILED), source.get_trace(SCORED)
        assert len(failed.observations) == 40
        assert (failed.observations[3].input, failed.observations[3].metadata) == ("quokka 3", {"k": [1]})
        assert failed.observations[3].tags == ("a",)
        assert failed.summary.is_failed
        assert scored.observations[0].input == "x" * 20_000
        assert [(each.id, each.value, each.source) for each in scored.scores] == [("s1", 0.5, "API")]
        with database.reading() as connection:
            assert tuple(connection.execute("SELECT * FROM counts").fetchone()) == ("default", 3, 42, 1)
        assert SearchIndex(database).catch_up(10) == 0
        assert [each.trace_id for each in source.list_traces(TraceFilter(text="quokka 39")).traces] == [FAILED]
        assert [each.trace_id for each in source.list_traces(TraceFilter(text="wombat")).traces] == [SCORED]
    finally:
        database.close()
    assert check(path, thorough=True).is_whole


def test_what_was_migrated_can_be_written_over_and_counted(path):
    database = Database(path)
    try:
        StoreWriter(database).write("default", [observation(FAILED, id=f"{5:016x}", input="numbat", level="ERROR")])
        trace = StoreSource(database).get_trace(FAILED)
    finally:
        database.close()
    assert (len(trace.observations), trace.summary.observation_count) == (40, 40)
    assert check(path, thorough=True).is_whole


def test_reading_alone_migrates_nothing_and_says_what_does(path):
    before = contents(path)
    with pytest.raises(StoreError, match=r"has version 1.*Run `certtrace serve` or a service"):
        StoreSource(path).list_traces()
    found = check(path)
    assert found.is_whole
    assert found.version == 1
    assert "migrates it to 2" in found.findings[0].text
    assert (version(path), contents(path)) == (1, before)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_migration_that_fails_halfway_leaves_the_store_as_it_was(path, monkeypatch, share):
    before = contents(path)
    statements = MIGRATIONS[1].split(";\n")
    broken = [*statements[: int(len(statements) * share)], "SELECT no_such_function()"]
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", (MIGRATIONS[0], ";\n".join(broken)))
        with pytest.raises(StoreError):
            schema.connect(path, 1)
    assert (version(path), contents(path)) == (1, before)
    schema.connect(path, 1).close()
    assert version(path) == schema.SUPPORTED_VERSION


KILLED = """
import os, signal, sys
from pathlib import Path
from certtrace.records import schema
statements = schema.MIGRATIONS[1].split(";\\n")
original = schema.sqlite3.connect

class Dying(schema.sqlite3.Connection):
    seen = 0
    def execute(self, statement, *values):
        if statement == statements[len(statements) * 4 // 5]:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().execute(statement, *values)

schema.sqlite3.connect = lambda *given, **named: original(*given, factory=Dying, **named)
schema.connect(Path(sys.argv[1]), 5)
"""


def test_a_process_killed_amid_the_migration_leaves_the_store_as_it_was(path):
    before = contents(path)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=Path(__file__).parents[2], timeout=60)
    assert killed.returncode == -9
    assert (version(path), contents(path)) == (1, before)
    schema.connect(path, 5).close()
    assert check(path, thorough=True).is_whole


def _migrate_and_write(path, number, barrier):
    barrier.wait(30)
    database = Database(path, busy_seconds=30)
    StoreWriter(database).write("default", [observation(1000 + number, id=f"{number:016x}")])
    database.close()


def test_processes_that_migrate_at_once_take_turns(path):
    context = multiprocessing.get_context("fork")  # a spawned one does not find this module under plain `pytest`
    barrier = context.Barrier(3)
    processes = [context.Process(target=_migrate_and_write, args=(path, number, barrier)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert version(path) == schema.SUPPORTED_VERSION
    assert len(StoreSource(path).list_traces().traces) == 5
    assert check(path, thorough=True).is_whole
