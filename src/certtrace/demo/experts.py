"""Expert review, simulated: a Manual Grader Service whose experts decide by the human scores of the input data."""

import logging
import random
from datetime import UTC, datetime, timedelta

import certtrace
from certtrace.demo.bus import Broker, Delivery
from certtrace.demo.capture import identify
from certtrace.demo.messages import ReviewQueue, ReviewRequest, idempotency_key
from certtrace.demo.people import Expert
from certtrace.demo.results import Results
from certtrace.grading import DecidedBy, ExpertReview, ReviewDecision, grade_finalise, review_expert

GROUP = "manual-grading"
SHARE_REVIEWED = 0.6
"""The rest of the drafts stays in the queue, as on any evening."""
_SAME = 0.1
_ADJUSTED = 0.3
"""Shares of the maximum up to which a changed grade is the same, or an adjustment rather than an override."""

_log = logging.getLogger("certtrace.demo")


class ExpertDesk:
    """Reviews the drafts of one queue, each in a trace of its own that links to the grading."""

    def __init__(self, broker: Broker, queue: ReviewQueue, results: Results, experts: list[Expert], seed: int) -> None:
        """Take the queue and who works on it; `seed` decides what is reviewed today."""
        self._broker = broker
        self._queue = queue
        self._results = results
        self._experts = experts
        self._seed = seed

    def run(self, topic: str) -> None:
        """Review until the queue is closed and drained."""
        while (delivery := self._broker.receive(topic, GROUP)) is not None:
            request = self._queue.take(delivery)
            chance = random.Random(f"{self._seed}|{request.subject_id}")  # noqa: S311 - repeatable, not secret
            if chance.random() < SHARE_REVIEWED:
                try:
                    self._review(request, delivery, chance)
                except Exception as error:  # noqa: BLE001 - one review must not end the desk
                    _log.error("A review failed: %s", type(error).__name__)
            self._broker.acknowledge(delivery)

    def _review(self, request: ReviewRequest, delivery: Delivery, chance: random.Random) -> None:
        expert = chance.choice(self._experts)
        active = timedelta(seconds=chance.uniform(40, 400))
        opened = datetime.now(UTC)
        with review_expert(
            request.subject_id,
            attempt_id=request.attempt_id,
            draft=request.draft,
            candidate=request.candidate,
            headers=delivery.headers,
            opened_at=opened,
        ) as stage:
            identify(request.candidate)
            certtrace.identify(role="expert", name=expert.name, username=expert.login)
            if request.draft is not None and request.draft.rubric_sha:
                stage.rubric(sha=request.draft.rubric_sha, sha_at_grading=request.draft.rubric_sha)
            review = _decide(request, expert, opened, active)
            stage.decided(review)
            if review.after is not None:
                grade_finalise(
                    request.subject_id,
                    review.after,
                    max_grade=request.max_grade,
                    decided_by=DecidedBy.AI_AND_HUMAN if request.draft else DecidedBy.HUMAN,
                    attempt_id=request.attempt_id,
                )
                self._results.reviewed(idempotency_key(request.subject_id), review.after)


def _decide(request: ReviewRequest, expert: Expert, opened: datetime, active: timedelta) -> ExpertReview:
    before = request.draft.aggregate.grade if request.draft else None
    after = request.human_score if request.human_score is not None else before
    if before is None or after is None:
        decision = ReviewDecision.OVERRIDE if after is not None else ReviewDecision.REJECT
    else:
        moved = abs(after - before) / request.max_grade
        decision = (
            ReviewDecision.APPROVE
            if moved <= _SAME
            else ReviewDecision.ADJUST
            if moved <= _ADJUSTED
            else ReviewDecision.OVERRIDE
        )
    who = request.candidate.name or "the candidate"
    return ExpertReview(
        decision=decision,
        reviewer=expert.name,
        before=before,
        after=after,
        max_grade=request.max_grade,
        reason_code=decision.value,
        comment=f"Read twice; told {who} through the portal. {expert.name}",
        opened_at=opened,
        decided_at=opened + active,
        active_seconds=round(active.total_seconds(), 1),
        ai_grade_shown=request.draft is not None,
    )
