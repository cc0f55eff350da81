"""`certtrace policy compile`, as a user calls it."""

import json

import pytest
import yaml
from click.testing import CliRunner

from certtrace.cli import root

POLICY = """
[sampling]
baseline = 0.1

[[sampling.rules]]
name = "near"
pass_mark_within = 5.0

[[sampling.rules]]
name = "few"
outcome = "error"
limit = { per_second = 2.0 }
"""


@pytest.fixture
def policy_file(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    return path


def run(*arguments, code=0):
    result = CliRunner().invoke(root, ["policy", "compile", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def to_collector(policy_file, *arguments, code=0):
    return run("--to", "otel-collector", "--policy", policy_file, *arguments, code=code)


def test_both_documents_go_to_stdout_and_the_report_to_stderr(policy_file):
    result = to_collector(policy_file)
    first, second = yaml.safe_load_all(result.stdout)
    assert "load_balancing" in first["exporters"]
    assert "tail_sampling" in second["processors"]
    assert "weight lost" in result.stderr
    assert "weight lost" not in result.stdout


def test_both_documents_go_to_a_folder(policy_file, tmp_path):
    out = tmp_path / "made" / "here"
    result = to_collector(policy_file, "--out", out)
    assert result.stdout == ""
    assert {path.name for path in out.iterdir()} == {"otelcol-tier1.yaml", "otelcol-tier2.yaml"}
    assert "tail_sampling" in yaml.safe_load((out / "otelcol-tier2.yaml").read_text())["processors"]
    to_collector(policy_file, "--out", out)  # once more: what it made itself it makes anew


def test_a_file_of_somebody_else_is_not_overwritten(policy_file, tmp_path):
    mine = tmp_path / "otelcol-tier2.yaml"
    mine.write_text("receivers: {}\n")
    result = to_collector(policy_file, "--out", tmp_path, code=2)
    assert "was not made by this command" in result.stderr
    assert mine.read_text() == "receivers: {}\n"
    assert not (tmp_path / "otelcol-tier1.yaml").exists()


def test_a_folder_that_cannot_be_written_is_named(policy_file):
    result = to_collector(policy_file, "--out", policy_file, code=2)
    assert str(policy_file) in result.stderr.replace("\n", "")


def test_the_report_as_json_names_what_is_lost(policy_file):
    told = json.loads(to_collector(policy_file, "--json").stdout)
    assert told["loses_weights"] == ["few"]
    assert "near" in told["stands_in"]
    assert told["tier2"].startswith("# Made by")
    assert told["files"] == []


def test_the_report_as_json_names_the_files(policy_file, tmp_path):
    told = json.loads(to_collector(policy_file, "--json", "--out", tmp_path / "out").stdout)
    assert len(told["files"]) == 2
    assert "tier1" not in told


def test_options_reach_the_configurations(policy_file):
    options = ["--langfuse-url", "https://langfuse.example", "--tail-host", "tail.obs.svc", "--tail-ca", "/etc/ca.pem"]
    options += ["--decision-wait", 33, "--traces-per-second", 7, "--spans-per-trace", 50, "--tail-instances", 2]
    first, second = yaml.safe_load_all(to_collector(policy_file, *options, "--queue-folder", "/data/q").stdout)
    assert first["exporters"]["load_balancing"]["resolver"]["dns"]["hostname"] == "tail.obs.svc"
    assert first["exporters"]["load_balancing"]["protocol"]["otlp"]["tls"]["ca_file"] == "/etc/ca.pem"
    assert first["extensions"]["file_storage/queue"]["directory"] == "/data/q"
    sampling = second["processors"]["tail_sampling"]
    assert (sampling["decision_wait"], sampling["expected_new_traces_per_sec"]) == ("33s", 7)
    assert "spans_per_second': 50" in str(sampling)  # 2 units of 50 spans, in 2 collectors
    assert second["exporters"]["otlp_http/langfuse"]["endpoint"] == "https://langfuse.example/api/public/otel"


def test_the_policy_and_the_address_come_from_the_settings(policy_file, monkeypatch):
    monkeypatch.setenv("CERTTRACE_SAMPLING_POLICY", str(policy_file))
    monkeypatch.setenv("LANGFUSE_BASE_URL", "http://langfuse.internal:3000")
    result = run("--to", "otel-collector")
    assert "certtrace-near" in result.stdout
    assert "http://langfuse.internal:3000/api/public/otel" in result.stdout


def test_keys_of_langfuse_are_written_nowhere(policy_file, monkeypatch):
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk-lf-1234")
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-lf-5678")
    result = to_collector(policy_file)
    assert "lf-1234" not in result.output
    assert "lf-5678" not in result.output
    assert "${env:LANGFUSE_BASIC_AUTH}" in result.stdout


@pytest.mark.parametrize("url", ["https://pk:sk@langfuse.example", "langfuse.example", "ftp://langfuse.example"])
def test_an_address_that_cannot_be_used_is_refused_without_showing_it(policy_file, url):
    result = to_collector(policy_file, "--langfuse-url", url, code=2)
    assert "address of Langfuse" in result.stderr
    assert "pk:sk" not in result.output


def test_a_host_that_is_none_is_refused(policy_file):
    assert "no host name" in to_collector(policy_file, "--tail-host", "a b", code=2).stderr


def test_a_policy_that_is_wrong_is_explained(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text("[sampling]\nbaseline = 3\n")
    assert str(path.name) in run("--to", "otel-collector", "--policy", path, code=2).stderr.replace("\n", "")


def test_what_to_compile_to_has_to_be_said(policy_file):
    assert "--to" in run("--policy", policy_file, code=2).stderr
