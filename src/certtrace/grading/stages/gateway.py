"""The LLM Inference Gateway: cache, guardrail, router, sanitisation, and the model call itself."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary

from certtrace import semconv
from certtrace.grading.failures import FailureClass, retry_after_seconds, status_code
from certtrace.grading.faults import contained
from certtrace.grading.models import Usage
from certtrace.grading.stages.base import Stage, enclosing
from certtrace.grading.stages.grading import GradingStage, prompt_attributes
from certtrace.grading.stages.passes import CACHE_HEADER, PassStage
from certtrace.grading.vocabulary import CacheKind, Direction, SanitiseStage, Verdict
from certtrace.tracing.active import ACTIVE

_TRUNCATED: Final = frozenset({"length", "max_tokens", "model_length"})


class CacheStage(Stage):
    """`gateway.cache`: the request cache answers, or not."""

    _hit: CacheKind | None = None

    @contained
    def hit(
        self,
        *,
        kind: CacheKind | str = CacheKind.EXACT,
        similarity: float | None = None,
        age_seconds: float | None = None,
        source_trace: str = "",
    ) -> None:
        """Record a hit. The grading pass around it is no longer independent.

        A similar hit repeats the grade of another request, perhaps of another candidate: class `cache_reuse`.

        Args:
            kind: `exact` or `similar`.
            similarity: 0.0 to 1.0.
            age_seconds: How long the entry has been there.
            source_trace: Trace id of the request that filled the entry.
        """
        found = CacheKind(kind)
        self._hit = found
        self.note(
            {
                semconv.CACHE_HIT: True,
                semconv.CACHE_KIND: found,
                semconv.CACHE_SIMILARITY: similarity,
                semconv.CACHE_AGE_SECONDS: age_seconds,
                semconv.CACHE_SOURCE_TRACE: source_trace,
            }
        )
        graded = enclosing(PassStage, self)
        if graded is not None:
            graded.cached(found, source_trace=source_trace)
        if found is CacheKind.SIMILAR:
            self.warn(FailureClass.CACHE_REUSE, "The grade of a similar request was used again.")

    @contained
    def miss(self) -> None:
        """Record that the model has to be asked."""
        self.note({semconv.CACHE_HIT: False})

    def reply_headers(self) -> dict[str, str]:
        """Return the headers that tell the worker's `PassStage.received` of a hit; empty after a miss."""
        return {CACHE_HEADER: self._hit.value} if self._hit is not None else {}


class GuardrailStage(Stage):
    """`gateway.guardrail`: the Guardrail Service looks at the request or the response."""

    @contained
    def allowed(self) -> None:
        """Record that nothing was found."""
        self.note({semconv.GUARDRAIL_VERDICT: Verdict.ALLOW})

    @contained
    def flagged(self, rules: Iterable[str], *, injection: bool = False, alert_id: str = "") -> None:
        """Record that rules matched, and the call went on."""
        self._judged(Verdict.FLAG, rules, alert_id)
        if injection:
            self.warn(FailureClass.PROMPT_INJECTION, "A guardrail rule for prompt injection matched.")

    @contained
    def blocked(self, rules: Iterable[str], *, injection: bool = False, alert_id: str = "", action: str = "") -> None:
        """Record that the call was stopped.

        Args:
            rules: Ids of the rules that matched; never the text they matched.
            injection: Whether the answer tried to instruct the model.
            alert_id: Id on the LLM Alert Topic.
            action: What the gateway did instead.
        """
        self._judged(Verdict.BLOCK, rules, alert_id)
        self.note({semconv.GUARDRAIL_ACTION: action})
        self.warn(FailureClass.GUARDRAIL_BLOCK, "The guardrail blocked the call.")
        if injection:
            self.recognised(FailureClass.PROMPT_INJECTION)

    def _judged(self, verdict: Verdict, rules: Iterable[str], alert_id: str) -> None:
        self.note(
            {
                semconv.GUARDRAIL_VERDICT: verdict,
                semconv.GUARDRAIL_RULES: list(rules),
                semconv.GUARDRAIL_ALERT_ID: alert_id,
            }
        )


class RouteStage(Stage):
    """`gateway.route`: the router picks a provider."""

    @contained
    def chose(
        self, *, provider: str, model: str = "", rule: str = "", fallback_of: str = "", attempt: int | None = None
    ) -> None:
        """Record the choice, the rule behind it, and whom it replaces after a failure."""
        self.note(
            {
                semconv.GEN_AI_PROVIDER_NAME: provider,
                semconv.GEN_AI_REQUEST_MODEL: model,
                semconv.GATEWAY_RULE: rule,
                semconv.GATEWAY_FALLBACK_OF: fallback_of,
                semconv.GATEWAY_ATTEMPT: attempt,
            }
        )


class SanitisationStage(Stage):
    """`gateway.sanitise`: the Data Sanitisation Pipeline."""

    @contained
    def removed(self, counts: Mapping[str, int]) -> None:
        """Record how much was removed, by entity type; never what."""
        self.note({semconv.SANITISE_COUNTS: {str(kind): int(number) for kind, number in counts.items()}})


class CallStage(Stage):
    """`llm.call`: one request to one model provider."""

    _asked: tuple[str, str] = ("", "")
    _parameters: Mapping[str, Any] = {}

    @contained
    def answered(
        self,
        *,
        model: str = "",
        response_id: str = "",
        usage: Usage | None = None,
        finish_reasons: Iterable[str] = (),
        system_fingerprint: str = "",
        output: object = None,
        http_status: int | None = None,
    ) -> None:
        """Record the reply: which model really answered, why it stopped, what it cost.

        A model other than the one that answered the same request before is a `silent_model_change`; a reply cut at the
        token limit is a `context_overflow`.
        """
        reasons = [str(reason) for reason in finish_reasons]
        self.note(
            {
                semconv.GEN_AI_RESPONSE_MODEL: model,
                semconv.GEN_AI_RESPONSE_ID: response_id,
                semconv.GEN_AI_RESPONSE_FINISH_REASONS: reasons or None,
                semconv.OPENAI_SYSTEM_FINGERPRINT: system_fingerprint,
                semconv.HTTP_STATUS_CODE: http_status,
            }
        )
        self.span.update(output=output, model=model or None)
        if usage is not None:
            self._used(usage)
        graded = enclosing(PassStage, self)
        if graded is not None and model:
            graded.answered_by(model)
        before = _LAST_MODELS.replace(self._asked, model)
        if before:
            self.warn(FailureClass.SILENT_MODEL_CHANGE, "Another model answers than before.")
        if not _TRUNCATED.isdisjoint(reasons):
            self.warn(FailureClass.CONTEXT_OVERFLOW, "The reply was cut at the token limit.")

    @contained
    def refused(self, *, http_status: int, retry_after: float | None = None, message: str = "") -> None:
        """Record an HTTP refusal that the host handles without an exception.

        Args:
            http_status: 429 is `rate_limited`, 408 and 504 are `llm_timeout`, else `provider_error`.
            retry_after: Seconds the provider asked to wait.
            message: Words of the host's own.
        """
        self.note({semconv.HTTP_STATUS_CODE: http_status, semconv.RETRY_AFTER_SECONDS: retry_after})
        failure = {429: FailureClass.RATE_LIMITED, 408: FailureClass.LLM_TIMEOUT, 504: FailureClass.LLM_TIMEOUT}
        self.fail(failure.get(http_status, FailureClass.PROVIDER_ERROR), message, str(http_status))

    @contained
    def timed_out(self, message: str = "") -> None:
        """Record a deadline that the host handles without an exception."""
        self.fail(FailureClass.LLM_TIMEOUT, message or "The model did not answer in time.", "timeout")

    def asking(self, provider: str, model: str, parameters: Mapping[str, Any]) -> None:
        """Take who is asked and how, before the call."""
        self._asked = (provider, model)
        self._parameters = dict(parameters)

    def _on_open(self) -> None:
        self.span.update(model=self._asked[1] or None, model_parameters=self._parameters or None)
        grading = enclosing(GradingStage, self)
        self.note(prompt_attributes(grading))
        prompt = grading.prompt if grading is not None else None
        if prompt is not None:
            version = int(prompt.version) if prompt.version.isdecimal() else None
            self.span.update(prompt_name=prompt.name or None, prompt_version=version)

    def _used(self, usage: Usage) -> None:
        tokens = {"input": usage.input_tokens, "output": usage.output_tokens, **usage.details}
        details = {name: number for name, number in tokens.items() if number is not None}
        cost = None if usage.cost_usd is None else {"total": usage.cost_usd}
        self.span.update(usage_details=details or None, cost_details=cost)
        self.note(
            {
                semconv.GEN_AI_USAGE_INPUT_TOKENS: usage.input_tokens,
                semconv.GEN_AI_USAGE_OUTPUT_TOKENS: usage.output_tokens,
            }
        )
        grading = enclosing(GradingStage, self)
        if grading is not None:
            grading.spent(usage.cost_usd or 0.0)

    def _on_exception(self, exc: Exception) -> None:
        self.note(
            {
                semconv.HTTP_STATUS_CODE: status_code(exc),
                semconv.RETRY_AFTER_SECONDS: retry_after_seconds(exc),
            }
        )
        super()._on_exception(exc)


class _LastModels:
    """Which model answered last, by provider and requested model; forgotten when tracing is configured anew."""

    _MOST = 256

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_runtime: WeakKeyDictionary[object, OrderedDict[tuple[str, str], str]] = WeakKeyDictionary()

    def replace(self, asked: tuple[str, str], model: str) -> str:
        """Remember `model` and return the one it replaces; empty when nothing changed or nothing was known."""
        runtime = ACTIVE.runtime
        if runtime is None or not model or not asked[1]:
            return ""
        with self._lock:
            models = self._by_runtime.setdefault(runtime, OrderedDict())
            before = models.pop(asked, "")
            models[asked] = model
            if len(models) > self._MOST:
                models.popitem(last=False)
        return before if before != model else ""


_LAST_MODELS = _LastModels()


def gateway_cache(*, key_version: str = "") -> CacheStage:
    """Open `gateway.cache` in the LLM Inference API Cache Service."""
    return CacheStage("gateway.cache", attributes={semconv.CACHE_KEY_VERSION: key_version})


def gateway_guardrail(direction: Direction | str = Direction.REQUEST, *, model_version: str = "") -> GuardrailStage:
    """Open `gateway.guardrail` for the request or the response."""
    return GuardrailStage(
        "gateway.guardrail",
        as_type="guardrail",
        attributes={
            semconv.GUARDRAIL_DIRECTION: Direction(direction),
            semconv.GUARDRAIL_MODEL_VERSION: model_version,
        },
    )


def gateway_route(*, rule: str = "") -> RouteStage:
    """Open `gateway.route` in the LLM Inference Router."""
    return RouteStage("gateway.route", attributes={semconv.GATEWAY_RULE: rule})


def gateway_sanitise(stage: SanitiseStage | str, *, rules_version: str = "") -> SanitisationStage:
    """Open `gateway.sanitise`; `stage` says where in the gateway it stands."""
    return SanitisationStage(
        "gateway.sanitise",
        attributes={semconv.SANITISE_STAGE: SanitiseStage(stage), semconv.SANITISE_RULES_VERSION: rules_version},
    )


def llm_call(
    model: str,
    *,
    provider: str = "",
    input: object = None,
    temperature: float | None = None,
    seed: int | None = None,
    parameters: Mapping[str, Any] | None = None,
    operation: str = "chat",
) -> CallStage:
    """Open `llm.call`: one request to `model` at `provider`.

    Args:
        model: The model asked for.
        provider: OpenTelemetry's `gen_ai.provider.name`.
        input: The messages. Exam content in them is taken out where the trace knows it: give `answer_grade` its
            question and `reference.fetch` what it found.
        temperature: As asked for.
        seed: As asked for.
        parameters: Further parameters of the request.
        operation: OpenTelemetry's `gen_ai.operation.name`.
    """
    stage = CallStage(
        "llm.call",
        as_type="generation",
        kind="client",
        input=input,
        attributes={
            semconv.GEN_AI_OPERATION_NAME: operation,
            semconv.GEN_AI_PROVIDER_NAME: provider,
            semconv.GEN_AI_REQUEST_MODEL: model,
            semconv.GEN_AI_REQUEST_TEMPERATURE: temperature,
            semconv.GEN_AI_REQUEST_SEED: seed,
        },
    )
    stage.asking(provider, model, parameters or {})
    return stage
