"""Scores as the API takes them."""

from typing import Any

import httpx
import pytest
from langfuse import Langfuse
from opentelemetry.sdk.trace import TracerProvider
from tests.server.intake.exports import stored
from tests.server.serving import Serving

from certtrace.records.catalog.score_configs import ScoreConfig, put_score_config
from certtrace.server.access import Role

SCORES = "/api/public/scores"


@pytest.fixture
def writer(box: Serving) -> httpx.Client:
    return box.client(Role.WRITER)


@pytest.fixture(scope="module")
def configs(box: Serving) -> None:
    labels = [{"label": "good", "value": 1}, {"label": "bad", "value": 0}]
    with box.box.store.writing() as connection:
        for config in (
            ScoreConfig(id="range", name="points", data_type="NUMERIC", min_value=0, max_value=10),
            ScoreConfig(id="labels", name="verdict", data_type="CATEGORICAL", categories=labels),
            ScoreConfig(id="truth", name="passed", data_type="BOOLEAN"),
            ScoreConfig(id="words", name="remark", data_type="TEXT"),
            ScoreConfig(id="gone", name="old", data_type="NUMERIC", is_archived=True),
        ):
            put_score_config(connection, "default", config)


def _score(box: Serving, own_id: str) -> dict[str, Any]:
    (found,) = [row for row in stored(box, "scores") if row["id"] == own_id]
    return found


def test_a_list_is_accepted(box: Serving, writer: httpx.Client) -> None:
    body = [
        {"id": "l1", "traceId": "t", "name": "n", "value": 0.5},
        {"id": "l2", "sessionId": "s", "name": "c", "value": "yes"},
        {"id": "l3", "datasetRunId": "r", "name": "b", "value": 1, "dataType": "BOOLEAN"},
        {"id": "l4", "traceId": "t", "observationId": "o", "name": "x", "value": "text", "dataType": "TEXT"},
        {"id": "l5", "traceId": "t", "name": "any", "value": "better", "dataType": "CORRECTION"},
    ]
    answer = writer.post(SCORES, json=body)
    assert (answer.status_code, answer.json()) == (202, {"message": "Accepted"})
    kinds = {own_id: _score(box, own_id)["data_type"] for own_id in ("l1", "l2", "l3", "l4", "l5")}
    assert kinds == {"l1": "NUMERIC", "l2": "CATEGORICAL", "l3": "BOOLEAN", "l4": "TEXT", "l5": "CORRECTION"}
    assert _score(box, "l5")["name"] == "output"
    assert (_score(box, "l4")["trace_id"], _score(box, "l4")["observation_id"]) == ("t", "o")


def test_of_a_list_the_wrong_ones_are_told_and_the_others_stored(box: Serving, writer: httpx.Client) -> None:
    body = [{"id": "m1", "traceId": "t", "name": "n", "value": 1}, {"id": "m2", "name": "n", "value": 1}, 5]
    answer = writer.post(SCORES, json=body)
    assert answer.status_code == 207
    told = answer.json()
    assert (told["accepted"], told["rejected"], len(told["errors"])) == (1, 2, 2)
    assert all(set(each) == {"message"} for each in told["errors"])
    assert _score(box, "m1")["value"] == 1
    assert all(row["id"] != "m2" for row in stored(box, "scores"))


def test_a_single_object_is_answered_with_its_id(box: Serving, writer: httpx.Client) -> None:
    answer = writer.post(SCORES, json={"traceId": "t", "name": "single", "value": 2})
    assert answer.status_code == 200
    assert list(answer.json()) == ["id"]
    assert _score(box, answer.json()["id"])["name"] == "single"
    given = writer.post(SCORES, json={"id": "chosen", "traceId": "t", "name": "single", "value": 2})
    assert given.json() == {"id": "chosen"}


def test_a_score_sent_again_is_replaced(box: Serving, writer: httpx.Client) -> None:
    for value in (1, 2):
        body = {"id": "again", "traceId": "t", "name": "n", "value": value, "timestamp": "2026-11-23T10:00:00+01:00"}
        assert writer.post(SCORES, json=[body]).status_code == 202
    found = _score(box, "again")
    assert (found["value"], found["timestamp_ns"]) == (2, 1_795_424_400_000_000_000)


WRONG: list[dict[str, Any]] = [
    {"traceId": "t", "name": "", "value": 1},
    {"traceId": "t", "name": "n"},
    {"traceId": "t", "name": "n", "value": None},
    {"traceId": "t", "name": "n", "value": True},
    {"traceId": "t", "name": "n", "value": [1]},
    {"traceId": "t", "name": "n", "value": "1", "dataType": "NUMERIC"},
    {"traceId": "t", "name": "n", "value": 1, "dataType": "CATEGORICAL"},
    {"traceId": "t", "name": "n", "value": 2, "dataType": "BOOLEAN"},
    {"traceId": "t", "name": "n", "value": "true", "dataType": "BOOLEAN"},
    {"traceId": "t", "name": "n", "value": "", "dataType": "TEXT"},
    {"traceId": "t", "name": "n", "value": "x" * 501, "dataType": "TEXT"},
    {"traceId": "t", "name": "n", "value": "x", "dataType": "CORRECTION", "configId": "words"},
    {"traceId": "t", "name": "n", "value": 1, "dataType": "STARS"},
    {"name": "n", "value": 1},
    {"traceId": "t", "sessionId": "s", "name": "n", "value": 1},
    {"traceId": "t", "datasetRunId": "r", "name": "n", "value": 1},
    {"sessionId": "s", "observationId": "o", "name": "n", "value": 1},
    {"observationId": "o", "name": "n", "value": 1},
    {"traceId": "t", "name": "n", "value": 1, "source": "EVAL"},
    {"traceId": "t", "name": "n", "value": 1, "source": "ANNOTATION"},
    {"traceId": "t", "name": "n", "value": 1, "timestamp": "yesterday"},
    {"traceId": "t", "name": "n", "value": 1, "id": "a\rb"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: str(wrong)[:70])
def test_what_is_no_score_is_refused(box: Serving, writer: httpx.Client, wrong: dict[str, Any]) -> None:
    before = len(stored(box, "scores"))
    single = writer.post(SCORES, json=wrong)
    assert single.status_code == 400
    assert single.json()["message"] == "Invalid request data"
    assert single.json()["error"]
    several = writer.post(SCORES, json=[wrong])
    assert (several.status_code, several.json()["rejected"]) == (207, 1)
    assert len(stored(box, "scores")) == before


@pytest.mark.parametrize("body", [b"5", b'"x"', b"null", b"", b"{", b"true"])
def test_what_is_neither_a_list_nor_an_object_is_refused(writer: httpx.Client, body: bytes) -> None:
    answer = writer.post(SCORES, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


@pytest.mark.usefixtures("configs")
@pytest.mark.parametrize(
    ("config", "given", "expected"),
    [
        ("range", {"value": 5}, 200),
        ("range", {"value": 10}, 200),
        ("range", {"value": 10.5}, 400),
        ("range", {"value": -1}, 400),
        ("range", {"value": "5"}, 400),
        ("range", {"value": 5, "dataType": "NUMERIC"}, 200),
        ("range", {"value": 1, "dataType": "BOOLEAN"}, 400),
        ("labels", {"value": "good"}, 200),
        ("labels", {"value": "fair"}, 400),
        ("labels", {"value": 1}, 400),
        ("truth", {"value": 1}, 200),
        ("truth", {"value": 2}, 400),
        ("words", {"value": "a remark"}, 200),
        ("words", {"value": "x" * 501}, 400),
        ("gone", {"value": 1}, 400),
        ("missing", {"value": 1}, 404),
    ],
)
def test_a_score_has_to_fit_its_config(
    box: Serving, writer: httpx.Client, config: str, given: dict[str, Any], expected: int
) -> None:
    body = {"traceId": "t", "name": "whatever", "configId": config, **given}
    answer = writer.post(SCORES, json=body)
    assert answer.status_code == expected
    if expected == 200:
        found = _score(box, answer.json()["id"])
        names = {"range": "points", "labels": "verdict", "truth": "passed", "words": "remark"}
        kinds = {"range": "NUMERIC", "labels": "CATEGORICAL", "truth": "BOOLEAN", "words": "TEXT"}
        assert (found["name"], found["data_type"], found["config_id"]) == (names[config], kinds[config], config)
    assert writer.post(SCORES, json=[body]).status_code == (202 if expected == 200 else 207)


@pytest.mark.parametrize(("given", "expected"), [("Langfuse-Prod", "prod"), ("dev", "dev"), ("A B", "default")])
def test_the_environment_is_put_in_order(box: Serving, writer: httpx.Client, given: str, expected: str) -> None:
    body = {"id": "env", "traceId": "t", "name": "n", "value": 1, "environment": given}
    assert writer.post(SCORES, json=body).status_code == 200
    assert _score(box, "env")["environment"] == expected


def test_the_langfuse_sdk_sends_its_scores(box: Serving) -> None:
    key = box.keys[Role.ADMIN]
    client = Langfuse(
        public_key=key.public_key, secret_key=key.secret_key, base_url=box.url, tracer_provider=TracerProvider()
    )
    try:
        client.create_score(score_id="s1", name="n", value=0.25, trace_id="ab" * 16, metadata={"k": "v"})
        client.create_score(score_id="s2", name="n", value="fine", data_type="CATEGORICAL", session_id="s")
        client.create_score(score_id="s3", name="n", value=1, data_type="BOOLEAN", trace_id="ab" * 16, comment="why")
        client.flush()
        assert [_score(box, each)["value"] for each in ("s1", "s2", "s3")] == [0.25, "fine", 1]
        assert _score(box, "s3")["comment"] == "why"
    finally:
        client.shutdown()


def test_a_reader_may_not_score(box: Serving) -> None:
    body = [{"id": "no", "traceId": "t", "name": "n", "value": 1}]
    assert box.client(Role.READER).post(SCORES, json=body).status_code == 403
    assert all(row["id"] != "no" for row in stored(box, "scores"))
