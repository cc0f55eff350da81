"""Receiver down, disk full and a storm of errors at once; and file systems that are no place for a spool."""

import errno
import fcntl
import logging
import subprocess
import time

import pytest

from certtrace.delivery.directory import ProcessDirectory
from certtrace.delivery.sender import Delivery
from certtrace.delivery.spool import Spool
from certtrace.delivery.volume import complaint_about, file_system_of
from certtrace.ports import RULES, DeliveryError, Payload

ERROR, BASELINE = RULES.index("error"), RULES.index("baseline")


class Down:
    name = "store"

    def __init__(self) -> None:
        self.is_up = False
        self.taken: list[str] = []

    def deliver(self, batch, deadline) -> None:
        if not self.is_up:
            raise DeliveryError("No answer.")
        self.taken += [payload.trace_id for payload in batch]

    def close(self) -> None:
        pass


def offer(spool, number: int, rule: int, threshold: int = 0) -> bool:
    sequence = spool.accept(number, number, 1, 2, threshold=threshold, rule=rule)
    return bool(sequence) and spool.content(sequence, Payload("spans", b"x" * 2_000, f"{number:032x}"))


def test_the_reserve_is_kept_for_errors_and_everybody_refused_is_counted(tmp_path):
    """Entry 49: the budget is a tenth of what is offered, two of three units are baseline, nothing is delivered."""
    spool = Spool(tmp_path / "spool", max_bytes=400_000, min_free_bytes=0)
    down = Down()
    delivery = Delivery(spool, [down], linger_seconds=0.01)
    delivery.wake()
    offered = {"baseline": 0, "chance": 0, "error": 0}
    taken = dict.fromkeys(offered, 0)
    kept = []
    baseline_refused_at = 0
    for number in range(1, 1_201):
        kind, rule, threshold = [("baseline", BASELINE, 0), ("chance", ERROR, 2**55), ("error", ERROR, 0)][number % 3]
        offered[kind] += 1
        if offer(spool, number, rule, threshold):
            taken[kind] += 1
            kept.append(f"{number:032x}")
        elif kind != "error" and not baseline_refused_at:
            baseline_refused_at = number
    counters = spool.counters()
    refused = sum(offered.values()) - sum(taken.values())

    # Behind the first refusal of what chance kept, the reserve held some 20 errors more, fewer where the disk is slow.
    assert sum(int(trace, 16) > baseline_refused_at for trace in kept) >= 5
    assert all(int(trace, 16) % 3 == 2 for trace in kept if int(trace, 16) > baseline_refused_at)
    assert set(counters.refused_by_reason) == {"spool_reserve", "spool_full"}
    assert sum(counters.refused_by_reason.values()) == counters.refused_units == refused
    assert counters.accepted == sum(taken.values()) == len(kept)
    assert (counters.lost, counters.degraded) == (0, 0)
    facts = spool.facts()
    assert facts.owed["store"].records == counters.records == len(kept)
    assert facts.waiting == 0

    down.is_up = True
    delivery.retry_now()
    assert delivery.flush(20).complete
    assert down.taken == kept
    deadline = time.monotonic() + 10
    while spool.facts().gate != "open":
        assert time.monotonic() < deadline, spool.facts()
        spool._usage_at = 0.0
        spool.maintain()
    assert offer(spool, 5_000, BASELINE)
    delivery.close(5)
    spool.close()


def test_a_full_disk_in_the_storm_loses_no_accepted_unit(tmp_path):
    """Entry 49 on a real full disk: what the disk does not take is in memory, and the books balance."""
    mount = tmp_path / "small"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(mount)], capture_output=True).returncode:
        pytest.skip("mounting a small file system is not permitted here")
    try:
        spool = Spool(mount / "spool", min_free_bytes=64_000, memory_bytes=200_000)
        down = Down()
        delivery = Delivery(spool, [down], linger_seconds=0.01)
        kept = []
        for number in range(1, 601):
            if number % 10 == 0:
                spool._usage_at = 0.0
                spool.maintain()
            if offer(spool, number, ERROR if number % 2 else BASELINE):
                kept.append(f"{number:032x}")
        counters = spool.counters()
        assert {"disk_low", "disk_full"} & set(counters.refused_by_reason)
        assert counters.refused_units + counters.accepted == 600
        assert counters.lost == 0
        assert len(kept) == counters.accepted == counters.records
        down.is_up = True
        assert delivery.flush(20).complete
        assert sorted(down.taken) == sorted(kept)
        delivery.close(5)
        spool.close()
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def test_a_containers_own_layer_is_told_from_a_disk(tmp_path):
    """Entry 28, a real overlay: it works, and the operator is told what becomes of it."""
    for name in ("lower", "upper", "work", "merged"):
        (tmp_path / "base" / name).mkdir(parents=True)
    base = tmp_path / "base"
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(base)], capture_output=True).returncode:
        pytest.skip("mounting is not permitted here")
    try:
        for name in ("lower", "upper", "work", "merged"):
            (base / name).mkdir()
        layers = f"lowerdir={base}/lower,upperdir={base}/upper,workdir={base}/work"
        if subprocess.run(
            ["mount", "-t", "overlay", "-o", layers, "overlay", str(base / "merged")], capture_output=True
        ).returncode:
            pytest.skip("there is no overlay file system here")
        try:
            assert file_system_of(base / "merged") == "overlay"
            assert "container" in complaint_about(base / "merged")
            first = Spool(base / "merged" / "spool", min_free_bytes=0)
            first.owe(["store"])
            assert offer(first, 1, ERROR)
            first.close()
            second = Spool(base / "merged" / "spool", min_free_bytes=0)
            second.owe(["store"])
            second.maintain()
            assert second.pending("store").units == 1
            second.close()
        finally:
            subprocess.run(["umount", "-l", str(base / "merged")], check=True)
        assert "memory" in complaint_about(base)
    finally:
        subprocess.run(["umount", "-l", str(base)], check=True)


def test_a_file_system_without_locks_is_detected_and_costs_nothing(tmp_path, monkeypatch, caplog):
    """Entry 28: no such file system can be mounted here, so `lockf` answers as one does."""

    def refuse(*_arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    with caplog.at_level(logging.WARNING):
        spool = Spool(tmp_path / "spool", min_free_bytes=0)
    assert "without locks" in caplog.text
    spool.owe(["store"])
    assert offer(spool, 1, ERROR)
    assert not spool.is_degraded
    assert (spool.counters().spooled, spool.counters().lost) == (1, 0)
    assert ProcessDirectory.adopt(spool.path) is None
    other = Spool(tmp_path / "spool", min_free_bytes=0)
    other.owe(["store"])
    other.maintain()
    assert other.pending("store").units == 0
    other.close()
    assert [item.payload.trace_id for source in spool.sources("store") for item in source.read("store", 1 << 20, 9)]
    spool.close()


def test_an_ordinary_disk_gives_no_cause_for_complaint(tmp_path):
    if file_system_of(tmp_path) not in {"ext4", "xfs", "btrfs"}:
        pytest.skip("the test's own folder is on no ordinary disk")
    assert complaint_about(tmp_path) == ""
