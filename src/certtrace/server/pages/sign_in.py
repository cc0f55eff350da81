"""Signing in with a key, and out again."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from certtrace.server.access.attempts import TooManyFailuresError
from certtrace.server.access.callers import address_of
from certtrace.server.box import InBox
from certtrace.server.pages.headers import PRIVATE
from certtrace.server.pages.origin import check_origin, own_path
from certtrace.server.pages.problems import PageRoute
from certtrace.server.pages.rendering import page
from certtrace.server.pages.sessions import drop, keep, known_viewer, token_of

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_WRONG: Final = "No key has this public and this secret part together, or it is revoked. Check both."


@router.get("/sign-in")
def form(request: Request, next: str = "/") -> Response:
    """Ask for a key."""
    known_viewer(request)
    return _form(request, next)


@router.post("/sign-in")
def sign_in(
    request: Request,
    box: InBox,
    public_key: Annotated[str, Form()] = "",
    secret_key: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Begin a session if the key is one, and lead to where the reader wanted to go."""
    check_origin(request)
    try:
        token = box.access.sign_in(public_key.strip(), secret_key.strip(), address=address_of(request))
    except TooManyFailuresError as error:
        problem = f"Too many attempts failed. Wait {error.retry_after_seconds:.0f} seconds and try again."
        return _form(request, next, problem, status=429, retry_after=error.retry_after_seconds)
    if token is None:
        return _form(request, next, _WRONG, status=403)
    box.access.sign_out(token_of(request))
    answer = RedirectResponse(_wanted(next), 303, headers=PRIVATE)
    keep(answer, box, token)
    return answer


@router.post("/sign-out")
def sign_out(request: Request, box: InBox) -> Response:
    """End the session."""
    check_origin(request)
    box.access.sign_out(token_of(request))
    answer = RedirectResponse("/sign-in", 303, headers=PRIVATE)
    drop(answer, box)
    return answer


def _form(
    request: Request, wanted: str, problem: str = "", *, status: int = 200, retry_after: float | None = None
) -> Response:
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:.0f}"}
    return page(request, "sign_in.html", {"next": _wanted(wanted), "problem": problem}, status=status, headers=headers)


def _wanted(path: str) -> str:
    """Return where to go on to: any own page but the sign-in itself."""
    return "/" if path.startswith("/sign-in") else own_path(path)
