import math
import random
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certtrace.sampling.estimates import Estimate, Part, Tally, weight
from certtrace.sampling.verdict import NEVER

HALF, QUARTER = NEVER // 2, NEVER // 4 * 3


@pytest.mark.parametrize(("threshold", "expected"), [(0, 1.0), (HALF, 2.0), (QUARTER, 4.0), (None, 0.0)])
def test_a_unit_stands_for_the_inverse_of_its_probability(threshold, expected):
    assert weight(threshold) == expected


@pytest.mark.parametrize("threshold", [-1, NEVER])
def test_a_threshold_that_no_kept_unit_can_have_is_refused(threshold):
    with pytest.raises(ValueError, match="2\\*\\*56"):
        weight(threshold)


def test_units_that_were_certain_are_counted_exactly():
    tally = Tally()
    for value in (1.0, 2.0, 4.0):
        tally.add(0, value)
    assert tally.count() == Estimate(3.0, 0.0, units=3, sampled=0, at_least=3.0)
    assert tally.total().value == 7.0
    assert tally.mean() == Estimate(7 / 3, 0.0, units=3, sampled=0)
    assert tally.count().is_exact


def test_units_kept_for_context_weigh_nothing_and_are_told_apart():
    tally = Tally()
    tally.add(HALF, 10.0)
    tally.add(None, 99.0)
    assert (tally.units, tally.context) == (1, 1)
    assert tally.total().value == 20.0
    assert tally.count().value == 2.0


def test_nothing_kept_gives_no_mean():
    assert Tally().mean() is None
    assert Tally().count().value == 0.0


def test_a_value_that_only_some_have_is_averaged_over_those():
    tally = Tally()
    tally.add(0, 0.5)
    tally.add(HALF, 0.0, 0.0)
    assert tally.mean().value == 0.5


def test_the_interval_ends_at_what_was_seen():
    tally = Tally()
    tally.add(QUARTER)
    low, high = tally.count().interval()
    assert low == 1.0
    assert high == pytest.approx(4.0 + 1.96 * math.sqrt(12), rel=1e-3)
    assert tally.count().is_rough
    with pytest.raises(ValueError, match="confidence"):
        tally.count().interval(1.0)


def test_a_difference_is_told_in_standard_errors_where_there_are_any():
    assert Estimate(110.0, 5.0).against(100.0).standard_errors == 2.0
    assert Estimate(100.0, 0.0).against(100.0).standard_errors is None


def test_units_of_one_trace_share_their_luck_in_the_error():
    apart, together = Tally(), Tally()
    apart.add(HALF)
    apart.add(HALF)
    together.add_trace([Part(HALF), Part(HALF)])
    assert together.count().value == apart.count().value == 4.0
    assert together.count().standard_error == pytest.approx(math.sqrt(8))
    assert apart.count().standard_error == pytest.approx(2.0)


@given(st.lists(st.tuples(st.sampled_from([0, HALF, QUARTER]), st.floats(-5, 5)), max_size=12))
def test_the_order_and_grouping_of_equal_parts_of_a_trace_do_not_matter(parts):
    one, other = Tally(), Tally()
    one.add_trace(Part(threshold, value) for threshold, value in parts)
    other.add_trace(Part(threshold, value) for threshold, value in reversed(parts))
    assert one.total().value == pytest.approx(other.total().value)
    assert one.total().standard_error == pytest.approx(other.total().standard_error, abs=1e-6)


def test_sums_means_and_their_errors_are_right_over_many_drawings():
    numbers = random.Random(3)
    # traces of one to three units with nested thresholds, and values that go with the thresholds
    traces = [
        [(numbers.choice([0, HALF, QUARTER]), numbers.uniform(0, 10)) for _ in range(numbers.randint(1, 3))]
        for _ in range(300)
    ]
    truth = sum(value for trace in traces for _, value in trace)
    units = sum(map(len, traces))
    totals, means = [], []
    for _ in range(300):
        tally = Tally()
        for trace in traces:
            r = numbers.randrange(NEVER)
            tally.add_trace(Part(threshold, value) for threshold, value in trace if r >= threshold)
        totals.append(tally.total().against(truth).standard_errors)
        means.append(tally.mean().against(truth / units).standard_errors)
    for z in (totals, means):
        assert abs(fmean(z)) < 4 / math.sqrt(300)
        assert stdev(z) == pytest.approx(1.0, abs=0.15)
