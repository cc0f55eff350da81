"""Run one method of a service inside its stage, whatever kind of function it is.

A generator's stage must be current while its body runs and only then: between two items the consumer works in its own
context. So the stage lives in a context of its own, taken at the first item, and every step of the body runs in there.
Context variables that the body sets stay there.
"""

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextvars import Context, copy_context
from typing import Any

from certtrace.grading import faults
from certtrace.grading.stages.base import Stage

Open = Callable[[tuple[Any, ...], dict[str, Any]], Stage]
"""Makes the stage of one call from its arguments."""
Tell = Callable[[Stage, Any], None]
"""Gives the stage what the call returned."""


def staged(func: Callable[..., Any], open_stage: Open, tell: Tell) -> Callable[..., Any]:
    """Return a function of the same kind as `func` that runs it inside its stage."""
    for is_kind, build in (
        (inspect.iscoroutinefunction, _coroutine),
        (inspect.isasyncgenfunction, _async_generator),
        (inspect.isgeneratorfunction, _generator),
    ):
        if is_kind(func):
            return build(func, open_stage, tell)
    return _plain(func, open_stage, tell)


def _plain(func: Callable[..., Any], open_stage: Open, tell: Tell) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        with open_stage(args, kwargs) as stage:
            result = func(*args, **kwargs)
            tell(stage, result)
        return result

    return call


def _coroutine(func: Callable[..., Any], open_stage: Open, tell: Tell) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with open_stage(args, kwargs) as stage:
            result = await func(*args, **kwargs)
            tell(stage, result)
        return result

    return call


def _generator(func: Callable[..., Any], open_stage: Open, tell: Tell) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        context = copy_context()
        stage = open_stage(args, kwargs)
        body = func(*args, **kwargs)
        context.run(stage.__enter__)
        step, given = body.send, None
        while True:
            try:
                item = context.run(step, given)
            except StopIteration as stop:
                tell(stage, stop.value)
                _leave(context, stage, None)
                return stop.value
            except BaseException as error:
                _leave(context, stage, error)
                raise
            held, item = [item], None  # not kept alive while the consumer has it
            try:
                given, step = (yield held.pop()), body.send
            except BaseException as thrown:  # noqa: BLE001 - `GeneratorExit` too belongs to the body
                given, step = thrown, body.throw

    return call


def _async_generator(func: Callable[..., Any], open_stage: Open, tell: Tell) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        context = copy_context()
        stage = open_stage(args, kwargs)
        body = func(*args, **kwargs)
        context.run(stage.__enter__)
        step, given = body.asend, None
        while True:
            try:
                item = await _InContext(context, step(given))
            except StopAsyncIteration:
                tell(stage, None)
                _leave(context, stage, None)
                return
            except BaseException as error:
                _leave(context, stage, error)
                raise
            held, item = [item], None  # as above
            try:
                given, step = (yield held.pop()), body.asend
            except BaseException as thrown:  # noqa: BLE001 - as above
                given, step = thrown, body.athrow

    return call


class _InContext:
    """Awaits something with every step of it run in one context."""

    __slots__ = ("_awaitable", "_context")

    def __init__(self, context: Context, awaitable: Awaitable[Any]) -> None:
        self._context = context
        self._awaitable = awaitable

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._awaitable.__await__()
        step: Callable[..., Any] = inner.send
        given: Any = None
        while True:
            try:
                waiting_for = self._context.run(step, given)
            except StopIteration as stop:
                return stop.value
            try:
                given, step = (yield waiting_for), inner.send
            except BaseException as thrown:  # noqa: BLE001 - cancellation goes to whoever waits
                given, step = thrown, inner.throw


def _leave(context: Context, stage: Stage, error: BaseException | None) -> None:
    try:
        context.run(stage.__exit__, type(error) if error is not None else None, error, None)
    except Exception as fault:  # noqa: BLE001 - ours, not the host's
        faults.count("Leaving the stage of a generator", fault)
