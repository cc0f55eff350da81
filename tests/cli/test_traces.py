import json

import pytest
from tests.cli.conftest import CANCELLED, FAILED, GRADED
from tests.records.spans import START_NS

from certtrace.records.langfuse_json import iso


def listed(result):
    assert result.exit_code == 0, result.output
    return [json.loads(line)["trace_id"] for line in result.stdout.splitlines()]


def test_json_is_one_object_a_line_with_what_a_program_needs(run):
    result = run("traces", "--json")
    assert listed(result) == [CANCELLED, GRADED, FAILED]
    assert result.stderr == ""
    failed = json.loads(result.stdout.splitlines()[2])
    expected = {
        "trace_id": FAILED,
        "name": "answer.grade",
        "start_time": iso(START_NS),
        "duration_ms": 1000.0,
        "status": "error",
        "service": "Grading Worker",
        "environment": "default",
        "session_id": None,
        "user_id": None,
        "submission_id": "sub-7",
        "candidate": "<person:7f3a91>",
        "failure_class": "malformed_json",
        "observation_count": 2,
        "grade": None,
        "confidence": None,
    }
    assert {key: failed[key] for key in expected} == expected
    graded = json.loads(result.stdout.splitlines()[1])
    assert (graded["status"], graded["grade"], graded["confidence"]) == ("ok", 7, 0.6)
    assert json.loads(result.stdout.splitlines()[0])["status"] == "cancelled"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--failed"], [FAILED]),
        (["--service", "Grading Worker"], [GRADED, FAILED]),
        (["--name", "submission.grade"], [CANCELLED]),
        (["--candidate", "<person:7f3a91>"], [FAILED]),
        (["--candidate", "person:7f3a91"], [FAILED]),
        (["--submission", "sub-7"], [GRADED, FAILED]),
        (["--session", "att-1"], [GRADED]),
        (["--submission", "sub-7", "--failed"], [FAILED]),
        (["--limit", "1"], [CANCELLED]),
        (["--since", "2999-01-01"], []),
        (["--since", "2000-01-01T00:00+02:00"], [CANCELLED, GRADED, FAILED]),
        (["--since", "999999999w"], [CANCELLED, GRADED, FAILED]),
        (["--since", "0s"], []),
        (["--since", "9999-12-31"], []),
    ],
)
def test_filters_narrow_the_list(run, options, expected):
    assert listed(run("traces", "--json", *options)) == expected


def test_since_takes_the_moment_itself(run, since):
    assert listed(run("traces", "--json", "--since", since(60))) == [CANCELLED, GRADED]
    assert listed(run("traces", "--json", "--since", since(61))) == [CANCELLED]


def test_the_table_fits_100_columns_and_says_what_matters(run):
    result = run("traces")
    lines = result.stdout.splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= 100
    assert "error" in lines[3]
    assert "malformed_json" in lines[3]
    assert FAILED[:8] in lines[3]
    assert "7/10" in lines[2]
    assert "0.60" in lines[2]
    assert "1.50 s" in lines[2]


@pytest.mark.parametrize("width", ["60", "80", "100", "140"])
def test_on_any_width_time_status_and_id_stay_whole(run, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)
    lines = run("traces").stdout.splitlines()
    assert max(map(len, lines)) <= int(width)
    assert [line.split()[2] for line in lines[1:]] == ["cancelled", "ok", "error"]
    assert [line.split()[-1] for line in lines[1:]] == [each[:8] for each in (CANCELLED, GRADED, FAILED)]


def test_a_cut_list_says_so_and_keeps_stdout_clean(run):
    result = run("traces", "--limit", "2", "--json")
    assert len(result.stdout.splitlines()) == 2
    assert "--limit" in result.stderr


def test_an_empty_home_is_no_error_and_says_what_to_do(run, tmp_path):
    empty = tmp_path / "empty"
    for options in ([], ["--json"]):
        result = run("traces", *options, home=empty)
        assert result.exit_code == 0
        assert result.stdout == ""
        assert str(empty) in result.stderr
        assert "certtrace demo" in result.stderr
    assert not empty.exists()


def test_filters_without_a_match_say_so(run):
    result = run("traces", "--service", "none")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No such trace" in result.stderr


@pytest.mark.parametrize(
    "options",
    [
        ["--since", "yesterday"],
        ["--since", "2026-13-01"],
        ["--since", ""],
        ["--limit", "0"],
        ["--limit", "x"],
        ["--unknown"],
    ],
)
def test_a_wrong_option_is_a_usage_error(run, options):
    result = run("traces", *options)
    assert result.exit_code == 2
    assert options[0] in result.stderr
    assert "Traceback" not in result.stderr
