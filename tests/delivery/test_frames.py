"""Damage to the bytes: what is whole is found, what is not is skipped, and nothing else happens."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace.delivery import frames
from certtrace.delivery.frames import Record, RecordType


def record(sequence: int, payload: bytes = b"content") -> Record:
    return Record(RecordType.SPANS, sequence, 2**127 + sequence, payload, 5, 2**55, 1_000, 7)


def sequences(data: bytes) -> list[int]:
    return [found.record.sequence for found in frames.scan(data) if found.record]


def faults(data: bytes) -> list[str]:
    return [found.fault for found in frames.scan(data) if found.fault]


def test_records_come_back_as_they_were():
    records = [record(1), record(2, b""), record(3, bytes(range(256)) * 50)]
    data = b"".join(map(frames.pack, records))

    assert [found.record for found in frames.scan(data)] == records


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=6), st.data())
def test_a_cut_anywhere_loses_only_what_was_cut(payloads, data):
    packed = [frames.pack(record(n, payload)) for n, payload in enumerate(payloads)]
    whole = b"".join(packed)
    cut = data.draw(st.integers(0, len(whole)))

    expected, size = [], 0
    for number, one in enumerate(packed):
        size += len(one)
        if size <= cut:
            expected.append(number)
    assert sequences(whole[:cut]) == expected


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**9))
def test_a_flipped_bit_loses_only_its_own_record(seed):
    rng = random.Random(seed)
    packed = [frames.pack(record(n, rng.randbytes(rng.randrange(80)))) for n in range(5)]
    victim = rng.randrange(5)
    damaged = bytearray(packed[victim])
    damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)

    data = b"".join([*packed[:victim], bytes(damaged), *packed[victim + 1 :]])
    assert sequences(data) == [n for n in range(5) if n != victim]
    assert len(faults(data)) == 1


def test_a_zeroed_page_is_skipped():
    packed = [frames.pack(record(n, b"x" * 5_000)) for n in range(4)]
    data = bytearray(b"".join(packed))
    data[6_000:10_096] = bytes(4_096)

    assert sequences(bytes(data)) == [0, 3] or sequences(bytes(data)) == [0, 2, 3]
    assert faults(bytes(data)) == ["corrupt"]


def test_garbage_between_records_is_skipped():
    data = frames.pack(record(1)) + b"CTR\xf1 not a record" * 20 + frames.pack(record(2)) + frames.RECORD_MAGIC

    assert sequences(data) == [1, 2]
    assert faults(data) == ["corrupt", "torn"]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=2_000))
def test_scanning_any_bytes_covers_them_without_a_gap(data):
    position = 0
    for found in frames.scan(data):
        assert found.start == position
        assert found.end > found.start
        position = found.end
    assert position == len(data)


def test_a_length_beyond_the_bound_is_no_record():
    head = frames.HEADER.pack(frames.RECORD_MAGIC, 1, 2, 0, 2**32 - 1, 1, bytes(16), 0, 0, 0)

    assert faults(head + b"x" * 100) == ["torn"]


def test_a_record_of_a_later_version_ends_the_reading():
    import zlib

    body = bytearray(frames.pack(record(2))[:-4])
    body[4] = 9
    later = bytes(body) + frames.CRC.pack(zlib.crc32(bytes(body)))

    found = list(frames.scan(frames.pack(record(1)) + later + frames.pack(record(3))))
    assert [f.record.sequence if f.record else f.fault for f in found] == [1, "unknown"]


@pytest.mark.parametrize(("head", "later"), [(frames.file_header(), False), (b"short", False), (b"", False)])
def test_a_file_of_this_version_is_not_from_a_later_one(head, later):
    assert frames.is_from_a_later_version(head) is later


def test_a_file_of_a_later_version_is_recognised_by_its_header():
    import zlib

    head = frames.FILE_HEADER.pack(frames.FILE_MAGIC, 2, 0, 0)[:-4]

    assert frames.is_from_a_later_version(head + frames.CRC.pack(zlib.crc32(head)))
    assert not frames.is_from_a_later_version(head + b"\0\0\0\0")
