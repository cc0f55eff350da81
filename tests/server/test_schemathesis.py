"""Whatever the OpenAPI document allows, and whatever it forbids, no route answers with a failure of its own."""

import base64
from contextlib import nullcontext, suppress
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from tests.server.records import Records
from tests.server.serving import Serving

from certtrace.server.access import Role
from certtrace.server.api import ROUTERS
from certtrace.server.routes import Described, table

SHOWN = [route for route in table(ROUTERS) if route.shown]
QUICK, FULL = 3, 40


@pytest.fixture(scope="module")
def schema(box: Serving) -> Any:
    """The server's own document, over a store with one record of every kind."""
    Records(box.client(), box.project.id, "schematic").make()
    document = box.client().get("/openapi.json").json()
    return schemathesis.openapi.from_dict(document)


def authorization(box: Serving) -> str:
    key = box.keys[Role.ADMIN]
    return "Basic " + base64.b64encode(f"{key.public_key}:{key.secret_key}".encode()).decode()


def hold_up(box: Serving, schema: Any, route: Described, mode: GenerationMode, examples: int) -> None:
    """Send many requests to one route; the last word is that of the server's log, which names a cause."""
    operation = schema[route.path.replace(":path}", "}")][route.method]
    header = authorization(box)

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": header}
        answer = case.call(base_url=box.url, timeout=20)
        assert answer.status_code < 500, f"{route.method} {answer.request.url} {answer.request.body!r}: {answer.text}"

    # A route that takes nothing but a text in its path takes every text: there is nothing forbidden to send.
    with suppress(Unsatisfiable) if mode is GenerationMode.NEGATIVE else nullcontext():
        ask()


def name(route: Described) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", SHOWN, ids=name)
def test_a_few_requests_get_an_answer(box: Serving, schema: Any, route: Described) -> None:
    hold_up(box, schema, route, GenerationMode.POSITIVE, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("route", SHOWN, ids=name)
def test_many_requests_of_any_kind_get_an_answer(
    box: Serving, schema: Any, route: Described, mode: GenerationMode
) -> None:
    hold_up(box, schema, route, mode, FULL)


def test_the_document_describes_every_route_that_works(box: Serving) -> None:
    document = httpx.get(f"{box.url}/openapi.json").json()
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(route.method, route.path.replace(":path}", "}")) for route in SHOWN}
