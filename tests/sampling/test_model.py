"""The policy model: what it refuses, and what its version stands for."""

from typing import Any

import pytest
from pydantic import ValidationError
from tests.sampling.making import policy

from certtrace.sampling.model import SamplingPolicy
from certtrace.sampling.rule import CONDITIONS, Rule


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({}, "without a condition"),
        ({"drop": True}, "without a condition"),
        ({"route": "x", "drop": True, "keep": 0.5}, "either drops or keeps"),
        ({"route": "x", "drop": True, "limit": {"per_second": 1}}, "either drops or keeps"),
        ({"route": "x", "keep": 0.0}, "never keeps"),
        ({"route": "x", "keep": 1.5}, "less than or equal to 1"),
        ({"route": []}, "without a condition"),
        ({"route": ""}, "at least 1 character"),
        ({"outcome": "failed"}, "'error', 'cancelled' or 'abandoned'"),
        ({"outcome": []}, "at least 1 item"),
        ({"expert_override": False}, "True"),
        ({"slower_than_seconds": -1}, "greater than or equal to 0"),
        ({"slower_than_seconds": float("nan")}, "finite"),
        ({"limit": {}}, "without a bound"),
        ({"limit": {"key": "tenant", "per_second": 1}}, "key alone limits nothing"),
        ({"limit": {"key_per_day": 1}}, "need a key"),
        ({"limit": {"per_second": 0}}, "greater than 0"),
        ({"where": [{"key": "k"}]}, "value is missing"),
        ({"where": [{"key": "k", "op": "exists", "value": 1}]}, "exists takes no value"),
        ({"where": [{"key": "k", "op": "in", "value": "x"}]}, "takes a list"),
        ({"where": [{"key": "k", "op": "in", "value": []}]}, "value is missing"),
        ({"where": [{"key": "k", "value": ["x"]}]}, "goes with in only"),
        ({"where": [{"key": "k", "op": "<", "value": True}]}, "no order"),
        ({"where": [{"key": "k", "op": "<", "value": float("inf")}]}, "finite"),
        ({"where": [{"key": "k", "op": "~", "value": "x"}]}, "Input should be"),
        ({"where": [{"key": "k", "op": "matches", "value": 3}]}, "expression as text"),
        ({"where": [{"key": "k", "op": "matches", "value": "(a"}]}, "refused"),
        ({"where": [{"key": "k", "op": "matches", "value": "(?=a)"}]}, "refused"),
        ({"where": [{"key": "k", "op": "matches", "value": r"(a)\1"}]}, "refused"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(rule: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Rule.model_validate({"name": "mine", **rule})


@pytest.mark.parametrize("name", ["", "Mine", "a b", "ä", "x" * 65])
def test_a_name_is_short_and_plain(name: str) -> None:
    with pytest.raises(ValidationError):
        Rule(name=name, route=("x",))


@pytest.mark.parametrize(
    "rule",
    [
        {"name": "baseline", "route": "x"},
        {"name": "error", "route": "x"},
        {"name": "error", "outcome": "error", "keep": 0.5},
        {"name": "cancelled", "outcome": "cancelled"},
        {"name": "low_confidence", "confidence_below": 0.5},
        {"name": "spool_full", "route": "x"},
    ],
)
def test_certtraces_own_names_cannot_mean_something_else(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="name"):
        policy(rule)


def test_certtraces_own_rules_can_be_restated() -> None:
    rules = [
        {"name": "error", "outcome": ["error"]},
        {"name": "cancelled", "outcome": ["cancelled", "abandoned"]},
        {"name": "low_confidence", "confidence_below": 0.6},
    ]
    restated = policy(*rules, keep_confidence_below=0.6)
    assert restated.own_rules == ()
    assert restated.version == policy(keep_confidence_below=0.6).version


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValidationError, match="Two rules are named 'a'"):
        policy({"name": "a", "route": "x"}, {"name": "a", "route": "y"})


def test_every_condition_is_one_a_rule_can_have() -> None:
    assert {
        "service", "route", "span", "outcome", "slower_than_seconds", "confidence_below", "passes_disagree",
        "pass_mark_within", "expert_override", "cost_above_usd", "forced", "where",
    } == CONDITIONS  # fmt: skip


def test_the_version_says_what_is_meant_not_how_it_is_written() -> None:
    first = policy({"name": "b", "route": "x"}, {"name": "a", "outcome": ["error", "cancelled"], "keep": 1.0})
    second = policy({"name": "a", "outcome": ["cancelled", "error"]}, {"name": "b", "route": ["x"]})
    assert first.version == second.version
    assert len(first.version) == 12
    assert policy(keep_confidence_below=0.0).version == policy(keep_confidence_below=None).version
    assert policy({"name": "b", "route": "y"}).version != policy({"name": "b", "route": "x"}).version
    assert policy(baseline=0.1).version != policy(baseline=0.2).version


def test_a_policy_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        SamplingPolicy().baseline = 0.5  # type: ignore[misc] # what is refused here is refused by mypy too


def test_limits_are_named_after_their_rules() -> None:
    made = policy(
        {"name": "few", "limit": {"per_day": 9}}, baseline_limit={"key": "route", "key_per_second": 2, "max_keys": 7}
    )
    assert [(spec.rule, spec.per_day, spec.key_per_second, spec.max_keys) for spec in made.limits()] == [
        ("baseline", None, 2.0, 7),
        ("few", 9, None, 500),
    ]
