"""Case studies: a submission graded by rubric criterion, and the feedback report."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from certtrace import semconv
from certtrace.grading.confidence import weighted
from certtrace.grading.failures import FailureClass
from certtrace.grading.faults import contained
from certtrace.grading.models import (
    Aggregate,
    Feedback,
    GradingPass,
    Message,
    Prompt,
    RubricCriterion,
    Submission,
)
from certtrace.grading.stages.base import Stage, enclosing
from certtrace.grading.stages.capture import subject_attributes
from certtrace.grading.stages.decision import AggregateStage
from certtrace.grading.stages.grading import GradingStage, grading_attributes
from certtrace.grading.stages.passes import PassStage
from certtrace.grading.stages.prompting import FetchStage
from certtrace.grading.stages.review import record_rubric
from certtrace.grading.vocabulary import CONFIDENCE_THRESHOLD, ReviewMode


class SubmissionGradingStage(GradingStage):
    """`submission.grade`: the root of one case study."""

    truncated = False

    def _on_open(self) -> None:
        super()._on_open()
        if self.truncated:
            self.warn(FailureClass.CONTEXT_OVERFLOW, "Parts of the submission did not fit into the context.")


class SubmissionAggregateStage(AggregateStage):
    """`submission.aggregate`: the criteria's aggregates become the grade of the submission."""

    def combine(self, *, max_grade: float | None = None, review_mode: ReviewMode | None = None) -> Aggregate:
        """Combine the criteria of the grading around with the reference formula `weighted` and record the result."""
        grading = enclosing(GradingStage, self)
        criteria = list(grading.criteria.values()) if grading is not None else []
        mode = review_mode or (grading.review_mode if grading is not None else None) or ReviewMode.FLAGGED
        result = weighted(criteria, max_grade=max_grade, threshold=self.threshold, review_mode=mode)
        self.note({semconv.REVIEW_MODE: mode})
        self.decided(result)
        return result


class FeedbackStage(Stage):
    """`feedback.generate`: the Review Worker writes the feedback report."""

    @contained
    def rubric(self, *, sha: str, sha_at_grading: str = "") -> None:
        """Record the rubric the Review Worker read; another one than the grading's is a `rubric_skew`.

        Args:
            sha: Hash of the rubric now.
            sha_at_grading: Hash the grading read; needed where the grading ran in another process.
        """
        record_rubric(self, sha, sha_at_grading)

    @contained
    def written(self, feedback: Feedback) -> None:
        """Record the report and the grade it states."""
        self.note({semconv.FEEDBACK_STATED_GRADE: feedback.stated_grade})
        self.span.update(output=feedback)


class FeedbackCheckStage(Stage):
    """`feedback.check`: does the report quote exam content, does it state another grade?"""

    @contained
    def passed(self) -> None:
        """Record that the report may go out."""
        self.note({semconv.FEEDBACK_CHECK: "passed"})

    @contained
    def failed(self) -> None:
        """Record that the report must not go out, where the check does not say why."""
        self.note({semconv.FEEDBACK_CHECK: "failed"})

    @contained
    def leaked(self, rules: Iterable[str] = ()) -> None:
        """Record that the report quotes exam content: class `exam_secret_leak`.

        Args:
            rules: Ids of the rules that matched; never the text they matched.
        """
        found = FailureClass.EXAM_SECRET_LEAK
        self.note({semconv.FEEDBACK_CHECK: found, semconv.GUARDRAIL_RULES: list(rules) or None})
        self.warn(found, "The feedback report quotes exam content.")

    @contained
    def mismatched(self, *, stated: float | None = None, graded: float | None = None) -> None:
        """Record that the report states another grade than was given: class `score_mismatch`."""
        found = FailureClass.SCORE_MISMATCH
        self.note({semconv.FEEDBACK_CHECK: found, semconv.FEEDBACK_STATED_GRADE: stated, semconv.GRADE: graded})
        self.warn(found, "The feedback report states another grade than was given.")


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

    Args:
        submission: What is graded; its `id` is how on-call finds the trace.
        planned: How many passes are planned over all criteria.
        message: The message that brought the submission.
        headers: Its headers; the trace joins the capture's and links to it.
        idempotency_key: Same key, same grading: how a duplicate is told.
        review_mode: Which drafts an expert sees.
        sla_deadline: When the grade has to be out.
        context_tokens: How many tokens the submission takes.
        truncated: Whether parts of it did not fit: class `context_overflow`.
        seed: Business id from which the trace id is derived.
    """
    stage = SubmissionGradingStage(
        "submission.grade",
        planned=planned,
        review_mode=review_mode,
        message=message,
        subject_id=submission.id,
        attempt_id=submission.attempt_id,
        candidate=submission.candidate,
        input=submission,
        attributes={
            **subject_attributes(submission),
            **grading_attributes(planned, message, idempotency_key, review_mode, sla_deadline),
            semconv.CONTEXT_TOKENS: context_tokens,
            semconv.CONTEXT_TRUNCATED: truncated,
        },
        headers=headers,
        seed=seed,
    )
    stage.truncated = bool(truncated)
    return stage


def rubric_fetch(rubric_id: str = "", *, case_study_id: str = "") -> FetchStage:
    """Open `rubric.fetch`: read the marking rubric and model answers."""
    return FetchStage(
        "rubric.fetch",
        as_type="retriever",
        attributes={semconv.RUBRIC_ID: rubric_id, semconv.CASE_STUDY_ID: case_study_id},
    )


def criterion_grade(
    criterion: RubricCriterion | str,
    index: int | None = None,
    planned: int = 1,
    *,
    temperature: float | None = None,
    seed: int | None = None,
    model: str = "",
) -> PassStage:
    """Open `criterion.grade`: pass `index` (1 for the first) of `planned` over one rubric criterion.

    Without an index it is the next one of this criterion in the grading around.
    """
    known = criterion if isinstance(criterion, RubricCriterion) else RubricCriterion(id=criterion)
    grading = enclosing(GradingStage)
    number = index if index is not None else grading.next_index(known.id) if grading is not None else 1
    return PassStage(
        "criterion.grade",
        GradingPass(
            index=number, planned=planned, temperature=temperature, seed=seed, model=model, criterion_id=known.id
        ),
        {semconv.CRITERION_WEIGHT: known.weight},
    )


def submission_aggregate(*, threshold: float = CONFIDENCE_THRESHOLD) -> SubmissionAggregateStage:
    """Open `submission.aggregate`: weighted over the criteria."""
    return SubmissionAggregateStage("submission.aggregate", threshold=threshold)


def feedback_generate(*, model: str = "", prompt: Prompt | None = None) -> FeedbackStage:
    """Open `feedback.generate` in the Automated Architecture Solution Review Worker."""
    return FeedbackStage(
        "feedback.generate",
        as_type="generation",
        attributes={
            semconv.GEN_AI_REQUEST_MODEL: model,
            semconv.PROMPT_NAME: prompt.name if prompt is not None else None,
            semconv.PROMPT_VERSION: prompt.version if prompt is not None else None,
            semconv.PROMPT_SHA: prompt.sha if prompt is not None else None,
        },
    )


def feedback_check() -> FeedbackCheckStage:
    """Open `feedback.check`: no exam secret, no score mismatch."""
    return FeedbackCheckStage("feedback.check", as_type="guardrail")
