"""Runs over datasets, as older clients make and read them."""

import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.server.serving import Serving

from certtrace.records.model import Observation
from certtrace.records.store import StoreWriter

RUN_ITEMS = "/api/public/dataset-run-items"
RUN_FIELDS = {"id", "name", "description", "metadata", "datasetId", "datasetName", "createdAt", "updatedAt"}
RUN_ITEM_FIELDS = {
    "id", "datasetRunId", "datasetRunName", "datasetItemId", "traceId", "observationId", "createdAt", "updatedAt",
}  # fmt: skip
Fresh = Callable[[str], str]


@pytest.fixture
def dataset(http: httpx.Client, fresh: Fresh) -> dict[str, Any]:
    """A dataset in a folder with one item; `item` is its id."""
    made: dict[str, Any] = http.post("/api/public/v2/datasets", json={"name": fresh("exams/2026")}).json()
    item = http.post("/api/public/dataset-items", json={"datasetName": made["name"], "input": 1}).json()
    return made | {"item": item["id"], "version": item["version"]}


def link(http: httpx.Client, dataset: dict[str, Any], run: str, **more: Any) -> dict[str, Any]:
    body = {"runName": run, "datasetItemId": dataset["item"], "traceId": "t" * 32, **more}
    answer = http.post(RUN_ITEMS, json={key: value for key, value in body.items() if value is not None})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def runs_of(dataset: dict[str, Any]) -> str:
    return f"/api/public/datasets/{quote(dataset['name'], safe='')}/runs"


def test_a_run_is_made_by_its_first_item(http: httpx.Client, dataset: dict[str, Any]) -> None:
    run = "nightly 2026/11/23"
    more = {"runDescription": "about", "metadata": {"a": 1}, "observationId": "o1"}
    made = link(http, dataset, run, **more)
    assert made.keys() == RUN_ITEM_FIELDS
    expected = {"datasetRunName": run, "datasetItemId": dataset["item"], "traceId": "t" * 32, "observationId": "o1"}
    assert expected.items() <= made.items()
    second = link(http, dataset, run, runDescription="ignored", metadata={"b": 2})
    assert second["datasetRunId"] == made["datasetRunId"]
    found = http.get(f"{runs_of(dataset)}/{quote(run, safe='')}").json()
    assert found.keys() == RUN_FIELDS | {"datasetRunItems"}
    assert found["datasetRunItems"] == [second, made]
    told = {"name": run, "description": "about", "metadata": {"a": 1}, "datasetName": dataset["name"]}
    assert told.items() <= found.items()
    page = http.get(runs_of(dataset)).json()
    assert page["data"] == [{key: found[key] for key in RUN_FIELDS}]
    assert page["meta"]["totalItems"] == 1


def test_a_run_has_the_id_that_clients_compute(http: httpx.Client, dataset: dict[str, Any]) -> None:
    parts = ["langfuse-experiment-v1", "default", dataset["id"], "run \u00fc"]
    named = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    assert link(http, dataset, "run \u00fc")["datasetRunId"] == hashlib.sha256(named.encode()).hexdigest()[:16]


def test_items_of_a_run_come_newest_first_by_pages(http: httpx.Client, dataset: dict[str, Any]) -> None:
    made = [link(http, dataset, "paged", traceId=f"t{number}") for number in range(3)]
    asked = {"datasetId": dataset["id"], "runName": "paged", "limit": 2}
    answer = http.get(RUN_ITEMS, params=asked).json()
    assert answer["data"] == made[:0:-1]
    assert answer["meta"] == {"page": 1, "limit": 2, "totalItems": 3, "totalPages": 2}
    assert http.get(RUN_ITEMS, params=asked | {"page": 2}).json()["data"] == made[:1]


def test_runs_come_newest_first(http: httpx.Client, dataset: dict[str, Any]) -> None:
    for run in ("first", "second"):
        link(http, dataset, run)
    assert [each["name"] for each in http.get(runs_of(dataset)).json()["data"]] == ["second", "first"]


@pytest.mark.parametrize("given", ["text", [1, 2], 5])
def test_metadata_that_is_no_object_is_put_in_one(http: httpx.Client, dataset: dict[str, Any], given: Any) -> None:
    link(http, dataset, "run", metadata=given, datasetVersion=dataset["version"])
    found = http.get(f"{runs_of(dataset)}/run").json()
    assert found["metadata"] == {"metadata": given, "dataset_version": dataset["version"]}


def test_a_trace_is_found_by_its_observation(box: Serving, http: httpx.Client, dataset: dict[str, Any]) -> None:
    seen = Observation(id="c" * 16, trace_id="d" * 32, start_time_ns=10**18, end_time_ns=10**18 + 1)
    StoreWriter(box.box.store).write(box.project.id, [seen])
    made = link(http, dataset, "run", traceId=None, observationId=seen.id)
    assert (made["traceId"], made["observationId"]) == (seen.trace_id, seen.id)


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"datasetItemId": "nowhere"}, 404, "Dataset item not found"),
        ({"traceId": None, "observationId": "nowhere"}, 404, "Observation not found"),
        ({"traceId": None}, 400, "Invalid request data"),
        ({"traceId": ""}, 400, "Invalid request data"),
        ({"unknown": 1}, 400, "Invalid request data"),
        ({"datasetVersion": "2020-01-01T00:00:00Z"}, 404, "Dataset item not found"),
    ],
)
def test_what_cannot_be_linked_makes_no_run(
    http: httpx.Client, dataset: dict[str, Any], change: dict[str, Any], status: int, message: str
) -> None:
    body = {"runName": "refused", "datasetItemId": dataset["item"], "traceId": "t"} | change
    answer = http.post(RUN_ITEMS, json={key: value for key, value in body.items() if value is not None})
    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert http.get(runs_of(dataset)).json()["data"] == []


def test_an_archived_item_is_not_linked(http: httpx.Client, dataset: dict[str, Any]) -> None:
    body = {"datasetName": dataset["name"], "id": dataset["item"], "status": "ARCHIVED"}
    http.post("/api/public/dataset-items", json=body).raise_for_status()
    linked = {"runName": "r", "datasetItemId": dataset["item"], "traceId": "t"}
    assert http.post(RUN_ITEMS, json=linked).status_code == 404


def test_a_deleted_run_is_gone(http: httpx.Client, dataset: dict[str, Any]) -> None:
    link(http, dataset, "gone")
    path = f"{runs_of(dataset)}/gone"
    deleted = http.delete(path)
    assert (deleted.status_code, deleted.json()) == (200, {"message": "Dataset run successfully deleted"})
    for method in ("GET", "DELETE"):
        again = http.request(method, path)
        assert again.json() == {"error": "LangfuseNotFoundError", "message": "Dataset run not found"}
    asked = http.get(RUN_ITEMS, params={"datasetId": dataset["id"], "runName": "gone"})
    assert asked.status_code == 404
    assert asked.json()["message"] == "Dataset run not found for the given project and dataset id"
    assert link(http, dataset, "gone")["datasetRunName"] == "gone"
    assert len(http.get(path).json()["datasetRunItems"]) == 1


def test_names_with_slashes_mean_what_their_encoding_says(http: httpx.Client, fresh: Fresh) -> None:
    outer = fresh("outer")
    for name in (outer, f"{outer}/runs/inner", f"{outer}/runs"):
        http.post("/api/public/v2/datasets", json={"name": name}).raise_for_status()
        item = http.post("/api/public/dataset-items", json={"datasetName": name, "input": 1}).json()
        body = {"runName": "inner/runs", "datasetItemId": item["id"], "traceId": "t"}
        http.post(RUN_ITEMS, json=body).raise_for_status()
        base = f"/api/public/datasets/{quote(name, safe='')}"
        assert http.get(base).json()["name"] == name
        assert http.get(f"{base}/runs").json()["data"][0]["datasetName"] == name
        assert http.get(f"{base}/runs/inner%2Fruns").json()["datasetName"] == name


def test_projects_are_apart(http: httpx.Client, other: httpx.Client, dataset: dict[str, Any]) -> None:
    link(http, dataset, "ours")
    assert other.get(f"{runs_of(dataset)}/ours").status_code == 404
    assert other.delete(f"{runs_of(dataset)}/ours").status_code == 404
    assert other.get(RUN_ITEMS, params={"datasetId": dataset["id"], "runName": "ours"}).status_code == 404
    body = {"runName": "theirs", "datasetItemId": dataset["item"], "traceId": "t"}
    assert other.post(RUN_ITEMS, json=body).status_code == 404
