"""What people do with a draft: expert review, the final grade, appeals, and telling the candidate."""

from collections.abc import Mapping
from datetime import datetime

from certtrace import semconv
from certtrace.grading.failures import FailureClass
from certtrace.grading.faults import contained
from certtrace.grading.models import Appeal, Candidate, Draft, ExpertReview
from certtrace.grading.stages.base import Stage
from certtrace.grading.stages.capture import SubjectStage
from certtrace.grading.vocabulary import PASS_MARK, Channel, DecidedBy


class ReviewStage(SubjectStage):
    """`review.expert`: an expert looks at an AI-graded draft."""

    @contained
    def rubric(self, *, sha: str, sha_at_grading: str = "") -> None:
        """Record the rubric the expert saw; another one than the grading read is a `rubric_skew`."""
        record_rubric(self, sha, sha_at_grading)

    @contained
    def decided(self, review: ExpertReview) -> None:
        """Record what the expert decided, by whom, in what time, and from which grade to which."""
        self._set(
            {
                semconv.REVIEW_DECISION: review.decision,
                semconv.REVIEW_BEFORE: review.before,
                semconv.REVIEW_AFTER: review.after,
                semconv.REVIEW_DELTA: review.delta,
                semconv.REVIEW_REASON_CODE: review.reason_code,
                semconv.REVIEW_OPENED_AT: review.opened_at,
                semconv.REVIEW_DECIDED_AT: review.decided_at,
                semconv.REVIEW_ACTIVE_SECONDS: review.active_seconds,
                semconv.REVIEW_AI_GRADE_SHOWN: review.ai_grade_shown,
                semconv.GRADE_MAX: review.max_grade,
            }
        )
        self.span.update(output=review)
        if review.after is not None:
            self.span.score("expert_grade", review.after)


def review_expert(
    subject_id: str,
    *,
    attempt_id: str = "",
    draft: Draft | None = None,
    candidate: Candidate | None = None,
    headers: Mapping[str, str] | None = None,
    opened_at: datetime | None = None,
    due_at: datetime | None = None,
) -> ReviewStage:
    """Open `review.expert` in a Manual Grader Service: a trace of its own that links to the grading.

    Args:
        subject_id: Id of the answer or submission.
        attempt_id: Id of the test attempt.
        draft: What the expert got.
        candidate: Whose it is, for redaction.
        headers: Headers of the hand-off message.
        opened_at: When the expert opened the draft.
        due_at: When the review was due; opened later is `review_overdue`.
    """
    raise NotImplementedError


def record_rubric(stage: Stage, sha: str, sha_at_grading: str) -> None:
    """Record the rubric hash seen after grading, and recognise a skew against the grading's."""
    raise NotImplementedError


def grade_finalise(
    subject_id: str,
    grade: float,
    *,
    max_grade: float | None = None,
    decided_by: DecidedBy | str = DecidedBy.AI_AND_HUMAN,
    supersedes: str = "",
    attempt_id: str = "",
    pass_mark: float = PASS_MARK,
) -> None:
    """Record the event `grade.finalise`: the final grade, who stands behind it, and its side of the pass mark.

    Args:
        subject_id: Id of the answer, submission or test.
        grade: Points.
        max_grade: Highest possible points; without it `grade` is a share.
        decided_by: `human`, `ai+human` or `ai`.
        supersedes: Trace id of the final grade this one replaces, after an appeal.
        attempt_id: Id of the test attempt.
        pass_mark: Share of `max_grade` that passes.
    """
    raise NotImplementedError


def appeal_open(appeal: Appeal, *, attempt_id: str = "") -> None:
    """Record the event `appeal.open`: reason and text (redacted)."""
    raise NotImplementedError


def appeal_resolve(appeal: Appeal, *, attempt_id: str = "") -> None:
    """Record the event `appeal.resolve`: outcome, new grade, and whether a second reviewer decided it."""
    raise NotImplementedError


def candidate_notify(
    subject_id: str,
    *,
    template: str,
    template_version: str = "",
    channel: Channel | str = Channel.EMAIL,
    attempt_id: str = "",
) -> None:
    """Record the event `candidate.notify`: which template went out through which channel; never the address."""
    raise NotImplementedError


_ = FailureClass
