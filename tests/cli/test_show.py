import json

import pytest
from tests.cli.conftest import CANCELLED, FAILED, GRADED, store_of


def test_json_has_langfuses_field_names(run):
    result = run("show", FAILED, "--json")
    assert result.exit_code == 0
    (line,) = result.stdout.splitlines()
    found = json.loads(line)
    assert found["trace_id"] == FAILED
    names = {"id", "parentObservationId", "type", "name", "startTime", "endTime", "input", "output", "metadata"}
    names |= {"level", "statusMessage", "model", "usageDetails"}
    assert all(names <= set(observation) for observation in found["observations"])
    assert found["observations"][1]["type"] == "GENERATION"
    assert found["scores"] == []


@pytest.mark.parametrize("text", [FAILED, FAILED[:5], "FA11"])
def test_an_id_and_a_unique_prefix_show_the_trace(run, text):
    result = run("show", text)
    assert result.exit_code == 0
    assert result.stdout.startswith("answer.grade  failed: malformed_json\n")
    assert "propagated from below" in result.stdout
    assert "redacted: 3 EMAIL, 2 PERSON; withheld 0; policy ab12" in result.stdout
    assert "kept by rule error, certain" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_a_submission_with_several_traces_shows_all_oldest_first(run):
    result = run("show", "sub-7")
    assert result.exit_code == 0
    assert result.stdout.index(FAILED) < result.stdout.index(GRADED)
    assert "2 traces" in result.stderr
    assert "grade_confidence = 0.6" in result.stdout
    found = json.loads(run("show", "sub-7", "--json").stdout)
    assert [found["trace_id"], *(later["trace_id"] for later in found["later_traces"])] == [FAILED, GRADED]


@pytest.mark.parametrize("options", [[], ["--full"], ["--json"]])
def test_hostile_content_cannot_steer_the_terminal(run, options):
    result = run("show", FAILED, *options)
    assert result.exit_code == 0
    assert all(line.isprintable() for line in result.stdout.splitlines())
    assert "[bold]x[/bold]" in result.stdout


def test_an_unknown_id_is_exit_code_1_and_one_message(run):
    result = run("show", "doesnotexist\x1b[2J")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("certtrace: No trace")
    assert "certtrace traces" in result.stderr
    assert "\x1b" not in result.stderr


def test_an_ambiguous_prefix_lists_the_candidates(run, home):
    import time

    from tests.records.spans import payload, span

    from certtrace.records.store import StoreDestination

    near = CANCELLED[:8] + "1" * 24
    destination = StoreDestination(store_of(home))
    destination.deliver([payload([span(trace_id=near)])], time.monotonic() + 5)
    destination.close()
    result = run("show", "ca9ce11e")
    assert result.exit_code == 1
    assert CANCELLED in result.stderr
    assert near in result.stderr


def test_without_an_id_it_is_a_usage_error(run):
    result = run("show")
    assert result.exit_code == 2
    assert "ID" in result.stderr
