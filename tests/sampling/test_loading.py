"""A sampling policy in TOML: read, written, read again; what is wrong is said with file, line and rule."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sampling.making import policy

from certtrace.errors import ConfigurationError
from certtrace.redaction.policy.loading import policy_from_toml
from certtrace.redaction.policy.model import RedactionPolicy
from certtrace.redaction.policy.printing import policy_to_toml
from certtrace.sampling.loading import sampling_from_toml
from certtrace.sampling.model import SamplingPolicy
from certtrace.sampling.printing import sampling_to_toml

_GOOD = """\
profile = "strict"
names = "off"

[sampling]
baseline = 0.1
baseline_limit = { per_second = 50 }

[[sampling.rules]]
name = "slow"
slower_than_seconds = 20

[[sampling.rules]]
name = "tenants"
keep = 0.5
[sampling.rules.limit]
key = "tenant"
key_per_second = 0.5

[[sampling.rules]]
name = "gpt"
where = [
  { key = "gen_ai.request.model", op = "matches", value = "^gpt" },
]

[[rules]]
operator = "keep"
detector = "EMAIL"
"""


def test_one_file_holds_both_policies() -> None:
    found = sampling_from_toml(_GOOD, "policy.toml")
    assert found is not None
    assert (found.baseline, [rule.name for rule in found.rules]) == (0.1, ["slow", "tenants", "gpt"])
    redaction = policy_from_toml(_GOOD, "policy.toml")
    without = _GOOD[: _GOOD.index("[sampling]")] + _GOOD[_GOOD.index("[[rules]]") :]
    assert redaction.version == policy_from_toml(without, "policy.toml").version
    assert [rule.detector for rule in redaction.rules] == ["EMAIL"]


def test_a_file_without_the_table_holds_no_sampling_policy() -> None:
    assert sampling_from_toml('profile = "strict"', "policy.toml") is None


def test_errors_of_the_redaction_policy_keep_their_lines_beside_sampling() -> None:
    with pytest.raises(ConfigurationError, match=r"policy\.toml, line 26: rule 1: operator"):
        policy_from_toml(_GOOD.replace('operator = "keep"', 'operator = "burn"'), "policy.toml")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("baseline = 0.1", "baseline = 1.1", ["line 5: baseline cannot be 1.1", "0.05 keeps 5 %"]),
        ("baseline = 0.1", "base = 0.1", ["line 5: unknown setting 'base'", "Did you mean 'baseline'?"]),
        ("per_second = 50", "per_second = -1", ["line 6: baseline_limit.per_second cannot be -1", "greater than 0"]),
        ("than_seconds = 20", "than = 20", ["line 10", "rule 1 (slow): slower_than", "'slower_than_seconds'"]),
        ("seconds = 20", 'seconds = "x"', ["line 10: rule 1 (slow): slower_than_seconds cannot be 'x'"]),
        ("slower_than_seconds = 20", "", ["line 8: rule 1 (slow): A rule without a condition", "baseline"]),
        ('name = "slow"', 'name = "Slow"', ["line 9: rule 1 (Slow): name cannot be 'Slow'"]),
        ('name = "slow"', 'name = "tenants"', ["line 9: sampling: Two rules are named 'tenants'"]),
        ('name = "slow"', 'name = "error"', ["line 9: sampling: The name 'error'", "keep_errors"]),
        ('name = "slow"', "", ["line 8: rule 1: name is missing"]),
        ("keep = 0.5", "keep = 5", ["line 14: rule 2 (tenants): keep cannot be 5"]),
        ('key = "tenant"', 'keys = "tenant"', ["line 16", "'rule 2 (tenants): limit.keys'", "Did you mean 'key'?"]),
        ('key = "tenant"', "", ["line 15: rule 2 (tenants): limit: key_per_second and key_per_day need a key"]),
        ('"^gpt"', '"(?=a)"', ["line 21: rule 3 (gpt): where.1", "refused", "Look-around"]),
        ('op = "matches"', 'op = "like"', ["line 21: rule 3 (gpt): where.1.op cannot be 'like'", "'matches'"]),
        ('op = "matches", value = "^gpt"', 'op = "=="', ["line 21", "value is missing"]),
        ('op = "matches", value = "^gpt"', "value = 1979-05-27", ["line 21", "where.1.value cannot be"]),
    ],
)  # fmt: skip
def test_an_error_names_file_line_rule_value_and_remedy(old: str, new: str, said: list[str]) -> None:
    assert _GOOD.count(old) == 1
    with pytest.raises(ConfigurationError) as raised:
        sampling_from_toml(_GOOD.replace(old, new), "dir/policy.toml")
    message = str(raised.value)
    assert message.startswith("dir/policy.toml, ")
    for part in said:
        assert part in message


@pytest.mark.parametrize("text", ["[sampling", "sampling = 3", "[[sampling]]\nbaseline = 1", "[sampling]\nrules = 3"])
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"policy\.toml"):
        sampling_from_toml(text, "policy.toml")


def test_a_policy_is_written_as_it_is_read() -> None:
    found = sampling_from_toml(_GOOD, "policy.toml")
    assert found is not None
    again = sampling_from_toml(sampling_to_toml(found), "again")
    assert again is not None
    assert again.version == found.version


def test_both_policies_are_written_into_one_file() -> None:
    text = policy_to_toml(RedactionPolicy(profile="strict")) + "\n" + sampling_to_toml(SamplingPolicy(baseline=0.5))
    assert policy_from_toml(text, "x").version == RedactionPolicy(profile="strict").version
    assert sampling_from_toml(text, "x") == SamplingPolicy(baseline=0.5)


_TEXTS = st.text(min_size=1, max_size=8)
_SCALARS = st.one_of(
    _TEXTS, st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False, allow_infinity=False)
)
_WHERE = st.one_of(
    st.fixed_dictionaries({"key": _TEXTS, "op": st.sampled_from(["==", "!=", "contains"]), "value": _SCALARS}),
    st.fixed_dictionaries({"key": _TEXTS, "op": st.just("in"), "value": st.lists(_SCALARS, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"key": _TEXTS, "op": st.just("exists")}),
)
_CONDITIONS = st.fixed_dictionaries(
    {"where": st.lists(_WHERE, min_size=1, max_size=3)},
    optional={"route": st.lists(_TEXTS, min_size=1, max_size=2), "cost_above_usd": st.floats(0, 1e9)},
)


@settings(deadline=None)
@given(_CONDITIONS, st.sampled_from([0.25, 1e-7, 1.0]), st.sampled_from([None, {"key": "a b", "key_per_second": 0.5}]))
def test_any_policy_is_the_same_when_it_is_written_and_read(
    conditions: dict[str, Any], keep: float, limit: Any
) -> None:
    made = policy(
        {"name": "mine", "keep": keep, "limit": limit, **conditions}, baseline=1e-5, baseline_limit={"per_day": 3}
    )
    again = sampling_from_toml(sampling_to_toml(made), "again")
    assert again is not None
    assert (again.version, again.rules) == (made.version, made.rules)


def test_the_file_of_the_reference_loads() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "sampling-policy.md"
    text = page.read_text(encoding="utf-8").split("```toml\n", 1)[1].split("```", 1)[0]
    found = sampling_from_toml(text, "reference")
    assert found is not None
    assert len(found.rules) > 10
    assert policy_from_toml(text, "reference").version == RedactionPolicy().version
