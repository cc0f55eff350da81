"""The report says of every rule what it loses, and of the whole what is not the same."""

from certtrace.sampling.compile import Target, compile_policy
from certtrace.sampling.model import SamplingPolicy

LIMITED = {"name": "limited", "outcome": "error", "limit": {"per_second": 2.0}}
NEAR = {"name": "near", "pass_mark_within": 5.0}


def report(*rules, target=None, **policy):
    return compile_policy(SamplingPolicy(**policy, rules=rules), target or Target()).report


def of(name, *rules, **options):
    return next(rule for rule in report(*rules, **options).rules if rule.rule == name and rule.action == "keep")


def test_a_limit_loses_its_weight_and_says_what_became_of_it():
    limited = of("limited", LIMITED, target=Target(spans_per_trace=30.0, tail_instances=3))
    assert (limited.weight, limited.spans_per_second) == ("lost", 20)
    assert any("2 units a second" in note and "20 spans a second" in note for note in limited.notes)
    assert report(LIMITED).as_json()["loses_weights"] == ["limited"]


def test_a_limit_below_one_span_a_second_is_said_to_be_wider():
    limited = of("limited", {**LIMITED, "limit": {"per_day": 10}})
    assert limited.spans_per_second == 1
    assert "more is kept" in " ".join(limited.notes)


def test_the_lower_of_two_limits_counts():
    assert of("limited", {**LIMITED, "limit": {"per_second": 5.0, "per_day": 86_400}}).spans_per_second == 20


def test_a_rule_that_cannot_be_expressed_names_what_stands_in_and_why():
    near = of("near", NEAR)
    assert near.evaluated_by == "certtrace"
    assert "stamp stands in" in near.notes[0]
    assert "several spans" in near.notes[0]
    assert "near" in report(NEAR).as_json()["stands_in"]


def test_a_rule_with_several_conditions_widens_to_the_trace():
    rule = {"name": "wide", "outcome": "error", "span": "a"}
    assert any("different units" in note for note in of("wide", rule).notes)
    assert not of("wide", {"name": "wide", "outcome": "error"}).notes


def test_rules_that_widen_are_listed():
    rules = [
        {"name": "several", "outcome": "error", "span": "a"},
        {"name": "route", "route": "a"},
        {"name": "slow", "slower_than_seconds": 1.0},
        {"name": "one", "service": "a", "outcome": "error"},
        {"name": "stamped", "route": "a", "cost_above_usd": 1.0},
    ]
    assert report(*rules).as_json()["widens"] == ["several", "route", "slow"]


def test_weights_are_named():
    rules = [{"name": "half", "outcome": "error", "keep": 0.5}]
    weights = {rule.rule: rule.weight for rule in report(*rules, baseline=0.1).rules}
    assert weights == {"forced": "certain", "fault": "certain", "error": "certain", "cancelled": "certain"} | {
        "low_confidence": "certain",
        "half": "probability",
        "baseline": "probability",
    }


def test_a_limit_for_each_key_is_left_to_the_processes_and_its_probability_is_not_taken_twice():
    policy = SamplingPolicy(rules=[{"name": "each", "keep": 0.5, "limit": {"key": "tenant", "key_per_second": 1.0}}])
    made = compile_policy(policy, Target())
    each = next(rule for rule in made.report.rules if rule.rule == "each")
    assert (each.evaluated_by, each.weight, each.spans_per_second) == ("certtrace", "lost", None)
    assert "probabilistic" not in made.tier2


def test_nobody_is_told_that_probabilities_agree_without_the_gate():
    assert any("FNV" in line for line in report(baseline=0.1).differs)
    assert not any("FNV" in line for line in report(baseline=1.0).differs)


def test_a_policy_that_is_dry_is_said_to_drop_in_the_collector():
    assert any("dry run" in line for line in report(dry_run=True).differs)
    assert not any("dry run" in line for line in report().differs)


def test_the_wait_is_longer_than_the_slowest_unit_that_a_rule_asks_about():
    slow = {"name": "slow", "slower_than_seconds": 600.0}
    made = compile_policy(SamplingPolicy(rules=[slow]), Target(traces_per_second=10.0))
    assert made.report.decision_wait_seconds == 630
    assert 'decision_wait: "630s"' in made.tier2
    assert "num_traces: 12600" in made.tier2
    assert compile_policy(SamplingPolicy(), Target(decision_wait_seconds=7)).report.decision_wait_seconds == 7


def test_versions_gates_and_the_variable_of_the_credentials_are_in_the_report():
    said = report().as_json()["collector"]
    assert said["minimum_version"] == "0.153.0"
    assert said["environment"] == ["LANGFUSE_BASIC_AUTH"]
    assert any(gate.endswith("usetracestate") for gate in said["feature_gates"])
    lines = "\n".join(report().lines())
    assert "LANGFUSE_BASIC_AUTH" in lines
    assert "usetracestate" in lines


def test_the_address_of_langfuse_may_end_with_a_slash():
    made = compile_policy(SamplingPolicy(), Target(langfuse_url="https://langfuse.example/"))
    assert 'endpoint: "https://langfuse.example/api/public/otel"' in made.tier2


def test_encryption_between_the_tiers_is_asked_for_unless_it_is_given():
    assert any("--tail-ca" in line for line in report().to_do)
    secure = compile_policy(SamplingPolicy(), Target(tail_ca_file="/etc/ca.pem"))
    assert not any("--tail-ca" in line for line in secure.report.to_do)
    assert 'ca_file: "/etc/ca.pem"' in secure.tier1
