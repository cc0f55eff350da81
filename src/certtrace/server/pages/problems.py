"""Pages that say what went wrong."""

import logging
import traceback
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from certtrace.errors import CerttraceError, InputError
from certtrace.server.errors import ApiError
from certtrace.server.pages.headers import PRIVATE
from certtrace.server.pages.rendering import here, page

_log = logging.getLogger(__name__)

_TITLES: Final = {
    400: "This address is not complete",
    403: "Not with this key",
    404: "Nothing here",
    405: "Not like this",
    413: "Too large",
    501: "No page for this",
    429: "Too many attempts",
    503: "The store does not answer",
}


class PageProblemError(Exception):
    """A page that cannot be shown: what to say instead."""

    def __init__(self, status: int, title: str, message: str, headers: Mapping[str, str] | None = None):
        """Take the HTTP status, a heading, what to do about it, and further headers."""
        super().__init__(title)
        self.status = status
        self.title = title
        self.message = message
        self.headers = headers


class SignInNeededError(Exception):
    """Nobody is signed in: the answer leads to the sign-in page and back."""


class PageRoute(APIRoute):
    """A route whose errors are pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler; see `APIRoute`."""
        handler = super().get_route_handler()

        async def answering(request: Request) -> Response:
            try:
                return await handler(request)
            except SignInNeededError:
                return _to_sign_in(request)
            except Exception as error:  # noqa: BLE001 - a reader gets a page, whatever went wrong
                return problem_page(request, _problem(request, error))

        return answering


def problem_page(request: Request, problem: PageProblemError) -> Response:
    """Return the page of a problem."""
    return page(
        request,
        "problem.html",
        {"title": problem.title, "message": problem.message, "status": problem.status},
        status=problem.status,
        headers=problem.headers,
    )


def _to_sign_in(request: Request) -> Response:
    if is_from_elsewhere(request):
        # The browser kept the cookie to itself, for the link stands on another site. Asked from here, it sends it.
        return page(request, "continue.html", {}, headers={"Refresh": "0"})
    return RedirectResponse(f"/sign-in?next={quote(here(request), safe='')}", 303, headers=PRIVATE)


def is_from_elsewhere(request: Request) -> bool:
    """Tell whether a link on another site led here: browsers then keep the cookie of the session to themselves."""
    return request.headers.get("sec-fetch-site") in ("cross-site", "same-site")


def not_here() -> PageProblemError:
    """Return what to say of an address that leads nowhere."""
    return PageProblemError(404, _TITLES[404], "There is no page at this address. The list of traces has them all.")


def no_such_view() -> PageProblemError:
    """Return what to say of an address of a Langfuse page that is not among these."""
    return PageProblemError(
        501,
        _TITLES[501],
        "These pages show traces. Experiments, datasets, prompts and all else are here for the Langfuse SDK and over "
        "the API; a self-hosted Langfuse has pages for them.",
    )


def _problem(request: Request, error: Exception) -> PageProblemError:
    if isinstance(error, PageProblemError):
        return error
    known = _known(error)
    if known is not None:
        status, message, headers = known
        return PageProblemError(status, _TITLES.get(status, "This did not work"), message, headers)
    _log.error("The page %s failed: %s at %s", _path_of(request), type(error).__name__, _place(error))
    return PageProblemError(500, "This page failed", "The fault is the server's and stands in its log.")


def _known(error: Exception) -> tuple[int, str, Mapping[str, str] | None] | None:
    """Return status, message and headers of an error that says them; None of any other."""
    if isinstance(error, ApiError):
        return error.status, error.message, error.headers
    if isinstance(error, HTTPException):
        return error.status_code, str(error.detail), error.headers
    if isinstance(error, RequestValidationError):
        return 400, "A value in the address is not one that this page knows.", None
    if isinstance(error, CerttraceError):
        return _own(error)
    return None


def _own(error: CerttraceError) -> tuple[int, str, Mapping[str, str] | None]:
    if isinstance(error, InputError):
        return 400, str(error), None
    # The message names files of this machine: it is for the log.
    _log.error("A page was answered 503: %s", error)
    return 503, "The store cannot be used at present. Try again; if it stays so, ask whoever runs this server.", None


def _path_of(request: Request) -> str:
    route = request.scope.get("route")
    return str(getattr(route, "path", "at an unknown address"))


def _place(error: Exception) -> str:
    """Return file and line: the message might quote what is stored."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rpartition('certtrace')[2]}:{frames[-1].lineno}" if frames else "an unknown line"
