"""Control flow that a span may get lost in: abandoned generators, cancellation, threads and queues without context."""

import asyncio
import gc
import queue
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry.context import get_current
from opentelemetry.trace import INVALID_SPAN, get_current_span
from tests.faults.service import attributes_of

import certtrace
from certtrace import semconv, span, traced

OUTCOME = semconv.metadata(semconv.OUTCOME)


@traced(name="stream")
def stream(count):
    for number in range(count):
        with span("step"):
            pass
        yield number


@traced(name="astream")
async def astream(count):
    for number in range(count):
        with span("step"):
            await asyncio.sleep(0)
        yield number


def outcomes(running, name):
    found = [attributes_of(each).get(OUTCOME, '"-"') for each in running.sent() if each.name == name]
    return Counter(text.strip('"') for text in found)


def assert_clean(caplog, status):
    assert get_current_span() is INVALID_SPAN
    assert dict(get_current()) == {}
    assert status.faults == {}
    assert caplog.records == []


# --- 38: abandoned ----------------------------------------------------------------------------------------------------


def test_generators_that_are_abandoned_anywhere_are_recorded_as_such(service, caplog):
    running = service(sample_rate=0.0)  # only the outcome keeps them
    for _ in range(20):
        generator = stream(5)
        next(generator)
        del generator  # collected where it was used
    kept = [stream(5) for _ in range(20)]
    for generator in kept:
        next(generator)
    thread = threading.Thread(target=kept.clear)  # collected by another thread
    del generator
    thread.start()
    thread.join()
    never_begun = stream(5)
    del never_begun
    with pytest.raises(RuntimeError, match="told"):
        for number in stream(5):
            if number == 2:
                raise RuntimeError("told")  # the consumer's failure is not the generator's
    gc.collect()
    status = running.settle()
    assert outcomes(running, "stream") == {"abandoned": 41}
    assert status.account.kept_by_rule == {"cancelled": 41}
    assert_clean(caplog, status)


def test_async_generators_closed_in_another_task_or_by_the_loop_are_recorded_and_leave_no_span_current(service, caplog):
    running = service(sample_rate=0.0)

    async def closed_in_another_task():
        generator = astream(5)
        await anext(generator)
        await asyncio.create_task(generator.aclose())

    async def begun_and_driven_by_different_tasks():
        generator = astream(5)
        for _ in range(3):
            await asyncio.create_task(anext(generator))
        await generator.aclose()

    async def left_to_the_loop():
        generator = astream(5)
        await anext(generator)
        del generator
        gc.collect()
        await asyncio.sleep(0.01)

    async def left_open_at_the_end(kept):
        kept.append(astream(5))
        await anext(kept[0])

    kept = []
    for number in range(10):
        asyncio.run(closed_in_another_task())
        asyncio.run(begun_and_driven_by_different_tasks())
        asyncio.run(left_to_the_loop())
        kept.clear()
        asyncio.run(left_open_at_the_end(kept))
        assert get_current_span() is INVALID_SPAN, number
    status = running.settle()
    assert outcomes(running, "astream") == {"abandoned": 40}
    assert status.account.kept_by_rule == {"cancelled": 40}
    assert_clean(caplog, status)


# --- 39: cancelled ----------------------------------------------------------------------------------------------------


@traced(name="slow")
async def slow():
    await asyncio.sleep(60)


@traced(name="fails")
async def fails():
    await asyncio.sleep(0)
    raise ValueError("told")


async def cancel():
    task = asyncio.create_task(slow())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def time_out():
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(slow(), 0.01)


async def time_out_in_a_block():
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await slow()


async def lose_a_sibling():
    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.TaskGroup() as group:
            group.create_task(slow())
            group.create_task(fails())
    assert raised.group_contains(ValueError)


@pytest.mark.parametrize("how", [cancel, time_out, time_out_in_a_block, lose_a_sibling])
def test_a_cancelled_call_is_an_outcome_that_a_rule_keeps(service, caplog, how):
    running = service(sample_rate=0.0)
    asyncio.run(how())
    status = running.settle()
    assert outcomes(running, "slow") == {"cancelled": 1}
    assert running.one("slow").status.code == 0  # no error
    expected = {"cancelled": 1} | ({"error": 1} if how is lose_a_sibling else {})
    assert status.account.kept_by_rule == expected
    assert_clean(caplog, status)


def test_what_is_cancelled_before_it_began_was_never_called(service, caplog):
    running = service()

    async def main():
        task = asyncio.create_task(slow())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    status = running.settle()
    assert status.account.started == 0
    assert_clean(caplog, status)


# --- 40: threads, executors, queues -----------------------------------------------------------------------------------


@traced(name="work")
def work(number):
    return number


def test_work_in_pools_without_context_is_a_trace_of_its_own_and_with_the_helper_below_its_caller(service, caplog):
    running = service()

    async def in_executors():
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, work, 1)
        await loop.run_in_executor(None, certtrace.in_context(work), 2)
        await asyncio.to_thread(work, 3)  # Python hands the context on by itself

    with ThreadPoolExecutor(2) as pool, span("caller") as caller:
        assert list(pool.map(work, range(50))) == list(range(50))
        assert list(pool.map(certtrace.in_context(work), range(50))) == list(range(50))
        asyncio.run(in_executors())
    status = running.settle()
    spans = [each for each in running.sent() if each.name == "work"]
    inside = [each for each in spans if each.trace_id.hex() == caller.trace_id]
    assert len(spans) == 103
    assert len(inside) == 52
    assert all(each.parent_span_id for each in inside)
    outside = [each for each in spans if each.trace_id.hex() != caller.trace_id]
    assert len({each.trace_id for each in outside}) == 51
    assert not any(each.parent_span_id for each in outside)
    assert status.account.kept == 52
    assert_clean(caplog, status)


def test_consumers_of_a_queue_are_below_the_producer_with_its_headers_and_on_their_own_without(service, caplog):
    running = service()
    waiting = queue.Queue()

    def consume():
        while (message := waiting.get()) is not None:
            headers, number = message
            if headers is None:
                work(number)
                continue
            with certtrace.continue_trace(headers), span("consume"):
                work(number)

    threads = [threading.Thread(target=consume) for _ in range(3)]
    for thread in threads:
        thread.start()
    with span("produce") as producer:
        for number in range(30):
            headers = {}
            certtrace.inject(headers)
            waiting.put((headers, number))
            waiting.put((None, number))
    for _ in threads:
        waiting.put(None)
    for thread in threads:
        thread.join(10)
    status = running.settle()
    assert running.stored() == {"produce": 1, "consume": 30, "work": 60}
    consumed = [each for each in running.sent() if each.name == "consume"]
    assert {each.parent_span_id.hex() for each in consumed} == {producer.span_id}
    assert {each.trace_id.hex() for each in consumed} == {producer.trace_id}
    assert status.account.kept == 61
    assert_clean(caplog, status)
