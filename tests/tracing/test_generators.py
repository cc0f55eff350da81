"""Generators: every way to drive, leave and lose one."""

import asyncio
import contextvars
import gc
import inspect
import sys

import pytest
from opentelemetry import baggage, context
from tests.tracing.twins import Cases, async_outcome, check, described, frames, outcome

from certtrace import current_span, span, traced

case = Cases()
VAR = contextvars.ContextVar("VAR", default=0)


def talker(trace):
    """A generator that answers everything and notes what happened to it."""
    seen = []

    @trace
    def gen(start=0):
        try:
            value = start
            while value != "end":
                try:
                    value = yield ("got", value)
                except KeyError as error:
                    seen.append(("caught", error.args, described(error)))
                    value = "after"
            return "returned"
        except GeneratorExit:
            seen.append("exit")
            raise
        finally:
            seen.append("finally")

    return gen, seen


@case(spans=4)
def send_throw_and_return(trace):
    gen, seen = talker(trace)
    g, h, i, j = gen(), gen(1), gen(2), gen(3)
    steps = [
        next(g),
        g.send("a"),
        g.throw(KeyError("k")),
        outcome(lambda: g.throw(ValueError("v"))),
        outcome(lambda: next(g)),
        next(h),
        outcome(lambda: h.send("end")),
        outcome(lambda: h.send(1)),
        outcome(lambda: next(h)),
        next(i),
        i.close(),
        i.close(),
        outcome(lambda: next(i)),
        next(j),
        outcome(lambda: j.throw(GeneratorExit("g"))),
    ]
    return steps, seen


@case(spans=0)
def not_started(trace):
    gen, seen = talker(trace)
    g, h, i = gen(), gen(), gen()
    steps = [
        outcome(lambda: g.send(1)),
        outcome(lambda: h.throw(KeyError("k"))),
        outcome(lambda: next(h)),
        i.close(),
        outcome(lambda: next(i)),
    ]
    return steps, seen


@case(spans=2)
def throw_with_types_as_well_as_instances(trace):
    gen, seen = talker(trace)
    g, h = gen(), gen()
    next(g), next(h)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        steps = [g.throw(KeyError, "text"), g.throw(KeyError), outcome(lambda: h.throw(ValueError, ValueError("x")))]
        g.close()
    return steps, outcome(lambda: h.throw(int)), seen


@case(spans=1)
def generator_exit_ignored(trace):
    @trace
    def gen():
        while True:
            try:
                yield 1
            except GeneratorExit:
                yield "ignored"
                return

    g = gen()
    return next(g), outcome(g.close), outcome(lambda: next(g))


@case(spans=3)
def generator_exit_thrown_and_answered(trace):
    @trace
    def gen(how):
        try:
            yield 1
        except GeneratorExit as error:
            if how == "yield":
                yield error.args
            if how == "raise":
                raise KeyError("other") from error
            return "swallowed"

    made = [gen(how) for how in ("yield", "raise", "return")]
    error = GeneratorExit("mine")
    steps = [next(g) for g in made] + [outcome(lambda g=g: g.throw(error)) for g in made]
    return steps, outcome(lambda: next(made[0]))


@case(spans=1)
def close_with_another_error(trace):
    @trace
    def gen():
        try:
            yield
        finally:
            raise KeyError("cleanup")

    g = gen()
    next(g)
    return outcome(g.close), outcome(lambda: next(g))


@case(spans=2)
def yield_from_in_both_directions(trace):
    @trace
    def inner():
        try:
            got = yield 1
        except KeyError:
            got = yield "caught"
        return got

    @trace
    def outer():
        return ["outer", (yield from inner())]

    g = outer()
    return next(g), g.throw(KeyError("k")), outcome(lambda: g.send("sent"))


@case(spans=1)
def stop_iteration_inside(trace):
    @trace
    def gen():
        yield 1
        raise StopIteration("x")

    return outcome(lambda: list(gen()))


@case(spans=1)
def stop_iteration_thrown(trace):
    @trace
    def gen():
        yield 1

    g = gen()
    next(g)
    return outcome(lambda: g.throw(StopIteration("x")))


@case(spans=1)
def entered_again_while_running(trace):
    @trace
    def gen():
        yield outcome(lambda: next(g))
        yield outcome(g.close)
        yield outcome(lambda: g.throw(KeyError("k")))

    g = gen()
    return list(g)


@case(spans=2)
def abandoned_and_collected(trace):
    gen, seen = talker(trace)

    def leave():
        g = gen()
        next(g)

    leave()
    for _ in gen():
        break
    return seen


@case(spans=1)
def context_variables(trace):
    @trace
    def gen():
        VAR.set(1)
        seen = yield VAR.get()
        assert seen == 5
        yield VAR.get()

    def inside():
        g = gen()
        steps = [next(g), VAR.get()]
        VAR.set(5)
        return [*steps, g.send(VAR.get()), VAR.get()]

    return contextvars.copy_context().run(inside)


@case(spans=2)
def baggage_of_body_and_consumer(trace):
    """What either attaches to OpenTelemetry's context the other sees, as untraced."""

    @trace
    def gen():
        token = context.attach(baggage.set_baggage("body", 1))
        yield dict(baggage.get_all())
        yield dict(baggage.get_all())
        context.detach(token)
        yield dict(baggage.get_all())

    @trace
    def keeps():
        context.attach(baggage.set_baggage("kept", 1))
        yield 1

    def inside():
        g = gen()
        steps = [next(g), dict(baggage.get_all())]
        token = context.attach(baggage.set_baggage("consumer", 2))
        steps += [next(g), dict(baggage.get_all())]
        context.detach(token)
        steps += [next(g), dict(baggage.get_all()), outcome(lambda: next(g)), dict(baggage.get_all())]
        return [*steps, list(keeps()), dict(baggage.get_all())]

    return contextvars.copy_context().run(inside)


@case(spans=1)
def attributes_of_the_object(trace):
    @trace
    def gen():
        yield g.gi_running

    g = gen()
    steps = [inspect.isgenerator(g), g.__name__, g.__qualname__, g.gi_code.co_name, inspect.getgeneratorstate(g)]
    steps += [next(g), g.gi_running, inspect.getgeneratorstate(g), g.gi_frame is None]
    return [*steps, outcome(lambda: next(g)), inspect.getgeneratorstate(g), g.gi_frame]


@case(spans=2)
def context_of_a_thrown_exception(trace):
    @trace
    def gen():
        try:
            yield 1
        except KeyError:
            raise ValueError("while handling")

    def throwing(handled):
        g = gen()
        next(g)
        try:
            raise handled
        except OSError:
            g.throw(KeyError("k"))

    return outcome(lambda: throwing(OSError("o"))), outcome(lambda: throwing(OSError("p")))


@case(spans=3)
async def async_send_throw_close(trace):
    seen = []

    @trace
    async def gen(start=0):
        try:
            value = start
            while value != "end":
                try:
                    value = yield ("got", value)
                    await asyncio.sleep(0)
                except KeyError as error:
                    seen.append(("caught", described(error)))
                    await asyncio.sleep(0)
                    value = "after"
        except GeneratorExit:
            seen.append("exit")
            await asyncio.sleep(0)
            raise
        finally:
            seen.append("finally")

    g, h, i, unstarted, thrown = gen(), gen(1), gen(2), gen(), gen()
    steps = [
        await anext(g),
        await g.asend("a"),
        await g.athrow(KeyError("k")),
        await async_outcome(g.athrow(ValueError("v"))),
        await async_outcome(anext(g)),
        await anext(h),
        await async_outcome(h.asend("end")),
        await async_outcome(anext(h)),
        await anext(i),
        await i.aclose(),
        await i.aclose(),
        await async_outcome(anext(i)),
        await async_outcome(unstarted.asend(1)),
        await unstarted.aclose(),
        await async_outcome(thrown.athrow(KeyError("k"))),
        await anext(gen(3), "default") if False else None,
    ]
    return steps, seen


@case(spans=4)
async def async_generator_exit(trace):
    @trace
    async def gen(how):
        try:
            yield 1
        except GeneratorExit as error:
            if how == "ignore":
                yield "ignored"
            if how == "raise":
                raise KeyError("other") from error

    made = [gen(how) for how in ("ignore", "raise", "return")]
    steps = [await anext(g) for g in made] + [await async_outcome(g.aclose()) for g in made]
    g = gen("return")
    return [*steps, await anext(g), await async_outcome(g.athrow(GeneratorExit("mine")))]


@case(spans=1)
async def async_stop_iteration_inside(trace):
    @trace
    async def gen():
        yield 1
        raise StopAsyncIteration("x")

    async def drain():
        return [i async for i in gen()]

    return await async_outcome(drain())


@case(spans=2)
async def async_for_with_break(trace):
    seen = []

    @trace
    async def gen():
        try:
            for i in range(5):
                yield i
        finally:
            await asyncio.sleep(0)
            seen.append("closed")

    async for i in gen():
        if i == 2:
            break
    gc.collect()
    await asyncio.sleep(0.001)
    async with __import__("contextlib").aclosing(gen()) as g:
        async for _ in g:
            break
    return seen


@case(spans=1)
async def async_abandoned_until_the_loop_ends(trace):
    seen = []

    @trace
    async def gen():
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            seen.append(sys.get_asyncgen_hooks().finalizer is not None)

    g = gen()
    await anext(g)
    await asyncio.get_running_loop().shutdown_asyncgens()
    return seen, await async_outcome(anext(g))


def test_shutdown_of_the_loop_closes_each_generator_once(state, recwarn):
    closed, kept, reported = [], [], []

    @state.trace
    async def gen():
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            closed.append(1)

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _loop, told: reported.append(told))
        kept.append(gen())
        await anext(kept[0])

    asyncio.run(main())
    assert (closed, reported) == ([1], [])
    assert list(recwarn) == []


@case(spans=1)
async def async_cancellation_inside(trace):
    seen = []

    @trace
    async def gen():
        try:
            yield 1
            await asyncio.sleep(10)
        except asyncio.CancelledError as error:
            seen.append(error.args)
            raise

    async def drain():
        async for _ in gen():
            pass

    task = asyncio.create_task(drain())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel("because")
    return await async_outcome(task), seen


@case(spans=1)
async def async_used_by_two_at_once(trace):
    @trace
    async def gen():
        yield 1
        await asyncio.sleep(0)
        yield 2

    g = gen()
    await anext(g)
    both = await asyncio.gather(anext(g), anext(g), return_exceptions=True)
    await g.aclose()
    return both[0], described(both[1])


@case(spans=1)
async def async_attributes_of_the_object(trace):
    @trace
    async def gen():
        yield g.ag_running

    g = gen()
    steps = [inspect.isasyncgen(g), g.__name__, g.__qualname__, g.ag_code.co_name, g.ag_running, await anext(g)]
    return [*steps, g.ag_running, await async_outcome(anext(g)), g.ag_frame]


@pytest.mark.parametrize("entry", case.all, ids=case.ids)
def test_a_generator_is_driven_as_untraced(entry, state):
    check(entry, state)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_generators_run_on_any_loop(backend, state):
    anyio = pytest.importorskip("anyio")
    if backend == "trio":
        pytest.importorskip("trio", reason="trio is not installed")
    closed = []

    @state.trace
    async def gen():
        try:
            for i in range(3):
                await anyio.sleep(0)
                yield i
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0)
            closed.append(1)

    @state.trace
    async def main():
        seen = [i async for i in gen()]
        with anyio.move_on_after(0.01) as scope:
            async with __import__("contextlib").aclosing(gen()) as g:
                async for _ in g:
                    await anyio.sleep(10)
        async with anyio.create_task_group() as group:
            group.start_soon(state.trace(anyio.sleep), 0)
        return seen, scope.cancelled_caught

    assert anyio.run(main, backend=backend) == ([0, 1, 2], True)
    assert closed == [1, 1]


def test_a_thrown_exception_gets_one_more_frame_at_most(state):
    def gen():
        yield 1

    def length(made, error):
        next(made)
        with pytest.raises(KeyError) as caught:
            made.throw(error)
        assert caught.value is error
        return frames(error)

    def raised_before():
        try:
            {}["x"]
        except KeyError as error:
            return error

    for make in (lambda: KeyError("k"), raised_before):
        was, now = length(gen(), make()), length(state.trace(gen)(), make())
        assert [name for name in now if name != "gen"] == [name for name in was if name != "gen"]
        assert len(now) <= len(was) + 1


def test_recorded_items_and_outcomes(spans):
    @traced(name="text")
    def text():
        yield "a"
        yield "b"

    @traced(name="things")
    def things():
        yield {"n": 1}
        yield 2
        return "end"

    list(text())
    list(things())
    g = things()
    next(g)
    g.close()
    ended, closed = spans.named("things")
    assert spans.one("text").output == "ab"
    assert ended.output == {"items": [{"n": 1}, 2], "returned": "end"}
    assert (ended.status, closed.status, closed.output) == ("ok", "abandoned", [{"n": 1}])


def test_spans_of_the_consumer_are_not_below_the_generators(spans):
    @traced(name="gen")
    def gen():
        with span("held open across a yield"):
            for i in range(2):
                with span("body"):
                    pass
                yield i

    @traced(name="consumer")
    def consumer():
        first, second = gen(), gen()
        for _ in zip(first, second, strict=True):
            with span("consuming"):
                pass

    consumer()
    assert {s.parent.name for s in spans.named("consuming")} == {"consumer"}
    assert {s.parent.name for s in spans.named("body")} == {"held open across a yield"}
    assert [s.parent.name for s in spans.named("gen")] == ["consumer", "consumer"]
    held = spans.named("held open across a yield")
    assert {s.parent_id for s in held} == {s.span_id for s in spans.named("gen")}


async def test_spans_of_the_consumer_are_not_below_the_async_generators(spans):
    @traced(name="gen")
    async def gen():
        for i in range(2):
            await asyncio.sleep(0)
            with span("body"):
                yield i

    @traced(name="consumer")
    async def consumer():
        async for _ in gen():
            with span("consuming"):
                await asyncio.sleep(0)

    await consumer()
    assert {s.parent.name for s in spans.named("consuming")} == {"consumer"}
    assert {s.parent.name for s in spans.named("body")} == {"gen"}


def test_the_generators_own_span_is_current_in_its_body(spans):
    @traced(name="gen")
    def gen():
        yield current_span().span_id
        yield current_span().span_id

    assert set(gen()) == {spans.one("gen").span_id}


def test_a_generator_may_be_finished_in_another_context(spans):
    @traced(name="gen")
    def gen():
        yield 1
        with span("body"):
            yield 2

    g = gen()
    contextvars.copy_context().run(next, g)
    next(g)
    contextvars.copy_context().run(g.close)
    assert spans.one("body").parent.name == "gen"
