"""The spool on real files: what is accepted, what it costs, what is kept for whom, and what is deleted when."""

import os
import stat
import threading
import time
from pathlib import Path

import pytest

from certtrace.delivery.spool import Spool
from certtrace.errors import SpoolError
from certtrace.ports import RULES, Payload


@pytest.fixture
def root(tmp_path):
    return tmp_path / "spool"


@pytest.fixture
def spool(root):
    spool = Spool(root)
    spool.owe(["store"])
    yield spool
    spool.close()


def files(path: Path, pattern: str) -> list[str]:
    return sorted(found.name for found in path.rglob(pattern))


def test_accepting_writes_one_fixed_size_record_without_waiting_for_content(spool):
    journal = next(spool.path.glob("skeletons-*"))
    before = journal.stat().st_size

    sequences = [spool.accept(2**127 + n, n + 1, 10, 20, 2, 5, 1, 2**55, 7) for n in range(3)]

    assert len(set(sequences)) == 3
    assert all(sequence > 0 for sequence in sequences)
    assert (journal.stat().st_size - before) % 3 == 0
    assert 0 < journal.stat().st_size - before < 300
    assert spool.counters().accepted == 3


def test_accepting_makes_exactly_one_write(spool, monkeypatch):
    from certtrace.delivery import journal

    calls = []
    monkeypatch.setattr(journal, "_write", lambda fd, data: calls.append(len(data)) or os.write(fd, data))
    spool.accept(1, 2, 3, 4)

    assert len(calls) == 1


def test_accepting_is_cheap(spool):
    """A coarse bound: the benchmark prints the figure, this catches a lock or a second system call."""
    accept = spool.accept
    costs = []
    for _ in range(20):
        started = time.thread_time_ns()
        for _ in range(500):
            accept(2**127, 5, 1, 2)
        costs.append((time.thread_time_ns() - started) / 500)

    assert min(costs) < 10_000


@pytest.mark.parametrize(
    "numbers",
    [
        {"trace_id": 2**200, "root_span_id": 2**70, "start_time_ns": -1, "end_time_ns": 2**65},
        {"trace_id": -1, "root_span_id": -1, "start_time_ns": 1, "end_time_ns": 2, "span_count": 2**40, "rule": 2**20},
        {"trace_id": "x", "root_span_id": None, "start_time_ns": 1, "end_time_ns": 2},
    ],
)
def test_accepting_never_raises_for_numbers_out_of_range(spool, numbers):
    assert spool.accept(**numbers) > 0


def test_sequences_are_unique_and_counted_exactly_across_threads(spool):
    found = []

    def work():
        found.extend([spool.accept(1, 2, 3, 4) for _ in range(500)])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(found)) == 4_000
    assert spool.counters().accepted == 4_000


def test_content_reaches_every_destination_in_order_and_on_its_own(spool, write, drain):
    spool.owe(["store", "langfuse"])
    for number in range(20):
        write(spool, f"unit{number}", number + 1)

    assert spool.pending("langfuse").units == 20
    assert drain(spool, "store") == [f"unit{n}" for n in range(20)]
    assert spool.pending("store").units == 0
    assert spool.pending("langfuse").units == 20
    assert drain(spool, "langfuse") == [f"unit{n}" for n in range(20)]


def test_reading_again_without_acknowledging_gives_the_same(spool, write):
    write(spool, "a")
    source = spool.sources("store")[0]

    first = source.read("store", 1 << 20, 10)
    assert [item.payload for item in source.read("store", 1 << 20, 10)] == [item.payload for item in first]


def test_batches_are_bounded_by_bytes_and_by_units_but_never_empty(spool, write):
    for number in range(5):
        write(spool, "unit", number + 1, pad=1_000)
    source = spool.sources("store")[0]

    assert len(source.read("store", 2_500, 100)) == 2
    assert len(source.read("store", 1 << 20, 3)) == 3
    assert len(source.read("store", 1, 100)) == 1


def test_a_payload_comes_back_as_it_was_given(spool):
    spool.content(0, Payload("scores", b'[{"id": "a"}]', ""))
    spool.content(spool.accept(7, 8, 1, 2), Payload("spans", b"\x00\xff binary CTR\xf1 \n", f"{7:032x}"))

    payloads = [item.payload for item in spool.sources("store")[0].read("store", 1 << 20, 10)]
    assert payloads == [
        Payload("scores", b'[{"id": "a"}]', ""),
        Payload("spans", b"\x00\xff binary CTR\xf1 \n", f"{7:032x}"),
    ]


def test_segments_rotate_and_go_when_everyone_has_them(root, write, drain):
    spool = Spool(root, segment_bytes=10_000)
    spool.owe(["store", "langfuse"])
    for number in range(30):
        write(spool, f"unit{number}", number + 1, pad=1_000)
    segments = files(spool.path, "content-*")
    assert len(segments) > 3

    drain(spool, "store")
    assert files(spool.path, "content-*") == segments
    drain(spool, "langfuse")
    assert files(spool.path, "content-*") == segments[-1:]
    spool.close()


def test_files_and_folders_are_private(spool, write):
    write(spool, "a")
    spool.maintain()

    for path in [spool.root, spool.path, *spool.path.iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_an_open_folder_is_closed_to_others(root):
    root.mkdir(mode=0o755)
    Spool(root).close()

    assert stat.S_IMODE(root.stat().st_mode) == 0o700


@pytest.mark.parametrize("kind", ["file", "symlink"])
def test_a_root_that_is_no_folder_of_ours_is_refused_with_a_remedy(tmp_path, kind):
    root = tmp_path / "spool"
    if kind == "file":
        root.write_text("")
    else:
        (tmp_path / "elsewhere").mkdir()
        root.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(SpoolError, match="no symbolic link"):
        Spool(root)


def test_a_foreign_root_is_refused(root, monkeypatch):
    root.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    with pytest.raises(SpoolError, match="belongs to user"):
        Spool(root)


def test_a_full_spool_refuses_chance_first_then_everything_and_recovers(root, write, drain):
    spool = Spool(root, max_bytes=100_000, segment_bytes=10_000)
    spool.owe(["store"])
    while spool.accept(1, 1, 1, 2, threshold=1):
        write(spool, "unit", pad=1_000)
    assert write(spool, "certain", pad=1_000) > 0
    while write(spool, "unit", pad=1_000):
        pass
    refused = spool.counters().refused_units

    assert refused >= 2
    assert spool.content(0, Payload("scores", b"[]", "")) is False
    assert spool.counters().refused >= 1
    assert spool.pending("store").units > 50

    assert spool.accept(1, 1, 1, 2, threshold=0, rule=RULES.index("error")) == 0
    reasons = spool.counters().refused_by_reason
    assert set(reasons) == {"spool_reserve", "spool_full"}
    assert sum(reasons.values()) == spool.counters().refused_units == refused + 1

    drain(spool)
    spool._usage_at = 0.0
    spool.maintain()
    assert spool.accept(1, 1, 1, 2, threshold=1) > 0
    spool.close()


def test_little_free_disk_refuses_units_kept_by_chance(root):
    facts = os.statvfs(root.parent)
    spool = Spool(root, min_free_bytes=facts.f_bavail * facts.f_frsize * 2)
    spool.maintain()

    assert spool.accept(1, 1, 1, 2, threshold=2**50, rule=RULES.index("error")) == 0
    assert spool.accept(1, 1, 1, 2, threshold=0, rule=RULES.index("baseline")) == 0
    assert spool.accept(1, 1, 1, 2, threshold=0, rule=RULES.index("error")) > 0
    assert spool.facts().gate == "certain_only"
    assert spool.counters().refused_by_reason == {"disk_low": 2}
    spool.close()


def test_hardly_any_free_disk_refuses_everybody(root):
    spool = Spool(root, min_free_bytes=2**62)
    spool.maintain()

    assert spool.accept(1, 1, 1, 2, rule=RULES.index("error")) == 0
    assert spool.facts().gate_reason == "disk_full"
    spool.close()


def test_who_has_something_to_spare_is_asked_before_anybody_is_refused(root):
    asked = []

    def relieve(wanted: int) -> None:
        asked.append(wanted)
        raise OSError("nothing here")

    spool = Spool(root, min_free_bytes=2**62, relieve=relieve)
    spool.maintain()
    assert len(asked) == 1
    assert asked[0] > 2**61
    spool.close()


def test_a_closed_spool_refuses_quietly(root):
    spool = Spool(root)
    spool.close()
    spool.close()

    assert spool.accept(1, 2, 3, 4) == 0
    assert spool.content(0, Payload("scores", b"[]", "")) is False
    counters = spool.counters()
    assert (counters.accepted, counters.refused_units, counters.refused) == (0, 1, 1)


def test_closing_with_everything_delivered_leaves_no_directory(root, write, drain):
    spool = Spool(root)
    spool.owe(["store"])
    write(spool, "a")
    drain(spool)
    spool.close()

    assert list(root.iterdir()) == []


def test_what_is_not_delivered_at_closing_is_taken_over(root, write, drain):
    first = Spool(root)
    first.owe(["store"])
    for number in range(3):
        write(first, f"unit{number}", number + 1)
    first.sources("store")[0].ack("store", first.sources("store")[0].read("store", 1 << 20, 1))
    first.close()

    second = Spool(root)
    second.owe(["store"])
    second.maintain()
    assert second.pending("store").units == 2
    assert drain(second) == ["unit1", "unit2"]
    second.close()
    assert list(root.iterdir()) == []


def test_a_large_unit_is_divided_by_spans(root, drain):
    from certtrace.delivery.otlp import encode_unit
    from certtrace.ports import SpanRecord

    spans = [SpanRecord(1, n, 0, f"s{n}", 1, 1, 2, 0, "", {"pad": "x" * 1_000_000}) for n in range(1, 12)]
    spool = Spool(root)
    spool.owe(["store"])
    sequence = spool.accept(1, 1, 1, 2, 0, len(spans))
    assert spool.content(sequence, Payload("spans", encode_unit(spans, {}), f"{1:032x}"))

    items = []
    source = spool.sources("store")[0]
    while batch := source.read("store", 1, 1):
        items += batch
        source.ack("store", batch)
    assert len(items) > 2
    assert all(len(item.payload.data) <= 4 << 20 for item in items)
    assert [item.sequence for item in items] == [0] * (len(items) - 1) + [sequence]
    spool.close()


def test_a_directory_deleted_while_in_use_is_replaced(spool, write, drain):
    import shutil

    write(spool, "gone")
    old = spool.path
    shutil.rmtree(old)
    spool.maintain()
    write(spool, "kept")

    assert spool.path != old
    assert drain(spool) == ["kept"]
    assert spool.counters().lost == 1


def test_the_journal_is_deleted_once_its_units_have_content(root, write, drain, monkeypatch):
    from certtrace.delivery import journal_files

    monkeypatch.setattr(journal_files, "_JOURNAL_RECORDS", 10)
    spool = Spool(root)
    spool.owe(["store"])
    unfinished = spool.accept(1, 1, 1, 2)
    for number in range(35):
        write(spool, f"unit{number}", number + 1)
    spool.maintain()
    kept = files(spool.path, "skeletons-*")
    assert len(kept) > 3

    spool.content(unfinished, Payload("spans", b"", ""))
    spool.maintain()
    assert files(spool.path, "skeletons-*") == kept[-1:]
    spool.close()


def test_the_facts_add_up_per_destination_also_for_content_that_is_not_for_all(spool, write):
    spool.owe(["store", "langfuse"])
    for number in range(1, 6):
        write(spool, f"unit{number}", number)
    spool.content(0, Payload("scores", b"[]", "", ("langfuse",)))
    waiting = spool.accept(9, 9, 1, 2)
    facts = spool.facts()

    assert facts.counters.accepted == 6
    assert facts.waiting == 1
    assert facts.counters.records == 6
    assert facts.counters.records_for == {(): 5, ("langfuse",): 1}
    assert (facts.owed["store"].records, facts.owed["langfuse"].records) == (5, 6)
    assert facts.oldest_time_ns is not None

    source = spool.sources("langfuse")[0]
    batch = source.read("langfuse", 1 << 20, 100)
    source.ack("langfuse", batch)
    batch = spool.sources("store")[0].read("store", 1 << 20, 3)
    spool.sources("store")[0].ack("store", batch)
    spool.content(waiting, Payload("spans", b"", ""))
    facts = spool.facts()
    assert (facts.owed["store"].records, facts.owed["langfuse"].records, facts.waiting) == (3, 1, 0)
    assert facts.gate == "open"


def test_the_facts_add_up_while_units_come_and_go(spool, write):
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            write(spool, "unit")

    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads:
        thread.start()
    source = spool.sources("store")[0]
    delivered = 0
    try:
        for _ in range(100):
            facts = spool.facts()
            # What was delivered and what is owed was written before: a record counts a moment after it is on disk.
            assert delivered + facts.owed["store"].records - facts.counters.records in range(3)
            assert 0 <= facts.waiting <= 2
            batch = source.read("store", 1 << 20, 50)
            source.ack("store", batch)
            delivered += len(batch)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    facts = spool.facts()
    assert facts.counters.accepted == facts.counters.records == delivered + facts.owed["store"].records
    assert facts.waiting == 0
