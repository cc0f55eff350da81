"""What people do with a draft: expert review, the final grade, appeals, and telling the candidate."""

from collections.abc import Mapping
from datetime import datetime

from certtrace import semconv
from certtrace.grading.failures import FailureClass
from certtrace.grading.faults import contained
from certtrace.grading.models import Appeal, Candidate, Draft, ExpertReview
from certtrace.grading.stages.base import Stage, enclosing
from certtrace.grading.stages.capture import SubjectStage
from certtrace.grading.stages.grading import GradingStage
from certtrace.grading.vocabulary import PASS_MARK, Channel, DecidedBy, ReviewDecision


class ReviewStage(SubjectStage):
    """`review.expert`: an expert looks at an AI-graded draft."""

    sha_at_grading = ""
    overdue = False

    @contained
    def rubric(self, *, sha: str, sha_at_grading: str = "") -> None:
        """Record the rubric the expert saw; another one than the grading read is a `rubric_skew`.

        Args:
            sha: Hash of the rubric now.
            sha_at_grading: Hash the grading read; without it the draft's.
        """
        record_rubric(self, sha, sha_at_grading or self.sha_at_grading)

    @contained
    def decided(self, review: ExpertReview) -> None:
        """Record what the expert decided, by whom, in what time, and from which grade to which."""
        self.note(
            {
                semconv.REVIEW_DECISION: ReviewDecision(review.decision),
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

    def _on_open(self) -> None:
        super()._on_open()
        if self.overdue:
            self.warn(FailureClass.REVIEW_OVERDUE, "The review was opened after it was due.")


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
    stage = ReviewStage(
        "review.expert",
        subject_id=subject_id,
        attempt_id=attempt_id,
        candidate=candidate,
        input=draft,
        attributes={
            semconv.REVIEW_OPENED_AT: opened_at,
            semconv.REVIEW_DUE_AT: due_at,
            semconv.REVIEW_MODE: draft.review_mode if draft is not None else None,
            semconv.RUBRIC_SHA: draft.rubric_sha if draft is not None else None,
        },
        headers=headers,
        own_trace=True,
    )
    stage.sha_at_grading = draft.rubric_sha if draft is not None else ""
    stage.overdue = _later(opened_at, due_at)
    return stage


def record_rubric(stage: Stage, sha: str, sha_at_grading: str) -> None:
    """Record the rubric hash seen after grading, and recognise a skew against the grading's.

    Without `sha_at_grading` the hash is taken from the grading around, if there is one.
    """
    grading = enclosing(GradingStage, stage)
    at_grading = sha_at_grading or (grading.rubric_sha if grading is not None else "")
    stage.note({semconv.RUBRIC_SHA: at_grading, semconv.RUBRIC_SHA_AT_REVIEW: sha})
    if grading is not None:
        grading.note({semconv.RUBRIC_SHA_AT_REVIEW: sha})
    if at_grading and sha != at_grading:
        stage.warn(FailureClass.RUBRIC_SKEW, "The rubric is another one than the grading read.")


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
    attributes = final_grade(grade, max_grade, decided_by, pass_mark) | {semconv.GRADE_SUPERSEDES: supersedes}
    with event_stage("grade.finalise", subject_id, attempt_id, attributes) as stage:
        stage.span.score("final_grade", grade)


def appeal_open(appeal: Appeal, *, attempt_id: str = "") -> None:
    """Record the event `appeal.open`: reason and text (redacted)."""
    attributes = {semconv.APPEAL_ID: appeal.id, semconv.APPEAL_REASON: appeal.reason}
    with event_stage("appeal.open", appeal.subject_id, attempt_id, attributes, appeal):
        pass


def appeal_resolve(appeal: Appeal, *, attempt_id: str = "") -> None:
    """Record the event `appeal.resolve`: outcome, new grade, and whether a second reviewer decided it."""
    reviewers = bool(appeal.first_reviewer and appeal.second_reviewer)
    attributes = {
        semconv.APPEAL_ID: appeal.id,
        semconv.APPEAL_REASON: appeal.reason,
        semconv.APPEAL_OUTCOME: appeal.outcome,
        semconv.APPEAL_NEW_GRADE: appeal.new_grade,
        semconv.APPEAL_SECOND_REVIEWER: appeal.first_reviewer != appeal.second_reviewer if reviewers else None,
    }
    with event_stage("appeal.resolve", appeal.subject_id, attempt_id, attributes, appeal):
        pass


def candidate_notify(
    subject_id: str,
    *,
    template: str,
    template_version: str = "",
    channel: Channel | str = Channel.EMAIL,
    attempt_id: str = "",
) -> None:
    """Record the event `candidate.notify`: which template went out through which channel; never the address."""
    attributes = notification(template, template_version, channel)
    with event_stage("candidate.notify", subject_id, attempt_id, attributes):
        pass


def adjustment_notify(
    submission_id: str,
    *,
    template: str,
    template_version: str = "",
    channel: Channel | str = Channel.EMAIL,
    attempt_id: str = "",
) -> None:
    """Record the event `adjustment.notify`: the candidate is told that an expert adjusted the grade."""
    attributes = notification(template, template_version, channel)
    with event_stage("adjustment.notify", submission_id, attempt_id, attributes):
        pass


def final_grade(
    grade: float, max_grade: float | None, decided_by: DecidedBy | str, pass_mark: float = PASS_MARK
) -> dict[str, object]:
    """Return what a final grade records."""
    share = grade / max_grade if max_grade else grade
    return {
        semconv.GRADE: grade,
        semconv.GRADE_MAX: max_grade,
        semconv.GRADE_DECIDED_BY: decided_by,
        semconv.GRADE_PASSED: share >= pass_mark - _ROUNDING,
        semconv.PASS_MARK: pass_mark,
    }


def notification(template: str, template_version: str, channel: Channel | str) -> dict[str, object]:
    """Return what a notification records."""
    return {
        semconv.NOTIFY_TEMPLATE: template,
        semconv.NOTIFY_TEMPLATE_VERSION: template_version,
        semconv.NOTIFY_CHANNEL: channel,
    }


_ROUNDING = 1e-9
"""0.8 of 5 points is 4.000000000000001 to a float; that candidate has passed."""


def event_stage(
    name: str, subject_id: str, attempt_id: str, attributes: Mapping[str, object], input: object = None
) -> SubjectStage:
    """Return an event about an answer, a submission or a test."""
    return SubjectStage(
        name, subject_id=subject_id, attempt_id=attempt_id, as_type="event", input=input, attributes=attributes
    )


def _later(moment: datetime | None, due: datetime | None) -> bool:
    if moment is None or due is None:
        return False
    try:
        return moment > due
    except TypeError:  # one with a time zone, one without: not comparable, so no verdict
        return False
