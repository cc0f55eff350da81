"""The rules of the grading domain on what the grading services really record."""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from certtrace import semconv
from certtrace.assembly.trial import try_policy, units_of
from certtrace.ledger import all_entries
from certtrace.records.facts import fact, number_fact
from certtrace.records.source import StoreSource
from certtrace.sampling.loading import sampling_from_toml

POLICY = """
[sampling]
baseline = 0.0
keep_errors = false
keep_confidence_below = 0.0

[[sampling.rules]]
name = "a-override"
expert_override = true

[[sampling.rules]]
name = "b-near"
pass_mark_within = 20

[[sampling.rules]]
name = "c-disagree"
passes_disagree = 0.5

[[sampling.rules]]
name = "d-unsure"
confidence_below = 0.7

[[sampling.rules]]
name = "e-reviewed"
where = [{ key = "cert.route", value = "expert_review" }]

[[sampling.rules]]
name = "f-failures"
span = "llm.*"
where = [{ key = "cert.failure.class", op = "exists" }]
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A dry run of the demo: everything is stored, with what the policy said of the live unit."""
    home = tmp_path_factory.mktemp("demo")
    path = home / "policy.toml"
    path.write_text(POLICY)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CERTTRACE_", "OTEL_"))}
    environment |= {"CERTTRACE_SAMPLING_POLICY": str(path), "CERTTRACE_SAMPLING_DRY_RUN": "true"}
    command = [sys.executable, "-m", "certtrace", "--home", str(home), "demo", "--limit", "12", "--json"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode in (0, 3), result.stderr
    return home, json.loads(result.stdout)


def traces_of(home):
    source = StoreSource(home / "store.db")
    return [source.get_trace(summary.trace_id) for summary in source.list_traces(limit=500).traces]


@pytest.mark.slow
def test_live_units_and_stored_ones_are_judged_alike(demo):
    home, report = demo
    policy = sampling_from_toml(POLICY, "policy")
    traces = traces_of(home)
    trial = try_policy(policy, traces, all_entries(home / "ledger"))
    assert trial.units == report["account"]["started"] == report["account"]["kept"]
    live = Counter()
    roots = {}
    for entry in all_entries(home / "ledger"):
        roots.setdefault(entry.trace_id, set()).add(entry.root)
    for trace in traces:
        by_id = {each.id: each for each in trace.observations}
        for root in roots[trace.trace_id]:
            note = fact(by_id[root], semconv.SAMPLING)
            assert note["rule"] == "dry_run"
            live[note["would"]["rule"], note["would"]["keep"]] += 1
    tried = Counter()
    for name, rule in trial.rules.items():
        tried[name, True] += rule.kept
        tried[name, False] += rule.dropped
    assert +tried == live
    assert {"a-override", "b-near", "c-disagree"} <= {rule for rule, kept in live if kept}
    assert trial.faults == {}


@pytest.mark.slow
def test_what_they_keep_is_what_the_records_say(demo):
    home, _ = demo
    policy = sampling_from_toml(POLICY, "policy")
    for name, holds in (("a-override", overridden), ("b-near", near), ("c-disagree", disagreeing)):
        alone = policy.changed(rules=tuple(rule for rule in policy.rules if rule.name == name))
        for trace in traces_of(home):
            (whole,) = units_of(trace)
            kept = try_policy(alone, [trace]).kept
            assert whole.facts.span_count == len(trace.observations)
            assert kept == holds(trace), (name, trace.summary.name)


def overridden(trace):
    return any(fact(each, semconv.REVIEW_DECISION) == "override" for each in trace.observations)


def disagreeing(trace):
    return any((number_fact(each, semconv.AGGREGATE_SPREAD) or 0) > 0.5 for each in trace.observations)


def near(trace):
    """Whether the final grade, else the aggregate's of the whole, is near 80 %: told by the spans' names."""
    for name in ("grade.finalise", "submission.aggregate", "grade.aggregate"):
        graded = (each for each in trace.observations if each.name == name)
        found = [each for each in graded if number_fact(each, semconv.GRADE) is not None]
        if found:
            share = number_fact(found[-1], semconv.GRADE) / number_fact(found[-1], semconv.GRADE_MAX)
            return abs(share - 0.8) <= 0.2 + 1e-9
    return False
