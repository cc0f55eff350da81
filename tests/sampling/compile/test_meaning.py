"""The compiled policies decide as certtrace's own sampler does, on what stands on the wire."""

import math
import random
from functools import lru_cache

import pytest
from tests.sampling.compile.tail_sampling import TailSampling, load
from tests.sampling.compile.traces import Unit, decided, random_unit

from certtrace import semconv
from certtrace.sampling.compile import Target, compile_policy
from certtrace.sampling.deciding import Sampler
from certtrace.sampling.model import SamplingPolicy

QUIET = {"baseline": 0.0, "keep_errors": False, "keep_confidence_below": None}
RULES = {
    "built_in": {"baseline": 0.0},
    "slow": {"slower_than_seconds": 20.0},
    "outcome": {"outcome": ["abandoned", "error"]},
    "confidence": {"confidence_below": 0.25},
    "disagree": {"passes_disagree": 1.5},
    "near": {"pass_mark_within": 10.0},
    "override": {"expert_override": True},
    "cost": {"cost_above_usd": 0.5},
    "forced": {"forced": True},
    "service": {"service": ["gate*", "ocr-worker"]},
    "route": {"route": "answer.*"},
    "route_set": {"route": "review [[]?]"},
    "span": {"span": "cache.[a-m]*"},
    "text": {"where": [{"key": "tenant", "value": 'Zürich "AG"'}]},
    "unequal": {"where": [{"key": "tenant", "op": "!=", "value": "acme"}]},
    "one_of": {"where": [{"key": "tenant", "op": "in", "value": ["acme", "none"]}]},
    "matches": {"where": [{"key": "tenant", "op": "matches", "value": "^a.*e$"}]},
    "contains": {"where": [{"key": "tenant", "op": "contains", "value": "the"}]},
    "above": {"where": [{"key": "tenant", "op": ">", "value": "b"}]},
    "whole": {"where": [{"key": "attempt", "value": 2}]},
    "at_least": {"where": [{"key": "attempt", "op": ">=", "value": 2}]},
    "fraction": {"where": [{"key": "share", "op": "<", "value": 1e-1}]},
    "flag": {"where": [{"key": "replayed", "value": True}]},
    "there": {"where": [{"key": "share", "op": "exists"}]},
    "foreign": {"where": [{"key": "http.response.status_code", "op": ">=", "value": 500}]},
    "user": {"where": [{"key": "user.id", "value": "u1"}]},
    "several": {"service": "grader", "outcome": "error", "slower_than_seconds": 2.0},
    "likely": {"service": "grader", "keep": 0.5},
    "stamped": {"cost_above_usd": 0.2, "keep": 0.3},
}


def policy_of(name: str) -> SamplingPolicy:
    said = RULES[name]
    return (
        SamplingPolicy(**said)
        if "baseline" in said
        else SamplingPolicy(**QUIET, rules=[{"name": f"on-{name}", **said}])
    )


def collector_of(policy: SamplingPolicy, **options) -> TailSampling:
    return TailSampling(load(compile_policy(policy, Target()).tier2), **options)


@lru_cache(maxsize=4)
def samplers(policy: SamplingPolicy) -> dict[str, Sampler]:
    dry = policy.model_copy(update={"dry_run": True})
    return {service: Sampler(dry, service=service) for service in ("grader", "gateway", "ocr-worker")}


def compare(policy: SamplingPolicy, units: list[Unit], trace_id: int, collector: TailSampling) -> tuple[bool, bool]:
    own = samplers(policy)
    decisions = [decided(own[unit.service], unit, trace_id) for unit in units]
    sent = [
        unit.on_the_wire(trace_id, decision, number)
        for number, (unit, decision) in enumerate(zip(units, decisions, strict=True))
    ]
    return any(decision.would.keep for decision in decisions if decision.would), collector.keeps(trace_id, sent)


@pytest.mark.parametrize("name", RULES)
def test_a_unit_is_kept_by_the_collector_exactly_if_certtrace_would_keep_it(name):
    policy = policy_of(name)
    collector = collector_of(policy, uses_tracestate=True)
    chance = random.Random(name)
    outcomes = [compare(policy, [random_unit(chance)], chance.getrandbits(128), collector) for _ in range(80)]
    assert [own for own, _ in outcomes] == [theirs for _, theirs in outcomes]
    assert {own for own, _ in outcomes} == {True, False}


@pytest.mark.parametrize("name", [name for name in RULES if name != "several"])
def test_a_trace_is_kept_if_one_of_its_units_is(name):
    policy = policy_of(name)
    collector = collector_of(policy, uses_tracestate=True)
    chance = random.Random(name)
    for _ in range(25):
        units = [random_unit(chance) for _ in range(3)]
        for unit in units[1:]:
            unit.is_root = False
        for unit in units:
            unit.forced = unit.forced.replace("drop", "")  # of a unit below, that is the process's own business
        own, theirs = compare(policy, units, chance.getrandbits(128), collector)
        assert own == theirs


def test_all_rules_together_keep_what_one_of_them_keeps():
    rules = [{"name": name, **said} for name, said in RULES.items() if "baseline" not in said and name != "forced"]
    policy = SamplingPolicy(baseline=0.1, rules=rules)
    collector = collector_of(policy, uses_tracestate=True)
    chance = random.Random(7)
    for _ in range(80):
        own, theirs = compare(policy, [random_unit(chance)], chance.getrandbits(128), collector)
        assert own == theirs


DROPS = {
    "route": {"route": "GET /health*"},
    "service": {"service": "ocr-*", "route": ["GET *"]},
    "where": {"where": [{"key": "tenant", "value": "other"}]},
    "span": {"span": "parse", "service": "grader"},
}


@pytest.mark.parametrize("name", DROPS)
def test_what_a_drop_rule_drops_is_dropped_whatever_else_it_is(name):
    policy = SamplingPolicy(baseline=1.0, rules=[{"name": name, "drop": True, **DROPS[name]}])
    collector = collector_of(policy)
    chance = random.Random(name)
    outcomes = [compare(policy, [random_unit(chance)], chance.getrandbits(128), collector) for _ in range(80)]
    assert [own for own, _ in outcomes] == [theirs for _, theirs in outcomes]
    assert {own for own, _ in outcomes} == {True, False}


@pytest.mark.parametrize("name", DROPS)
def test_a_unit_below_another_service_never_drops_the_whole_trace(name):
    policy = SamplingPolicy(baseline=1.0, rules=[{"name": name, "drop": True, **DROPS[name]}])
    collector = collector_of(policy)
    dropped = Unit(
        service="ocr-worker", route="GET /health", child="parse", attributes={"tenant": "other"}, is_root=False
    )
    if name == "span":
        dropped.service = "grader"
    assert decided(samplers(policy)[dropped.service], dropped, 1).would.keep is False
    above = Unit(service="gateway", route="case_study.grade")
    assert compare(policy, [above, dropped], 1, collector)[1] is True


@pytest.mark.parametrize("name", ["likely", "baseline", "stamped"])
def test_without_the_gate_other_traces_are_kept_at_the_same_rate(name):
    policy = SamplingPolicy(**{**QUIET, "baseline": 0.2}) if name == "baseline" else policy_of(name)
    collector = collector_of(policy)
    unit = Unit(attributes={semconv.COST_USD: 0.4})
    share = {"likely": 0.5, "baseline": 0.2, "stamped": 0.3}[name]
    chance = random.Random(11)
    total = 1_500
    outcomes = [compare(policy, [unit], chance.getrandbits(128), collector) for _ in range(total)]
    error = math.sqrt(share * (1 - share) / total)
    for kept in (sum(own for own, _ in outcomes), sum(theirs for _, theirs in outcomes)):
        assert abs(kept / total - share) < 4 * error
    assert any(own != theirs for own, theirs in outcomes)


def test_probabilities_of_several_rules_nest():
    rules = [{"name": "grader", "service": "grader", "keep": 0.4}, {"name": "route", "route": "answer.*", "keep": 0.2}]
    policy = SamplingPolicy(**{**QUIET, "baseline": 0.1}, rules=rules)
    collector = collector_of(policy)
    chance = random.Random(13)
    kept = sum(compare(policy, [Unit()], chance.getrandbits(128), collector)[1] for _ in range(1_500))
    assert abs(kept / 1_500 - 0.4) < 4 * math.sqrt(0.4 * 0.6 / 1_500)


def test_a_value_that_is_no_number_does_not_stop_the_decision():
    policy = SamplingPolicy(baseline=0.0)
    collector = collector_of(policy)
    unit = Unit(error=True, foreign={semconv.CONFIDENCE: "unknown"})
    assert compare(policy, [unit], 1, collector) == (True, True)
