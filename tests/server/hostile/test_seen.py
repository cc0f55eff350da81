"""Whatever shows content of traces writes down who was shown it. The cases are the routes: a new one is tested too."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from tests.server.records import Records
from tests.server.serving import Serving

from certtrace.server import pages
from certtrace.server.access import NewKey, Role
from certtrace.server.api import ROUTERS
from certtrace.server.routes import Described, table

MARKER = "watchedword"
ABOUT_TRACES = ("input", "observation", "trace", "score", "comment", "experiment")
"""What stands behind the marker in texts of the trace, of its observations, and of what was said about it."""
METRICS = json.dumps(
    {
        "view": "observations",
        "dimensions": [{"field": "name"}],
        "metrics": [{"measure": "count", "aggregation": "count"}],
        "fromTimestamp": "2026-01-01T00:00:00Z",
        "toTimestamp": "2027-01-01T00:00:00Z",
    }
)
ASKED: dict[str, dict[str, str]] = {
    "/api/public/v2/metrics": {"query": METRICS},
    "/api/public/metrics": {"query": METRICS},
    "/api/public/prompts": {"name": f"{MARKER}-prompt"},
    "/api/public/dataset-run-items": {"datasetId": "{dataset_id}", "runName": f"{MARKER}-run"},
    "/api/public/experiments": {"fromStartTime": "2026-01-01T00:00:00Z", "fields": "core,metadata,scores"},
    "/api/public/experiment-items": {"fromStartTime": "2026-01-01T00:00:00Z", "fields": "core,io,metadata,scores"},
    "/api/public/v2/observations": {"fields": "core,basic,io,metadata"},
    "/api/public/v3/scores": {"fields": "core,details,subject,annotation"},
}
NUMBERS = {"/api/public/v2/metrics", "/api/public/metrics", "/api/public/experiments"}
"""Numbers about many traces, by names that they share: no trace is shown."""
NEEDS_ANOTHER_KEY = {"/api/certtrace/reads", "/api/public/projects/{project_id}/apiKeys"}
PAGES = (
    "/",
    "/?q={marker}",
    "/?session={marker}-session",
    "/traces/{trace_id}",
    "/traces/{trace_id}?observation={observation_id}",
    "/project/{project_id}/traces/{trace_id}",
)
GETS = [route for route in table(ROUTERS) if route.method == "GET" and route.shown]


def name(route: Described) -> str:
    return route.path


@pytest.fixture(scope="module")
def records(box: Serving) -> Records:
    made = Records(box.client(), box.project.id, MARKER)
    made.make()
    return made


@contextmanager
def fresh(box: Serving) -> Iterator[tuple[NewKey, httpx.Client]]:
    """Give a reader that nobody has used."""
    key = box.box.access.create(box.project, [Role.READER])
    with httpx.Client(base_url=box.url, auth=(key.public_key, key.secret_key), timeout=20) as client:
        yield key, client


def shown_to(box: Serving, key: NewKey) -> set[str]:
    found, _total = box.box.access.reads.page(box.project.id, limit=1_000)
    return {each.trace_id for each in found if each.key_id == key.id}


def shows_a_trace(text: str) -> bool:
    return any(f"{MARKER} {word}" in text for word in ABOUT_TRACES)


@pytest.mark.parametrize("route", [route for route in GETS if route.path not in NEEDS_ANOTHER_KEY], ids=name)
def test_a_route_that_shows_a_trace_writes_it_down(box: Serving, records: Records, route: Described) -> None:
    asked: dict[str, Any] = {
        key: text.replace("{dataset_id}", records.dataset_id) for key, text in ASKED.get(route.path, {}).items()
    }
    path = records.path(route.path) if "{" in route.path else route.path
    with fresh(box) as (key, client):
        answer = client.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        seen = shown_to(box, key)
    if route.path in NUMBERS:
        assert seen == set()
    elif shows_a_trace(answer.text):
        assert seen == {records.trace_id}


def test_most_routes_about_traces_were_looked_at(box: Serving, records: Records) -> None:
    """The test above would say nothing if no answer held anything."""
    showing = 0
    for route in GETS:
        if route.path not in NEEDS_ANOTHER_KEY | NUMBERS:
            path = records.path(route.path) if "{" in route.path else route.path
            asked = {
                key: text.replace("{dataset_id}", records.dataset_id) for key, text in ASKED.get(route.path, {}).items()
            }
            showing += shows_a_trace(box.client().get(path, params=asked).text)
    assert showing >= 14


@pytest.mark.parametrize("template", PAGES)
def test_a_page_that_shows_a_trace_writes_it_down(box: Serving, records: Records, template: str) -> None:
    path = template.format(
        marker=MARKER, trace_id=records.trace_id, observation_id=records.observation_id, project_id=box.project.id
    )
    with fresh(box) as (key, _client), httpx.Client(base_url=box.url, timeout=20) as browser:
        browser.post("/sign-in", data={"public_key": key.public_key, "secret_key": key.secret_key})
        answer = browser.get(path, follow_redirects=True)
        assert answer.status_code == 200
        assert shows_a_trace(answer.text) == (records.trace_id in shown_to(box, key))
        if "?q=" not in template:
            assert shows_a_trace(answer.text)


def test_every_page_is_among_those_looked_at() -> None:
    views = {route.path for route in table(pages.ROUTERS) if route.method == "GET"}
    project = "/project/{project_id}"
    leading_on = {project, *(f"{project}/{each}" for each in ("traces", "traces/{trace_id:path}"))}
    leading_on.add(f"{project}/sessions/{{session_id:path}}")
    showing = {"/", "/traces/{trace_id:path}"}
    assert views == {"/sign-in", "/assets/{version}/{name}"} | leading_on | showing


@pytest.mark.parametrize(
    ("path", "view", "dimension"),
    [("/metrics", "traces", "id"), ("/metrics", "observations", "traceId"), ("/v2/metrics", "observations", "traceId")],
)
def test_numbers_of_single_traces_are_a_list_of_traces(
    box: Serving, records: Records, path: str, view: str, dimension: str
) -> None:
    asked = json.loads(METRICS) | {"view": view, "dimensions": [{"field": dimension}, {"field": "name"}]}
    asked["config"] = {"row_limit": 10}
    asked["orderBy"] = [{"field": "count_count", "direction": "desc"}]
    with fresh(box) as (key, client):
        answer = client.get(f"/api/public{path}", params={"query": json.dumps(asked)})
        assert answer.status_code == 200, answer.text
        assert [row[dimension] for row in answer.json()["data"]] == [records.trace_id]
        assert shown_to(box, key) == {records.trace_id}
