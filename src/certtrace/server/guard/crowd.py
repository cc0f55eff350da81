"""How many requests are worked on at once."""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from certtrace.server.answers import answer

_WAITING_FACTOR: Final = 8
_SEND_SECONDS: Final = 60.0
"""Longest wait for a client to take the next piece of an answer: it keeps others out meanwhile."""


class Crowd:
    """Lets some requests in at once; some more wait, and the rest is told to come back."""

    def __init__(self, app: ASGIApp, *, at_once: int) -> None:
        """Take what answers, and how many requests it answers at once."""
        self._app = app
        self._places = asyncio.Semaphore(at_once)
        self._most = at_once * (1 + _WAITING_FACTOR)
        self._present = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._present >= self._most:
            body = {"message": "Too many requests at once. Try again.", "error": "ServiceUnavailableError"}
            await answer(body, 503, headers={"Retry-After": "1"})(scope, receive, send)
            return
        self._present += 1
        try:
            async with self._places:
                await self._app(scope, receive, _impatient(send))
        finally:
            self._present -= 1


def _impatient(send: Send) -> Send:
    async def sending(message: Message) -> None:
        async with asyncio.timeout(_SEND_SECONDS):
            await send(message)

    return sending
