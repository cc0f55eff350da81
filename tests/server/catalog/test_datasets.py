"""Datasets and their items over plain HTTP."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.server.serving import Serving

from certtrace.server.access import Role

DATASETS = "/api/public/v2/datasets"
ITEMS = "/api/public/dataset-items"
DATASET_FIELDS = {
    "id", "name", "description", "metadata", "inputSchema", "expectedOutputSchema", "projectId", "createdAt",
    "updatedAt",
}  # fmt: skip
ITEM_FIELDS = {
    "id", "status", "input", "expectedOutput", "metadata", "sourceTraceId", "sourceObservationId", "datasetId",
    "datasetName", "createdAt", "updatedAt", "version", "mediaReferences",
}  # fmt: skip
Fresh = Callable[[str], str]


def make(http: httpx.Client, name: str, **more: Any) -> dict[str, Any]:
    answer = http.post(DATASETS, json={"name": name, **more})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def put(http: httpx.Client, name: str, **item: Any) -> dict[str, Any]:
    answer = http.post(ITEMS, json={"datasetName": name, **item})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def listed(http: httpx.Client, name: str, **params: Any) -> list[Any]:
    answer = http.get(ITEMS, params={"datasetName": name, **params})
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["data"]
    return found


@pytest.fixture
def dataset(http: httpx.Client, fresh: Fresh) -> str:
    name = fresh("answers/2026")
    make(http, name)
    return name


def test_a_dataset_comes_back_field_by_field(http: httpx.Client, fresh: Fresh) -> None:
    name = fresh("geo/capitals of Europe 100%")
    schema = {"type": "object", "properties": {"country": {"type": "string"}}, "required": ["country"]}
    made = make(http, name, description="about", metadata={"a": [1]}, inputSchema=schema)
    assert made.keys() == DATASET_FIELDS
    expected = {"name": name, "description": "about", "metadata": {"a": [1]}, "inputSchema": schema}
    assert (expected | {"expectedOutputSchema": None, "projectId": "default"}).items() <= made.items()
    found = http.get(f"{DATASETS}/{quote(name, safe='')}")
    assert found.json() == made
    twice = http.get(f"{DATASETS}/{quote(quote(name, safe=''), safe='')}")
    assert twice.json() == made


def test_a_dataset_of_the_same_name_is_changed(http: httpx.Client, fresh: Fresh) -> None:
    name = fresh("changed")
    first = make(http, name, description="about", metadata={"a": 1}, inputSchema={"type": "string"})
    second = make(http, name, description=None, expectedOutputSchema={"type": "string"})
    kept = {key: first[key] for key in ("id", "description", "metadata", "inputSchema", "createdAt")}
    assert kept.items() <= second.items()
    assert second["updatedAt"] >= first["updatedAt"]
    assert make(http, name, inputSchema=None)["inputSchema"] is None


def test_datasets_are_listed_newest_first(http: httpx.Client, fresh: Fresh) -> None:
    names = [fresh("listed") for _ in range(3)]
    for name in names:
        make(http, name)
    answer = http.get(DATASETS, params={"limit": 2}).json()
    assert [each["name"] for each in answer["data"]] == names[:0:-1]
    assert answer["meta"].keys() == {"page", "limit", "totalItems", "totalPages"}
    assert (answer["meta"]["page"], answer["meta"]["limit"]) == (1, 2)
    assert answer["meta"]["totalPages"] == -(-answer["meta"]["totalItems"] // 2)
    assert http.get(DATASETS, params={"limit": 2, "page": 2}).json()["data"][0]["name"] == names[0]


def test_what_is_personal_in_a_dataset_is_redacted(http: httpx.Client, fresh: Fresh) -> None:
    name, planted = fresh("redacted"), "jane.doe@example.org"
    schema = {"type": "object", "description": f"by {planted}", "properties": {"password": {"type": "string"}}}
    made = make(http, name, description=f"by {planted}", metadata={"owner": planted}, inputSchema=schema)
    assert planted not in str(made)
    assert made["inputSchema"]["properties"] == schema["properties"]
    assert made["metadata"]["cert.redaction"]["counts"] == {"EMAIL": 2}
    item = put(http, name, input={"answer": f"write to {planted}"}, expectedOutput=planted, metadata={})
    assert planted not in http.get(f"{ITEMS}/{item['id']}").text
    personal = f"{name} of {planted}"
    shown = make(http, personal)["name"]
    assert planted not in shown
    assert http.get(f"{DATASETS}/{quote(personal, safe='')}").json()["name"] == shown


@pytest.mark.parametrize("name", ["/x", "x/", "a//b", "", "<i>"])
def test_a_name_that_cannot_be_is_refused(http: httpx.Client, name: str) -> None:
    answer = http.post(DATASETS, json={"name": name})
    assert answer.status_code == 400
    assert answer.json()["error"] == "InvalidRequestError"
    assert answer.json()["message"].startswith("Dataset name not valid. ")


def test_a_dataset_that_is_not_there_is_not_found(http: httpx.Client) -> None:
    answer = http.get(f"{DATASETS}/nowhere")
    assert answer.status_code == 404
    assert answer.json() == {"error": "LangfuseNotFoundError", "message": "Dataset not found"}
    assert http.get(ITEMS, params={"datasetName": "nowhere"}).json() == answer.json()
    missing = http.post(ITEMS, json={"datasetName": "nowhere", "input": 1})
    assert missing.status_code == 404
    assert missing.json()["message"] == "Dataset nowhere not found for project default"


def test_an_item_comes_back_field_by_field(http: httpx.Client, dataset: str) -> None:
    sent = {"input": {"q": 1}, "expectedOutput": "4", "metadata": {"k": "v"}, "sourceTraceId": "a" * 32}
    made = put(http, dataset, **sent, sourceObservationId="b" * 16)
    assert made.keys() == ITEM_FIELDS
    assert made["input"] == {"q": 1}
    assert made["expectedOutput"] == 4
    assert (made["sourceTraceId"], made["sourceObservationId"]) == ("a" * 32, "b" * 16)
    assert (made["status"], made["datasetName"], made["metadata"]) == ("ACTIVE", dataset, {"k": "v"})
    assert made["version"] == made["createdAt"] == made["updatedAt"]
    assert http.get(f"{ITEMS}/{made['id']}").json() == made
    assert listed(http, dataset) == [made]


def test_an_item_without_an_id_needs_an_input(http: httpx.Client, dataset: str) -> None:
    answer = http.post(ITEMS, json={"datasetName": dataset})
    assert answer.status_code == 400
    assert answer.json()["message"] == "Dataset item validation failed: Dataset item input cannot be null"
    assert put(http, dataset, id=f"{dataset}-empty")["input"] is None


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("plain text", "plain text"),
        ('{"a": 1}', {"a": 1}),
        ("", None),
        ("a\x00b\x07c\td", "abc\td"),
        ({"a": ["x\x7f", 1.5, None, True]}, {"a": ["x", 1.5, None, True]}),
        (0, 0),
        (2**70, 2.0**70),
        (False, False),
        ([], []),
    ],
)
def test_inputs_are_kept_as_langfuse_keeps_them(http: httpx.Client, dataset: str, sent: Any, kept: Any) -> None:
    made = put(http, dataset, id=f"{dataset}-x", input=sent)
    assert made["input"] == kept
    assert type(made["input"]) is type(kept)


def test_an_item_of_the_same_id_is_changed_and_keeps_the_rest(http: httpx.Client, dataset: str) -> None:
    item_id = f"{dataset}-1"
    first = put(http, dataset, id=item_id, input="question", metadata={"a": 1})
    second = put(http, dataset, id=item_id, expectedOutput="answer", input=None)
    assert (second["input"], second["expectedOutput"], second["metadata"]) == ("question", "answer", {"a": 1})
    assert second["createdAt"] == first["createdAt"]
    assert second["version"] > first["version"]


def test_reads_as_of_a_version_are_exact(http: httpx.Client, dataset: str) -> None:
    versions = [put(http, dataset, id=f"{dataset}-a", input=number)["version"] for number in range(5)]
    versions.append(put(http, dataset, id=f"{dataset}-b", input="other")["version"])
    put(http, dataset, id=f"{dataset}-a", status="ARCHIVED")
    http.delete(f"{ITEMS}/{dataset}-b").raise_for_status()
    assert len(set(versions)) == 6
    for number, version in enumerate(versions[:5]):
        assert [each["input"] for each in listed(http, dataset, version=version)] == [number]
    assert [each["input"] for each in listed(http, dataset, version=versions[5])] == ["other", 4]
    assert listed(http, dataset, version="2020-01-01T00:00:00Z") == []
    assert listed(http, dataset) == []


def test_items_changed_last_come_first_and_by_pages(http: httpx.Client, dataset: str) -> None:
    for number in range(5):
        put(http, dataset, id=f"{dataset}-{number}", input=number)
    put(http, dataset, id=f"{dataset}-1", input="again")
    assert [each["input"] for each in listed(http, dataset)] == ["again", 4, 3, 2, 0]
    answer = http.get(ITEMS, params={"datasetName": dataset, "limit": 2, "page": 3}).json()
    assert [each["input"] for each in answer["data"]] == [0]
    assert answer["meta"] == {"page": 3, "limit": 2, "totalItems": 5, "totalPages": 3}


def test_archived_items_are_found_by_id_only(http: httpx.Client, dataset: str) -> None:
    item = put(http, dataset, input=1, status="ARCHIVED")
    assert listed(http, dataset) == []
    assert http.get(f"{ITEMS}/{item['id']}").json()["status"] == "ARCHIVED"
    assert put(http, dataset, id=item["id"], status="ACTIVE")["input"] == 1
    assert len(listed(http, dataset)) == 1


def test_items_are_found_by_their_source(http: httpx.Client, dataset: str) -> None:
    item = put(http, dataset, input=1, sourceTraceId=f"{dataset}-t", sourceObservationId=f"{dataset}-o")
    put(http, dataset, input=2)
    for params in ({"sourceTraceId": f"{dataset}-t"}, {"sourceObservationId": f"{dataset}-o"}):
        assert [each["id"] for each in http.get(ITEMS, params=params).json()["data"]] == [item["id"]]
    assert http.get(ITEMS, params={"sourceTraceId": "nowhere"}).json()["data"] == []


def test_a_deleted_item_is_gone_and_its_id_is_free(http: httpx.Client, dataset: str, fresh: Fresh) -> None:
    item_id = f"{dataset}-gone"
    put(http, dataset, id=item_id, input=1)
    deleted = http.delete(f"{ITEMS}/{item_id}")
    assert (deleted.status_code, deleted.json()) == (200, {"message": "Dataset item successfully deleted"})
    missing = http.get(f"{ITEMS}/{item_id}")
    assert missing.json() == {"error": "LangfuseNotFoundError", "message": "Dataset item not found"}
    again = http.delete(f"{ITEMS}/{item_id}")
    assert again.status_code == 404
    assert again.json()["message"] == f"Dataset item with id {item_id} not found for project default"
    elsewhere = fresh("elsewhere")
    make(http, elsewhere)
    assert put(http, elsewhere, id=item_id, input=2)["datasetName"] == elsewhere
    refused = http.post(ITEMS, json={"datasetName": dataset, "id": item_id, "input": 3})
    assert refused.status_code == 404
    assert http.get(f"{ITEMS}/{item_id}").json()["input"] == 2


def test_items_must_fit_the_schemas_of_their_dataset(http: httpx.Client, fresh: Fresh) -> None:
    name = fresh("strict")
    schema = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
    make(http, name, inputSchema=schema, expectedOutputSchema={"type": "integer"})
    answer = http.post(ITEMS, json={"datasetName": name, "input": {"secret answer": 1}, "expectedOutput": "x"})
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "InvalidRequestError",
        "message": "Dataset item validation failed: Input validation failed: must have required property 'q'; "
        "Expected output validation failed: must be integer",
    }
    item = put(http, name, input={"q": "jane.doe@example.org"}, expectedOutput=5)
    half = http.post(ITEMS, json={"datasetName": name, "id": item["id"], "input": {"q": 7}})
    assert half.status_code == 400
    assert http.get(f"{ITEMS}/{item['id']}").json() == item


def test_a_schema_that_items_do_not_fit_is_refused(http: httpx.Client, dataset: str) -> None:
    item = put(http, dataset, input={"secret": "answer"})
    answer = http.post(DATASETS, json={"name": dataset, "description": "new", "inputSchema": {"type": "string"}})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Schema validation failed for 1 item(s). Details: [")
    assert item["id"] in answer.json()["message"]
    assert "answer" not in answer.json()["message"].replace(item["id"], "")
    found = http.get(f"{DATASETS}/{quote(dataset, safe='')}").json()
    assert (found["inputSchema"], found["description"]) == (None, None)


def test_changes_made_at_once_are_versions_of_their_own(http: httpx.Client, dataset: str) -> None:
    def change(number: int) -> str:
        version: str = put(http, dataset, id=f"{dataset}-hot", input=number)["version"]
        return version

    with ThreadPoolExecutor(20) as pool:
        versions = list(pool.map(change, range(20)))
    assert len(set(versions)) == 20
    for number, version in enumerate(versions):
        assert [each["input"] for each in listed(http, dataset, version=version)] == [number]


def test_a_writer_is_not_shown_what_it_did_not_send(box: Serving, http: httpx.Client, dataset: str) -> None:
    item_id = f"{dataset}-hidden"
    put(http, dataset, id=item_id, input="question", expectedOutput="secret")
    writer = box.client(Role.WRITER)
    shown = put(writer, dataset, id=item_id, metadata={"a": 1})
    assert (shown["input"], shown["expectedOutput"], shown["metadata"]) == (None, None, {"a": 1})
    assert shown.keys() == ITEM_FIELDS
    assert listed(http, dataset)[0]["expectedOutput"] == "secret"


def test_projects_are_apart(http: httpx.Client, other: httpx.Client, dataset: str) -> None:
    item = put(http, dataset, id=f"{dataset}-ours", input="ours")
    assert other.get(f"{DATASETS}/{quote(dataset, safe='')}").status_code == 404
    assert other.get(f"{ITEMS}/{item['id']}").status_code == 404
    assert other.delete(f"{ITEMS}/{item['id']}").status_code == 404
    make(other, dataset)
    assert put(other, dataset, id=item["id"], input="theirs")["input"] == "theirs"
    assert http.get(f"{ITEMS}/{item['id']}").json() == item


def test_older_clients_see_items_and_runs_with_the_dataset(http: httpx.Client, fresh: Fresh) -> None:
    name = fresh("legacy/set")
    made = http.post("/api/public/datasets", json={"name": name, "description": "d"})
    assert made.status_code == 200
    assert made.json().keys() == DATASET_FIELDS | {"items", "runs"}
    item = put(http, name, input=1)
    http.post(
        "/api/public/dataset-run-items", json={"runName": "r", "datasetItemId": item["id"], "traceId": "t"}
    ).raise_for_status()
    whole = http.get(f"/api/public/datasets/{quote(name, safe='')}").json()
    assert (whole["items"], whole["runs"]) == ([item], ["r"])
    first = http.get("/api/public/datasets", params={"limit": 1}).json()["data"][0]
    assert (first["name"], first["items"], first["runs"]) == (name, [item["id"]], ["r"])
