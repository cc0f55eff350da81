"""Where a request comes from, and where an answer may lead to."""

import re
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request

from certtrace.server.box import box_of
from certtrace.server.pages.problems import PageProblemError

_OWN_PATH: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", re.ASCII)
_LONGEST_PATH: Final = 4096
_NO_PAGES: Final = ("/sign-out", "/theme")


def check_origin(request: Request) -> None:
    """Refuse a form that another site sent.

    Browsers say where a form comes from. What says nothing is no browser, and has no cookies of somebody else's.

    Raises:
        PageProblemError: 403, the form is another site's.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise _foreign()
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc not in _own_hosts(request):
        raise _foreign()


def own_path(path: str) -> str:
    """Return `path` if it leads to a page of this server, else the list of traces."""
    fits = len(path) <= _LONGEST_PATH and _OWN_PATH.fullmatch(path)
    return path if fits and not path.startswith(_NO_PAGES) else "/"


def _own_hosts(request: Request) -> set[str]:
    return {request.headers.get("host", ""), urlsplit(box_of(request).base_url).netloc} - {""}


def _foreign() -> PageProblemError:
    return PageProblemError(403, "Refused", "This form was sent from another site. Open the page here and try again.")
