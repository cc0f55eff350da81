"""A receiver that is down, a disk that is full and a storm of errors at once, through the whole pipeline."""

import json
import os
import subprocess

import pytest
from tests.faults.service import KEYS, Service, attributes_of, wait_until

import certtrace
from certtrace import assembly, semconv, span

SAMPLING = semconv.metadata(semconv.SAMPLING)


@pytest.fixture
def small_disk(tmp_path):
    mount = tmp_path / "disk"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(mount)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield mount
    certtrace.shutdown(1)
    subprocess.run(["umount", "-l", str(mount)], check=True)


def storm(number):
    """One unit of which no two are alike, so that it cannot be compressed; every third fails."""
    text = os.urandom(600).hex()
    if number % 3:
        with span("fine", input=text):
            return
    with pytest.raises(ValueError), span("fails", input=text):
        raise ValueError("told")


def test_errors_are_kept_longest_and_every_unit_is_delivered_or_counted_as_refused(small_disk, sink):
    sink.answer = lambda _request: sink.Answer(status=503)
    certtrace.configure(
        home=small_disk / "home",
        service_name="svc",
        destinations=["langfuse"],
        langfuse_base_url=sink.url,
        instrument_langfuse=False,
        spool_max_bytes=1 << 20,
        spool_min_free_bytes=1 << 19,
        **KEYS,
    )
    running = assembly.current_running()
    offered = 0
    last_fine = 0
    # Until errors are refused too: the reserve is used up. The disk is small on purpose; the host goes on meanwhile.
    for offered in range(1, 6_001):
        before = assembly.status().account.kept if offered % 3 else 0
        storm(offered)
        if offered % 3 and assembly.status().account.kept > before:
            last_fine = offered
        if offered % 50 == 0:
            running.pipeline.flush(20)
            running.spool.maintain()
            if running.spool.counters().refused_by_reason.get("spool_full"):
                break
    running.pipeline.flush(20)
    account = assembly.status().account
    assert account.balanced
    assert account.started == offered
    assert set(account.dropped) <= {"spool_full", "stress"}
    assert sum(account.dropped.values()) > 50
    kept_of_storm = account.kept
    assert running.spool.counters().accepted == kept_of_storm
    assert 0 < last_fine < offered
    sink.answer = lambda _request: sink.Answer()
    running.delivery.retry_now()
    assert wait_until(lambda: certtrace.force_flush(5).delivered, 60)
    found = Service(small_disk / "home", sink).sent()
    assert len({each.trace_id for each in found}) == kept_of_storm
    rules = [json.loads(attributes_of(each)[SAMPLING])["rule"] for each in found]
    assert rules.count("error") == account.kept_by_rule["error"]
    # Errors outlived the others: of a third of what was offered, more than their share is there.
    assert rules.count("error") > len(rules) / 3
    assert wait_until(lambda: (running.spool.maintain(), running.spool.facts().gate == "open")[1], 30)
    storm(1)
    assert certtrace.force_flush(20).delivered
