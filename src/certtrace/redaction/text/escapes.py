r"""One round of escapes undone: URL, JSON, source text, HTML and encoded words of mail, each character with its width.

One escape is a whole run of backslashes: `\u00e1` in JSON in JSON in JSON has four, and takes as little as one.
"""

import html
import re
from base64 import b64decode
from binascii import Error as BinasciiError
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from certtrace.redaction.text.fairness import Turns
from certtrace.redaction.text.lazy import lazy

_ESCAPE: Final = lazy(
    r"(?P<url>(?:%[0-9A-Fa-f]{2})+)"
    r"|(?P<unit>(?:\\++u[0-9A-Fa-f]{4})+)"
    r"|(?P<sign>\\++[\"'/])"
    r"|(?P<letter>\\++[nrtbf])"
    r"|(?P<byte>(?:\\++x[0-9A-Fa-f]{2})+)"
    r"|(?P<octal>(?:\\++[0-3][0-7]{2})+)"
    r"|(?P<point>\\++(?:U[0-9A-Fa-f]{8}|u\{[0-9A-Fa-f]{1,6}\}))"
    r"|(?P<run>\\{2,}+)"
    r"|(?P<html>&(?:#[0-9]{1,7}+;?|#[xX][0-9A-Fa-f]{1,6}+;?|[A-Za-z]{2,8};))"
    r"|(?P<word>=\?[A-Za-z0-9_-]{2,20}(?:\*[A-Za-z-]{1,8})?\?[bBqQ]\?[^? \t\r\n]{1,200}\?=)"
)
_SIGNS: Final = lazy(rb"%|\\|&|\x00|=\?")
"""Where an escape may begin, in folded bytes, and NUL: what nobody sees, which no text holds otherwise."""
_UNIT: Final = lazy(r"\\+u(.{4})")
_BYTE: Final = lazy(r"(?:%|\\+x)(.{2})")
_OCTAL: Final = lazy(r"\\+(.{3})")
_SHORT: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_CHUNK: Final = 16_384
_LAST_POINT: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)


class Escape(NamedTuple):
    """A part of a text that reads otherwise."""

    start: int
    end: int
    characters: list[tuple[str, int]]
    """What it reads as, each character with the width of what stands for it."""
    whole: bool = False
    """Whether what is found in it takes all of it: the widths are only about right."""


def may_be_escaped(data: bytes) -> bool:
    """Tell, quickly, whether folded bytes may hold an escape or something unseen."""
    return b"%" in data or b"\\" in data or b"&" in data or b"\0" in data or b"=?" in data


def escapes(text: str, data: bytes, offset: int, turns: Turns) -> Iterator[Escape]:
    """Yield the escapes of a text in order.

    Args:
        text: The text.
        data: Folded bytes in which it stands.
        offset: Where in `data`.
        turns: Counts the steps.
    """
    place, size = 0, len(text)
    while place < size:
        stop = min(place + _CHUNK, size)
        sign = _SIGNS.search(data, offset + place, offset + min(stop + 1, size))
        if sign is None:
            place = stop
            turns.turn()
            continue
        turns.step()
        place = sign.start() - offset
        if data[sign.start()] == 0:
            yield Escape(place, place + 1, [])
            place += 1
            continue
        match = _ESCAPE.match(text, place)
        found = _read(match) if match is not None else None
        if found is not None:
            yield found
        place = match.end() if match is not None else place + 1


def _read(match: re.Match[str]) -> Escape | None:
    start, end = match.span()
    run, kind = match[0], match.lastgroup
    if kind in _MANY:
        return Escape(start, end, list(_MANY[kind](run)))
    if kind == "html":
        plain = html.unescape(run)
        return Escape(start, end, [(plain[:1] or "?", len(run))]) if plain != run else None
    if kind == "word":
        plain = _encoded_word(run)
        return Escape(start, end, _spread(plain, len(run)), whole=True) if plain else None
    return Escape(start, end, _BACKSLASHED[kind or ""](run))


def _letter(run: str) -> list[tuple[str, int]]:
    # `C:\\Users\\nora` in JSON is a path: only a single backslash makes a line break of the letter.
    if run.count("\\") > 1:
        return [("\\", len(run) - 1), (run[-1], 1)]
    return [(_SHORT[run[1]], 2)]


def _point(run: str) -> list[tuple[str, int]]:
    code = int(run.lstrip("\\")[1:].strip("{}"), 16)
    return [(chr(code) if code <= _LAST_POINT and code not in _SURROGATES else "?", len(run))]


def _units(run: str) -> Iterator[tuple[str, int]]:
    """Yield the characters of UTF-16 code units: a pair of surrogates is one."""
    found = [(int(match[1], 16), match.end() - match.start()) for match in _UNIT.finditer(run)]
    plain = b"".join(unit.to_bytes(2, "little") for unit, _ in found).decode("utf-16-le", "surrogatepass")
    at = 0
    for character in plain:
        after = at + 1 + (ord(character) > 0xFFFF)
        yield character, sum(width for _, width in found[at:after])
        at = after


def _bytes(run: str) -> Iterator[tuple[str, int]]:
    return _utf8([(int(match[1], 16), match.end() - match.start()) for match in _BYTE.finditer(run)])


def _octals(run: str) -> Iterator[tuple[str, int]]:
    return _utf8([(int(match[1], 8), match.end() - match.start()) for match in _OCTAL.finditer(run)])


def _utf8(found: list[tuple[int, int]]) -> Iterator[tuple[str, int]]:
    """Yield the characters of UTF-8 bytes; bytes that are none are taken for Latin-1."""
    try:
        plain = bytes(byte for byte, _ in found).decode("utf-8")
    except UnicodeDecodeError:
        for byte, width in found:
            yield chr(byte), width
        return
    at = 0
    for character in plain:
        after = at + len(character.encode("utf-8"))
        yield character, sum(width for _, width in found[at:after])
        at = after


def _encoded_word(run: str) -> str:
    """Return what a word of a mail header says (RFC 2047), or an empty text."""
    charset, how, data = run[2:-2].split("?")
    try:
        if how in "bB":
            plain = b64decode(data + "=" * (-len(data) % 4))
        else:
            plain = bytes(ord(one) for one, _ in _quoted(data.replace("_", " ")))
        return plain.decode(charset.partition("*")[0], "replace")
    except (BinasciiError, LookupError, ValueError):
        return ""


def _quoted(run: str) -> Iterator[tuple[str, int]]:
    """Yield the characters, each for one byte, of `=C3=A1`."""
    done = 0
    for match in re.finditer(r"=([0-9A-Fa-f]{2})", run):
        yield from ((one, 1) for one in run[done : match.start()])
        yield chr(int(match[1], 16)), 3
        done = match.end()
    yield from ((one, 1) for one in run[done:])


def _spread(plain: str, width: int) -> list[tuple[str, int]]:
    """Share a width among characters."""
    places = [width * index // len(plain) for index in range(len(plain) + 1)]
    return [(one, after - at) for one, (at, after) in zip(plain, pairwise(places), strict=True)]


_MANY: Final[dict[str | None, Callable[[str], Iterator[tuple[str, int]]]]] = {
    "url": _bytes,
    "byte": _bytes,
    "unit": _units,
    "octal": _octals,
}
_BACKSLASHED: Final[dict[str, Callable[[str], list[tuple[str, int]]]]] = {
    "letter": _letter,
    "point": _point,
    "sign": lambda run: [(run[-1], len(run))],
    "run": lambda run: [("\\", len(run))],
}
