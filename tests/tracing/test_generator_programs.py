"""Any generator, driven in any way, answers the same traced and untraced."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.tracing.twins import described

ERRORS = {
    "key": KeyError,
    "value": ValueError,
    "exit": GeneratorExit,
    "stop": StopIteration,
    "astop": StopAsyncIteration,
}
kinds = st.sampled_from(sorted(ERRORS))
# What a body does with what arrives: goes on, ends, raises something new, or raises because of it.
reactions = st.lists(
    st.one_of(
        st.tuples(st.just("yield"), st.sets(kinds, max_size=3)),
        st.tuples(st.just("return"), st.sets(kinds, max_size=3)),
        st.tuples(st.just("raise"), kinds),
        st.tuples(st.just("again"), st.sets(kinds, max_size=3)),
    ),
    max_size=5,
)
drives = st.lists(
    st.one_of(st.just(("next",)), st.just(("send",)), st.just(("close",)), st.tuples(st.just("throw"), kinds)),
    max_size=7,
)


class Body:
    """What both kinds of generator do at each step, and the log of what arrived."""

    def __init__(self, program: Any) -> None:
        self.program = program
        self.log: list[Any] = []

    def react(self, step: Any, arrived: object) -> str:
        action, detail = step
        if isinstance(arrived, BaseException):
            self.log.append(described(arrived))
            if not isinstance(detail, set) or not isinstance(arrived, tuple(ERRORS[kind] for kind in detail)):
                raise arrived
            if action == "again":
                raise RuntimeError("other") from arrived
        else:
            self.log.append(arrived)
        if action == "raise":
            raise ERRORS[detail]("own")
        return str(action)


def sync_body(body: Body) -> Any:
    for number, step in enumerate(body.program):
        arrived: object
        try:
            arrived = yield number
        except BaseException as error:
            arrived = error
        if body.react(step, arrived) == "return":
            return "returned"
    return "end"


async def async_body(body: Body) -> Any:
    for number, step in enumerate(body.program):
        arrived: object
        try:
            arrived = yield number
        except BaseException as error:
            arrived = error
        await asyncio.sleep(0)
        if body.react(step, arrived) == "return":
            return


def answer(call: Any) -> Any:
    try:
        return call()
    except BaseException as error:
        return described(error)


def driven(function: Any, program: Any, drive: Any) -> Any:
    body = Body(program)
    g = function(body)
    for step in drive:
        calls = {
            "next": lambda: next(g),
            "send": lambda: g.send("sent"),
            "close": g.close,
            "throw": lambda step=step: g.throw(ERRORS[step[1]]("thrown")),
        }
        body.log.append(answer(calls[step[0]]))
    body.log.append(answer(g.close))
    return list(body.log)  # what a body that ignores its end does when it is collected is not compared


async def async_driven(function: Any, program: Any, drive: Any) -> Any:
    body = Body(program)
    g = function(body)
    for step in [*drive, ("close",), ("close",)]:
        calls = {
            "next": lambda: g.__anext__(),
            "send": lambda: g.asend("sent"),
            "close": g.aclose,
            "throw": lambda step=step: g.athrow(ERRORS[step[1]]("thrown")),
        }
        try:
            body.log.append(await calls[step[0]]())
        except BaseException as error:
            body.log.append(described(error))
    return list(body.log)  # what a body that ignores its end does when it is collected is not compared


COLLECTED = pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
RUNS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@COLLECTED
@RUNS
@given(program=reactions, drive=drives)
def test_any_generator_driven_in_any_way(state, program, drive):
    assert driven(state.trace(sync_body), program, drive) == driven(sync_body, program, drive)


@COLLECTED
@RUNS
@given(program=reactions, drive=drives)
def test_any_async_generator_driven_in_any_way(state, program, drive):
    loop = asyncio.new_event_loop()
    try:
        now = loop.run_until_complete(async_driven(state.trace(async_body), program, drive))
        was = loop.run_until_complete(async_driven(async_body, program, drive))
    finally:
        loop.close()
    assert now == was
