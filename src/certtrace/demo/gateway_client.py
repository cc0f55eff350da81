"""How the grading workers call the gateway: with httpx, one form for threads and one for asyncio."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
import orjson

from certtrace.demo.openai_protocol import Completion, read_completion
from certtrace.grading import FailureClass

TRIES: Final = 3
LONGEST_WAIT_SECONDS: Final = 2.0

_FAILURES: Final = {
    "content_filter": FailureClass.GUARDRAIL_BLOCK,
    "rate_limit_exceeded": FailureClass.RATE_LIMITED,
    "upstream_timeout": FailureClass.LLM_TIMEOUT,
}


class GatewayError(Exception):
    """The gateway answered with an error; the message is the gateway's own words about itself."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str]) -> None:
        """Take status, code and words of the JSON error."""
        super().__init__(message)
        self.status_code, self.code, self.headers = status, code, headers
        self.failure_class = _FAILURES.get(code, FailureClass.PROVIDER_ERROR)


@dataclass(frozen=True, slots=True)
class Ask:
    """One completion to ask for."""

    messages: Sequence[Mapping[str, str]]
    model: str
    request_id: str
    temperature: float = 0.0
    seed: int = 0
    allow_cache: bool = False

    @property
    def body(self) -> dict[str, Any]:
        """Return the request's JSON."""
        return {
            "model": self.model,
            "messages": list(self.messages),
            "temperature": self.temperature,
            "seed": self.seed,
        }

    @property
    def headers(self) -> dict[str, str]:
        """Return the request's headers. Passes must be independent, so the cache is refused unless allowed."""
        own = {"X-Client-Request-Id": self.request_id}
        return own if self.allow_cache else {**own, "Cache-Control": "no-cache"}


@dataclass(frozen=True, slots=True)
class Answered:
    """A completion with the headers it came with."""

    completion: Completion
    headers: Mapping[str, str]


class GatewayClient:
    """For services made of threads."""

    def __init__(self, client: httpx.Client, base_url: str) -> None:
        """Take the gateway's address up to and with `/v1`; the client is the caller's to close."""
        self._client = client
        self._url = f"{base_url}/chat/completions"
        self._pause = threading.Event()

    def complete(self, ask: Ask) -> Answered:
        """Return the completion; a 429 is tried again after the time the gateway asks for.

        Raises:
            GatewayError: The gateway refused, or still refused at the last try.
        """
        for last in (False,) * (TRIES - 1) + (True,):
            response = self._client.post(self._url, json=ask.body, headers=ask.headers)
            if response.status_code == 429 and not last:
                self._pause.wait(_wait_seconds(response))
                continue
            return _answered(response)
        raise AssertionError  # the last try returns or raises


class AsyncGatewayClient:
    """For services on asyncio."""

    def __init__(self, client: httpx.AsyncClient, base_url: str) -> None:
        """Take the gateway's address up to and with `/v1`; the client is the caller's to close."""
        self._client = client
        self._url = f"{base_url}/chat/completions"

    async def complete(self, ask: Ask) -> Answered:
        """Return the completion; a 429 is tried again after the time the gateway asks for.

        Raises:
            GatewayError: The gateway refused, or still refused at the last try.
        """
        for last in (False,) * (TRIES - 1) + (True,):
            response = await self._client.post(self._url, json=ask.body, headers=ask.headers)
            if response.status_code == 429 and not last:
                await asyncio.sleep(_wait_seconds(response))
                continue
            return _answered(response)
        raise AssertionError  # the last try returns or raises


def _answered(response: httpx.Response) -> Answered:
    if response.status_code == 200:
        return Answered(read_completion(response.content), dict(response.headers))
    try:
        error = orjson.loads(response.content)["error"]
        code, message = str(error.get("code") or ""), str(error.get("message") or "")
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        code, message = "", "The gateway's error has no readable body."
    raise GatewayError(response.status_code, code, message, dict(response.headers))


def _wait_seconds(response: httpx.Response) -> float:
    value = response.headers.get("retry-after", "")
    return min(float(value) if value.isdigit() else 0.5, LONGEST_WAIT_SECONDS)
