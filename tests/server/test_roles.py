"""Who may do what, route by route. The cases are the table of routes: a new route is tested, or fails, by itself."""

import json
from collections.abc import Iterator

import httpx
import pytest
from tests.server.records import Records
from tests.server.serving import Serving

from certtrace.server.access import Permission, Role
from certtrace.server.api import ROUTERS
from certtrace.server.routes import Described, table

ROUTES = table(ROUTERS)
OPEN = {
    ("GET", "/api/public/health"),
    # Addresses that the API hands out: signed, for one file and a few minutes.
    ("PUT", "/api/public/media/uploads/{token}"),
    ("GET", "/api/public/media/files/{token}"),
}
"""Routes that need no key. Everything else does."""
MAY = {
    Role.WRITER: {Permission.INGEST, Permission.EDIT},
    Role.READER: {Permission.READ},
    Role.AUDITOR: {Permission.READ, Permission.AUDIT},
    Role.ADMIN: set(Permission),
}
"""What each role is promised to do; written down again here, so that a change is one in two places."""
SHOWN_TO_ALL = {("GET", "/api/public/projects")}
"""Routes that every valid key may call."""


def name(route: Described) -> str:
    return f"{route.method} {route.path}"


CLOSED = [route for route in ROUTES if (route.method, route.path) not in OPEN]


def filled(path: str) -> str:
    """Return a path with an id in each place that exists nowhere."""
    parts = ["nowhere" if part.startswith("{") else part for part in path.split("/")]
    return "/".join(parts)


def ask(client: httpx.Client, route: Described) -> httpx.Response:
    return client.request(route.method, filled(route.path))


@pytest.fixture(scope="module")
def strangers(box: Serving) -> Iterator[dict[str, httpx.Client]]:
    """Clients with keys that are none, or none any more."""
    revoked = box.box.access.create(box.project, [Role.ADMIN])
    expired = box.box.access.create(box.project, [Role.ADMIN], expires_at_ns=1)
    assert box.box.access.revoke(revoked.public_key)
    known = box.keys[Role.ADMIN]
    given = {
        "no key": None,
        "revoked": (revoked.public_key, revoked.secret_key),
        "expired": (expired.public_key, expired.secret_key),
        "wrong secret": (known.public_key, revoked.secret_key),
        "unknown": ("pk-lf-unknown", known.secret_key),
        "swapped": (known.secret_key, known.public_key),
    }
    clients = {why: httpx.Client(base_url=box.url, auth=auth, timeout=20) for why, auth in given.items()}
    yield clients
    for client in clients.values():
        client.close()


def test_every_route_but_those_named_here_needs_a_permission() -> None:
    without = {(route.method, route.path) for route in ROUTES if route.permission is None and route.shown}
    assert without - OPEN == SHOWN_TO_ALL
    assert not [name(route) for route in CLOSED if not route.known]


@pytest.mark.parametrize("route", CLOSED, ids=name)
def test_without_a_valid_key_nothing_is_answered(strangers: dict[str, httpx.Client], route: Described) -> None:
    for why, client in strangers.items():
        answer = ask(client, route)
        assert answer.status_code == 401, f"{why}: {answer.text}"
        assert list(answer.json()) == ["message"]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("route", [route for route in CLOSED if route.permission is not None], ids=name)
def test_a_role_may_do_what_it_is_promised_and_nothing_else(box: Serving, route: Described, role: Role) -> None:
    answer = ask(box.client(role), route)
    if route.permission in MAY[role]:
        assert answer.status_code not in (401, 403), answer.text
        assert answer.status_code < 500
    else:
        assert answer.status_code == 403
        assert answer.json()["error"] == "ForbiddenError"


@pytest.mark.parametrize("route", [route for route in CLOSED if route.permission is None], ids=name)
def test_what_is_not_there_says_so_to_every_role(box: Serving, route: Described) -> None:
    for role in Role:
        answer = ask(box.client(role), route)
        assert answer.status_code == (200 if (route.method, route.path) in SHOWN_TO_ALL else 501)


def test_reading_needs_a_role_that_reads() -> None:
    """The promises themselves: a writer reads nothing; a reader and an auditor write and delete nothing."""
    reading, changing = {Permission.READ, Permission.AUDIT}, {Permission.INGEST, Permission.EDIT, Permission.DELETE}
    assert not MAY[Role.WRITER] & (reading | {Permission.DELETE, Permission.MANAGE})
    assert not (MAY[Role.READER] | MAY[Role.AUDITOR]) & (changing | {Permission.MANAGE})
    for route in CLOSED:
        if route.method == "GET" and route.shown and (route.method, route.path) not in SHOWN_TO_ALL:
            assert route.permission in {Permission.READ, Permission.AUDIT, Permission.MANAGE}, name(route)
        elif route.shown and route.permission is not None:
            assert route.permission in changing | {Permission.MANAGE}, name(route)


def test_several_roles_add_up(box: Serving) -> None:
    key = box.box.access.create(box.project, [Role.WRITER, Role.READER])
    with httpx.Client(base_url=box.url, auth=(key.public_key, key.secret_key)) as client:
        assert client.get("/api/public/traces").status_code == 200
        assert client.post("/api/public/scores", json={}).status_code == 400
        assert client.delete("/api/public/traces/nowhere").status_code == 403
        assert client.get("/api/certtrace/reads").status_code == 403


def test_a_public_key_alone_opens_nothing(box: Serving) -> None:
    public = box.keys[Role.ADMIN].public_key
    for header in (f"Bearer {public}", f"Basic {public}", "Basic", "Basic !!!!", "Digest x", ""):
        answer = httpx.post(f"{box.url}/api/public/scores", headers={"Authorization": header}, json={})
        assert answer.status_code == 401


# --- one project and another ------------------------------------------------------------------------------------------

FIRST, SECOND = "alphaproject", "betaproject"


@pytest.fixture(scope="module")
def first(box: Serving) -> Records:
    records = Records(box.client(), box.project.id, FIRST)
    records.make()
    return records


@pytest.fixture(scope="module")
def second(box: Serving) -> Iterator[Records]:
    project = box.box.access.project("second")
    key = box.box.access.create(project, [Role.ADMIN])
    with httpx.Client(base_url=box.url, auth=(key.public_key, key.secret_key), timeout=20) as client:
        records = Records(client, project.id, SECOND)
        records.make()
        yield records


WITH_ID = [route for route in CLOSED if route.shown and "{" in route.path]
LISTS = [route for route in CLOSED if route.shown and route.method == "GET" and "{" not in route.path]
METRICS = json.dumps(
    {
        "view": "observations",
        "dimensions": [{"field": "name"}],
        "metrics": [{"measure": "count", "aggregation": "count"}],
        "fromTimestamp": "2026-01-01T00:00:00Z",
        "toTimestamp": "2027-01-01T00:00:00Z",
    }
)
ASKED = {
    "/api/public/v2/metrics": {"query": METRICS},
    "/api/public/metrics": {"query": METRICS},
    "/api/public/prompts": {"name": "{marker}-prompt"},
    "/api/public/dataset-run-items": {"datasetId": "{dataset_id}", "runName": "{marker}-run"},
    "/api/public/experiments": {"fromStartTime": "2026-01-01T00:00:00Z"},
    "/api/public/experiment-items": {"fromStartTime": "2026-01-01T00:00:00Z"},
}
"""What some routes have to be asked with."""
NAMES_NOTHING = {"/api/public/projects", "/api/public/metrics/daily"}
"""Answers without names and ids of records."""


@pytest.mark.parametrize("route", [route for route in WITH_ID if route.method == "GET"], ids=name)
def test_an_id_of_another_project_is_not_found(first: Records, second: Records, route: Described) -> None:
    assert route.path in first.at, f"tests/server/records.py makes no record for {route.path}"
    own = first.client.get(first.path(route.path))
    assert own.status_code == 200, own.text
    foreign = second.client.get(first.path(route.path))
    assert foreign.status_code == 404 or foreign.json().get("data") == [], foreign.text


@pytest.mark.parametrize("route", LISTS, ids=name)
def test_a_list_shows_nothing_of_another_project(first: Records, second: Records, route: Described) -> None:
    for records, other in ((first, second), (second, first)):
        asked = {
            key: text.replace("{marker}", records.marker).replace("{dataset_id}", records.dataset_id)
            for key, text in ASKED.get(route.path, {}).items()
        }
        answer = records.client.get(route.path, params={"limit": "100", **asked})
        assert answer.status_code == 200, answer.text
        if route.path not in NAMES_NOTHING:
            assert records.marker in answer.text or records.trace_id in answer.text, answer.text
        assert other.marker not in answer.text
        assert other.trace_id not in answer.text


def test_daily_figures_count_the_own_project_alone(first: Records, second: Records) -> None:
    for records in (first, second):
        days = records.client.get("/api/public/metrics/daily").json()["data"]
        assert sum(day["countTraces"] for day in days) == 1


@pytest.mark.parametrize("route", [route for route in WITH_ID if route.method not in ("GET", "DELETE")], ids=name)
def test_a_change_by_another_project_changes_nothing(first: Records, second: Records, route: Described) -> None:
    before = everything(first)
    for body in CHANGES:
        answer = second.client.request(route.method, first.path(route.path), json=body)
        assert answer.status_code in (400, 404), answer.text
    assert everything(first) == before


@pytest.mark.parametrize("route", [route for route in WITH_ID if route.method == "DELETE"], ids=name)
def test_a_deletion_by_another_project_deletes_nothing(first: Records, second: Records, route: Described) -> None:
    before = everything(first)
    answer = second.client.request("DELETE", first.path(route.path), json={"userId": "u"})
    assert answer.status_code < 500
    assert everything(first) == before


CHANGES = (
    {},
    {
        "newLabels": ["production", "mine"],
        "isArchived": True,
        "status": "COMPLETED",
        "uploadedAt": "2026-11-23T10:00:00Z",
        "uploadHttpStatus": 500,
        "modelName": "taken",
        "matchPattern": "taken",
        "unit": "TOKENS",
        "userId": "u",
        "objectId": "o",
        "objectType": "TRACE",
        "name": "taken",
    },
)
"""Bodies with something of every kind: fields that a route does not know are ignored."""


def everything(records: Records) -> dict[str, object]:
    """Return what a project's admin sees at every path with an id."""
    seen: dict[str, object] = {}
    for route in WITH_ID:
        if route.method == "GET" and route.path in records.at:
            answer = records.client.get(records.path(route.path))
            assert answer.status_code == 200, f"{route.path}: {answer.text}"
            seen[route.path] = still(answer.json())
    return seen


def still(value: object) -> object:
    """Leave out what moves by itself: times of use, and addresses that end."""
    if isinstance(value, dict):
        moving = ("lastUsedAt", "url", "urlExpiry")
        return {key: still(item) for key, item in value.items() if key not in moving}
    return [still(item) for item in value] if isinstance(value, list) else value


def test_records_of_one_id_in_two_projects_stay_apart(first: Records, second: Records) -> None:
    before = everything(first)
    taken = Records(second.client, "second", FIRST)
    second.client.post("/api/public/otel/v1/traces", json=taken.trace_export("taken over")).raise_for_status()
    score = {"id": f"{FIRST}-score", "traceId": first.trace_id, "name": "taken over", "value": 1}
    second.client.post("/api/public/scores", json=score).raise_for_status()
    assert everything(first) == before
    own = second.client.get(f"/api/public/traces/{first.trace_id}").json()
    assert [each["name"] for each in own["observations"]] == ["taken over"]
    second.client.delete(f"/api/public/traces/{first.trace_id}").raise_for_status()
    assert everything(first) == before


FOREIGN = (
    ("/api/public/dataset-items", {"datasetName": "{first}-dataset", "input": "taken"}),
    ("/api/public/dataset-items", {"datasetName": "{second}-dataset", "id": "{first}-item", "input": "taken"}),
    ("/api/public/dataset-run-items", {"runName": "taken", "datasetItemId": "{first}-item", "traceId": "{trace}"}),
    ("/api/public/v2/prompts", {"name": "{first}-prompt", "prompt": "taken", "labels": ["production"]}),
    ("/api/public/scores", {"traceId": "{trace}", "name": "taken", "value": 1}),
    ("/api/public/scores", {"traceId": "{trace}", "name": "taken", "value": 1, "configId": "{config}"}),
    (
        "/api/public/comments",
        {"projectId": "{project}", "objectType": "TRACE", "objectId": "{trace}", "content": "taken"},
    ),
    ("/api/public/annotation-queues", {"name": "taken", "scoreConfigIds": ["{config}"]}),
)
"""Bodies that name records of the first project, sent to the second."""


@pytest.mark.parametrize(("path", "body"), FOREIGN, ids=[f"{path}-{n}" for n, (path, _) in enumerate(FOREIGN)])
def test_a_body_that_names_another_projects_records_does_not_touch_them(
    first: Records, second: Records, path: str, body: object
) -> None:
    names = {
        "{first}": FIRST,
        "{second}": SECOND,
        "{trace}": first.trace_id,
        "{config}": first.at["/api/public/score-configs/{config_id}"]["config_id"],
        "{project}": first.at["/api/public/projects/{project_id}/apiKeys"]["project_id"],
    }
    text = json.dumps(body)
    for placeholder, value in names.items():
        text = text.replace(placeholder, value)
    before = everything(first)
    answer = second.client.post(path, content=text, headers={"Content-Type": "application/json"})
    assert answer.status_code < 500
    assert everything(first) == before
