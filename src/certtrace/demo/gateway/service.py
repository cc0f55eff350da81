"""The gateway's HTTP application: cache, then guardrail, then router, then guardrail again.

A cache hit is answered before the guardrail has seen the request, as in the services this stands for; the trace shows
it.
"""

import uuid
from collections.abc import Mapping

import certtrace
from certtrace.demo import openai_protocol
from certtrace.demo.gateway import guardrail
from certtrace.demo.gateway.cache import KEY_VERSION, RequestCache
from certtrace.demo.gateway.router import Router
from certtrace.demo.http_service import Reply
from certtrace.demo.openai_protocol import ApiError, ChatRequest
from certtrace.demo.provider import models_reply, not_found
from certtrace.grading import Direction, FailureClass, gateway_cache, gateway_guardrail


class Gateway:
    """Answers chat completions. Requests with `Cache-Control: no-cache` always reach a model."""

    def __init__(self, router: Router, cache: RequestCache | None = None) -> None:
        """Take the router; without a cache of its own it starts an empty one."""
        self._router = router
        self._cache = cache or RequestCache()

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer one request of the protocol inside the caller's trace."""
        if (method, path) == ("GET", openai_protocol.MODELS_PATH):
            return models_reply(*self._router.models)
        if (method, path) != ("POST", openai_protocol.COMPLETIONS_PATH):
            raise not_found(path)
        request = openai_protocol.parse_request(body)
        with certtrace.continue_trace(headers), certtrace.span("gateway.request", kind="server"):
            return self._infer(request, headers)

    def _infer(self, request: ChatRequest, headers: Mapping[str, str]) -> Reply:
        cached = None if "no-cache" in headers.get("cache-control", "") else self._from_cache(request)
        if cached is not None:
            return cached
        self._guard(Direction.REQUEST, guardrail.check_request(request))
        completion = self._router.complete(request, headers.get("x-client-request-id", ""))
        self._guard(Direction.RESPONSE, guardrail.check_response(request, completion.content))
        self._cache.store(request, completion, certtrace.current_span().trace_id)
        return Reply(completion.as_json())

    def _from_cache(self, request: ChatRequest) -> Reply | None:
        with gateway_cache(key_version=KEY_VERSION) as stage:
            hit = self._cache.find(request)
            if hit is None:
                stage.miss()
                return None
            stage.hit(
                kind=hit.kind,
                similarity=hit.similarity,
                age_seconds=round(hit.age_seconds, 3),
                source_trace=hit.source_trace,
            )
            headers = {**stage.reply_headers(), "Age": str(int(hit.age_seconds))}
        return Reply(hit.completion.as_json(), headers=headers)

    def _guard(self, direction: Direction, match: guardrail.Match | None) -> None:
        with gateway_guardrail(direction, model_version=guardrail.MODEL_VERSION) as stage:
            if match is None:
                stage.allowed()
                return
            injection = match.failure is FailureClass.PROMPT_INJECTION
            stage.blocked([match.rule], injection=injection, alert_id=uuid.uuid4().hex, action="rejected")
            stage.span.update(metadata={"matched_from": match.start, "matched_to": match.end})
            if not injection:
                stage.recognised(match.failure)
        msg = f"Guardrail rule {match.rule} blocked the {direction.value}. It was not passed on."
        raise ApiError(
            400, msg, kind="invalid_request_error", code="content_filter", failure=FailureClass.GUARDRAIL_BLOCK
        )
