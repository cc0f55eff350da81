"""Run a piece of code untraced and traced, and compare everything that can be seen of it."""

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from certtrace.testing import Recorder

NAME = "twin"
"""Every traced twin has this span name, which the third state drops at its start."""


@dataclass
class State:
    """One of the three states in which a traced function must behave as untraced."""

    name: str
    trace: Callable[[Any], Any]
    recorder: Recorder | None = None
    may_fault: bool = False
    """Whether the test misuses what is ours: then our faults are counted, and must stay ours."""

    @property
    def recorded(self) -> bool:
        return self.recorder is not None


class Cases:
    """Pieces of code that take a decorator and return what can be seen; `spans` is how many spans they record."""

    def __init__(self) -> None:
        self.all: list[tuple[str, Callable[..., Any], int | None]] = []

    def __call__(self, spans: int | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def enter(case: Callable[..., Any]) -> Callable[..., Any]:
            self.all.append((case.__name__, case, spans))
            return case

        return enter

    @property
    def ids(self) -> list[str]:
        return [name for name, _, _ in self.all]


def untraced(target: Any) -> Any:
    return target


def run(case: Callable[..., Any], trace: Callable[[Any], Any]) -> Any:
    """Run a case; a case that is a coroutine function gets an event loop."""
    return asyncio.run(case(trace)) if inspect.iscoroutinefunction(case) else case(trace)


def check(entry: tuple[str, Callable[..., Any], int | None], state: State) -> None:
    """Assert that the case sees the same thing traced and untraced, and that it was recorded if it should be."""
    _, case, spans = entry
    expected = run(case, untraced)
    assert run(case, state.trace) == expected
    if state.recorder is not None and spans is not None:
        assert len(state.recorder.named(NAME)) == spans


def outcome(call: Callable[[], Any]) -> tuple[str, Any]:
    """Return what a call did: its result, or everything about its exception but the traceback."""
    try:
        return "returned", call()
    except BaseException as error:
        return "raised", described(error)


async def async_outcome(awaitable: Any) -> tuple[str, Any]:
    """Return what awaiting did."""
    try:
        return "returned", await awaitable
    except BaseException as error:
        return "raised", described(error)


def described(error: BaseException | None, seen: frozenset[int] = frozenset()) -> Any:
    """Return everything about an exception that can be compared."""
    if error is None or id(error) in seen:
        return None
    seen |= {id(error)}
    parts = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return (
        type(error),
        str(error),
        error.__suppress_context__,
        getattr(error, "__notes__", None),
        described(error.__cause__, seen),
        described(error.__context__, seen),
        [described(part, seen) for part in parts],
    )


def frames(error: BaseException) -> list[str]:
    """Return the function names of a traceback, outermost first."""
    tb, names = error.__traceback__, []
    while tb is not None:
        names.append(tb.tb_frame.f_code.co_name)
        tb = tb.tb_next
    return names
