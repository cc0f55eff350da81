"""Settings beside a policy file: what is set explicitly wins."""

import os

import pytest

from certtrace import settings
from certtrace.assembly.sampling import drop_rule, sampler_of, sampling_policy_of
from certtrace.errors import ConfigurationError
from certtrace.sampling.model import SamplingPolicy

_FILE = """
[sampling]
baseline = 0.25
keep_errors = true
keep_confidence_below = 0.5
[[sampling.rules]]
name = "error"
outcome = "error"
[[sampling.rules]]
name = "low_confidence"
confidence_below = 0.5
[[sampling.rules]]
name = "drop_names"
drop = true
route = "ping"
"""


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("CERTTRACE_", "LANGFUSE_", "OTEL_")):
            monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(_FILE)
    return path


def test_without_file_and_settings_everything_is_kept():
    assert sampling_policy_of(settings.load()) == SamplingPolicy()


def test_the_file_holds_where_nothing_is_set(file):
    found = sampling_policy_of(settings.load(sampling_policy=file))
    assert (found.baseline, found.keep_confidence_below, found.dry_run) == (0.25, 0.5, False)


@pytest.mark.parametrize(
    "variables",
    [
        {"CERTTRACE_SAMPLE_RATE": "0.75"},
        {"LANGFUSE_SAMPLE_RATE": "0.75"},
        {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.75"},
    ],
)
def test_a_rate_that_is_set_wins_over_the_file(file, monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert sampling_policy_of(settings.load(sampling_policy=file)).baseline == 0.75


def test_every_setting_wins_over_the_file_and_over_rules_that_restate_it(file):
    given = settings.load(
        sampling_policy=file, keep_errors=False, keep_confidence_below=0.9, sampling_dry_run=True, drop_names=["a*b"]
    )
    found = sampling_policy_of(given)
    assert (found.baseline, found.keep_errors, found.keep_confidence_below, found.dry_run) == (0.25, False, 0.9, True)
    assert found.rules == (drop_rule(frozenset({"a*b"})),)


@pytest.mark.parametrize("name", ["a*b", "a?", "[x]", "plain", "a]b"])
def test_names_to_drop_are_names_not_globs(name):
    found = sampling_policy_of(settings.load(drop_names=[name]))
    sampler = sampler_of(found, "svc")
    assert sampler.drops_at_start(name) == "drop_names"
    assert sampler.drops_at_start(name.replace("*", "x").replace("?", "x").replace("[x]", "x") + "!") == ""
    assert sampler.drops_at_start("axb") == ""


def test_a_file_without_the_table_is_refused(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text('profile = "strict"')
    with pytest.raises(ConfigurationError, match=r"no table \[sampling\]"):
        sampling_policy_of(settings.load(sampling_policy=path))


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, content):
    path = tmp_path / "policy.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"policy\.toml cannot be read.*CERTTRACE_SAMPLING_POLICY"):
        sampling_policy_of(settings.load(sampling_policy=path))
