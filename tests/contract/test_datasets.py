"""v2/datasets, dataset-items, runs: shapes, versions, archive, experiments, deletes."""

import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from langfuse.experiment import Evaluation
from tests.contract.shapes import anything, assert_page, assert_shape, moment, number, one_of, optional, rows, text
from tests.contract.shapes import whole as whole_number
from tests.contract.target import Json, Target, condition, ids, iso, unique

DATASET = {
    "id": text,
    "projectId": text,
    "name": text,
    "description": optional(text),
    "metadata": anything,
    "inputSchema": anything,
    "expectedOutputSchema": anything,
    "createdAt": moment,
    "updatedAt": moment,
}
ITEM = {
    "id": text,
    "datasetId": text,
    "datasetName": text,
    "status": one_of("ACTIVE", "ARCHIVED"),
    "input": anything,
    "expectedOutput": anything,
    "metadata": anything,
    "sourceTraceId": optional(text),
    "sourceObservationId": optional(text),
    "createdAt": moment,
    "updatedAt": moment,
    "version": moment,
    "mediaReferences": rows,
}
RUN = {
    "id": text,
    "name": text,
    "description": optional(text),
    "metadata": anything,
    "datasetId": text,
    "datasetName": text,
    "createdAt": moment,
    "updatedAt": moment,
}
RUN_ITEM = {
    "id": text,
    "datasetRunId": text,
    "datasetRunName": text,
    "datasetItemId": text,
    "traceId": text,
    "observationId": optional(text),
    "createdAt": moment,
    "updatedAt": moment,
}
EXPERIMENT = {
    "id": text,
    "name": text,
    "description": optional(text),
    "startTime": moment,
    "endTime": moment,
    "itemCount": whole_number,
    "datasetId": optional(text),
}


def dataset(target: Target, name: str | None = None, **body: Json) -> Json:
    return target.post("v2/datasets", {"name": name or unique()} | body)


def item(target: Target, name: str, **body: Json) -> Json:
    return target.post("dataset-items", {"datasetName": name, "input": {"key": "value"}} | body)


def items(target: Target, name: str, **params: Json) -> Json:
    return target.get("dataset-items", datasetName=name, **params)


@pytest.mark.parametrize("name", ["dataset + name", "folder/sub/dataset", "ünï 漢字 100%", "a?b#c&d=e"])
def test_a_dataset_has_exactly_its_fields_under_any_name(target: Target, name: str) -> None:
    name = unique(name)
    made = dataset(target, name, description="about", metadata={"foo": "bar"})
    found = target.get(f"v2/datasets/{quote(name, safe='')}")
    for one in (made, found):
        assert_shape(one, DATASET)
        assert (one["name"], one["description"], one["metadata"]) == (name, "about", {"foo": "bar"})
        assert (one["inputSchema"], one["expectedOutputSchema"]) == (None, None)
    assert target.langfuse.get_dataset(name).id == made["id"]
    assert target.get(f"v2/datasets/{unique()}", 404)["error"] == "LangfuseNotFoundError"


def test_a_dataset_is_changed_by_its_name_and_listed_newest_first(target: Target) -> None:
    first, second = dataset(target, description="one"), dataset(target)
    changed = dataset(target, first["name"], description="two")
    assert (changed["id"], changed["description"]) == (first["id"], "two")
    answer = target.get("v2/datasets", limit=100)
    assert_page(answer, DATASET)
    found = [one for one in ids(answer) if one in (first["id"], second["id"])]
    assert found == [second["id"], first["id"]]
    assert target.get("v2/datasets", limit=1, page=2)["meta"]["page"] == 2
    target.get("v2/datasets", 400, limit=101)


def test_items_are_upserted_listed_archived_and_deleted(target: Target) -> None:
    name, item_id = dataset(target)["name"], unique()
    made = item(target, name, id=item_id, metadata={"a": 1}, sourceTraceId="t", sourceObservationId="o")
    assert_shape(made, ITEM)
    assert (made["id"], made["status"], made["expectedOutput"]) == (item_id, "ACTIVE", None)
    assert (made["sourceTraceId"], made["sourceObservationId"]) == ("t", "o")
    second = item(target, name, expectedOutput="Output")
    answer = items(target, name)
    assert_page(answer, ITEM)
    assert ids(answer) == [second["id"], item_id]
    assert answer["meta"] == {"page": 1, "limit": 50, "totalItems": 2, "totalPages": 1}
    assert ids(items(target, name, limit=1, page=2)) == [item_id]
    assert ids(items(target, name, sourceTraceId="t")) == [item_id]
    assert ids(items(target, name, sourceObservationId="o")) == [item_id]
    changed = item(target, name, id=item_id, input={"key": "value2"}, metadata=["hello"], status="ARCHIVED")
    assert (changed["input"], changed["metadata"], changed["status"]) == ({"key": "value2"}, ["hello"], "ARCHIVED")
    assert ids(items(target, name)) == [second["id"]]
    assert target.delete(f"dataset-items/{second['id']}") == {"message": "Dataset item successfully deleted"}
    target.get(f"dataset-items/{second['id']}", 404)
    target.delete(f"dataset-items/{second['id']}", 404)
    assert items(target, name)["data"] == []


def test_an_item_belongs_to_one_dataset(target: Target) -> None:
    first, second = dataset(target)["name"], dataset(target)["name"]
    made = item(target, first)
    target.post("dataset-items", {"datasetName": second, "id": made["id"], "input": 1}, 404)
    target.post("dataset-items", {"datasetName": unique(), "input": 1}, 404)
    target.post("dataset-items", {"input": 1}, 400)
    target.post("dataset-items", {"datasetName": first, "status": "NONSENSE"}, 400)


def test_a_dataset_is_read_as_it_was_at_a_moment(target: Target) -> None:
    name = dataset(target)["name"]
    first = item(target, name, input={"value": "version 1"}, expectedOutput="v1")
    time.sleep(0.01)
    then = datetime.now(UTC)
    time.sleep(0.01)
    item(target, name, id=first["id"], input={"value": "version 2"}, expectedOutput="v2")
    second = item(target, name, input={"value": "later"})
    [old] = items(target, name, version=iso(then))["data"]
    assert (old["id"], old["input"], old["expectedOutput"]) == (first["id"], {"value": "version 1"}, "v1")
    assert set(ids(items(target, name))) == {first["id"], second["id"]}
    target.get("dataset-items", 400, version=iso(then))
    versioned = target.langfuse.get_dataset(name, version=then)
    assert [one.input for one in versioned.items] == [{"value": "version 1"}]
    assert versioned.version == then


def test_the_sdk_reads_all_pages_of_items(target: Target) -> None:
    name = dataset(target)["name"]
    for at in range(5):
        item(target, name, input=at)
    assert [one.input for one in target.langfuse.get_dataset(name, fetch_items_page_size=2).items] == [4, 3, 2, 1, 0]


def test_runs_are_made_by_their_items(target: Target) -> None:
    name, run = unique("data set"), unique("run/nested + ")
    data = dataset(target, name)
    made = item(target, name)
    body = {
        "runName": run,
        "datasetItemId": made["id"],
        "traceId": unique(),
        "runDescription": "d",
        "metadata": {"k": 1},
    }
    run_item = target.post(
        "dataset-run-items", body | {"observationId": "o-1", "createdAt": "2024-06-15T12:00:00.000Z"}
    )
    assert_shape(run_item, RUN_ITEM)
    assert (run_item["datasetRunName"], run_item["observationId"]) == (run, "o-1")
    assert run_item["createdAt"] == "2024-06-15T12:00:00.000Z"
    target.post("dataset-run-items", body | {"createdAt": "2025-01-01T00:00:00.000Z"})
    path = f"datasets/{quote(name, safe='')}/runs"
    answer = target.get(path)
    assert_page(answer, RUN)
    [listed] = answer["data"]
    assert (listed["name"], listed["description"], listed["metadata"]) == (run, "d", {"k": 1})
    assert listed["createdAt"] == "2024-06-15T12:00:00.000Z"
    one = target.get(f"{path}/{quote(run, safe='')}")
    assert_shape(one, RUN | {"datasetRunItems": rows})
    assert len(one["datasetRunItems"]) == 2
    for each in one["datasetRunItems"]:
        assert_shape(each, RUN_ITEM)
    page = target.get("dataset-run-items", datasetId=data["id"], runName=run, limit=1)
    assert_page(page, RUN_ITEM)
    assert page["meta"] == {"page": 1, "limit": 1, "totalItems": 2, "totalPages": 2}
    target.get("dataset-run-items", 404, datasetId=data["id"], runName="nobody")
    target.post("dataset-run-items", {"runName": run, "datasetItemId": made["id"]}, 400)
    target.delete(f"{path}/nobody", 404)
    assert target.delete(f"{path}/{quote(run, safe='')}") == {"message": "Dataset run successfully deleted"}
    target.get(f"{path}/{quote(run, safe='')}", 404)


def test_an_experiment_is_read_with_its_items_and_scores(target: Target) -> None:
    lf, name = target.langfuse, unique("capitals")
    data = dataset(target, name)
    for country, capital in (("Germany", "Berlin"), ("France", "Paris")):
        item(target, name, input=country, expectedOutput=capital, metadata={"country": country})
    result = lf.get_dataset(name).run_experiment(
        name="Capitals",
        run_name=unique("run"),
        description="Country capitals",
        metadata={"model": "none"},
        task=lambda *, item, **_: f"Capital of {item.input}",
        evaluators=[lambda *, output, **_: Evaluation(name="length", value=len(output), comment="counted")],
        run_evaluators=[lambda *, item_results, **_: Evaluation(name="items", value=len(item_results))],
    )
    lf.flush()
    since = datetime.now(UTC) - timedelta(hours=1)
    wanted = {"fromStartTime": iso(since), "datasetId": data["id"], "name": result.run_name}
    answer = target.eventually(
        lambda: target.get("experiments", **wanted, fields="core,metadata,scores"),
        lambda a: bool(a["data"]) and a["data"][0]["itemCount"] == 2 and bool(a["data"][0]["scores"]),
    )
    [experiment] = answer["data"]
    assert_shape(experiment, EXPERIMENT | {"metadata": anything, "scores": rows})
    assert (experiment["id"], experiment["name"]) == (result.experiment_id, result.run_name)
    assert (experiment["description"], experiment["metadata"]) == ("Country capitals", {"model": "none"})
    assert [(one["name"], one["value"]) for one in experiment["scores"]] == [("items", 2)]
    assert_shape(target.get("experiments", **wanted)["data"][0], EXPERIMENT)
    by_id = condition("string", "id", "=", experiment["id"])
    assert ids(target.filtered("experiments", by_id, fromStartTime=iso(since))) == [experiment["id"]]
    found = target.get(
        "experiment-items",
        fromStartTime=iso(since),
        experimentId=experiment["id"],
        fields="core,dataset,io,metadata,itemMetadata,experimentMetadata,scores",
    )
    assert len(found["data"]) == 2
    for row in found["data"]:
        assert row["experimentName"] == result.run_name
        assert row["experimentDatasetId"] == data["id"]
        assert row["output"] in ("Capital of Germany", "Capital of France")
        assert row["expectedOutput"] in ("Berlin", "Paris")
        assert row["experimentItemMetadata"]["country"] == row["input"]
        assert row["experimentDescription"] == "Country capitals"
        assert [(one["name"], one["value"]) for one in row["scores"]] == [("length", len(row["output"]))]
    pages = lf.api.experiments.list_items(from_start_time=since, experiment_id=experiment["id"], limit=1)
    assert len(pages.data) == 1
    rest = lf.api.experiments.list_items(
        from_start_time=since, experiment_id=experiment["id"], limit=1, cursor=pages.meta.cursor
    )
    assert {pages.data[0].id, rest.data[0].id} == {row["id"] for row in found["data"]}
    assert number(experiment["itemCount"])


@pytest.mark.parametrize("path", ["experiments", "experiment-items"])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"fromStartTime": "yesterday"},
        {"fromStartTime": "2026-01-01T00:00:00Z", "limit": 101},
        {"fromStartTime": "2026-01-01T00:00:00Z", "fields": "nonsense"},
        {"fromStartTime": "2026-01-01T00:00:00Z", "cursor": "nonsense"},
        {"fromStartTime": "2026-01-01T00:00:00Z", "scoreLimit": 51},
        {
            "fromStartTime": "2026-01-01T00:00:00Z",
            "filter": '[{"type":"string","column":"x","operator":"=","value":""}]',
        },
    ],
    ids=str,
)
def test_experiments_cannot_be_asked_for_otherwise(target: Target, path: str, params: Json) -> None:
    assert isinstance(target.get(path, 400, **params)["message"], str)
