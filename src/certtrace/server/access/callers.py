"""From a request's credentials to who asks, and whether they may."""

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from certtrace.server.access.keys import KnownKey, Project
from certtrace.server.access.roles import Permission
from certtrace.server.box import box_of
from certtrace.server.errors import ApiError, forbidden


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and in which project."""

    key: KnownKey

    @property
    def project(self) -> Project:
        """Return the project that the key belongs to."""
        return self.key.project

    @property
    def project_id(self) -> str:
        """Return the id of that project."""
        return self.key.project.id


def caller_of(request: Request) -> Caller:
    """Return who asks.

    Raises:
        ApiError: 401, there is no such key.
    """
    given = request.headers.get("authorization")
    if given is None:
        raise ApiError(401, "No authorization header")
    public_key, secret_key = _basic(given)
    key = box_of(request).access.known(public_key, secret_key)
    if key is None:
        raise ApiError(401, "Invalid credentials. Confirm that you've configured the correct host.")
    return Caller(key)


def needs(permission: Permission) -> Callable[[Request], Caller]:
    """Make the dependency of routes that need a permission."""

    def permitted(request: Request) -> Caller:
        caller = caller_of(request)
        if permission not in caller.key.permissions:
            roles = ", ".join(sorted(caller.key.roles))
            msg = f"This key may not {permission.value} (its role: {roles}). Ask an admin for another key."
            raise forbidden(msg)
        return caller

    return permitted


def seen(request: Request, caller: Caller, trace_ids: Iterable[str]) -> None:
    """Record that a caller is shown traces. Called by every route that answers with content of traces."""
    route: Any = request.scope.get("route")
    box_of(request).access.record_reads(caller.key, getattr(route, "path", request.url.path), dict.fromkeys(trace_ids))


def _basic(given: str) -> tuple[str, str]:
    scheme, _, encoded = given.partition(" ")
    try:
        public_key, _, secret_key = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        scheme = ""
    if scheme.lower() != "basic":
        raise ApiError(401, "Invalid authorization header")
    return public_key, secret_key


Known = Annotated[Caller, Depends(caller_of)]
Ingesting = Annotated[Caller, Depends(needs(Permission.INGEST))]
Editing = Annotated[Caller, Depends(needs(Permission.EDIT))]
Reading = Annotated[Caller, Depends(needs(Permission.READ))]
Deleting = Annotated[Caller, Depends(needs(Permission.DELETE))]
Auditing = Annotated[Caller, Depends(needs(Permission.AUDIT))]
Managing = Annotated[Caller, Depends(needs(Permission.MANAGE))]
