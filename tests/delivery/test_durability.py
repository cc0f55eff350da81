"""What is forced to the disk, and when; what is left after the power failed; and disks that fail at it.

A loop device is a disk whose content can be copied at any moment: the copy is what a machine without power would find.
"""

import logging
import os
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from certtrace.delivery.spool import Spool
from certtrace.ports import RULES

ERROR = RULES.index("error")
GROUP_SECONDS = 0.2
SLACK_SECONDS = 1.0
"""For a machine that is busy with other tests; the figure itself is checked by what was synced, not by the clock."""


def run(*command: object) -> bool:
    return subprocess.run([str(part) for part in command], capture_output=True).returncode == 0


@contextmanager
def mounted(image: Path, point: Path, *options: str):
    point.mkdir()
    if not run("mount", "-o", ",".join(["loop", *options]), image, point):
        pytest.skip("mounting a loop device is not permitted here")
    try:
        yield point
    finally:
        run("umount", "-l", point)


@pytest.fixture
def disk(tmp_path):
    """Return an ext4 disk that nothing is written to but by a sync: its own timer is far away."""
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(48 << 20)
    if not run("mkfs.ext4", "-q", image):
        pytest.skip("there is no mkfs.ext4 here")
    with mounted(image, tmp_path / "disk", "commit=300"):
        yield image


def lose_power(image: Path, tmp_path: Path) -> Path:
    copy = tmp_path / f"after-{time.monotonic_ns()}.img"
    run("cp", "--sparse=always", image, copy)
    return copy


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def is_behind(spool) -> bool:
    return spool._output._durability._is_behind()


def recovered(image: Path, tmp_path: Path, drain, damaged: int = 0) -> tuple[list[str], Spool]:
    with mounted(image, tmp_path / f"again-{time.monotonic_ns()}") as point:
        spool = Spool(point / "spool")
        spool.owe(["store"])
        spool.maintain()
        found = drain(spool)
        counters = spool.counters()
        spool.close()
        assert counters.corrupt + counters.torn <= damaged
        return found, spool


@pytest.mark.parametrize("fsync", ["group", "always"])
def test_what_was_forced_to_the_disk_survives_the_loss_of_power(disk, tmp_path, write, drain, fsync):
    spool = Spool(tmp_path / "disk" / "spool", fsync=fsync, min_free_bytes=0)
    spool.owe(["store"])
    for number in range(1, 51):
        write(spool, f"unit{number}", number, pad=500)
    spool.accept(51, 51, 1_000, 2_000)
    if fsync == "group":
        wait_until(lambda: not is_behind(spool))
    copy = lose_power(disk, tmp_path)
    found, _ = recovered(copy, tmp_path, drain)

    assert found == [*(f"unit{n}" for n in range(1, 51)), "content lost"]
    spool.close()


def test_without_forcing_the_loss_of_power_costs_what_the_process_survives(disk, tmp_path, write, drain):
    spool = Spool(tmp_path / "disk" / "spool", fsync="process", min_free_bytes=0)
    spool.owe(["store"])
    for number in range(1, 51):
        write(spool, f"unit{number}", number)
    copy = lose_power(disk, tmp_path)
    found, _ = recovered(copy, tmp_path, drain)

    assert found == []
    assert len(drain(spool)) == 50
    spool.close()


def test_power_lost_at_any_moment_leaves_files_that_can_be_read(disk, tmp_path, write, drain):
    spool = Spool(tmp_path / "disk" / "spool", min_free_bytes=0, segment_bytes=40_000)
    spool.owe(["store"])
    stop = threading.Event()
    written = []

    def busy():
        while not stop.is_set() and len(written) < 4_000:
            write(spool, f"unit{len(written) + 1}", len(written) + 1, pad=300)
            written.append(time.monotonic())

    thread = threading.Thread(target=busy)
    thread.start()
    copies = []
    try:
        for _ in range(3):
            seen = len(written)
            wait_until(lambda seen=seen: len(written) > seen + 50 or not thread.is_alive())
            before = time.monotonic()
            copies.append((lose_power(disk, tmp_path), before))
    finally:
        stop.set()
        thread.join()
    spool.close()
    for copy, moment in copies:
        # At most the ends of the files that were being written, which the disk may have got in part or as zeros.
        found, _ = recovered(copy, tmp_path, drain, damaged=4)
        numbers = {int(name.removeprefix("unit")) for name in found if name.startswith("unit")}
        window = GROUP_SECONDS + SLACK_SECONDS
        old_enough = sum(at < moment - window for at in written)
        assert set(range(1, old_enough + 1)) <= numbers, (old_enough, len(numbers))


def test_under_traffic_nothing_waits_longer_than_the_window(tmp_path, write, monkeypatch):
    spool = Spool(tmp_path / "spool")
    spool.owe(["store"])
    synced = []
    real = os.fdatasync
    monkeypatch.setattr(
        os, "fdatasync", lambda fd: synced.append((time.monotonic(), threading.current_thread())) or real(fd)
    )
    started = time.monotonic()
    while time.monotonic() - started < 1.0:
        write(spool, "unit")
    wait_until(lambda: not is_behind(spool))

    moments = [at for at, _ in synced]
    assert len({round(at, 1) for at in moments}) >= 3
    assert {thread.name for _, thread in synced} == {"certtrace-sync"}
    spool.close()


def test_skeletons_alone_are_forced_too_while_no_content_comes(tmp_path):
    spool = Spool(tmp_path / "spool")
    spool.accept(1, 1, 1, 2)
    wait_until(lambda: not is_behind(spool))
    spool.accept(2, 2, 1, 2)
    assert is_behind(spool) or spool._journal.watched
    wait_until(lambda: not is_behind(spool))
    spool.close()


def test_a_mebibyte_is_forced_at_once(tmp_path, write, monkeypatch):
    from certtrace.delivery import syncing

    monkeypatch.setattr(syncing, "GROUP_SECONDS", 3600.0)
    spool = Spool(tmp_path / "spool")
    spool.owe(["store"])
    for number in range(1, 5):
        write(spool, "unit", number, pad=400_000)
    wait_until(lambda: spool._output._writer._file.synced > 1 << 20)
    spool.close()


def test_an_idle_process_sleeps(tmp_path, write, monkeypatch):
    others = set(threading.enumerate())
    spool = Spool(tmp_path / "spool")
    spool.owe(["store"])
    write(spool, "unit")
    wait_until(lambda: spool._journal.watched)
    thread = next(t for t in threading.enumerate() if t.name == "certtrace-sync" and t not in others)
    clock = time.pthread_getcpuclockid(thread.ident)

    def sleeps():
        before = time.clock_gettime_ns(clock)
        threading.Event().wait(0.5)
        return time.clock_gettime_ns(clock) == before

    wait_until(sleeps)
    spool.close()
    thread.join(10)
    assert not thread.is_alive()


def test_the_policy_process_starts_no_thread_and_forces_nothing(tmp_path, write, monkeypatch):
    calls = []
    monkeypatch.setattr(os, "fdatasync", calls.append)
    before = threading.active_count()
    spool = Spool(tmp_path / "spool", fsync="process")
    spool.owe(["store"])
    write(spool, "unit")
    spool.maintain()
    spool.close()

    assert threading.active_count() == before
    assert calls == []


def test_always_is_on_the_disk_when_accept_returns(tmp_path, write):
    spool = Spool(tmp_path / "spool", fsync="always")
    spool.owe(["store"])
    for number in range(1, 6):
        assert spool.accept(number, number, 1, 2) > 0
        assert not is_behind(spool)
    write(spool, "unit", 9)
    assert not is_behind(spool)
    spool.close()


@pytest.fixture
def failing_disk(tmp_path):
    """Return a disk that gives EIO at a sync: its blocks are on a file system that is full."""
    host = tmp_path / "host"
    host.mkdir()
    if not run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", host):
        pytest.skip("mounting a small file system is not permitted here")
    try:
        image = host / "disk.img"
        with image.open("wb") as file:
            file.truncate(32 << 20)
        if not run("mkfs.ext4", "-q", "-E", "lazy_itable_init=1,nodiscard", "-O", "^has_journal", image):
            pytest.skip("there is no mkfs.ext4 here")
        with mounted(image, tmp_path / "failing", "errors=continue") as point:
            yield point, host
    finally:
        run("umount", "-l", host)


@pytest.mark.parametrize("fsync", ["group", "always"])
def test_a_real_input_output_error_at_a_sync_is_counted_and_nothing_is_lost(failing_disk, drain, write, fsync, caplog):
    point, host = failing_disk
    spool = Spool(point / "spool", fsync=fsync, min_free_bytes=0)
    spool.owe(["store"])
    write(spool, "before", 1)
    assert spool.sync()
    ballast = (host / "ballast").open("wb", buffering=0)
    with ballast, pytest.raises(OSError, match="space"):
        while True:
            ballast.write(b"x" * 65_536)
    with caplog.at_level(logging.WARNING):
        for number in range(2, 30):
            write(spool, f"unit{number}", number, pad=50_000)
        # What a failed sync left in doubt goes to new files, which fail as well.
        spool.sync()
        run("sync", "-f", point)

    counters = spool.counters()
    assert counters.sync_errors >= 1
    assert counters.lost == 0
    assert sorted(drain(spool)) == sorted(["before", *(f"unit{n}" for n in range(2, 30))])
    (host / "ballast").unlink()
    spool.close()


def failing_fdatasync(monkeypatch, times: int) -> list[int]:
    failed = []
    real = os.fdatasync

    def fdatasync(fd: int) -> None:
        if len(failed) < times:
            failed.append(os.fstat(fd).st_ino)
            raise OSError(5, "Input/output error")
        assert os.fstat(fd).st_ino not in failed, "a failed file was synced again"
        real(fd)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    return failed


def test_after_a_failed_sync_the_rest_is_written_anew_and_the_file_never_synced_again(
    tmp_path, write, drain, monkeypatch
):
    spool = Spool(tmp_path / "spool", fsync="always")
    spool.owe(["store"])
    write(spool, "safe", 1)
    content = spool._output._writer.segment
    sequences = [spool.accept(n, n, 1, 2, rule=ERROR) for n in (2, 3)]
    failing_fdatasync(monkeypatch, 1)
    write(spool, "doubtful", 4)
    write(spool, "after", 5)

    assert spool.counters().sync_errors == 1
    assert not spool.is_degraded
    assert spool._output._writer.segment >= content
    assert spool.pending("store").units == 3
    assert drain(spool) == ["safe", "doubtful", "after"]
    assert spool.pending("store").units == 0
    assert all(sequences)
    spool.close()


def test_content_in_doubt_moves_to_a_new_segment_and_is_read_once(tmp_path, write, drain, monkeypatch):
    spool = Spool(tmp_path / "spool", fsync="process")
    spool.owe(["store"])
    for number in range(1, 6):
        write(spool, f"unit{number}", number)
    output = spool._output
    source = spool.sources("store")[0]
    first = source.read("store", 1 << 20, 3)
    file = output._writer._file
    with output._lock:
        output._durability._failed(file, OSError(5, "Input/output error"))
    source.ack("store", first)
    mark = spool.mark()

    assert output._writer.segment == 2
    assert spool.pending("store").units == 2
    assert not spool.reached("store", mark)
    assert drain(spool) == ["unit4", "unit5"]
    assert spool.reached("store", mark)
    spool.close()
    assert list(spool.root.iterdir()) == []


def test_skeletons_in_doubt_are_written_anew_and_found_once(tmp_path, drain):
    root = tmp_path / "spool"
    spool = Spool(root, fsync="group")
    spool.owe(["store"])
    for number in range(1, 4):
        spool.accept(number, number, 1, 2)
    output = spool._output
    with output._lock:
        output._durability._failed(output._journals._present, OSError(5, "Input/output error"))
    spool.accept(4, 4, 1, 2)
    assert len(list(spool.path.glob("skeletons-*"))) == 2
    spool.close()

    second = Spool(root)
    second.owe(["store"])
    second.maintain()
    assert drain(second) == ["content lost"] * 4
    assert second.counters().content_lost == 4
    second.close()


def test_a_disk_that_hangs_at_a_sync_blocks_no_caller_and_not_the_end(tmp_path, write, monkeypatch):
    spool = Spool(tmp_path / "spool")
    spool.owe(["store"])
    released, hanging = threading.Event(), threading.Event()

    def hang(_fd: int) -> None:
        hanging.set()
        released.wait(20)

    monkeypatch.setattr(os, "fdatasync", hang)
    write(spool, "first")
    assert hanging.wait(5)
    started = time.monotonic()
    for number in range(2, 200):
        write(spool, "unit", number)
    spool.maintain()
    assert time.monotonic() - started < 2
    spool.close()
    assert time.monotonic() - started < 5
    released.set()
