"""Names that people give: what is personal in them is not stored, and they are found by what was given."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.serving import Serving, serving

from certtrace.testing import find_leaks

PLANT = "t.okonkwo@mail.example.com"
PROMPTS = "/api/public/v2/prompts"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path) as box:
        yield box


def test_a_prompt_is_found_by_its_name_and_label_and_keeps_neither_raw(own: Serving) -> None:
    client, name = own.client(), f"greet {PLANT}"
    assert client.post(PROMPTS, json={"name": name, "prompt": "hello"}).status_code == 201
    patched = client.patch(f"{PROMPTS}/{name}/versions/1", json={"newLabels": [PLANT, "production"]})
    assert patched.status_code == 200
    assert PLANT not in patched.text
    for found in (
        client.get(f"{PROMPTS}/{name}"),
        client.get(f"{PROMPTS}/{name}", params={"label": PLANT}),
        client.get("/api/public/prompts", params={"name": name}),
    ):
        assert (found.status_code, found.json()["prompt"]) == (200, "hello")
    for asked in ({"name": name}, {"label": PLANT}):
        assert client.get(PROMPTS, params=asked).json()["meta"]["totalItems"] == 1
    assert find_leaks({"plant": PLANT}, own.home) == []
    assert client.delete(f"{PROMPTS}/{name}", params={"label": PLANT}).status_code == 204
    assert client.get(f"{PROMPTS}/{name}").status_code == 404


def test_a_prompt_within_another_is_found_by_the_name_that_was_given(own: Serving) -> None:
    client, name = own.client(), f"inner {PLANT}"
    assert client.post(PROMPTS, json={"name": name, "prompt": "hello", "labels": ["production"]}).status_code == 201
    tag = f"@@@langfusePrompt:name={name}|label=production@@@"
    assert client.post(PROMPTS, json={"name": "outer", "prompt": f"{tag} there"}).status_code == 201
    whole = client.get(f"{PROMPTS}/outer", params={"label": "latest"}).json()
    assert whole["prompt"] == "hello there"
    assert find_leaks({"plant": PLANT}, own.home) == []
