"""The external and the internal LLM provider: OpenAI endpoints over the built-in graders, with faults on demand."""

import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

import orjson

from certtrace.demo import grader, openai_protocol, prompts, reviewer
from certtrace.demo.faults import Fault, FaultPlan
from certtrace.demo.http_service import Reply
from certtrace.demo.openai_protocol import ApiError, ChatRequest, Completion

EXTERNAL_MODEL: Final = "lexical-grader-1"
INTERNAL_MODEL: Final = "lexical-grader-1-mini"
CHANGED_MODEL: Final = "lexical-grader-1.1"
RETRY_AFTER_SECONDS: Final = 1
HANG_SECONDS: Final = 30.0


class Provider:
    """Answers chat completions with the built-in graders."""

    def __init__(self, model: str, plan: FaultPlan, *, fallback: bool = False) -> None:
        """Serve `model`; as the fallback it shares only an outage."""
        self._model = model
        self._plan = plan
        self._fallback = fallback
        self._stopping = threading.Event()
        self._hanging = {Fault.PROVIDER_OUTAGE} if fallback else {Fault.PROVIDER_OUTAGE, Fault.PROVIDER_TIMEOUT}

    def stop(self) -> None:
        """Let hanging requests end."""
        self._stopping.set()

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer one request of the protocol."""
        if (method, path) == ("GET", openai_protocol.MODELS_PATH):
            return models_reply(self._model)
        if (method, path) != ("POST", openai_protocol.COMPLETIONS_PATH):
            raise not_found(path)
        request = openai_protocol.parse_request(body)
        fault = self._plan.strike(headers.get("x-client-request-id", ""))
        if self._fallback and fault is not Fault.PROVIDER_OUTAGE:
            fault = None
        self._refuse_or_hang(fault)
        return Reply(_spoil(self._complete(request), request, fault).as_json())

    def _refuse_or_hang(self, fault: Fault | None) -> None:
        if fault in self._hanging:
            self._stopping.wait(HANG_SECONDS)
            msg = "The provider is stopping."
            raise ApiError(503, msg, kind="server_error")
        if fault in {Fault.RATE_LIMIT, Fault.RATE_LIMIT_LASTING}:
            msg = "Rate limit reached for requests. Try again after the time in Retry-After."
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            raise ApiError(429, msg, kind="requests", code="rate_limit_exceeded", headers=headers)

    def _complete(self, request: ChatRequest) -> Completion:
        content = orjson.dumps(_work(request)).decode()
        return Completion(
            content=content,
            model=self._model,
            input_tokens=openai_protocol.count_tokens(request.system, request.user),
            output_tokens=openai_protocol.count_tokens(content),
            system_fingerprint=f"fp_{zlib.crc32(self._model.encode()):08x}",
        )


def models_reply(*models: str) -> Reply:
    """Return the list of models in the protocol's form."""
    data = [{"id": model, "object": "model", "created": 0, "owned_by": "certtrace-demo"} for model in models]
    return Reply(orjson.dumps({"object": "list", "data": data}))


def not_found(path: str) -> ApiError:
    """Return the error for a path that is not served."""
    msg = f"Unknown path {path}. Use {openai_protocol.COMPLETIONS_PATH} or {openai_protocol.MODELS_PATH}."
    return ApiError(404, msg, kind="invalid_request_error", code="unknown_url")


def _work(request: ChatRequest) -> dict[str, Any]:
    """Do the task that the prompt names."""
    try:
        values = orjson.loads(request.user)
        return _TASKS[values["task"]](values, request)
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        msg = "This model grades: the user message must be one of the grading prompts, complete."
        raise ApiError(400, msg, kind="invalid_request_error", code="unsupported_prompt") from None


def _grade_short_answer(values: Mapping[str, Any], request: ChatRequest) -> dict[str, Any]:
    question = grader.Question(values["question"], values["reference_answer"], values["max_score"])
    return asdict(
        grader.assess(question, values["student_answer"], temperature=request.temperature, seed=request.seed or 0)
    )


def _grade_criterion(values: Mapping[str, Any], request: ChatRequest) -> dict[str, Any]:
    submission = "\n\n".join(f"{part['name']}\n{part['text']}" for part in values["submission"])
    assessment = reviewer.assess_criterion(
        values["criterion"], submission, values["max_score"], temperature=request.temperature, seed=request.seed or 0
    )
    return asdict(assessment)


def _write_feedback(values: Mapping[str, Any], request: ChatRequest) -> dict[str, Any]:
    del request
    results = [reviewer.CriterionResult(**criterion) for criterion in values["criteria"]]
    report = reviewer.write_feedback(results, values["grade"], values["max_score"])
    return {"report": report, "stated_grade": values["grade"]}


_TASKS: Final[Mapping[str, Callable[[Mapping[str, Any], ChatRequest], dict[str, Any]]]] = {
    prompts.GRADE_SHORT_ANSWER: _grade_short_answer,
    prompts.GRADE_CRITERION: _grade_criterion,
    prompts.WRITE_FEEDBACK: _write_feedback,
}


def _spoil(completion: Completion, request: ChatRequest, fault: Fault | None) -> Completion:
    """Let the reply go wrong as planned."""
    if fault in {Fault.MALFORMED_JSON, Fault.MALFORMED_ALWAYS}:
        completion.content = completion.content[: len(completion.content) // 2]
        completion.finish_reason = "length"
    elif fault is Fault.MODEL_CHANGE:
        completion.model = CHANGED_MODEL
    elif fault in {Fault.SCHEMA_MISMATCH, Fault.SECRET_LEAK}:
        completion.content = orjson.dumps(_spoilt_values(completion, request, fault)).decode()
    return completion


def _spoilt_values(completion: Completion, request: ChatRequest, fault: Fault) -> dict[str, Any]:
    values: dict[str, Any] = orjson.loads(completion.content)
    asked = orjson.loads(request.user)
    if fault is Fault.SCHEMA_MISMATCH and "grade" in values:
        values["grade"] = asked["max_score"] * 10 + 1
    secret = asked.get("reference_answer") or asked.get("criterion")
    if fault is Fault.SECRET_LEAK and secret:
        values["rationale"] = f"The model answer reads: {secret}"
    return values
