"""Deciding a unit: the lowest threshold of the rules that match, drop rules first, and never an error."""

import math
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sampling.making import HIGH, LOW, facts, policy

from certtrace import semconv
from certtrace.ports import RULES, Decision, Structured, UnitFacts
from certtrace.sampling import CERTAIN, NEVER, Deferred, Sampler, threshold_for
from certtrace.sampling.deciding import MAX_FAULTS
from certtrace.sampling.model import SamplingPolicy


def decided(made: SamplingPolicy, unit: UnitFacts) -> Decision:
    found = Sampler(made, service="grading-worker").decide(unit)
    assert isinstance(found, Decision)
    return found


def rule_of(made: SamplingPolicy, unit: UnitFacts) -> str:
    return decided(made, unit).rule


class TestBuiltIn:
    def test_everything_is_kept_by_default(self) -> None:
        assert decided(SamplingPolicy(), facts()) == Decision(keep=True, rule="baseline", threshold=CERTAIN)

    def test_the_baseline_keeps_the_share_it_says(self) -> None:
        half = SamplingPolicy(baseline=0.5)
        assert decided(half, facts(randomness=2**55)) == Decision(keep=True, rule="baseline", threshold=2**55)
        assert decided(half, facts(randomness=2**55 - 1)) == Decision(keep=False, rule="baseline", threshold=2**55)

    @pytest.mark.parametrize(
        ("given", "rule"),
        [
            ({"has_error": True}, "error"),
            ({"cancelled": True}, "cancelled"),
            ({"abandoned": True}, "cancelled"),
            ({"confidence": 0.69}, "low_confidence"),
            ({"forced": "keep"}, "forced"),
            ({"has_error": True, "cancelled": True, "confidence": 0.1}, "error"),
        ],
    )
    @pytest.mark.parametrize("baseline", [0.0, 1.0])
    def test_special_reasons_are_certain_and_named_before_the_baseline(
        self, given: dict[str, Any], rule: str, baseline: float
    ) -> None:
        assert decided(policy(baseline=baseline), facts(**given)) == Decision(keep=True, rule=rule, threshold=CERTAIN)

    def test_they_can_be_switched_off(self) -> None:
        off = policy(keep_errors=False, keep_confidence_below=None)
        assert not decided(off, facts(has_error=True, cancelled=True, confidence=0.1)).keep

    def test_code_that_says_drop_wins_over_all(self) -> None:
        made = SamplingPolicy()
        sampler = Sampler(made, service="s")
        found = sampler.decide(facts(forced="drop", has_error=True))
        assert found == Decision(keep=False, rule="forced", threshold=NEVER)
        assert isinstance(found, Decision)
        assert sampler.is_drop(found)


class TestRules:
    @pytest.mark.parametrize(
        ("rule", "matching", "other"),
        [
            ({"service": "grading-*"}, facts(), facts(service="ocr")),
            ({"route": ["answer.*", "submission.*"]}, facts(), facts(route="review.expert")),
            ({"route": "answer.[gh]rade"}, facts(), facts(route="answer.trade")),
            ({"span": "llm.*"}, facts(spans=("llm.call",)), facts(spans=("cache.get",))),
            ({"outcome": "abandoned"}, facts(abandoned=True), facts(cancelled=True)),
            ({"outcome": ["error", "cancelled"]}, facts(cancelled=True), facts(abandoned=True)),
            ({"slower_than_seconds": 2}, facts(duration_ns=2_000_000_001), facts(duration_ns=2_000_000_000)),
            ({"confidence_below": 0.5}, facts(confidence=0.4), facts(confidence=0.5)),
            (
                {"passes_disagree": 1},
                facts({semconv.AGGREGATE_SPREAD: [0.0, 1.5]}),
                facts({semconv.AGGREGATE_SPREAD: [1]}),
            ),
            (
                {"pass_mark_within": 5},
                facts({semconv.GRADE: [7.5, 2.0], semconv.GRADE_MAX: [10, 10]}),
                facts({semconv.GRADE: [7.4], semconv.GRADE_MAX: [10]}),
            ),
            (
                {"pass_mark_within": 5},
                facts({semconv.GRADE: [0.62], semconv.PASS_MARK: [0.6]}),
                facts({semconv.GRADE: [0.62]}),
            ),
            (
                {"expert_override": True},
                facts({semconv.REVIEW_DECISION: ["override"]}),
                facts({semconv.REVIEW_DECISION: ["confirm"]}),
            ),
            ({"cost_above_usd": 0.5}, facts({semconv.COST_USD: [0.3, 0.3]}), facts({semconv.COST_USD: [0.5]})),
            (
                {"cost_above_usd": 0.5},
                facts({semconv.OBSERVATION_COST_DETAILS: [Structured({"total": 0.4}), '{"input": 0.1, "more": 0.1}']}),
                facts({semconv.OBSERVATION_COST_DETAILS: ['{"total": 0.4}'], semconv.COST_USD: [0.4]}),
            ),
            ({"service": "grading-worker", "route": "answer.grade", "slower_than_seconds": 1},
             facts(duration_ns=2 * 10**9), facts(duration_ns=2 * 10**9, service="x")),
        ],
    )  # fmt: skip
    def test_a_rule_keeps_what_meets_all_its_conditions(
        self, rule: dict[str, Any], matching: UnitFacts, other: UnitFacts
    ) -> None:
        made = policy({"name": "mine", **rule}, keep_errors=False, keep_confidence_below=None)
        assert decided(made, matching) == Decision(keep=True, rule="mine", threshold=CERTAIN)
        assert decided(made, other) == Decision(keep=False, rule="baseline", threshold=NEVER)

    @pytest.mark.parametrize(
        ("op", "value", "matching", "other"),
        [
            ("==", "acme", ["acme"], ["ACME"]),
            ("==", 1, [1.0], [True]),
            ("==", True, [True], [1]),
            ("==", "de", [Structured(["en", "de"])], [Structured({"de": 1})]),
            ("==", "de", ['["en", "de"]'], ["[de"]),
            ("!=", "acme", ["x", "y"], ["x", "acme"]),
            ("!=", "acme", ["x"], []),
            ("<", 5, [9, 4.5], [5]),
            ("<=", 5, [5], [6]),
            (">", "m", ["n"], ["m"]),
            (">=", 5, [5], [4]),
            ("in", ["a", 2], [2], ["b", True]),
            ("contains", "b", ["abc"], ["ac"]),
            ("contains", "b", [Structured(["a", "b"])], [Structured(["abc"])]),
            ("contains", 3, ["[1, 3]"], ["3"]),
            ("matches", "^gpt-[0-9]", ["gpt-5"], ["a gpt-5", 5]),
            ("matches", "é$", ["\ud800caf\u00e9"], ["\ud800"]),
            ("exists", None, [0], []),
        ],
    )
    def test_attributes_are_compared(self, op: str, value: object, matching: list[object], other: list[object]) -> None:
        where = {"key": "k", "op": op, **({} if value is None else {"value": value})}
        sampler = Sampler(policy({"name": "mine", "where": [where]}), service="s")
        found = [sampler.decide(facts({"k": values})) for values in (matching, other)]
        assert [getattr(each, "rule", "") for each in found] == ["mine", "baseline"]
        assert sampler.faults == {}

    def test_the_lowest_threshold_counts_and_its_rule_is_named(self) -> None:
        made = policy(
            {"name": "tenth", "route": "*", "keep": 0.1},
            {"name": "half", "service": "grading-worker", "keep": 0.5},
            baseline=0.2,
        )
        assert decided(made, facts(randomness=HIGH)) == Decision(keep=True, rule="half", threshold=2**55)
        assert decided(made, facts(service="x", randomness=HIGH)).rule == "baseline"

    def test_a_drop_rule_wins_over_every_reason_to_keep(self) -> None:
        made = policy({"name": "probes", "drop": True, "route": "health"}, {"name": "all", "route": "*"})
        sampler = Sampler(made, service="s")
        found = sampler.decide(facts(route="health", has_error=True, forced="keep"))
        assert found == Decision(keep=False, rule="probes", threshold=NEVER)
        assert isinstance(found, Decision)
        assert sampler.is_drop(found)
        assert not sampler.is_drop(decided(policy(), facts()))

    def test_names_on_a_tie_do_not_depend_on_the_order_of_the_rules(self) -> None:
        rules = [{"name": name, "route": "*"} for name in ("c", "a", "b")]
        assert {rule_of(policy(*order), facts()) for order in permutations(rules)} == {"a"}


class TestParent:
    def test_a_sampled_parent_lowers_the_threshold(self) -> None:
        unit = facts(randomness=2**55, parent_sampled=True, parent_threshold=2**55)
        assert decided(policy(baseline=0.25), unit) == Decision(keep=True, rule="parent", threshold=2**55)
        assert decided(policy(baseline=0.75), unit).rule == "baseline"
        assert decided(policy(baseline=0.25, parent="ignore"), unit).rule == "baseline"

    def test_an_unsampled_parent_says_nothing_unless_it_is_followed(self) -> None:
        unit = facts(randomness=HIGH, parent_sampled=False, parent_threshold=0)
        assert decided(policy(baseline=0.5), unit) == Decision(keep=True, rule="baseline", threshold=2**55)
        assert decided(policy(baseline=0.5, parent="follow"), unit) == Decision(
            keep=False, rule="parent", threshold=NEVER
        )
        assert decided(policy(baseline=1.0, parent="follow"), unit).rule == "parent"

    @pytest.mark.parametrize("baseline", [0.0, 0.1, 0.5, 1.0])
    def test_below_a_sampled_parent_that_is_followed_its_threshold_counts(self, baseline: float) -> None:
        made = policy({"name": "few", "route": "*", "limit": {"per_second": 1}}, baseline=baseline, parent="follow")
        sampled = {"parent_sampled": True, "parent_threshold": 2**55}
        assert decided(made, facts(randomness=2**55, **sampled)) == Decision(keep=True, rule="parent", threshold=2**55)
        assert not decided(made, facts(randomness=2**55 - 1, **sampled)).keep
        unknown = decided(made, facts(randomness=LOW, parent_sampled=True))
        assert unknown == Decision(keep=True, rule="parent", threshold=CERTAIN, counts=False)
        assert decided(made, facts(has_error=True, **sampled)).rule == "error"

    def test_below_an_unsampled_parent_that_is_followed_certain_rules_keep(self) -> None:
        made = policy({"name": "mine", "route": "*", "keep": 0.5}, parent="follow")
        assert decided(made, facts(parent_sampled=False, has_error=True)).rule == "error"
        assert decided(made, facts(parent_sampled=False, randomness=HIGH)).rule == "parent"
        limited = policy({"name": "few", "route": "*", "limit": {"per_second": 1}}, parent="follow")
        assert decided(limited, facts(parent_sampled=False)).rule == "parent"

    def test_a_parent_that_says_no_threshold_changes_nothing(self) -> None:
        assert decided(policy(baseline=0.5), facts(parent_sampled=True)).rule == "baseline"


class TestLimits:
    def test_a_rule_with_a_limit_defers_the_decision(self) -> None:
        made = policy(
            {"name": "few", "route": "*", "keep": 0.5, "limit": {"key": "tenant", "key_per_day": 9}}, baseline=0.1
        )
        found = Sampler(made, service="s").decide(facts({"tenant": ["acme"]}, randomness=HIGH))
        assert isinstance(found, Deferred)
        assert found.otherwise == Decision(keep=True, rule="baseline", threshold=threshold_for(0.1))
        (offer,) = found.offers
        assert (offer.spec.rule, offer.spec.key_per_day, offer.floor, offer.key) == ("few", 9, 2**55, "acme")

    @pytest.mark.parametrize(
        ("key", "expected"), [("service", "grading-worker"), ("route", "answer.grade"), ("absent", "")]
    )
    def test_the_key_is_that_of_the_unit(self, key: str, expected: str) -> None:
        made = policy({"name": "few", "limit": {"key": key, "key_per_second": 1}})
        found = Sampler(made, service="s").decide(facts())
        assert isinstance(found, Deferred)
        assert found.offers[0].key == expected

    def test_what_is_certain_or_below_the_floor_is_not_deferred(self) -> None:
        made = policy({"name": "few", "route": "*", "keep": 0.5, "limit": {"per_second": 5}})
        assert decided(made, facts(has_error=True)).rule == "error"
        assert decided(made, facts(randomness=LOW)) == Decision(keep=False, rule="baseline", threshold=NEVER)

    def test_the_baseline_can_have_a_limit(self) -> None:
        found = Sampler(SamplingPolicy.model_validate({"baseline_limit": {"per_second": 5}}), service="s").decide(
            facts()
        )
        assert isinstance(found, Deferred)
        assert found.otherwise == Decision(keep=False, rule="baseline", threshold=NEVER)
        assert [(offer.spec.rule, offer.floor) for offer in found.offers] == [("baseline", 0)]


class TestFaults:
    @pytest.mark.parametrize(
        ("rule", "attributes"),
        [
            ({"where": [{"key": "k", "op": "<", "value": 3}]}, {"k": ["low"]}),
            ({"where": [{"key": "k", "op": "<", "value": 3}]}, {"k": [math.nan]}),
            ({"where": [{"key": "k", "op": "<", "value": 3}]}, {"k": [True]}),
            ({"where": [{"key": "k", "op": ">", "value": "m"}]}, {"k": [3]}),
            ({"passes_disagree": 1}, {semconv.AGGREGATE_SPREAD: ["wide"]}),
            ({"pass_mark_within": 1}, {semconv.GRADE: [math.inf]}),
            ({"cost_above_usd": 1}, {semconv.OBSERVATION_COST_DETAILS: ["dear"]}),
            ({"confidence_below": 0.5}, {}),
        ],
    )
    def test_what_cannot_be_compared_is_kept_and_counted(
        self, rule: dict[str, Any], attributes: dict[str, Any]
    ) -> None:
        told: list[tuple[str, str]] = []
        sampler = Sampler(policy({"name": "mine", **rule}, keep_confidence_below=None), service="s",
                          on_fault=lambda *said: told.append(said))  # fmt: skip
        unit = facts(attributes, confidence=math.nan)
        for _ in range(3):
            assert sampler.decide(unit) == Decision(keep=True, rule="fault", threshold=CERTAIN)
        assert sampler.faults == {"mine": 3}
        assert told == [("mine", "IncomparableError")]

    def test_a_confidence_that_is_no_number_keeps_the_unit(self) -> None:
        assert rule_of(policy(), facts(confidence=math.nan)) == "fault"

    def test_a_rule_that_raises_keeps_until_it_is_switched_off(self) -> None:
        def values(_key: str) -> list[object]:
            raise RuntimeError("private value")

        told: list[tuple[str, str]] = []
        made = policy({"name": "mine", "where": [{"key": "k", "value": 3}]}, {"name": "slow", "slower_than_seconds": 5})
        sampler = Sampler(made, service="s", on_fault=lambda *said: told.append(said))
        rules = [getattr(sampler.decide(facts(values=values)), "rule", "") for _ in range(MAX_FAULTS + 1)]
        assert rules == ["fault"] * MAX_FAULTS + ["baseline"]
        assert sampler.faults == {"mine": MAX_FAULTS}
        assert told == [("mine", "RuntimeError"), ("mine", f"switched off after {MAX_FAULTS} faults")]
        assert "private" not in str(told)
        assert getattr(sampler.decide(facts(duration_ns=6 * 10**9)), "rule", "") == "slow"

    def test_a_drop_rule_that_raises_keeps_but_another_that_matches_still_drops(self) -> None:
        made = policy({"name": "a", "drop": True, "where": [{"key": "k", "op": "<", "value": 1}]},
                      {"name": "b", "drop": True, "route": "health"})  # fmt: skip
        assert rule_of(made, facts({"k": ["x"]})) == "fault"
        assert rule_of(made, facts({"k": ["x"]}, route="health")) == "b"

    def test_a_limit_whose_key_cannot_be_read_keeps(self) -> None:
        class Odd:
            def __str__(self) -> str:
                raise ValueError

        made = policy({"name": "few", "limit": {"key": "tenant", "key_per_second": 1}})
        assert rule_of(made, facts({"tenant": [Odd()]})) == "fault"

    def test_a_callback_that_raises_does_no_harm(self) -> None:
        def on_fault(_rule: str, _cause: str) -> None:
            raise RuntimeError

        sampler = Sampler(policy({"name": "mine", "passes_disagree": 1}), service="s", on_fault=on_fault)
        assert getattr(sampler.decide(facts({semconv.AGGREGATE_SPREAD: ["?"]})), "rule", "") == "fault"


class TestAtTheStart:
    def test_only_what_is_certain_by_name_service_and_first_attributes_drops(self) -> None:
        made = policy(
            {"name": "probes", "drop": True, "route": ["health*"]},
            {"name": "ocr-ping", "drop": True, "service": "ocr", "route": "ping"},
            {"name": "path", "drop": True, "where": [{"key": "url.path", "value": "/ready"}]},
            {"name": "not-path", "drop": True, "where": [{"key": "url.path", "op": "!=", "value": "/x"}]},
            {"name": "slow-ping", "drop": True, "route": "ping", "slower_than_seconds": 0},
        )
        grading, ocr = Sampler(made, service="grading"), Sampler(made, service="ocr")
        assert grading.drops_at_start("healthz") == "probes"
        assert grading.drops_at_start("ping") == ""
        assert ocr.drops_at_start("ping") == "ocr-ping"
        assert grading.drops_at_start("GET", {"url.path": "/ready"}) == "path"
        assert grading.drops_at_start("GET", {"url.path": "/else"}) == ""
        assert grading.drops_at_start("GET", {}) == ""

    def test_a_dry_run_drops_nothing_at_the_start(self) -> None:
        made = policy({"name": "probes", "drop": True, "route": "health"}, dry_run=True)
        assert Sampler(made, service="s").drops_at_start("health") == ""

    def test_the_head_threshold_is_the_lowest_known_then(self) -> None:
        made = policy(
            {"name": "half", "route": "answer.*", "keep": 0.5},
            {"name": "most", "service": "ocr", "keep": 0.9},
            {"name": "limited", "route": "*", "limit": {"per_second": 1}},
            {"name": "slow", "slower_than_seconds": 1},
            baseline=0.1,
        )
        sampler = Sampler(made, service="grading")
        assert sampler.head_threshold("answer.grade") == 2**55
        assert sampler.head_threshold("review") == threshold_for(0.1)
        assert Sampler(made, service="ocr").head_threshold("answer.grade") == threshold_for(0.9)
        assert Sampler(policy(baseline=1.0, baseline_limit={"per_second": 1}), service="s").head_threshold("x") == NEVER

    def test_the_head_threshold_beside_that_of_a_parent_is_what_its_decision_will_be(self) -> None:
        heads = {
            parent: [
                Sampler(policy(baseline=0.5, parent=parent), service="s").head_threshold("x", above)
                for above in (7, NEVER)
            ]
            for parent in ("keep", "follow", "ignore")
        }
        assert heads == {"keep": [7, 2**55], "follow": [7, NEVER], "ignore": [2**55, 2**55]}

    def test_what_rules_read_is_watched(self) -> None:
        made = policy(
            {"name": "a", "where": [{"key": "k", "value": 3}]},
            {"name": "b", "cost_above_usd": 1, "expert_override": True},
            {"name": "c", "limit": {"key": "tenant", "key_per_second": 1}},
            {"name": "d", "limit": {"key": "route", "key_per_second": 1}},
        )
        assert Sampler(made, service="s").watched == {
            "k", "tenant", semconv.COST_USD, semconv.OBSERVATION_COST_DETAILS, semconv.REVIEW_DECISION,
            semconv.CONFIDENCE,
        }  # fmt: skip
        assert Sampler(policy(keep_confidence_below=None), service="s").watched == frozenset()

    @pytest.mark.parametrize(
        ("given", "rules", "expected"),
        [
            ({}, [], True),
            ({"baseline": 0.99}, [], False),
            ({"baseline_limit": {"per_second": 1}}, [], False),
            ({"dry_run": True}, [], False),
            ({"parent": "follow"}, [], False),
            ({}, [{"name": "r", "slower_than_seconds": 1}], False),
            ({}, [{"name": "r", "drop": True, "route": "health"}], False),
            ({}, [{"name": "r", "passes_disagree": 1}], True),
            ({}, [{"name": "r", "route": "x", "keep": 0.5}], True),
            ({}, [{"name": "r", "limit": {"per_second": 1}}], True),
            ({}, [{"name": "r", "drop": True, "route": "x", "where": [{"key": "k", "op": "exists"}]}], True),
        ],
    )
    def test_the_quick_way_is_open_only_where_nothing_else_matters(
        self, given: dict[str, Any], rules: list[dict[str, Any]], expected: bool
    ) -> None:
        made = SamplingPolicy.model_validate({**given, "rules": rules})
        assert Sampler(made, service="s").keeps_all is expected

    def test_rules_are_numbered_after_certtraces_own(self) -> None:
        made = policy({"name": "b", "route": "x"}, {"name": "error", "outcome": "error"}, {"name": "a", "route": "y"})
        assert Sampler(made, service="s").rule_names == (*RULES, "b", "a")


class TestDryRunAndStress:
    def test_a_dry_run_keeps_all_and_says_what_would_have_been(self) -> None:
        made = policy(dry_run=True)
        assert decided(made, facts()) == Decision(
            keep=True, rule="dry_run", threshold=CERTAIN, would=Decision(keep=False, rule="baseline", threshold=NEVER)
        )

    def test_a_deferred_decision_is_settled_by_whoever_has_the_windows(self) -> None:
        sampler = Sampler(policy({"name": "few", "limit": {"per_second": 1}}, dry_run=True), service="s")
        assert isinstance(sampler.decide(facts()), Deferred)
        last = sampler.settled(Decision(keep=False, rule="few", threshold=7))
        assert (last.keep, last.rule, last.would) == (True, "dry_run", Decision(keep=False, rule="few", threshold=7))
        assert sampler.settled(last) is last

    @pytest.mark.parametrize(
        ("decision", "expected"),
        [
            (Decision(keep=True, rule="error"), Decision(keep=True, rule="error")),
            (Decision(keep=True, rule="mine"), Decision(keep=True, rule="mine")),
            (Decision(keep=True, rule="baseline"), Decision(keep=False, rule="stress", threshold=2**55)),
            (Decision(keep=True, rule="parent"), Decision(keep=False, rule="stress", threshold=2**55)),
            (Decision(keep=True, rule="mine", threshold=5), Decision(keep=False, rule="stress", threshold=2**55)),
            (
                Decision(keep=True, rule="mine", threshold=2**55 + 1),
                Decision(keep=True, rule="mine", threshold=2**55 + 1),
            ),
            (
                Decision(keep=False, rule="probes", threshold=NEVER),
                Decision(keep=False, rule="probes", threshold=NEVER),
            ),
        ],
    )
    def test_stress_raises_what_is_not_certain(self, decision: Decision, expected: Decision) -> None:
        sampler = Sampler(SamplingPolicy(), service="s")
        assert sampler.stressed(facts(randomness=2**55 - 1), decision, 2**55) == expected

    def test_stress_keeps_what_is_above_its_threshold_and_says_it(self) -> None:
        found = Sampler(SamplingPolicy(), service="s").stressed(
            facts(randomness=2**55), Decision(keep=True, rule="baseline"), 2**55
        )
        assert found == Decision(keep=True, rule="stress", threshold=2**55)


_CONDITIONS = st.sampled_from([
    {"route": "answer.*"}, {"route": "review.*"}, {"service": "grading-worker"}, {"slower_than_seconds": 1.0},
    {"outcome": "error"}, {"confidence_below": 0.5}, {"where": [{"key": "tenant", "value": "acme"}]},
    {"where": [{"key": "size", "op": ">", "value": 3}]},
])  # fmt: skip
_ACTIONS = st.one_of(
    st.just({"drop": True}),
    st.fixed_dictionaries({"keep": st.sampled_from([0.05, 0.25, 0.5, 1.0])}),
    st.fixed_dictionaries({"keep": st.sampled_from([0.5, 1.0]), "limit": st.just({"per_second": 5})}),
)
_RULES = st.lists(st.tuples(_CONDITIONS, _ACTIONS), max_size=6).map(
    lambda pairs: [{"name": f"r{number}", **conditions, **action} for number, (conditions, action) in enumerate(pairs)]
)
_UNITS = st.builds(
    facts,
    st.fixed_dictionaries({
        "tenant": st.lists(st.sampled_from(["acme", "x"]), max_size=2),
        "size": st.lists(st.sampled_from([1, 9, "big", math.nan]), max_size=2),
    }),
    route=st.sampled_from(["answer.grade", "review.expert", "ping"]),
    randomness=st.integers(0, HIGH),
    duration_ns=st.sampled_from([1, 2 * 10**9]),
    has_error=st.booleans(),
    confidence=st.sampled_from([None, 0.4, 0.9]),
    forced=st.sampled_from(["", "", "", "keep", "drop"]),
    parent_sampled=st.sampled_from([None, True, False]),
    parent_threshold=st.one_of(st.none(), st.integers(0, NEVER)),
)  # fmt: skip
_BASELINES = st.sampled_from([0.0, 0.1, 0.5, 1.0])
_PARENTS = st.sampled_from(["keep", "follow", "ignore"])


def lowest(found: Decision | Deferred) -> int:
    """Return the lowest threshold that a verdict can come to."""
    return (
        found.threshold
        if isinstance(found, Decision)
        else min(found.otherwise.threshold, *(each.floor for each in found.offers))
    )


def may_keep(found: Decision | Deferred) -> bool:
    return found.keep if isinstance(found, Decision) else True


class TestAlgebra:
    @settings(deadline=None)
    @given(_RULES, _UNITS, _BASELINES, _PARENTS, st.randoms())
    def test_the_order_of_the_rules_does_not_matter(
        self, rules: list[dict[str, Any]], unit: UnitFacts, baseline: float, parent: str, random: Any
    ) -> None:
        shuffled = random.sample(rules, len(rules))
        first, second = (policy(*each, baseline=baseline, parent=parent) for each in (rules, shuffled))
        assert Sampler(first, service="s").decide(unit) == Sampler(second, service="s").decide(unit)
        assert first.version == second.version

    @settings(deadline=None)
    @given(_RULES, _UNITS, _BASELINES, _CONDITIONS, st.sampled_from([0.05, 0.5, 1.0]))
    def test_a_further_rule_that_keeps_never_drops(
        self, rules: list[dict[str, Any]], unit: UnitFacts, baseline: float, conditions: dict[str, Any], share: float
    ) -> None:
        before = Sampler(policy(*rules, baseline=baseline), service="s").decide(unit)
        more = policy(*rules, {"name": "more", "keep": share, **conditions}, baseline=baseline)
        after = Sampler(more, service="s").decide(unit)
        assert lowest(after) <= lowest(before)
        assert may_keep(after) or not may_keep(before)

    @settings(deadline=None)
    @given(_RULES, _UNITS, _BASELINES)
    def test_the_threshold_is_never_above_that_of_a_rule_that_matches(
        self, rules: list[dict[str, Any]], unit: UnitFacts, baseline: float
    ) -> None:
        found = Sampler(policy(*rules, baseline=baseline), service="s").decide(unit)
        if isinstance(found, Deferred) or found.threshold == NEVER:
            return
        assert found.threshold <= threshold_for(baseline)
        for rule in rules:
            if "drop" not in rule and "limit" not in rule:
                alone = Sampler(policy(rule, keep_errors=False, keep_confidence_below=None), service="s").decide(unit)
                if isinstance(alone, Decision) and alone.rule == rule["name"]:
                    assert found.threshold <= alone.threshold
        assert found.keep == (unit.randomness >= found.threshold)

    @settings(deadline=None)
    @given(st.integers(0, HIGH), st.lists(_BASELINES, min_size=2, max_size=4))
    def test_services_keep_nested_sets(self, randomness: int, shares: list[float]) -> None:
        kept = [decided(policy(baseline=share), facts(randomness=randomness)).keep for share in sorted(shares)]
        assert kept == sorted(kept)

    @settings(deadline=None)
    @given(st.integers(0, HIGH), st.sampled_from([0.05, 0.5, 0.9]), st.sampled_from([0.01, 0.2, 1.0]))
    def test_a_service_below_keeps_all_that_its_parent_keeps(self, randomness: int, above: float, below: float) -> None:
        parent = Sampler(policy(baseline=above), service="above")
        theirs = parent.head_threshold("answer.grade")
        sampled = decided(policy(baseline=above), facts(randomness=randomness)).keep
        unit = facts(randomness=randomness, parent_sampled=True, parent_threshold=theirs)
        assert decided(policy(baseline=below), unit).keep or not sampled
