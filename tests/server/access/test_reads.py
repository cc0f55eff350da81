"""Who read which trace is written down, and auditors see it."""

from pathlib import Path

import httpx
import pytest
from tests.server.records import Records
from tests.server.serving import Serving

from certtrace.server.access import Access, Role
from certtrace.server.access.keys import KnownKey

MINUTE_NS = 60_000_000_000


class Clock:
    """A clock that is set by hand, in nanoseconds."""

    def __init__(self) -> None:
        self.now = 1_795_392_000_000_000_000  # a full hour

    def __call__(self) -> int:
        return self.now


@pytest.fixture(scope="module")
def records(box: Serving) -> Records:
    made = Records(box.client(), box.project.id, "watched")
    made.make()
    return made


def reads(box: Serving, **asked: str) -> list[dict[str, object]]:
    answer = box.client(Role.AUDITOR).get("/api/certtrace/reads", params=asked)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, object]] = answer.json()["data"]
    return data


def test_a_trace_that_was_asked_for_is_read_whole(box: Serving, records: Records) -> None:
    key = box.keys[Role.READER]
    box.client(Role.READER).get(f"/api/public/traces/{records.trace_id}").raise_for_status()
    found = [each for each in reads(box, traceId=records.trace_id) if each["publicKey"] == key.public_key]
    assert [(each["how"], each["route"], each["times"]) for each in found] == [
        ("whole", "/api/public/traces/{trace_id}", 1)
    ]
    assert found[0]["firstTime"] == found[0]["lastTime"]
    assert set(found[0]) == {
        "traceId", "how", "route", "keyId", "publicKey", "note", "firstTime", "lastTime", "times",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "how"),
    [
        ("/api/public/traces", "listed"),
        ("/api/public/observations", "listed"),
        ("/api/public/v2/observations", "listed"),
        ("/api/public/observations/{observation}", "whole"),
        ("/api/public/sessions/{session}", None),
        ("/api/public/v2/scores", "listed"),
        ("/api/public/v3/scores", "listed"),
        ("/api/public/v2/scores/{score}", "whole"),
    ],
)
def test_every_way_to_a_trace_is_written_down(box: Serving, records: Records, path: str, how: str | None) -> None:
    key = box.box.access.create(box.project, [Role.READER], note=f"reads {path}")
    ids = {"observation": records.observation_id, "session": records.session_id, "score": f"{records.marker}-score"}
    with httpx.Client(base_url=box.url, auth=(key.public_key, key.secret_key)) as client:
        answer = client.get(path.format(**ids))
        assert answer.status_code == 200, answer.text
    found = [each for each in reads(box, traceId=records.trace_id) if each["keyId"] == key.id]
    assert len(found) == 1, f"{path} does not call seen()"
    assert found[0]["note"] == f"reads {path}"
    assert how is None or found[0]["how"] == how


def test_a_trace_that_is_not_there_is_not_read(box: Serving) -> None:
    missing = "ab" * 16
    assert box.client().get(f"/api/public/traces/{missing}").status_code == 404
    assert reads(box, traceId=missing) == []


def test_times_and_pages_are_asked_for(box: Serving, records: Records) -> None:
    box.client(Role.READER).get(f"/api/public/traces/{records.trace_id}").raise_for_status()
    assert reads(box, traceId=records.trace_id, **{"from": "2026-01-01T00:00:00Z"})
    assert reads(box, **{"from": "2100-01-01T00:00:00Z"}) == []
    assert reads(box, to="2020-01-01T00:00:00Z") == []
    page = box.client(Role.AUDITOR).get("/api/certtrace/reads", params={"limit": "1", "page": "2"}).json()
    assert page["meta"]["page"] == 2
    assert page["meta"]["totalItems"] == page["meta"]["totalPages"] > 1
    assert len(page["data"]) == 1
    assert box.client(Role.AUDITOR).get("/api/certtrace/reads", params={"from": "yesterday"}).status_code == 400


@pytest.mark.parametrize("role", [Role.READER, Role.WRITER])
def test_readers_and_writers_do_not_see_who_reads(box: Serving, role: Role) -> None:
    assert box.client(role).get("/api/certtrace/reads").status_code == 403


# --- the record itself ------------------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(tmp_path: Path, clock: Clock):
    made = Access(tmp_path / "access.db", clock=clock)
    yield made
    made.close()


@pytest.fixture
def key(access: Access) -> KnownKey:
    new = access.create(access.project("default"), [Role.READER])
    known = access.known(new.public_key, new.secret_key)
    assert known is not None
    return known


def test_repeated_reads_are_one_entry_within_a_minute_or_an_hour(access: Access, key: KnownKey, clock: Clock) -> None:
    first = clock.now
    for _ in range(4):
        access.reads.record(key, "/t", ["a"], whole=True)
        access.reads.record(key, "/ts", ["a", "a", "b"], whole=False)
        clock.now += 20_000_000_000
    whole, _ = access.reads.page("default", trace_id="a")
    assert sorted((each.how, each.times, each.first_at_ns - first) for each in whole) == [
        ("listed", 4, 0),
        ("whole", 1, MINUTE_NS),
        ("whole", 3, 0),
    ]
    clock.now += 60 * MINUTE_NS
    access.reads.record(key, "/ts", ["a"], whole=False)
    assert access.reads.page("default", trace_id="a")[1] == 4


def test_what_a_process_wrote_down_is_there_for_the_next(access: Access, key: KnownKey, tmp_path: Path) -> None:
    access.reads.record(key, "/t", ["a"], whole=True)
    other = Access(tmp_path / "access.db")
    (read,), total = other.reads.page("default")
    assert (read.trace_id, read.public_key, total) == ("a", key.public_key, 1)
    other.close()


def test_a_revoked_keys_reads_stay(access: Access, key: KnownKey) -> None:
    access.reads.record(key, "/t", ["a"], whole=True)
    access.revoke(key.id)
    assert access.reads.page("default")[1] == 1


def test_what_is_past_its_time_is_deleted(access: Access, key: KnownKey, clock: Clock) -> None:
    access.reads.record(key, "/t", [f"old {number}" for number in range(12_000)], whole=False)
    clock.now += 30 * 24 * 60 * MINUTE_NS
    access.reads.record(key, "/t", ["new"], whole=True)
    assert access.reads.sweep(31) == 0
    clock.now += 2 * 24 * 60 * MINUTE_NS
    assert access.reads.sweep(31) == 12_000
    (read,), total = access.reads.page("default")
    assert (read.trace_id, total) == ("new", 1)


def test_nothing_read_is_nothing_written(access: Access, key: KnownKey) -> None:
    access.reads.record(key, "/t", [], whole=False)
    assert access.reads.page("default") == ([], 0)
