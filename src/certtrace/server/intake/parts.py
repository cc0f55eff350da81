"""How many messages a protobuf export is made of, counted before they are made.

An empty message takes two bytes on the wire and fifty times as much in memory, and gzip packs a million of them into a
kilobyte: the length of a body says little about its cost.
"""

from collections.abc import Mapping
from typing import Final

_REQUEST: Final = "request"
_CHILDREN: Final[Mapping[str, Mapping[int, str]]] = {
    _REQUEST: {1: "resource spans"},
    "resource spans": {1: "resource", 2: "scope spans"},
    "resource": {1: "pair"},
    "scope spans": {1: "scope", 2: "span"},
    "scope": {3: "pair"},
    "span": {9: "pair", 11: "event", 13: "link", 15: "status"},
    "event": {3: "pair"},
    "link": {4: "pair"},
    "status": {},
    "pair": {2: "value"},
    "value": {5: "list", 6: "pairs"},
    "list": {1: "value"},
    "pairs": {1: "pair"},
}
"""Messages by the field they stand in (opentelemetry-proto 1.x)."""
_ONE_BYTE: Final = 127
_VARINT: Final = 0
_DELIMITED: Final = 2
_FIXED: Final = {1: 8, 5: 4}


def count_parts(body: bytes, most: int) -> int:
    """Return how many messages stand in an export; counting ends behind `most`, or where it is no protobuf."""
    waiting = [(0, len(body), _CHILDREN[_REQUEST])]
    count = 0
    while waiting and count <= most:
        start, end, children = waiting.pop()
        while start < end and count <= most:
            tag = body[start]
            start += 1
            if tag > _ONE_BYTE:
                tag, start = _varint(body, start - 1, end)
            if tag & 7 != _DELIMITED:
                start = _behind(body, start, end, tag & 7)
                continue
            length, start = _varint(body, start, end)
            if (child := children.get(tag >> 3)) is not None and start + length <= end:
                count += 1
                if length:
                    waiting.append((start, start + length, _CHILDREN[child]))
            start += length
    return count


def _behind(body: bytes, start: int, end: int, wire: int) -> int:
    """Return the place behind a value that is no message."""
    return _varint(body, start, end)[1] if wire == _VARINT else start + _FIXED.get(wire, end)


def _varint(body: bytes, start: int, end: int) -> tuple[int, int]:
    """Return a number and the place behind it; `end` where it does not end."""
    if start < end and body[start] <= _ONE_BYTE:
        return body[start], start + 1
    number = shift = 0
    for place in range(start, min(start + 10, end)):
        byte = body[place]
        number |= (byte & 127) << shift
        if byte <= _ONE_BYTE:
            return number, place + 1
        shift += 7
    return 0, end
