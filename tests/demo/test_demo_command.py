"""`certtrace demo` end to end, as a user runs it: a process of its own, a fresh data folder, real sockets."""

import base64
import gzip
import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

import orjson
import pytest
from click.testing import CliRunner

from certtrace.cli import root
from certtrace.demo import sample
from certtrace.demo.faults import FEW, FaultLevel, FaultPlan
from certtrace.demo.http_service import HttpService, Reply
from certtrace.demo.provider import Provider

SHARED = Path(__file__).parents[3] / "shared" / "data"
SHORTEST_IN_BASE64 = 8
"""Shorter values have base64 cores of a few letters, which occur by chance."""
_PLAIN_LETTERS = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "ß": "ss", "æ": "ae", "œ": "oe"})


def _run(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CERTTRACE_", "LANGFUSE_", "OTEL_", "OPENAI_"))}
    command = [sys.executable, "-W", "error", "-m", "certtrace", "--home", str(home), *arguments]
    return subprocess.run(command, capture_output=True, env={**kept, **variables}, timeout=120, check=False)


def _summary(home: Path, *arguments: str, **variables: str) -> dict:
    done = _run(home, "demo", "--json", *arguments, **variables)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.count(b"\n") == 1
    return orjson.loads(done.stdout)


def fold(text: str) -> str:
    """Return the text in lower case without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_PLAIN_LETTERS))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def forms(value: str) -> Iterator[bytes]:
    """Yield the plain, normalised, JSON-escaped, URL-encoded and base64 forms of a value."""
    for variant in {value, unicodedata.normalize("NFD", value), unicodedata.normalize("NFC", value), value.upper()}:
        yield variant.encode()
        yield json.dumps(variant)[1:-1].encode()
        yield json.dumps(json.dumps(variant)[1:-1])[1:-1].encode()
        yield quote(variant, safe="").encode()
        yield quote(variant).encode()
        yield quote_plus(variant).encode()
        yield variant.encode("utf-16-le")
    if len(value) >= SHORTEST_IN_BASE64:
        yield from _base64_cores(value.encode())


def _base64_cores(data: bytes) -> Iterator[bytes]:
    """Yield what is the same in every base64 text that holds `data`, for each of the three alignments."""
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + data)
        # The first group mixes in what stands before, the last one what stands behind.
        core = encoded[4 if lead else 0 : len(encoded) // 4 * 4 - 4]
        yield core
        yield core.replace(b"+", b"-").replace(b"/", b"_")


def leaks(content: bytes, values: Iterable[str]) -> set[str]:
    """Return the values that `content` holds in any form."""
    folded = fold(content.decode("utf-8", "replace")).encode()
    return {
        value
        for value in values
        if fold(value).encode() in folded or any(form in content for form in forms(value) if form)
    }


def leaks_below(folder: Path, values: Iterable[str]) -> dict[str, set[str]]:
    """Return the leaks of every file below a folder, by path; file names are searched as well."""
    found = {}
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        leaked = leaks(str(path.relative_to(folder)).encode() + b"\n" + content, values)
        if leaked:
            found[str(path.relative_to(folder))] = leaked
    return found


@pytest.mark.parametrize(
    "write",
    [
        str.encode,
        str.upper,
        fold,
        json.dumps,
        lambda value: json.dumps(json.dumps(value)),
        quote,
        quote_plus,
        lambda value: unicodedata.normalize("NFD", value),
        lambda value: value.encode("utf-16-le"),
        lambda value: base64.b64encode(f"{value}..".encode()),
        lambda value: base64.b64encode(f"x{value}..".encode()),
        lambda value: base64.urlsafe_b64encode(f"xx{value}.".encode()),
    ],
)
def test_the_search_finds_every_planted_value(tmp_path: Path, write):
    for value in ("Siobhán O'Callaghan", "zoe.lindqvist@example.org", "DE89 3704 0044 0532 0130 00"):
        written = write(value)
        content = written if isinstance(written, bytes) else written.encode()
        (tmp_path / "file.bin").write_bytes(b"\x00before " + content + b" after\xff")
        assert leaks_below(tmp_path, [value, "someone else"]) == {"file.bin": {value}}


@dataclass
class Run:
    """One finished run with its data folder."""

    home: Path
    done: subprocess.CompletedProcess[bytes]

    @property
    def summary(self) -> dict:
        assert self.done.returncode == 0, self.done.stderr.decode()
        return orjson.loads(self.done.stdout)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with every fault, as a person sees it."""
    home = tmp_path_factory.mktemp("told") / "home"
    return Run(home, _run(home, "demo", "--faults", "all"))


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with the default faults, as a program sees it."""
    home = tmp_path_factory.mktemp("counted") / "home"
    return Run(home, _run(home, "demo", "--json", "--seed", "3"))


def test_nothing_personal_is_written_or_printed(told: Run):
    assert told.done.returncode == 0, told.done.stderr.decode()
    values = sample.personal_values()
    assert len(values) > 100
    assert (told.home / "store.db").stat().st_size > 500_000
    assert leaks_below(told.home, values) == {}
    assert leaks(told.done.stdout, values) == leaks(told.done.stderr, values) == set()


def test_the_model_answers_and_the_rubric_stay_in_the_house(told: Run):
    given = " ".join(row.answer.text for row in sample.answers())
    secrets = {
        line
        for row in sample.answers()
        for line in (row.question.text, *row.question.model_answer.splitlines())
        if line.rstrip(".") not in given
    } | {criterion.text for criterion in sample.rubric().criteria}
    assert len(secrets) > 25
    assert leaks_below(told.home, secrets) == {}
    assert leaks(told.done.stdout, secrets) == set()


class Sink:
    """Stands in for a Langfuse server: takes everything and keeps the bytes."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[bytes]] = {}

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        plain = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        self.bodies.setdefault(path, []).append(repr(sorted(headers.items())).encode() + plain)
        return Reply(b"{}" if path.endswith("traces") else b'{"successes": [], "errors": []}')


def test_nothing_personal_is_sent_to_langfuse(tmp_path: Path):
    sink = Sink()
    with HttpService(sink, "langfuse-sink") as service:
        summary = _summary(
            tmp_path,
            *("--faults", "all"),
            CERTTRACE_DESTINATIONS="langfuse",
            LANGFUSE_BASE_URL=service.base_url.removesuffix("/v1"),
            LANGFUSE_PUBLIC_KEY="pk-lf-test",
            LANGFUSE_SECRET_KEY="sk-lf-test",
        )
    assert (summary["pending"], summary["store"]) == ({"langfuse": 0}, None)
    sent = b"\n".join(body for bodies in sink.bodies.values() for body in bodies)
    assert sent.count(b"answer.grade") >= 48
    assert leaks(sent, sample.personal_values()) == set()


def test_the_commands_it_recommends_work(told: Run):
    lines = told.done.stdout.decode().split("\nNext\n")[1].splitlines()
    assert len(lines) == 4
    assert lines.pop() == f"  certtrace --home {told.home} serve"  # goes on until it is stopped
    for line in lines:
        shown = _run(told.home, *line.split()[3:])
        assert shown.returncode == 0, shown.stderr.decode()
        assert shown.stdout


def test_the_sample_exam_is_graded_and_every_unit_accounted_for(counted: Run):
    summary = counted.summary
    answers = summary["answers"]
    assert answers["total"] == answers["graded"] + answers["failed"] == sum(1 for _ in sample.answers())
    assert summary["case_studies"]["total"] == summary["case_studies"]["graded"] == 2
    assert set(summary["faults"]) == {fault.value for fault in FEW}
    expected = {"malformed_json", "schema_mismatch", "guardrail_block", "rubric_missing", "false_confidence"}
    assert expected <= set(summary["failures"])
    assert summary["duplicates"] == 1
    assert 0 < summary["reviewed"] < summary["routes"]["expert_review"]
    account = summary["account"]
    assert account["started"] == account["kept"] + sum(account["dropped"].values()) > 100
    assert (account["open"], account["pending"], summary["withheld"], summary["tracer_faults"]) == (0, 0, 0, {})
    assert {"PERSON", "EMAIL", "PHONE", "IBAN", "CREDIT_CARD", "ADDRESS", "EXAM_SECRET"} <= set(summary["redactions"])
    assert len(summary["failed_traces"]) == answers["failed"] == 3


def test_one_trace_leads_from_the_model_call_back_to_the_capture(counted: Run):
    failed = counted.summary["failed_traces"]
    listed = _run(counted.home, "traces", "--failed", "--json").stdout.splitlines()
    assert set(failed) <= {orjson.loads(line)["trace_id"] for line in listed}
    trace = orjson.loads(_run(counted.home, "show", "--json", failed[0]).stdout)
    by_id = {each["id"]: each for each in trace["observations"]}
    step = next(each for each in by_id.values() if each["name"] == "llm.call")
    names = []
    while step is not None:
        names.append(step["name"])
        step = by_id.get(step["parentObservationId"])
    assert names == ["llm.call", "gateway.request", "POST", "grade.pass", "answer.grade", "answer.capture"]


def test_one_seed_gives_one_set_of_grades(tmp_path: Path):
    arguments = ("--seed", "7", "--faults", "none", "--limit", "16")
    first, second = (_summary(tmp_path / str(n), *arguments) for n in (1, 2))
    for same in ("answers", "case_studies", "agreement", "failures"):
        assert first[same] == second[same]
    assert (first["faults"], first["failed_traces"]) == ({}, [])


def test_an_own_file_with_bad_lines_is_graded_around_them(tmp_path: Path):
    rows = [
        {
            "id": f"a-{n}",
            "question_id": "q",
            "question": "What is a queue?",
            "reference_answer": "A queue keeps messages in order until a consumer takes them.",
            "student_answer": "It keeps messages in their order until the consumer takes them away.",
            "max_score": 2.0,
        }
        for n in range(4)
    ]
    path = tmp_path / "own.jsonl"
    path.write_bytes(b"\n".join([orjson.dumps(rows[0]), b"{broken", *map(orjson.dumps, rows[1:])]))
    done = _run(tmp_path / "home", "demo", "--json", "--faults", "none", "--answers", str(path))
    assert done.returncode == 0, done.stderr.decode()
    assert f"{path}, line 2: Not JSON" in done.stderr.decode()
    summary = orjson.loads(done.stdout)
    assert (summary["answers"]["graded"], summary["bad_lines"], summary["agreement"]) == (4, 1, None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--answers", "nowhere.jsonl"), "nowhere.jsonl"),
        (("--case-studies", "."), "Cannot read ."),
        (("--faults", "many"), "many"),
        (("--passes", "0"), "--passes"),
        (("--threshold", "2"), "--threshold"),
        (("--limit", "0"), "--limit"),
        (("--wrong",), "--wrong"),
        (("--model", "m"), "--llm-base-url"),
        (("--llm-base-url", "http://127.0.0.1:1/v1"), "--model"),
        (("--llm-base-url", "ftp://x", "--model", "m"), "ftp://x"),
    ],
)
def test_wrong_input_is_told_and_ends_with_2(tmp_path: Path, arguments: tuple[str, ...], said: str):
    done = CliRunner().invoke(root, ["--home", str(tmp_path / "home"), "demo", *arguments])
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert not (tmp_path / "home").exists()


def test_an_openai_compatible_endpoint_can_grade_instead(tmp_path: Path):
    class Seen(Provider):
        keys: set[str] = set()

        def handle(self, method, path, headers, body):
            self.keys.add(headers.get("authorization", ""))
            return super().handle(method, path, headers, body)

    provider = Seen("outside-model", FaultPlan(FaultLevel.NONE, 0))
    with HttpService(provider, "outside") as service:
        summary = _summary(
            tmp_path,
            *("--llm-base-url", service.base_url, "--model", "outside-model", "--limit", "8"),
            OPENAI_API_KEY="sk-test-0123456789abcdef",
        )
    assert (summary["model"], summary["answers"]["total"]) == ("outside-model", 8)
    assert not {"provider_timeout", "rate_limit", "malformed_json"} & set(summary["faults"])
    assert Seen.keys == {"Bearer sk-test-0123456789abcdef"}
    assert leaks_below(tmp_path, ["sk-test-0123456789abcdef"]) == {}


def test_a_dead_endpoint_fails_every_grading_but_not_the_demo(tmp_path: Path):
    arguments = ("--llm-base-url", "http://127.0.0.1:9/v1", "--model", "m", "--limit", "4", "--faults", "none")
    summary = _summary(tmp_path, *arguments)
    assert summary["answers"]["failed"] == 4
    assert summary["failures"]["provider_error"] >= 4


def test_recording_switched_off_still_grades(tmp_path: Path):
    summary = _summary(tmp_path, "--limit", "4", "--faults", "none", CERTTRACE_ENABLED="false")
    assert (summary["answers"]["graded"], summary["account"]) == (4, None)


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not beside the repository")
def test_real_answers_and_case_studies_are_graded(tmp_path: Path):
    answers, studies = SHARED / "shortanswers.jsonl.gz", SHARED / "casestudies.jsonl.gz"
    summary = _summary(tmp_path, "--answers", str(answers), "--case-studies", str(studies), "--limit", "40")
    assert (summary["answers"]["total"], summary["case_studies"]["total"], summary["bad_lines"]) == (40, 5, 0)
    assert summary["agreement"]["compared"] == summary["answers"]["graded"] >= 35
    assert 0.0 < summary["agreement"]["mean_absolute_error"] < 0.4
    assert summary["seconds"] < 60
