"""Disks that are full, fail, vanish, belong to others or lie: real file systems, mounted where nobody else sees."""

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.faults.processes import CONTENT_LOST, LIMIT_SECONDS, environment, read_out, run

from certtrace.delivery import frames
from certtrace.delivery.directory import ProcessDirectory, abandoned

REPOSITORY = Path(__file__).parents[2]
ALONE = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]


@functools.cache
def refused(kind: str) -> str:
    """Return why a file system of this kind cannot be mounted here, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        command = _mount(kind, folder, "", f"{folder}.image")
        try:
            result = subprocess.run(
                [*ALONE, "sh", "-c", command], capture_output=True, text=True, timeout=20, check=False
            )
        except OSError as error:
            return f"file systems cannot be mounted here: {error.strerror}"
        Path(f"{folder}.image").unlink(missing_ok=True)
    return f"a {kind} cannot be mounted here: {result.stderr.strip()}" if result.returncode else ""


def _mount(kind: str, where: str, options: str, image: str) -> str:
    if kind == "tmpfs":
        return f"mount -t tmpfs -o size=2m{options} tmpfs '{where}'"
    return f"truncate -s 16M '{image}' && mkfs.ext4 -q -F '{image}' && mount -o loop '{image}' '{where}'"


def on_disk(kind: str, tmp_path: Path, code: str, options: str = "") -> dict[str, object]:
    """Run a service whose home is on a file system of its own; return the JSON it prints last."""
    if refused(kind):
        pytest.skip(refused(kind))
    where, image = tmp_path / "disk", tmp_path / "image"
    where.mkdir()
    command = [*ALONE, "sh", "-c", f'{_mount(kind, str(where), options, str(image))} && exec "$@"', "sh",
               sys.executable, "-c", PRELUDE + textwrap.dedent(code), str(where), str(image)]  # fmt: skip
    result = subprocess.run(
        command, cwd=REPOSITORY, env=environment(), capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    return {**json.loads(result.stdout.splitlines()[-1]), "stderr": result.stderr}


PRELUDE = """
import fcntl, json, os, struct, subprocess, sys, time
from pathlib import Path
import certtrace
from certtrace import assembly
from tests.faults.processes import read_out

disk = Path(sys.argv[1])
home = disk / "home"

def configure(**more):
    certtrace.configure(
        home=home, service_name="svc", destinations=["langfuse"], langfuse_base_url="http://127.0.0.1:9",
        langfuse_public_key="pk-lf-test", langfuse_secret_key="sk-lf-0123456789abcdef", instrument_langfuse=False,
        **{"spool_min_free_bytes": 0, **more},
    )
    return assembly.current_running()

@certtrace.traced
def grade(value):
    return certtrace.current_span().trace_id

def several(number, size=10):
    return [grade("x" * size) for _ in range(number)]

def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)

def written():
    # What has ended is redacted, and spooled or in memory; whether it is delivered does not matter here.
    assembly.current_running().pipeline.flush(20)

def use_up(path):
    with open(path, "wb") as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    os.write(file.fileno(), b"x" * size)
            except OSError:
                pass

def ioctl_shutdown():
    # As if the device were pulled: nothing that is not there yet gets there, and every access fails from now on.
    folder = os.open(disk, os.O_RDONLY)
    fcntl.ioctl(folder, 0x8004587D, struct.pack("I", 2))
    os.close(folder)

def end(**facts):
    print(json.dumps(facts))
"""


def test_a_full_disk_degrades_and_recovers_by_itself(tmp_path):
    found = on_disk(
        "tmpfs",
        tmp_path,
        """
        running = configure()
        traces = several(20)
        written()
        use_up(disk / "filler")
        traces += several(200, 3_000)
        written()
        degraded = running.spool.is_degraded
        (disk / "filler").unlink()
        more = []
        def recovered():
            more.extend(several(1))
            written()
            running.spool.maintain()
            return not running.spool.is_degraded
        until(recovered)
        counters = running.spool.counters()
        certtrace.shutdown(5)
        rest = read_out(home, "langfuse")
        end(degraded=degraded, accepted=counters.accepted, lost=counters.lost,
            missing=len({*traces, *more} - rest.traces.keys()), twice=len(rest.duplicates), left=rest.left)
        """,
    )

    assert found["degraded"] is True
    assert found["accepted"] > 220
    assert (found["lost"], found["missing"], found["twice"], found["left"]) == (0, 0, 0, [])
    assert found["stderr"].count("The spool writes to memory") == 1


@pytest.mark.slow
def test_a_disk_without_inodes_degrades_and_recovers_by_itself(tmp_path):
    found = on_disk(
        "tmpfs",
        tmp_path,
        """
        from certtrace.delivery import spool
        spool.Spool.__init__.__kwdefaults__["segment_bytes"] = 20_000
        running = configure()
        traces = several(5)
        written()
        files = 0
        try:
            while True:
                (disk / f"file{files}").touch()
                files += 1
        except OSError:
            pass
        traces += several(40, 2_000)
        written()
        degraded = running.spool.is_degraded
        for number in range(files):
            (disk / f"file{number}").unlink()
        def recovered():
            traces.extend(several(1))
            written()
            running.spool.maintain()
            return not running.spool.is_degraded
        until(recovered)
        certtrace.shutdown(5)
        rest = read_out(home, "langfuse")
        end(degraded=degraded, files=files, missing=len(set(traces) - rest.traces.keys()), twice=len(rest.duplicates))
        """,
        options=",nr_inodes=40",
    )

    assert found["files"] > 5
    assert found["degraded"] is True
    assert (found["missing"], found["twice"]) == (0, 0)


@pytest.mark.parametrize("fault", [pytest.param("goes read-only", marks=pytest.mark.slow), "fails every access"])
def test_a_disk_that_stops_working_degrades_to_memory_and_a_new_one_is_taken(tmp_path, fault):
    found = on_disk(
        "ext4",
        tmp_path,
        f"""
        fault = {fault!r}
        running = configure()
        before = several(10)
        written()
        running.spool.maintain()
        os.sync()
        if fault == "goes read-only":
            subprocess.run(["mount", "-o", "remount,abort", disk], check=True)  # what ext4 does when it finds an error
        else:
            ioctl_shutdown()
        started = time.monotonic()
        during = several(30)
        seconds = time.monotonic() - started
        written()
        running.spool.maintain()
        degraded = running.spool.is_degraded
        subprocess.run(["umount", "--lazy", disk], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", disk], check=True)
        def recovered():
            running.spool.maintain()
            return not running.spool.is_degraded and running.spool.path.exists()
        until(recovered)
        after = several(5)
        written()
        counters = running.spool.counters()
        certtrace.shutdown(5)
        rest = read_out(home, "langfuse")
        end(degraded=degraded, seconds=seconds, lost_during=len(set(during) - rest.traces.keys()),
            lost_after=len(set(after) - rest.traces.keys()), twice=len(rest.duplicates), lost=counters.lost,
            accepted=counters.accepted)
        """,
    )

    assert found["degraded"] is True
    assert found["seconds"] < 2  # the host is not held up
    assert (found["lost_during"], found["lost_after"], found["twice"]) == (0, 0, 0)
    assert found["accepted"] == 45


SERVICE = """
configure(spool_fsync=sys.argv[2])
for number in range(30):
    print(grade("x" * 200), flush=True)
written()
time.sleep(1.0)  # the window of `group` is a fifth of it
print("forced", flush=True)
while True:
    print(grade("x" * 200), flush=True)
    time.sleep(0.001)
"""


@pytest.mark.parametrize("policy", ["group", pytest.param("always", marks=pytest.mark.slow)])
def test_a_disk_whose_power_failed_keeps_what_had_been_forced_to_it(tmp_path, policy):
    """The journal of ext4 is thrown away with all that was not forced out yet, while a service writes."""
    program = tmp_path / "service.py"
    program.write_text(PRELUDE + SERVICE)
    found = on_disk(
        "ext4",
        tmp_path,
        f"""
        image, policy = sys.argv[2], {policy!r}
        service = subprocess.Popen(
            [sys.executable, {str(program)!r}, disk, policy], stdout=subprocess.PIPE, text=True,
            env={{**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])}},
        )
        told = []
        while not told or told[-1] != "forced":
            told.append(service.stdout.readline().strip())
            assert told[-1], "the service ended"
        late = [service.stdout.readline().strip() for _ in range(100)]
        ioctl_shutdown()
        service.kill()
        late += [line.strip() for line in service.communicate()[0].splitlines(keepends=True) if line.endswith("\\n")]
        subprocess.run(["umount", disk], check=True)
        subprocess.run(["mount", "-o", "loop", image, disk], check=True)
        rest = read_out(home, "langfuse")
        known = rest.traces.keys()
        end(lost=len(set(told[:-1]) - known), late=len(late), late_lost=len(set(late) - known),
            unknown=rest.unknown, twice=len(rest.duplicates), left=rest.left)
        """,
    )

    assert found["lost"] == 0
    assert (found["unknown"], found["twice"], found["left"]) == (0, 0, [])
    if policy == "always":
        # Accepted after the power had failed is in memory only; that was said at the time.
        assert found["late_lost"] <= found["late"] - 100


# --- whose the folder is ---------------------------------------------------------------------------------------------

OTHER_USER = 65_534


def as_other_user(tmp_path: Path, code: str) -> dict[str, object]:
    """Run a service that gives up its rights once everything is imported; the packages may be root's alone."""
    if os.geteuid():
        pytest.skip("only root can become somebody else")
    code = """
import opentelemetry.sdk.trace, certtrace.testing
with certtrace.testing.recording() as recorder:
    grade("loads what is loaded late")
    recorder.spans
""" + textwrap.dedent(code)
    tmp_path.chmod(0o755)
    for parent in list(tmp_path.parents)[:2]:
        parent.chmod(0o711)  # pytest's own, closed to others
    result = run(PRELUDE + code, tmp_path, cwd=REPOSITORY)
    assert result.returncode == 0, result.stderr
    return {**json.loads(result.stdout.splitlines()[-1]), "stderr": result.stderr}


@pytest.mark.slow
def test_a_folder_that_may_not_be_written_is_refused_by_name_at_the_start(tmp_path):
    (tmp_path / "home").mkdir()
    found = as_other_user(
        tmp_path,
        f"""
        os.seteuid({OTHER_USER})
        try:
            configure()
        except certtrace.CerttraceError as error:
            end(kind=type(error).__name__, message=str(error), value=grade("works") is not None)
        """,
    )

    assert str(tmp_path / "home") in found["message"]
    assert "ermission" in found["message"]


@pytest.mark.slow
def test_a_process_that_loses_its_rights_at_run_time_degrades_and_recovers(tmp_path):
    found = as_other_user(
        tmp_path,
        f"""
        from certtrace.delivery import spool
        spool.Spool.__init__.__kwdefaults__["segment_bytes"] = 20_000
        running = configure()
        traces = several(5)
        written()
        os.seteuid({OTHER_USER})
        traces += several(40, 2_000)
        written()
        degraded = running.spool.is_degraded
        os.seteuid(0)
        def recovered():
            running.spool.maintain()
            return not running.spool.is_degraded
        until(recovered)
        certtrace.shutdown(5)
        rest = read_out(home, "langfuse")
        missing = len(set(traces) - rest.traces.keys())
        end(degraded=degraded, missing=missing, twice=len(rest.duplicates), left=rest.left)
        """,
    )

    assert found["degraded"] is True
    assert (found["missing"], found["twice"], found["left"]) == (0, 0, [])


START = (
    PRELUDE
    + """
try:
    configure()
    end(trace=grade("x"))
except certtrace.CerttraceError as error:
    end(kind=type(error).__name__, message=str(error))
"""
)


@pytest.mark.slow
def test_a_spool_folder_of_somebody_else_is_refused(tmp_path):
    if os.geteuid():
        pytest.skip("only root can give a folder away")
    spool = tmp_path / "home" / "spool"
    spool.mkdir(parents=True)
    os.chown(spool, OTHER_USER, OTHER_USER)
    found = json.loads(run(START, tmp_path, cwd=REPOSITORY).stdout)

    assert found["kind"] == "SpoolError"
    assert str(spool) in found["message"]
    assert str(OTHER_USER) in found["message"]


def test_a_spool_folder_that_is_a_symbolic_link_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "spool").symlink_to(tmp_path / "elsewhere")
    found = json.loads(run(START, tmp_path, cwd=REPOSITORY).stdout)

    assert found["kind"] == "SpoolError"
    assert "symbolic link" in found["message"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_an_orphan_of_somebody_else_or_behind_a_link_is_not_adopted(tmp_path):
    assert run(ORPHAN, tmp_path, 6).returncode == -signal.SIGKILL
    spool = tmp_path / "spool"
    (orphan,) = abandoned(spool)
    outside = tmp_path / "outside"
    shutil.copytree(orphan, outside)
    (spool / "linked").symlink_to(outside)
    before = {path.name: path.read_bytes() for path in outside.iterdir()}
    if not os.geteuid():
        os.chown(orphan / "owner.lock", OTHER_USER, OTHER_USER)
        assert ProcessDirectory.adopt(orphan) is None
        os.chown(orphan / "owner.lock", 0, 0)
    found = read_out(tmp_path)

    assert len(found.spans) == 6
    assert found.left == ["linked"]
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == before


def test_a_spool_that_is_deleted_while_in_use_is_made_anew(tmp_path):
    code = """
        import shutil
        running = configure()
        gone = several(5)
        written()
        shutil.rmtree(home)
        several(5)
        until(lambda: running.spool.maintain() or (running.spool.path and running.spool.path.exists()))
        after = several(10)
        written()
        certtrace.shutdown(5)
        rest = read_out(home, "langfuse")
        end(missing=len(set(after) - rest.traces.keys()), twice=len(rest.duplicates))
    """
    result = run(PRELUDE + textwrap.dedent(code), tmp_path, cwd=REPOSITORY)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    assert "was deleted while in use" in result.stderr
    assert json.loads(result.stdout) == {"missing": 0, "twice": 0}


# --- what lies -------------------------------------------------------------------------------------------------------

ORPHAN = """
    import os, sys
    from pathlib import Path
    from certtrace.delivery.spool import Spool
    from certtrace.delivery.otlp import encode_unit
    from certtrace.ports import Payload, SpanRecord
    spool = Spool(Path(sys.argv[1]) / "spool", segment_bytes=8_000)
    spool.owe(["store"])
    for n in range(1, int(sys.argv[2]) + 1):
        sequence = spool.accept(n, n, 1_000, 2_000)
        span = SpanRecord(n, n, 0, f"unit{n}", 1, 1_000, 2_000, 0, "", {"pad": os.urandom(n % 9 * 100).hex()})
        spool.content(sequence, Payload("spans", encode_unit([span], {}), f"{n:032x}"))
    os.kill(os.getpid(), 9)
"""
UNITS = 60


@pytest.fixture(scope="module")
def orphan(tmp_path_factory):
    home = tmp_path_factory.mktemp("orphan")
    assert run(ORPHAN, home, UNITS).returncode == -signal.SIGKILL
    return home


def flip(data: bytearray, where: int, size: int) -> None:
    data[where] ^= 1 << size % 8


def zero(data: bytearray, where: int, size: int) -> None:
    data[where : where + size] = bytes(len(data[where : where + size]))


def cut(data: bytearray, where: int, size: int) -> None:
    del data[where:]


def cut_out(data: bytearray, where: int, size: int) -> None:
    del data[where : where + size]


def overwrite(data: bytearray, where: int, size: int) -> None:
    data[where : where + size] = (frames.RECORD_MAGIC * size)[:size]


def from_the_future(data: bytearray, where: int, size: int) -> None:
    head = frames.FILE_HEADER.pack(frames.FILE_MAGIC, frames.VERSION + 1 + size % 9, 0, 0)[:-4]
    data[: frames.FILE_HEADER.size] = head + frames.CRC.pack(zlib.crc32(head))


DAMAGES = (flip, zero, cut, cut_out, overwrite, from_the_future)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    damage=st.lists(
        st.tuples(
            st.sampled_from(DAMAGES), st.integers(0, 99), st.floats(0, 1, exclude_max=True), st.integers(1, 4_096)
        ),
        min_size=1,
        max_size=3,
    ),
    prefix=st.sampled_from(["content-", "skeletons-"]),
    swap=st.booleans(),
)
def test_damaged_segments_cost_no_trace_that_another_file_knows_of(orphan, tmp_path_factory, damage, prefix, swap):
    home = tmp_path_factory.mktemp("damaged")
    shutil.copytree(orphan, home, dirs_exist_ok=True)
    segments = sorted((home / "spool").glob(f"*/{prefix}*"))
    for change, number, share, size in damage:
        path = segments[number % len(segments)]
        data = bytearray(path.read_bytes())
        change(data, int(len(data) * share), size)
        path.write_bytes(data)
    contents = sorted((home / "spool").glob("*/content-*"))
    if swap:
        contents[0].rename(home / "aside")
        contents[-1].rename(contents[0])
        (home / "aside").rename(contents[-1])
    left_alone = {
        path.name: path.read_bytes() for path in segments if frames.is_from_a_later_version(path.read_bytes())
    }
    found = read_out(home)

    # What one kind of file lost, the other still knows: as content, or as a trace whose content is gone.
    assert found.traces.keys() == {f"{number:032x}" for number in range(1, UNITS + 1)}
    assert len(found.spans) == UNITS
    assert found.content_lost == found.names.count(CONTENT_LOST)
    assert found.content_lost == 0 or prefix == "content-"
    kept = {path.name: path.read_bytes() for path in (home / "spool").glob("*/*.spl")}
    assert left_alone.items() <= kept.items()
    assert bool(found.left) == bool(left_alone)
    shutil.rmtree(home)
