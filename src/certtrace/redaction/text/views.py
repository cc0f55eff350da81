r"""Decoded views of a text: what a reader would see behind URL-, JSON- and HTML-escapes and invisible characters.

Personal data hides in `J%C3%B6rg`, `J\u00f6rg`, `J&ouml;rg` and `Jo<U+0308>rg`. A view undoes one round of escapes and
remembers, character by character, where it came from, so that what is found in it is replaced in the text itself.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from certtrace.redaction.text.engine import NATIVE
from certtrace.redaction.text.escapes import escapes
from certtrace.redaction.text.escapes import may_be_escaped as _may_be_escaped
from certtrace.redaction.text.fairness import NEVER, Deadline, Turns
from certtrace.redaction.text.folding import fold_bytes
from certtrace.redaction.text.forms import form_spaces

MAX_ROUNDS: Final = 4
"""Rounds of decoding: a URL inside a form inside a URL takes three."""

_SIGNS: Final = (b"%", b"\\", b"&", b"\0", b"=?", b"+")


class View:
    """One reading of a text: its characters, their folded bytes, and the way back to the text itself."""

    __slots__ = ("_at", "_behind", "_into", "_low", "_whole", "data", "text")

    def __init__(
        self,
        text: str,
        behind: "View | None" = None,
        at: Sequence[int] = (),
        into: Sequence[int] = (),
        whole: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Take the characters and, for a decoded view, the view it was read from.

        Args:
            text: The characters.
            behind: The view that was decoded.
            at: Offsets in `text` where a run of plain characters or one decoded character begins.
            into: The same places in `behind`.
            whole: Parts of `behind` that are taken whole or not at all.
        """
        self.text = text
        self.data = fold_bytes(text)
        self._low: bytes | None = None
        self._behind = behind
        self._at = at
        self._into = into
        self._whole = whole

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
            last = self._into[behind]
        else:
            last = self._into[anchor] + end - self._at[anchor]
        if self._whole:
            first, last = self._widened(first, last)
        return self._behind.to_source(first, last)

    def _widened(self, first: int, last: int) -> tuple[int, int]:
        """Return a part of the view behind, with each part whole that it touches."""
        before = bisect_right(self._whole, (first, last)) - 1
        if before >= 0 and first < self._whole[before][1]:
            first, last = self._whole[before][0], max(last, self._whole[before][1])
        behind = bisect_left(self._whole, (last, last)) - 1
        return (first, max(last, self._whole[behind][1])) if behind >= 0 else (first, last)


def views(
    text: str,
    *,
    native: bool = NATIVE,  # noqa: ARG001 - whoever looks into the views has an engine; they are the same with either
    deadline: Deadline = NEVER,
) -> Iterable[View]:
    """Return the text itself, then each further decoded round while there is anything to decode.

    Args:
        text: The text.
        native: The readings are the same with either engine.
        deadline: When the time is used up.

    Raises:
        DeadlinePassedError: While it is iterated, when the time is used up; what was returned before is whole.
    """
    view = View(text)
    return _rounds(view, deadline) if may_be_escaped(view.data) else (view,)


def may_be_escaped(data: bytes) -> bool:
    """Tell, quickly, whether folded bytes may hold an escape, something unseen or a plus sign for a space."""
    return _may_be_escaped(data) or b"+" in data


def first_sign(view: View) -> int:
    """Return where, in the text itself, a view may begin to read otherwise when it is decoded."""
    places = [place for sign in _SIGNS if (place := view.data.find(sign)) >= 0]
    return view.to_source(min(places), min(places) + 1)[0] if places else len(view.text)


def _rounds(view: View, deadline: Deadline) -> Iterator[View]:
    yield view
    for _ in range(MAX_ROUNDS - 1):
        plain = _decode(view, deadline)
        form = _as_form(view)
        if form is not None:
            if plain is not None:  # for an address with a plus sign that was not escaped
                yield plain
            plain = _decode(form, deadline) or form
        if plain is None:
            return
        yield plain
        view = plain


def _as_form(view: View) -> View | None:
    """Return a view as a server reads a query or a form, in which a plus sign is a space."""
    text = with_spaces(view.text, view.data)
    return None if text is None else View(text, view, (0,), (0,))


def with_spaces(text: str, data: bytes, offset: int = 0) -> str | None:
    """Return a text with spaces for the plus signs that stand for one, or None.

    Args:
        text: The text.
        data: Folded bytes in which it stands.
        offset: Where in `data`.
    """
    pieces: list[str] = []
    done = 0
    for place in form_spaces(data, offset, offset + len(text)):
        pieces.append(text[done : place - offset])
        done = place - offset + 1
    return " ".join((*pieces, text[done:])) if pieces else None


def _decode(view: View, deadline: Deadline) -> View | None:
    if not _may_be_escaped(view.data):
        return None
    text = view.text
    pieces: list[str] = []
    at, into = [0], [0]
    whole: list[tuple[int, int]] = []
    length = done = 0
    for escape in escapes(text, view.data, 0, Turns(deadline)):
        place = escape.start
        pieces.append(text[done:place])
        length += place - done
        for character, width in escape.characters:
            at.append(length)
            into.append(place)
            pieces.append(character)
            length += 1
            place += width
        done = escape.end
        at.append(length)
        into.append(done)
        if escape.whole:
            whole.append((escape.start, done))
    if not done:
        return None
    pieces.append(text[done:])
    plain = "".join(pieces)
    return View(plain, view, at, into, whole) if plain != text else None
