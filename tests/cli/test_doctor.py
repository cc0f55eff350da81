"""`certtrace doctor`: what works is said to work, what does not is named with its remedy, and nothing is given away."""

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.cli.langfuse_double import PUBLIC, SECRET, LangfuseDouble

from certtrace.assembly.doctor import canary
from certtrace.assembly.doctor.machine import file_system_of
from certtrace.cli import root
from certtrace.errors import TraceNotFoundError
from certtrace.records.source import StoreSource

QUICK = ("--timeout", "3")


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "grader")
    monkeypatch.setenv("CERTTRACE_INSTRUMENT_HTTPX", "false")
    monkeypatch.setenv("CERTTRACE_INSTRUMENT_LANGFUSE", "false")
    monkeypatch.setattr("certtrace.assembly.doctor.machine._SAMPLE_SECONDS", 0.01)
    return tmp_path / "place"


@pytest.fixture
def doctor(place):
    """Return what runs the command and gives exit code, findings by area, and the whole output."""

    def call(*arguments):
        result = CliRunner().invoke(root, ["--home", str(place), "doctor", "--json", *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        told = json.loads(result.stdout)
        assert told["healthy"] == (result.exit_code == 0)
        assert SECRET not in result.output
        assert PUBLIC not in result.output
        return result.exit_code, told["findings"]

    return call


@pytest.fixture
def langfuse(monkeypatch):
    double = LangfuseDouble()
    monkeypatch.setenv("CERTTRACE_DESTINATIONS", "store,langfuse")
    monkeypatch.setenv("LANGFUSE_BASE_URL", double.url)
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", PUBLIC)
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", SECRET)
    yield double
    double.close()


def not_ok(findings, area=None):
    return [(f["state"], f["what"], f["remedy"]) for f in findings if f["state"] != "ok" and area in (None, f["area"])]


def said(findings, area):
    return [finding["what"] for finding in findings if finding["area"] == area]


# --- what works ------------------------------------------------------------------------------------------------------


def test_a_sound_installation_is_healthy_and_keeps_nothing_of_the_canary(place, doctor):
    code, findings = doctor()

    assert (code, not_ok(findings)) == (0, [])
    assert said(findings, "canary") == [
        "it is in the ledger",
        "it arrived whole: store",
        "nothing of its invented person arrived: store",
    ]
    (trace_id,) = [f["facts"]["trace_id"] for f in findings if "trace_id" in f["facts"]]
    with pytest.raises(TraceNotFoundError):
        StoreSource(place / "store.db").get_trace(trace_id)
    assert StoreSource(place / "store.db").list_traces().traces == ()


def test_the_canary_goes_the_whole_way_to_langfuse_and_is_read_back(langfuse, doctor):
    code, findings = doctor(*QUICK)

    assert (code, not_ok(findings)) == (0, [])
    assert "it arrived whole: langfuse" in said(findings, "canary")
    assert said(findings, "langfuse") == [
        "127.0.0.1 answers and takes the keys",
        "its clock agrees with this machine's",
        "version 4.60",
    ]
    ((first, _),) = langfuse.spans.values()
    assert "certtrace.canary" in first["name"]


def test_the_canary_is_read_from_an_older_server_too(langfuse, doctor):
    langfuse.events_api = False
    code, findings = doctor(*QUICK)

    assert code == 0
    assert "it arrived whole: langfuse" in said(findings, "canary")


def test_the_canary_is_kept_whatever_the_sampling_rate(doctor, monkeypatch):
    monkeypatch.setenv("CERTTRACE_SAMPLE_RATE", "0.0")
    code, findings = doctor()

    assert code == 0
    assert "it arrived whole: store" in said(findings, "canary")


def test_the_metrics_are_those_a_service_would_export(doctor):
    _, findings = doctor()
    (metrics,) = [finding["facts"] for finding in findings if finding["area"] == "metrics"]

    assert metrics["certtrace.unit.started"] == 1
    assert metrics["certtrace.delivery.delivered{store}"] >= 1


def test_without_a_canary_nothing_is_written(place, langfuse, doctor):
    code, findings = doctor("--no-canary", *QUICK)

    assert (code, said(findings, "canary"), langfuse.spans) == (0, [], {})
    assert not place.exists()


# --- destinations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (401, "copy both from the project settings"),
        (403, "ingestion suspended"),
        (404, "without /api"),
        (407, "proxy wants credentials"),
        (429, "try again later"),
        (503, "The server fails"),
    ],
)
def test_an_answer_that_refuses_is_named_with_its_remedy(langfuse, doctor, status, remedy):
    langfuse.status = status
    code, findings = doctor("--no-canary", *QUICK)

    ((state, what, told),) = not_ok(findings, "langfuse")
    assert (code, state, what) == (1, "wrong", f"HTTP {status}")
    assert remedy in told


def test_a_redirect_says_where_to_and_not_more(langfuse, doctor):
    langfuse.status, langfuse.redirect = 302, "https://login.example/start?token=abc"
    _, findings = doctor("--no-canary", *QUICK)

    assert not_ok(findings, "langfuse") == [
        ("wrong", "HTTP 302: it redirects to https://login.example", "Set LANGFUSE_BASE_URL to where it redirects.")
    ]


def test_a_web_page_in_its_place_is_told_from_langfuse(langfuse, doctor):
    langfuse.html = True
    _, findings = doctor("--no-canary", *QUICK)

    ((state, what, remedy),) = not_ok(findings, "langfuse")
    assert (state, what) == ("wrong", "HTTP 200 with what is no answer of Langfuse")
    assert "captive portal" in remedy


def test_a_server_that_hangs_is_given_up_in_time(langfuse, doctor):
    langfuse.hang = True
    begun = time.monotonic()
    code, findings = doctor("--timeout", "0.5")

    assert time.monotonic() - begun < 15
    assert code == 1
    assert "does not answer" in not_ok(findings, "langfuse")[0][1]
    assert [what for _, what, _ in not_ok(findings, "canary")] == ["not delivered to langfuse within 0.5 s"]
    assert "it arrived whole: store" in said(findings, "canary")


def test_a_port_that_nobody_listens_on_is_refused(langfuse, doctor, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("LANGFUSE_BASE_URL", f"http://127.0.0.1:{free.getsockname()[1]}")
    _, findings = doctor("--no-canary", *QUICK)

    ((state, what, _),) = not_ok(findings, "langfuse")
    assert state == "wrong"
    assert what.endswith("refuses the connection")


def test_a_name_that_does_not_exist_is_said_to_be_unknown(langfuse, doctor, monkeypatch):
    monkeypatch.setenv("LANGFUSE_BASE_URL", "https://langfuse.invalid")
    _, findings = doctor("--no-canary", "--timeout", "8")

    ((state, what, _),) = not_ok(findings, "langfuse")
    assert state == "wrong"
    assert what in ("the name langfuse.invalid is unknown", "no name server answers for langfuse.invalid")


def test_a_server_without_tls_is_told_from_one_that_is_not_there(langfuse, doctor, monkeypatch):
    monkeypatch.setenv("LANGFUSE_BASE_URL", langfuse.url.replace("http://", "https://"))
    _, findings = doctor("--no-canary", *QUICK)

    assert "does not speak TLS" in not_ok(findings, "langfuse")[0][1]


def test_a_certificate_that_nobody_trusts_is_named(langfuse, doctor, monkeypatch, tmp_path):
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
    made = subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=x -keyout {key} -out {certificate}".split(),
        capture_output=True,
    )
    if made.returncode:
        pytest.skip("openssl is not there to make a certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    langfuse.server.socket = context.wrap_socket(langfuse.server.socket, server_side=True)
    monkeypatch.setenv("LANGFUSE_BASE_URL", langfuse.url.replace("http://", "https://"))
    _, findings = doctor("--no-canary", *QUICK)

    ((state, what, remedy),) = not_ok(findings, "langfuse")
    assert state == "wrong"
    assert what.startswith("the certificate of 127.0.0.1 is not trusted")
    assert "SSL_CERT_FILE" in remedy


def test_a_proxy_in_the_environment_is_mentioned_where_the_way_is_barred(langfuse, doctor, monkeypatch):
    langfuse.status = 407
    monkeypatch.setenv("http_proxy", "http://user:password@127.0.0.1:9")
    _, findings = doctor("--no-canary", *QUICK)

    assert "A proxy is set in the environment" in not_ok(findings, "langfuse")[0][2]


@pytest.mark.parametrize(("ahead", "state", "word"), [(20, "warning", "behind"), (-3_600, "wrong", "ahead of")])
def test_a_clock_that_differs_from_the_servers_is_named(langfuse, doctor, ahead, state, word):
    langfuse.clock_ahead = ahead
    _, findings = doctor("--no-canary", *QUICK)

    ((found, what, _),) = not_ok(findings, "langfuse")
    assert found == state
    assert re.match(rf"this machine's clock is \d+ s {word} the server's", what)


def test_a_server_that_is_too_old_is_named(langfuse, doctor):
    langfuse.version = "3.9.1"
    code, findings = doctor("--no-canary", *QUICK)

    assert code == 1
    assert not_ok(findings, "langfuse")[0][1] == "it is version 3.9"


def test_a_canary_that_langfuse_does_not_show_yet_is_a_warning(langfuse, doctor):
    langfuse.shows = False
    code, findings = doctor("--timeout", "1")

    assert code == 0
    assert not_ok(findings, "canary")[0][1] == "langfuse took it and does not show it after 1 s"


def test_a_canary_that_arrives_in_part_is_wrong(langfuse, doctor):
    langfuse.loses = 1
    code, findings = doctor("--timeout", "1")

    assert code == 1
    assert not_ok(findings, "canary")[0][1] == "langfuse has 1 of its 2 spans"


def test_a_person_who_can_be_read_there_is_wrong(langfuse, doctor, monkeypatch):
    monkeypatch.setattr(canary, "_FIRST", ("Marcella",))
    langfuse.spoils = "written by MARCELLA herself"
    code, findings = doctor(*QUICK)

    assert code == 1
    assert not_ok(findings, "canary")[0][1] == "its invented person is readable: langfuse"


# --- configuration and machine ---------------------------------------------------------------------------------------


def test_a_misspelt_variable_is_named_and_the_rest_is_left(doctor, monkeypatch):
    monkeypatch.setenv("CERTTRACE_SAMPEL_RATE", "0.1")
    code, findings = doctor()

    assert code == 1
    assert len(findings) == 1
    assert "Did you mean CERTTRACE_SAMPLE_RATE?" in findings[0]["what"]


def test_where_settings_come_from_is_told(place, doctor, monkeypatch):
    monkeypatch.setenv("LANGFUSE_SAMPLE_RATE", "0.5")
    _, findings = doctor("--no-canary")

    facts = findings[0]["facts"]
    assert facts["settings"]["sample_rate"] == "LANGFUSE_SAMPLE_RATE"
    assert facts["settings"]["home"] == "argument"
    assert facts["home"] == str(place)


def test_variables_that_contradict_each_other_are_named(doctor, monkeypatch):
    monkeypatch.setenv("CERTTRACE_SAMPLE_RATE", "0.5")
    monkeypatch.setenv("LANGFUSE_SAMPLE_RATE", "0.25")
    _, findings = doctor("--no-canary")

    assert [what for _, what, _ in not_ok(findings)] == [
        "CERTTRACE_SAMPLE_RATE overrules LANGFUSE_SAMPLE_RATE, which say something else"
    ]


@pytest.mark.parametrize(
    ("variables", "what"),
    [
        ({"OTEL_SERVICE_NAME": ""}, "the service has no name"),
        ({"CERTTRACE_ENABLED": "false"}, "recording is switched off"),
        ({"LANGFUSE_PUBLIC_KEY": PUBLIC}, "keys of Langfuse are set, and nothing is sent there"),
        ({"CERTTRACE_RECORDER_SIGNALS": "signals"}, "a folder of signals is set, and the flight recorder is off"),
        ({"CERTTRACE_REDACTION_PROFILE": "open"}, "lets personal data out"),
        (
            {"CERTTRACE_SAMPLE_RATE": "0", "CERTTRACE_KEEP_ERRORS": "false", "CERTTRACE_KEEP_CONFIDENCE_BELOW": "0"},
            "nothing is ever kept",
        ),
        (
            {"CERTTRACE_RECORDER_MAX_BYTES": "9999999", "CERTTRACE_RECORDER_SIGNALS": "missing"},
            "is not there, or cannot be read and written",
        ),
    ],
)
def test_settings_that_make_no_sense_are_looked_at(doctor, monkeypatch, variables, what):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    _, findings = doctor("--no-canary")

    assert [told for _, told, _ in not_ok(findings) if what in told] != []


@pytest.mark.parametrize("which", ["CERTTRACE_REDACTION_POLICY", "CERTTRACE_SAMPLING_POLICY"])
def test_a_policy_that_cannot_be_used_is_wrong(doctor, monkeypatch, tmp_path, which):
    (tmp_path / "policy.toml").write_text("[redaction\n")
    monkeypatch.setenv(which, str(tmp_path / "policy.toml"))
    code, findings = doctor("--no-canary")

    assert code == 1
    assert "policy.toml" in not_ok(findings, "configuration")[0][1]


def test_an_open_profile_lets_the_canary_through_and_that_is_a_warning(doctor, monkeypatch):
    monkeypatch.setenv("CERTTRACE_REDACTION_PROFILE", "open")
    code, findings = doctor()

    states = {what: state for state, what, _ in not_ok(findings, "canary")}
    assert "wrong" not in states.values()
    assert code == 0


def test_a_key_that_others_may_read_is_wrong(place, doctor):
    doctor()
    (place / "keys" / "redaction.key").chmod(0o644)
    code, findings = doctor()

    assert code == 1
    assert "Run: chmod 600" in not_ok(findings, "keys")[0][1]
    assert not_ok(findings, "canary")[0][1].startswith("recording cannot start")


def test_a_key_of_somebody_else_is_wrong(place, doctor):
    if os.geteuid():
        pytest.skip("only root can give a file away")
    doctor()
    os.chown(place / "keys" / "ledger.key", 12_345, -1)
    _, findings = doctor("--no-canary")

    assert "belongs to user 12345" in not_ok(findings, "keys")[0][1]


def test_a_home_that_is_a_file_is_wrong(place, doctor):
    place.write_text("no folder")
    code, findings = doctor()

    assert code == 1
    assert "cannot be written" in not_ok(findings, "disk")[0][1]


def test_a_store_that_is_none_is_wrong(place, doctor):
    place.mkdir()
    (place / "store.db").write_bytes(b"not a database at all" * 100)
    code, findings = doctor("--no-canary")

    assert code == 1
    assert [state for state, _, _ in not_ok(findings, "store")] == ["wrong"]


def test_a_nearly_full_disk_is_wrong(tmp_path, doctor, place):
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True).returncode:
        pytest.skip("mounting a small file system is not permitted here")
    try:
        code, findings = doctor("--no-canary")
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)

    assert code == 1
    assert "less than the" in not_ok(findings, "disk")[0][1]
    assert {"file_system": "tmpfs"} in [finding["facts"] for finding in findings]


def test_the_file_system_is_that_of_the_innermost_mount(tmp_path, monkeypatch):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "1 1 0:1 / / rw - ext4 /dev/sda rw\n"
        f"2 1 0:2 / {tmp_path.resolve()}/a\\040share rw,noatime shared:1 - nfs4 server:/x rw\n"
        "3 1 0:3 / /elsewhere rw - tmpfs tmpfs rw\n"
    )
    monkeypatch.setattr("certtrace.assembly.doctor.machine._MOUNTS", mounts)

    assert file_system_of(tmp_path / "a share" / "home") == "nfs4"
    assert file_system_of(tmp_path / "a") == "ext4"


def test_a_data_folder_on_a_network_is_looked_at(place, doctor, tmp_path, monkeypatch):
    mounts = tmp_path / "mountinfo"
    mounts.write_text("1 1 0:1 / / rw - nfs4 server:/x rw\n")
    monkeypatch.setattr("certtrace.assembly.doctor.machine._MOUNTS", mounts)
    code, findings = doctor("--no-canary")

    assert code == 0
    assert "locks cannot be relied on" in not_ok(findings, "disk")[0][1]


def test_dead_letters_and_an_old_spool_are_looked_at(place, doctor):
    from certtrace.delivery.backlog import Item
    from certtrace.delivery.deadletter import bury
    from certtrace.delivery.directory import Position
    from certtrace.delivery.spool import Spool
    from certtrace.ports import Payload

    spool = Spool(place / "spool")
    spool.owe(["langfuse"])
    payload = Payload("spans", b"x", "1" * 32)
    spool.content(spool.accept(1, 1, 1, 2), payload)
    bury(place / "spool", "langfuse", Item(payload, Position()), "HTTP 400")
    spool.close()
    for path in (place / "spool").glob("*/content-*"):
        os.utime(path, (time.time() - 9_000,) * 2)
    code, findings = doctor("--no-canary")

    told = [what for _, what, _ in not_ok(findings, "spool")]
    assert code == 0
    assert "the oldest waits for 2.5 h" in told[0]
    assert told[1] == "dead letters: 1 for langfuse"


def test_a_clock_that_was_set_back_is_looked_at(place, doctor):
    doctor()
    ahead = time.time() + 3_000
    for path in (place / "ledger").iterdir():
        os.utime(path, (ahead, ahead))
    _, findings = doctor("--no-canary")

    assert "ahead of the clock" in not_ok(findings, "clocks")[0][1]


# --- for people ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_every_line_fits_the_terminal(place, langfuse, monkeypatch, columns):
    langfuse.status = 401
    monkeypatch.setenv("COLUMNS", str(columns))
    result = CliRunner().invoke(root, ["--home", str(place), "doctor", "--no-canary"])

    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    long = [line for line in lines if len(line) > columns and str(Path(place).parent) not in line]
    assert [line for line in long if " " in line.strip()] == []
    assert any(line.startswith("wrong") for line in lines)
    assert lines[-1].startswith("1 wrong, ")
    assert "→ LANGFUSE_PUBLIC_KEY" in result.stdout


def test_only_findings_are_printed(place, langfuse):
    langfuse.status = 401
    command = [sys.executable, "-W", "error", "-m", "certtrace", "--home", str(place), "doctor", "--timeout", "2"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert (result.returncode, result.stderr) == (1, "")
    lines = result.stdout.splitlines()
    assert {line.split()[0] for line in lines[:-2] if not line.startswith(" ")} == {"ok", "wrong"}
    assert lines == [line.rstrip() for line in lines]


def test_the_last_line_says_that_it_works(place):
    result = CliRunner().invoke(root, ["--home", str(place), "doctor", "--no-canary"])

    assert result.stdout.splitlines()[-1].startswith("Works. All ")
