"""From a gateway's answer to a grade: what both grading workers do with a completion."""

import random
from collections.abc import Sequence
from json import JSONDecodeError
from typing import Final

import httpx
from pydantic import ValidationError

from certtrace.demo import prompts
from certtrace.demo.gateway_client import Answered, GatewayError
from certtrace.demo.openai_protocol import ApiError
from certtrace.grading import PassStage, classify, grade_parse

FAILED_PASSES: Final = (
    GatewayError,
    ApiError,
    httpx.HTTPError,
    JSONDecodeError,
    ValidationError,
    prompts.GradeOutOfRangeError,
)
"""What may go wrong in one pass without ending the grading."""


class ReferenceMissingError(LookupError):
    """The Graded Database does not hold what this grading needs."""

    def __init__(self, reference_id: str) -> None:
        """Take the id of the model answer or rubric; it is not personal."""
        super().__init__(f"The Graded Database does not hold {reference_id}. Release it there, then grade again.")


class GradingFailedError(Exception):
    """No pass gave a grade: an expert has to grade from nothing."""

    def __init__(self, planned: int, lost: Sequence[str]) -> None:
        """Take what each pass was lost to; the most frequent names the grading's failure."""
        super().__init__(f"None of {planned} passes gave a grade ({', '.join(lost) or 'no pass ran'}).")
        self.failure_class = max(lost, key=lost.count, default=None)


def failure_of(error: BaseException) -> str:
    """Return the failure class of an exception, or the exception's own."""
    return classify(error).failure or type(error).__name__


def pass_seed(seed: int, *parts: object) -> int:
    """Return the model's seed for one pass: same run seed and same pass, same reply."""
    return random.Random("|".join(map(str, (seed, *parts)))).getrandbits(31)  # noqa: S311 - repeatable, not secret


def read_pass(stage: PassStage, answered: Answered, max_grade: float) -> None:
    """Parse the reply inside `grade.parse` and record the pass.

    Raises:
        json.JSONDecodeError: The reply is no JSON.
        pydantic.ValidationError: Its shape is wrong.
        GradeOutOfRangeError: Its grade exceeds the maximum.
    """
    stage.received(answered.headers)
    stage.answered_by(answered.completion.model)
    with grade_parse(prompts.GRADE_SCHEMA, version=prompts.SCHEMA_VERSION) as parse:
        value, repairs = prompts.read_reply(answered.completion.content)
        reply = prompts.read_grade(value, max_grade)
        parse.valid(repairs=repairs)
    stage.graded(grade=reply.grade, max_grade=max_grade, self_confidence=reply.confidence, rationale=reply.rationale)
