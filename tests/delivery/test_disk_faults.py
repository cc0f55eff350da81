"""Disks that refuse: the spool goes to memory, counts it, and comes back by itself."""

import json
import logging
import os
import subprocess
import sys
import textwrap

import pytest

from certtrace.delivery.spool import Spool
from certtrace.ports import Payload


def run(code: str, *arguments: object) -> dict[str, object]:
    """Run code in a process of its own, as a limit cannot be taken back; return the JSON it prints."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


PRELUDE = """
    import json, os, resource, sys
    from pathlib import Path
    from certtrace.delivery.spool import Spool
    from certtrace.delivery.otlp import encode_unit
    from certtrace.ports import Payload, SpanRecord
    def unit(n, pad=2_000):
        span = SpanRecord(n, n, 0, f"unit{n}", 1, 1_000, 2_000, 0, "", {"pad": "x" * pad})
        return Payload("spans", encode_unit([span], {}), f"{n:032x}")
    def drain(spool):
        found = []
        for source in spool.sources("store"):
            while batch := source.read("store", 1 << 20, 100):
                found += [int(item.payload.trace_id, 16) for item in batch]
                source.ack("store", batch)
        return found
    spool = Spool(Path(sys.argv[1]), memory_bytes=1 << 20)
    spool.owe(["store"])
"""


def test_a_short_write_is_cut_off_and_memory_takes_over(tmp_path):
    found = run(
        PRELUDE
        + """
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, resource.RLIM_INFINITY))
    for n in range(1, 11):
        spool.content(spool.accept(n, n, 1, 2), unit(n))
    degraded = spool.is_degraded
    segment = next(spool.path.glob("content-*"))
    size = segment.stat().st_size
    order = drain(spool)
    counters = spool.counters()
    print(json.dumps([degraded, size, order, counters.spooled, counters.degraded, counters.torn, counters.lost]))
    """,
        tmp_path / "spool",
    )
    degraded, size, order, spooled, in_memory, torn, lost = found

    assert degraded
    assert size < 5_000
    assert sorted(order) == list(range(1, 11))
    assert spooled == 2
    assert in_memory >= 8
    assert (torn, lost) == (0, 0)


def test_memory_moves_to_disk_when_the_disk_takes_again(tmp_path):
    found = run(
        PRELUDE
        + """
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, resource.RLIM_INFINITY))
    for n in range(1, 6):
        spool.content(spool.accept(n, n, 1, 2), unit(n))
    assert spool.is_degraded
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    spool._output._probe_at = 0.0
    spool.maintain()
    degraded, spooled = spool.is_degraded, spool.counters().spooled
    # What is on disk survives this process: the directory is adopted by the next one.
    spool.close()
    second = Spool(Path(sys.argv[1]))
    second.owe(["store"])
    second.maintain()
    print(json.dumps([degraded, spooled, drain(second), second.counters().content_lost]))
    """,
        tmp_path / "spool",
    )

    assert found == [False, 5, [1, 2, 3, 4, 5], 0]


def test_a_flush_waits_for_what_moved_from_memory_to_disk(tmp_path):
    found = run(
        PRELUDE
        + """
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, resource.RLIM_INFINITY))
    for n in range(1, 6):
        spool.content(spool.accept(n, n, 1, 2), unit(n))
    mark = spool.mark()
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    spool._output._probe_at = 0.0
    spool.maintain()
    source = spool.sources("store")[0]
    first = source.read("store", 1, 1)
    source.ack("store", first)
    before = spool.reached("store", mark)
    drain(spool)
    print(json.dumps([before, spool.reached("store", mark)]))
    """,
        tmp_path / "spool",
    )

    assert found == [False, True]


def test_the_skeleton_journal_survives_a_short_write(tmp_path):
    found = run(
        PRELUDE
        + """
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, resource.RLIM_INFINITY))
    first = [spool.accept(n, n, 1, 2) for n in range(1, 31)]
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    spool._output._probe_at = 0.0
    later = [spool.accept(n, n, 1, 2) for n in range(31, 41)]
    counters = spool.counters()
    spool._output._directory.release()
    second = Spool(Path(sys.argv[1]))
    second.owe(["store"])
    second.maintain()
    print(json.dumps([len({*first, *later}), counters.degraded, drain(second), second.counters().torn]))
    """,
        tmp_path / "spool",
    )
    unique, degraded, recovered, torn = found

    assert unique == 40
    assert len(recovered) == 40 - degraded
    assert recovered[-10:] == list(range(31, 41))
    assert torn == 1


def test_memory_is_bounded_and_what_does_not_fit_is_counted_as_lost(tmp_path):
    found = run(
        PRELUDE
        + """
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, resource.RLIM_INFINITY))
    taken = [spool.content(spool.accept(n, n, 1, 2), unit(n, 200_000)) for n in range(1, 11)]
    print(json.dumps([taken, spool.counters().lost, sorted(drain(spool))]))
    """,
        tmp_path / "spool",
    )

    assert found == [[True] * 5 + [False] * 5, 5, [1, 2, 3, 4, 5]]


def test_a_root_that_becomes_read_only_degrades_and_recovers(tmp_path, write, drain):
    if os.geteuid() == 0:
        pytest.skip("root writes to read-only folders; the deleted root below stands in for it")
    root = tmp_path / "spool"
    spool = Spool(root)
    spool.owe(["store"])
    spool._output._directory.path.chmod(0o500)
    spool._output._writer.close()
    write(spool, "in memory")
    assert spool.is_degraded
    assert drain(spool) == ["in memory"]
    spool._output._directory.path.chmod(0o700)
    spool.close()


def test_a_full_file_system_degrades_and_recovers(tmp_path, write, drain):
    mount = tmp_path / "small"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mount)], capture_output=True).returncode:
        pytest.skip("mounting a small file system is not permitted here")
    try:
        spool = Spool(mount / "spool", min_free_bytes=0)
        spool.owe(["store"])
        for number in range(1, 61):
            write(spool, f"unit{number}", number, pad=10_000)
        assert spool.is_degraded
        assert spool.counters().degraded > 0
        assert sorted(drain(spool)) == sorted(f"unit{n}" for n in range(1, 61))

        for stale in spool.path.glob("content-*"):
            os.truncate(stale, 0)
        spool._output._probe_at = 0.0
        spool._output._writer.close()
        write(spool, "after", 99)
        assert not spool.is_degraded
        assert drain(spool) == ["after"]
        spool.close()
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def test_no_root_to_write_to_degrades_without_an_exception(tmp_path, write, drain, caplog):
    root = tmp_path / "spool"
    spool = Spool(root)
    spool.owe(["store"])
    import shutil

    shutil.rmtree(root)
    root.write_text("a file where the folder was")
    with caplog.at_level(logging.WARNING):
        spool.maintain()
        for number in range(1, 6):
            write(spool, f"unit{number}", number)
    assert spool.is_degraded
    assert [record.levelname for record in caplog.records].count("WARNING") == 2
    assert drain(spool) == [f"unit{n}" for n in range(1, 6)]

    root.unlink()
    spool._output._probe_at = 0.0
    write(spool, "back", 9)
    assert not spool.is_degraded
    assert drain(spool) == ["back"]
    spool.close()


def test_what_is_left_in_memory_at_closing_goes_to_disk_if_it_can(tmp_path):
    found = run(
        PRELUDE
        + """
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, resource.RLIM_INFINITY))
    for n in range(1, 6):
        spool.content(spool.accept(n, n, 1, 2), unit(n))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    spool.close()
    second = Spool(Path(sys.argv[1]))
    second.owe(["store"])
    second.maintain()
    print(json.dumps(drain(second)))
    """,
        tmp_path / "spool",
    )

    assert found == [1, 2, 3, 4, 5]


def test_a_failed_sync_abandons_the_segment_and_keeps_writing(tmp_path, write, drain, monkeypatch):
    spool = Spool(tmp_path / "spool")
    spool.owe(["store"])
    write(spool, "before")

    def fail(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        spool.maintain()
    assert spool.is_degraded
    spool._output._probe_at = 0.0
    write(spool, "after")
    assert len(list(spool.path.glob("content-*"))) == 2
    assert drain(spool) == ["before", "after"]
    spool.close()


def test_an_unknown_kind_of_payload_is_counted_and_does_not_raise(tmp_path):
    spool = Spool(tmp_path / "spool")

    assert spool.content(0, Payload("other", b"x", "")) is False
    assert spool.content(0, Payload("spans", b"x", "not hex")) is False
    assert spool.counters().lost == 2
    spool.close()
