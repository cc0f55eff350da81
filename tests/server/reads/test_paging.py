"""Cursors: every row once, whatever times the rows have; and cursors of others."""

import base64
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.server.reads.records import MS, START
from tests.server.serving import Serving, serving

from certtrace.records.model import Observation, Score
from certtrace.records.store import StoreWriter
from certtrace.server.access import Role

COUNT = 230


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Many rows, few times: some equal, some within one millisecond."""
    drawn = random.Random(7)
    traces = [f"{number:032x}" for number in range(9)]
    times = [START, START + 1, START + MS - 1, START + MS]
    with serving(tmp_path_factory.mktemp("crowded")) as running:
        StoreWriter(running.box.store).write(
            running.project.id,
            [
                Observation(
                    id=f"{number // 3:016x}",
                    trace_id=traces[number % 9],
                    name="one of many",
                    start_time_ns=(at := drawn.choice(times)),
                    end_time_ns=at,
                )
                for number in range(COUNT)
            ],
            [
                Score(
                    id=f"score-{number}",
                    name="n",
                    value=1.0,
                    data_type="NUMERIC",
                    timestamp_ns=drawn.choice(times),
                    trace_id=traces[number % 9],
                )
                for number in range(COUNT)
            ],
        )
        yield running


def all_pages(box: Serving, path: str, limit: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = box.client(Role.READER).get(f"/api/public/{path}", params={"limit": limit, **cursor}).json()
        rows += answer["data"]
        if "cursor" not in answer["meta"]:
            return rows
        assert len(answer["data"]) == limit
        cursor = {"cursor": answer["meta"]["cursor"]}


@pytest.mark.parametrize("limit", [1, 7, 100])
@pytest.mark.parametrize(
    ("path", "identity", "time"),
    [
        ("v2/observations", lambda row: (row["traceId"], row["id"]), "startTime"),
        ("v3/scores", lambda row: row["id"], "timestamp"),
    ],
)
def test_every_row_comes_once_and_in_order(
    crowded: Serving, path: str, identity: Callable[[Any], Any], time: str, limit: int
) -> None:
    rows = all_pages(crowded, path, limit)
    assert len(rows) == COUNT
    assert len({identity(row) for row in rows}) == COUNT
    times = [row[time] for row in rows]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("path", ["observations", "v2/scores"])
def test_numbered_pages_hold_every_row_once(crowded: Serving, path: str) -> None:
    ids: list[Any] = []
    for page in range(1, 5):
        answer = crowded.client(Role.READER).get(f"/api/public/{path}", params={"limit": 60, "page": page}).json()
        assert answer["meta"] == {"page": page, "limit": 60, "totalItems": COUNT, "totalPages": 4}
        ids += [(row["traceId"], row["id"]) for row in answer["data"]]
    assert len(ids) == len(set(ids)) == COUNT


def test_a_cursor_needs_no_more_than_milliseconds(crowded: Serving) -> None:
    content = {"lastStartTimeTo": "2026-11-23T10:00:00.001Z", "lastTraceId": "0" * 32, "lastId": "0"}
    cursor = base64.b64encode(json.dumps(content).encode()).decode()
    answer = crowded.client(Role.READER).get("/api/public/v2/observations", params={"cursor": cursor, "limit": 1})
    assert answer.json()["data"][0]["startTime"] == "2026-11-23T10:00:00.000Z"


def encoded(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


@pytest.mark.parametrize("path", ["v2/observations", "v3/scores"])
@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "\u00e9",
        "!!!!",
        encoded([]),
        encoded(None),
        encoded({}),
        encoded({"v": 2, "lastTimestamp": "2026-11-23T10:00:00Z", "lastId": "x"}),
        encoded({"v": 1, "lastTimestamp": "now", "lastId": "x"}),
        encoded({"v": 1, "lastTimestamp": "2026-11-23T10:00:00Z"}),
        encoded({"lastStartTimeTo": 5, "lastTraceId": "x", "lastId": "x"}),
        encoded({"lastStartTimeTo": "2026-11-23T10:00:00Z", "lastTraceId": 5, "lastId": "x"}),
    ],
)
def test_a_cursor_of_another_list_is_refused(crowded: Serving, path: str, cursor: str) -> None:
    answer = crowded.client(Role.READER).get(f"/api/public/{path}", params={"cursor": cursor})
    assert answer.status_code == 400
    assert answer.json()["message"] in ("Invalid cursor format", "Invalid request data")


def test_each_list_refuses_the_others_cursor(crowded: Serving) -> None:
    for mine, others in (("v2/observations", "v3/scores"), ("v3/scores", "v2/observations")):
        client = crowded.client(Role.READER)
        cursor = client.get(f"/api/public/{mine}", params={"limit": 1}).json()["meta"]["cursor"]
        assert client.get(f"/api/public/{others}", params={"cursor": cursor}).status_code == 400
