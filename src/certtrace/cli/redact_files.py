"""The input of `certtrace redact`, piece by piece: whole texts, lines of JSONL, or blocks of lines."""

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, NamedTuple

import orjson

from certtrace.errors import InputError

FORMATS: Final = ("auto", "text", "json", "jsonl")
_BY_SUFFIX: Final = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".txt": "text",
    ".log": "text",
    ".md": "text",
}
_GZIP: Final = b"\x1f\x8b"


class Piece(NamedTuple):
    """What is redacted in one go."""

    text: str
    form: str
    """`text`, `json` or `jsonl`."""
    origin: str
    """Name of the file, or `<stdin>`."""
    line: int
    """Number of its first line, from 1."""
    offset: int
    """Characters of the input before it."""


def pieces(path: Path | None, form: str, max_bytes: int) -> Iterator[Piece]:
    """Yield the pieces of a file, or of standard input.

    Args:
        path: The file, plain or gzip; None for standard input.
        form: `text`, `json`, `jsonl`, or `auto`: by the name of the file, else by its first line.
        max_bytes: Size at which a text is divided between two lines.

    Raises:
        InputError: The file cannot be read.
    """
    origin = str(path) if path is not None else "<stdin>"
    try:
        with _opened(path) as stream:
            first = stream.readline()
            chosen = form if form != "auto" else _form(path, first)
            yield from _PIECES[chosen](first, stream, origin, max_bytes)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or "it is damaged"
        msg = f"{origin} cannot be read: {reason}. Name a file of text, JSON or JSONL, plain or gzip."
        raise InputError(msg) from None


def _opened(path: Path | None) -> IO[bytes]:
    if path is None or str(path) == "-":
        return sys.stdin.buffer
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]  # GzipFile reads like a file


def _form(path: Path | None, first: bytes) -> str:
    if path is not None:
        suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
        if suffix in _BY_SUFFIX:
            return _BY_SUFFIX[suffix]
    if first.lstrip()[:1] in {b"{", b"["}:
        try:
            orjson.loads(first)
        except orjson.JSONDecodeError:
            return "json"
        return "jsonl"
    return "text"


def _whole(first: bytes, stream: IO[bytes], origin: str, _max_bytes: int) -> Iterator[Piece]:
    yield Piece(_text(first + stream.read()), "json", origin, 1, 0)


def _lines(first: bytes, stream: IO[bytes], origin: str, _max_bytes: int) -> Iterator[Piece]:
    number = 1
    line = first
    while line:
        yield Piece(_text(line), "jsonl", origin, number, 0)
        line = stream.readline()
        number += 1


def _blocks(first: bytes, stream: IO[bytes], origin: str, max_bytes: int) -> Iterator[Piece]:
    held: list[bytes] = []
    size, number, offset = 0, 1, 0
    line = first
    while line or held:
        if held and (not line or size + len(line) > max_bytes):
            text = _text(b"".join(held))
            yield Piece(text, "text", origin, number, offset)
            number += len(held)
            offset += len(text)
            held, size = [], 0
        if line:
            held.append(line)
            size += len(line)
            line = stream.readline()


def _text(data: bytes) -> str:
    return data.decode("utf-8-sig" if data[:3] == b"\xef\xbb\xbf" else "utf-8", "replace")


_PIECES: Final = {"json": _whole, "jsonl": _lines, "text": _blocks}
