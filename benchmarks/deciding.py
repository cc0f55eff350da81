"""Microseconds of CPU that one decision takes: the default policy, and one of 15 rules on units of several sizes.

    python benchmarks/deciding.py

Thread time, the best of 20 rounds: the rest of the machine does not count.
"""

import time

from certtrace.ports import Structured, UnitFacts
from certtrace.sampling import Sampler, SamplingPolicy

RULES = [
    {"name": "probes", "drop": True, "route": ["health*", "/ready"]},
    {"name": "tests", "drop": True, "where": [{"key": "tenant", "value": "test"}]},
    {"name": "slow", "slower_than_seconds": 20},
    {"name": "disagree", "passes_disagree": 1},
    {"name": "near", "pass_mark_within": 3},
    {"name": "override", "expert_override": True},
    {"name": "dear", "cost_above_usd": 0.5},
    {"name": "ocr", "service": "ocr-*", "keep": 0.25},
    {"name": "submissions", "route": "submission.*", "keep": 0.5},
    {"name": "tools", "span": "tool.*"},
    {"name": "models", "where": [{"key": "model", "op": "matches", "value": "^gpt"}]},
    {"name": "languages", "where": [{"key": "lang", "op": "in", "value": ["de", "fr"]}]},
    {"name": "unsure", "confidence_below": 0.5, "route": "a*"},
    {"name": "late", "outcome": "cancelled", "slower_than_seconds": 3},
    {"name": "quota", "limit": {"key": "tenant", "key_per_second": 1}},
]
ROOT = {
    "tenant": "acme",
    "cert.grade": 2.0,
    "cert.grade.max": 4.0,
    "cert.aggregate.spread": 0.0,
    "model": "claude",
    "lang": "en",
    "cert.cost.usd": 0.1,
}


def unit(spans, attributes):
    def values(key):
        return [span[key] for span in held if key in span]

    held = [attributes, *({"langfuse.observation.cost_details": Structured({"total": 0.02})} for _ in range(spans - 1))]
    names = ["answer.grade", *["answer.pass"] * (spans - 1)]
    return UnitFacts(
        service="grading-worker", route="answer.grade", randomness=0, duration_ns=10**6, span_count=spans,
        confidence=0.9, values=values, span_names=lambda: names,
    )  # fmt: skip


def microseconds(policy, facts, rounds=20, calls=1_000):
    decide = Sampler(policy, service="grading-worker").decide
    best = float("inf")
    for _ in range(rounds):
        start = time.thread_time()
        for _ in range(calls):
            decide(facts)
        best = min(best, (time.thread_time() - start) / calls)
    return best * 1e6


def main():
    rules = SamplingPolicy.model_validate({"baseline": 0.1, "rules": RULES})
    print(f"default policy              {microseconds(SamplingPolicy(), unit(1, {})):6.2f} us")
    print(f"baseline 0.1                {microseconds(SamplingPolicy(baseline=0.1), unit(1, {})):6.2f} us")
    print(f"15 rules, 1 span            {microseconds(rules, unit(1, {})):6.2f} us")
    print(f"15 rules, graded, 5 spans   {microseconds(rules, unit(5, ROOT)):6.2f} us")
    print(f"15 rules, graded, 16 spans  {microseconds(rules, unit(16, ROOT)):6.2f} us")


if __name__ == "__main__":
    main()
