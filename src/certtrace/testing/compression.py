"""Decompress whatever is compressed in exported bytes, wherever it begins."""

import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, Final

from certtrace.errors import ConfigurationError

_ZLIB: Final = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_LEAST: Final = 8
_STEP: Final = 64
_FAULTS: Final = (zlib.error, OSError, lzma.LZMAError, EOFError)
_ZSTD: Final = b"\x28\xb5\x2f\xfd"


def decompressed(data: bytes, limit: int) -> Iterator[tuple[str, bytes]]:
    """Yield what is compressed anywhere in the data, up to a limit each, with the name of the compression.

    Raises:
        ConfigurationError: The data as a whole is in a compression that cannot be read here.
    """
    for magic, name, opener in _COMPRESSIONS:
        start = data.find(magic)
        while start >= 0:
            found = _opened(opener, data[start:], limit)
            if found:
                yield name, found
            start = data.find(magic, start + 1)
    for match in _ZLIB.finditer(data):
        found = _opened(lambda: zlib.decompressobj(15), data[match.start() :], limit)
        if found:
            yield "zlib", found
    found = _opened(lambda: zlib.decompressobj(-15), data, limit)
    if found and len(found) > len(data) // 2:
        yield "deflate", found
    start = data.find(_ZSTD)
    while start >= 0:
        yield "zstd", _zstd(data[start:], at_start=start == 0)
        start = data.find(_ZSTD, start + 1)


def _opened(opener: Callable[[], Any], data: bytes, limit: int) -> bytes:
    """Return what can be read of a compressed stream; a damaged or unfinished one up to its fault."""
    found: list[bytes] = []
    size = 0
    while data and size < limit:
        stream = opener()
        try:
            found.append(stream.decompress(data, limit - size))
        except _FAULTS:
            found.append(_before_the_fault(opener(), data, limit - size))
            break
        size += len(found[-1])
        data = getattr(stream, "unused_data", b"")
    whole = b"".join(found)
    return whole if len(whole) >= _LEAST else b""


def _before_the_fault(stream: Any, data: bytes, limit: int) -> bytes:
    found = bytearray()
    for start in range(0, len(data), _STEP):
        try:
            found += stream.decompress(data[start : start + _STEP])
        except _FAULTS:
            break
        if len(found) > limit:
            break
    return bytes(found)


_COMPRESSIONS: Final[tuple[tuple[bytes, str, Callable[[], Any]], ...]] = (
    (b"\x1f\x8b\x08", "gzip", lambda: zlib.decompressobj(31)),
    (b"BZh", "bzip2", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\0", "xz", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ)),
)


def _zstd(data: bytes, *, at_start: bool) -> bytes:
    for module in ("compression.zstd", "backports.zstd", "zstandard"):
        try:
            zstd: Any = import_module(module)
        except ImportError:
            continue
        stream = zstd.ZstdDecompressor()
        try:
            # zstandard decompresses a whole frame of unknown size only through an object of its own.
            reader = stream.decompressobj() if hasattr(stream, "decompressobj") else stream
            return bytes(reader.decompress(data))
        except Exception:  # noqa: BLE001 - four bytes that look like a beginning need not be one
            return b""
    if not at_start:
        return b""
    msg = (
        "A source is compressed with zstd, which this Python cannot read. Install zstandard, or search it uncompressed."
    )
    raise ConfigurationError(msg)
