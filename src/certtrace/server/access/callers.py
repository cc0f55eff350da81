"""From a request's credentials to who asks, and whether they may."""

import base64
import binascii
from collections.abc import Iterable
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

    @property
    def may_read(self) -> bool:
        """Tell whether the key may see what is stored. Who may only write is told what was sent, not what was there."""
        return Permission.READ in self.key.permissions


def caller_of(request: Request) -> Caller:
    """Return who asks.

    Raises:
        ApiError: 401, there is no such key.
    """
    given = request.headers.get("authorization")
    if given is None:
        raise ApiError(401, "No authorization header")
    public_key, secret_key = _basic(given)
    key = box_of(request).access.login(public_key, secret_key, address_of(request))
    if key is None:
        raise ApiError(401, "Invalid credentials. Confirm that you've configured the correct host.")
    return Caller(key)


@dataclass(frozen=True, slots=True)
class Needs:
    """The dependency of routes that need a permission."""

    permission: Permission

    def __call__(self, request: Request) -> Caller:
        """Return who asks.

        Raises:
            ApiError: 401, there is no such key; 403, it may not do this.
        """
        caller = caller_of(request)
        if self.permission not in caller.key.permissions:
            roles = ", ".join(sorted(caller.key.roles))
            msg = f"This key may not {self.permission.value} (its role: {roles}). Ask an admin for another key."
            raise forbidden(msg)
        return caller


def seen(request: Request, caller: Caller, trace_ids: Iterable[str], *, whole: bool | None = None) -> None:
    """Record that a caller is shown traces, before the answer goes out.

    Called by every route that answers with content of traces.

    Args:
        request: The request.
        caller: Who asks.
        trace_ids: The traces; each is recorded once.
        whole: Whether the trace itself was asked for, and not a list. Default: whether the path ends in a record's
            id, or names a trace.
    """
    route: Any = request.scope.get("route")
    path = getattr(route, "path_format", request.url.path)
    itself = (path.endswith("}") or "trace_id" in request.path_params) if whole is None else whole
    box_of(request).access.reads.record(caller.key, path, trace_ids, whole=itself)


def address_of(request: Request) -> str:
    """Return the address that a request comes from."""
    return request.client.host if request.client is not None else ""


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
Ingesting = Annotated[Caller, Depends(Needs(Permission.INGEST))]
Editing = Annotated[Caller, Depends(Needs(Permission.EDIT))]
Reading = Annotated[Caller, Depends(Needs(Permission.READ))]
Deleting = Annotated[Caller, Depends(Needs(Permission.DELETE))]
Auditing = Annotated[Caller, Depends(Needs(Permission.AUDIT))]
Managing = Annotated[Caller, Depends(Needs(Permission.MANAGE))]
