"""Read by the type checker, never run: what `@traced` and its kin keep of a type."""

import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import assert_type

import certtrace
from certtrace import current_span, propagate_attributes, span, traced
from certtrace.grading import instrument
from certtrace.tracing import SpanHandle, in_context


@traced
def plain(a: int, /, b: str = "", *args: float, c: bytes, **kw: object) -> list[int]:
    return [a]


@traced(name="n", as_type="generation", kind="client", capture_input=False, attributes={"k": 1})
async def coroutine(a: int) -> str:
    return str(a)


@traced
def generator(n: int) -> Iterator[int]:
    yield n


@traced
async def async_generator(n: int) -> AsyncIterator[int]:
    yield n


class Service:
    def __init__(self, name: str) -> None:
        self.name = name

    @traced
    def method(self, x: int) -> "Service":
        return self

    @traced
    @classmethod
    def above(cls, x: int) -> "Service":
        return cls(str(x))

    @classmethod
    @traced
    def below(cls, x: int) -> "Service":
        return cls(str(x))

    @traced
    @staticmethod
    def static(x: int) -> int:
        return x

    @property
    @traced
    def size(self) -> int:
        return 1

    def __call__(self, x: int) -> float:
        return x / 2


@contextlib.contextmanager
@traced
def managed() -> Iterator[int]:
    yield 1


assert_type(plain(1, "b", 0.5, c=b"", other=1), list[int])
assert_type(generator(1), Iterator[int])
assert_type(async_generator(1), AsyncIterator[int])
service = Service("s")
assert_type(service.method(1), Service)
assert_type(Service.above(1), Service)
assert_type(Service.below(1), Service)
assert_type(Service.static(1), int)
assert_type(service.size, int)
assert_type(traced(service), Service)
assert_type(traced(service)(1), float)
assert_type(traced(Service), type[Service])
assert_type(traced(len)([1]), int)
assert_type(traced(functools.partial(plain, 1))(c=b""), list[int])
assert_type(instrument(service), Service)
with managed() as number:
    assert_type(number, int)


async def awaiting() -> None:
    assert_type(await coroutine(1), str)
    async for item in async_generator(1):
        assert_type(item, int)


def takes(callback: Callable[[int], Awaitable[str]]) -> None: ...


takes(coroutine)


def counted(a: int, b: str = "") -> bool:
    return bool(a)


assert_type(in_context(counted)(1, b="x"), bool)
with (
    span("s", as_type="tool", input={"a": [1]}, attributes={"k": object()}) as handle,
    propagate_attributes(user_id="u"),
):
    assert_type(handle, SpanHandle)
    handle.update(output=[1], usage_details={"input": 1}, level="WARNING")
    handle.score("s", 0.5, comment="c")
assert_type(current_span(), SpanHandle)
certtrace.configure(home="x", destinations=["store"])
