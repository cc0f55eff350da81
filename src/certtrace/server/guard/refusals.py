"""Requests that no route is to see: for another host, or with a secret where secrets are logged."""

import ipaddress
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote_plus, urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from certtrace.server.access.keys import SECRET_PREFIX
from certtrace.server.answers import answer

_LOCAL: Final = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})


class Refusals:
    """Refuses requests by their host, address and headers.

    A page in somebody's browser can have its own name stand for 127.0.0.1, and then ask this server as if it were its
    own. The browser still says the name: names that were not declared are refused. Addresses in digits cannot be taken
    over like that.
    """

    def __init__(self, app: ASGIApp, *, base_url: str, hosts: Iterable[str]) -> None:
        """Take what answers, the server's own address, and further names it goes by."""
        self._app = app
        named = urlsplit(base_url).hostname or ""
        self._hosts = _LOCAL | {named.lower()} | {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        refusal = self._refusal(scope)
        await (self._app if refusal is None else refusal)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._is_ours(headers.get("host", "")):
            msg = (
                "This server does not go by that host name. Name it in CERTTRACE_SERVER_ALLOWED_HOSTS, or start the "
                "server with --base-url."
            )
            return answer({"message": msg, "error": "InvalidRequestError"}, 421)
        if _holds_secret(scope):
            msg = (
                "A secret key must not be part of an address, where logs keep it. Send it with HTTP Basic "
                "authentication, and revoke this one."
            )
            return answer({"message": msg, "error": "InvalidRequestError"}, 400)
        if "authorization" not in headers and any(SECRET_PREFIX in value for value in headers.values()):
            msg = "A secret key was sent in an unknown header. Send it with HTTP Basic authentication."
            return answer({"message": msg}, 401)
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name.rstrip(".") in self._hosts or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _holds_secret(scope: Scope) -> bool:
    address = unquote_plus(scope["query_string"].decode("latin-1"))
    return SECRET_PREFIX in address or SECRET_PREFIX in scope["path"]
