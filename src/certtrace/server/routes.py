"""The table of routes: what each one needs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from certtrace.server.access.callers import Needs, caller_of
from certtrace.server.access.roles import Permission


@dataclass(frozen=True, slots=True)
class Described:
    """One route as callers see it."""

    method: str
    path: str
    permission: Permission | None
    """What it needs; `None`: see `known`."""
    known: bool
    """Whether it needs a valid key at least."""
    shown: bool
    """Whether the OpenAPI document describes it."""


def table(routers: tuple[APIRouter, ...]) -> list[Described]:
    """Return every route of some routers, one row for each method."""
    return [
        Described(method, route.path, *_needed(route.dependant), shown=route.include_in_schema)
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods or ())
    ]


def is_known(scope: Mapping[str, Any]) -> bool:
    """Tell whether whoever sends a request is known before its body is read: by a key, or by what the route looks at.

    Raises:
        ApiError: 401, the route needs a key and the request shows none; 429, too many failed.
    """
    route = scope.get("route")
    if not isinstance(route, APIRoute):
        return False
    if _needed(route.dependant)[1]:
        caller_of(Request(dict(scope)))
        return True
    return route.body_field is None  # the route reads the body itself when it has looked at the rest


def _needed(dependant: Dependant) -> tuple[Permission | None, bool]:
    calls = list(_calls(dependant))
    needs = [call.permission for call in calls if isinstance(call, Needs)]
    return (needs[0] if needs else None), bool(needs) or caller_of in calls


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for each in dependant.dependencies:
        yield from _calls(each)
