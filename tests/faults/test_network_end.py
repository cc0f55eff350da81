"""`force_flush` and `shutdown` keep their time against backends that refuse, hang and drip, and say what is left."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.delivery.conftest import Sink
from tests.faults.network import free_port
from tests.faults.service import KEYS, resident_bytes, wait_until

import certtrace

SLACK = 0.5
"""What a call may take beyond its timeout."""


@certtrace.traced
def grade(number):
    return {"points": number, "text": "Redundanz kostet, und hier steht, was."}


@pytest.fixture
def against(configured, sink):
    """Return what starts a pipeline against a faulty backend and makes some calls."""

    def start(fault, calls=200, **settings):
        url = sink.url
        if fault == "refused":
            url = f"http://127.0.0.1:{free_port()}"
        elif fault == "accepts only":
            sink.server.shutdown()  # the kernel goes on accepting connections, and nobody reads them
        else:
            sink.answer = lambda _: sink.Answer(behaviour=fault)
        running = configured(destinations=("store", "langfuse"), langfuse_base_url=url, **KEYS, **settings)
        for number in range(calls):
            grade(number)
        return running

    return start


SLOW = [pytest.param(fault, marks=pytest.mark.slow) for fault in ("accepts only", "drip", "endless")]
FAULTS = ["refused", "hang", "drip_head", *SLOW]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("timeout", [0.0, 1.0])
def test_a_flush_keeps_its_time_and_says_what_is_owed_to_whom(against, fault, timeout):
    against(fault)
    started = time.monotonic()
    result = certtrace.force_flush(timeout)
    seconds = time.monotonic() - started

    assert seconds <= timeout + SLACK
    assert not result.delivered
    if timeout:
        assert result.undelivered["langfuse"] > 0
        assert wait_until(lambda: not certtrace.force_flush(0.1).undelivered.get("store"))  # whatever the other does
        assert certtrace.force_flush(0.1).undelivered == {"langfuse": 200}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("timeout", [0.0, pytest.param(1.0, marks=pytest.mark.slow)])
def test_a_shutdown_keeps_its_time_and_loses_nothing(against, configured, sink, fault, timeout):
    against(fault)
    if fault != "refused":
        assert wait_until(lambda: sink.connections or fault == "accepts only")
    started = time.monotonic()
    result = certtrace.shutdown(timeout)
    seconds = time.monotonic() - started

    assert seconds <= timeout + SLACK
    assert not result.delivered
    assert result.undelivered.get("langfuse", 0) + result.waiting > 0
    healthy = Sink()  # the next process delivers what is left
    try:
        configured(destinations=("store", "langfuse"), langfuse_base_url=healthy.url, **KEYS)
        assert wait_until(lambda: len(healthy.copies()) == 200, 20)
        assert certtrace.shutdown(5.0).delivered
    finally:
        healthy.close()


def test_the_calls_do_not_feel_a_backend_that_hangs(against, sink):
    """A call that waited for the backend would take seconds; `benchmarks/backend_down.py` compares in microseconds."""
    against("hang", calls=100)
    assert wait_until(lambda: sink.seen)
    times = []
    for number in range(1_000):
        started = time.perf_counter()
        grade(number)
        times.append(time.perf_counter() - started)
    sink.answer = lambda _: sink.Answer()
    sink.released.set()

    assert sorted(times)[int(len(times) * 0.99)] < 0.05


@pytest.mark.slow
def test_a_backend_that_is_dead_for_a_whole_run_costs_disk_and_no_memory(configured):
    """20,000 calls; `benchmarks/backend_down.py` makes 100,000, and compares their time with a living backend's."""
    port = free_port()
    configured(destinations=("langfuse",), langfuse_base_url=f"http://127.0.0.1:{port}", **KEYS)
    for number in range(500):
        grade(number)
    certtrace.force_flush(1.0)
    before = peak = resident_bytes()

    def calls(_thread):
        for number in range(5_000):
            grade(number)

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(calls, thread) for thread in range(4)]
        while not all(each.done() for each in running):
            peak = max(peak, resident_bytes())
            time.sleep(0.05)
    assert wait_until(lambda: not certtrace.force_flush(0.2).waiting, 120)
    peak = max(peak, resident_bytes())
    assert certtrace.force_flush(0.2).undelivered == {"langfuse": 20_500}
    assert peak - before < 150_000_000
    backend = Sink(port)
    try:
        assert wait_until(lambda: certtrace.force_flush(5.0).delivered, 120)
        copies = backend.copies()
        assert len(copies) == 20_500
        assert set(copies.values()) == {1}
    finally:
        backend.close()
