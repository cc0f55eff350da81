import math
import random
import threading
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace.ports import Decision
from certtrace.sampling.limits import Limits
from certtrace.sampling.verdict import NEVER, Deferred, LimitSpec, Offer
from certtrace.sampling.windows import MOST_OF_ONE_TRACE, Window

NOON = 20_000 * 86_400.0 + 43_200.0
MIDNIGHT = 20_000 * 86_400.0
DAY = 86_400.0


def by_limit(spec, *, floor=0, key="", otherwise=None):
    offers = (Offer(spec, floor, key),)
    return Deferred(offers) if otherwise is None else Deferred(offers, otherwise)


def run(limits, arrivals, *, until):
    """Offer `(item, deferred, R, seconds)` in order, look for what is due four times a second; return the decisions."""
    decided = []
    looked = NOON
    for item, deferred, randomness, seconds in arrivals:
        while looked + 0.25 <= NOON + seconds:
            looked += 0.25
            decided += limits.due(looked)
        decided += limits.offer(item, deferred, randomness, NOON + seconds)
    while looked < NOON + until:
        looked += 0.25
        decided += limits.due(looked)
    return decided


def kept(decided):
    return {item for item, decision in decided if decision.keep}


def test_the_units_with_the_largest_randomness_of_a_window_are_kept():
    limits, spec = Limits(), LimitSpec("ocr", per_second=3)
    arrivals = [(n, by_limit(spec), n * 1_000, 0.1 * n) for n in range(9)]
    decided = run(limits, arrivals, until=2)
    assert kept(decided) == {6, 7, 8}
    assert {decision.threshold for item, decision in decided if decision.keep} == {5_001}
    assert {decision.rule for item, decision in decided if decision.keep} == {"ocr"}
    dropped = [decision for _, decision in decided if not decision.keep]
    assert {decision.rule for decision in dropped} == {"rate_limit"}
    assert limits.pending == 0


def test_a_window_that_is_not_full_keeps_the_rules_own_threshold():
    limits, spec = Limits(), LimitSpec("ocr", per_second=3)
    arrivals = [("low", by_limit(spec, floor=500), 499, 0.0), ("high", by_limit(spec, floor=500), 500, 0.1)]
    decided = dict(run(limits, arrivals, until=2))
    assert decided["high"] == Decision(keep=True, rule="ocr", threshold=500)
    assert decided["low"] == Decision(keep=False, rule="ocr", threshold=500)


def test_a_unit_without_a_chance_is_decided_at_once():
    limits, spec = Limits(), LimitSpec("ocr", per_second=2)
    for item, randomness in (("a", 30), ("b", 20)):
        assert limits.offer(item, by_limit(spec), randomness, NOON) == []
    assert limits.offer("c", by_limit(spec), 10, NOON) == [("c", Decision(keep=False, rule="rate_limit", threshold=11))]
    ((beaten, decision),) = limits.offer("d", by_limit(spec), 40, NOON)
    assert (beaten, decision.keep, limits.pending_items()) == ("b", False, ["a", "d"])
    assert kept(limits.due(NOON + 1)) == {"a", "d"}


def test_what_is_certain_does_not_wait_and_takes_no_place():
    limits, spec = Limits(), LimitSpec("ocr", per_second=1)
    certain = Decision(keep=True, rule="error", threshold=0)
    assert limits.offer("e", by_limit(spec, otherwise=certain), NEVER - 1, NOON) == [("e", certain)]
    limits.offer("a", by_limit(spec), 5, NOON)
    assert limits.due(NOON + 1) == [("a", Decision(keep=True, rule="ocr", threshold=0))]


def test_a_unit_that_another_rule_keeps_is_decided_once_by_the_lowest_threshold():
    limits, spec = Limits(), LimitSpec("ocr", per_second=1)

    def baseline(randomness):
        return Decision(keep=randomness >= 100, rule="baseline", threshold=100)

    arrivals = [(n, by_limit(spec, otherwise=baseline(n)), n, 0.0) for n in (300, 200, 50)]
    decided = run(limits, arrivals, until=2)
    assert sorted(item for item, _ in decided) == [50, 200, 300]
    assert dict(decided)[300] == Decision(keep=True, rule="baseline", threshold=100)
    assert dict(decided)[200] == Decision(keep=True, rule="baseline", threshold=100)
    assert dict(decided)[50].rule == "rate_limit"
    quiet = run(Limits(), [(n, by_limit(spec, otherwise=baseline(n)), n, 0.0) for n in (90, 20)], until=2)
    assert dict(quiet)[90] == Decision(keep=True, rule="ocr", threshold=21)


def test_a_unit_kept_for_context_counts_only_where_a_limit_keeps_it():
    spec = LimitSpec("ocr", per_second=1)
    context = Decision(keep=True, rule="context", threshold=NEVER, counts=False)
    arrivals = [(n, by_limit(spec, otherwise=context), n, 0.0) for n in (9, 5)]
    decided = dict(run(Limits(), arrivals, until=2))
    assert decided == {9: Decision(keep=True, rule="ocr", threshold=6), 5: context}


def test_a_unit_in_two_limits_waits_for_both_and_gets_the_lower_threshold():
    limits = Limits()
    narrow, wide = LimitSpec("narrow", per_second=1), LimitSpec("wide", per_day=24 * 2)  # an hour's worth: two
    both = Deferred((Offer(narrow, 0), Offer(wide, 0)))
    for n in (10, 20, 30, 40):
        limits.offer(n, both, n, NOON)
    first = limits.due(NOON + 1)
    assert first == []  # the day's window is open for longer, and 40 and 30 have a place in it
    decided = dict(limits.due(NOON + 30))
    assert decided == {n: Decision(keep=True, rule="wide", threshold=21) for n in (30, 40)}


def test_two_levels_keep_the_best_of_each_key_and_of_all_keys():
    spec = LimitSpec("ocr", per_second=3, key_per_second=2)
    arrivals = [(f"a{n}", by_limit(spec, key="a"), 1_000 + n, 0.0) for n in range(5)]
    arrivals += [(f"b{n}", by_limit(spec, key="b"), 100 + n, 0.0) for n in range(5)]
    decided = dict(run(Limits(), arrivals, until=2))
    assert kept(decided.items()) == {"a4", "a3", "b4"}
    assert decided["a4"].threshold == 1_003
    assert decided["b4"].threshold == 104  # one above b3, which had a place in its key but none in the total


def test_keys_beyond_the_bound_share_one_budget():
    spec = LimitSpec("ocr", key_per_second=1, max_keys=2)
    arrivals = [(f"k{n}", by_limit(spec, key=f"k{n}"), 100 + n, 0.0) for n in range(6)]
    assert kept(run(Limits(), arrivals, until=2)) == {"k0", "k1", "k5"}


def test_a_key_that_fell_silent_gives_its_place_to_another():
    limits, spec = Limits(), LimitSpec("ocr", key_per_second=1, max_keys=1)
    arrivals = [("old", by_limit(spec, key="old"), 1, 0.0)]
    arrivals += [(f"new{n}", by_limit(spec, key="new"), n, 5.0) for n in range(2)]
    arrivals += [(f"other{n}", by_limit(spec, key="other"), n, 5.0) for n in range(2)]
    assert kept(run(limits, arrivals, until=8)) == {"old", "new1", "other1"}


def test_a_rate_below_one_a_second_keeps_the_window_open():
    limits, spec = Limits(), LimitSpec("ocr", per_second=0.25)
    arrivals = [(n, by_limit(spec), random.Random(n).randrange(NEVER), n / 10) for n in range(400)]
    decided = run(limits, arrivals, until=60)
    assert len(decided) == 400
    assert len(kept(decided)) == pytest.approx(40 * 0.25, abs=1)


def test_a_fractional_rate_is_met_over_time_and_never_exceeded_by_a_whole_unit():
    spec = LimitSpec("ocr", per_second=2.5)
    arrivals = [(n, by_limit(spec), random.Random(n).randrange(NEVER), n / 20) for n in range(1_200)]
    decided = run(Limits(), arrivals, until=62)
    seconds = Counter(item // 20 for item in kept(decided))
    assert max(seconds.values()) == 3
    assert sum(seconds.values()) == pytest.approx(150, abs=1)


@pytest.mark.parametrize("budget", [1, 7, 24, 200])
def test_a_days_budget_is_never_exceeded_and_is_spent(budget):
    limits, spec = Limits(), LimitSpec("ocr", per_day=budget)
    numbers = random.Random(budget)
    kept_by_day = Counter()
    for step in range(3 * 24 * 60):  # three days, a unit every minute
        now = MIDNIGHT + step * 60.0
        decided = limits.offer(now, by_limit(spec), numbers.randrange(NEVER), now)
        for _, decision in [*decided, *limits.due(now)]:
            kept_by_day[int((now - MIDNIGHT) // DAY)] += decision.keep
    assert max(kept_by_day.values()) <= budget
    assert kept_by_day[1] >= budget - 1


def test_a_quiet_service_keeps_everything_within_its_day():
    limits, spec = Limits(), LimitSpec("ocr", per_day=240)
    arrivals = [(n, by_limit(spec), n, n * 600.0) for n in range(70)]  # six an hour, ten are allowed
    assert kept(run(limits, arrivals, until=70 * 600.0)) == set(range(70))


def test_a_process_that_starts_anew_adds_an_hours_worth_of_the_day_at_most():
    spec = LimitSpec("ocr", per_day=2_400)
    total = 0
    for restart in range(5):
        limits = Limits()
        now = NOON + restart * 10.0
        for n in range(1_000):
            limits.offer(n, by_limit(spec), n, now)
        total += len(kept(limits.due(now + 1, everything=True)))
    assert total == 5 * 100


@pytest.mark.parametrize("spec", [LimitSpec("ocr", per_second=0), LimitSpec("ocr", per_day=0)])
def test_a_limit_of_nothing_keeps_nothing_and_holds_nothing(spec):
    limits = Limits()
    decided = limits.offer("a", by_limit(spec), NEVER - 1, NOON)
    assert [(item, decision.keep, decision.threshold) for item, decision in decided] == [("a", False, NEVER)]
    assert limits.pending == 0


def test_closing_everything_decides_all_within_the_budget():
    limits, spec = Limits(), LimitSpec("ocr", per_second=5)
    for n in range(100):
        limits.offer(n, by_limit(spec), n, NOON + 0.1)
    for n in range(100):
        limits.offer(100 + n, by_limit(LimitSpec("slow", per_day=5)), n, NOON + 0.1)
    limits.due(NOON + 0.2, everything=True)
    assert limits.pending == 0
    assert limits.due(NOON + 5) == []


def test_flushing_again_and_again_does_not_multiply_the_rate_and_stays_unbiased():
    spec = LimitSpec("ocr", per_second=10)
    numbers = random.Random(11)
    limits, count, estimate, total = Limits(), 0, 0.0, 20_000
    for n in range(total):
        now = NOON + n / 100.0
        decided = limits.offer(n, by_limit(spec), numbers.randrange(NEVER), now)
        if n % 4 == 3:
            decided += limits.due(now, everything=True)  # 25 flushes a second, 10 units may be kept
        for _, decision in decided:
            count += decision.keep
            estimate += decision.keep / (1 - decision.threshold / NEVER)
    assert count == pytest.approx(10 * total / 100, rel=0.05)
    assert estimate == pytest.approx(total, rel=0.1)


def test_a_clock_that_is_set_back_stops_no_window_and_gives_no_second_budget():
    limits, spec = Limits(), LimitSpec("ocr", per_second=1)
    limits.offer("a", by_limit(spec), 1, NOON)
    assert kept(limits.due(NOON + 1)) == {"a"}
    limits.offer("b", by_limit(spec), 2, NOON - 3_600)
    limits.offer("c", by_limit(spec), 3, NOON - 3_600)
    assert limits.due(NOON - 3_599.9) == []
    assert kept(limits.due(NOON - 3_599)) == {"c"}


def test_a_trace_with_more_units_than_places_is_kept_whole_and_paid_for_later():
    limits, spec = Limits(), LimitSpec("ocr", per_second=2)
    arrivals = [(("whole", n), by_limit(spec), 900, 0.0) for n in range(6)]
    arrivals += [(("other", n), by_limit(spec), n, 0.1) for n in range(3)]
    arrivals += [(("later", n), by_limit(spec), 500 + n, 1.5) for n in range(3)]
    decided = run(limits, arrivals, until=3.75)
    assert kept(decided) == {("whole", n) for n in range(6)}
    assert dict(decided)["whole", 0].threshold == 3
    assert limits.pending == 2  # 4 units too many: the next window is open for three seconds
    assert kept(limits.due(NOON + 4)) == {("later", 1), ("later", 2)}


def test_one_trace_cannot_fill_the_memory_nor_break_the_days_budget():
    limits = Limits()
    for n in range(3_000):
        limits.offer(n, by_limit(LimitSpec("ocr", per_second=2)), 900, NOON)
    assert limits.pending == MOST_OF_ONE_TRACE
    limits = Limits()
    for n in range(3_000):
        limits.offer(n, by_limit(LimitSpec("ocr", per_day=50)), 900, NOON)
    assert len(kept(limits.due(NOON + 30))) == 50


def test_memory_is_bounded_by_the_places_not_by_the_traffic():
    limits, numbers, most = Limits(), random.Random(5), 0
    spec = LimitSpec("ocr", per_second=20, key_per_second=3, max_keys=10)
    day = LimitSpec("day", per_day=1_000)
    bound = (10 + 1) * 3 + 20 + 1_000 // 24 + 5
    for n in range(20_000):
        now = NOON + n / 2_000
        deferred = Deferred((Offer(spec, 0, f"key {n % 40}"), Offer(day, 0)))
        limits.offer(n, deferred, numbers.randrange(NEVER), now)
        if n % 500 == 0:
            limits.due(now)
        most = max(most, limits.pending)
    assert most <= bound + 11 * 3  # windows that have closed hold theirs until somebody asks what is due


randomness = st.integers(0, NEVER - 1)
arrival = st.tuples(randomness, st.sampled_from("abc"), st.floats(0.0, 8.0, allow_nan=False), st.integers(0, 3))
SPECS = (
    LimitSpec("total", per_second=2),
    LimitSpec("keys", key_per_second=1, max_keys=2),
    LimitSpec("both", per_second=3, key_per_second=2),
    LimitSpec("day", per_day=30, key_per_day=24),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(arrival, max_size=60, unique_by=lambda each: each[0]), st.lists(st.sampled_from(SPECS), max_size=3))
def test_every_unit_is_decided_once_and_no_window_keeps_more_than_it_may(arrivals, specs):
    limits = Limits()
    specs = tuple(dict.fromkeys(specs))
    decided = []
    for index, (r, key, seconds, floor) in enumerate(sorted(arrivals, key=lambda each: each[2])):
        otherwise = Decision(keep=r >= NEVER // 4 * 3, rule="baseline", threshold=NEVER // 4 * 3)
        deferred = Deferred(tuple(Offer(spec, NEVER // 4 * floor, key) for spec in specs), otherwise)
        decided += limits.offer((index, r, key, seconds), deferred, r, NOON + seconds)
        decided += limits.due(NOON + seconds)
    decided += limits.due(NOON + 20)
    decided += limits.due(NOON + 40, everything=True)
    assert sorted(item for item, _ in decided) == sorted(
        (index, *each[:3]) for index, each in enumerate(sorted(arrivals, key=lambda each: each[2]))
    )
    by_window, by_key = Counter(), Counter()
    for (_, r, key, seconds), decision in decided:
        assert decision.keep == (r >= decision.threshold)
        if decision.keep:
            by_window[decision.rule, int(seconds)] += 1
            by_key[decision.rule, key, int(seconds)] += 1
    assert all(number <= 2 for (rule, _), number in by_window.items() if rule == "total")
    assert all(number <= 3 for (rule, _), number in by_window.items() if rule == "both")
    assert all(number <= 2 for (rule, _, _), number in by_key.items() if rule == "both")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(randomness, st.sampled_from("abc")), max_size=25),
    st.sampled_from(SPECS),
    st.randoms(use_true_random=False),
)
def test_the_order_within_a_window_does_not_change_who_is_kept(units, spec, order):
    def outcome(numbered):
        limits = Limits()
        decided = []
        for index, (r, key) in numbered:
            decided += limits.offer(index, by_limit(spec, key=key), r, NOON + 0.5)
        decided += limits.due(NOON + 30)
        return {item: decision for item, decision in decided if decision.keep}

    numbered = list(enumerate(units))
    if len({key for _, key in units}) > spec.max_keys:
        return  # which keys share the rest depends on who came first, not on R
    shuffled = list(numbered)
    order.shuffle(shuffled)
    assert outcome(numbered) == outcome(shuffled)


@given(st.lists(randomness, max_size=60), st.integers(1, 8))
def test_a_window_keeps_what_sorting_would_keep(values, places):
    window = Window(places, 1.0, math.inf)
    for index, r in enumerate(values):
        window.add(r, (index, r))
    groups = defaultdict(list)
    for index, r in enumerate(values):
        groups[r].append((index, r))
    expected, boundary = [], -1
    for r in sorted(groups, reverse=True):
        if expected and len(expected) + len(groups[r]) > places:
            boundary = r
            break
        expected += groups[r]
    assert sorted(window.held()) == sorted(expected)
    assert window.beaten == boundary


def test_threads_that_offer_at_once_get_every_unit_decided_once():
    limits, spec = Limits(), LimitSpec("ocr", per_second=50)
    results = [[] for _ in range(4)]

    def work(number):
        numbers = random.Random(number)
        for n in range(2_000):
            now = NOON + n / 500
            results[number] += limits.offer((number, n), by_limit(spec), numbers.randrange(NEVER), now)
            if n % 100 == 0:
                results[number] += limits.due(now)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    decided = [item for result in results for item, _ in result]
    decided += [item for item, _ in limits.due(NOON + 60, everything=True)]
    assert sorted(decided) == [(number, n) for number in range(4) for n in range(2_000)]
