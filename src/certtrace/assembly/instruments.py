"""What certtrace switches on in other libraries: httpx's instrumentation and the gate before the `langfuse` SDK.

Both wait until the host imports the library: `configure()` loads neither.
"""

import logging
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import wrapt
from opentelemetry.instrumentation.propagators import (
    ResponsePropagator,
    default_setter,
    get_global_response_propagator,
    set_global_response_propagator,
)

from certtrace.ports import Receipt, UnitRedactor
from certtrace.settings import Settings
from certtrace.tracing.provider import Gate
from certtrace.tracing.replies import REPLY_HEADER, asks_to_keep
from certtrace.tracing.runtime import Tracer

if TYPE_CHECKING:
    from certtrace.assembly.langfuse_gate import LangfuseGate


_log: Final = logging.getLogger("certtrace")

_INSTRUMENTORS: Final = {"httpx": "HTTPXClientInstrumentor", "httpx2": "HTTPX2ClientInstrumentor"}
"""By library. The OpenAI SDK speaks through httpx2 since its version 3."""


class _Httpx:
    provider: Any = None
    tracer: Tracer | None = None
    hooked = False


def instrument_httpx(provider: Any, tracer: Tracer) -> None:
    """Record the requests of httpx and httpx2, and carry the trace context in their headers, from their import on."""
    _Httpx.provider, _Httpx.tracer = provider, tracer
    reply_with_signal(tracer)
    if not _Httpx.hooked:
        _Httpx.hooked = True
        for library in _INSTRUMENTORS:
            wrapt.register_post_import_hook(_instrument_httpx, library)


def _instrument_httpx(_module: Any) -> None:
    try:
        from opentelemetry.instrumentation import httpx as instrumentation  # noqa: PLC0415 - imports them

        for library, name in _INSTRUMENTORS.items():
            # Our own import of the instrumentation may be what imports the library: then it has no classes yet, and
            # the call that goes on with this import finds both libraries loaded.
            make = getattr(instrumentation, name, None)
            if make is None or library not in sys.modules or (instrumentor := make()).is_instrumented_by_opentelemetry:
                continue
            instrumentor.instrument(
                tracer_provider=_Httpx.provider, response_hook=_heed, async_response_hook=_heed_async
            )
    except Exception as error:  # noqa: BLE001 - the host's import must not fail for a fault of the instrumentation
        _log.error("Outgoing HTTP requests are not recorded: %s.", type(error).__name__)


def _heed(span: Any, _request: Any, response: Any) -> None:
    """Keep the trace of a request whose reply says that the other side does."""
    tracer = _Httpx.tracer
    headers = getattr(response, "headers", None)
    if tracer is None or headers is None:
        return
    try:
        if asks_to_keep(dict(headers)):
            tracer.force_foreign(span.get_span_context().span_id, "keep")
    except Exception as error:  # noqa: BLE001 - our own fault must not reach the host's request
        tracer.fault("heed", error)


async def _heed_async(span: Any, request: Any, response: Any) -> None:
    _heed(span, request, response)


class KeepSignal(ResponsePropagator):
    """Says in the replies of this process's HTTP servers that it keeps the trace."""

    tracer: Tracer | None = None

    def inject(self, carrier: Any, context: Any = None, setter: Any = default_setter) -> None:  # noqa: ARG002 - OpenTelemetry's signature
        """Set the header, where the current unit is kept for certain."""
        if self.tracer is not None and self.tracer.keeps():
            setter.set(carrier, REPLY_HEADER, "1")


_SIGNAL: Final = KeepSignal()


def reply_with_signal(tracer: Tracer) -> None:
    """Let the instrumentations of HTTP servers send the signal, unless the host has set a propagator of its own."""
    _SIGNAL.tracer = tracer
    if get_global_response_propagator() is None:  # type: ignore[no-untyped-call]  # the library does not annotate it
        set_global_response_propagator(_SIGNAL)  # type: ignore[no-untyped-call]  # as above


class LangfuseHook:
    """The gate that one pipeline puts before the `langfuse` SDK; made when the SDK is there."""

    def __init__(self, make: Callable[[], "LangfuseGate"], spans: Gate, *, is_served: bool) -> None:
        """Take how to make the gate, what the SDK's spans go through, and whether we deliver to Langfuse ourselves."""
        self._make = make
        self._gate: LangfuseGate | None = None
        self._spans = spans
        self._is_served = is_served
        self._rests = False

    def tell(self) -> None:
        """Say whether the SDK's own exporter has nothing left to do."""
        self._spans.langfuse_is_served = self._is_served

    def start(self) -> None:
        """Put every client behind the gate."""
        from certtrace.assembly.langfuse_gate import activate  # noqa: PLC0415 - imports httpx

        if self._gate is None:
            self._gate = self._make()
        if self._rests:
            self._gate.rest()
        activate(self._gate)

    def stop(self, *, loaded: bool) -> None:
        """Let the clients go: what they send from now on is the host's affair, as it was before."""
        self._spans.langfuse_is_served = False
        if loaded:
            from certtrace.assembly.langfuse_gate import release  # noqa: PLC0415 - as above

            release()

    def rest(self) -> None:
        """Go on redacting without a pipeline: what waits in a client's queue must not leave raw."""
        self._rests = True
        if self._gate is not None:
            self._gate.rest()


def instrument_langfuse(
    settings: Settings,
    redactor: UnitRedactor,
    provider: Any,
    *,
    on_scores: Callable[[list[dict[str, Any]]], None],
    count: Callable[[Receipt], None],
    known_in: Callable[[str], Sequence[object]],
) -> LangfuseHook:
    """Return what puts every `langfuse` client of this process behind the gate, once `use_langfuse` takes it."""
    delivers = "langfuse" in settings.destinations

    def make() -> "LangfuseGate":
        from certtrace.assembly.langfuse_gate import LangfuseGate  # noqa: PLC0415 - imports httpx

        return LangfuseGate(
            redactor,
            provider,
            client=_client(settings),
            delivers_for=settings.langfuse_public_key if delivers else None,
            on_scores=on_scores,
            count=count,
            known_in=known_in,
        )

    return LangfuseHook(make, provider.gate, is_served=delivers)


class _Langfuse:
    hook: LangfuseHook | None = None
    hooked = False
    loaded = False


def use_langfuse(hook: LangfuseHook | None) -> LangfuseHook | None:
    """Make this hook the one that counts, from the import of `langfuse` on; return the one that did."""
    former, _Langfuse.hook = _Langfuse.hook, hook
    if hook is None:
        if former is not None:
            former.stop(loaded=_Langfuse.loaded)
        return former
    hook.tell()
    if not _Langfuse.hooked:
        _Langfuse.hooked = True
        wrapt.register_post_import_hook(_on_langfuse, "langfuse")
    elif _Langfuse.loaded and hook is not former:
        hook.start()
    return former


def _on_langfuse(_module: Any) -> None:
    _Langfuse.loaded = True
    if _Langfuse.hook is not None:
        _Langfuse.hook.start()


def _client(settings: Settings) -> dict[str, Any] | None:
    """Return the options of the client that `langfuse.get_client()` hands out; `None` for the embedded one."""
    if settings.langfuse_public_key is None or settings.langfuse_secret_key is None:
        return None
    return {
        "public_key": settings.langfuse_public_key,
        "secret_key": settings.langfuse_secret_key.get_secret_value(),
        "base_url": settings.langfuse_base_url,
        "environment": settings.environment,
        "release": settings.release,
        "timeout": max(int(settings.delivery_timeout_seconds), 1),
    }
