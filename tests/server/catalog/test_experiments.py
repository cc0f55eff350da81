"""Experiments and their items, over observations that say what they were run for."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from tests.server.serving import Serving

from certtrace.records.model import Experiment, Observation, Score
from certtrace.records.store import StoreWriter
from certtrace.server.access import Role

START = 1_795_400_000_000_000_000
SECOND = 1_000_000_000
SINCE = {"fromStartTime": "2026-01-01T00:00:00Z"}
CORE = {"id", "name", "description", "startTime", "endTime", "itemCount", "datasetId"}
ITEM_CORE = {
    "id", "traceId", "startTime", "endTime", "level", "environment", "experimentId", "experimentName",
    "experimentItemId",
}  # fmt: skip
IN_DATASET = {"experimentDatasetId", "experimentItemVersion"}


def trace(number: int, experiment: str, *, dataset_id: str | None, item: int) -> Iterator[Observation]:
    """Yield one item's run: its root span, with the task below it."""
    trace_id = f"{number:032x}"
    told = Experiment(
        id=experiment,
        name=f"name of {experiment}",
        metadata={"model": "m1"},
        dataset_id=dataset_id,
        item_id=f"item-{item}",
        item_version_ns=START if dataset_id else None,
        item_metadata={"topic": "t"},
        item_expected_output="Paris",
        root_observation_id=f"{number:016x}",
    )
    started = START + number * SECOND
    task = Observation(
        id=f"{number:016x}",
        trace_id=trace_id,
        name="experiment-item-task",
        start_time_ns=started + 1_000_000,
        end_time_ns=started + 5_000_000,
        environment="sdk-experiment",
        input='{"q": 1}',
        output="Rome",
        metadata={"a": {"b": 1}},
        experiment=replace(told, description="about"),
    )
    yield replace(task, id=f"f{number:015x}", start_time_ns=started, name="experiment-item-run")
    yield task
    yield replace(task, id=f"e{number:015x}", input=None, experiment=told)


@pytest.fixture(scope="module")
def runs(box: Serving) -> Iterator[httpx.Client]:
    """A project with four experiments: a, b and c over two datasets with two items each, d over local data."""
    project = box.box.access.project("experiments")
    observations = [
        each
        for index, (name, dataset_id) in enumerate((("a", "ds-1"), ("b", "ds-1"), ("c", "ds-2"), ("d", None)))
        for item in range(2)
        for each in trace(1 + index * 10 + item, name, dataset_id=dataset_id, item=item)
    ]
    plain = Observation(id="9" * 16, trace_id="9" * 32, name="plain", start_time_ns=START, end_time_ns=START)
    score = Score(id="s1", name="ok", value=1.0, data_type="NUMERIC", timestamp_ns=START, trace_id=f"{1:032x}")
    scores = [
        replace(score, id="of-item", observation_id=f"{1:016x}", timestamp_ns=START + 1),
        replace(score, id="of-trace", timestamp_ns=START + 2),
        replace(score, id="of-another-span", observation_id=f"f{1:015x}"),
        replace(score, id="mean", trace_id=None, dataset_run_id="a", value=0.5),
        replace(score, id="best", trace_id=None, dataset_run_id="a", value=0.9, timestamp_ns=START + 3),
    ]
    StoreWriter(box.box.store).write(project.id, [*observations, plain], scores)
    key = box.box.access.create(project, [Role.READER])
    with httpx.Client(base_url=f"{box.url}/api/public", auth=(key.public_key, key.secret_key), timeout=20) as client:
        yield client


def ask(client: httpx.Client, path: str, **params: Any) -> dict[str, Any]:
    answer = client.get(path, params=SINCE | params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def ids(body: dict[str, Any]) -> list[str]:
    return [each["id"] for each in body["data"]]


def test_experiments_come_last_active_first_with_their_core(runs: httpx.Client) -> None:
    body = ask(runs, "/experiments")
    assert ids(body) == ["d", "c", "b", "a"]
    assert body["meta"] == {}
    assert body["data"][3] == {
        "id": "a",
        "name": "name of a",
        "description": "about",
        "startTime": "2026-11-23T02:13:21.000Z",
        "endTime": "2026-11-23T02:13:22.005Z",
        "itemCount": 2,
        "datasetId": "ds-1",
    }
    assert body["data"][0]["datasetId"] is None


def test_groups_add_metadata_and_scores(runs: httpx.Client) -> None:
    experiment = ask(runs, "/experiments", id="a", fields="core,metadata,scores")["data"][0]
    assert experiment.keys() == CORE | {"metadata", "scores"}
    assert experiment["metadata"] == {"model": "m1"}
    assert [(each["id"], each["value"], each["subject"]) for each in experiment["scores"]] == [
        ("best", 0.9, {"kind": "experiment", "id": "a"}),
        ("mean", 0.5, {"kind": "experiment", "id": "a"}),
    ]
    few = ask(runs, "/experiments", id="a", fields="scores", scoreLimit=1)["data"][0]
    assert [each["id"] for each in few["scores"]] == ["best"]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"id": "a,c,nowhere"}, ["c", "a"]),
        ({"name": "name of b"}, ["b"]),
        ({"datasetId": "ds-1"}, ["b", "a"]),
        ({"datasetId": "ds-1", "id": "c"}, []),
        ({"toStartTime": "2026-11-23T02:13:31Z"}, ["a"]),
        ({"fromStartTime": "2026-11-23T02:13:41Z"}, ["d", "c"]),
        ({"id": ""}, ["d", "c", "b", "a"]),
    ],
)
def test_experiments_are_selected(runs: httpx.Client, params: dict[str, str], expected: list[str]) -> None:
    assert ids(ask(runs, "/experiments", **params)) == expected


@pytest.mark.parametrize(
    ("column", "operator", "value", "expected"),
    [
        ("id", "any of", ["a", "d"], ["d", "a"]),
        ("datasetId", "none of", ["ds-1"], ["d", "c"]),
        ("name", "any of", ["name of c"], ["c"]),
    ],
)
def test_a_filter_selects_experiments(
    runs: httpx.Client, column: str, operator: str, value: list[str], expected: list[str]
) -> None:
    condition = {"type": "stringOptions", "column": column, "operator": operator, "value": value}
    assert ids(ask(runs, "/experiments", filter=json.dumps([condition]))) == expected


def test_a_window_clips_what_an_experiment_shows(runs: httpx.Client) -> None:
    shown = ask(runs, "/experiments", id="a", fromStartTime="2026-11-23T02:13:22Z")["data"][0]
    assert (shown["startTime"], shown["itemCount"]) == ("2026-11-23T02:13:22.000Z", 1)


@pytest.mark.parametrize("path", ["/experiments", "/experiment-items"])
def test_pages_follow_each_other_without_gap_or_repetition(runs: httpx.Client, path: str) -> None:
    whole = ids(ask(runs, path))
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(len(whole)):
        body = ask(runs, path, limit=3, **cursor)
        found += ids(body)
        if "cursor" not in body["meta"]:
            break
        cursor = {"cursor": body["meta"]["cursor"]}
    assert found == whole


def test_items_come_newest_first_with_their_core_and_dataset(runs: httpx.Client) -> None:
    body = ask(runs, "/experiment-items")
    assert [each["experimentId"] for each in body["data"]] == ["d", "d", "c", "c", "b", "b", "a", "a"]
    item = body["data"][7]
    assert item == {
        "id": f"{1:016x}",
        "traceId": f"{1:032x}",
        "startTime": "2026-11-23T02:13:21.001Z",
        "endTime": "2026-11-23T02:13:21.005Z",
        "level": "DEFAULT",
        "environment": "sdk-experiment",
        "experimentId": "a",
        "experimentName": "name of a",
        "experimentItemId": "item-0",
        "experimentDatasetId": "ds-1",
        "experimentItemVersion": "2026-11-23T02:13:20.000Z",
    }
    assert (body["data"][0]["experimentDatasetId"], body["data"][0]["experimentItemVersion"]) == (None, None)


def test_groups_add_content_metadata_and_scores(runs: httpx.Client) -> None:
    fields = "core,io,metadata,itemMetadata,experimentMetadata,scores"
    item = ask(runs, "/experiment-items", experimentId="a", experimentItemId="item-0", fields=fields)["data"][0]
    added = {"input", "output", "expectedOutput", "metadata", "experimentItemMetadata", "experimentMetadata"}
    assert item.keys() == ITEM_CORE | added | {"experimentDescription", "scores"}
    assert (item["input"], item["output"], item["expectedOutput"]) == ('{"q": 1}', "Rome", "Paris")
    assert item["metadata"] == {"a.b": 1}
    assert (item["experimentItemMetadata"], item["experimentMetadata"]) == ({"topic": "t"}, {"model": "m1"})
    assert item["experimentDescription"] == "about"
    assert [each["id"] for each in item["scores"]] == ["of-trace", "of-item"]
    core = ask(runs, "/experiment-items", fields="core", limit=1)["data"][0]
    assert core.keys() == ITEM_CORE
    assert ask(runs, "/experiment-items", limit=1)["data"][0].keys() == ITEM_CORE | IN_DATASET


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"experimentName": "name of a,name of b"}, 4),
        ({"experimentItemId": "item-1"}, 4),
        ({"datasetId": "ds-2"}, 2),
        ({"fromStartTime": "2026-11-23T02:13:51.001Z", "toStartTime": "2026-11-23T02:13:51.002Z"}, 1),
    ],
)
def test_items_are_selected(runs: httpx.Client, params: dict[str, str], expected: int) -> None:
    assert len(ask(runs, "/experiment-items", **params)["data"]) == expected


def encoded(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


@pytest.mark.parametrize("path", ["/experiments", "/experiment-items"])
@pytest.mark.parametrize(
    "params",
    [
        {"fromStartTime": ""},
        {"fromStartTime": "2026-01-01"},
        {"toStartTime": "now"},
        {"limit": "101"},
        {"limit": "0"},
        {"scoreLimit": "51"},
        {"fields": "core,all"},
        {"cursor": "%%%"},
        {"cursor": encoded([])},
        {"cursor": encoded({"v": 2})},
        {"cursor": encoded({"v": 1, "lastTime": "x", "lastTraceId": "", "lastId": "", "lastExperimentId": ""})},
        {"filter": "{"},
        {"filter": json.dumps([{"type": "string", "column": "input", "operator": "=", "value": "x"}])},
    ],
)
def test_what_cannot_be_asked_is_refused(runs: httpx.Client, path: str, params: dict[str, str]) -> None:
    assert runs.get(path, params=SINCE | params).status_code == 400


def test_the_start_must_be_given(runs: httpx.Client) -> None:
    answer = runs.get("/experiments")
    assert answer.status_code == 400
    assert [(each["path"], each["message"]) for each in answer.json()["error"]] == [(["fromStartTime"], "Required")]


def test_who_reads_items_is_recorded(box: Serving, runs: httpx.Client) -> None:
    ask(runs, "/experiment-items", experimentId="c")
    reads, total = box.box.access.reads.page("experiments", trace_id=f"{21:032x}", offset=0, limit=10)
    assert total >= 1
    assert reads[0].route == "/api/public/experiment-items"


def test_projects_are_apart(other: httpx.Client) -> None:
    for path in ("experiments", "experiment-items"):
        assert other.get(f"/api/public/{path}", params=SINCE).json() == {"data": [], "meta": {}}
