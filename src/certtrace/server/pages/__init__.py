"""The web pages: HTML made on the server, for people.

Each view is a folder of its own: `routes.py` answers, the other modules turn records into what its template shows, the
template stands in `templates/` below the same name. `layout.html` and `parts/` are everybody's. A new view adds its
router here and, where it has a page of its own to begin at, a row to `navigation.VIEWS`.
"""

from fastapi import FastAPI

from certtrace.server.pages import assets, sign_in, theme_switch
from certtrace.server.pages.missing import answer_missing
from certtrace.server.pages.trace import routes as trace
from certtrace.server.pages.trace_list import routes as trace_list

ROUTERS = (assets.router, sign_in.router, theme_switch.router, trace_list.router, trace.router)


def install(app: FastAPI) -> None:
    """Add the pages to an application, after all of its API. They are no part of its OpenAPI document."""
    for router in ROUTERS:
        app.include_router(router)
    answer_missing(app)
