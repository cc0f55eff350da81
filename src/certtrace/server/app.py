"""The application: routes, errors and limits over one box."""

from fastapi import FastAPI

from certtrace.server import errors, guard, pages
from certtrace.server.api import ROUTERS
from certtrace.server.box import Box
from certtrace.server.intake.bodies import Bodies
from certtrace.server.routes import is_known


def create_app(box: Box) -> FastAPI:
    """Return the application that serves a box.

    The document at `/openapi.json` describes every route that works. FastAPI's own documentation pages load scripts
    from elsewhere; they are off.
    """
    app = FastAPI(title="certtrace", docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.box = box
    app.state.routers = (*ROUTERS, *pages.ROUTERS)
    errors.install(app)
    app.add_middleware(Bodies, limits=box.limits, admit=is_known)
    guard.install(app, box)
    for router in ROUTERS:
        app.include_router(router)
    pages.install(app)
    return app
