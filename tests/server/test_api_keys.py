"""Keys over HTTP, through the unmodified client where it can."""

from collections.abc import Iterator

import httpx
import pytest
from langfuse.api import LangfuseAPI, NotFoundError
from tests.server.serving import Serving

from certtrace.server.access import Role

CHOSEN = {"publicKey": "pk-lf-" + "a" * 36, "secretKey": "sk-lf-" + "b" * 36}


@pytest.fixture(scope="module")
def api(box: Serving) -> Iterator[LangfuseAPI]:
    key = box.keys[Role.ADMIN]
    client = LangfuseAPI(base_url=box.url, username=key.public_key, password=key.secret_key)
    yield client
    client._client_wrapper.httpx_client.httpx_client.close()


def keys_at(box: Serving) -> str:
    return f"/api/public/projects/{box.project.id}/apiKeys"


def works(box: Serving, public: str, secret: str) -> bool:
    return httpx.get(f"{box.url}/api/public/projects", auth=(public, secret)).status_code == 200


def test_a_key_goes_through_its_life(box: Serving, api: LangfuseAPI) -> None:
    made = api.projects.create_api_key(box.project.id, name="ci")
    assert works(box, made.public_key, made.secret_key)
    assert (made.name, made.note, made.expires_at) == ("ci", "ci", None)
    assert made.display_secret_key == f"{made.secret_key[:6]}...{made.secret_key[-4:]}"
    listed = {key.id: key for key in api.projects.get_api_keys(box.project.id).api_keys}
    assert listed[made.id].public_key == made.public_key
    assert listed[made.id].last_used_at is not None
    assert made.secret_key not in box.client().get(keys_at(box)).text
    assert api.projects.delete_api_key(box.project.id, made.id).success
    assert not works(box, made.public_key, made.secret_key)
    assert made.id not in {key.id for key in api.projects.get_api_keys(box.project.id).api_keys}
    with pytest.raises(NotFoundError):
        api.projects.delete_api_key(box.project.id, made.id)


def test_the_answer_has_every_field_and_status_201(box: Serving) -> None:
    answer = box.client().post(keys_at(box), json={"note": "n", "roles": ["auditor", "reader"]})
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {
        "id", "createdAt", "expiresAt", "name", "note", "publicKey", "secretKey", "displaySecretKey", "roles",
    }  # fmt: skip
    assert body["roles"] == ["auditor", "reader"]
    (summary,) = (key for key in box.client().get(keys_at(box)).json()["apiKeys"] if key["id"] == body["id"])
    assert set(summary) == set(body) - {"secretKey"} | {"lastUsedAt"}


def test_without_roles_a_key_writes_and_reads_and_deletes_nothing(box: Serving) -> None:
    made = box.client().post(keys_at(box), json={}).json()
    with httpx.Client(base_url=box.url, auth=(made["publicKey"], made["secretKey"])) as client:
        assert client.get("/api/public/traces").status_code == 200
        assert client.delete("/api/public/traces/x").status_code == 403
        assert client.get(keys_at(box)).status_code == 403


def test_a_chosen_key_is_taken_once(box: Serving) -> None:
    assert box.client().post(keys_at(box), json=CHOSEN).status_code == 201
    assert works(box, CHOSEN["publicKey"], CHOSEN["secretKey"])
    again = box.client().post(keys_at(box), json=CHOSEN)
    assert again.status_code == 400
    assert CHOSEN["secretKey"] not in again.text


@pytest.mark.parametrize(
    "body",
    [
        {"publicKey": CHOSEN["publicKey"]},
        {"publicKey": "pk-lf-x", "secretKey": "sk-lf-precious"},
        {"secretKey": 5, "publicKey": "sk-lf-precious"},
        {"expiresAt": "2020-01-01T00:00:00Z"},
        {"expiresAt": "soon"},
        {"roles": []},
        {"roles": ["owner"]},
        {"note": "x" * 501},
        [],
    ],
)
def test_what_cannot_be_a_key_is_refused_and_not_repeated(box: Serving, body: object) -> None:
    answer = box.client().post(keys_at(box), json=body)
    assert answer.status_code == 400, answer.text
    assert "precious" not in answer.text


def test_keys_of_another_project_are_not_found(box: Serving) -> None:
    other = box.box.access.project("other")
    key = box.box.access.create(other, [Role.READER])
    assert box.client().get(f"/api/public/projects/{other.id}/apiKeys").status_code == 404
    assert box.client().post(f"/api/public/projects/{other.id}/apiKeys", json={}).status_code == 404
    assert box.client().delete(f"{keys_at(box)}/{key.id}").status_code == 404
    assert works(box, key.public_key, key.secret_key)
