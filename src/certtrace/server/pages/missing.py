"""Addresses that lead nowhere."""

from typing import Final

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from certtrace.server.pages.problems import no_such_view, not_here, problem_page
from certtrace.server.pages.sessions import known_viewer

_OF_LANGFUSE: Final = "/project/"
"""What the addresses begin with that Langfuse's SDK prints: of experiments, say."""
_FOR_PROGRAMS: Final = ("/api", "/openapi.json")


def answer_missing(app: FastAPI) -> None:
    """Have an address that no route has answer with a page; those of the API keep their JSON."""
    app.router.default = _with_page(app.router.default)


def _with_page(api: ASGIApp) -> ASGIApp:
    async def missing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_FOR_PROGRAMS):
            await api(scope, receive, send)
            return
        request = Request(scope, receive)
        await run_in_threadpool(known_viewer, request)
        problem = no_such_view() if scope["path"].startswith(_OF_LANGFUSE) else not_here()
        await problem_page(request, problem)(scope, receive, send)

    return missing
