"""HEAD, OPTIONS, and slashes at the end of a path."""

from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from certtrace.server.allowed import methods_at

_API: Final = "/api/public/"


class Methods:
    """Answers HEAD as GET without its body, OPTIONS with what is allowed; API paths lose a slash at their end."""

    def __init__(self, app: ASGIApp) -> None:
        """Take what answers."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path: str = scope["path"]
        if path.startswith(_API) and path.endswith("/"):
            await _without_slash(scope)(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            allowed = methods_at(scope["app"], path)
            if allowed:
                await Response(status_code=204, headers={"Allow": ", ".join(allowed)})(scope, receive, send)
                return
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # the server leaves the body out: it knows what was asked
        await self._app(scope, receive, send)


def _without_slash(scope: Scope) -> Response:
    # As sent, and not as decoded: a decoded line break or host name must not get into a header.
    path = scope.get("raw_path", scope["path"].encode()).split(b"?")[0].decode("latin-1").rstrip("/")
    query = scope["query_string"].decode("latin-1")
    return Response(status_code=308, headers={"Location": f"{path}?{query}" if query else path})
