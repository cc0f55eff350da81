"""What is written is what the collector reads: keys, types, nesting, and the language of the conditions."""

import copy
import random

import pytest
import yaml
from jsonschema import Draft202012Validator, ValidationError
from tests.sampling.compile.ottl_reader import OttlError, read
from tests.sampling.compile.schemas import TIER_1, TIER_2
from tests.sampling.compile.tail_sampling import load
from tests.sampling.compile.test_meaning import DROPS, RULES

from certtrace.sampling.compile import Target, compile_policy
from certtrace.sampling.model import SamplingPolicy

RULE_LIST = [{"name": f"on-{name}", **said} for name, said in RULES.items() if "baseline" not in said]
EVERYTHING = SamplingPolicy(
    baseline=0.05,
    baseline_limit={"per_second": 3.0},
    rules=[
        *RULE_LIST,
        *({"name": f"drop-{name}", "drop": True, **said} for name, said in DROPS.items()),
        {"name": "few", "outcome": "error", "limit": {"per_day": 1_000}},
        {"name": "each", "span": "a", "keep": 0.5, "limit": {"key": "tenant", "key_per_second": 1.0}},
        {"name": "both", "route": "a", "limit": {"key": "service", "key_per_day": 9, "per_second": 0.001}},
        {"name": "odd", "where": [{"key": 'a"]\\ $x', "value": 'q"${env:HOME}\n\u2028\x00'}]},
    ],
)
POLICIES = {
    "default": SamplingPolicy(),
    "nothing": SamplingPolicy(baseline=0.0, keep_errors=False, keep_confidence_below=None),
    "by key": SamplingPolicy(baseline=0.5, baseline_limit={"key": "route", "key_per_day": 5}),
    "everything": EVERYTHING,
}


def compiled(policy=EVERYTHING, **target):
    return compile_policy(policy, Target(**target))


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("target", [{}, {"tail_ca_file": "/etc/ca.pem", "tail_instances": 4}])
def test_both_configurations_fit_the_schema(name, target):
    made = compiled(POLICIES[name], **target)
    Draft202012Validator(TIER_1).validate(load(made.tier1))
    Draft202012Validator(TIER_2).validate(load(made.tier2))


LIMITS = [
    None,
    {"per_second": 0.5},
    {"per_day": 7, "key_per_day": 2, "key": "route"},
    {"key_per_second": 9.0, "key": "tenant"},
]


@pytest.mark.parametrize("seed", range(25))
def test_whatever_rules_meet_in_one_policy_the_configuration_fits(seed):
    chance = random.Random(seed)
    rules = []
    for name, said in [*RULES.items(), *DROPS.items()]:
        if "baseline" in said or chance.random() < 0.5:
            continue
        rule = {**said, "name": f"on-{name}-{len(rules)}"}
        if chance.random() < 0.3:
            rule["drop"] = True
            rule.pop("keep", None)
        else:
            rule |= {"keep": chance.choice([1.0, 0.5, 1e-6]), "limit": chance.choice(LIMITS)}
        rules.append(rule)
    policy = SamplingPolicy(
        baseline=chance.choice([0.0, 1e-9, 0.3, 1.0]), baseline_limit=chance.choice(LIMITS), rules=rules
    )
    made = compile_policy(
        policy, Target(spans_per_trace=chance.choice([1.0, 50.0]), tail_instances=chance.choice([1, 9]))
    )
    Draft202012Validator(TIER_2).validate(load(made.tier2))
    for condition in conditions(policies_of(made.tier2)):
        read(condition)
    assert {rule.rule for rule in made.report.rules} >= {rule["name"] for rule in rules}


def conditions(policies):
    for policy in policies:
        said = policy.get(policy["type"], {})
        yield from said.get("span", [])
        for key in ("and_sub_policy", "drop_sub_policy"):
            yield from conditions(said.get(key, []))


def policies_of(text):
    return load(text)["processors"]["tail_sampling"]["policies"]


def test_every_condition_is_written_in_the_collectors_language():
    found = list(conditions(policies_of(compiled().tier2)))
    assert len(found) > 40
    for condition in found:
        read(condition)


def test_a_policy_has_a_name_of_its_own():
    names = []

    def walk(policies):
        for policy in policies:
            names.append(policy["name"])
            said = policy.get(policy["type"], {})
            walk([*said.get("and_sub_policy", []), *said.get("drop_sub_policy", [])])

    walk(policies_of(compiled().tier2))
    assert len(names) == len(set(names))


def test_text_of_a_rule_reaches_the_collector_unread():
    odd = next(policy for policy in policies_of(compiled().tier2) if policy["name"] == "certtrace-odd")
    assert all("${env:HOME}" in condition for condition in odd["ottl_condition"]["span"])
    assert "${env:HOME}" not in compiled().tier2.replace("$${env:HOME}", "")


def test_one_salt_is_used_everywhere():
    salts = {line.strip() for line in compiled().tier2.splitlines() if "hash_salt" in line}
    assert salts == {'hash_salt: "certtrace"'}


def test_no_credential_is_written_and_the_collectors_variable_is_named():
    text = compiled().tier2
    headers = yaml.safe_load(text)["exporters"]["otlp_http/langfuse"]["headers"]
    assert headers == {"Authorization": "Basic ${env:LANGFUSE_BASIC_AUTH}", "x-langfuse-ingestion-version": "4"}


# --- the schema itself is no rubber stamp ----------------------------------------------------------------------------

LEAF_POLICY = {"name": "leaf", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}
NOT = {"name": "no", "type": "not", "not": {"not_sub_policy": LEAF_POLICY}}
AND = {"name": "two", "type": "and", "and": {"and_sub_policy": [LEAF_POLICY, LEAF_POLICY]}}


def first(kind, tree):
    return next(policy for policy in tree["processors"]["tail_sampling"]["policies"] if policy["type"] == kind)


def sampling(tree):
    return tree["processors"]["tail_sampling"]


BROKEN = {
    "a key that there is not": lambda tree: sampling(tree).update(decision_waits="1s"),
    "a number for a duration": lambda tree: sampling(tree).update(decision_wait=90),
    "a fraction of a trace": lambda tree: sampling(tree).update(num_traces=1.5),
    "a fraction of a span": lambda tree: first("and", tree)["and"]["and_sub_policy"].append(
        {"name": "r", "type": "rate_limiting", "rate_limiting": {"spans_per_second": 0.5}}
    ),
    "not inside and": lambda tree: first("and", tree)["and"]["and_sub_policy"].append(NOT),
    "and inside and": lambda tree: first("and", tree)["and"]["and_sub_policy"].append(AND),
    "and inside drop": lambda tree: first("drop", tree)["drop"]["drop_sub_policy"].append(AND),
    "drop inside and": lambda tree: first("and", tree)["and"]["and_sub_policy"].append(first("drop", tree)),
    "a block of another type": lambda tree: first("status_code", tree).update(latency={"threshold_ms": 1}),
    "a type without its block": lambda tree: first("status_code", tree).pop("status_code"),
    "an old component id": lambda tree: tree["exporters"].update(otlphttp=tree["exporters"].pop("otlp_http/langfuse")),
    "a pipeline that names nothing": lambda tree: tree["service"]["pipelines"]["traces"]["exporters"].append("debug"),
    "a sizer that there is not": lambda tree: tree["exporters"]["otlp_http/langfuse"]["sending_queue"].update(
        sizer="mb"
    ),
    "a status that there is not": lambda tree: first("status_code", tree)["status_code"].update(status_codes=["FAIL"]),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_the_schema_refuses(fault):
    tree = copy.deepcopy(load(compiled().tier2))
    BROKEN[fault](tree)
    with pytest.raises(ValidationError):
        Draft202012Validator(TIER_2).validate(tree)


@pytest.mark.parametrize(
    "condition",
    [
        'span.nme == "a"',
        "IsRoot()",
        'span.attributes["a"',
        "Double(1, 2)",
        "a b",
        'span.name = "a"',
        "IsMatch(span.name)",
    ],
)
def test_the_reader_of_conditions_refuses(condition):
    with pytest.raises(OttlError):
        read(condition)
