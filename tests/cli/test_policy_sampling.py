"""The sampling policy on the command line: shown, checked, and tried on stored traces."""

import json

import pytest
from tests.cli.conftest import CANCELLED, FAILED, GRADED

from certtrace.redaction.policy.loading import policy_from_toml
from certtrace.sampling.loading import sampling_from_toml

POLICY = """
[sampling]
baseline = 0.25
keep_confidence_below = 0.0

[[sampling.rules]]
name = "near"
pass_mark_within = 10

[[sampling.rules]]
name = "probes"
drop = true
route = "submission.*"
"""


@pytest.fixture
def policy_file(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    return str(path)


def test_show_prints_one_file_that_loads_as_both(run, policy_file):
    shown = run("policy", "show", "--policy", policy_file)
    assert shown.exit_code == 0
    assert policy_from_toml(shown.output, "shown").profile == "standard"
    loaded = sampling_from_toml(shown.output, "shown")
    expected = sampling_from_toml(POLICY, "given")
    assert loaded is not None
    assert expected is not None
    assert loaded.version == expected.version


def test_show_as_json_has_sampling_beside_redaction(run, policy_file, monkeypatch):
    monkeypatch.setenv("CERTTRACE_SAMPLING_POLICY", str(policy_file))
    monkeypatch.setenv("LANGFUSE_SAMPLE_RATE", "0.5")
    shown = json.loads(run("policy", "show", "--json").output)
    assert shown["profile"] == "standard"
    assert shown["sampling"]["baseline"] == 0.5
    assert [rule["name"] for rule in shown["sampling"]["rules"]] == ["near", "probes"]


@pytest.mark.parametrize("command", [["check"], ["try"], ["show", "--policy"]])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "The policy given.toml cannot be read: No such file or directory. Check its path and permissions."),
        (b"\xff\xfe", "The policy given.toml cannot be read: it is no text in UTF-8. Give a TOML file."),
        (b"[sampling", "The policy given.toml is not valid TOML: "),
    ],
)
def test_a_file_that_cannot_be_read_is_complained_about_as_what_was_named(
    run, tmp_path, monkeypatch, command, content, said
):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "given.toml").write_bytes(content)
    done = run("policy", *command, "given.toml")
    assert done.exit_code == 2
    assert f"certtrace: {said}" in done.stderr
    assert "CERTTRACE_" not in done.stderr


def test_check_looks_at_whichever_parts_a_file_has(run, policy_file, tmp_path):
    alone = run("policy", "check", policy_file)
    assert alone.exit_code == 0
    assert "sampling baseline 0.25, 2 rules, version" in alone.output
    assert "profile" not in alone.output
    both = tmp_path / "both.toml"
    both.write_text('profile = "strict"\n' + POLICY)
    assert len(run("policy", "check", str(both)).output.splitlines()) == 2
    both.write_text('profile = "strictt"\n' + POLICY.replace("0.25", "25"))
    wrong = run("policy", "check", str(both))
    assert wrong.exit_code == 2
    assert "line 1: profile" in wrong.output
    assert "line 4: baseline cannot be 25" in wrong.output


@pytest.mark.parametrize("text", ["[sampling", "names = 3", None])
def test_a_file_that_cannot_be_read_is_said_once(run, tmp_path, text):
    path = tmp_path / "wrong.toml"
    if text is not None:
        path.write_text(text)
    found = run("policy", "check", str(path))
    assert found.exit_code == 2
    assert found.output.count("wrong.toml") == 1


def test_try_says_what_would_be_kept_and_dropped_by_rule(run, policy_file):
    found = json.loads(run("policy", "try", policy_file, "--json").output)
    assert (found["traces"], found["units"], found["kept"], found["dropped"]) == (3, 3, 2, 1)
    assert found["rules"] == {
        "error": {"kept": 1, "dropped": 0, "examples": [FAILED]},
        "near": {"kept": 1, "dropped": 0, "examples": [GRADED]},
        "probes": {"kept": 0, "dropped": 1, "examples": [CANCELLED]},
    }
    assert any("dry run" in each for each in found["unknown"])
    assert any("stand for no others" in each for each in found["unknown"])  # nothing notes their threshold


def test_try_for_people_names_rules_shares_and_limits_of_knowledge(run, policy_file):
    shown = run("policy", "try", policy_file).output
    assert "It keeps 2 of these units (66.7 %)" in shown
    assert f"error         1        0  {FAILED[:8]}" in shown
    assert "What cannot be known:" in shown


def test_try_takes_the_policy_in_force_and_a_start(run, since, monkeypatch):
    monkeypatch.setenv("CERTTRACE_DROP_NAMES", "answer.grade")
    found = json.loads(run("policy", "try", "--since", since(30), "--json").output)
    assert {name: rule["dropped"] for name, rule in found["rules"].items()} == {"cancelled": 0, "drop_names": 1}


def test_try_needs_a_file_with_a_sampling_policy(run, tmp_path):
    path = tmp_path / "redaction.toml"
    path.write_text('profile = "strict"')
    found = run("policy", "try", str(path))
    assert found.exit_code == 2
    assert "[sampling]" in found.output
