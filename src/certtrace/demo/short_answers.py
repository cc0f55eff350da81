"""The Automated Short Answer Grading Worker: a thread that takes answers from the topic and grades them in N passes."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from certtrace.demo import bus, messages, prompts
from certtrace.demo.bus import Broker, Delivery
from certtrace.demo.capture import identify
from certtrace.demo.exam import GradedDatabase, GradedPair
from certtrace.demo.faults import CACHE_FAULTS, Fault, FaultPlan, request_id
from certtrace.demo.gateway_client import Ask, GatewayClient
from certtrace.demo.messages import ReviewQueue, ReviewRequest
from certtrace.demo.people import Person
from certtrace.demo.replies import (
    FAILED_PASSES,
    GradingFailedError,
    ReferenceMissingError,
    failure_of,
    pass_seed,
    read_pass,
)
from certtrace.demo.results import Result, Results
from certtrace.grading import (
    Aggregate,
    Answer,
    DecidedBy,
    Draft,
    Question,
    Reference,
    ReviewMode,
    Route,
    answer_grade,
    draft_handoff,
    grade_aggregate,
    grade_finalise,
    grade_pass,
    prompt_build,
    reference_fetch,
)

GROUP = "automated-short-answer-grading"
TURNAROUND = timedelta(days=7)

_log = logging.getLogger("certtrace.demo")


@dataclass(frozen=True, slots=True, kw_only=True)
class GradingPolicy:
    """How answers are graded."""

    passes: int = 3
    threshold: float = 0.7
    temperature: float = 0.7
    seed: int = 0
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What every worker shares."""

    broker: Broker
    database: GradedDatabase
    plan: FaultPlan
    policy: GradingPolicy
    results: Results
    reviews: ReviewQueue
    human_scores: dict[str, float]
    max_grades: dict[str, float]
    """Highest possible points by answer, also where the reference that says so is missing."""


class ShortAnswerWorker:
    """One worker; several run on the same topic and consumer group."""

    def __init__(self, workplace: Workplace, gateway: GatewayClient) -> None:
        """Take the shared services and a gateway client."""
        self._place = workplace
        self._gateway = gateway

    def run(self) -> None:
        """Grade until the topic is closed and drained."""
        broker = self._place.broker
        while (delivery := broker.receive(bus.SHORT_ANSWER_CAPTURE, GROUP)) is not None:
            acknowledged = True
            try:
                answer = messages.decode_answer(delivery.body)
                acknowledged = delivery.attempt > 1 or self._place.plan.of(answer.id) is not Fault.REDELIVERY
                self._grade(answer, delivery)
            except Exception as error:  # noqa: BLE001 - one answer must not end the worker; the trace holds the rest
                _log.info("Grading failed: %s", type(error).__name__)
            if acknowledged:
                broker.acknowledge(delivery)
            else:
                broker.redeliver(delivery)

    def _grade(self, answer: Answer, delivery: Delivery) -> None:
        place = self._place
        key = delivery.headers[messages.IDEMPOTENCY_KEY]
        result = Result(
            subject_id=answer.id,
            kind="answer",
            max_grade=place.max_grades[answer.id],
            human_score=place.human_scores.get(answer.id),
        )
        grading = answer_grade(
            answer,
            planned=place.policy.passes,
            message=messages.record_of(delivery),
            headers=delivery.headers,
            idempotency_key=key,
            review_mode=ReviewMode.FLAGGED,
            sla_deadline=datetime.now(UTC) + TURNAROUND,
        )
        with place.results.booking(key, result, grading), grading:
            identify(answer.candidate)
            result.claimed = place.results.claim(key)
            if not result.claimed:
                grading.duplicate()
                return
            result.trace_id = grading.span.trace_id
            self._grade_once(answer, result)

    def _grade_once(self, answer: Answer, result: Result) -> None:
        try:
            pair = self._fetch(answer)
            result.max_grade = pair.max_grade
            prompt = self._build(answer, pair)
            passes = range(1, self._place.policy.passes + 1)
            lost = [failure for index in passes if (failure := self._pass(answer, pair, prompt, index))]
            result.aggregate = self._aggregate()
            self._route(answer, result, lost)
        except Exception:
            self._hand_off(answer, result, None, "failed")
            raise

    def _fetch(self, answer: Answer) -> GradedPair:
        with reference_fetch(answer.question_id, question_version=answer.question_version) as fetch:
            pair = self._place.database.pair(answer.question_id, answer.question_version)
            if pair is None:
                reference_id = f"{answer.question_id}@{answer.question_version}"
                fetch.missing([reference_id])
                raise ReferenceMissingError(reference_id)
            reference = Reference(
                id=f"{pair.question_id}@{pair.version}",
                question_id=pair.question_id,
                version=pair.version,
                answer=pair.reference_answer,
                max_grade=pair.max_grade,
            )
            fetch.found([reference])
            # Marked as exam content once, the question is recognised in every prompt of this trace.
            fetch.span.update(metadata={"question": Question(id=pair.question_id, text=pair.question)})
            return pair

    def _build(self, answer: Answer, pair: GradedPair) -> list[dict[str, str]]:
        with prompt_build(prompts.GRADE_SHORT_ANSWER, version=prompts.VERSION) as stage:
            prompt = prompts.short_answer(pair.question, pair.reference_answer, pair.max_grade, answer.text)
            stage.built(prompts.record_of(prompts.GRADE_SHORT_ANSWER, prompt))
            return prompt

    def _pass(self, answer: Answer, pair: GradedPair, prompt: list[dict[str, str]], index: int) -> str:
        """Run one pass and return what it was lost to; empty when it gave a grade."""
        policy = self._place.policy
        seed = pass_seed(policy.seed, answer.id, index)
        ask = Ask(
            prompt,
            policy.model,
            request_id(answer.id, index),
            temperature=policy.temperature,
            seed=seed,
            allow_cache=self._place.plan.of(answer.id) in CACHE_FAULTS,
        )
        try:
            with grade_pass(index, temperature=policy.temperature, seed=seed, model=policy.model) as stage:
                answered = self._gateway.complete(ask)
                read_pass(stage, answered, pair.max_grade)
        except FAILED_PASSES as error:
            # The pass is lost, the answer is not: the aggregate sees fewer valid passes and sends it to an expert.
            return failure_of(error)
        return ""

    def _aggregate(self) -> Aggregate:
        with grade_aggregate(threshold=self._place.policy.threshold) as stage:
            return stage.compute(planned=self._place.policy.passes)

    def _route(self, answer: Answer, result: Result, lost: Sequence[str]) -> None:
        aggregate = result.aggregate
        if aggregate is None or aggregate.grade is None:
            raise GradingFailedError(self._place.policy.passes, lost)
        if aggregate.route is Route.AUTOMATIC:
            grade_finalise(
                answer.id,
                aggregate.grade,
                max_grade=result.max_grade,
                decided_by=DecidedBy.AI,
                attempt_id=answer.attempt_id,
            )
            return
        reason = aggregate.route_reason.value if aggregate.route_reason else ""
        self._hand_off(answer, result, Draft(subject_id=answer.id, aggregate=aggregate), reason)

    def _hand_off(self, answer: Answer, result: Result, draft: Draft | None, reason: str) -> None:
        with draft_handoff(
            draft, queue=bus.SHORT_ANSWER_REVIEW, system=messages.SYSTEM, priority_reason=reason
        ) as stage:
            request = ReviewRequest(
                subject_id=answer.id,
                attempt_id=answer.attempt_id,
                candidate=answer.candidate if isinstance(answer.candidate, Person) else Person(id=answer.id),
                max_grade=result.max_grade,
                draft=draft,
                human_score=result.human_score,
            )
            headers: dict[str, str] = {}
            stage.inject(headers)
            body = self._place.reviews.put(request)
            stage.sent(message_id=self._place.broker.publish(bus.SHORT_ANSWER_REVIEW, body, headers))
