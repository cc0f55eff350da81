"""Cut text into tokens that cover it without a gap, in pieces of bounded size.

A token is a word, a run of digits or one other sign, each with at most one leading space, or a longer run of white
space. The leading space is kept because it tells `foo.Bar` from `foo. Bar`.
"""

from collections.abc import Iterator
from typing import Final

from certtrace.redaction.text.lazy import lazy

PIECE: Final = 16_384
"""Characters that are cut at once; longer texts go piece by piece, and pieces meet without a seam."""

LONGEST: Final = 48
"""Longer tokens are no names: they are read by their kind alone."""

_OPEN: Final = 4

_LETTER: Final = (
    "A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u1fff\u200c\u200d\u2c00-\u2dff\u3005\u3040-\u318f\u31a0-\u31bf"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\ud7ff\uf900-\ufdff\ufe20-\ufe2f\ufe70-\ufefe\uff21-\uff3a\uff41-\uff5a\uff66-\uffdc"
    "\U00010000-\U0001cfff\U0001e000-\U0001efff\U00020000-\U000323af"
)
# Letters are listed by block instead of `\w`: the same cut in every Python, and vowel signs stay in their word.
_WORD: Final = rf"(?:[DdLlMNOo]['\u2019](?=[A-Z\u00c0-\u00de]))?[{_LETTER}]++(?>(?:-[{_LETTER}]++)*)"
_TOKEN: Final = lazy(rf" ?{_WORD}| ?[0-9]++| ?[^\s0-9{_LETTER}]|\s++")


def pieces(text: str) -> Iterator[list[str]]:
    """Yield the tokens of a text in order, in lists whose tokens together have about `PIECE` characters."""
    end = len(text)
    start = 0
    while end - start > PIECE:
        cut = _TOKEN.findall(text, start, start + PIECE)
        # The last tokens may go on behind the piece (`O` + `'` + `B…`); a token as long as the piece is cut as it is.
        if len(cut) > _OPEN:
            del cut[-_OPEN:]
        yield cut
        start += sum(map(len, cut))
    if start < end:
        yield _TOKEN.findall(text, start)


def bounded(token: str) -> str:
    """Return a short token of the same kind in place of one that is too long to be kept in memory."""
    if len(token) <= LONGEST + 1:
        return token
    if token.isspace():
        lines = min(token.count("\n"), 2)
        return "\n" * lines + ("" if token.endswith("\n") else "  ")
    glue = " " if token[0] == " " else ""
    return glue + ("0" * 9 if token[-1].isdigit() and token[-1].isascii() else "x" * (LONGEST + 1))
