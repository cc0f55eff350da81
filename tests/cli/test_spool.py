"""`certtrace spool` on real folders: what dead processes left, what a living one holds, and what was refused."""

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from certtrace.delivery.backlog import Item
from certtrace.delivery.deadletter import bury, letters
from certtrace.delivery.directory import Position
from certtrace.delivery.otlp import encode_unit
from certtrace.ports import Payload, SpanRecord

PROCESS = """
    import os, signal, sys, time
    from pathlib import Path
    from certtrace.delivery.spool import Spool
    from certtrace.delivery.otlp import encode_unit
    from certtrace.ports import Payload, SpanRecord
    root, first, units, owed, lives = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5:]
    spool = Spool(root)
    spool.owe(owed.split(","))
    for n in range(first, first + units):
        span = SpanRecord(n, n, 0, f"unit{n}", 1, 1_700_000_000_000_000_000, 1_700_000_001_000_000_000, 0, "", {})
        content = Payload("spans", encode_unit([span], {"service.name": "grader"}), f"{n:032x}")
        spool.content(spool.accept(n, n, 1_000, 2_000), content)
    spool.accept(9_999, 9_999, 1_700_000_000_000_000_000, 1_700_000_001_000_000_000)
    print("written", flush=True)
    sys.stdin.read() if lives else os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def spool_home(tmp_path):
    return tmp_path / "spooling"


@pytest.fixture
def leave(spool_home):
    """Return what lets a process write units and die, or live until the test ends."""
    living = []

    def start(units=3, owed="store", *, first=1, lives=False):
        arguments = [str(spool_home / "spool"), str(first), str(units), owed, *(["on"] if lives else [])]
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(PROCESS), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout.readline() == "written\n"
        if lives:
            living.append(process)
        else:
            assert process.wait(10) == -signal.SIGKILL
            process.stdin.close()
            process.stdout.close()
        return process

    yield start
    for process in living:
        process.communicate("", timeout=10)


def bury_one(home, number=1, destination="store", reason="HTTP 413: the batch was rejected."):
    span = SpanRecord(number, number, 0, "refused", 1, 1_700_000_000_000_000_000, 1_700_000_001_000_000_000, 0, "", {})
    (home / "spool").mkdir(mode=0o700, parents=True, exist_ok=True)
    item = Item(Payload("spans", encode_unit([span], {}), f"{number:032x}"), Position())
    return bury(home / "spool", destination, item, reason)


def status_of(run, home):
    result = run("spool", "status", "--json", home=home)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def snapshot(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_an_empty_home_is_no_error_and_nothing_is_made(run, spool_home):
    for command in ("status", "drain", "retry", "export"):
        result = run("spool", command, home=spool_home)
        assert result.exit_code == 0, result.output
    assert not spool_home.exists()
    assert "Nothing was ever spooled" in run("spool", "status", home=spool_home).stdout


def test_status_says_what_is_owed_to_whom_by_the_living_and_the_dead(run, spool_home, leave):
    leave(3, "store,langfuse")
    living = leave(2, first=10, lives=True)
    bury_one(spool_home)
    before = snapshot(spool_home)
    found = status_of(run, spool_home)

    states = {each["pid"]: each for each in found["processes"]}
    assert states[living.pid]["state"] == "running"
    assert states[living.pid]["owed"]["store"]["records"] == 2
    (dead,) = [each for each in found["processes"] if each["pid"] != living.pid]
    assert (dead["state"], dead["without_content"]) == ("ended", 1)
    assert found["owed"]["store"]["records"] == 5
    assert found["owed"]["langfuse"]["records"] == 3
    assert found["owed"]["store"]["oldest_age_seconds"] < 60
    assert [(each["destination"], each["count"]) for each in found["dead_letters"]] == [("store", 1)]
    assert found["used_bytes"] > 0
    assert snapshot(spool_home) == before


@pytest.mark.parametrize("width", [40, 60, 100, 200])
def test_status_fits_the_terminal(run, spool_home, leave, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    leave()
    bury_one(spool_home, reason="x" * 300)
    result = run("spool", "status", home=spool_home)

    assert result.exit_code == 0
    rows = [line for line in result.stdout.splitlines() if "  " in line]
    assert rows
    assert max(map(len, rows)) <= width


def test_status_counts_damage(run, spool_home, leave):
    leave()
    segment = next((spool_home / "spool").rglob("content-*"))
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0x40
    segment.write_bytes(data)

    (process,) = status_of(run, spool_home)["processes"]
    assert process["faults"] == {"corrupt": 1}
    assert "1 corrupt" in run("spool", "status", home=spool_home).stdout


def test_drain_delivers_what_the_dead_left_and_leaves_the_living_alone(run, spool_home, leave):
    leave(3)
    leave(2, first=20)
    living = leave(2, first=10, lives=True)
    result = run("spool", "drain", home=spool_home)

    assert result.exit_code == 0, result.output
    assert "store: 7 delivered" in result.stdout  # five units and two stand-ins for what had no content
    found = status_of(run, spool_home)
    assert [each["pid"] for each in found["processes"]] == [living.pid]
    assert found["owed"]["store"]["records"] == 2
    traces = run("traces", "--json", home=spool_home).stdout.splitlines()
    assert len(traces) == 6
    assert run("spool", "drain", home=spool_home).stdout == "Nothing to deliver: no ended process left anything.\n"


def test_drain_says_what_is_left_and_why(run, spool_home, leave):
    leave(3, "store,langfuse")
    result = run("spool", "drain", home=spool_home)

    assert result.exit_code == 1
    assert "store: 4 delivered" in result.stdout
    assert "Left: 4 for langfuse. Why: it is not among the destinations" in result.stdout
    as_json = run("spool", "drain", "--json", home=spool_home)
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout)["left"][0]["what"] == "4 for langfuse"


def test_drain_keeps_its_timeout_and_gives_the_destinations_reason(run, spool_home, leave, monkeypatch):
    leave(3, "langfuse")
    monkeypatch.setenv("CERTTRACE_DESTINATIONS", "langfuse")
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk")
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk")
    monkeypatch.setenv("LANGFUSE_BASE_URL", "http://127.0.0.1:9")
    started = time.monotonic()
    result = run("spool", "drain", "--timeout", "1", home=spool_home)

    assert time.monotonic() - started < 6
    assert result.exit_code == 1
    assert "Left: 4 for langfuse. Why: No answer: Connection refused." in result.stdout


def test_retry_puts_back_what_is_meant_and_nothing_else(run, spool_home):
    bury_one(spool_home, 1)
    bury_one(spool_home, 2, reason="HTTP 400: the batch was rejected.")
    bury_one(spool_home, 3, destination="langfuse")
    dry = run("spool", "retry", "--dry-run", "--destination", "store", home=spool_home)
    assert dry.exit_code == 0
    assert "413" in dry.stdout
    assert "400" in dry.stdout
    assert len(list(letters(spool_home / "spool"))) == 3

    result = run("spool", "retry", "--destination", "store", "--reason", "http 413", home=spool_home)
    assert result.exit_code == 0, result.output
    assert "1 dead letters are back" in result.stdout
    assert [letter.payload.trace_id[-1] for letter in letters(spool_home / "spool")] == ["2", "3"]
    drained = run("spool", "drain", home=spool_home)
    assert "store: 1 delivered" in drained.stdout
    (trace,) = run("traces", "--json", home=spool_home).stdout.splitlines()
    assert json.loads(trace)["name"] == "refused"


def test_retry_by_age(run, spool_home):
    bury_one(spool_home)
    assert "No such dead letter" in run("spool", "retry", "--before", "1h", home=spool_home).stderr
    assert "No such dead letter" in run("spool", "retry", "--since", "2999-01-01", home=spool_home).stderr
    assert "1 dead letters are back" in run("spool", "retry", "--since", "1h", home=spool_home).stdout


RETRY_AND_DIE = """
    import os, signal, sys
    from pathlib import Path
    from certtrace.delivery import replaying
    point, root = sys.argv[1], Path(sys.argv[2])
    real_unlink, real_sync = Path.unlink, replaying.Spool.sync
    def die(*_, **__):
        os.kill(os.getpid(), signal.SIGKILL)
    if point == "sync":
        replaying.Spool.sync = die
    if point == "unlink":
        Path.unlink = lambda self, **k: die() if "dead-letters" in str(self) else real_unlink(self, **k)
    if point == "second":
        seen = []
        def unlink(self, **k):
            if "dead-letters" in str(self):
                seen.append(self)
                if len(seen) == 2:
                    die()
            real_unlink(self, **k)
        Path.unlink = unlink
    replaying.replay_all(root, replaying.Wanted())
"""


@pytest.mark.parametrize("point", ["sync", "unlink", "second"])
def test_an_interrupted_retry_loses_nothing(run, spool_home, point):
    for number in (1, 2, 3):
        bury_one(spool_home, number)
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(RETRY_AND_DIE), point, str(spool_home / "spool")], timeout=20
    )
    assert killed.returncode == -signal.SIGKILL

    assert run("spool", "retry", home=spool_home).exit_code == 0
    assert run("spool", "drain", home=spool_home).exit_code == 0
    traces = run("traces", "--json", home=spool_home).stdout.splitlines()
    assert sorted(json.loads(line)["trace_id"][-1] for line in traces) == ["1", "2", "3"]
    assert list(letters(spool_home / "spool")) == []


def test_retry_leaves_the_letters_where_the_disk_takes_nothing(run, spool_home, tmp_path):
    mount = tmp_path / "small"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mount)], capture_output=True).returncode:
        pytest.skip("mounting a small file system is not permitted here")
    try:
        bury_one(mount)
        with (mount / "ballast").open("wb", buffering=0) as ballast, pytest.raises(OSError, match="space"):
            while True:
                ballast.write(b"x" * 4096)
        result = run("spool", "retry", home=mount)
        assert result.exit_code == 1
        assert "stay dead letters" in result.stderr
        assert len(list(letters(mount / "spool"))) == 1
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def test_export_writes_otlp_json_and_changes_nothing(run, spool_home, leave):
    leave(3, "store,langfuse")
    before = snapshot(spool_home)
    result = run("spool", "export", home=spool_home)

    units = [json.loads(line) for line in result.stdout.splitlines()]
    spans = [unit["resourceSpans"][0]["scopeSpans"][0]["spans"][0] for unit in units]
    assert [span["name"] for span in spans] == ["unit1", "unit2", "unit3"]
    assert spans[0]["traceId"] == f"{1:032x}"
    assert spans[0]["spanId"] == f"{1:016x}"
    assert spans[0]["startTimeUnixNano"] == "1700000000000000000"
    assert "3 units written" in result.stderr
    assert snapshot(spool_home) == before


def test_export_to_a_file_as_protobuf(run, spool_home, leave, tmp_path):
    leave(3)
    file = tmp_path / "owed.pb"
    assert run("spool", "export", "--format", "protobuf", "--output", str(file), home=spool_home).exit_code == 0

    data = TracesData.FromString(file.read_bytes())
    assert [each.scope_spans[0].spans[0].name for each in data.resource_spans] == ["unit1", "unit2", "unit3"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = run("spool", "export", "--output", str(file), home=spool_home)
    assert again.exit_code == 2
    assert "nothing is overwritten" in again.stderr


def test_export_of_dead_letters_and_of_one_destination(run, spool_home, leave):
    leave(2, "store")
    bury_one(spool_home, 7)
    bury_one(spool_home, 8, destination="langfuse")

    def names(*options):
        lines = run("spool", "export", *options, home=spool_home).stdout.splitlines()
        return [json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"][-1] for line in lines]

    assert names("--dead-letters") == ["7", "8"]
    assert names("--dead-letters", "--destination", "langfuse") == ["8"]
    assert names("--destination", "langfuse") == []
    assert names("--destination", "store") == ["1", "2"]


@pytest.mark.parametrize("command", ["status", "drain", "retry", "export"])
def test_a_home_that_is_a_file_is_refused_with_a_remedy(run, tmp_path, command):
    home = tmp_path / "file"
    home.write_text("")
    result = run("spool", command, home=home)

    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert str(home) in result.stderr


def test_a_foreign_spool_is_read_and_not_drained(run, spool_home, leave):
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder to somebody else")
    leave()
    for path in [spool_home / "spool", *(spool_home / "spool").rglob("*")]:
        os.chown(path, 12_345, -1)
    status = run("spool", "status", home=spool_home)
    drain = run("spool", "drain", home=spool_home)

    assert "user 12345" in status.stdout
    assert drain.exit_code == 2
    assert "belongs to user 12345" in drain.stderr
