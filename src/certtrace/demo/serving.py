"""The LLM gateway with the providers behind it, ready to be called."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

import httpx

from certtrace.demo.faults import FaultPlan
from certtrace.demo.gateway import Gateway, Router, Upstream
from certtrace.demo.http_service import HttpService
from certtrace.demo.provider import EXTERNAL_MODEL, INTERNAL_MODEL, Provider
from certtrace.errors import InputError

OWN_TIMEOUT_SECONDS: Final = 2.5
"""How long the gateway waits for a provider of ours."""
OUTSIDE_TIMEOUT_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An OpenAI-compatible endpoint that grades in place of the built-in provider."""

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Refuse an address or a model that cannot work."""
        url = httpx.URL(self.base_url) if self.base_url.startswith(("http://", "https://")) else None
        if url is None or not url.host:
            msg = f"--llm-base-url {self.base_url!r} is no web address. Give it up to and with /v1, as https://host/v1."
            raise InputError(msg)
        if not self.model:
            msg = "--llm-base-url needs --model: the endpoint serves several. Ask it with GET /v1/models."
            raise InputError(msg)


def start_gateway(stack: ExitStack, plan: FaultPlan, endpoint: Endpoint | None = None) -> str:
    """Start providers and gateway until the stack is closed, and return the gateway's address."""
    upstream_client = stack.enter_context(httpx.Client(trust_env=endpoint is not None))
    router = Router(upstream_client, *_upstreams(stack, plan, endpoint))
    return stack.enter_context(HttpService(Gateway(router), "demo-gateway")).base_url


def _upstreams(stack: ExitStack, plan: FaultPlan, endpoint: Endpoint | None) -> Iterator[Upstream]:
    if endpoint is not None:
        url = endpoint.base_url.rstrip("/")
        yield Upstream("outside-llm", url, endpoint.model, OUTSIDE_TIMEOUT_SECONDS, endpoint.api_key)
        return
    for name, model, fallback in (("external-llm", EXTERNAL_MODEL, False), ("internal-llm-host", INTERNAL_MODEL, True)):
        provider = Provider(model, plan, fallback=fallback)
        service = stack.enter_context(HttpService(provider, f"demo-{name}"))
        stack.callback(provider.stop)
        yield Upstream(name, service.base_url, model, OWN_TIMEOUT_SECONDS)
