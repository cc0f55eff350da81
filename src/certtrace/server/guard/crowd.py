"""How many requests are worked on at once."""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from certtrace.server.answers import answer

_WAITING_FACTOR: Final = 8
_KEPT_SECONDS: Final = 0.05
"""How long a request may wait for the next piece of its body and keep its place."""
_SEND_SECONDS: Final = 60.0
"""Longest wait for a client to take the next piece of an answer: it keeps others out meanwhile."""


class Crowd:
    """Lets some requests in at once; some more wait, and the rest is told to come back."""

    def __init__(self, app: ASGIApp, *, at_once: int) -> None:
        """Take what answers, and how many requests it answers at once."""
        self._app = app
        self._room = _Room(at_once)
        self._most = at_once * (1 + _WAITING_FACTOR)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._room.present >= self._most:
            body = {"message": "Too many requests at once. Try again.", "error": "ServiceUnavailableError"}
            await answer(body, 503, headers={"Retry-After": "1"})(scope, receive, send)
            return
        place = _Place(self._room)
        try:
            await place.take()
            await self._app(scope, place.receiving(receive), _impatient(send))
        finally:
            place.leave()


class _Room:
    """Where requests are worked on, and how many are in it or wait before it."""

    def __init__(self, places: int) -> None:
        self.places = asyncio.Semaphore(places)
        self.present = 0


class _Place:
    """One request's place. It is given up while the body is waited for: clients that send slowly keep nobody out."""

    def __init__(self, room: _Room) -> None:
        self._room = room
        self._is_taken = False

    async def take(self) -> None:
        self._room.present += 1
        try:
            await self._room.places.acquire()
        except asyncio.CancelledError:
            self._room.present -= 1
            raise
        self._is_taken = True

    def leave(self) -> None:
        if self._is_taken:
            self._is_taken = False
            self._room.present -= 1
            self._room.places.release()

    def receiving(self, receive: Receive) -> Receive:
        is_whole = False

        async def waiting() -> Message:
            nonlocal is_whole
            message = await receive() if is_whole else await self._patiently(receive)
            is_whole = is_whole or not message.get("more_body", False)
            return message

        return waiting

    async def _patiently(self, receive: Receive) -> Message:
        coming = asyncio.ensure_future(receive())
        try:
            await asyncio.wait((coming,), timeout=_KEPT_SECONDS)
            if not coming.done():
                self.leave()
                await asyncio.wait((coming,))
                await self.take()
            return coming.result()
        finally:
            coming.cancel()


def _impatient(send: Send) -> Send:
    async def sending(message: Message) -> None:
        async with asyncio.timeout(_SEND_SECONDS):
            await send(message)

    return sending
