"""The Automated Architecture Solution Grading and Review Workers, on asyncio: each criterion in N passes."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from certtrace.demo import bus, messages, prompts
from certtrace.demo.bus import Delivery
from certtrace.demo.capture import identify
from certtrace.demo.excerpts import Piece, excerpt, pieces_of
from certtrace.demo.faults import Fault, request_id
from certtrace.demo.gateway import guardrail
from certtrace.demo.gateway_client import Ask, AsyncGatewayClient
from certtrace.demo.messages import ReviewRequest
from certtrace.demo.people import Person
from certtrace.demo.replies import (
    FAILED_PASSES,
    GradingFailedError,
    ReferenceMissingError,
    failure_of,
    pass_seed,
    read_pass,
)
from certtrace.demo.results import Result
from certtrace.demo.short_answers import TURNAROUND, Workplace
from certtrace.grading import (
    Aggregate,
    DecidedBy,
    Draft,
    Feedback,
    GradingStage,
    ReviewMode,
    Route,
    Rubric,
    RubricCriterion,
    Submission,
    candidate_notify,
    criterion_grade,
    draft_handoff,
    feedback_check,
    feedback_generate,
    grade_aggregate,
    grade_finalise,
    prompt_build,
    prompt_trim,
    rubric_fetch,
    submission_aggregate,
    submission_grade,
)

GROUP = "automated-architecture-solution-grading"
MAX_GRADE = 100.0

_log = logging.getLogger("certtrace.demo")


@dataclass(frozen=True, slots=True)
class CriterionOutcome:
    """One graded criterion."""

    criterion: RubricCriterion
    aggregate: Aggregate
    lost: tuple[str, ...]
    """What its lost passes were lost to."""

    @property
    def graded(self) -> dict[str, object]:
        """Return the criterion for the feedback prompt: no rubric text in it."""
        grade = self.aggregate.grade or 0.0
        return {
            "id": self.criterion.id,
            "grade": grade,
            "max_grade": self.criterion.max_grade,
            "rationale": f"{self.aggregate.valid} of {self.aggregate.planned} passes gave a grade.",
        }


class CaseStudyService:
    """Takes submissions from the topic and grades several at a time on one event loop."""

    def __init__(self, workplace: Workplace, gateway: AsyncGatewayClient, rubric_id: str) -> None:
        """Take the shared services, a gateway client and the rubric to grade by."""
        self._place = workplace
        self._gateway = gateway
        self._rubric_id = rubric_id

    async def run(self, workers: int) -> None:
        """Grade until the topic is closed and drained."""
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            delivery = await asyncio.to_thread(self._place.broker.receive, bus.ARCHITECTURE_SOLUTION_CAPTURE, GROUP)
            if delivery is None:
                return
            try:
                submission, team = messages.decode_submission(delivery.body)
                await self._grade(submission, team, delivery)
            except Exception as error:  # noqa: BLE001 - one submission must not end the service; the trace holds the rest
                _log.info("Grading failed: %s", type(error).__name__)
            self._place.broker.acknowledge(delivery)

    async def _grade(self, submission: Submission, team: list[Person], delivery: Delivery) -> None:
        place = self._place
        key = delivery.headers[messages.IDEMPOTENCY_KEY]
        result = Result(subject_id=submission.id, kind="case study", max_grade=MAX_GRADE)
        grading = submission_grade(
            submission,
            planned=place.policy.passes,
            message=messages.record_of(delivery),
            headers=delivery.headers,
            idempotency_key=key,
            review_mode=ReviewMode.FLAGGED,
            sla_deadline=datetime.now(UTC) + TURNAROUND,
        )
        with place.results.booking(key, result, grading), grading:
            for person in (submission.candidate, *team):
                identify(person)
            result.claimed = place.results.claim(key)
            if not result.claimed:
                grading.duplicate()
                return
            result.trace_id = grading.span.trace_id
            await self._grade_once(submission, grading, result)

    async def _grade_once(self, submission: Submission, grading: GradingStage, result: Result) -> None:
        try:
            rubric = self._fetch(submission)
            pieces = pieces_of(submission.parts)
            outcomes = [await self._criterion(submission, pieces, criterion) for criterion in rubric.criteria]
            with submission_aggregate(threshold=self._place.policy.threshold) as stage:
                result.aggregate = stage.combine(max_grade=MAX_GRADE)
            await self._report(submission, grading, _grade_of(result.aggregate, outcomes), outcomes)
            self._route(submission, grading, result.aggregate)
        except Exception:
            self._hand_off(submission, None, "failed")
            raise

    def _fetch(self, submission: Submission) -> Rubric:
        missing = self._place.plan.of(submission.id) is Fault.MISSING_REFERENCE
        rubric_id = f"{self._rubric_id}-not-released" if missing else self._rubric_id
        with rubric_fetch(rubric_id) as fetch:
            rubric = self._place.database.rubrics.get(rubric_id)
            if rubric is None:
                fetch.missing([rubric_id])
                raise ReferenceMissingError(rubric_id)
            fetch.found(rubric=rubric)
            return rubric

    async def _criterion(
        self, submission: Submission, pieces: list[Piece], criterion: RubricCriterion
    ) -> CriterionOutcome:
        with prompt_trim(model="keyword-excerpt-1") as trim:
            chosen = excerpt(pieces, criterion.text)
            # What a criterion leaves out on purpose is no loss: the parts it keeps are whole.
            trim.trimmed(
                tokens_before=chosen.chars_before // 4, tokens_after=chosen.chars_after // 4, model="keyword-excerpt-1"
            )
        with prompt_build(prompts.GRADE_CRITERION, version=prompts.VERSION) as stage:
            prompt = prompts.criterion(criterion.text, criterion.max_grade, chosen.parts)
            stage.built(prompts.record_of(prompts.GRADE_CRITERION, prompt))
        planned = self._place.policy.passes
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._pass(submission, criterion, prompt, index)) for index in range(1, planned + 1)
            ]
        lost = tuple(failure for task in tasks if (failure := task.result()))
        with grade_aggregate(
            criterion_id=criterion.id, weight=criterion.weight, threshold=self._place.policy.threshold
        ) as aggregate:
            return CriterionOutcome(criterion, aggregate.compute(planned=planned), lost)

    async def _pass(
        self, submission: Submission, criterion: RubricCriterion, prompt: list[dict[str, str]], index: int
    ) -> str:
        """Run one pass and return what it was lost to; empty when it gave a grade."""
        policy = self._place.policy
        seed = pass_seed(policy.seed, submission.id, criterion.id, index)
        ask = Ask(prompt, policy.model, request_id(submission.id, index), temperature=policy.temperature, seed=seed)
        try:
            with criterion_grade(
                criterion, index, policy.passes, temperature=policy.temperature, seed=seed, model=policy.model
            ) as stage:
                read_pass(stage, await self._gateway.complete(ask), criterion.max_grade)
        except FAILED_PASSES as error:
            # The pass is lost, the submission is not: the aggregate sees fewer valid passes.
            return failure_of(error)
        return ""

    async def _report(
        self, submission: Submission, grading: GradingStage, grade: float, outcomes: Sequence[CriterionOutcome]
    ) -> None:
        """Let the Review Worker write the feedback report and check it before anybody sees it."""
        rubric = self._place.database.rubrics[self._rubric_id]
        prompt = prompts.feedback([each.graded for each in outcomes], round(grade, 1), MAX_GRADE)
        record = prompts.record_of(prompts.WRITE_FEEDBACK, prompt)
        with feedback_generate(model=self._place.policy.model, prompt=record) as stage:
            stage.rubric(sha=rubric.sha, sha_at_grading=grading.rubric_sha)
            ask = Ask(prompt, self._place.policy.model, f"{submission.id}/feedback")
            answered = await self._gateway.complete(ask)
            value, _ = prompts.read_reply(answered.completion.content)
            reply = prompts.FeedbackReply.model_validate(value)
            stage.written(Feedback(text=reply.report, stated_grade=reply.stated_grade, rubric_sha=rubric.sha))
        self._check(reply, rubric, round(grade, 1))

    def _check(self, reply: prompts.FeedbackReply, rubric: Rubric, grade: float) -> None:
        secret = "\n".join(criterion.text for criterion in rubric.criteria)
        with feedback_check() as check:
            if guardrail.first_quotation(secret, reply.report):
                check.leaked(["SEC-1"])
            elif reply.stated_grade is not None and abs(reply.stated_grade - grade) > 0.05:
                check.mismatched(stated=reply.stated_grade, graded=grade)
            else:
                check.passed()

    def _route(self, submission: Submission, grading: GradingStage, aggregate: Aggregate) -> None:
        if aggregate.grade is None or aggregate.route is not Route.AUTOMATIC:
            draft = Draft(
                subject_id=submission.id,
                aggregate=aggregate,
                rubric_sha=grading.rubric_sha,
                review_mode=ReviewMode.FLAGGED,
            )
            self._hand_off(submission, draft, aggregate.route_reason.value if aggregate.route_reason else "")
            return
        grade_finalise(
            submission.id,
            aggregate.grade,
            max_grade=MAX_GRADE,
            decided_by=DecidedBy.AI,
            attempt_id=submission.attempt_id,
        )
        candidate_notify(
            submission.id, template="case-study-result", template_version="2", attempt_id=submission.attempt_id
        )

    def _hand_off(self, submission: Submission, draft: Draft | None, reason: str) -> None:
        with draft_handoff(
            draft, queue=bus.ARCHITECTURE_SOLUTION_REVIEW, system=messages.SYSTEM, priority_reason=reason
        ) as stage:
            candidate = submission.candidate
            request = ReviewRequest(
                subject_id=submission.id,
                attempt_id=submission.attempt_id,
                candidate=candidate if isinstance(candidate, Person) else Person(id=submission.id),
                max_grade=MAX_GRADE,
                draft=draft,
            )
            headers: dict[str, str] = {}
            stage.inject(headers)
            body = self._place.reviews.put(request)
            stage.sent(message_id=self._place.broker.publish(bus.ARCHITECTURE_SOLUTION_REVIEW, body, headers))


def _grade_of(aggregate: Aggregate, outcomes: Sequence[CriterionOutcome]) -> float:
    if aggregate.grade is None:
        raise GradingFailedError(aggregate.planned, [failure for outcome in outcomes for failure in outcome.lost])
    return aggregate.grade
