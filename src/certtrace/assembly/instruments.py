"""What certtrace switches on in other libraries: httpx's instrumentation and the gate before the `langfuse` SDK.

Both wait until the host imports the library: `configure()` loads neither.
"""

from collections.abc import Callable, Sequence
from typing import Any

import wrapt

from certtrace.ports import Receipt, UnitRedactor
from certtrace.settings import Settings


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


def instrument_langfuse(
    settings: Settings,
    redactor: UnitRedactor,
    provider: Any,
    *,
    on_scores: Callable[[list[dict[str, Any]]], None],
    count: Callable[[Receipt], None],
    known_in: Callable[[str], Sequence[object]],
) -> None:
    """Put every `langfuse` client of this process behind the gate, from the import of `langfuse` on."""

    def start(_module: Any) -> None:
        from certtrace.assembly.langfuse_gate import LangfuseGate, activate  # noqa: PLC0415 - imports httpx

        delivers = "langfuse" in settings.destinations
        gate = LangfuseGate(
            redactor,
            provider,
            client=_client(settings),
            delivers_for=settings.langfuse_public_key if delivers else None,
            on_scores=on_scores,
            count=count,
            known_in=known_in,
        )
        activate(gate)

    _Langfuse.start = start
    if not _Langfuse.hooked:
        _Langfuse.hooked = True
        wrapt.register_post_import_hook(_on_langfuse, "langfuse")
    else:
        _on_langfuse(None, only_if_loaded=True)


class _Langfuse:
    start: Callable[[Any], None] | None = None
    hooked = False
    loaded = False


def _on_langfuse(module: Any, *, only_if_loaded: bool = False) -> None:
    if only_if_loaded and not _Langfuse.loaded:
        return
    _Langfuse.loaded = True
    if _Langfuse.start is not None:
        _Langfuse.start(module)


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
