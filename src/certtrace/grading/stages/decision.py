"""From passes to a draft: aggregate, threshold, route, hand-off."""

from collections.abc import Iterable, MutableMapping
from dataclasses import replace

from certtrace import semconv, tracing
from certtrace.grading.confidence import SELF_CONSISTENCY, Formula, is_false_confidence, is_low_confidence
from certtrace.grading.failures import FailureClass
from certtrace.grading.faults import contained
from certtrace.grading.models import Aggregate, Draft, GradingPass
from certtrace.grading.stages.base import Stage, enclosing
from certtrace.grading.stages.grading import GradingStage
from certtrace.grading.vocabulary import CONFIDENCE_THRESHOLD, ReviewMode


class AggregateStage(Stage):
    """`grade.aggregate` or `submission.aggregate`: N passes become one grade, a confidence and a route."""

    def __init__(self, name: str, *, criterion_id: str = "", weight: float = 1.0, threshold: float) -> None:
        """Take the criterion that is aggregated; empty for the whole answer or submission."""
        super().__init__(
            name,
            as_type="evaluator",
            attributes={
                semconv.CRITERION_ID: criterion_id,
                semconv.CRITERION_WEIGHT: weight if criterion_id else None,
                semconv.AGGREGATE_THRESHOLD: threshold,
            },
        )
        self._criterion_id = criterion_id
        self._weight = weight
        self.threshold = threshold

    def passes(self) -> list[GradingPass]:
        """Return the passes of the grading around, in order of their index; of this criterion, if it is about one."""
        grading = enclosing(GradingStage, self)
        known = grading.passes if grading is not None else []
        return sorted((each for each in known if each.criterion_id == self._criterion_id), key=lambda each: each.index)

    def completed(self, aggregate: Aggregate) -> Aggregate:
        """Fill in what a host's own aggregate does not say: about its passes, and the threshold of this stage."""
        if aggregate.threshold == CONFIDENCE_THRESHOLD:
            aggregate = replace(aggregate, threshold=self.threshold)
        grading = enclosing(GradingStage, self)
        return grading.completed(aggregate, self._criterion_id) if grading is not None else aggregate

    def compute(
        self,
        formula: Formula = SELF_CONSISTENCY,
        *,
        passes: Iterable[GradingPass] | None = None,
        planned: int | None = None,
        review_mode: ReviewMode | None = None,
        sampled: bool = False,
    ) -> Aggregate:
        """Compute the aggregate with a reference formula and record it.

        For hosts without a formula of their own; `decided` records what a host computed itself.

        Args:
            formula: One of `FORMULAS`, or the host's own.
            passes: The passes; without it those of the grading around.
            planned: How many were planned; without it what the grading around or the passes say.
            review_mode: Which drafts an expert sees; without it what the grading around says.
            sampled: Whether the host's sample took this draft, where the mode is `sampled`.
        """
        grading = enclosing(GradingStage, self)
        taken = self.passes() if passes is None else list(passes)
        count = planned if planned is not None else self._planned(grading)
        mode = review_mode or (grading.review_mode if grading is not None else None) or ReviewMode.FLAGGED
        result = formula.aggregate(taken, planned=count, threshold=self.threshold, review_mode=mode, sampled=sampled)
        self.note({semconv.REVIEW_MODE: mode})
        self.decided(result)
        return result

    def _planned(self, grading: GradingStage | None) -> int | None:
        return grading.planned or None if grading is not None and not self._criterion_id else None

    @contained
    def decided(self, aggregate: Aggregate) -> None:
        """Record the outcome with everything needed to compute it again.

        Recognises `partial_passes`, `false_confidence` and `low_confidence`.
        """
        self.note(aggregate_attributes(aggregate))
        self.span.update(output=aggregate)
        grading = enclosing(GradingStage, self)
        if grading is not None:
            if self._criterion_id:
                grading.criteria[self._criterion_id] = (self._weight, aggregate)
            else:
                grading.decided(aggregate)
        if aggregate.valid < aggregate.planned:
            message = f"{aggregate.valid} of {aggregate.planned} planned passes gave a grade."
            self.warn(FailureClass.PARTIAL_PASSES, message)
        if is_false_confidence(aggregate):
            message = f"Full confidence from {aggregate.independent} independent of {aggregate.planned} passes."
            self.warn(FailureClass.FALSE_CONFIDENCE, message)
        elif aggregate.confidence is not None and is_low_confidence(aggregate):
            self.warn(FailureClass.LOW_CONFIDENCE, "The confidence is below the threshold.")


class HandoffStage(Stage):
    """`draft.handoff`: the draft goes to the Manual Grader Service."""

    @contained
    def sent(self, *, message_id: str = "") -> None:
        """Record the message that carries the draft."""
        self.note({semconv.MESSAGING_MESSAGE_ID: message_id})

    @contained
    def inject(self, headers: MutableMapping[str, str]) -> None:
        """Write the trace context into the message's headers, so that the review links to this grading."""
        tracing.inject(headers)


def grade_aggregate(
    *, criterion_id: str = "", weight: float = 1.0, threshold: float = CONFIDENCE_THRESHOLD
) -> AggregateStage:
    """Open `grade.aggregate` over the passes of an answer, or of one rubric criterion."""
    return AggregateStage("grade.aggregate", criterion_id=criterion_id, weight=weight, threshold=threshold)


def draft_handoff(
    draft: Draft | None = None, *, queue: str = "", system: str = "", priority_reason: str = ""
) -> HandoffStage:
    """Open `draft.handoff` towards the Short Answer or Architecture Solution Manual Grader Service."""
    return HandoffStage(
        "draft.handoff",
        kind="producer",
        input=draft,
        attributes={
            semconv.MESSAGING_SYSTEM: system,
            semconv.MESSAGING_DESTINATION: queue,
            semconv.MESSAGING_OPERATION_TYPE: "send",
            semconv.PRIORITY_REASON: priority_reason,
            semconv.RUBRIC_SHA: draft.rubric_sha if draft is not None else None,
            semconv.REVIEW_MODE: draft.review_mode if draft is not None else None,
        },
    )


def aggregate_attributes(aggregate: Aggregate) -> dict[str, object]:
    """Return an aggregate as attributes: what `explain` recomputes from."""
    return {
        semconv.GRADE: aggregate.grade,
        semconv.GRADE_MAX: aggregate.max_grade,
        semconv.CONFIDENCE: aggregate.confidence,
        semconv.CONFIDENCE_COMPUTED_BY: aggregate.computed_by,
        semconv.AGGREGATE_GRADES: list(aggregate.grades) or None,
        semconv.AGGREGATE_SPREAD: aggregate.spread,
        semconv.AGGREGATE_FORMULA: aggregate.formula,
        semconv.AGGREGATE_FORMULA_VERSION: aggregate.formula_version,
        semconv.AGGREGATE_THRESHOLD: aggregate.threshold,
        semconv.PASSES_PLANNED: aggregate.planned,
        semconv.PASSES_VALID: aggregate.valid,
        semconv.PASSES_INDEPENDENT: aggregate.independent,
        semconv.ROUTE: aggregate.route,
        semconv.ROUTE_REASON: aggregate.route_reason,
    }
