"""Bounds on what a request body may cost: its bytes on the wire and unpacked, its time, the depth and numbers of JSON.

A body is read when the route asks for it; where it does not come at once, the key is looked at before. What a route
gets is whole, unpacked and, where it is JSON, safe for every parser: a decoder that knows no bounds never sees it.
"""

import asyncio
import re
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from certtrace.server.answers import answer
from certtrace.server.box import Limits
from certtrace.server.errors import ApiError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_PIECE_SECONDS: Final = 20.0
"""Longest wait for the next piece of a body."""
_WHOLE_SECONDS: Final = 120.0
"""Longest wait for all pieces together."""
_UNKNOWN_SECONDS: Final = 5.0
"""Likewise where nobody has shown a key yet: forms."""
_AT_ONCE_SECONDS: Final = 0.1
"""A body that takes longer is waited for only if the key is one."""
_LINGER_SECONDS: Final = 2.0
"""How long the rest of a refused body is read: a client that is cut off while it sends may never see the answer."""
_GZIP: Final = 31
"""Tells zlib to expect a gzip header and its checksum."""
_PIECE_BYTES: Final = 1 << 20
_INLINE_BYTES: Final = 1 << 16
"""Shorter bodies are unpacked and checked at once: handing them to a thread would take longer."""
_LONG_INTEGER: Final = re.compile(rb'(?<![\w".])\d{19}')
_MOST_VALUES: Final = 2_000_000
"""Most values in JSON: an empty list takes three bytes on the wire and sixty in memory."""
_INT64: Final = 2**63
_BODIES_AT_ONCE: Final = 4
"""How many bodies of the greatest length may be held at the same time; of shorter ones, more."""
_LATER: Final = {"Connection": "close", "Retry-After": "1"}
_CLOSE: Final = {"Connection": "close"}


Admit = Callable[[MutableMapping[str, Any]], bool]
"""Tells whether a request may take its time: its key is one, or its route has looked at what it has instead. Raises
where the key is none."""


class BodyError(HTTPException):
    """A body that is refused. Routes need not know it: FastAPI passes it on."""


class Bodies:
    """The part of the application that stands before every route and bounds what is read."""

    def __init__(self, app: App, limits: Limits, admit: Admit) -> None:
        """Take the application behind it, the bounds, and what looks at keys."""
        self._app = app
        self._limits = limits
        self._admit = admit
        self._held = Held(_BODIES_AT_ONCE * limits.body_bytes)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        refusal = _refusal(headers, self._limits)
        if refusal is not None:
            await _refuse(refusal, receive, send)
            return
        body = _Body(scope, receive, self._limits, self._held, self._admit)
        if body.is_packed:
            scope["headers"] = [
                pair for pair in scope["headers"] if pair[0] not in (b"content-encoding", b"content-length")
            ]
        try:
            await self._app(scope, body.receive, send)
        finally:
            body.let_go()


class Held:
    """How many bytes the bodies of all requests under way take together."""

    def __init__(self, most: int) -> None:
        """Take how many they may take."""
        self._most = most
        self._total = 0

    def take(self, length: int) -> None:
        """Count bytes.

        Raises:
            BodyError: 503, there are too many; what the request took before stays counted until it is let go.
        """
        if length > 0 and self._total + length > self._most:
            raise BodyError(503, "Too many requests with long bodies are under way. Try again.", _LATER)
        self._total += length

    def give(self, length: int) -> None:
        """Count bytes no more."""
        self._total -= length


def _refusal(headers: dict[bytes, bytes], limits: Limits) -> BodyError | None:
    """Return why a request is refused for what its headers say alone."""
    if b"transfer-encoding" in headers and b"content-length" in headers:
        # Two lengths: a proxy may go by the other one, and take the rest of the body for the next client's request.
        return BodyError(400, "Send either Content-Length or Transfer-Encoding, not both.", _CLOSE)
    length = headers.get(b"content-length", b"0")
    if not length.isdigit():
        return BodyError(400, "The header Content-Length is no number.", _CLOSE)
    # As text first: Python refuses to read the longest numbers.
    if len(length) > len(str(limits.packed_bytes)) + 3 or int(length) > limits.packed_bytes:
        return _too_long(limits.packed_bytes)
    encoding = _encoding(headers)
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        return BodyError(415, "Send the body as it is or with Content-Encoding: gzip.", {"Accept-Encoding": "gzip"})
    return None


async def _refuse(error: BodyError, receive: Receive, send: Send) -> None:
    response = answer({"message": error.detail}, error.status_code, headers=error.headers)
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": bytes(response.body), "more_body": True})
    await _discard(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _discard(receive: Receive) -> None:
    """Read, for a while, what nobody wants."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while (await receive()).get("more_body", False):
                pass


def _too_long(limit: int) -> BodyError:
    return BodyError(413, f"The body is longer than {limit} bytes. Send it in parts.", _CLOSE)


def _too_slow() -> BodyError:
    return BodyError(408, "The body did not come in time.", _CLOSE)


def _no_gzip() -> BodyError:
    return BodyError(400, "Failed to decompress request body")


def _encoding(headers: dict[bytes, bytes]) -> str:
    return headers.get(b"content-encoding", b"").decode("latin-1").strip().lower()


class _Body:
    """The body of one request."""

    def __init__(
        self, scope: MutableMapping[str, Any], receive: Receive, limits: Limits, held: Held, admit: Admit
    ) -> None:
        headers = dict(scope["headers"])
        self._scope = scope
        self._receive = receive
        self._admit = admit
        self._limits = limits
        self._held = held
        self._taken = 0
        self.is_packed = "gzip" in _encoding(headers)
        kind = headers.get(b"content-type", b"").lower()
        # PUT brings files, which may be of any kind.
        self._is_json = scope["method"] != "PUT" and (b"json" in kind or not kind)
        self._is_read = False

    async def receive(self) -> Message:
        """Return the body as one message; afterwards whatever comes, such as that the client has gone."""
        if self._is_read:
            return await self._receive()
        self._is_read = True
        raw = await self._read_in_time()
        body = await run_in_threadpool(self._checked, raw) if len(raw) > _INLINE_BYTES else self._checked(raw)
        self._take(len(body) - self._taken)
        return {"type": "http.request", "body": body, "more_body": False}

    async def _read_in_time(self) -> bytes:
        reading = asyncio.ensure_future(self._read())
        try:
            done, _ = await asyncio.wait((reading,), timeout=_AT_ONCE_SECONDS)
            if done:
                return reading.result()
            longest = _WHOLE_SECONDS if await self._is_known() else _UNKNOWN_SECONDS
            async with asyncio.timeout(longest):
                return await reading
        except TimeoutError:
            raise _too_slow() from None
        finally:
            reading.cancel()
            if reading.done() and not reading.cancelled():
                reading.exception()  # so that asyncio does not log it as one that nobody asked for

    async def _is_known(self) -> bool:
        try:
            return await run_in_threadpool(self._admit, self._scope)
        except ApiError as error:
            # As an error that FastAPI passes on; others it takes for a body that cannot be read.
            raise BodyError(error.status, error.message, {**(error.headers or {}), "Connection": "close"}) from None

    async def _read(self) -> bytes:
        pieces: list[bytes] = []
        length = 0
        while True:
            message = await self._next()
            if message["type"] == "http.disconnect":
                raise BodyError(400, "The body ended too soon.", _CLOSE)
            piece = message.get("body", b"")
            length += len(piece)
            if length > self._limits.packed_bytes:
                pieces.clear()
                await _discard(self._receive)
                raise _too_long(self._limits.packed_bytes)
            self._take(len(piece))
            pieces.append(piece)
            if not message.get("more_body", False):
                return b"".join(pieces)

    def let_go(self) -> None:
        """Count the body no more: the request is done."""
        self._held.give(self._taken)
        self._taken = 0

    def _take(self, length: int) -> None:
        self._held.take(length)
        self._taken += length

    async def _next(self) -> Message:
        try:
            async with asyncio.timeout(_PIECE_SECONDS):
                return await self._receive()
        except TimeoutError:
            raise _too_slow() from None

    def _checked(self, raw: bytes) -> bytes:
        body = unpacked(raw, self._limits.body_bytes) if self.is_packed else raw
        return safe_json(body, self._limits.depth) if self._is_json and body.strip() else body


def unpacked(packed: bytes, most: int) -> bytes:
    """Return what gzip packed, in memory bounded by `most`.

    Raises:
        BodyError: It is no gzip, is cut off, or is longer than `most` bytes.
    """
    body = bytearray()
    rest = packed
    try:
        while True:  # a file may have several members
            unpacker = zlib.decompressobj(_GZIP)
            while not unpacker.eof:
                piece = unpacker.decompress(rest, _PIECE_BYTES)
                rest = unpacker.unconsumed_tail
                body += piece
                if len(body) > most:
                    raise _too_long(most)
                if not (piece or rest or unpacker.eof):
                    raise _no_gzip()
            rest = unpacker.unused_data
            if not rest:
                return bytes(body)
    except zlib.error:
        raise _no_gzip() from None


def safe_json(body: bytes, depth: int) -> bytes:
    """Return JSON that every parser reads alike: whole numbers beyond 64 bits are written as decimals.

    Raises:
        BodyError: It is no JSON (NaN and half surrogates are none), or nested more deeply than `depth`.
    """
    brackets = body.count(b"[") + body.count(b"{")
    if brackets + body.count(b",") > _MOST_VALUES:
        raise BodyError(413, f"The body holds more than {_MOST_VALUES} values. Send it in parts.")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BodyError(400, "Invalid JSON") from None
    if brackets > depth and _depth(found, depth) > depth:
        raise BodyError(400, f"The body is nested more deeply than {depth} levels.")
    return orjson.dumps(_shortened(found)) if _LONG_INTEGER.search(body) else body


def _depth(value: object, most: int) -> int:
    """Return how deeply a value is nested; counting ends behind `most`."""
    level = [value]
    depth = 0
    while depth <= most:
        holders = [each for each in level if isinstance(each, (dict, list))]
        if not holders:
            return depth
        level = [item for each in holders for item in _items(each)]
        depth += 1
    return depth


def _items(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return float(value) if isinstance(value, int) and not -_INT64 <= value < _INT64 else value
