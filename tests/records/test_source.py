import shutil
import time

import pytest
from tests.records.spans import START_NS, meta, payload, span

from certtrace import semconv
from certtrace.errors import InputError, StoreError, TraceNotFoundError
from certtrace.records.source import StoreSource, TraceFilter, TraceSource
from certtrace.records.store import StoreDestination

IDS = ["aaaa" + "0" * 28, "aaab" + "0" * 28, "bbbb" + "0" * 28, "cccc" + "0" * 28]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.sqlite3"


@pytest.fixture
def source(path):
    destination = StoreDestination(path)
    for number, trace_id in enumerate(IDS):
        attributes = meta(cert__submission__id=f"sub-{number // 2}", cert__candidate=f"<person:{number}>")
        attributes |= meta(error__type="ValueError") if number == 1 else {}
        made = span(
            "answer.grade",
            trace_id=trace_id,
            start_ms=number * 1000,
            end_ms=number * 1000 + 500,
            attributes={**attributes, semconv.SESSION_ID: "attempt"},
            error="x" if number == 1 else None,
        )
        child = span(
            "httpx", trace_id=trace_id, parent=made.span_id.hex(), start_ms=number * 1000, end_ms=number * 1000 + 1
        )
        destination.deliver(
            [
                payload([made], resource={"service.name": "worker"}),
                payload([child], resource={"service.name": f"gateway-{number % 2}"}, scope="httpx"),
            ],
            time.monotonic() + 5,
        )
    destination.close()
    return StoreSource(path)


def numbers(page):
    return [IDS.index(each.trace_id) for each in page.traces]


def test_it_is_a_trace_source(source):
    typed: TraceSource = source
    assert typed.list_traces().cursor is None


def test_the_newest_comes_first(source):
    assert numbers(source.list_traces()) == [3, 2, 1, 0]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"failed": True}, [1]),
        ({"failure": "ValueError"}, [1]),
        ({"failure": "malformed_json"}, []),
        ({"failure": "ValueError", "submission_id": "sub-1"}, []),
        ({"service": "worker"}, [3, 2, 1, 0]),
        ({"service": "gateway-1"}, [3, 1]),
        ({"name": "httpx", "service": "gateway-0"}, [2, 0]),
        ({"submission_id": "sub-1"}, [3, 2]),
        ({"submission_id": "sub-1", "candidate": "<person:2>", "session_id": "attempt"}, [2]),
        ({"candidate": "person:2"}, [2]),
        ({"session_id": "none"}, []),
        ({"since_ns": START_NS + 2_000_000_000}, [3, 2]),
        ({"service": "gateway-0", "since_ns": START_NS + 1}, [2]),
        ({"service": "gateway-1", "failed": True}, [1]),
    ],
)
def test_every_condition_must_hold(source, conditions, expected):
    assert numbers(source.list_traces(TraceFilter(**conditions))) == expected


@pytest.mark.parametrize("conditions", [{}, {"service": "worker"}])
def test_pages_follow_each_other_without_gap_or_repetition(source, conditions):
    seen, cursor = [], None
    while True:
        page = source.list_traces(TraceFilter(**conditions), limit=3, cursor=cursor)
        seen += numbers(page)
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == [3, 2, 1, 0]


@pytest.mark.parametrize("cursor", ["nonsense", "", "äöü", "bm90IGEgY3Vyc29y"])
def test_a_foreign_cursor_is_refused(source, cursor):
    with pytest.raises(InputError, match="cursor"):
        source.list_traces(cursor=cursor)


def test_an_id_resolves_whole_by_unique_prefix_and_by_submission(source):
    assert source.resolve(IDS[0]) == (IDS[0],)
    assert source.resolve("b") == (IDS[2],)
    assert source.resolve(" AAAB ") == (IDS[1],)
    assert source.resolve("sub-0") == (IDS[1], IDS[0])


def test_an_ambiguous_prefix_lists_the_candidates(source):
    with pytest.raises(TraceNotFoundError) as caught:
        source.resolve("aaa")
    assert IDS[0] in str(caught.value)
    assert IDS[1] in str(caught.value)
    assert IDS[2] not in str(caught.value)


@pytest.mark.parametrize("text", ["dddd", "sub-9", "", "%", "_" * 32, "'; DROP TABLE traces", "a" * 33])
def test_an_unknown_id_says_what_to_do(source, text):
    with pytest.raises(TraceNotFoundError, match="certtrace traces"):
        source.resolve(text)
    assert len(source.list_traces().traces) == 4


def test_an_unknown_trace_is_not_found(source):
    with pytest.raises(TraceNotFoundError):
        source.get_trace("d" * 32)


def test_a_store_that_was_never_written_is_empty_and_stays_unmade(tmp_path):
    path = tmp_path / "nowhere" / "store.sqlite3"
    assert StoreSource(path).list_traces().traces == ()
    with pytest.raises(TraceNotFoundError):
        StoreSource(path).resolve("abc")
    assert list(tmp_path.iterdir()) == []


def test_a_store_just_being_made_is_empty(path):
    path.touch()
    assert StoreSource(path).list_traces().traces == ()


def test_a_home_that_is_a_file_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="Not a directory"):
        StoreSource(tmp_path / "file" / "store.sqlite3").list_traces()


def test_a_damaged_store_says_so(source, path):
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=str(path)):
        source.list_traces()


def test_reading_works_on_a_copy_that_nobody_may_write(source, path, tmp_path):
    copy = tmp_path / "evidence"
    copy.mkdir()
    shutil.copy(path, copy / path.name)
    (copy / path.name).chmod(0o400)
    copy.chmod(0o500)
    try:
        assert numbers(StoreSource(copy / path.name).list_traces()) == [3, 2, 1, 0]
    finally:
        copy.chmod(0o700)


def test_observations_come_in_time_order_with_scores(source):
    trace = source.get_trace(IDS[2])
    assert [each.name for each in trace.observations] in (["answer.grade", "httpx"], ["httpx", "answer.grade"])
    assert [each.start_time_ns for each in trace.observations] == sorted(
        each.start_time_ns for each in trace.observations
    )
