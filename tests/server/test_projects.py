"""Whom a key belongs to."""

from tests.server.serving import Serving

from certtrace.server.access import Role


def test_every_role_may_ask_for_its_project(box: Serving) -> None:
    for role in Role:
        answer = box.client(role).get("/api/public/projects")
        assert answer.status_code == 200
        (project,) = answer.json()["data"]
        assert project == {
            "id": "default",
            "name": "default",
            "metadata": {},
            "organization": {"id": "certtrace", "name": "certtrace"},
        }
