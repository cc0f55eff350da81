"""The four elements of the protobuf wire format that OTLP needs.

Written by hand because encoding runs for every span: building the generated message classes from Python copies each
value several times and takes more than twice as long. Tests decode the result with the generated classes.
"""

import struct
from typing import Final

_ONE_BYTE: Final = tuple(bytes((number,)) for number in range(128))
_pack_fixed64 = struct.Struct("<Q").pack
_pack_fixed32 = struct.Struct("<I").pack


def varint(number: int) -> bytes:
    """Return a number from 0 to 2**64 - 1 as a varint."""
    if number < 0x80:
        return _ONE_BYTE[number]
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def varint_tag(field: int) -> bytes:
    """Return the tag of a field that holds a varint."""
    return varint(field << 3)


def fixed64_tag(field: int) -> bytes:
    """Return the tag of a field that holds eight bytes."""
    return varint(field << 3 | 1)


def delimited_tag(field: int) -> bytes:
    """Return the tag of a field that holds text, bytes or a message."""
    return varint(field << 3 | 2)


def fixed32_tag(field: int) -> bytes:
    """Return the tag of a field that holds four bytes."""
    return varint(field << 3 | 5)


def delimited(tag: bytes, body: bytes) -> bytes:
    """Return a field that holds text, bytes or a message."""
    return b"".join((tag, varint(len(body)), body))


def fixed64(tag: bytes, number: int) -> bytes:
    """Return a field that holds eight bytes."""
    return tag + _pack_fixed64(number)


def fixed32(tag: bytes, number: int) -> bytes:
    """Return a field that holds four bytes."""
    return tag + _pack_fixed32(number)
