"""Failures of our own: a bare 500 for the client, one line in the log for each cause."""

import logging
import traceback
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from certtrace.server.answers import answer

_log: Final = logging.getLogger("certtrace.server")
_LOGGED_CAUSES: Final = 1_000


class Failures:
    """Answers 500 where a route fails. Neither answer nor log quotes the error: its text may hold what was sent."""

    def __init__(self, app: ASGIApp) -> None:
        """Take what answers."""
        self._app = app
        self._logged: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return  # neither websockets nor lifespan events mean anything here
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:  # noqa: BLE001 - whatever a route raises; it must end here, and not in a log with its text
            self._log(error)
            if not started:
                response = answer({"message": "Internal Server Error", "error": "InternalServerError"}, 500)
                await response(scope, receive, send)

    def _log(self, error: Exception) -> None:
        cause = _cause(error)
        if cause not in self._logged and len(self._logged) < _LOGGED_CAUSES:
            self._logged.add(cause)
            _log.error("A request failed with %s. Further ones of this cause are not logged.", cause)


def _cause(error: BaseException) -> str:
    """Return the kind of an error and where it came from, without its text."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" at {last[0].filename}:{last[0].lineno}" if last else ""
    inner = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__
    return f"{type(error).__name__}{place}" + (f", from {_cause(inner)}" if inner is not None else "")
