"""Templates to pages. Every value is escaped; what is not plain text comes from `content`, which escapes as well."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from certtrace.records.notes import duration_text, grade_text, short_number
from certtrace.server.pages import words
from certtrace.server.pages.assets import asset_url
from certtrace.server.pages.content.visible import visible, visible_label
from certtrace.server.pages.headers import PRIVATE
from certtrace.server.pages.navigation import VIEWS
from certtrace.server.pages.theme import theme_of


def page(
    request: Request,
    template: str,
    values: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Return a page.

    Args:
        request: What is answered.
        template: Its name below `templates/`.
        values: What the template shows.
        status: HTTP status.
        headers: Further headers.
    """
    around = {
        "viewer": getattr(request.state, "viewer", None),
        "theme": theme_of(request),
        "here": here(request),
        "view": None,
    }
    text = _environment().get_template(template).render({**around, **values})
    # A lone surrogate cannot be sent; `visible` shows it as an escape, and attributes must not fail on it either.
    content = text.encode("utf-8", "replace")
    return HTMLResponse(content, status, headers={**PRIVATE, **(headers or {})})


def here(request: Request) -> str:
    """Return the path and query that were asked for."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("certtrace.server.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(asset_url=asset_url, views=VIEWS)
    environment.filters.update(
        text=visible,
        line=visible_label,
        duration=duration_text,
        number=short_number,
        query=urlencode,
        moment=words.moment,
        short_moment=words.short_moment,
        iso=words.iso_time,
        money=words.money,
        thousands=words.thousands,
    )
    environment.globals["grade"] = grade_text
    return environment
