"""Who looks at a page: the session in a cookie, and whether its key may read."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request, Response

from certtrace.server.access import Caller, Permission, seen
from certtrace.server.access.keys import KnownKey
from certtrace.server.box import Box, box_of
from certtrace.server.pages.problems import PageProblemError, SignInNeededError

_COOKIE: Final = "certtrace_session"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, and at which project."""

    key: KnownKey

    @property
    def project_id(self) -> str:
        """Return the id of the project that the key belongs to."""
        return self.key.project.id

    @property
    def project_name(self) -> str:
        """Return its name."""
        return self.key.project.name

    @property
    def public_key(self) -> str:
        """Return the public half of the key."""
        return self.key.public_key

    @property
    def roles(self) -> str:
        """Return the roles of the key in words."""
        return ", ".join(sorted(self.key.roles))

    @property
    def may_read(self) -> bool:
        """Tell whether the key may see traces."""
        return Permission.READ in self.key.permissions


def viewer_of(request: Request) -> Viewer:
    """Return who looks.

    Raises:
        SignInNeededError: Nobody is signed in.
        PageProblemError: 403, the key may not read.
    """
    viewer = known_viewer(request)
    if viewer is None:
        raise SignInNeededError
    if not viewer.may_read:
        msg = (
            f"The key {viewer.public_key} has the role {viewer.roles}, which may not see traces. "
            "Sign in with a key of the role reader, auditor or admin."
        )
        raise PageProblemError(403, "This key may not read", msg)
    return viewer


def known_viewer(request: Request) -> Viewer | None:
    """Return who is signed in, whatever the key may do, or None."""
    token = request.cookies.get(cookie_name(box_of(request)), "")
    key = box_of(request).access.session(token) if token else None
    if key is None:
        return None
    request.state.viewer = Viewer(key)
    return Viewer(key)


def record_seen(request: Request, viewer: Viewer, trace_ids: list[str]) -> None:
    """Write down which traces a page shows."""
    seen(request, Caller(viewer.key), trace_ids)


def cookie_name(box: Box) -> str:
    """Return the name of the cookie: under TLS one that browsers protect from other hosts of the domain."""
    return f"__Host-{_COOKIE}" if box.secure_cookies else _COOKIE


def keep(answer: Response, box: Box, token: str) -> None:
    """Have the browser keep a session until it ends."""
    answer.set_cookie(cookie_name(box), token, path="/", secure=box.secure_cookies, httponly=True, samesite="strict")


def drop(answer: Response, box: Box) -> None:
    """Have the browser forget the session."""
    answer.delete_cookie(cookie_name(box), path="/", secure=box.secure_cookies, httponly=True, samesite="strict")


def token_of(request: Request) -> str:
    """Return the session's token, empty where there is none."""
    return request.cookies.get(cookie_name(box_of(request)), "")


Viewing = Annotated[Viewer, Depends(viewer_of)]
