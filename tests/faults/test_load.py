"""Load beyond what the worker can do: memory keeps its bound, stress says what it kept, and everything is accounted."""

import asyncio
import json
import threading
import time
from collections import Counter

import pytest
from tests.faults.service import attributes_of, resident_bytes, wait_until

from certtrace import assembly, semconv, span, traced

SAMPLING = semconv.metadata(semconv.SAMPLING)
MEGABYTE = 1 << 20


@traced(name="work")
def work(text):
    return len(text)


def told(found):
    return json.loads(attributes_of(found)[SAMPLING])


class Peak:
    """Measures, on a thread of its own, how much memory the process takes at most."""

    def __enter__(self):
        self.before = self.most = resident_bytes()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self):
        while not self._stop.wait(0.02):
            self.most = max(self.most, resident_bytes())

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    @property
    def growth(self):
        return self.most - self.before


@pytest.mark.slow
def test_ten_thousand_traces_at_once_are_all_delivered_in_bounded_memory(service):
    running = service()
    gate = None

    async def one(number):
        with span("trace") as handle:
            handle.set_attribute("number", number)
            await gate.wait()
            work("text")

    async def main():
        nonlocal gate
        gate = asyncio.Event()
        tasks = [asyncio.create_task(one(number)) for number in range(10_000)]
        await asyncio.sleep(0)
        assert assembly.status().account.open == 10_000
        gate.set()
        await asyncio.gather(*tasks)

    with Peak() as peak:
        asyncio.run(main())
        status = running.settle(240)
    assert status.account.kept == 10_000
    assert running.stored() == {"trace": 10_000, "work": 10_000}
    assert peak.growth < 250 * MEGABYTE  # the server's copy of the requests is among it


def run_one_trace(running, count, text):
    with span("root"):
        for _ in range(count):
            work(text)
    assert wait_until(lambda: assembly.force_flush(10).delivered, 900)
    status = assembly.status()
    assert status.account.balanced
    assert (status.account.kept, status.account.open) == (1, 0)
    return running.stored()


def test_one_trace_of_many_spans_goes_on_in_parts(service):
    running = service(max_unit_spans=500)
    stored = run_one_trace(running, 5_000, "text")
    assert stored == {"root": 1, "work": 5_000}
    parts = Counter(told(found).get("part") for found in running.sent())
    assert parts["more follows"] == 5_000
    assert parts["last"] == 1
    assert len({told(found)["th"] for found in running.sent()}) == 1
    assert assembly.current_running().spool.counters().accepted == 1


@pytest.mark.slow
def test_one_trace_of_two_hundred_thousand_spans_stays_within_its_memory(service):
    running = service(max_unit_spans=2_000, max_backlog_bytes=32 * MEGABYTE)
    with Peak() as peak:
        stored = run_one_trace(running, 200_000, "the answer of a candidate about layers and ports " * 4)
    assert peak.growth < 200 * MEGABYTE  # 200,000 live SDK spans would take 880 MB
    shed = assembly.current_running().pipeline.spans_shed
    assert stored["work"] + shed == 200_000
    assert stored["work"] > 0
    last = [told(found) for found in running.sent() if found.name == "root"]
    assert last == [{**last[0], "shed": shed}] if shed else True


def load(threads, seconds, text):
    """Call as fast as possible; return how many local roots there were."""
    started = [0] * threads
    until = time.monotonic() + seconds

    def hammer(index):
        while time.monotonic() < until:
            with span("unit", input=[{"role": "user", "content": text}]):
                work(text)
            started[index] += 1

    each = [threading.Thread(target=hammer, args=(index,)) for index in range(threads)]
    for thread in each:
        thread.start()
    for thread in each:
        thread.join()
    return sum(started)


def test_overload_brings_stress_whose_threshold_is_on_what_was_kept_and_which_lets_go(service, monkeypatch):
    monkeypatch.setattr("certtrace.assembly.pipeline.STRESS_SECONDS", 0.2)
    running = service(max_backlog_bytes=2 * MEGABYTE, stress_sample_rate=0.25)
    pipeline = assembly.current_running().pipeline
    seen = []
    stop = threading.Event()

    def watch():
        while not stop.wait(0.005):
            account = assembly.status().account
            counted = account.open + account.pending + account.kept + sum(account.dropped.values())
            seen.append((pipeline.light_below, counted - account.started))

    watcher = threading.Thread(target=watch)
    watcher.start()
    with Peak() as peak:
        started = load(4, 1.5, "the answer of a candidate about layers and ports " * 20)
    assert max(light for light, _ in seen) == 3 * 2**54  # 25 % of the trace ids lie above it
    assert wait_until(lambda: assembly.force_flush(5).delivered, 120)
    assert wait_until(lambda: pipeline.light_below == 0, 30)
    stop.set()
    watcher.join()
    assert peak.growth < 100 * MEGABYTE
    assert max(over for _, over in seen) <= 0  # no unit was ever counted twice
    status = running.settle(120)
    account = status.account
    assert (account.started, account.open, account.pending) == (started, 0, 0)
    assert account.kept_by_rule["stress"] > 0
    assert set(account.dropped) <= {"stress", "backlog_full"}
    roots = [found for found in running.sent() if found.name == "unit"]
    assert len(roots) == account.kept
    for found in roots:
        stamp = told(found)
        if stamp["rule"] == "stress":
            assert stamp["th"] == "c"
            assert int.from_bytes(found.trace_id, "big") & (2**56 - 1) >= 3 * 2**54
    # Afterwards everything is as before.
    work("calm")
    running.settle()
    assert told(running.sent()[-1])["rule"] == "baseline"


def test_failures_are_kept_whole_under_stress(service):
    running = service(max_backlog_bytes=2 * MEGABYTE, stress_sample_rate=0.0)
    pipeline = assembly.current_running().pipeline
    with pipeline.worker._working:  # the worker stands still, so that memory fills up
        while not pipeline.light_below:
            work("text" * 500)
        for _ in range(20):
            with pytest.raises(ValueError), span("fails"):
                raise ValueError("told")
        dropped_before = sum(assembly.status().account.dropped.values())
        for _ in range(20):
            work("text")
        assert sum(assembly.status().account.dropped.values()) == dropped_before + 20
    status = running.settle(60)
    assert status.account.kept_by_rule["error"] == 20
    assert status.account.dropped["stress"] >= 20


def test_structures_count_with_what_they_hold(service):
    running = service(max_backlog_bytes=8 * MEGABYTE, stress_sample_rate=1.0)
    pipeline = assembly.current_running().pipeline
    with Peak() as peak, pipeline.worker._working:
        for number in range(250):
            messages = [{"role": "user", "content": f"message {number} {each} " * 500} for each in range(10)]
            with span("unit", input=messages) as handle:
                handle.update(output={"text": f"answer {number} " * 1_000})
        assert pipeline.backlog()[1] <= 8 * MEGABYTE
        assert assembly.status().account.dropped["backlog_full"] > 50
    assert peak.growth < 40 * MEGABYTE
    running.settle(240)
