"""The search index of a running server."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.server.records import Records
from tests.server.serving import serving

from certtrace.records.database import Database
from certtrace.records.search import SearchIndex
from certtrace.records.search.alongside import keep_up
from certtrace.server.chores import indexing_of
from certtrace.server.indexing import Indexing


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def unused() -> bool:
    raise AssertionError("the process does the work")


def test_a_process_of_its_own_indexes_and_ends_with_the_block(tmp_path: Path) -> None:
    with serving(tmp_path) as running, Indexing(running.box.store.path, unused) as indexing:
        assert indexing.look_after() is False
        Records(running.client(), running.project.id, "searched").make()
        index = SearchIndex(running.box.store)
        assert eventually(lambda: index.behind() == 0)
        number = indexing.process_number
        assert number is not None
        os.kill(number, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_a_process_that_was_killed_is_replaced(tmp_path: Path) -> None:
    with Indexing(tmp_path / "store.db", unused) as indexing:
        indexing.look_after()
        first = indexing.process_number
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: indexing.look_after() or indexing.process_number not in (None, first))


@pytest.mark.parametrize("python", ["no-such-program", sys.executable])
def test_without_a_process_the_server_does_the_work(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, python: str
) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"no store at all" * 1000)
    with caplog.at_level(logging.WARNING), Indexing(path, lambda: True, python) as indexing:
        assert eventually(indexing.look_after)
        assert indexing.look_after() is True
        assert indexing.process_number is None
    assert caplog.text.count("No process for indexing can be kept running") == 1


def test_a_server_without_a_process_still_indexes(tmp_path: Path) -> None:
    with serving(tmp_path) as running, indexing_of(running.box) as indexing:
        Records(running.client(), running.project.id, "searched").make()
        while indexing.index_here():
            pass
        assert SearchIndex(running.box.store).behind() == 0


def test_the_process_works_until_it_is_told_to_end(tmp_path: Path) -> None:
    path, ended = tmp_path / "store.db", threading.Event()
    keeping = threading.Thread(target=keep_up, args=(path, ended))
    keeping.start()
    assert eventually(path.exists)
    ended.set()
    keeping.join(20)
    assert not keeping.is_alive()
    database = Database(path)
    assert SearchIndex(database).behind() == 0
    database.close()
