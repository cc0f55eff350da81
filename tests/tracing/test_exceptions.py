"""Exceptions pass as they were: the same object, nothing added but one frame."""

import asyncio
import contextlib
import logging
import sys
import threading

import pytest
from tests.tracing.twins import NAME, Cases, async_outcome, check, described, frames, outcome

from certtrace import current_span, traced
from certtrace.assembly import current_running

case = Cases()


class Hostile(Exception):
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


class Liar(Exception):
    @property
    def __class__(self):
        raise RuntimeError("no class")


class BaseFailure(BaseException):
    pass


def noted():
    error = ValueError("noted")
    error.add_note("one")
    error.add_note("two")
    return error


def caused():
    error = KeyError("k")
    error.__cause__ = OSError(2, "no")
    error.__context__ = ZeroDivisionError()
    return error


def suppressed():
    error = KeyError("k")
    error.__context__ = ZeroDivisionError()
    error.__suppress_context__ = True
    return error


MAKERS = {
    "plain": lambda: ValueError("x"),
    "notes": noted,
    "cause": caused,
    "suppressed": suppressed,
    "group": lambda: ExceptionGroup("g", [ValueError(1), ExceptionGroup("h", [KeyError("k")])]),
    "base group": lambda: BaseExceptionGroup("g", [ValueError(1), KeyboardInterrupt()]),
    "base": lambda: BaseFailure("b"),
    "exit": lambda: SystemExit(3),
    "interrupt": lambda: KeyboardInterrupt(),
    "generator exit": lambda: GeneratorExit("g"),
    "stop": lambda: StopIteration(5),
    "async stop": lambda: StopAsyncIteration(5),
    "cancelled": lambda: asyncio.CancelledError("c"),
    "unicode": lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    "huge": lambda: ValueError("y" * 3_000_000),
}
ODD = {"hostile": Hostile, "liar": Liar}


def raiser(error):
    raise error


def thrown(trace, error):
    """Return the exceptions as they arrive from each kind of callable."""

    @trace
    def plain():
        raiser(error)

    @trace
    async def coroutine():
        await asyncio.sleep(0)
        raiser(error)

    @trace
    def generator():
        yield 1
        raiser(error)

    @trace
    async def async_generator():
        yield 1
        raiser(error)

    class Callable:
        def __call__(self):
            raiser(error)

    async def drain():
        async for _ in async_generator():
            pass

    def driven(coro):
        try:
            while True:
                coro.send(None)
        finally:
            coro.close()

    for call in (
        plain,
        lambda: driven(coroutine()),
        lambda: list(generator()),
        lambda: driven(drain()),
        trace(Callable()),
    ):
        error.__traceback__ = None
        try:
            call()
        except BaseException as arrived:
            yield arrived, frames(arrived)


@pytest.mark.parametrize("maker", [*MAKERS, *ODD])
def test_an_exception_arrives_as_the_same_object_with_one_more_frame_at_most(maker, state):
    make = MAKERS.get(maker) or ODD[maker]
    before, after = make(), make()
    expected = list(thrown(lambda f: f, before))
    actual = list(thrown(state.trace, after))
    assert len(actual) == len(expected) == 5
    for (was, was_frames), (now, now_frames) in zip(expected, actual, strict=True):
        assert (now is after) == (was is before)
        assert len(was_frames) <= len(now_frames) <= len(was_frames) + 1
        if maker not in ODD:
            assert described(now) == described(was)


@case(spans=4)
def handled_exceptions_become_the_context(trace):
    @trace
    def f():
        raise KeyError("inner")

    @trace
    def from_none():
        try:
            f()
        except KeyError:
            raise ValueError("outer") from None

    @trace
    def chained():
        try:
            raise OSError("handled")
        except OSError:
            f()

    return outcome(from_none), outcome(chained)


@case(spans=1)
def raised_while_the_caller_handles_another(trace):
    @trace
    def f():
        return sys.exc_info()[0], outcome(lambda: raiser(KeyError("new")))

    try:
        raise OSError("handled")
    except OSError:
        return f()


@case(spans=2)
def raise_again_in_the_caller(trace):
    @trace
    def f():
        raise ValueError("x")

    @trace
    def g():
        try:
            f()
        except ValueError as error:
            kept = error
        raise kept

    return outcome(g)


@case()
def recursion_without_end(trace):
    @trace
    def f(n):
        return f(n + 1)

    kind, error = outcome(lambda: f(0))
    return kind, error[0]


@case()
async def recursion_without_end_in_coroutines(trace):
    @trace
    async def f(n):
        return await f(n + 1)

    kind, error = await async_outcome(f(0))
    return kind, error[0]


@case()
def recursion_without_end_in_generators(trace):
    @trace
    def f(n):
        yield from f(n + 1)

    kind, error = outcome(lambda: list(f(0)))
    return kind, error[0]


@pytest.mark.parametrize("entry", case.all, ids=case.ids)
def test_exceptions_are_seen_as_untraced(entry, state):
    check(entry, state)


@pytest.mark.parametrize("room", range(1, 40, 2))
def test_near_the_recursion_limit_no_span_stays_open(room, spans):
    """At every depth of ours at which the stack may end, context and unit come out whole."""

    @traced(name="leaf")
    def leaf(x):
        return x

    @traced(name="fails")
    def fails():
        raise ValueError("x")

    def at(depth, call):
        return call() if depth <= 0 else at(depth - 1, call)

    def measured():
        low, high = 0, sys.getrecursionlimit()
        while low + 1 < high:
            middle = (low + high) // 2
            low, high = (
                (middle, high) if outcome(lambda middle=middle: at(middle, int))[0] == "returned" else (low, middle)
            )
        return low

    limit = measured()
    for call in (lambda: leaf(1), fails):
        kind, seen = outcome(lambda call=call: at(limit - room, call))
        assert seen == 1 if kind == "returned" else seen[0] in (ValueError, RecursionError)
    with_parent = traced(name="after")(lambda: leaf(2))
    assert with_parent() == 2
    assert spans.named("after")[0].parent_id is None


OUTCOMES = [
    (ValueError("x"), "error"),
    (ExceptionGroup("g", [ValueError("x")]), "error"),
    (BaseExceptionGroup("g", [ValueError("x"), KeyboardInterrupt()]), "error"),
    (BaseExceptionGroup("g", [KeyboardInterrupt()]), "cancelled"),
    (KeyboardInterrupt(), "cancelled"),
    (SystemExit(1), "cancelled"),
    (asyncio.CancelledError(), "cancelled"),
    (BaseFailure(), "cancelled"),
    (GeneratorExit(), "abandoned"),
]


@pytest.mark.parametrize(("error", "status"), OUTCOMES, ids=lambda v: repr(v))
def test_the_outcome_says_what_happened(error, status, spans):
    with pytest.raises(type(error)):
        traced(name="f")(raiser)(error)
    assert spans.one("f").status == status


def test_what_is_recorded_of_an_exception(spans):
    @traced(name="f")
    def f():
        try:
            raise KeyError("first")
        except KeyError as cause:
            raise noted() from cause

    with pytest.raises(ValueError, match="noted"):
        f()
    stack = spans.one("f").attributes["exception.stacktrace"]
    assert "ValueError: noted\none\ntwo" in spans.one("f").status_message
    assert stack.index("KeyError") < stack.index("ValueError")
    assert "test_exceptions.py" in stack
    assert "<traced" not in stack


@pytest.mark.parametrize("make", [*ODD.values(), MAKERS["huge"]])
def test_what_is_recorded_of_an_odd_exception_is_bounded(make, spans):
    with pytest.raises(Exception) as caught:
        traced(name="f")(raiser)(make())
    assert type(caught.value) in (Hostile, Liar, ValueError)
    recorded = spans.one("f")
    assert recorded.status == "error"
    assert type(caught.value).__name__ in recorded.status_message
    assert len(recorded.status_message) < 300_000


def test_each_of_several_exceptions_is_recorded_with_its_own_stack(spans):
    """The memory of a handled exception may be used again for the next one."""

    @traced(name="child")
    def child(n):
        raise ValueError(f"number {n}")

    @traced(name="parent")
    def parent():
        for n in range(5):
            with contextlib.suppress(ValueError):
                child(n)

    parent()
    assert ["exception.stacktrace" in span.attributes for span in spans.named("child")] == [True] * 5


def test_an_exception_that_passes_several_spans_shows_its_stack_once(spans):
    @traced(name="inner")
    def inner():
        raise ValueError("x")

    @traced(name="outer")
    def outer():
        inner()

    with pytest.raises(ValueError, match="x"):
        outer()
    assert "exception.stacktrace" in spans.one("inner").attributes
    assert "exception.stacktrace" not in spans.one("outer").attributes
    assert [spans.one(name).status for name in ("inner", "outer")] == ["error", "error"]


def test_an_exception_in_a_thread_reaches_the_threads_hook(state, monkeypatch):
    seen = []
    monkeypatch.setattr(threading, "excepthook", lambda args: seen.append(args.exc_type))
    thread = threading.Thread(target=state.trace(raiser), args=(ValueError("x"),), name=NAME)
    thread.start()
    thread.join()
    assert seen == [ValueError]


@pytest.fixture
def at_every_depth():
    """Call something at each of the last depths of the stack at which it still ends well."""

    def at(depth, call):
        return call() if depth <= 0 else at(depth - 1, call)

    def each(call):
        ends = (outcome(lambda depth=depth: at(depth, call))[1][0] for depth in range(sys.getrecursionlimit(), 0, -1))
        deepest = next(end for end in ends if end is not RecursionError)
        return [deepest, *(next(ends) for _ in range(60))]

    return each


def fails():
    raise ValueError("x")


def test_near_the_recursion_limit_the_exception_is_the_functions_own(at_every_depth, certtrace_spans):
    assert set(at_every_depth(traced(fails))) == {ValueError}


def test_near_the_recursion_limit_the_account_balances(at_every_depth, certtrace_spans):
    assert at_every_depth(traced(fails))
    assert certtrace_spans.spans
    account = current_running().status().account
    assert account.started == account.kept + sum(account.dropped.values()) + account.open + account.pending


def test_a_log_handler_of_the_host_that_raises_does_not_reach_the_traced_code(certtrace_spans):
    class Handler(logging.Handler):
        def emit(self, record):
            raise RuntimeError("handler")

    log, handler = logging.getLogger("certtrace"), Handler()
    log.addHandler(handler)
    try:
        traced(name="f")(lambda: current_span().score("s", None))()
    finally:
        log.removeHandler(handler)
    assert current_running().status().faults == {"score: TypeError": 1}
    assert certtrace_spans.one("f").status == "ok"
