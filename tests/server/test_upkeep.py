"""What a server does on the side."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.server.records import Records
from tests.server.serving import serving

from certtrace.server.chores import chores_of, indexing_of, retention_of
from certtrace.server.upkeep import Chore, Upkeep


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def test_a_chore_with_more_to_do_is_gone_on_with_at_once() -> None:
    left = [5]

    def work() -> bool:
        left[0] -= 1
        return left[0] > 0

    with Upkeep([Chore("work", 3_600, work)]):
        assert eventually(lambda: left[0] == 0)


def test_a_failing_chore_stops_no_other_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    tried, done = [0], [0]

    def fail() -> bool:
        tried[0] += 1
        raise ValueError("Jane Roe's answer")

    def work() -> bool:
        done[0] += 1
        return False

    with caplog.at_level(logging.WARNING), Upkeep([Chore("Failing", 0.01, fail), Chore("work", 0.01, work)]):
        assert eventually(lambda: tried[0] > 3 and done[0] > 3)
    assert caplog.text.count("Failing failed with ValueError") == 1
    assert "Jane" not in caplog.text


def test_the_end_does_not_wait_for_the_next_turn() -> None:
    began = time.monotonic()
    with Upkeep([Chore("work", 3_600, lambda: False)]):
        pass
    assert time.monotonic() - began < 5
    assert "certtrace upkeep" not in {thread.name for thread in threading.enumerate()}


def test_a_box_is_indexed_and_old_traces_and_reads_go(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        Records(running.client(), running.project.id, "ancient").make()
        index = indexing_of(running.box).index_here
        made = chores_of(running.box, index, reads_kept_days=1, kept=retention_of({}))
        chores = {chore.name: chore for chore in made}
        while chores["Indexing"].do():
            pass
        for chore in chores.values():
            chore.do()
        assert running.client().get("/api/public/traces").json()["meta"]["totalItems"] == 1
        short = chores_of(running.box, index, reads_kept_days=1, kept=retention_of({"default": 1e-9, "scored": 1e-9}))
        for chore in short:
            while chore.do():
                pass
        assert running.client().get("/api/public/traces").json()["meta"]["totalItems"] == 0


def test_days_are_given_for_all_and_for_one_environment() -> None:
    kept = retention_of({"default": 90, "failed": 365, "staging/default": 7})
    assert kept.days_for("live", failed=True, scored=False) == 365
    assert kept.days_for("live", failed=False, scored=False) == 90
    assert kept.days_for("staging", failed=False, scored=False) == 7
