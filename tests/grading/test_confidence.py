"""The reference formulas, and where they send a draft."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certtrace.errors import InputError
from certtrace.grading import (
    FORMULAS,
    SELF_CONSISTENCY,
    SELF_REPORTED,
    SPREAD,
    Aggregate,
    CacheKind,
    GradingPass,
    ReviewMode,
    Route,
    RouteReason,
    weighted,
)
from certtrace.grading.confidence import formula_named

SOME = Aggregate(
    grade=1, max_grade=1, confidence=1.0, formula="x", formula_version="1", planned=3, valid=3, independent=3
)


def passes(*grades, cached=(), planned=None, max_grade=5.0, said=None):
    return [
        GradingPass(
            index=index,
            planned=planned or len(grades),
            grade=grade,
            max_grade=max_grade,
            self_confidence=said,
            cached=CacheKind.EXACT if index in cached else None,
        )
        for index, grade in enumerate(grades, 1)
    ]


def test_agreement_is_the_share_of_passes_with_the_most_frequent_grade():
    result = SELF_CONSISTENCY.aggregate(passes(4, 4, 3, 4, 2))
    assert (result.grade, result.confidence, result.spread) == (4, 0.6, 2)


def test_a_tie_goes_to_the_grade_nearest_to_the_mean():
    assert SELF_CONSISTENCY.aggregate(passes(0, 0, 3, 3, 5)).grade == 3


def test_passes_from_the_cache_prove_nothing():
    honest = SELF_CONSISTENCY.aggregate(passes(4, 3, 4, 3, 3))
    cached = SELF_CONSISTENCY.aggregate(passes(4, 4, 4, 4, 4, cached=(2, 3, 4, 5)))
    assert honest.independent == 5
    assert (cached.independent, cached.valid) == (1, 5)
    assert cached.route is Route.EXPERT_REVIEW
    assert cached.route_reason is RouteReason.FALSE_CONFIDENCE


def test_only_cached_passes_give_a_grade_without_confidence():
    result = SELF_CONSISTENCY.aggregate(passes(4, 4, cached=(1, 2)))
    assert (result.grade, result.confidence) == (4, 0.0)


def test_a_missing_pass_sends_the_draft_to_an_expert():
    result = SELF_CONSISTENCY.aggregate(passes(4, None, 4))
    assert (result.valid, result.planned) == (2, 3)
    assert result.route_reason is RouteReason.PARTIAL_PASSES


def test_no_pass_at_all_gives_no_grade():
    result = SELF_CONSISTENCY.aggregate([], planned=5)
    assert (result.grade, result.confidence, result.route) == (None, None, Route.EXPERT_REVIEW)


def test_confidence_at_the_threshold_is_enough():
    result = SELF_CONSISTENCY.aggregate(passes(4, 4, 3, 4), threshold=0.75)
    assert (result.confidence, result.route) == (0.75, Route.AUTOMATIC)


def test_review_of_all_sends_confident_drafts_too():
    result = SELF_CONSISTENCY.aggregate(passes(4, 4, 4), review_mode=ReviewMode.ALL)
    assert result.route_reason is RouteReason.REVIEW_ALL


@pytest.mark.parametrize(
    ("mode", "sampled", "reason"),
    [
        (ReviewMode.SAMPLED, True, RouteReason.SAMPLED),
        (ReviewMode.SAMPLED, False, RouteReason.CONFIDENT),
        (ReviewMode.FLAGGED, True, RouteReason.CONFIDENT),
    ],
)
def test_a_sample_is_reviewed_where_the_mode_says_so(mode, sampled, reason):
    result = SELF_CONSISTENCY.aggregate(passes(4, 4, 4), review_mode=mode, sampled=sampled)
    assert result.route_reason is reason


def test_spread_falls_with_distance_in_shares_of_the_maximum():
    assert SPREAD.aggregate(passes(4, 4, 4)).confidence == 1.0
    assert SPREAD.aggregate(passes(0, 5)).confidence == pytest.approx(0.0)
    assert SPREAD.aggregate(passes(4, 5, max_grade=10)).confidence == pytest.approx(0.9)


def test_self_reported_confidence_is_a_mean_and_unknown_without_any():
    assert SELF_REPORTED.aggregate(passes(4, 5, said=0.8)).confidence == pytest.approx(0.8)
    assert SELF_REPORTED.aggregate(passes(4, 5)).confidence is None


def test_a_submission_is_as_certain_as_its_weakest_criterion():
    good = Aggregate(
        grade=4, max_grade=4, confidence=0.9, formula="x", formula_version="1", planned=3, valid=3, independent=3
    )
    bad = Aggregate(
        grade=0, max_grade=2, confidence=0.4, formula="x", formula_version="1", planned=3, valid=3, independent=3
    )
    result = weighted([(3, good), (1, bad)])
    assert (result.grade, result.confidence, result.planned) == (75.0, 0.4, 6)
    assert result.route_reason is RouteReason.LOW_CONFIDENCE


def test_a_criterion_without_a_grade_leaves_the_submission_without_one():
    none = Aggregate(grade=None, confidence=None, formula="x", formula_version="1", planned=1)
    some = Aggregate(
        grade=1, max_grade=1, confidence=1.0, formula="x", formula_version="1", planned=1, valid=1, independent=1
    )
    assert weighted([(1, some), (1, none)]).grade is None
    assert weighted([]).grade is None


@given(st.lists(st.none() | st.floats(0, 10), max_size=8), st.sampled_from(sorted(FORMULAS)))
def test_every_formula_stays_within_its_range_and_is_repeatable(grades, key):
    made = passes(*grades, max_grade=10.0, said=0.5)
    first, second = FORMULAS[key].aggregate(made), formula_named(*key).aggregate(made)
    assert first == second
    assert first.confidence is None or 0.0 <= first.confidence <= 1.0
    known = [grade for grade in grades if grade is not None]
    assert (first.grade is None) == (not known)
    if known:
        assert min(known) - 1e-9 <= first.grade <= max(known) + 1e-9


def test_an_unknown_formula_is_named_with_those_that_exist():
    with pytest.raises(InputError, match=r"'wisdom' version '7'.*self_consistency v1"):
        formula_named("wisdom", "7")
