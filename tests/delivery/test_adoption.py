"""Processes that die: their directories are adopted by exactly one other, and nothing they accepted vanishes."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import zlib

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from certtrace import semconv
from certtrace.delivery import frames
from certtrace.delivery.adoption import threshold_hex
from certtrace.delivery.directory import ProcessDirectory
from certtrace.delivery.spool import Spool


@pytest.fixture
def root(tmp_path):
    return tmp_path / "spool"


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], capture_output=True, text=True, timeout=30
    )


CRASH = """
    import os, sys, signal
    from pathlib import Path
    from certtrace.delivery.spool import Spool
    from certtrace.delivery.otlp import encode_unit
    from certtrace.ports import Payload, SpanRecord
    spool = Spool(Path(sys.argv[1]), resource={"service.name": "grader"})
    spool.owe(sys.argv[2].split(","))
    for n in range(1, int(sys.argv[3]) + 1):
        sequence = spool.accept(n, n, 1_000, 2_000, 2, 4, 0, 2**55, 3)
        if n % 2:
            span = SpanRecord(n, n, 0, f"unit{n}", 1, 1_000, 2_000, 0, "", {})
            spool.content(sequence, Payload("spans", encode_unit([span], {}), f"{n:032x}"))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def payloads(spool, destination="store"):
    found = []
    for source in spool.sources(destination):
        while batch := source.read(destination, 1 << 20, 100):
            found += [item.payload for item in batch]
            source.ack(destination, batch)
    return found


def test_a_skeleton_without_content_is_sent_on_as_such(root):
    assert run(CRASH, root, "store", 4).returncode == -signal.SIGKILL
    spool = Spool(root)
    spool.owe(["store"])
    spool.maintain()

    assert spool.counters().content_lost == 2
    units = [ResourceSpans.FromString(payload.data) for payload in payloads(spool)]
    spans = {unit.scope_spans[0].spans[0].name: unit for unit in units}
    assert sorted(spans) == ["content lost", "unit1", "unit3"]
    lost = [u for u in units if u.scope_spans[0].spans[0].name == "content lost"]
    assert sorted(int.from_bytes(u.scope_spans[0].spans[0].trace_id, "big") for u in lost) == [2, 4]
    span = lost[0].scope_spans[0].spans[0]
    assert lost[0].resource.attributes[0].value.string_value == "grader"
    assert (span.start_time_unix_nano, span.end_time_unix_nano, span.status.code) == (1_000, 2_000, 2)
    assert span.trace_state == "ot=th:8"
    values = {pair.key: pair.value.string_value for pair in span.attributes}
    assert values[semconv.metadata(semconv.CONTENT_LOST)] == '"crash"'
    assert json.loads(values[semconv.metadata(semconv.SAMPLING)]) == {"rule": "low_confidence", "th": "8", "spans": 4}
    spool.close()
    assert list(root.iterdir()) == []


def test_the_directory_of_a_living_process_is_left_alone(root, write):
    code = """
        import sys
        from pathlib import Path
        from certtrace.delivery.spool import Spool
        spool = Spool(Path(sys.argv[1]))
        spool.accept(1, 1, 1, 2)
        print("ready", flush=True)
        sys.stdin.read()
    """
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout.readline() == "ready\n"
    spool = Spool(root)
    spool.owe(["store"])
    spool.maintain()
    assert spool.counters().content_lost == 0

    owner.kill()
    owner.communicate()
    spool._adopt_at = 0.0
    spool.maintain()
    assert spool.counters().content_lost == 1
    spool.close()


def test_two_spools_in_one_process_do_not_adopt_each_other(root, write, drain):
    first, second = Spool(root), Spool(root)
    for spool in (first, second):
        spool.owe(["store"])
    write(first, "a")
    second.maintain()

    assert drain(second) == []
    assert drain(first) == ["a"]
    first.close()
    second.close()


def test_exactly_one_of_two_processes_adopts(root):
    run(CRASH, root, "store", 4)
    code = """
        import sys
        from pathlib import Path
        from certtrace.delivery.spool import Spool
        spool = Spool(Path(sys.argv[1]))
        spool.owe(["store"])
        print("ready", flush=True)
        sys.stdin.readline()
        spool.maintain()
        print(spool.pending("store").units, flush=True)
        sys.stdin.read()
    """
    adopters = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for adopter in adopters:
        assert adopter.stdout.readline() == "ready\n"
    for adopter in adopters:
        adopter.stdin.write("go\n")
        adopter.stdin.flush()
    found = [int(adopter.stdout.readline()) for adopter in adopters]
    for adopter in adopters:
        adopter.communicate()

    assert sorted(found) == [0, 0, 4]


def test_an_adopter_without_the_destination_leaves_what_is_owed_to_it(root):
    run(CRASH, root, "store,langfuse", 4)
    first = Spool(root)
    first.owe(["store"])
    first.maintain()
    assert len(payloads(first)) == 4
    first.maintain()
    first.close()

    second = Spool(root)
    second.owe(["store", "langfuse"])
    second.maintain()
    assert payloads(second, "store") == []
    assert len(payloads(second, "langfuse")) == 4
    second.close()
    assert list(root.iterdir()) == []


def test_a_crash_after_adoption_does_not_report_lost_content_twice(root):
    run(CRASH, root, "store", 6)
    for _ in range(2):
        again = """
            import os, sys, signal
            from pathlib import Path
            from certtrace.delivery.spool import Spool
            spool = Spool(Path(sys.argv[1]))
            spool.owe(["store"])
            spool.maintain()
            source = spool.sources("store")[-1]
            source.ack("store", source.read("store", 1 << 20, 1))
            os.kill(os.getpid(), signal.SIGKILL)
        """
        assert run(again, root).returncode == -signal.SIGKILL
    spool = Spool(root)
    spool.owe(["store"])
    spool.maintain()

    assert spool.counters().content_lost == 0
    assert len(payloads(spool)) == 4
    spool.close()


def test_settled_content_that_was_delivered_and_deleted_is_not_lost(root, write, drain):
    spool = Spool(root, segment_bytes=4_000)
    spool.owe(["store"])
    for number in range(1, 20):
        write(spool, f"unit{number}", number, pad=1_000)
    drain(spool)
    assert len(list(spool.path.glob("content-*"))) == 1
    directory = spool._output._directory
    directory.release()

    second = Spool(root)
    second.owe(["store"])
    second.maintain()
    assert second.counters().content_lost == 0
    assert drain(second) == []
    second.close()


def abandon(root, write, units=3, **options):
    """Leave a directory behind as a killed process does."""
    spool = Spool(root, **options)
    spool.owe(["store"])
    for number in range(1, units + 1):
        write(spool, f"unit{number}", number, pad=500)
    path = spool.path
    spool._output._directory.release()
    return path


def adopt(root):
    spool = Spool(root)
    spool.owe(["store"])
    spool.maintain()
    return spool


def test_a_torn_tail_is_cut_and_its_unit_reported_as_lost(root, write, drain):
    segment = next(abandon(root, write).glob("content-*"))
    os.truncate(segment, segment.stat().st_size - 10)
    spool = adopt(root)

    assert drain(spool) == ["unit1", "unit2", "content lost"]
    assert (spool.counters().torn, spool.counters().content_lost) == (1, 1)
    spool.close()


def test_a_corrupt_record_is_skipped_counted_and_reported_as_lost(root, write, drain):
    segment = next(abandon(root, write).glob("content-*"))
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0x40
    segment.write_bytes(data)
    spool = adopt(root)

    assert drain(spool) == ["unit1", "unit3", "content lost"]
    assert spool.counters().corrupt == 1
    assert spool.pending("store").units == 0
    spool.close()
    assert list(root.iterdir()) == []


def test_a_segment_of_a_later_version_is_left_untouched(root, write, drain):
    path = abandon(root, write)
    head = frames.FILE_HEADER.pack(frames.FILE_MAGIC, 2, 0, 0)[:-4]
    later = path / "content-00000002.spl"
    later.write_bytes(head + frames.CRC.pack(zlib.crc32(head)) + b"from the future")
    before = later.read_bytes()
    spool = adopt(root)

    assert drain(spool) == ["unit1", "unit2", "unit3"]
    spool.maintain()
    spool.close()
    assert later.read_bytes() == before
    assert spool.counters().unknown == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: (path / "manifest.json").write_bytes(b"\xff{"),
        lambda path: (path / "manifest.json").unlink(),
        lambda path: (path / "cursor-store.json").write_text('{"segment": "x"}'),
        lambda path: (path / "settled.json").write_text("[1]"),
        lambda path: (path / "content-zzz.spl").write_text("stray"),
        lambda path: (path / "content-00000007.spl").write_bytes(b""),
        lambda path: next(path.glob("skeletons-*")).write_bytes(b"\0" * 100),
    ],
)
def test_damaged_small_files_cost_no_content(root, write, drain, damage):
    damage(abandon(root, write))
    spool = adopt(root)

    assert drain(spool)[:3] == ["unit1", "unit2", "unit3"]
    spool.close()


def test_a_directory_that_cannot_be_read_does_not_stop_the_others(root, write, drain):
    broken = abandon(root, write)
    segment = next(broken.glob("content-*"))
    segment.unlink()
    segment.symlink_to("/etc/passwd")
    abandon(root, write, units=2)
    spool = adopt(root)

    assert drain(spool) == ["unit1", "unit2"]
    spool.close()
    assert broken.exists()


def test_an_adoption_that_a_full_disk_stopped_is_tried_again(root, write, drain, monkeypatch):
    from certtrace.delivery import content

    path = abandon(root, write, units=1)
    segment = next(path.glob("content-*"))
    os.truncate(segment, segment.stat().st_size - 10)

    def full(_handle, _data):
        raise OSError(28, "No space left on device")

    spool = Spool(root)
    spool.owe(["store"])
    with monkeypatch.context() as patch:
        patch.setattr(content, "write_whole", full)
        spool.maintain()
    assert drain(spool) == []
    spool._adopt_at = 0.0
    spool.maintain()
    assert drain(spool) == ["content lost"]
    spool.close()


def test_a_lock_can_be_taken_once(root, write):
    path = abandon(root, write)
    first = ProcessDirectory.adopt(path)

    assert first is not None
    assert ProcessDirectory.adopt(path) is None
    first.release()
    again = ProcessDirectory.adopt(path)
    assert again is not None
    again.remove()


KILLED = """
    import sys, threading
    from pathlib import Path
    from certtrace.delivery.spool import Spool
    from certtrace.delivery.otlp import encode_unit
    from certtrace.ports import Payload, SpanRecord
    spool = Spool(Path(sys.argv[1]), segment_bytes=20_000)
    spool.owe(["store"])
    def drainer():
        source = spool.sources("store")[0]
        while True:
            batch = source.read("store", 1 << 20, 7)
            if batch:
                names = [str(int(item.payload.trace_id, 16)) for item in batch]
                sys.stdout.write("D " + " ".join(names) + "\\n")
                sys.stdout.flush()
                source.ack("store", batch)
            spool.maintain()
    threading.Thread(target=drainer, daemon=True).start()
    n = 0
    while True:
        n += 1
        sequence = spool.accept(n, n, 1_000, 2_000)
        sys.stdout.write(f"A {n}\\n")
        sys.stdout.flush()
        span = SpanRecord(n, n, 0, f"unit{n}", 1, 1_000, 2_000, 0, "", {"pad": "x" * (n % 7) * 300})
        spool.content(sequence, Payload("spans", encode_unit([span], {}), f"{n:032x}"))
"""


@pytest.mark.parametrize("kills", [5, pytest.param(40, marks=pytest.mark.slow)])
def test_nothing_accepted_is_missing_after_kills(tmp_path, kills):
    accepted = 0
    for attempt in range(kills):
        root = tmp_path / f"spool{attempt}"
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(KILLED), str(root)], stdout=subprocess.PIPE, text=True
        )
        # The point of the kill moves with the attempt: by output lines, not by time.
        lines = [child.stdout.readline() for _ in range(20 + attempt * 400 // kills)]
        child.kill()
        lines += child.communicate()[0].splitlines(keepends=True)
        whole = [line.split() for line in lines if line.endswith("\n")]
        known = {int(parts[1]) for parts in whole if parts[0] == "A"}
        delivered = {int(number) for parts in whole if parts[0] == "D" for number in parts[1:]}

        spool = Spool(root)
        spool.owe(["store"])
        spool.maintain()
        recovered = {int(payload.trace_id, 16) for payload in payloads(spool)}
        missing = known - delivered - recovered
        assert not missing, f"attempt {attempt}: {sorted(missing)[:5]}"
        assert spool.counters().torn <= 2
        spool.close()
        assert list(root.iterdir()) == []
        accepted += len(known)
    assert accepted > kills * 20


@pytest.mark.parametrize(
    ("threshold", "text"), [(0, "0"), (2**55, "8"), (2**56 - 1, "ffffffffffffff"), (2**60, "ffffffffffffff")]
)
def test_a_threshold_becomes_a_tracestate(threshold, text):
    assert threshold_hex(threshold) == text
