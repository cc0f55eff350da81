"""Case studies: a submission graded by rubric criterion, and the feedback report."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from certtrace.grading.confidence import weighted
from certtrace.grading.faults import contained
from certtrace.grading.models import Aggregate, Feedback, Message, Prompt, RubricCriterion, Submission
from certtrace.grading.stages.base import Stage
from certtrace.grading.stages.decision import AggregateStage
from certtrace.grading.stages.passes import FetchStage, GradingStage, PassStage
from certtrace.grading.vocabulary import CONFIDENCE_THRESHOLD, Channel, ReviewMode


class SubmissionAggregateStage(AggregateStage):
    """`submission.aggregate`: the criteria's aggregates become the grade of the submission."""

    def combine(self, *, max_grade: float | None = None, review_mode: ReviewMode = ReviewMode.FLAGGED) -> Aggregate:
        """Combine the criteria of the grading around with the reference formula `weighted` and record the result."""
        raise NotImplementedError


class FeedbackStage(Stage):
    """`feedback.generate`: the Review Worker writes the feedback report."""

    @contained
    def rubric(self, *, sha: str, sha_at_grading: str = "") -> None:
        """Record the rubric the Review Worker read; another one than the grading's is a `rubric_skew`."""

    @contained
    def written(self, feedback: Feedback) -> None:
        """Record the report; its text is an exam secret until `feedback.check` has passed it."""


class FeedbackCheckStage(Stage):
    """`feedback.check`: does the report quote exam content, does it state another grade?"""

    @contained
    def passed(self) -> None:
        """Record that the report may go out."""

    @contained
    def leaked(self, rules: Iterable[str] = ()) -> None:
        """Record that the report quotes exam content: class `exam_secret_leak`."""

    @contained
    def mismatched(self, *, stated: float | None = None, graded: float | None = None) -> None:
        """Record that the report states another grade than was given: class `score_mismatch`."""


def submission_grade(  # noqa: PLR0913 - what is known when a grading begins, all optional
    submission: Submission,
    *,
    planned: int = 0,
    message: Message | None = None,
    headers: Mapping[str, str] | None = None,
    idempotency_key: str = "",
    review_mode: ReviewMode | None = None,
    sla_deadline: datetime | None = None,
    context_tokens: int | None = None,
    truncated: bool | None = None,
    seed: str | None = None,
) -> GradingStage:
    """Open `submission.grade` in the Automated Architecture Solution Grading Worker.

    Args as for `answer_grade`, and:
        context_tokens: How many tokens the submission takes.
        truncated: Whether parts of it did not fit: class `context_overflow`.
    """
    raise NotImplementedError


def rubric_fetch(rubric_id: str = "", *, case_study_id: str = "") -> FetchStage:
    """Open `rubric.fetch`: read the marking rubric and model answers."""
    raise NotImplementedError


def criterion_grade(
    criterion: RubricCriterion | str,
    index: int,
    planned: int | None = None,
    *,
    temperature: float | None = None,
    seed: int | None = None,
    model: str = "",
) -> PassStage:
    """Open `criterion.grade`: pass `index` (1 for the first) of `planned` over one rubric criterion."""
    raise NotImplementedError


def submission_aggregate(*, threshold: float = CONFIDENCE_THRESHOLD) -> SubmissionAggregateStage:
    """Open `submission.aggregate`: weighted over the criteria."""
    raise NotImplementedError


def feedback_generate(*, model: str = "", prompt: Prompt | None = None) -> FeedbackStage:
    """Open `feedback.generate` in the Automated Architecture Solution Review Worker."""
    raise NotImplementedError


def feedback_check() -> FeedbackCheckStage:
    """Open `feedback.check`: no exam secret, no score mismatch."""
    raise NotImplementedError


def adjustment_notify(
    submission_id: str,
    *,
    template: str,
    template_version: str = "",
    channel: Channel | str = Channel.EMAIL,
    attempt_id: str = "",
) -> None:
    """Record the event `adjustment.notify`: the candidate is told that an expert adjusted the grade."""
    raise NotImplementedError


_ = weighted
