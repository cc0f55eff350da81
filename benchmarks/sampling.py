"""Sampling: are estimates from the kept units right, and what does a decision cost.

For every mix of rules, limits and processes: one run of many traces, each estimate held against the truth in standard
errors, and many short runs with other seeds, whose distances must have a mean near 0 and a spread near 1. Exact counters
must equal what was drawn. Then microseconds of thread CPU per decision, per unit in a limit, and per dropped unit.

    python benchmarks/sampling.py [--traces 1000000] [--seeds 40] [--seed-traces 3000] [--only NAME] [--quick]
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, pstdev

sys.path.insert(0, str(Path(__file__).parents[1]))  # the synthetic traces are those of the tests

from tests.sampling.simulation import MIXES, Mix, run

from certtrace.sampling import NEVER, Deferred, Sampler
from certtrace.sampling.estimates import Tally
from certtrace.sampling.limits import Limits
from certtrace.sampling.model import SamplingPolicy
from certtrace.sampling.verdict import LimitSpec, Offer


def one_long(mix: Mix, traces: int) -> tuple[bool, list[float]]:
    """Print one run of many traces; return whether all counters were exact, and the distances of all estimates."""
    started = time.perf_counter()
    outcome = run(mix, traces, 2026)
    scores = outcome.z_scores()
    exact = all(counted == truth for counted, truth in outcome.counts.values())
    worst = max(scores, key=lambda name: abs(scores[name]), default="")
    kept = sum(decision.keep for decision in outcome.decisions)
    size, estimate = len(outcome.decisions), outcome.estimates["units"]
    print(
        f"{mix.name:31}{size:>9,} units {kept / size:6.1%} kept, most waiting {outcome.most_pending:>4}; "
        f"estimated {estimate[0].value:>11,.0f} ± {estimate[0].standard_error:<6,.0f} of {estimate[1]:>9,.0f}; "
        f"{len(scores):>2} estimates, worst {scores.get(worst, 0.0):+.2f} SE ({worst}); "
        f"{len(outcome.counts)} counters {'exact' if exact else 'WRONG'}; {time.perf_counter() - started:.0f} s",
        flush=True,
    )
    return exact, list(scores.values())


def many_short(mix: Mix, traces: int, seeds: int) -> list[float]:
    """Print how the distances of many runs are spread; return all of them."""
    scores: dict[str, list[float]] = {}
    for seed in range(seeds):
        outcome = run(mix, traces, seed)
        assert all(counted == truth for counted, truth in outcome.counts.values()), "a counter is wrong"
        for name, score in outcome.z_scores().items():
            scores.setdefault(name, []).append(score)
    whole = {name: each for name, each in scores.items() if len(each) == seeds}
    if not whole:
        print(f"{mix.name:31}every estimate calls itself rough in some run: give more --seed-traces")
        return []
    every = [score for each in whole.values() for score in each]
    means, spreads = [fmean(each) for each in whole.values()], [pstdev(each) for each in whole.values()]
    print(
        f"{mix.name:31}{len(whole):>3} estimates x {seeds} seeds: mean of z {min(means):+.2f} to {max(means):+.2f} "
        f"(expected within {3 / seeds**0.5:.2f}), spread {min(spreads):.2f} to {max(spreads):.2f}, "
        f"within 3 SE {sum(abs(score) <= 3 for score in every) / len(every):.1%}",
        flush=True,
    )
    return every


def share(scores: Sequence[float]) -> str:
    """Return in words how distances are spread."""
    if not scores:
        return "no distances"
    inside = sum(abs(score) <= 3 for score in scores) / len(scores)
    return (
        f"{len(scores):,} distances, {inside:.2%} within 3 SE (normal: 99.73 %), mean {fmean(scores):+.3f}, "
        f"spread {pstdev(scores):.3f}"
    )


def best(work: Callable[[int], object], calls: int = 20_000, rounds: int = 7) -> float:
    """Return microseconds of thread CPU per call in the best round."""
    fastest = float("inf")
    for _ in range(rounds):
        started = time.thread_time_ns()
        for number in range(calls):
            work(number)
        fastest = min(fastest, time.thread_time_ns() - started)
    return fastest / calls / 1_000


def costs() -> None:
    """Print what a decision costs."""
    from tests.sampling.making import facts

    numbers = random.Random(1)
    drawn = [numbers.randrange(NEVER) for _ in range(20_000)]
    plain = Sampler(SamplingPolicy(baseline=0.1), service="grading")
    unit = facts(randomness=drawn[0])
    print(f"decide, baseline, errors, low confidence    {best(lambda _n: plain.decide(unit)):7.2f} us")
    many = Sampler(SamplingPolicy.model_validate(MIXES[8].policies[0]), service="review")
    print(f"decide, five more rules and two limits      {best(lambda _n: many.decide(unit)):7.2f} us")
    spec = LimitSpec("ocr", per_second=50, key_per_second=5)
    deferred = [Deferred((Offer(spec, 0, f"key {number}"),)) for number in range(20)]
    for name, rate in (("below the limit", 40.0), ("20 times the limit", 1_000.0)):
        limits, clock = Limits(), [1.7e9]

        def offer(number: int, limits: Limits = limits, clock: list[float] = clock, step: float = 1 / rate) -> None:
            clock[0] += step
            limits.offer(number, deferred[number % 20], drawn[number], clock[0])
            if number % 10 == 0:
                limits.due(clock[0])

        print(f"a unit in a limit, {name:25}{best(offer):7.2f} us")
    tally = Tally()
    print(f"add a trace to an estimate                  {best(lambda n: tally.add(drawn[n])):7.2f} us")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print all figures; return 1 if a counter was wrong, or more than 2 of 100 estimates too far off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=int, default=1_000_000, help="traces of the long run of each mix")
    parser.add_argument("--seeds", type=int, default=40, help="short runs of each mix")
    parser.add_argument("--seed-traces", type=int, default=3_000, help="traces of each short run")
    parser.add_argument("--only", help="only mixes with this in their name")
    parser.add_argument("--quick", action="store_true", help="10,000 traces and 5 seeds of 3,000")
    given = parser.parse_args(arguments)
    if given.quick:
        given.traces, given.seeds, given.seed_traces = 10_000, 5, 3_000
    mixes = [mix for mix in MIXES if given.only is None or given.only in mix.name]
    print("One run of each mix; an estimate that calls itself rough (~) has no distance")
    long = [one_long(mix, given.traces) for mix in mixes]
    print(f"all mixes: {share([score for _, scores in long for score in scores])}")
    print("\nMany seeds")
    every = [score for mix in mixes for score in many_short(mix, given.seed_traces, given.seeds)]
    print(f"all mixes: {share(every)}\n")
    costs()
    far = [score for score in every if abs(score) > 3]
    return 0 if all(exact for exact, _ in long) and len(far) <= 0.02 * len(every) else 1


if __name__ == "__main__":
    sys.exit(main())
