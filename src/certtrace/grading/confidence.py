"""The reference formulas that turn N passes into a grade and a confidence.

Pure functions with a name and a version, so that a decision can be computed again from its record. Only independent
passes count: a reply from the cache repeats an earlier pass and proves nothing.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median_low, pstdev
from typing import Final

from certtrace.errors import InputError
from certtrace.grading.models import Aggregate, GradingPass
from certtrace.grading.vocabulary import CONFIDENCE_THRESHOLD, ReviewMode, Route, RouteReason

_SAME: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Formula:
    """A named, versioned way from passes to `(grade, confidence)`; confidence is 0.0 to 1.0."""

    name: str
    version: str
    compute: Callable[[Sequence[GradingPass]], tuple[float | None, float | None]]

    def aggregate(
        self,
        passes: Iterable[GradingPass],
        *,
        planned: int | None = None,
        threshold: float = CONFIDENCE_THRESHOLD,
        review_mode: ReviewMode = ReviewMode.FLAGGED,
        sampled: bool = False,
    ) -> Aggregate:
        """Compute grade, confidence and route from passes; pure and repeatable.

        Args:
            passes: All passes, failed and cached ones too.
            planned: How many were planned; without it what the passes say.
            threshold: Confidence below which a draft goes to an expert, 0.0 to 1.0.
            review_mode: Which drafts an expert sees.
            sampled: Whether the host's sample took this draft, where the mode is `sampled`.
        """
        taken = tuple(passes)
        valid = [each for each in taken if each.valid]
        independent = [each for each in valid if each.independent]
        grade, confidence = self.compute(independent)
        if grade is None and valid:
            grade, _ = self.compute(valid)  # cached passes give a grade, but no confidence in it
            confidence = 0.0
        grades = tuple(each.grade for each in valid if each.grade is not None)
        result = Aggregate(
            grade=grade,
            max_grade=next((each.max_grade for each in valid if each.max_grade is not None), None),
            confidence=confidence,
            formula=self.name,
            formula_version=self.version,
            grades=grades,
            spread=spread(grades),
            threshold=threshold,
            planned=planned if planned is not None else max((each.planned for each in taken), default=0),
            valid=len(valid),
            independent=len(independent),
        )
        way, reason = route(result, review_mode=review_mode, sampled=sampled)
        return replace(result, route=way, route_reason=reason)


def agreement(passes: Sequence[GradingPass]) -> tuple[float | None, float | None]:
    """Self-consistency: the most frequent grade, and the share of passes that gave it.

    Ties go to the grade nearest to the mean, then to the lower one.
    """
    grades = _grades(passes)
    if not grades:
        return None, None
    mean = fmean(grades)
    votes = {grade: sum(math.isclose(grade, other, abs_tol=_SAME) for other in grades) for grade in grades}
    best = min(votes, key=lambda grade: (-votes[grade], abs(grade - mean), grade))
    return best, votes[best] / len(grades)


def closeness(passes: Sequence[GradingPass]) -> tuple[float | None, float | None]:
    """Spread: the median grade, and 1 minus twice the standard deviation as a share of the maximum grade."""
    grades = _grades(passes)
    if not grades:
        return None, None
    shares = [each.share for each in passes if each.share is not None]
    return median_low(grades), max(0.0, 1.0 - 2.0 * pstdev(shares))


def self_reported(passes: Sequence[GradingPass]) -> tuple[float | None, float | None]:
    """Mean: the mean grade, and the mean of what the model said about its own grades."""
    grades = _grades(passes)
    said = [each.self_confidence for each in passes if each.valid and each.self_confidence is not None]
    if not grades:
        return None, None
    return fmean(grades), (min(1.0, max(0.0, fmean(said))) if said else None)


SELF_CONSISTENCY: Final = Formula("self_consistency", "1", agreement)
"""Share of independent passes that agree on the grade."""
SPREAD: Final = Formula("spread", "1", closeness)
"""How close the grades of independent passes lie together."""
SELF_REPORTED: Final = Formula("self_reported", "1", self_reported)
"""What the model says about itself."""

FORMULAS: Final[Mapping[tuple[str, str], Formula]] = {
    (formula.name, formula.version): formula for formula in (SELF_CONSISTENCY, SPREAD, SELF_REPORTED)
}
"""Every formula a record may name, by `(name, version)`. A changed formula gets a new version, the old one stays."""

WEIGHTED: Final = ("weighted_criteria", "1")
"""Name and version that `weighted` puts on record."""


def formula_named(name: str, version: str) -> Formula:
    """Return a reference formula.

    Raises:
        InputError: No formula has this name and version.
    """
    try:
        return FORMULAS[name, version]
    except KeyError:
        known = ", ".join(sorted(" v".join(key) for key in FORMULAS))
        msg = f"Unknown confidence formula {name!r} version {version!r}. Known here: {known}."
        raise InputError(msg) from None


def weighted(
    criteria: Sequence[tuple[float, Aggregate]],
    *,
    max_grade: float | None = None,
    threshold: float = CONFIDENCE_THRESHOLD,
    review_mode: ReviewMode = ReviewMode.FLAGGED,
) -> Aggregate:
    """Combine the aggregates of rubric criteria, each with its weight, into one for the submission.

    The grade is the weighted mean of the criteria's shares, times `max_grade` (100 if not given). The confidence is
    that of the weakest criterion: one uncertain criterion makes the whole grade uncertain. A criterion without a grade
    leaves the submission without one.
    """
    scale = 100.0 if max_grade is None else max_grade
    total = sum(weight for weight, _ in criteria)
    shares = [(weight, _share(each)) for weight, each in criteria]
    complete = total > 0 and all(share is not None for _, share in shares)
    confidences = [each.confidence for _, each in criteria]
    known = [confidence for confidence in confidences if confidence is not None]
    result = Aggregate(
        grade=scale * sum(weight * (share or 0.0) for weight, share in shares) / total if complete else None,
        max_grade=scale,
        confidence=min(known) if known and len(known) == len(confidences) else None,
        formula=WEIGHTED[0],
        formula_version=WEIGHTED[1],
        grades=tuple(each.grade for _, each in criteria if each.grade is not None),
        spread=max((each.spread for _, each in criteria if each.spread is not None), default=None),
        threshold=threshold,
        planned=sum(each.planned for _, each in criteria),
        valid=sum(each.valid for _, each in criteria),
        independent=sum(each.independent for _, each in criteria),
    )
    way, reason = route(result, review_mode=review_mode)
    return replace(result, route=way, route_reason=reason)


def route(
    aggregate: Aggregate, *, review_mode: ReviewMode = ReviewMode.FLAGGED, sampled: bool = False
) -> tuple[Route, RouteReason]:
    """Say where a draft goes and why. What raises a doubt wins over what does not."""
    if aggregate.grade is None or aggregate.valid < aggregate.planned:
        return Route.EXPERT_REVIEW, RouteReason.PARTIAL_PASSES
    if is_false_confidence(aggregate):
        return Route.EXPERT_REVIEW, RouteReason.FALSE_CONFIDENCE
    if is_low_confidence(aggregate):
        return Route.EXPERT_REVIEW, RouteReason.LOW_CONFIDENCE
    if review_mode is ReviewMode.ALL:
        return Route.EXPERT_REVIEW, RouteReason.REVIEW_ALL
    if review_mode is ReviewMode.SAMPLED and sampled:
        return Route.EXPERT_REVIEW, RouteReason.SAMPLED
    return Route.AUTOMATIC, RouteReason.CONFIDENT


def is_low_confidence(aggregate: Aggregate) -> bool:
    """Tell whether the confidence is below the threshold, or missing."""
    return aggregate.confidence is None or aggregate.confidence < aggregate.threshold


def is_false_confidence(aggregate: Aggregate) -> bool:
    """Tell whether full confidence rests on fewer independent passes than planned."""
    full = aggregate.confidence is not None and aggregate.confidence >= 1.0 - _SAME
    return full and aggregate.independent < aggregate.planned


def spread(grades: Sequence[float]) -> float | None:
    """Return highest minus lowest grade in points; `None` without grades."""
    return max(grades) - min(grades) if grades else None


def _grades(passes: Sequence[GradingPass]) -> list[float]:
    return [each.grade for each in passes if each.grade is not None]


def _share(aggregate: Aggregate) -> float | None:
    if aggregate.grade is None:
        return None
    return aggregate.grade / aggregate.max_grade if aggregate.max_grade else aggregate.grade
