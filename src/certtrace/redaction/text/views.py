r"""Decoded views of a text: what a reader would see behind URL-, JSON- and HTML-escapes and invisible characters.

Personal data hides in `J%C3%B6rg`, `J\u00f6rg`, `J&ouml;rg` and `Jo<U+0308>rg`. A view undoes one round of escapes and
remembers, character by character, where it came from, so that what is found in it is replaced in the text itself.
"""

import html
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from certtrace.redaction.text.engine import NATIVE, Matcher, matcher
from certtrace.redaction.text.fairness import NEVER, Deadline, Turns
from certtrace.redaction.text.folding import fold_bytes

MAX_ROUNDS: Final = 4
"""Rounds of decoding: a URL inside a JSON string inside a JSON string takes three."""

_TRIGGER: Final = rb"%[0-9A-Fa-f]{2}|\\[u\"\\/nrtbf'x]|&[#A-Za-z]|\x00"
"""Where an escape may begin. Folding turns what nobody sees into NUL, which no text holds otherwise."""

ESCAPE: Final = re.compile(
    r"(?P<url>(?:%[0-9A-Fa-f]{2})+)"
    r"|(?P<json>(?:\\u[0-9A-Fa-f]{4})+)"
    r"|(?P<short>\\[\"\\/nrtbf'])"
    r"|(?P<hex>(?:\\x[0-9A-Fa-f]{2})+)"
    r"|(?P<html>&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});)"
)
_TRIGGERS: Final = {native: matcher(_TRIGGER, native=native) for native in (False, True)}
_SHORT: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


class View:
    """One reading of a text: its characters, their folded bytes, and the way back to the text itself."""

    __slots__ = ("_at", "_behind", "_into", "_low", "data", "text")

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
        self._low: bytes | None = None
        self._behind = behind
        self._at = at
        self._into = into

    @property
    def low(self) -> bytes:
        """The folded bytes in lower case."""
        if self._low is None:
            self._low = self.data.lower()
        return self._low

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


def views(text: str, *, native: bool = NATIVE, deadline: Deadline = NEVER) -> Iterable[View]:
    """Return the text itself, then each further decoded round while there is anything to decode.

    Raises:
        DeadlinePassedError: While it is iterated, when the time is used up; what was returned before is whole.
    """
    view = View(text)
    return _rounds(view, _TRIGGERS[native], deadline) if may_be_escaped(view.data) else (view,)


def first_sign(view: View) -> int:
    """Return where, in the text itself, a view may begin to read otherwise when it is decoded."""
    places = [place for sign in (b"%", b"\\", b"&", b"\0") if (place := view.data.find(sign)) >= 0]
    return view.to_source(min(places), min(places) + 1)[0] if places else len(view.text)


def _rounds(first: View, trigger: Matcher, deadline: Deadline) -> Iterator[View]:
    view: View | None = first
    for _ in range(MAX_ROUNDS):
        if view is None:
            return
        yield view
        view = _decode(view, trigger, deadline) if may_be_escaped(view.data) else None


def may_be_escaped(data: bytes) -> bool:
    """Tell, quickly, whether folded bytes may hold an escape or something unseen."""
    return b"%" in data or b"\\" in data or b"&" in data or b"\0" in data


def _decode(view: View, trigger: Matcher, deadline: Deadline) -> View | None:
    text, data = view.text, view.data
    pieces: list[str] = []
    at, into = [0], [0]
    length = done = 0
    turns = Turns(deadline)
    groups = trigger.next(data, 0)
    while groups is not None:
        turns.step()
        place, end = groups[0]
        escape = None if data[place] == 0 else ESCAPE.match(text, place)
        if data[place] == 0 or escape is not None:
            pieces.append(text[done:place])
            length += place - done
            for character, width in characters(escape) if escape else ():
                at.append(length)
                into.append(place)
                pieces.append(character)
                length += 1
                place += width
            done = escape.end() if escape else end
            at.append(length)
            into.append(done)
        groups = trigger.next(data, max(done, end))
    if not done:
        return None
    pieces.append(text[done:])
    plain = "".join(pieces)
    return View(plain, view, at, into) if plain != text else None


def characters(match: re.Match[str]) -> Iterator[tuple[str, int]]:
    """Yield the characters behind one run of escapes, each with the width of its escape."""
    run, kind = match[0], match.lastgroup
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
