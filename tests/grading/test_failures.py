"""Exceptions tell their failure class, whichever library raised them."""

import json

import httpx
import orjson
import pydantic
import pytest

from certtrace.grading import FailureClass, classify
from certtrace.grading.failures import by_weight, error_path, retry_after_seconds


class Reply(pydantic.BaseModel):
    grade: float
    criteria: list[dict[str, float]] = []


def raised_by(action):
    try:
        action()
    except Exception as error:
        return error
    pytest.fail("nothing was raised")


def http_error(status: int, body: str = "", headers: dict[str, str] | None = None) -> httpx.HTTPStatusError:
    request = httpx.Request("POST", "http://127.0.0.1/v1/chat/completions")
    response = httpx.Response(status, request=request, text=body, headers=headers)
    return raised_by(response.raise_for_status)


class APIStatusError(Exception):
    """In the shape of the OpenAI and Anthropic clients: a status, a code, a response."""

    def __init__(self, message: str, status: int, code: str | None = None, headers: dict[str, str] | None = None):
        super().__init__(message)
        self.status_code = status
        self.code = code
        self.response = httpx.Response(status, headers=headers)


class RateLimitError(APIStatusError):
    pass


@pytest.mark.parametrize(
    ("error", "error_type", "failure"),
    [
        (TimeoutError(), "timeout", FailureClass.LLM_TIMEOUT),
        (httpx.ReadTimeout("slow"), "timeout", FailureClass.LLM_TIMEOUT),
        (httpx.ConnectTimeout("slow"), "timeout", FailureClass.LLM_TIMEOUT),
        (http_error(429), "429", FailureClass.RATE_LIMITED),
        (RateLimitError("quota", 429, "insufficient_quota"), "429", FailureClass.RATE_LIMITED),
        (http_error(504), "504", FailureClass.LLM_TIMEOUT),
        (http_error(503), "503", FailureClass.PROVIDER_ERROR),
        (http_error(401), "401", None),
        (APIStatusError("no", 400, "context_length_exceeded"), "400", FailureClass.CONTEXT_OVERFLOW),
        (APIStatusError("prompt is too long: 210000 tokens", 400), "400", FailureClass.CONTEXT_OVERFLOW),
        (APIStatusError("no", 400, "content_filter"), "400", FailureClass.GUARDRAIL_BLOCK),
        (APIStatusError("no such parameter", 400), "400", None),
        (raised_by(lambda: json.loads("{")), "json.decoder.JSONDecodeError", FailureClass.MALFORMED_JSON),
        (raised_by(lambda: orjson.loads("{")), "orjson.JSONDecodeError", FailureClass.MALFORMED_JSON),
        (
            raised_by(lambda: Reply.model_validate({"grade": "good"})),
            "pydantic_core._pydantic_core.ValidationError",
            FailureClass.SCHEMA_MISMATCH,
        ),
        (
            raised_by(lambda: Reply.model_validate_json("{")),
            "pydantic_core._pydantic_core.ValidationError",
            FailureClass.MALFORMED_JSON,
        ),
        (ValueError("anything"), "ValueError", None),
        (KeyError("k"), "KeyError", None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_an_exception_tells_its_type_and_class(error, error_type, failure):
    assert classify(error) == (error_type, failure)


def test_a_wrapped_exception_keeps_its_own_type_and_takes_the_class_of_its_cause():
    class GradingError(Exception):
        pass

    def grade():
        try:
            raise httpx.ReadTimeout("slow")
        except httpx.ReadTimeout as error:
            raise GradingError from error

    found = classify(raised_by(grade))
    assert found.error_type.endswith("GradingError")
    assert found.failure is FailureClass.LLM_TIMEOUT


def test_a_suppressed_context_does_not_count():
    def grade():
        try:
            raise TimeoutError
        except TimeoutError:
            raise ValueError("other") from None

    assert classify(raised_by(grade)).failure is None


def test_an_exception_group_takes_the_class_of_what_it_holds():
    group = ExceptionGroup("passes", [ValueError(), http_error(429)])
    assert classify(group).failure is FailureClass.RATE_LIMITED


def test_an_exception_may_say_its_class_itself():
    class OwnError(Exception):
        failure_class = "rubric_missing"

    assert classify(OwnError()).failure is FailureClass.RUBRIC_MISSING


def test_an_unknown_class_that_an_exception_claims_is_ignored():
    class OwnError(Exception):
        failure_class = "phase_of_the_moon"

    assert classify(OwnError()).failure is None


def test_an_exception_that_breaks_when_looked_at_still_has_a_type():
    class HostileError(Exception):
        @property
        def status_code(self):
            raise RuntimeError

        def __str__(self):
            raise RuntimeError

    assert classify(HostileError()) == (HostileError.__qualname__, None)


def test_causes_that_point_at_each_other_end():
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert classify(first) == ("ValueError", None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "20"}, 20.0), ({"retry-after-ms": "1500"}, 1.5), ({"Retry-After": "tomorrow"}, None), ({}, None)],
)
def test_the_wait_a_provider_asks_for_is_read_from_its_headers(headers, seconds):
    assert retry_after_seconds(http_error(429, headers=headers)) == seconds


def test_a_schema_error_says_where_without_the_value():
    error = raised_by(lambda: Reply.model_validate({"grade": 1, "criteria": [{"a": 1}, {"a": "Ann Lee"}]}))
    assert error_path(error) == "criteria[1].a"


def test_a_surplus_key_is_the_models_text_and_not_part_of_the_path():
    class Strict(pydantic.BaseModel, extra="forbid"):
        grade: float

    error = raised_by(lambda: Strict.model_validate({"grade": 1, "Ann Lee wrote": 2}))
    assert error_path(error) is None


def test_every_class_has_a_weight():
    assert set(by_weight(FailureClass)) == set(FailureClass)


def test_a_cause_outweighs_its_symptom():
    assert by_weight([FailureClass.PARTIAL_PASSES, FailureClass.LLM_TIMEOUT])[0] is FailureClass.LLM_TIMEOUT
