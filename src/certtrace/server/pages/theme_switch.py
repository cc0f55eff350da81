"""Choosing a theme."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse

from certtrace.server.box import InBox
from certtrace.server.pages.headers import PRIVATE
from certtrace.server.pages.origin import check_origin, own_path
from certtrace.server.pages.problems import PageRoute
from certtrace.server.pages.theme import THEME_COOKIE

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_YEAR_SECONDS: Final = 365 * 86_400


@router.post("/theme")
def choose(
    request: Request, box: InBox, theme: Annotated[str, Form()] = "system", back: Annotated[str, Form()] = "/"
) -> RedirectResponse:
    """Keep the chosen theme and go back to the page it was chosen on."""
    check_origin(request)
    answer = RedirectResponse(own_path(back), 303, headers=PRIVATE)
    if theme in ("light", "dark"):
        answer.set_cookie(
            THEME_COOKIE,
            theme,
            max_age=_YEAR_SECONDS,
            path="/",
            secure=box.secure_cookies,
            httponly=True,
            samesite="strict",
        )
    else:
        answer.delete_cookie(THEME_COOKIE, path="/", secure=box.secure_cookies, httponly=True, samesite="strict")
    return answer
