"""The flight recorder: bounded on disk, harmless when anything fails, and everything in it can be promoted once."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from certtrace import semconv
from certtrace.delivery import recordings
from certtrace.delivery.files import folder_bytes
from certtrace.delivery.recorder import Recorder
from certtrace.delivery.restamp import kinships, restamp
from certtrace.ports import Decision, Payload

# Python 3.12 and later warn about forking with threads; services do it all the same (gunicorn, Celery).
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

UNLIKELY = Decision(keep=False, rule="baseline", threshold=2**55)
KIB = 1024


@pytest.fixture
def recorder(tmp_path):
    """Return a maker of recorders of one home, each as a process of its own would have it."""
    made = []

    def make(max_bytes=1024 * KIB, max_seconds=600.0, root="recorder", signals="signals", min_free_bytes=0):
        one = Recorder(
            tmp_path / root,
            tmp_path / signals,
            max_bytes=max_bytes,
            max_seconds=max_seconds,
            min_free_bytes=min_free_bytes,
        )
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def put(recorder, trace_id, data=b"content", root=7, decision=UNLIKELY):
    return recorder.put_aside(trace_id, root, decision, 3, [Payload("spans", data, f"{trace_id:032x}")])


def until(condition, seconds=10.0):
    """Wait for what `condition` returns to be true; fail after a deadline."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.01)
    return found


def age(folder, seconds):
    for path in folder.rglob("*.spl"):
        moment = time.time() - seconds
        os.utime(path, (moment, moment))


def contents(asides):
    return [aside.payloads[0].data for aside in asides]


# --- setting aside and taking back -----------------------------------------------------------------------------------


def test_a_unit_comes_back_as_it_was_put_aside(recorder):
    mine = recorder()
    payloads = [
        Payload("spans", b"\x00for the store\n" * 99, f"{5:032x}", ("store",)),
        Payload("scores", b"[]", f"{5:032x}"),
    ]
    decision = Decision(keep=False, rule="per second", threshold=2**54 + 3, counts=False)
    before = time.time_ns()

    assert mine.put_aside(5, 2**63 + 9, decision, 12, payloads)
    (aside,) = mine.take(5)

    assert (aside.trace_id, aside.root_span_id, aside.decision, aside.span_count) == (5, 2**63 + 9, decision, 12)
    assert list(aside.payloads) == payloads
    assert before <= aside.time_ns <= time.time_ns()


def test_all_units_of_a_trace_come_back_in_order_and_once(recorder):
    mine = recorder()
    for number in range(3):
        put(mine, 5, f"part {number}".encode(), root=number + 1)
    put(mine, 6, b"another trace")

    assert contents(mine.take(5)) == [b"part 0", b"part 1", b"part 2"]
    assert mine.take(5) == []
    assert mine.counters().promoted == 3


def test_a_unit_that_could_not_be_sent_is_named_again_and_comes_back(recorder, monkeypatch):
    mine = recorder()
    put(mine, 5)
    mine.put_back(mine.take(5)[0])

    monkeypatch.setattr("certtrace.delivery.recorder.time.monotonic", lambda: 10_000_000.0)
    mine.maintain()

    assert mine.wanted() == [5]
    assert contents(mine.take(5)) == [b"content"]
    assert mine.counters().promoted == 1


def test_a_process_that_dies_before_it_could_send_leaves_the_unit_to_others(recorder, tmp_path):
    run_child(tmp_path, "recorder.put_aside(5, 7, UNLIKELY, 1, [content(5)]); recorder.take(5); os._exit(0)")

    assert len(recordings.find(tmp_path / "recorder", {5}).asides) == 1


def test_what_was_sent_is_found_as_promoted(recorder, tmp_path):
    mine = recorder()
    put(mine, 5)
    mine.take(5)
    mine.maintain()

    found = recordings.find(tmp_path / "recorder", {5})
    assert found.asides == []
    assert contents(found.promoted) == [b"content"]


def test_what_somebody_recalled_is_not_given_again(recorder, tmp_path):
    mine, other = recorder(), recorder()
    put(mine, 5)
    assert other.note_recalled(recordings.find(tmp_path / "recorder", {5}).asides)

    assert mine.take(5) == []


# --- bounds ----------------------------------------------------------------------------------------------------------


def test_all_processes_together_stay_within_the_budget_and_the_oldest_goes_first(recorder, tmp_path):
    several = [recorder(max_bytes=256 * KIB) for _ in range(3)]
    sizes = []
    for number in range(1, 601):
        assert put(several[number % 3], number, os.urandom(2 * KIB))
        sizes.append(folder_bytes(tmp_path / "recorder"))

    assert max(sizes) <= 256 * KIB
    assert max(sizes) > 200 * KIB
    left = {aside.trace_id for aside in recordings.find(tmp_path / "recorder", range(1, 601)).asides}
    assert 600 in left
    assert not left & set(range(1, 400))


def test_a_recording_that_is_gone_is_counted_when_it_is_asked_for(recorder):
    mine = recorder()
    put(mine, 5)
    for path in mine._root.rglob("aside-*.spl"):
        path.unlink()

    assert mine.take(5) == []
    assert mine.counters().expired == 1


def test_what_is_too_old_is_deleted_and_the_folder_of_a_dead_process_with_it(recorder, tmp_path):
    run_child(tmp_path, "recorder.put_aside(5, 7, UNLIKELY, 1, [content(5)]); os._exit(0)")
    mine = recorder(max_seconds=60)
    put(mine, 6)
    age(tmp_path / "recorder", 61)
    mine.maintain()

    assert list((tmp_path / "recorder").rglob("aside-*")) == []
    assert [path.name.split("-")[1] for path in recordings.processes(tmp_path / "recorder")] == [str(os.getpid())]
    assert mine.take(6) == []
    assert put(mine, 7)
    assert len(mine.take(7)) == 1


def test_a_segment_ends_by_time_too(recorder, monkeypatch):
    now = [1_000.0]
    monkeypatch.setattr("certtrace.delivery.tape.time.monotonic", lambda: now[0])
    mine = recorder(max_seconds=160)
    put(mine, 5)
    now[0] += 11
    put(mine, 6)

    assert len(list(mine._root.rglob("aside-*"))) == 2


def test_the_index_is_bounded_and_what_it_forgot_is_still_found_on_disk(recorder, tmp_path, monkeypatch):
    monkeypatch.setattr("certtrace.delivery.recorder_index.MAX_TRACES", 10)
    mine = recorder()
    for number in range(1, 31):
        put(mine, number)

    assert mine.counters().indexed == 10
    assert mine.take(1) == []
    assert len(recordings.find(tmp_path / "recorder", {1}).asides) == 1


def test_many_units_of_one_trace_are_bounded_in_memory(recorder):
    mine = recorder()
    for _ in range(400):
        put(mine, 5)

    assert mine.counters().indexed == 256


def test_a_recording_costs_less_than_its_content(recorder, tmp_path):
    mine = recorder()
    for number in range(1, 51):
        put(mine, number, b"an answer that repeats itself " * 100)

    assert folder_bytes(tmp_path / "recorder") < 50 * 3_000 / 5


def test_nothing_is_open_to_other_users(recorder, tmp_path):
    mine = recorder()
    put(mine, 5)
    mine.take(5)
    mine.publish(5)
    mine.close()

    for path in [*(tmp_path / "recorder").rglob("*"), tmp_path / "recorder", *(tmp_path / "signals").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_what_outlived_its_time_is_not_found_whoever_looks(recorder, tmp_path, monkeypatch):
    mine = recorder(max_seconds=60)
    put(mine, 5)
    assert len(recordings.find(tmp_path / "recorder", {5}).asides) == 1
    later = time.time_ns() + 61 * 10**9

    monkeypatch.setattr("certtrace.delivery.recordings.time.time_ns", lambda: later)
    assert recordings.find(tmp_path / "recorder", {5}).asides == []
    assert mine.take(5) == []


def test_folders_above_the_signals_are_not_open_either(recorder, tmp_path):
    mine = recorder(signals="recorder/signals")
    mine.publish(5)
    mine.close()

    for path in (tmp_path / "recorder", tmp_path / "recorder" / "signals"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_used_loses_recordings_and_says_so_once(recorder, tmp_path, caplog):
    (tmp_path / "recorder").write_text("not a folder")
    mine = recorder()

    assert [put(mine, number) for number in (1, 2, 3)] == [False] * 3
    mine.maintain()
    assert mine.take(1) == []
    assert mine.wanted() == []
    assert mine.counters().lost == 3
    assert ["flight recorder" in record.message for record in caplog.records] == [True]


def test_a_folder_deleted_meanwhile_is_made_again(recorder, tmp_path):
    import shutil

    mine = recorder()
    put(mine, 5)
    shutil.rmtree(tmp_path / "recorder")

    assert put(mine, 6)
    assert contents(mine.take(6)) == [b"content"]
    assert mine.take(5) == []


@pytest.fixture
def small_disk(tmp_path):
    mount = tmp_path / "small"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mount)], capture_output=True).returncode:
        pytest.skip("mounting a small file system is not permitted here")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


def test_on_a_full_disk_old_recordings_make_room_for_new_ones(recorder, small_disk):
    mine = recorder(root=small_disk / "recorder", max_bytes=1024 * KIB)
    for number in range(1, 401):
        put(mine, number, os.urandom(2 * KIB))
        mine._retry_at = 0.0
    mine.maintain()

    counters = mine.counters()
    assert counters.lost > 0
    assert counters.lost + counters.put_aside == 400
    assert counters.put_aside > 300
    newest = max(aside.trace_id for aside in recordings.find(small_disk / "recorder", range(401)).asides)
    assert newest > 390


def test_recordings_give_way_when_others_fill_the_disk(recorder, small_disk):
    mine = recorder(root=small_disk / "recorder", max_bytes=1024 * KIB, min_free_bytes=64 * KIB)
    for number in range(1, 61):
        assert put(mine, number, os.urandom(2 * KIB))
    (small_disk / "others").write_bytes(os.urandom(80 * KIB))
    mine._look_at = 0.0
    mine.maintain()

    facts = os.statvfs(small_disk)
    assert facts.f_bavail * facts.f_frsize >= 64 * KIB
    assert mine.counters().lost == 0


def test_recordings_give_way_to_whoever_asks(recorder, tmp_path):
    mine = recorder()
    for number in range(1, 101):
        put(mine, number, os.urandom(4 * KIB))
    before = folder_bytes(tmp_path / "recorder")
    mine.give_way(100 * KIB)

    assert before - 250 * KIB < folder_bytes(tmp_path / "recorder") <= before - 100 * KIB
    assert len(mine.take(100)) == 1


def test_a_short_write_costs_one_recording_only(tmp_path):
    found = run_child(
        tmp_path,
        """
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, resource.RLIM_INFINITY))
        done = []
        for n in range(1, 13):
            done.append(recorder.put_aside(n, 7, UNLIKELY, 1, [Payload("spans", os.urandom(1_500), f"{n:032x}")]))
            recorder._retry_at = 0.0
        print(json.dumps(done))
        """,
    )

    assert found.count(False) in (3, 4)
    left = [aside.trace_id for aside in recordings.find(tmp_path / "recorder", range(13)).asides]
    assert left == [number for number, done in enumerate(found, 1) if done]


def test_damage_costs_what_it_hit_and_nothing_else(recorder, tmp_path):
    mine = recorder()
    for number in range(1, 21):
        put(mine, number, os.urandom(400))
    (path,) = (tmp_path / "recorder").rglob("aside-*")
    data = bytearray(path.read_bytes())
    second = [head.offset for head in recordings.heads(path)][1]
    data[second + 100] ^= 1
    third = [head.offset for head in recordings.heads(path)][2]
    data[third : third + 4] = b"\0" * 4
    path.write_bytes(bytes(data[:-10]))

    left = [aside.trace_id for aside in recordings.find(tmp_path / "recorder", range(21)).asides]
    assert left == [1, *range(4, 20)]
    assert mine.take(2) == []
    assert contents(mine.take(4)) != []


def test_a_recording_of_a_later_version_is_left_alone(recorder, tmp_path, monkeypatch):
    mine = recorder()
    put(mine, 5)
    with monkeypatch.context() as later:
        later.setattr("certtrace.delivery.frames.VERSION", 9)
        put(mine, 6)

    assert [aside.trace_id for aside in recordings.find(tmp_path / "recorder", {5, 6}).asides] == [5]
    assert mine.take(6) == []


def test_a_record_that_unpacks_to_more_than_it_may_is_refused(recorder, tmp_path):
    import zlib

    from certtrace.delivery import frames
    from certtrace.delivery.frames import Record, RecordType

    mine = recorder()
    put(mine, 5)
    (path,) = (tmp_path / "recorder").rglob("aside-*")
    bomb = zlib.compress(b'{"rule":"x","counts":true,"spans":1,"parts":[]}\n' + bytes(frames.MAX_PAYLOAD_BYTES), 1)
    with path.open("ab") as file:
        file.write(frames.pack(Record(RecordType.ASIDE, 2, 6, bomb, time_ns=time.time_ns())))

    assert [aside.trace_id for aside in recordings.find(tmp_path / "recorder", {5, 6}).asides] == [5]


# --- processes -------------------------------------------------------------------------------------------------------

PRELUDE = """
import json, os, resource, sys, time
from pathlib import Path
from certtrace.delivery.recorder import Recorder
from certtrace.ports import Decision, Payload
UNLIKELY = Decision(keep=False, rule="baseline", threshold=2**55)
def content(n):
    return Payload("spans", b"from the child", f"{n:032x}")
home = Path(sys.argv[1])
recorder = Recorder(home / "recorder", home / "signals", max_bytes=1 << 20, max_seconds=600.0, min_free_bytes=0)
"""


def run_child(home: Path, code: str):
    """Run code with a recorder in a process of its own; return the JSON it prints, if any."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", PRELUDE + textwrap.dedent(code), str(home)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout) if result.stdout else None


def test_a_signal_of_another_process_names_what_is_aside_here(recorder, tmp_path):
    mine = recorder()
    put(mine, 5)
    put(mine, 6)
    run_child(tmp_path, "recorder.publish(5); recorder.publish(99); recorder.close()")

    assert until(mine.wanted) == [5]
    assert contents(mine.take(5)) == [b"content"]
    assert mine.wanted() == []


def test_a_signal_that_came_first_names_a_unit_as_soon_as_it_is_aside(recorder, tmp_path):
    run_child(tmp_path, "recorder.publish(5); recorder.close()")
    mine = recorder()
    mine.wanted()
    until(lambda: mine.is_kept(5))
    put(mine, 5)

    assert mine.wanted() == [5]


def test_a_signal_of_this_process_names_its_own_units(recorder):
    mine = recorder()
    put(mine, 5)
    mine.publish(5)
    assert mine.wanted() == [5]

    put(mine, 5, b"a later unit")
    assert mine.wanted() == [5]
    assert contents(mine.take(5)) == [b"content", b"a later unit"]


def test_a_signal_is_written_once_however_often_it_is_given(recorder, tmp_path):
    mine = recorder()
    for _ in range(50):
        mine.publish(0xABC)
    mine.publish(0xDEF)
    mine.close()

    text = "".join(path.read_text() for path in (tmp_path / "signals").iterdir())
    assert sorted(text.splitlines()) == [f"{0xABC:032x}", f"{0xDEF:032x}"]
    assert re.fullmatch(r"(?:[0-9a-f]{32}\n)*", text)


def test_what_is_no_signal_is_passed_over(recorder, tmp_path):
    folder = tmp_path / "signals"
    folder.mkdir()
    (folder / "hostile.ids").write_bytes(
        b"rm -rf /\n" + b"\xff\x00" * 40 + b"\n" + b"A" * 32 + b"\n" + b"%032x\n" % 5 + b"%032x" % 6
    )
    (folder / "link.ids").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe.ids")
    (folder / "folder.ids").mkdir()
    mine = recorder()
    put(mine, 5)
    put(mine, 6)

    assert until(mine.wanted) == [5]
    assert mine.counters().signal_failures == 0
    with (folder / "hostile.ids").open("ab") as file:
        file.write(b"\n")
    assert until(mine.wanted) == [6]


def test_old_signals_are_not_heard_and_then_deleted(recorder, tmp_path):
    folder = tmp_path / "signals"
    folder.mkdir()
    for name, seconds in (("older", 700), ("ancient", 1300), ("new", 1)):
        (folder / f"{name}.ids").write_text(f"{len(name):032x}\n")
        os.utime(folder / f"{name}.ids", (time.time() - seconds,) * 2)
    mine = recorder(max_seconds=600)
    for number in (3, 5, 7):
        put(mine, number)

    assert until(mine.wanted) == [3]
    until(lambda: sorted(path.name for path in folder.iterdir()) == ["new.ids", "older.ids"])
    assert [mine.is_kept(number) for number in (3, 5, 7)] == [True, False, False]


def test_a_group_that_may_read_the_folder_may_read_the_signals(recorder, tmp_path):
    folder = tmp_path / "signals"
    folder.mkdir()
    folder.chmod(0o770)
    mine = recorder()
    mine.publish(5)
    mine.close()

    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o640]


def test_a_folder_of_signals_that_cannot_be_used_holds_nobody_up(recorder, tmp_path, caplog):
    (tmp_path / "signals").write_text("not a folder")
    mine = recorder()
    put(mine, 5)
    begun = time.monotonic()
    mine.publish(5)
    assert mine.wanted() == [5]
    assert time.monotonic() - begun < 0.5

    until(lambda: mine.counters().signal_failures)
    assert ["keep signals" in record.message for record in caplog.records] == [True]


@pytest.fixture
def frozen_folder(tmp_path):
    """Return a folder on a file system that can be frozen: who writes to it hangs, as with a lost network folder."""
    image, folder = tmp_path / "image", tmp_path / "network"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(8 << 20)
    steps = (["mkfs.ext4", "-q", str(image)], ["mount", "-o", "loop", str(image), str(folder)])
    try:
        possible = all(subprocess.run(step, capture_output=True).returncode == 0 for step in steps)
    except FileNotFoundError:
        possible = False
    if not possible:
        pytest.skip("mounting a file system of one's own is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_folder_of_signals_that_hangs_holds_nobody_up(recorder, frozen_folder):
    mine, other = recorder(signals=frozen_folder), recorder(signals=frozen_folder)
    put(mine, 4)
    other.publish(4)
    until(mine.wanted)
    subprocess.run(["fsfreeze", "-f", str(frozen_folder)], check=True)
    try:
        begun = time.monotonic()
        mine.publish(5)
        for _ in range(20):
            assert put(mine, 5)
            mine.wanted()
            mine.maintain()
        assert time.monotonic() - begun < 0.5
        mine.close(timeout_seconds=0.3)
        assert time.monotonic() - begun < 1.5
    finally:
        subprocess.run(["fsfreeze", "-u", str(frozen_folder)], check=True)
    until(lambda: other.is_kept(5))


def test_a_signal_waits_for_a_folder_that_comes_back(recorder, tmp_path):
    (tmp_path / "signals").write_text("not a folder")
    mine, other = recorder(), recorder()
    put(other, 5)
    mine.publish(5)
    until(lambda: mine.counters().signal_failures)
    (tmp_path / "signals").unlink()

    assert until(other.wanted) == [5]


def test_what_a_dead_process_put_aside_is_promoted_by_a_living_one(recorder, tmp_path):
    run_child(
        tmp_path,
        """
        for n in (5, 6, 5):
            recorder.put_aside(n, 7, UNLIKELY, 1, [content(n)])
        recorder.put_aside(8, 7, UNLIKELY, 1, [content(8)]); recorder.take(8); recorder.maintain()
        os.kill(os.getpid(), 9) if len(sys.argv) > 2 else os._exit(0)
        """,
    )
    mine, other = recorder(), recorder()
    mine.maintain()
    other.maintain()
    for number in (5, 8):
        mine.publish(number)

    assert mine.wanted() == [5]
    assert contents(mine.take(5)) == [b"from the child"] * 2
    assert other.take(5) == []
    mine.close()
    other._adopt_at = 0.0
    other.maintain()
    assert other.take(5) == []
    assert len(other.take(6)) == 1


def test_notes_of_a_dead_process_do_not_keep_others_from_being_taken_over(recorder, tmp_path):
    first = recorder()
    put(first, 9)
    for number in (5, 6):
        run_child(tmp_path, f"recorder.put_aside({number}, 7, UNLIKELY, 1, [content({number})]); os._exit(0)")
    run_child(
        tmp_path,
        """
        from certtrace.delivery import recordings
        recorder.note_recalled(recordings.find(home / "recorder", {9}).asides)
        recorder.close()
        """,
    )
    mine = recorder()
    for _ in range(3):
        mine._adopt_at = 0.0
        mine.maintain()

    assert [len(mine.take(number)) for number in (5, 6)] == [1, 1]
    assert first.take(9) == []


def test_the_number_of_directories_taken_over_is_bounded(recorder, tmp_path, monkeypatch):
    monkeypatch.setattr("certtrace.delivery.recorder._MAX_ADOPTED", 2)
    run_child(
        tmp_path,
        """
        for n in (5, 6, 7):
            if os.fork() == 0:
                recorder.put_aside(n, 7, UNLIKELY, 1, [content(n)])
                os._exit(0)
            os.wait()
        """,
    )
    mine, other = recorder(), recorder()
    mine.maintain()
    other.maintain()

    assert [len(mine.take(number) + other.take(number)) for number in (5, 6, 7)] == [1, 1, 1]
    assert len(mine._adopted) == 2


def test_a_forked_child_has_a_recorder_of_its_own(recorder, tmp_path):
    mine = recorder()
    put(mine, 5, b"the parent's")
    mine.publish(1)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            assert mine.take(5) == []
            assert put(mine, 6, b"the child's")
            mine.publish(6)
            assert mine.wanted() == [6]
            assert contents(mine.take(6)) == [b"the child's"]
            assert mine.counters().put_aside == 1
            put(mine, 7, b"left behind")
            mine.close()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

    put(mine, 5, b"the parent's again")
    assert contents(mine.take(5)) == [b"the parent's", b"the parent's again"]
    mine.maintain()
    mine.publish(7)
    assert 7 in until(mine.wanted)
    assert contents(mine.take(7)) == [b"left behind"]


def test_a_process_killed_while_it_writes_loses_at_most_what_it_was_writing(tmp_path):
    code = textwrap.dedent("""
        n = 0
        while True:
            n += 1
            if recorder.put_aside(n, 7, UNLIKELY, 1, [Payload("spans", os.urandom(300), f"{n:032x}")]):
                os.write(1, b"%d\\n" % n)
    """)
    for round_ in range(5):
        home = tmp_path / str(round_)
        home.mkdir()
        child = subprocess.Popen([sys.executable, "-c", PRELUDE + code, str(home)], stdout=subprocess.PIPE)
        for _ in range(100 + round_ * 37):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        said = 100 + round_ * 37 + len(child.stdout.read().split())
        child.stdout.close()
        child.wait(10)

        found = {aside.trace_id for aside in recordings.find(home / "recorder", range(1, said + 2)).asides}
        assert set(range(1, said + 1)) <= found


def test_after_close_nothing_is_set_aside_and_everything_can_be_recalled(recorder, tmp_path):
    mine = recorder()
    put(mine, 5)
    mine.close()

    assert not put(mine, 6)
    assert [aside.trace_id for aside in recordings.find(tmp_path / "recorder", {5, 6}).asides] == [5]


# --- the stamp -------------------------------------------------------------------------------------------------------


def spans_of(data):
    return [span for scope in ResourceSpans.FromString(data).scope_spans for span in scope.spans]


def stamped(state):
    unit = ResourceSpans()
    for scope in ("langfuse-sdk-certtrace", "httpx"):
        spans = unit.scope_spans.add()
        spans.scope.name = scope
        span = spans.spans.add(name=scope, trace_id=b"t" * 16, span_id=b"s" * 8, trace_state=state)
        span.attributes.add(key="other").value.string_value = "stays"
    span.attributes.add(key=semconv.metadata(semconv.SAMPLING)).value.string_value = '{"rule":"x","th":"8","late":true}'
    return unit.SerializeToString()


@pytest.mark.parametrize(
    ("threshold", "state", "stamp"),
    [
        (None, "ot=rv:0123456789abcd,vendor=x", {"rule": "promoted"}),
        (2**55, "ot=th:8;rv:0123456789abcd,vendor=x", {"rule": "promoted", "th": "8"}),
        (0, "ot=th:0;rv:0123456789abcd,vendor=x", {"rule": "promoted", "th": "0"}),
    ],
)
def test_a_promoted_unit_says_so_and_keeps_everything_else(threshold, state, stamp):
    data = restamp(stamped("vendor=x,ot=rv:0123456789abcd;th:4"), "promoted", threshold)

    for span in spans_of(data):
        assert span.trace_state == state
        told = {attribute.key: attribute.value.string_value for attribute in span.attributes}
        assert told.pop("other") == "stays"
        late = {"late": True} if span.name == "httpx" else {}
        assert json.loads(told.pop(semconv.metadata(semconv.SAMPLING))) == {**stamp, **late}
        assert told == {}


def test_a_tracestate_with_nothing_but_the_threshold_is_gone():
    assert {span.trace_state for span in spans_of(restamp(stamped("ot=th:8"), "promoted"))} == {""}


def test_what_is_no_unit_is_refused_without_quoting_it():
    with pytest.raises(ValueError, match=r"unit of 9 bytes") as raised:
        restamp(b"\xffpersonal", "promoted")
    assert "personal" not in str(raised.value)


def test_parents_are_read_from_an_encoded_unit(unit):
    assert kinships(unit("root", 9).data) == [(9, 0)]
