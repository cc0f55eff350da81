"""Fold text to one byte per character, so that accents, typographic signs and wide digits cannot hide a value.

One character always becomes one byte: an offset in the folded bytes is an offset in the text.
"""

import unicodedata
from typing import Final

from certtrace.redaction.text.fairness import yield_turn

_CHUNK: Final = 4_096
"""Characters folded in one go: few of them differ, so that few passes fold them, and other threads get in between."""

_MEMO_LIMIT: Final = 20_000
_DIFFERENT: Final = 48
_SHORT: Final = 64

# Letters that Unicode does not decompose, and signs that mean an ASCII sign.
_SPECIAL: Final = {
    **dict(zip("ßøæœđðłþħıẞØÆŒĐÐŁÞĦ", "soaoddlthiSOAODDLTH", strict=True)),
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u00b4\u2032", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"),
    **dict.fromkeys("\u2028\u2029\u0085", "\n"),
}

_UNSEEN: Final = frozenset(
    map(
        ord,
        "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\ufeff",
    )
).union(
    range(0x300, 0x370),
    range(0x200B, 0x2010),
    range(0x202A, 0x202F),
    range(0x2060, 0x2070),
    range(0xFE00, 0xFE10),
    range(0xE0000, 0xE0080),
    range(0xE0100, 0xE01F0),
)
"""Characters that nobody sees: joiners, directions, variation selectors, combining accents."""

UNSEEN: Final = "\0"
"""What an unseen character folds to; no text holds it otherwise, because NUL is taken out first."""


def _fold_character(character: str) -> str:
    if ord(character) in _UNSEEN:
        return UNSEEN
    special = _SPECIAL.get(character)
    if special is not None:
        return special
    base = unicodedata.normalize("NFKD", character)[:1]
    digit = unicodedata.digit(base, None)
    if digit is not None:
        return str(digit)
    if base.isspace():
        return " " if base not in "\t\n\r\f\v" else base
    return _SPECIAL.get(base, base)


def fold(text: str) -> str:
    """Return `text` with every character replaced by its plain form; same length, letters of other scripts kept."""
    return text if text.isascii() else text.translate(_letters)


def fold_bytes(text: str) -> bytes:
    """Return `text` as one byte per character: plain ASCII where there is a plain form, `?` for all other scripts."""
    if text.isascii():
        return text.encode("ascii")
    if len(text) <= _CHUNK:
        return _narrow(text).translate(_LATIN)
    pieces: list[bytes] = []
    for start in range(0, len(text), _CHUNK):
        pieces.append(_narrow(text[start : start + _CHUNK]))
        yield_turn()
    return b"".join(pieces).translate(_LATIN)


def _narrow(text: str) -> bytes:
    """Return `text` in Latin-1, wide characters as what they fold to."""
    # A text has few different wide characters (dashes, quotes, one alphabet): replacing one everywhere is a single pass
    # in C, many times cheaper than looking up character by character.
    for _ in range(_DIFFERENT if len(text) > _SHORT else 0):
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError as error:
            wide = text[error.start]
            text = text.replace(wide, chr(_bytes[ord(wide)]))
    return text.translate(_bytes).encode("latin-1")


class _Memo(dict[int, int]):
    """Code points folded so far, bounded."""

    def __init__(self, *, narrow: bool) -> None:
        super().__init__()
        self._narrow = narrow
        self._kept_below = 0x100 if narrow else 0x80

    def __missing__(self, code: int) -> int:
        folded = ord(_fold_character(chr(code))) if code >= self._kept_below else code
        if self._narrow and folded > 0xFF:
            folded = ord("?")
        if len(self) < _MEMO_LIMIT:
            self[code] = folded
        return folded


_letters: Final = _Memo(narrow=False)
_bytes: Final = _Memo(narrow=True)


def _as_byte(character: str) -> int:
    folded = ord(_fold_character(character))
    return folded if folded < 0x80 else ord(character)


_LATIN: Final = bytes([code if code < 0x80 else _as_byte(chr(code)) for code in range(256)])
