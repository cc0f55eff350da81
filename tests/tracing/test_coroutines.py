"""Coroutines: awaited, gathered, cancelled, closed and driven by hand."""

import asyncio
import concurrent.futures
import contextvars
import inspect
import types

import pytest
from tests.tracing.twins import Cases, async_outcome, check, outcome

from certtrace import span, traced

case = Cases()
VAR = contextvars.ContextVar("VAR", default=0)


@types.coroutine
def pause(value):
    return (yield value)


@case(spans=3)
async def gathered(trace):
    @trace
    async def f(n):
        await asyncio.sleep(0)
        if n == 2:
            raise ValueError(n)
        return n

    results = await asyncio.gather(f(1), f(2), f(3), return_exceptions=True)
    return [r if isinstance(r, int) else (type(r), r.args) for r in results]


@case(spans=2)
async def task_group_cancels_the_others(trace):
    seen = []

    @trace
    async def fails():
        await asyncio.sleep(0)
        raise ValueError("x")

    @trace
    async def waits():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError as error:
            seen.append(error.args)
            raise

    async def grouped():
        async with asyncio.TaskGroup() as group:
            group.create_task(waits())
            group.create_task(fails())

    return await async_outcome(grouped()), seen


@case(spans=2)
async def timeouts(trace):
    @trace
    async def f():
        await asyncio.sleep(10)

    async def within():
        async with asyncio.timeout(0.001):
            await f()

    return await async_outcome(within()), await async_outcome(asyncio.wait_for(f(), 0.001))


@case(spans=1)
async def cancellation_is_the_same_object(trace):
    seen = []

    async def body():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError as error:
            seen.append(error)
            raise

    async def outer():
        try:
            await trace(body)()
        except asyncio.CancelledError as error:
            seen.append(error)
            raise

    task = asyncio.create_task(outer())
    await asyncio.sleep(0)
    task.cancel("why")
    result = await async_outcome(task)
    return result[0], result[1][0], seen[0] is seen[1], seen[0].args, task.cancelled()


@case(spans=1)
async def cancellation_swallowed(trace):
    @trace
    async def f():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            return "swallowed"

    task = asyncio.create_task(f())
    await asyncio.sleep(0)
    task.cancel()
    return await task, task.cancelled(), task.cancelling()


@case(spans=0)
async def cancelled_before_it_began(trace):
    @trace
    async def f():
        return 1

    task = asyncio.create_task(f())
    task.cancel()
    return await async_outcome(task)


@case(spans=2)
async def threads(trace):
    @trace
    def f(x):
        return x, VAR.get()

    VAR.set(3)
    loop = asyncio.get_running_loop()
    return await asyncio.to_thread(f, 1), await loop.run_in_executor(None, f, 2)


@case(spans=4)
def driven_by_hand(trace):
    @trace
    async def f(catch=()):
        try:
            got = await pause("first")
            return [got, await pause("second")]
        except catch as error:
            return ["caught", error.args]

    a, b, c, d, unstarted = f(), f(KeyError), f(), f(), f()
    steps = [a.send(None), a.send("x"), outcome(lambda: a.send("y")), outcome(lambda: a.send("z"))]
    steps += [b.send(None), outcome(lambda: b.throw(KeyError("k")))]
    steps += [c.send(None), outcome(lambda: c.throw(KeyError("k")))]
    steps += [
        d.send(None),
        d.close(),
        outcome(lambda: d.send(None)),
        unstarted.close(),
        outcome(lambda: unstarted.send(1)),
    ]
    return steps


@case(spans=2)
def awaited_with_await_syntax_of_old(trace):
    @trace
    @types.coroutine
    def f():
        return (yield "paused")

    @trace
    async def outer():
        return await f()

    o = outer()
    return o.send(None), outcome(lambda: o.send("x")), inspect.isawaitable(o), f.__code__.co_flags & 0x100


@case(spans=1)
def close_while_suspended_runs_cleanup(trace):
    seen = []

    @trace
    async def f():
        try:
            await pause(1)
        finally:
            seen.append("cleanup")

    coro = f()
    coro.send(None)
    coro.close()
    return seen


@case(spans=1)
def attributes_of_the_object(trace):
    @trace
    async def f():
        await pause(inspect.getcoroutinestate(coro))

    coro = f()
    steps = [coro.__name__, coro.__qualname__, inspect.getcoroutinestate(coro), coro.cr_code.co_name, coro.send(None)]
    steps += [inspect.getcoroutinestate(coro), coro.cr_running, outcome(lambda: coro.send(None))]
    return [*steps, inspect.getcoroutinestate(coro), outcome(lambda: coro.send(None))]


@case(spans=1)
def stop_iteration_out_of_a_coroutine(trace):
    @trace
    async def f():
        raise StopIteration("x")

    return outcome(lambda: asyncio.run(f()))


@case(spans=2)
async def context_variables(trace):
    @trace
    async def f():
        before = VAR.get()
        VAR.set(before + 1)
        await asyncio.sleep(0)
        return before, VAR.get()

    VAR.set(5)
    direct = await f(), VAR.get()
    task = await asyncio.create_task(f()), VAR.get()
    return direct, task


@case(spans=1)
async def awaited_twice(trace):
    @trace
    async def f():
        return 1

    coro = f()
    return await coro, await async_outcome(coro)


@case(spans=2)
async def task_names_and_stacks(trace):
    @trace
    async def f():
        await asyncio.sleep(0.001)

    task = asyncio.create_task(f(), name="mine")
    coro = task.get_coro()
    seen = task.get_name(), coro.__qualname__, len(task.get_stack()) <= 1
    await task
    await f()
    return seen


@pytest.mark.parametrize("entry", case.all, ids=case.ids)
def test_a_coroutine_is_driven_as_untraced(entry, state):
    check(entry, state)


async def test_outcomes_of_coroutines(spans):
    @traced(name="f")
    async def f():
        await asyncio.sleep(10)

    task = asyncio.create_task(f())
    await asyncio.sleep(0)
    task.cancel()
    assert (await async_outcome(task))[0] == "raised"
    assert spans.one("f").status == "cancelled"


def test_a_coroutine_closed_early_is_recorded_as_abandoned(spans):
    @traced(name="f")
    async def f():
        await pause(1)

    coro = f()
    coro.send(None)
    coro.close()
    assert spans.one("f").status == "abandoned"


async def test_parents_across_tasks_threads_and_gather(spans):
    @traced(name="leaf")
    async def leaf():
        await asyncio.sleep(0)

    @traced(name="threaded")
    def threaded():
        return 1

    @traced(name="parent")
    async def parent():
        await asyncio.gather(leaf(), leaf())
        async with asyncio.TaskGroup() as group:
            group.create_task(leaf())
        await asyncio.to_thread(threaded)
        with span("block"):
            await leaf()

    await asyncio.gather(parent(), parent())
    assert len(spans.roots) == 2
    for root in spans.roots:
        assert sorted(s.name for s in root.children) == ["block", "leaf", "leaf", "leaf", "threaded"]
        assert [s.name for s in root.children[-1].children] == ["leaf"]


async def test_a_task_that_outlives_its_parent_stays_in_the_trace(spans):
    @traced(name="late")
    async def late():
        await asyncio.sleep(0.01)

    tasks = []

    @traced(name="parent")
    async def parent():
        tasks.append(asyncio.create_task(late()))
        await asyncio.sleep(0)

    await parent()
    await tasks[0]
    assert spans.one("late").parent_id == spans.one("parent").span_id
    assert spans.one("late").trace_id == spans.one("parent").trace_id


def test_a_pool_without_the_helper_starts_a_trace_of_its_own(spans):
    from certtrace.tracing import in_context

    work = traced(name="work")(lambda x: x)

    @traced(name="parent")
    def parent():
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            return pool.submit(work, 1).result(), pool.submit(in_context(work), 2).result()

    assert parent() == (1, 2)
    assert sorted(s.parent_id is None for s in spans.named("work")) == [False, True]
