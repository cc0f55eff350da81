"""What a path may be asked for."""

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute


def methods_at(app: FastAPI, path: str) -> list[str]:
    """Return the methods that a path answers to, HEAD and OPTIONS too; empty where no route is."""
    routers: tuple[APIRouter, ...] = app.state.routers
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    found = {method for route in routes if route.path_regex.match(path) for method in route.methods or ()}
    if not found:
        return []
    return sorted(found | {"OPTIONS"} | ({"HEAD"} if "GET" in found else set()))
