"""`answer.grade`: the root of one grading, which collects what its passes and its aggregate say."""

import itertools
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from certtrace import semconv
from certtrace.grading.failures import FailureClass
from certtrace.grading.faults import contained
from certtrace.grading.models import Aggregate, Answer, GradingPass, Message, Prompt, Question
from certtrace.grading.stages.capture import SubjectStage, message_attributes, subject_attributes
from certtrace.grading.vocabulary import COST_BUDGET_USD, GradingOutcome, ReviewMode

_STANDING = frozenset(
    {
        FailureClass.CACHE_REUSE,
        FailureClass.PROMPT_INJECTION,
        FailureClass.PROMPT_TRIM_LOSS,
        FailureClass.SILENT_MODEL_CHANGE,
        FailureClass.CONTEXT_OVERFLOW,
    }
)
"""What stays wrong although the pass gave a grade."""


class GradingStage(SubjectStage):
    """`answer.grade` or `submission.grade`: the root that collects what its passes and its aggregate said."""

    def __init__(
        self,
        name: str,
        *,
        planned: int = 0,
        message: Message | None = None,
        answer_text: str = "",
        review_mode: ReviewMode | None = None,
        **given: Any,
    ) -> None:
        """Take the number of planned passes, the message that brought the work, and what `SubjectStage` takes."""
        super().__init__(name, as_type="chain", kind="consumer", **given)
        self.planned = planned
        self.review_mode = review_mode
        self._passes: dict[tuple[str, int], GradingPass] = {}
        self._lock = threading.Lock()  # passes may run in threads
        self.criteria: dict[str, tuple[float, Aggregate]] = {}
        """Per rubric criterion its weight and aggregate (case study)."""
        self.rubric_sha = ""
        """Hash of the rubric that this grading read."""
        self.prompt: Prompt | None = None
        """The prompt that was built last, without its text."""
        self.cost_usd = 0.0
        self.started = 0
        """How many passes were begun."""
        self.answer_text = answer_text
        """What the candidate wrote, to see whether a trimmed prompt still holds it."""
        self._message = message
        self._of_passes: dict[tuple[str, int], list[FailureClass]] = {}
        self._indices: dict[str, itertools.count[int]] = {}
        self._drafted = False
        self._from_below = False
        self._outcome: GradingOutcome | None = None

    @property
    def passes(self) -> list[GradingPass]:
        """Every pass that has ended; of one that was tried again, the last try."""
        return list(self._passes.values())

    def begun(self) -> None:
        """Count a pass that begins."""
        with self._lock:
            self.started += 1

    def spent(self, cost_usd: float) -> None:
        """Add the cost of a model call."""
        with self._lock:
            self.cost_usd += cost_usd

    @contained
    def duplicate(self) -> None:
        """Record that this delivery was recognised as one already graded, and skipped."""
        self._outcome = GradingOutcome.DUPLICATE

    def _on_open(self) -> None:
        super()._on_open()
        if self._message is not None and self._message.delivery_attempt > 1:
            self.warn(FailureClass.REDELIVERY, f"Delivery attempt {self._message.delivery_attempt}.")

    def _on_close(self, exc: BaseException | None) -> None:
        self._settle()
        self.note(
            {
                semconv.PASSES_STARTED: self.started,
                semconv.PASSES_VALID: sum(each.valid for each in self.passes),
                semconv.PASSES_INDEPENDENT: sum(each.valid and each.independent for each in self.passes),
                semconv.GRADING_OUTCOME: self._ended_as(exc),
                semconv.COST_USD: self.cost_usd or None,
            }
        )
        if self.cost_usd > COST_BUDGET_USD:
            self.warn(FailureClass.COST_SPIKE, f"One grading cost more than {COST_BUDGET_USD:.2f} USD.")

    def _ended_as(self, exc: BaseException | None) -> GradingOutcome | None:
        if self._outcome is not None:
            return self._outcome
        if self._drafted:
            return GradingOutcome.DRAFTED
        return GradingOutcome.FAILED if exc is not None or self.started else None

    def _reported(self, failure: FailureClass) -> None:
        self._from_below = True
        self.recognised(failure)

    def _show_warnings(self) -> None:
        if self._from_below:
            self._warnings = [", ".join(self.failures)]
        super()._show_warnings()

    @property
    def has_decision(self) -> bool:
        """Tell whether the grade of the whole is known."""
        return self._drafted

    def completed(self, aggregate: Aggregate, criterion_id: str = "") -> Aggregate:
        """Fill in what a host's own aggregate does not say about its passes; one that says it stays as it is."""
        if aggregate.planned or aggregate.valid:
            return aggregate
        passes = [each for each in self.passes if each.criterion_id == criterion_id]
        valid = [each for each in passes if each.valid]
        return replace(
            aggregate,
            grades=aggregate.grades or tuple(each.grade for each in valid if each.grade is not None),
            planned=max((each.planned for each in passes), default=0),
            valid=len(valid),
            independent=sum(each.independent for each in valid),
        )

    def next_index(self, criterion_id: str = "") -> int:
        """Return the index of a pass whose host does not count; each call counts one further."""
        return next(self._indices.setdefault(criterion_id, itertools.count(1)))

    def ended(self, record: GradingPass, failures: Iterable[FailureClass]) -> None:
        """Take a pass that has ended; a repeated index replaces the earlier try."""
        key = (record.criterion_id, record.index)
        with self._lock:
            self._passes[key] = record
            self._of_passes.setdefault(key, []).extend(failures)

    def _settle(self) -> None:
        """Tell failures that cost a pass from those that a retry made good."""
        valid = {(each.criterion_id, each.index) for each in self.passes if each.valid}
        recovered: list[FailureClass] = []
        for key, failures in self._of_passes.items():
            for failure in failures:
                if key not in valid or failure in _STANDING:
                    self._reported(failure)
                elif failure not in recovered:
                    recovered.append(failure)
        if recovered:
            self.note({semconv.FAILURE_RECOVERED: [each.value for each in recovered]})

    def decided(self, aggregate: Aggregate) -> None:
        """Take the aggregate of the whole grading: grade and confidence show on the root and as Langfuse scores."""
        self._drafted = aggregate.grade is not None
        self.note(
            {
                semconv.GRADE: aggregate.grade,
                semconv.GRADE_MAX: aggregate.max_grade,
                semconv.CONFIDENCE: aggregate.confidence,
                semconv.ROUTE: aggregate.route,
                semconv.ROUTE_REASON: aggregate.route_reason,
                semconv.PASSES_PLANNED: aggregate.planned or None,
            }
        )
        self.span.update(output=aggregate)
        for name, value in (("grade", aggregate.grade), ("confidence", aggregate.confidence)):
            if value is not None:
                self.span.score(name, value)


def answer_grade(  # noqa: PLR0913 - what is known when a grading begins, all optional
    answer: Answer,
    *,
    question: Question | None = None,
    planned: int = 0,
    message: Message | None = None,
    headers: Mapping[str, str] | None = None,
    idempotency_key: str = "",
    review_mode: ReviewMode | None = None,
    sla_deadline: datetime | None = None,
    seed: str | None = None,
) -> GradingStage:
    """Open `answer.grade` in the Grading Worker: the root of everything about one answer.

    Args:
        answer: What is graded; its `id` is how on-call finds the trace.
        question: What was asked.
        planned: How many passes are planned.
        message: The message that brought the answer.
        headers: Its headers; the trace joins the capture's and links to it.
        idempotency_key: Same key, same grading: how a duplicate is told.
        review_mode: Which drafts an expert sees.
        sla_deadline: When the grade has to be out.
        seed: Business id from which the trace id is derived.
    """
    return GradingStage(
        "answer.grade",
        planned=planned,
        answer_text=answer.text,
        review_mode=review_mode,
        message=message,
        subject_id=answer.id,
        attempt_id=answer.attempt_id,
        candidate=answer.candidate,
        input={"answer": answer, "question": question},
        attributes={
            **subject_attributes(answer),
            **grading_attributes(planned, message, idempotency_key, review_mode, sla_deadline),
        },
        headers=headers,
        seed=seed,
    )


def grading_attributes(
    planned: int,
    message: Message | None,
    idempotency_key: str,
    review_mode: ReviewMode | None,
    sla_deadline: datetime | None,
) -> dict[str, object]:
    """Return what both kinds of grading record at their start."""
    return {
        **(message_attributes(message) if message is not None else {}),
        semconv.PASSES_PLANNED: planned,
        semconv.IDEMPOTENCY_KEY: idempotency_key,
        semconv.REVIEW_MODE: review_mode,
        semconv.SLA_DEADLINE: sla_deadline,
    }


def prompt_attributes(grading: GradingStage | None) -> dict[str, object]:
    """Return which prompt is in use in a grading."""
    prompt = grading.prompt if grading is not None else None
    if prompt is None:
        return {}
    return {
        semconv.PROMPT_NAME: prompt.name,
        semconv.PROMPT_VERSION: prompt.version,
        semconv.PROMPT_SHA: prompt.sha,
    }
