"""The LLM Inference Router: picks a provider, falls back when it hangs or fails, never repeats a refusal."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from certtrace.demo.openai_protocol import ApiError, ChatRequest, Completion, read_completion
from certtrace.grading import CallStage, FailureClass, Usage, gateway_route, llm_call

RULE_PRIMARY = "grading-primary"
RULE_FALLBACK = "grading-fallback"


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider's OpenAI endpoint."""

    name: str
    base_url: str
    """Up to and with `/v1`."""
    model: str
    timeout_seconds: float
    api_key: str = field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """Return the credentials, if there are any."""
        return {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}


class Router:
    """Sends a request to the first provider, and to the next one after a timeout or a server error."""

    def __init__(self, client: httpx.Client, *upstreams: Upstream) -> None:
        """Take the providers in order of preference; the client is the caller's to close."""
        self._client = client
        self._upstreams = upstreams

    @property
    def models(self) -> tuple[str, ...]:
        """Return the models that can answer."""
        return tuple(upstream.model for upstream in self._upstreams)

    def complete(self, request: ChatRequest, request_id: str) -> Completion:
        """Return the first answer.

        Raises:
            ApiError: A provider refused (its status, `Retry-After` included), or none answered (502, 504).
        """
        failure: ApiError | None = None
        failed = ""
        for attempt, upstream in enumerate(self._upstreams, start=1):
            rule = RULE_FALLBACK if failed else RULE_PRIMARY
            with gateway_route(rule=rule) as route:
                route.chose(
                    provider=upstream.name, model=upstream.model, rule=rule, fallback_of=failed, attempt=attempt
                )
            try:
                return self._ask(upstream, request, request_id)
            except ApiError as error:
                if error.status < 500:
                    raise
                failure, failed = error, upstream.name
        raise failure or ApiError(503, "No provider is configured.", kind="api_error")

    def _ask(self, upstream: Upstream, request: ChatRequest, request_id: str) -> Completion:
        body = {**request.body, "model": upstream.model}
        try:
            with llm_call(
                upstream.model,
                provider=upstream.name,
                input=list(request.messages),
                temperature=request.temperature,
                seed=request.seed,
            ) as call:
                response = self._client.post(
                    f"{upstream.base_url}/chat/completions",
                    json=body,
                    headers={**upstream.headers, "X-Client-Request-Id": request_id},
                    timeout=upstream.timeout_seconds,
                )
                return _read(call, response)
        except httpx.TimeoutException:
            msg = f"Provider {upstream.name} did not answer within {upstream.timeout_seconds:g} s."
            raise ApiError(
                504, msg, kind="api_error", code="upstream_timeout", failure=FailureClass.LLM_TIMEOUT
            ) from None
        except httpx.HTTPError:
            msg = f"Provider {upstream.name} cannot be reached. Check its address."
            raise ApiError(502, msg, kind="api_error", code="upstream_unreachable") from None


def _read(call: CallStage, response: httpx.Response) -> Completion:
    if response.status_code != 200:
        retry_after = _retry_after(response.headers)
        call.refused(http_status=response.status_code, retry_after=retry_after, message="The provider refused.")
        raise _refusal(response)
    completion = read_completion(response.content)
    call.answered(
        model=completion.model,
        response_id=completion.id,
        usage=Usage(input_tokens=completion.input_tokens, output_tokens=completion.output_tokens),
        finish_reasons=[completion.finish_reason] if completion.finish_reason else [],
        system_fingerprint=completion.system_fingerprint,
        output=completion.content,
        http_status=200,
    )
    return completion


def _refusal(response: httpx.Response) -> ApiError:
    """Pass on status and Retry-After, not the words: a provider's message may quote the prompt."""
    status = response.status_code
    headers = {"Retry-After": response.headers["retry-after"]} if "retry-after" in response.headers else {}
    if status == 429:
        msg = "The provider's rate limit is reached. Try again after the time in Retry-After."
        return ApiError(
            429, msg, kind="requests", code="rate_limit_exceeded", headers=headers, failure=FailureClass.RATE_LIMITED
        )
    msg = f"The provider answered {status}. Check its address, its model name and its key."
    return ApiError(
        status if status >= 400 else 502,
        msg,
        kind="api_error",
        code="upstream_error",
        headers=headers,
        failure=FailureClass.PROVIDER_ERROR,
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after", "")
    return float(value) if value.isdigit() else None
