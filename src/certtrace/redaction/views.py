"""Decoded views of a text: what a reader would see behind URL-, JSON- and HTML-escapes and invisible characters.

Personal data hides in `J%C3%B6rg`, `J\\u00f6rg`, `J&ouml;rg` and `Jo<U+0308>rg`. A view undoes one round of escapes and
remembers, character by character, where it came from, so that what is found in it is replaced in the text itself.
"""

import html
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from certtrace.redaction.folding import fold_bytes

MAX_ROUNDS: Final = 4
"""Rounds of decoding: a URL inside a JSON string inside a JSON string takes three."""

_ESCAPE: Final = re.compile(
    r"(?P<url>(?:%[0-9A-Fa-f]{2})+)"
    r"|(?P<json>(?:\\u[0-9A-Fa-f]{4})+)"
    r"|(?P<short>\\[\"\\/nrtbf'])"
    r"|(?P<hex>(?:\\x[0-9A-Fa-f]{2})+)"
    r"|(?P<html>&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});)"
    r"|(?P<unseen>[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u206a-\u206f"
    r"\ufe00-\ufe0f\ufeff\u0300-\u036f]+)"
)
_UNSEEN_ONLY: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u206a-\u206f"
    "\ufe00-\ufe0f\ufeff\u0300-\u036f]"
)
_SHORT: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


class View:
    """One reading of a text: its characters, their folded bytes, and the way back to the text itself."""

    __slots__ = ("_at", "_behind", "_into", "data", "low", "text")

    def __init__(
        self, text: str, behind: "View | None" = None, at: Sequence[int] = (), into: Sequence[int] = ()
    ) -> None:
        """Take the characters and, for a decoded view, the view it was read from.

        Args:
            text: The characters.
            behind: The view that was decoded.
            at: Offsets in `text` where a run of plain characters or one decoded character begins.
            into: The same places in `behind`.
        """
        self.text = text
        self.data = fold_bytes(text)
        self.low = self.data.lower()
        self._behind = behind
        self._at = at
        self._into = into

    def to_source(self, start: int, end: int) -> tuple[int, int]:
        """Return the part of the first view that `start:end` of this one was read from."""
        if self._behind is None:
            return start, end
        anchor = bisect_right(self._at, start) - 1
        first = self._into[anchor] + start - self._at[anchor]
        anchor = bisect_right(self._at, end - 1) - 1
        behind = anchor + 1
        if behind < len(self._at) and self._at[behind] == end:
            return self._behind.to_source(first, self._into[behind])
        return self._behind.to_source(first, self._into[anchor] + end - self._at[anchor])


def views(text: str) -> Iterator[View]:
    """Yield the text itself, then each further decoded round while there is anything to decode."""
    view: View | None = View(text)
    for _ in range(MAX_ROUNDS):
        if view is None:
            return
        yield view
        view = _decode(view) if _may_be_escaped(view.text) else None


def _may_be_escaped(text: str) -> bool:
    if "%" in text or "\\" in text or "&" in text:
        return True
    return not text.isascii() and _UNSEEN_ONLY.search(text) is not None


def _decode(view: View) -> View | None:
    text = view.text
    pieces: list[str] = []
    at, into = [0], [0]
    length = done = 0
    for match in _ESCAPE.finditer(text):
        pieces.append(text[done : match.start()])
        length += match.start() - done
        place = match.start()
        for character, width in _characters(match):
            at.append(length)
            into.append(place)
            pieces.append(character)
            length += 1
            place += width
        done = match.end()
        at.append(length)
        into.append(done)
    if not done:
        return None
    pieces.append(text[done:])
    return View("".join(pieces), view, at, into)


def _characters(match: re.Match[str]) -> Iterator[tuple[str, int]]:
    """Yield the characters behind one run of escapes, each with the width of its escape."""
    run, kind = match[0], match.lastgroup
    if kind == "unseen":
        return
    if kind == "short":
        yield _SHORT.get(run[1], run[1]), 2
    elif kind == "html":
        plain = html.unescape(run)
        # An unknown entity stays as it is, one character at a time.
        yield from zip(plain, [1] * len(plain), strict=True) if plain == run else [(plain[:1] or "?", len(run))]
    elif kind == "json":
        yield from _utf16(run)
    else:
        yield from _utf8(run, 3 if kind == "url" else 4)


def _utf16(run: str) -> Iterator[tuple[str, int]]:
    units = b"".join(int(run[start + 2 : start + 6], 16).to_bytes(2, "little") for start in range(0, len(run), 6))
    for character in units.decode("utf-16-le", "surrogatepass"):
        yield character, 12 if ord(character) > 0xFFFF else 6


def _utf8(run: str, width: int) -> Iterator[tuple[str, int]]:
    data = bytes(int(run[start + width - 2 : start + width], 16) for start in range(0, len(run), width))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        for byte in data:
            yield chr(byte), width
        return
    for character in text:
        yield character, width * len(character.encode("utf-8"))
