"""Put the `langfuse` SDK behind the gate, whenever it is imported and whoever makes a client.

The SDK masks inputs and outputs of spans only. Scores, comments, dataset items, prompts and media leave through its
HTTP client; so the redactor sits there, at the transport, where no call can pass it by. Its spans go through our
provider.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import quote

import httpx
import orjson
import wrapt
from opentelemetry.instrumentation.utils import suppress_http_instrumentation

from certtrace.ports import Receipt, UnitRedactor
from certtrace.redaction.bodies import redacted_fields
from certtrace.tracing.joining import join

_log = logging.getLogger("certtrace")

EMBEDDED_PUBLIC_KEY: Final = "pk-lf-certtrace-embedded"
"""Project key of the client that serves the embedded default: nothing is sent anywhere."""
_EMBEDDED: Final[dict[str, Any]] = {
    "public_key": EMBEDDED_PUBLIC_KEY,
    "secret_key": "sk-lf-certtrace-embedded",
    "base_url": "http://certtrace.invalid",
}

_WRITES: Final = ("POST", "PUT", "PATCH")


class LangfuseGate:
    """Redacts what `langfuse` clients send, and keeps scores in the embedded store too."""

    def __init__(
        self,
        redactor: UnitRedactor,
        provider: Any,
        *,
        client: dict[str, Any] | None,
        delivers_for: str | None,
        on_scores: Callable[[list[dict[str, Any]]], None],
        count: Callable[[Receipt], None],
        known_in: Callable[[str], Sequence[object]],
    ) -> None:
        """Take the redactor, our provider and how the client that `get_client()` returns is configured.

        Args:
            redactor: Redacts every request body.
            provider: Our tracer provider.
            client: `public_key`, `secret_key`, `base_url` and more; `None` for the embedded client.
            delivers_for: Public key of the project whose scores our own delivery sends; no client sends them too.
            on_scores: Takes redacted scores, as JSON objects, for our own destinations.
            count: Takes the receipt of every redacted body.
            known_in: Returns who is known in a trace (32 hex digits), or in the current one (empty text).
        """
        self.redactor = redactor
        self.provider = provider
        self.client = client
        self.delivers_for = delivers_for
        self.on_scores = on_scores
        self.count = count
        self.known_in = known_in

    def rest(self) -> None:
        """Go on redacting after the pipeline has ended: clients send their scores themselves again."""
        self.delivers_for = None
        self.on_scores = _keep_none

    def redacted(self, body: Any) -> Any:
        """Return a JSON body redacted, record ids untouched."""
        if isinstance(body, list):
            return [self.redacted(item) for item in body]
        if not isinstance(body, dict):
            return self._value(body, self.known_in(""))
        clean, receipt = redacted_fields(self.redactor, body, self.known_in)
        self.count(receipt)
        return clean

    def redacted_url(self, url: httpx.URL) -> httpx.URL:
        """Return an address with each part of its path and query redacted: names of prompts, filters by user."""
        known = self.known_in("")
        parts = url.path.split("/")
        clean = [str(self._value(part, known)) if part else part for part in parts]
        asked = url.params.multi_items()
        answered = [(key, str(self._value(value, known))) for key, value in asked]
        if clean != parts:
            url = url.copy_with(path="/".join(quote(part, safe="") for part in clean))
        return url.copy_with(params=answered) if answered != asked else url

    def _value(self, value: Any, known: Sequence[object]) -> Any:
        redacted, receipt = self.redactor.redact_value(value, known)
        self.count(receipt)
        return redacted


def _keep_none(_scores: list[dict[str, Any]]) -> None:
    """Keep no scores: there is nothing any more that could."""


class _Current:
    gate: LangfuseGate | None = None
    own_key: str | None = None
    hooked = False


def activate(gate: LangfuseGate) -> None:
    """Send every `langfuse` client of this process through `gate`, those that exist and those to come."""
    _Current.gate = gate
    if not _Current.hooked:
        _Current.hooked = True
        _prepare()
    _make_client(gate)


def release() -> None:
    """Send no client through a gate any more, and take our own away."""
    _Current.gate = None
    if _Current.own_key is not None:
        _retire(_Current.own_key)


def _prepare() -> None:
    from langfuse._client.resource_manager import LangfuseResourceManager  # noqa: PLC0415 - only once the host imported it
    from langfuse._client.span_processor import LangfuseSpanProcessor  # noqa: PLC0415 - as above

    for method, wrapper in (("_init_api_clients", _guard_clients), ("_initialize_instance", _use_our_provider)):
        if not hasattr(LangfuseResourceManager, method):
            msg = (
                "This version of langfuse cannot be put behind the gate; its scores and dataset items are not redacted."
            )
            _log.error("%s Install langfuse>=5.0.4,<6.", msg)
            return
        wrapt.wrap_function_wrapper(LangfuseResourceManager, method, wrapper)
    wrapt.wrap_function_wrapper(LangfuseSpanProcessor, "on_end", _refuse_raw)
    for instance in LangfuseResourceManager._instances.values():  # noqa: SLF001 - clients made before us; there is no public list
        _guard(instance)
        if _Current.gate is not None:
            _move_to_our_provider(instance, _Current.gate)


def _refuse_raw(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
    # Only a provider that is not ours calls this: ours never hands a span to the SDK's exporter.
    return wrapped(*args, **kwargs) if _Current.gate is None else None


def _move_to_our_provider(manager: Any, gate: LangfuseGate) -> None:
    """Let a client that the host made before `configure()` record through our provider from now on."""
    former = manager.tracer_provider
    if former is None or former is gate.provider:
        return
    join(former, gate.provider.gate)  # for spans of client objects that keep their former tracer
    scope = manager.tracer.instrumentation_scope if hasattr(manager.tracer, "instrumentation_scope") else None
    name, version = (scope.name, scope.version) if scope else ("langfuse-sdk", "")
    manager.tracer_provider = gate.provider
    manager._otel_tracer = gate.provider.get_tracer(  # noqa: SLF001 - what new client objects take their tracer from
        name, version, attributes={"public_key": manager.public_key}
    )


def _use_our_provider(wrapped: Any, _instance: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    gate = _Current.gate
    if gate is not None and kwargs.get("tracer_provider") not in (None, gate.provider):
        _log.warning("A langfuse client asked for its own tracer provider; its spans go through certtrace's instead.")
    if gate is not None:
        kwargs = {**kwargs, "tracer_provider": gate.provider}
    if _Current.own_key == EMBEDDED_PUBLIC_KEY and kwargs.get("public_key") != EMBEDDED_PUBLIC_KEY:
        _retire(EMBEDDED_PUBLIC_KEY)
    return wrapped(*args, **kwargs)


def _guard_clients(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    result = wrapped(*args, **kwargs)
    _guard(instance)
    return result


def _guard(manager: Any) -> None:
    public_key = manager.public_key
    _guard_client(manager.httpx_client, GuardedTransport, public_key=public_key)
    wrapper = getattr(manager.async_api, "_client_wrapper", None)
    client = getattr(getattr(wrapper, "httpx_client", None), "httpx_client", None)
    if isinstance(client, httpx.AsyncClient):
        _guard_client(client, GuardedAsyncTransport, public_key=public_key)


def _guard_client(client: Any, kind: Any, *, public_key: str) -> None:
    # httpx has no public way to wrap the transport of a client that exists.
    transport = client._transport  # noqa: SLF001 - see above
    if not isinstance(transport, kind):
        client._transport = kind(transport, public_key=public_key)  # noqa: SLF001 - as above
        client._mounts = {  # noqa: SLF001 - as above
            pattern: None if mounted is None else kind(mounted, public_key=public_key)
            for pattern, mounted in client._mounts.items()  # noqa: SLF001 - as above
        }


def _make_client(gate: LangfuseGate) -> None:
    """Leave the client that `get_client()` finds.

    The SDK refuses to choose between several, so ours never stands beside one that the host made.
    """
    from langfuse import Langfuse  # noqa: PLC0415 - as above
    from langfuse._client.resource_manager import LangfuseResourceManager  # noqa: PLC0415 - as above

    options = gate.client or _EMBEDDED
    made = LangfuseResourceManager._instances  # noqa: SLF001 - as above
    if _Current.own_key is not None and _Current.own_key != options["public_key"]:
        _retire(_Current.own_key)
    if made and options["public_key"] not in made:
        return
    try:
        Langfuse(**options, tracer_provider=gate.provider)
        _Current.own_key = options["public_key"]
    except Exception as error:  # noqa: BLE001 - the host's import of langfuse must not fail because of us
        _log.error("The langfuse client could not be made ready (%s).", type(error).__name__)


def _retire(public_key: str) -> None:
    from langfuse._client.resource_manager import LangfuseResourceManager  # noqa: PLC0415 - as above

    # Only forgotten, not shut down: that waits for its queues without limit. Its threads are daemons.
    LangfuseResourceManager._instances.pop(public_key, None)  # noqa: SLF001 - as above
    _Current.own_key = None


def _redacted_request(request: httpx.Request, *, public_key: str) -> httpx.Request | httpx.Response:
    """Return the request to send instead, or the answer to give without sending."""
    gate = _Current.gate
    embedded = public_key == EMBEDDED_PUBLIC_KEY
    if gate is None or (embedded and request.method not in _WRITES):
        return _unavailable(request) if embedded else request
    path = request.url.path
    if path.endswith("/media") and request.method == "POST":
        return _no_media(request)
    try:
        clean, body = _clean(gate, request)
    except Exception as error:  # noqa: BLE001 - what cannot be read or redacted does not leave
        _log.error("A langfuse request could not be redacted (%s) and was not sent.", type(error).__name__)
        return httpx.Response(
            422, json={"message": "certtrace could not redact this request; it was not sent."}, request=request
        )
    if path.endswith("/api/public/scores") and request.method == "POST":
        gate.on_scores(body if isinstance(body, list) else [body])
        if embedded or public_key == gate.delivers_for:
            return httpx.Response(202, json={"message": "Accepted"}, request=request)
    return _unavailable(request) if embedded else clean


def _clean(gate: LangfuseGate, request: httpx.Request) -> tuple[httpx.Request, Any]:
    """Return a request with address and body redacted, and the body."""
    url = gate.redacted_url(request.url)
    if request.method not in _WRITES:
        if url == request.url:
            return request, None
        return httpx.Request(request.method, url, headers=request.headers.raw, extensions=request.extensions), None
    body = gate.redacted(orjson.loads(request.content))
    headers = [
        (key, value)
        for key, value in request.headers.raw
        if key.lower() not in (b"content-length", b"content-encoding")
    ]
    content = orjson.dumps(body)
    return httpx.Request(request.method, url, headers=headers, content=content, extensions=request.extensions), body


def _unavailable(request: httpx.Request) -> httpx.Response:
    message = (
        f"{request.method} {request.url.path} needs a Langfuse server; the embedded default has none. "
        "Set LANGFUSE_BASE_URL, LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY."
    )
    return httpx.Response(501, json={"message": message, "error": "NotImplemented"}, request=request)


def _no_media(request: httpx.Request) -> httpx.Response:
    # Binary content cannot be redacted, so it does not travel; "no upload URL" tells the SDK that the server has it.
    return httpx.Response(201, json={"mediaId": f"withheld-{time.time_ns():x}", "uploadUrl": None}, request=request)


class GuardedTransport(httpx.BaseTransport):
    """Redacts what a synchronous `langfuse` client sends."""

    def __init__(self, inner: httpx.BaseTransport, *, public_key: str) -> None:
        """Take the client's own transport."""
        self._inner = inner
        self._public_key = public_key

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the redacted form of a request."""
        request.read()
        passed = _redacted_request(request, public_key=self._public_key)
        if isinstance(passed, httpx.Response):
            return passed
        with suppress_http_instrumentation():  # what the SDK sends about traces is no part of one
            return self._inner.handle_request(passed)

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()


class GuardedAsyncTransport(httpx.AsyncBaseTransport):
    """Redacts what an asynchronous `langfuse` client sends."""

    def __init__(self, inner: httpx.AsyncBaseTransport, *, public_key: str) -> None:
        """Take the client's own transport."""
        self._inner = inner
        self._public_key = public_key

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the redacted form of a request."""
        await request.aread()
        passed = _redacted_request(request, public_key=self._public_key)
        if isinstance(passed, httpx.Response):
            return passed
        with suppress_http_instrumentation():
            return await self._inner.handle_async_request(passed)

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()
