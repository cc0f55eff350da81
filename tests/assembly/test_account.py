"""The sums of the account: true at every look, whatever threads, destinations, disk and other processes do."""

import os
import random
import resource
import shutil
import socket
import sys
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from tests.delivery.conftest import Sink
from tests.faults.service import start, wait_until
from tests.faults.test_invariants import Backend, Host, Watch

import certtrace
from certtrace import assembly, span, traced
from certtrace.assembly.sums import Audit, Sums
from certtrace.sampling import AccountSnapshot, Handover, Passage

POLICY = """
[sampling]
baseline = 0.2
scores = "keep"

[[sampling.rules]]
name = "busy"
route = "unit"
limit = {per_second = 20}
"""


@traced(name="leaf")
def leaf(number):
    return number


class Worker(Host):
    """A host that also makes large units, and brings dropped ones back by their scores."""

    def late(self):
        if self.chance.random() < 0.3:
            with span("large"):
                for number in range(60):
                    leaf(number)
        super().late()

    def score(self):
        with span("rated") as handle:
            leaf(0)
        handle.score("afterwards", 1.0)


class Trouble(threading.Thread):
    """Fills the disk, deletes the spool, kills the server and forks, by chance."""

    def __init__(self, seed, service, seconds):
        super().__init__()
        self.failed = []
        self.sink = service.sink
        self.children = 0
        self.done = []
        self._chance = random.Random(seed)
        self._service = service
        self._until = time.monotonic() + seconds

    def run(self):
        steps = [self._fill_disk, self._kill_server, self._fork, self._delete_spool]
        while steps or time.monotonic() < self._until:
            step = steps.pop(self._chance.randrange(len(steps))) if steps else self._fork
            try:
                step()
            except Exception as error:
                self.failed.append(error)
                return
            self.done.append(step.__name__)

    def _fill_disk(self):
        with full_disk():
            time.sleep(self._chance.uniform(0.1, 0.3))

    def _kill_server(self):
        port = int(self.sink.url.rsplit(":", 1)[1])
        answer, taken = self.sink.answer, self.sink.taken
        self.sink.close()
        time.sleep(self._chance.uniform(0.05, 0.2))
        self.sink = Sink(port)
        self.sink.answer, self.sink.taken = answer, taken

    def _delete_spool(self):
        path = assembly.current_running().spool.path
        if path is not None:
            shutil.rmtree(path, ignore_errors=True)

    def _fork(self):
        child = os.fork()
        if not child:
            os._exit(in_child())
        _, status = os.waitpid(child, 0)
        self.children += 1
        if status:
            self.failed.append(f"a child ended with {status}")


def in_child():
    """Return 0 if the child counts itself alone, and all that it does."""
    wrong = 1
    try:
        for number in range(20):
            with span("child"):
                leaf(number)
            wrong = wrong and not assembly.status().balanced
        status = assembly.status()
        counted = status.account.started == 20 and status.handover.kept == status.account.kept
        wrong = 0 if counted and status.balanced else 2
    finally:
        sys.stderr.flush()
    return wrong


@contextmanager
def full_disk(size=4_096):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def policy(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(POLICY, encoding="utf-8")
    return path


def settle(seconds):
    def is_settled():
        status = assembly.status()
        places = [passage.spooled + passage.degraded for passage in status.passages.values()]
        return not any((status.account.open, status.account.pending, status.waiting, *places))

    until = time.monotonic() + seconds
    while not is_settled():
        assembly.current_running().delivery.retry_now()
        certtrace.force_flush(1)
        assert time.monotonic() < until, assembly.status().describe()


def everything_at_once(configured, home, sink, tmp_path, seed, seconds):
    backend = Backend(sink, seed)
    sink.answer = backend
    service = start(
        configured,
        home,
        sink,
        sampling_policy=policy(tmp_path),
        drop_names={"health"},
        recorder_max_bytes=4_194_304,
        max_unit_spans=25,
        spool_max_bytes=1_048_576,
        delivery_timeout_seconds=0.3,
        shutdown_timeout_seconds=1,
    )
    hosts = [Worker(seed * 100 + number) for number in range(4)]
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=host.run, args=(until,)) for host in hosts]
    trouble = Trouble(seed, service, seconds)
    with Watch(promotes=True) as watch:
        for thread in (*threads, trouble):
            thread.start()
        for thread in (*threads, trouble):
            thread.join(seconds + 60)
            assert not thread.is_alive()
        backend.mended = True
        sink.released.set()
        trouble.sink.released.set()
        settle(120)
    trouble.sink.close()
    status = assembly.status()
    assert watch.wrong == []
    assert trouble.failed == []
    assert watch.readings > 50
    assert (status.balanced, status.account_faults) == (True, 0), status.describe()
    assert status.handover.accepted == status.handover.kept + status.handover.recalled
    assert {"_fill_disk", "_kill_server", "_fork", "_delete_spool"} <= set(trouble.done)
    return status


def test_every_sum_holds_at_every_look_under_everything_at_once(configured, home, sink, tmp_path):
    status = everything_at_once(configured, home, sink, tmp_path, 1, 1.0)
    assert sum(status.account.dropped.values()) > 0
    assert all(passage.delivered > 0 for passage in status.passages.values())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
def test_every_sum_holds_at_every_look_for_longer(configured, home, sink, tmp_path, seed):
    everything_at_once(configured, home, sink, tmp_path, seed, 5.0)


def test_what_is_refused_for_want_of_room_is_dropped_and_nowhere_else(configured, home, sink):
    sink.answer = lambda _request: sink.Answer(status=503)
    start(configured, home, sink, spool_max_bytes=1_048_576)
    with Watch() as watch:
        until = time.monotonic() + 60
        while not assembly.status().account.dropped.get("spool_full"):
            with span("unit", input="x" * 20_000):
                leaf(1)
            assert time.monotonic() < until
        sink.answer = lambda _request: sink.Answer()
        settle(60)
    status = assembly.status()
    assert watch.wrong == []
    assert status.handover.accepted == status.account.kept
    assert status.passages["langfuse"].delivered == status.passages["langfuse"].records == status.account.kept


def test_what_is_brought_back_is_kept_and_accepted_at_every_look(configured, home, sink, tmp_path):
    start(configured, home, sink, sampling_policy=policy(tmp_path), recorder_max_bytes=4_194_304)
    with Watch(promotes=True) as watch:
        for _ in range(200):
            with span("rated") as handle:
                leaf(0)
            handle.score("afterwards", 1.0)
        settle(60)
    status = assembly.status()
    assert watch.wrong == []
    assert status.account.kept_by_rule["promoted"] > 100
    assert status.account.kept == status.handover.accepted == 200
    # Each with the score that brought it back.
    assert status.passages["store"] == Passage("store", records=400, delivered=400)


def test_dead_letters_are_counted_as_records_and_once(configured, home, sink):
    sink.answer = lambda request: sink.Answer(status=400 if request.path.endswith("/traces") else 200)
    start(configured, home, sink)
    for _ in range(5):
        with span("unit") as handle:
            leaf(1)
            handle.score("quality", 1.0)
    settle(60)
    found = assembly.status().passages
    assert found["store"] == Passage("store", records=10, delivered=10)
    assert found["langfuse"] == Passage("langfuse", records=10, delivered=5, dead_lettered=5)


def test_what_a_full_disk_leaves_in_memory_is_degraded_and_counted_once_when_it_moves(configured, home):
    running = configured(destinations=["langfuse"], **nowhere(), spool_fsync="process")
    with full_disk(0):
        for _ in range(3):
            with span("unit"):
                leaf(1)
        running.pipeline.flush(10)
        status = assembly.status()
        assert (status.balanced, status.passages["langfuse"].degraded) == (True, 3), status.describe()
        assert status.handover.waiting == 3
    assert wait_until(lambda: running.spool.maintain() or not running.spool.is_degraded)
    status = assembly.status()
    assert (status.balanced, status.passages["langfuse"]) == (True, Passage("langfuse", records=3, spooled=3))
    assert (status.handover.waiting, status.handover.settled) == (0, 3)


def test_a_deleted_spool_is_a_loss_that_is_said(configured, home):
    running = configured(destinations=["langfuse"], **nowhere())
    for _ in range(3):
        with span("unit"):
            leaf(1)
    running.pipeline.flush(10)
    deleted = running.spool.path
    shutil.rmtree(deleted, ignore_errors=True)  # the spool may write a file meanwhile
    assert wait_until(lambda: not deleted.exists() or shutil.rmtree(deleted, ignore_errors=True))
    assert wait_until(lambda: running.spool.maintain() or running.spool.path != deleted)
    with span("unit"):
        leaf(1)
    running.pipeline.flush(10)
    status = assembly.status()
    assert (status.balanced, status.passages["langfuse"]) == (True, Passage("langfuse", records=4, spooled=1, lost=3))


def test_what_ended_processes_left_is_delivered_and_in_no_sum(configured, home, sink):
    child = os.fork()
    if not child:
        configured(destinations=["langfuse"], **nowhere(), shutdown_timeout_seconds=0.1)
        with span("unit"):
            leaf(1)
        assembly.current_running().pipeline.flush(10)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    start(configured, home, sink)
    running = assembly.current_running()
    with span("own"):
        leaf(1)
    settle(60)
    assert wait_until(lambda: "unit" in sink.names())
    assert wait_until(lambda: running.delivery.status().destinations["langfuse"].delivered == 2)
    assert assembly.status().passages["langfuse"] == Passage("langfuse", records=1, delivered=1)


def test_an_interrupt_in_the_midst_of_a_decision_costs_no_unit(configured, monkeypatch):
    running = configured()

    def interrupted(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), monkeypatch.context() as patch:
        patch.setattr(running.pipeline, "_write_skeleton", interrupted)
        leaf(1)
    status = assembly.status()
    assert (status.balanced, status.account.dropped) == (True, {"fault": 1}), status.describe()


# --- the running check ------------------------------------------------------------------------------------------------


def test_the_worker_looks_at_the_sums(configured, monkeypatch):
    monkeypatch.setattr("certtrace.assembly.pipeline.AUDIT_SECONDS", 0.01)
    monkeypatch.setattr("certtrace.assembly.pipeline.SWEEP_SECONDS", 0.01)
    running = configured()
    leaf(1)
    running.pipeline.flush(10)
    assert assembly.status().account_faults == 0
    running.pipeline.account.dropped("invented")
    assert wait_until(lambda: assembly.status().account_faults == 1)
    status = assembly.status()
    assert (status.balanced, status.imbalance) == (False, 1)
    assert "1 started, but 1 kept + 1 dropped (invented): 1 counted twice" in status.describe()


def test_a_sum_that_is_off_in_two_looks_in_a_row_is_logged_once_and_counted_anew_when_it_held_between(caplog):
    good = Sums(AccountSnapshot(started=1, kept=1), Handover(1, 1, taken=1, settled=1), {"store": Passage("store", 0)})
    bad = replace(good, passages={"store": Passage("store", records=2, delivered=1)})
    looks = [bad, good, bad, bad, bad, good, bad, bad]
    audit = Audit(lambda: looks.pop(0))
    counted = []
    while looks:
        audit()
        counted.append(audit.faults)
    assert counted == [0, 0, 0, 1, 1, 1, 1, 2]
    assert [record.message for record in caplog.records if "does not add up" in record.message] == [
        "The account does not add up. This is a fault of certtrace: store: 2 records, but 1 delivered: 1 nowhere"
    ]


def test_the_sums_in_words_name_what_is_off():
    sums = Sums(AccountSnapshot(started=2, kept=1), Handover(1, 1, taken=1, waiting=1), {"store": Passage("store", 1)})
    assert (sums.balanced, sums.imbalance) == (False, 2)
    assert sums.describe().splitlines() == [
        "2 started, but 1 kept: 1 nowhere",
        "1 accepted = 1 kept; 1 accepted = 1 waiting",
        "store: 1 records, but 0: 1 nowhere",
    ]
    assert sums.faults() == "2 started, but 1 kept: 1 nowhere; store: 1 records, but 0: 1 nowhere"


def nowhere():
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    return {"langfuse_base_url": url, "langfuse_public_key": "pk-lf-1", "langfuse_secret_key": "sk-lf-1"}
