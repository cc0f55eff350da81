"""Connections to one store file."""

from pathlib import Path

import pytest
from tests.records.filling import observation

from certtrace.records.database import Database
from certtrace.records.store import StoreWriter

LONG = 100_000


@pytest.fixture
def store(tmp_path: Path):
    database = Database(tmp_path / "store.db")
    yield database
    database.close()


def log_of(store: Database) -> Path:
    return store.path.with_name("store.db-wal")


def write(store: Database) -> None:
    StoreWriter(store).write("default", [observation(1, input="x" * 5 * LONG)])


def test_a_long_log_is_emptied_once_no_reader_needs_it(store):
    with store.reading() as connection:
        connection.execute("SELECT count(*) FROM traces").fetchone()
        write(store)
        assert not store.shorten_log(LONG)
        assert log_of(store).stat().st_size > LONG
    assert store.shorten_log(LONG)
    assert log_of(store).stat().st_size == 0
    with store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM observations").fetchone()[0] == 1


def test_a_short_log_is_left_alone(store):
    write(store)
    size = log_of(store).stat().st_size
    assert store.shorten_log(size)
    assert log_of(store).stat().st_size == size > 0


def test_a_store_without_a_log_has_a_short_one(store):
    assert store.shorten_log(0)
