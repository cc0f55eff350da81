"""The routes that the reference describes are those that there are, with what they need."""

import re
from pathlib import Path

from certtrace.server.access import Permission, Role
from certtrace.server.access.roles import allowed
from certtrace.server.api import ROUTERS
from certtrace.server.routes import Described, table

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "http-api.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ([A-Z]+) \| `(/[^`]+)` \| ([a-z ]+) \|", re.MULTILINE)


def needed(route: Described) -> str:
    if route.permission is not None:
        return route.permission.value
    return "any key" if route.known else "nothing"


def test_every_route_is_described_with_what_it_needs() -> None:
    working = [route for route in table(ROUTERS) if route.shown or not route.known]
    there = {(route.method, route.path.replace(":path}", "}"), needed(route)) for route in working}
    described = ROW.findall(PAGE)
    assert len(described) == len(set(described))
    assert set(described) == there


def test_the_table_of_roles_is_true() -> None:
    columns = [permission.value for permission in Permission]
    assert f"| Role | {' | '.join(columns)} |" in PAGE
    for role in Role:
        may = allowed(frozenset({role}))
        cells = " | ".join("yes" if permission in may else "no" for permission in Permission)
        assert f"| `{role}` | {cells} |" in PAGE
