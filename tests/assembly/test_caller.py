"""What a traced call does on its caller's thread, as the kernel counts it."""

import threading
from pathlib import Path

import pytest

import certtrace

IO = Path(f"/proc/self/task/{threading.get_native_id()}/io")


def system_calls() -> tuple[int, int]:
    """How often this thread has called read and write so far."""
    told = dict(
        line.split(": ")
        for line in Path(f"/proc/self/task/{threading.get_native_id()}/io").read_text().split("\n")[:-1]
    )
    return int(told["syscr"]), int(told["syscw"])


@certtrace.traced
def leaf(answer):
    return {"answer": answer}


@certtrace.traced
def root(answer):
    with certtrace.span("block", input=answer) as span:
        span.score("grade", 1.0)
        return [leaf(answer) for _ in range(3)]


@pytest.mark.skipif(not IO.exists(), reason="this kernel does not count system calls by thread")
def test_the_caller_writes_once_for_each_local_root_and_reads_nothing(configured):
    configured()
    root("warm")
    certtrace.force_flush(10)
    empty_reads = system_calls()[0], system_calls()[0]
    before = system_calls()
    for _ in range(100):
        root("write to joe@example.org " * 100)
    after = system_calls()
    own_reads = empty_reads[1] - empty_reads[0]
    assert after[1] - before[1] == 100
    assert after[0] - before[0] == own_reads


def test_redaction_runs_on_the_worker_only(configured):
    running = configured()
    threads = set()
    redact = running.redactor.redact_unit

    def spy(spans, identities, go_on=None):
        threads.add(threading.current_thread().name)
        return redact(spans, identities, go_on)

    running.redactor.redact_unit = spy
    for _ in range(20):
        root("x")
    certtrace.force_flush(10)
    assert threads == {"certtrace-worker"}
