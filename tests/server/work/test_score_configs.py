"""Score configs through the unmodified client and raw HTTP."""

import re

import pytest
from langfuse.api import ConfigCategory, LangfuseAPI, NotFoundError
from tests.server.serving import Serving

from certtrace.server.access import Role

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def test_a_numeric_config_has_every_documented_field(box: Serving) -> None:
    body = {"name": "accuracy", "dataType": "NUMERIC", "minValue": 0, "maxValue": 1.5, "description": "how right"}
    answer = box.client().post("/api/public/score-configs", json=body)
    assert answer.status_code == 200
    made = answer.json()
    assert TIME.fullmatch(made.pop("createdAt"))
    assert TIME.fullmatch(made.pop("updatedAt"))
    assert box.client().get(f"/api/public/score-configs/{made['id']}").json()["id"] == made.pop("id")
    assert made == {
        "projectId": "default",
        "name": "accuracy",
        "dataType": "NUMERIC",
        "minValue": 0,
        "maxValue": 1.5,
        "categories": None,
        "description": "how right",
        "isArchived": False,
    }


def test_the_client_makes_reads_lists_and_archives(api: LangfuseAPI) -> None:
    made = api.score_configs.create(
        name="verdict",
        data_type="CATEGORICAL",
        categories=[ConfigCategory(label="good", value=1), ConfigCategory(label="bad", value=0)],
    )
    assert [(category.label, category.value) for category in made.categories] == [("good", 1), ("bad", 0)]
    assert (made.min_value, made.max_value, made.is_archived) == (None, None, False)
    assert api.score_configs.get_by_id(made.id) == made
    changed = api.score_configs.update(made.id, is_archived=True, description="no longer")
    assert (changed.is_archived, changed.description, changed.name) == (True, "no longer", "verdict")
    listed = api.score_configs.get(limit=1)
    assert listed.data == [changed]
    assert (listed.meta.page, listed.meta.limit) == (1, 1)
    assert listed.meta.total_pages == listed.meta.total_items >= 1


def test_a_boolean_config_gets_its_categories(api: LangfuseAPI) -> None:
    made = api.score_configs.create(name="passed", data_type="BOOLEAN")
    assert [(category.label, category.value) for category in made.categories] == [("True", 1), ("False", 0)]
    assert api.score_configs.update(made.id, is_archived=True).is_archived


def test_a_text_config_has_neither_range_nor_categories(api: LangfuseAPI) -> None:
    made = api.score_configs.create(name="remark (long)", data_type="TEXT")
    assert (made.data_type, made.min_value, made.max_value, made.categories) == ("TEXT", None, None, None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"name": "a"}, "Required"),
        ({"dataType": "NUMERIC"}, "Required"),
        ({"name": "a" * 36, "dataType": "NUMERIC"}, None),
        ({"name": "", "dataType": "NUMERIC"}, None),
        ({"name": "a/b", "dataType": "NUMERIC"}, "Name contains invalid characters"),
        ({"name": "a", "dataType": "OTHER"}, None),
        ({"name": "a", "dataType": "NUMERIC", "minValue": "5"}, None),
        ({"name": 5, "dataType": "NUMERIC"}, None),
        (
            {"name": "a", "dataType": "NUMERIC", "minValue": 1, "maxValue": 1},
            "Maximum value must be greater than Minimum value",
        ),
        ({"name": "a", "dataType": "NUMERIC", "categories": [{"label": "x", "value": 1}]}, None),
        (
            {"name": "a", "dataType": "CATEGORICAL"},
            "Category must be an array of objects with label value pairs, where labels and values are unique.",
        ),
        (
            {"name": "a", "dataType": "CATEGORICAL", "categories": [{"label": "x", "value": 1}] * 2},
            "Duplicate category label: x, category labels must be unique",
        ),
        (
            {
                "name": "a",
                "dataType": "CATEGORICAL",
                "categories": [{"label": "x", "value": 1}, {"label": "y", "value": 1}],
            },
            "Duplicate category value: 1, category values must be unique",
        ),
        ({"name": "a", "dataType": "CATEGORICAL", "categories": [{"label": "", "value": 1}]}, None),
        ({"name": "a", "dataType": "BOOLEAN", "categories": [{"label": "x", "value": 1}]}, None),
    ],
)
def test_a_config_that_cannot_be_is_refused(box: Serving, body: dict[str, object], message: str | None) -> None:
    answer = box.client().post("/api/public/score-configs", json=body)
    assert answer.status_code == 400
    assert answer.json()["message"] == "Invalid request data"
    (finding,) = answer.json()["error"][:1]
    assert message is None or finding["message"] == message


def test_changes_keep_a_config_whole(box: Serving) -> None:
    client = box.client()
    made = client.post("/api/public/score-configs", json={"name": "r", "dataType": "NUMERIC", "maxValue": 5}).json()
    path = f"/api/public/score-configs/{made['id']}"
    bad = client.patch(path, json={"minValue": 9})
    assert bad.status_code == 400
    assert bad.json() == {
        "message": "Maximum value must be greater than Minimum value",
        "error": "InvalidRequestError",
    }
    empty = client.patch(path, json={})
    assert empty.status_code == 400
    assert empty.json()["error"][0]["message"].startswith("Request body cannot be empty.")
    assert client.patch(path, json={"isArchived": "yes"}).status_code == 400
    assert client.patch(path, json={"isArchived": None}).status_code == 400
    assert client.patch(path, json={"categories": [{"label": "a", "value": 1}]}).status_code == 400
    done = client.patch(path, json={"minValue": 1, "name": "range"})
    assert done.status_code == 200
    assert {**made, "minValue": 1, "name": "range", "updatedAt": ""} == {**done.json(), "updatedAt": ""}


def test_an_unknown_config_is_not_found(box: Serving, api: LangfuseAPI) -> None:
    with pytest.raises(NotFoundError):
        api.score_configs.get_by_id("none")
    for answer in (
        box.client().get("/api/public/score-configs/none"),
        box.client().patch("/api/public/score-configs/none", json={"isArchived": True}),
    ):
        assert answer.status_code == 404
        assert answer.json() == {
            "message": "Score config not found within authorized project",
            "error": "LangfuseNotFoundError",
        }


def test_roles_are_kept_apart(box: Serving) -> None:
    body = {"name": "x", "dataType": "NUMERIC"}
    assert box.client(Role.READER).post("/api/public/score-configs", json=body).status_code == 403
    assert box.client(Role.WRITER).get("/api/public/score-configs").status_code == 403
    assert box.client(Role.WRITER).post("/api/public/score-configs", json=body).status_code == 200
    assert box.client(Role.READER).get("/api/public/score-configs").status_code == 200
