"""Prompts and models that observations name are shown with their ids and prices."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.server.reads.records import GENERATION, GRADING, OBSERVATIONS
from tests.server.serving import Serving, serving

from certtrace.records.store import StoreWriter
from certtrace.server.access import Role


@pytest.fixture(scope="module")
def related(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("related")) as running:
        generation = next(each for each in OBSERVATIONS if each.id == GENERATION)
        StoreWriter(running.box.store).write(running.project.id, [replace(generation, prompt_version=1)])
        yield running


def posted(box: Serving, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = box.client().post(f"/api/public/{path}", json=body)
    assert answer.status_code in (200, 201), answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_models_and_prompts_are_found_by_their_names(related: Serving) -> None:
    model = posted(
        related,
        "models",
        {
            "modelName": "gpt-test",
            "matchPattern": "(?i)^gpt-test$",
            "unit": "TOKENS",
            "inputPrice": 0.00000025,
            "outputPrice": 0.5,
        },
    )
    prompt = posted(related, "v2/prompts", {"name": "rubric", "type": "text", "prompt": "Grade it."})
    client = related.client(Role.READER)

    (newer,) = client.get("/api/public/v2/observations", params={"fields": "model,prompt"}).json()["data"]
    assert newer["modelId"] == newer["internalModelId"] == model["id"]
    assert (newer["inputPrice"], newer["outputPrice"], newer["totalPrice"]) == ("2.5e-7", "0.5", None)
    assert newer["promptId"] == prompt["id"]
    (core,) = client.get("/api/public/v2/observations", params={"fields": "core"}).json()["data"]
    assert core["modelId"] is None

    older = client.get(f"/api/public/observations/{GENERATION}").json()
    assert (older["modelId"], older["inputPrice"], older["outputPrice"]) == (model["id"], 0.00000025, 0.5)
    assert older["promptId"] == prompt["id"]
    (within,) = client.get(f"/api/public/traces/{GRADING}").json()["observations"]
    assert within == older
