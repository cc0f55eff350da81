"""What is running: the one place that a traced call looks at first."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, MutableMapping
from typing import Any, Protocol

from certtrace.tracing.handle import SpanHandle


class CallSite:
    """What is known about a traced function or span before it is called."""

    __slots__ = ("as_type", "attributes", "capture_input", "capture_output", "kind", "name", "params")

    def __init__(
        self,
        name: str,
        as_type: str = "span",
        *,
        params: tuple[str, ...] = (),
        kind: int = 1,
        capture_input: bool = True,
        capture_output: bool = True,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """Take the span's name, Langfuse type, parameter names and what to capture."""
        self.name = name
        self.as_type = as_type
        self.params = params
        self.kind = kind
        self.capture_input = capture_input
        self.capture_output = capture_output
        self.attributes = attributes


class OpenSpan(SpanHandle, ABC):
    """What a wrapper does with the span it opened. Nothing here ever raises."""

    __slots__ = ()

    @abstractmethod
    def succeed(self, result: object) -> None:
        """Record the result, leave the span's context and end it."""

    @abstractmethod
    def fail_with(self, error: BaseException) -> None:
        """Record the exception, leave the span's context and end it."""

    @abstractmethod
    def resume(self) -> None:
        """Make the span current again: a generator goes on."""

    @abstractmethod
    def suspend(self) -> None:
        """Give the caller its own context back: a generator waits at a `yield`."""

    @abstractmethod
    def item(self, value: object) -> None:
        """Record one yielded item."""

    @abstractmethod
    def exhausted(self, result: object) -> None:
        """Record the end of a generator, then end the span."""


class Runtime(Protocol):
    """A configured tracer. `assembly` builds one; without it nothing is recorded."""

    def open(self, site: CallSite, values: tuple[object, ...]) -> OpenSpan | None:
        """Open a span for a call and make it current; `None` when it is not recorded. Never raises."""
        ...

    def open_span(self, site: CallSite, given: Any, options: Mapping[str, Any]) -> OpenSpan | None:
        """Open a span for a `with` block; `options` are `links`, `seed` and `attributes`."""
        ...

    def current(self) -> SpanHandle:
        """Return the handle of the innermost span."""
        ...

    def identify(self, identity: Mapping[str, Any]) -> None:
        """Remember a person for the current trace."""
        ...

    def inject(self, headers: MutableMapping[str, str]) -> None:
        """Write the current trace context into message headers."""
        ...

    def trace_id_for(self, seed: str) -> int:
        """Return the keyed trace id of a business id."""
        ...


class _Active:
    __slots__ = ("runtime",)

    def __init__(self) -> None:
        self.runtime: Runtime | None = None


ACTIVE = _Active()
"""`ACTIVE.runtime` is read by every traced call; `assembly` sets it."""
