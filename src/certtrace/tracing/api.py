"""The functions a service developer calls: `span`, `current_span`, `identify`, propagation."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from opentelemetry.context import attach, get_current, set_value
from opentelemetry.trace import SpanContext, get_current_span

from certtrace import semconv
from certtrace.tracing.active import ACTIVE, CallSite, OpenSpan
from certtrace.tracing.capture import capture
from certtrace.tracing.decorator import KINDS, TYPES, checked
from certtrace.tracing.handle import NOT_RECORDED, Kind, ObservationType, SpanHandle
from certtrace.tracing.propagated import LINK_KEY, PROPAGATED_KEY

P = ParamSpec("P")
R = TypeVar("R")


class span:  # noqa: N801 - a verb of the public vocabulary; a class because a generator-based one costs ten times as much
    """Record a block of code as a span: `with span("grade.pass") as s:`.

    Works in plain and in async code. An exception that leaves the block is recorded and goes on untouched.

    Args:
        name: Span name.
        as_type: Langfuse observation type.
        input: What goes in; redacted before it leaves the process.
        kind: OpenTelemetry span kind.
        links: Spans of other traces that this one belongs to: span contexts or handles.
        attributes: Attributes; structured values are allowed.
        seed: Business id that a new trace's id is derived from (keyed); ignored below another span.

    Raises:
        DecorationError: `as_type` or `kind` is not one of the known words.
    """

    __slots__ = ("_input", "_links", "_open", "_seed", "_site")

    def __init__(
        self,
        name: str,
        *,
        as_type: ObservationType = "span",
        input: Any = None,
        kind: Kind = "internal",
        links: Sequence[Any] = (),
        attributes: Mapping[str, Any] | None = None,
        seed: str | None = None,
    ) -> None:
        self._site = CallSite(
            name, checked(as_type, TYPES, "as_type"), kind=KINDS[checked(kind, KINDS, "kind")], attributes=attributes
        )
        self._input = input
        self._links = links
        self._seed = seed
        self._open: OpenSpan | None = None

    def __enter__(self) -> SpanHandle:
        """Open the span and return its handle."""
        runtime = ACTIVE.runtime
        if runtime is None:
            return NOT_RECORDED
        site = self._site
        attributes, site.attributes = site.attributes, None
        links = [*self._links, *_pending_links()]
        options = {"links": links, "seed": self._seed, "attributes": attributes}
        self._open = runtime.open_span(site, self._input, options)
        return NOT_RECORDED if self._open is None else self._open

    def __exit__(self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: object) -> None:
        """End the span; the exception, if any, goes on."""
        opened = self._open
        if opened is None:
            return
        self._open = None
        if exc is None:
            opened.succeed(None)
        else:
            opened.fail_with(exc)


def _pending_links() -> Sequence[Any]:
    pending = get_current().get(LINK_KEY)
    if pending is None or get_current_span().get_span_context() != pending:
        return ()
    return (pending,)


def current_span() -> SpanHandle:
    """Return the handle of the innermost span; one that records nothing where there is none."""
    runtime = ACTIVE.runtime
    return NOT_RECORDED if runtime is None else runtime.current()


def identify(**identity: Any) -> None:
    """Tell certtrace who the current trace is about, so that no text of the trace shows it.

    Name, e-mail and whatever else is given (`name`, `given_name`, `family_name`, `email`, `phone`, `username`,
    `address`, any other text) is looked for in everything that the trace records, also in what was recorded before, and
    replaced by the person's pseudonym. Nothing of it is stored.
    """
    runtime = ACTIVE.runtime
    if runtime is None:
        return
    # As it is now, and without objects of the host: the worker would call their methods later.
    with suppress(RecursionError):  # then the raw values: too much is better known of a person than too little
        identity = {key: capture(value, []) for key, value in identity.items()}
    runtime.identify(identity)


@contextmanager
def propagate_attributes(
    *,
    user_id: str | None = None,
    session_id: str | None = None,
    tags: Sequence[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    version: str | None = None,
    trace_name: str | None = None,
) -> Iterator[None]:
    """Give every span below these Langfuse attributes; inner calls add to outer ones."""
    outer = get_current()
    inherited = outer.get(PROPAGATED_KEY)
    attributes: dict[str, Any] = dict(inherited) if isinstance(inherited, Mapping) else {}
    given = {
        semconv.USER_ID: user_id,
        semconv.SESSION_ID: session_id,
        semconv.VERSION: version,
        semconv.TRACE_NAME: trace_name,
    }
    attributes.update({key: str(value) for key, value in given.items() if value is not None})
    if tags is not None:
        known = attributes.get(semconv.TRACE_TAGS, ())
        attributes[semconv.TRACE_TAGS] = tuple(dict.fromkeys([*known, *(str(tag) for tag in tags)]))
    for key, value in (metadata or {}).items():
        attributes[f"{semconv.TRACE_METADATA}.{key}"] = value
    runtime = ACTIVE.runtime
    if runtime is not None:
        runtime.current().set_attributes(attributes)
    inside = set_value(PROPAGATED_KEY, attributes, outer)
    attach(inside)
    try:
        yield
    finally:
        if get_current() is inside:
            attach(outer)


def inject(headers: MutableMapping[str, str]) -> None:
    """Write the current trace context (W3C `traceparent`, `tracestate`) into message headers."""
    runtime = ACTIVE.runtime
    if runtime is not None:
        runtime.inject(headers)


@contextmanager
def continue_trace(headers: Mapping[str, str], *, link: bool = True) -> Iterator[None]:
    """Continue the trace that message headers carry; headers without one start a new trace.

    Args:
        headers: What `inject` filled; values may be bytes, names in any case.
        link: Also link the first span to the producer's, as OpenTelemetry asks of consumers.
    """
    from opentelemetry.propagate import extract  # noqa: PLC0415 - reads the installed packages' entry points: not at import

    outer = get_current()
    inside = extract(_text_headers(headers), context=outer)
    remote = get_current_span(inside).get_span_context()
    if link and remote.is_valid and remote.is_remote:
        inside = set_value(LINK_KEY, remote, inside)
    attach(inside)
    try:
        yield
    finally:
        if get_current() is inside:
            attach(outer)


def _text_headers(headers: Mapping[Any, Any]) -> dict[str, str]:
    text: dict[str, str] = {}
    for key, value in headers.items():
        name = key.decode("latin-1") if isinstance(key, bytes) else str(key)
        text[name.lower()] = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return text


def in_context(func: Callable[P, R]) -> Callable[P, R]:
    """Return `func` bound to the caller's context: for threads and executors that do not carry it over.

    `executor.submit(in_context(work), item)` puts what `work` records below the span that is open now. Asyncio tasks
    and `asyncio.to_thread` carry their context by themselves.
    """
    captured = get_current()

    @wraps(func)
    def bound(*args: P.args, **kwargs: P.kwargs) -> R:
        def call() -> R:
            attach(captured)
            return func(*args, **kwargs)

        return copy_context().run(call)

    return bound


def link_of(handle: SpanHandle) -> SpanContext | None:
    """Return what another trace needs to link to this span, or `None` when it is not recorded."""
    context = getattr(handle, "get_span_context", None)
    return context() if callable(context) else None
