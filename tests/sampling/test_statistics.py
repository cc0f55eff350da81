"""Estimates from kept units against the truth, over every mix of rules, limits and processes.

The rule: over seeds, an estimate's distance from the truth in standard errors (its z) has a mean near 0 and a spread
near 1, and no more than the expected share lies beyond 3. Where few units are behind an estimate its standard error is
a guess that goes up and down with the estimate: such z have a longer tail on one side, which the bounds allow for.
"""

import math
import random
from statistics import fmean, pstdev

import pytest
from tests.sampling.simulation import MIXES, Mix, run

from certtrace.ports import Decision
from certtrace.sampling.estimates import Part, Tally
from certtrace.sampling.limits import Limits
from certtrace.sampling.verdict import NEVER, Deferred, LimitSpec, Offer

BY_NAME = {mix.name: mix for mix in MIXES}


def z_scores(mix: Mix, traces: int, seeds: range) -> dict[str, list[float]]:
    scores: dict[str, list[float]] = {}
    for seed in seeds:
        outcome = run(mix, traces, seed)
        wrong = {name: pair for name, pair in outcome.counts.items() if pair[0] != pair[1]}
        assert not wrong, f"counters differ from the truth: {wrong}"
        for name, score in outcome.z_scores().items():
            scores.setdefault(name, []).append(score)
    return scores


@pytest.mark.parametrize("name", BY_NAME)
def test_estimates_are_within_their_errors_and_counters_exact(name):
    # of a day's budget only what comes after the first hour's worth is sampled
    traces, seeds = (10_000, range(1)) if "day" in name else (1_200, range(3))
    scores = z_scores(BY_NAME[name], traces, seeds)
    assert all(abs(z) < 4 for each in scores.values() for z in each)
    # seeds are independent, the questions of one run are not: a mean over seeds has the spread 1 / sqrt(seeds)
    assert abs(fmean(scores["units"])) < 3 / math.sqrt(len(seeds))


def test_limits_are_what_thins_where_a_mix_has_them():
    outcome = run(BY_NAME["limit a second"], 1_200, 0)
    reasons = {decision.rule for decision in outcome.decisions if not decision.keep}
    assert reasons == {"rate_limit"}
    assert 0 < outcome.most_pending <= 9
    day = run(BY_NAME["limit a day"], 1_200, 0)
    assert {decision.rule for decision in day.decisions if not decision.keep} == {"rate_limit"}


def test_promoted_units_weigh_nothing_and_are_told_apart():
    outcome = run(BY_NAME["lossy promotion"], 1_200, 0)
    assert outcome.context > 0
    assert outcome.context == sum(not decision.counts for decision in outcome.decisions)


def crowded(spec: LimitSpec, seed: int, windows: int = 40) -> float:
    """Send traces of one to four units, with several keys, through one limit; return the distance from the truth."""
    numbers, limits, truth = random.Random(seed), Limits(), 0
    kept: dict[int, list[Part]] = {}

    def note(decided: list[tuple[object, Decision]]) -> None:
        for trace, decision in decided:
            if decision.keep:
                kept.setdefault(int(str(trace)), []).append(Part(decision.threshold))

    for trace in range(windows * 25):
        now, r = 1.7e9 + trace / 25, numbers.randrange(NEVER)
        note(limits.due(now))
        for _ in range(numbers.randint(1, 4)):
            truth += 1
            deferred = Deferred((Offer(spec, 0, f"key {numbers.randrange(4)}"),))
            note(limits.offer(trace, deferred, r, now))
    note(limits.due(1.7e9 + windows + 1, everything=True))
    tally = Tally()
    for parts in kept.values():
        tally.add_trace(parts)
    distance = tally.count().against(truth).standard_errors
    assert distance is not None
    return distance


@pytest.mark.parametrize(
    "spec",
    [
        LimitSpec("total", per_second=3),
        LimitSpec("keys", key_per_second=4),
        LimitSpec("both", per_second=8, key_per_second=4),
    ],
    ids=lambda spec: spec.rule,
)
def test_traces_with_several_units_in_a_window_and_in_several_keys_are_weighed_without_bias(spec):
    z = [crowded(spec, seed) for seed in range(8)]
    assert abs(fmean(z)) < 3 / math.sqrt(len(z))
    assert 0.5 < pstdev(z) < 1.7


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_NAME)
def test_over_many_seeds_the_distances_have_mean_zero_and_spread_one(name):
    """A million traces all mixes together."""
    seeds = 24
    traces = 1_000_000 // len(MIXES) // seeds * (4 if "day" in name else 1)
    scores = z_scores(BY_NAME[name], traces, range(2_000, 2_000 + seeds))
    assert len(scores["units"]) == seeds
    # A question that is rough in some runs would be asked only where the estimate happens to be high.
    whole = {question: z for question, z in scores.items() if len(z) == seeds}
    for question, z in whole.items():
        assert abs(fmean(z)) < 3.5 / math.sqrt(seeds), question
        assert 0.5 < pstdev(z) < 1.6, question
    every = [z for each in whole.values() for z in each]
    assert sum(abs(z) <= 3 for z in every) / len(every) >= 0.98


@pytest.mark.slow
@pytest.mark.parametrize("name", ["everything", "processes with limits"])
def test_a_million_units_are_estimated_within_three_standard_errors(name):
    outcome = run(BY_NAME[name], 500_000, 7)
    assert len(outcome.decisions) > 900_000
    assert all(counted == truth for counted, truth in outcome.counts.values())
    scores = outcome.z_scores()
    assert {question: z for question, z in scores.items() if abs(z) > 3} == {}
