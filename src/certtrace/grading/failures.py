"""The failure classes of the grading services, and how an exception tells its class.

Exceptions are recognised by the class names in their MRO and by the attributes that HTTP and model clients share, so no
client library is imported and their subclasses are recognised as well.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class FailureClass(StrEnum):
    """What went wrong, in the words an on-call engineer groups by."""

    LLM_TIMEOUT = "llm_timeout"
    RATE_LIMITED = "rate_limited"
    PROVIDER_ERROR = "provider_error"
    MALFORMED_JSON = "malformed_json"
    SCHEMA_MISMATCH = "schema_mismatch"
    RUBRIC_MISSING = "rubric_missing"
    RUBRIC_SKEW = "rubric_skew"
    LOW_CONFIDENCE = "low_confidence"
    FALSE_CONFIDENCE = "false_confidence"
    CACHE_REUSE = "cache_reuse"
    GUARDRAIL_BLOCK = "guardrail_block"
    PROMPT_INJECTION = "prompt_injection"
    PROMPT_TRIM_LOSS = "prompt_trim_loss"
    CONTEXT_OVERFLOW = "context_overflow"
    SILENT_MODEL_CHANGE = "silent_model_change"
    REDELIVERY = "redelivery"
    REVIEW_OVERDUE = "review_overdue"
    PARTIAL_PASSES = "partial_passes"
    COST_SPIKE = "cost_spike"
    SCORE_MISMATCH = "score_mismatch"
    EXAM_SECRET_LEAK = "exam_secret_leak"  # noqa: S105 - the name of a failure, no credential
    TRACER_FAILURE = "tracer_failure"


_BY_WEIGHT: Final = (
    # What cost a grade or makes one wrong, causes before symptoms; then what only needs watching.
    FailureClass.EXAM_SECRET_LEAK,
    FailureClass.RUBRIC_MISSING,
    FailureClass.GUARDRAIL_BLOCK,
    FailureClass.LLM_TIMEOUT,
    FailureClass.RATE_LIMITED,
    FailureClass.PROVIDER_ERROR,
    FailureClass.MALFORMED_JSON,
    FailureClass.SCHEMA_MISMATCH,
    FailureClass.CONTEXT_OVERFLOW,
    FailureClass.PROMPT_INJECTION,
    FailureClass.SCORE_MISMATCH,
    FailureClass.RUBRIC_SKEW,
    FailureClass.FALSE_CONFIDENCE,
    FailureClass.CACHE_REUSE,
    FailureClass.PROMPT_TRIM_LOSS,
    FailureClass.SILENT_MODEL_CHANGE,
    FailureClass.PARTIAL_PASSES,
    FailureClass.LOW_CONFIDENCE,
    FailureClass.COST_SPIKE,
    FailureClass.REVIEW_OVERDUE,
    FailureClass.REDELIVERY,
    FailureClass.TRACER_FAILURE,
)


def by_weight(failures: Iterable[FailureClass]) -> list[FailureClass]:
    """Return classes without repetition, the one that explains most first."""
    return sorted(set(failures), key=_BY_WEIGHT.index)


class Classified(NamedTuple):
    """What an exception says: OpenTelemetry's `error.type`, and the class of the domain if one fits."""

    error_type: str
    """`timeout`, an HTTP status code, or the exception's qualified class name."""
    failure: FailureClass | None


_TIMEOUTS: Final = frozenset(
    {
        "TimeoutError",  # builtin, asyncio and concurrent.futures since 3.11
        "TimeoutException",  # httpx
        "Timeout",  # requests, litellm
        "APITimeoutError",  # openai, anthropic
        "DeadlineExceeded",  # google.api_core
        "ReadTimeoutError",  # urllib3, botocore
        "ConnectTimeoutError",
    }
)
_RATE_LIMITS: Final = frozenset(
    {"RateLimitError", "TooManyRequests", "ResourceExhausted", "ThrottlingException", "QuotaExceededError"}
)
_OVERFLOWS: Final = frozenset({"ContextWindowExceededError", "LengthFinishReasonError", "IncompleteOutputException"})
_BLOCKS: Final = frozenset({"ContentFilterFinishReasonError", "ContentPolicyViolationError", "BlockedPromptException"})
_SCHEMA_LIBRARIES: Final = frozenset(
    {"pydantic", "pydantic_core", "jsonschema", "msgspec", "marshmallow", "voluptuous"}
)
_SCHEMA_ERRORS: Final = frozenset({"ValidationError", "APIResponseValidationError", "MultipleInvalid"})

_OVERFLOW_WORDS: Final = (
    "context_length_exceeded",
    "string_above_max_length",
    "maximum context length",
    "prompt is too long",
    "context window",
    "input token count exceeds",
)
_BLOCK_WORDS: Final = ("content_filter", "content_policy_violation", "responsibleaipolicyviolation")

_LONGEST_MESSAGE: Final = 4_000
_DEEPEST_CHAIN: Final = 8


def classify(exception: BaseException) -> Classified:
    """Return `(error_type, failure class or None)` of an exception.

    The exception itself decides `error_type`; the first link of its chain (`raise … from …`, exception groups) that is
    recognised decides the class. A host exception may say its class in an attribute `failure_class`. Never raises.
    """
    try:
        links = list(_chain(exception))
        return Classified(_error_type(links[0]), next(filter(None, map(_failure, links)), None))
    except Exception:  # noqa: BLE001 - a foreign exception's attributes can do anything; its class name is always there
        return Classified(type(exception).__qualname__, None)


def status_code(exception: BaseException) -> int | None:
    """Return the HTTP status an exception carries, on itself or on its `response`."""
    for holder in (exception, getattr(exception, "response", None)):
        for name in ("status_code", "status", "code"):
            value = getattr(holder, name, None)
            if type(value) is int and 100 <= value <= 599:
                return value
    return None


def retry_after_seconds(exception: BaseException) -> float | None:
    """Return how long the other side asked to wait, from `retry-after` or `retry-after-ms`."""
    for link in _chain(exception):
        headers = getattr(getattr(link, "response", None), "headers", None) or getattr(link, "headers", None)
        if isinstance(headers, Mapping):
            lowered = {str(name).lower(): value for name, value in headers.items()}
            for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
                seconds = _number(lowered.get(name))
                if seconds is not None:
                    return seconds / unit
    return None


def error_path(exception: BaseException) -> str | None:
    """Return where a schema error lies, such as `criteria[2].grade`; field names and positions, never a value."""
    for link in _chain(exception):
        errors = getattr(link, "errors", None)
        if callable(errors) and _library(link) in _SCHEMA_LIBRARIES:
            first = next(iter(_pydantic_errors(link)), {})
            found = first.get("loc")
            location = list(found) if isinstance(found, tuple) else []
            if first.get("type") == "extra_forbidden":
                location = location[:-1]  # the surplus key is the model's text, not the schema's
            return _join(location) or None
    return None


def _chain(exception: BaseException) -> Iterator[BaseException]:
    pending: list[BaseException] = [exception]
    seen: set[int] = set()
    while pending and len(seen) < _DEEPEST_CHAIN:
        link = pending.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        if isinstance(link, BaseExceptionGroup):
            pending.extend(link.exceptions)
        following = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
        if following is not None:
            pending.append(following)


def _error_type(exception: BaseException) -> str:
    if _names(exception) & _TIMEOUTS:
        return "timeout"
    status = status_code(exception)
    if status is not None:
        return str(status)
    cls = type(exception)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def _failure(exception: BaseException) -> FailureClass | None:
    said = getattr(exception, "failure_class", None)
    if isinstance(said, str) and said in FailureClass.__members__.values():
        return FailureClass(said)
    return _by_shape(exception) or _by_name(exception) or _by_status(exception)


def _by_shape(exception: BaseException) -> FailureClass | None:
    names = _names(exception)
    if "JSONDecodeError" in names:
        return FailureClass.MALFORMED_JSON
    if names & _SCHEMA_ERRORS and _library(exception) in _SCHEMA_LIBRARIES | {"openai", "anthropic"}:
        kinds = {error.get("type") for error in _pydantic_errors(exception)}
        return FailureClass.MALFORMED_JSON if "json_invalid" in kinds else FailureClass.SCHEMA_MISMATCH
    return None


def _by_name(exception: BaseException) -> FailureClass | None:
    names = _names(exception)
    for known, failure in (
        (_TIMEOUTS, FailureClass.LLM_TIMEOUT),
        (_RATE_LIMITS, FailureClass.RATE_LIMITED),
        (_OVERFLOWS, FailureClass.CONTEXT_OVERFLOW),
        (_BLOCKS, FailureClass.GUARDRAIL_BLOCK),
    ):
        if names & known:
            return failure
    return None


def _by_status(exception: BaseException) -> FailureClass | None:
    status = status_code(exception)
    if status is None:
        return None
    if status == 429:
        return FailureClass.RATE_LIMITED
    if status in {408, 504}:
        return FailureClass.LLM_TIMEOUT
    if status in {400, 413, 422}:
        return _by_words(exception)
    return FailureClass.PROVIDER_ERROR if status >= 500 else None


def _by_words(exception: BaseException) -> FailureClass | None:
    """Read a refusal's code and message, which differ between providers only in wording."""
    words = f"{getattr(exception, 'code', '')} {exception}"[:_LONGEST_MESSAGE].lower()
    if any(word in words for word in _OVERFLOW_WORDS):
        return FailureClass.CONTEXT_OVERFLOW
    if any(word in words for word in _BLOCK_WORDS):
        return FailureClass.GUARDRAIL_BLOCK
    return None


def _pydantic_errors(exception: BaseException) -> list[dict[str, object]]:
    errors = getattr(exception, "errors", None)
    if not callable(errors):
        return []
    try:
        found = errors(include_url=False, include_context=False, include_input=False)
    except TypeError:  # not pydantic's `errors`
        return []
    return [error for error in found if isinstance(error, dict)]


def _names(exception: BaseException) -> frozenset[str]:
    return frozenset(cls.__name__ for cls in type(exception).__mro__)


def _library(exception: BaseException) -> str:
    return type(exception).__module__.partition(".")[0]


def _join(location: list[object]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def _number(value: object) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]  # anything may stand in a header; what is no number is skipped
    except (TypeError, ValueError):
        return None
