"""Read by the type checker, never run: a line that stops being an error fails as an unused ignore."""

from collections.abc import Callable

from certtrace import current_span, span, traced
from certtrace.grading import instrument
from certtrace.tracing import in_context


@traced
def plain(a: int, *, b: str = "") -> list[int]:
    return [a]


@traced(name="n")
async def coroutine(a: int) -> str:
    return str(a)


class Service:
    @traced
    def method(self, x: int) -> int:
        return x

    @traced
    @classmethod
    def made(cls, x: int) -> "Service":
        return cls()

    @property
    @traced
    def size(self) -> int:
        return 1


plain()  # type: ignore[call-arg]
plain("a")  # type: ignore[arg-type]
plain(1, "b")  # type: ignore[call-arg]
plain(1, c=2)  # type: ignore[call-arg]
text: str = plain(1)  # type: ignore[assignment]
Service().method("x")  # type: ignore[arg-type]
Service().missing()  # type: ignore[attr-defined]
Service.made("x")  # type: ignore[arg-type]
size: str = Service().size  # type: ignore[assignment]
callback: Callable[[str], object] = coroutine  # type: ignore[assignment]
in_context(plain)("a")  # type: ignore[arg-type]
instrument(Service()).missing  # type: ignore[attr-defined]

traced("name")  # type: ignore[call-overload]
traced(name=1)  # type: ignore[call-overload]
traced(as_type="spam")  # type: ignore[call-overload]
traced(kind="spam")  # type: ignore[call-overload]
traced(unknown=1)  # type: ignore[call-overload]
span()  # type: ignore[call-arg]
span("s", as_type="spam")  # type: ignore[arg-type]
current_span().update(unknown=1)  # type: ignore[call-arg]
current_span().update(level="spam")  # type: ignore[arg-type]
current_span().score("s", None)  # type: ignore[arg-type]


async def forgotten() -> str:
    return coroutine(1)  # type: ignore[return-value]
