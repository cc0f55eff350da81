"""Forks: the child is a process of its own, the parent notices nothing, and no lock or unit crosses over."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.delivery.conftest import encode

from certtrace.delivery.sender import Delivery
from certtrace.delivery.spool import Spool

# Python 3.12 and later warn about forking with threads; services do it all the same (gunicorn, Celery).
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def in_child(work) -> None:
    """Run `work` in a forked child; fail if it raises or does not end."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(read)
            work()
            code = 0
        except BaseException as error:
            os.write(write, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(code)
    os.close(write)
    message = os.read(read, 10_000).decode()
    os.close(read)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, message


@pytest.fixture
def spool(tmp_path):
    spool = Spool(tmp_path / "spool")
    spool.owe(["store"])
    yield spool
    spool.close()


def test_the_child_opens_a_directory_of_its_own_on_first_use(spool, write, drain):
    write(spool, "parent before")
    accept, parent_path = spool.accept, spool.path

    def work():
        assert spool.path is None
        assert accept(5, 5, 1, 2) > 0
        assert spool.path not in (None, parent_path)
        assert spool.counters().accepted == 1
        write(spool, "child", 7)
        assert drain(spool) == ["child"]

    in_child(work)
    write(spool, "parent after", 2)
    assert drain(spool) == ["parent before", "parent after"]
    assert spool.counters().accepted == 2


def test_a_child_that_writes_nothing_leaves_nothing(spool):
    before = sorted(path.name for path in spool.root.iterdir())
    in_child(lambda: None)

    assert sorted(path.name for path in spool.root.iterdir()) == before


def test_what_a_child_left_behind_is_adopted_by_the_parent(spool, write, drain):
    in_child(lambda: (write(spool, "from the child", 3), spool.accept(4, 4, 1, 2)))
    spool.maintain()

    assert drain(spool) == ["from the child", "content lost"]


def test_units_of_the_parent_are_not_sent_by_the_child(spool, write, drain):
    write(spool, "parent")

    def work():
        spool.maintain()
        assert drain(spool) == []

    in_child(work)
    assert drain(spool) == ["parent"]


def test_a_grandchild_is_a_process_of_its_own(spool, write, drain):
    def work():
        write(spool, "child", 3)
        in_child(lambda: write(spool, "grandchild", 4))

    in_child(work)
    spool.maintain()
    assert sorted(drain(spool)) == ["child", "grandchild"]


def test_a_fork_while_other_threads_write_never_blocks(tmp_path):
    # In a process of its own: each client of the langfuse SDK that a test made takes a fifth of a second of every fork.
    code = "import sys; from tests.delivery.test_fork import fork_while_writing; fork_while_writing(sys.argv[1])"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "spool")], cwd=root, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")


def fork_while_writing(folder: str) -> None:
    spool = Spool(Path(folder))
    spool.owe(["store"])
    stop = threading.Event()

    def write(number):
        spool.content(spool.accept(number, number, 1_000, 2_000), encode("unit", number))

    def busy():
        while not stop.is_set():
            write(1)
            spool.maintain()

    threads = [threading.Thread(target=busy) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(60):
            in_child(lambda: (write(3), spool.counters(), spool.close()))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    spool.close()


def test_the_child_delivers_with_a_thread_of_its_own(spool, write, collector):
    destination = collector()
    delivery = Delivery(spool, [destination], linger_seconds=0.01)
    write(spool, "parent")
    delivery.wake()
    assert delivery.flush(5).complete

    def work():
        assert [thread.name for thread in threading.enumerate() if thread.name.startswith("certtrace")] == []
        destination.names.clear()
        write(spool, "child", 3)
        delivery.wake()
        assert delivery.flush(5).complete
        assert destination.names == ["child"]
        assert delivery.status().destinations["store"].delivered == 1
        delivery.close(1)
        spool.close()

    in_child(work)
    write(spool, "parent again", 2)
    assert delivery.flush(5).complete
    assert destination.names == ["parent", "parent again"]
    delivery.close(1)


def test_the_child_does_not_use_the_parents_connection(spool, write, sink):
    from certtrace.delivery.langfuse import LangfuseDestination

    delivery = Delivery(spool, [LangfuseDestination(sink.url, "pk", "sk")], linger_seconds=0.01)
    write(spool, "parent")
    assert delivery.flush(5).complete

    def work():
        write(spool, "child", 3)
        assert delivery.flush(5).complete
        delivery.close(1)

    in_child(work)
    write(spool, "parent again", 2)
    assert delivery.flush(5).complete
    assert sink.names() == ["parent", "child", "parent again"]
    assert sink.connections == 2
    delivery.close(1)
