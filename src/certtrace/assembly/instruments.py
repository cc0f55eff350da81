"""What certtrace switches on in other libraries: httpx's instrumentation and the gate before the `langfuse` SDK.

Both wait until the host imports the library: `configure()` loads neither.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import wrapt

from certtrace.ports import Receipt, UnitRedactor
from certtrace.settings import Settings
from certtrace.tracing.provider import Gate

if TYPE_CHECKING:
    from certtrace.assembly.langfuse_gate import LangfuseGate


class _Httpx:
    provider: Any = None
    hooked = False


def instrument_httpx(provider: Any) -> None:
    """Record outgoing httpx requests and carry the trace context in their headers, from the import of httpx on."""
    _Httpx.provider = provider
    if not _Httpx.hooked:
        _Httpx.hooked = True
        wrapt.register_post_import_hook(_instrument_httpx, "httpx")


def _instrument_httpx(_module: Any) -> None:
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor  # noqa: PLC0415 - imports httpx

    instrumentor = HTTPXClientInstrumentor()
    if not instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.instrument(tracer_provider=_Httpx.provider)


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
