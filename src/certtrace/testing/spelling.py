"""Reduce text to what all spellings of it share, so that one comparison covers them.

On purpose not the redactor's own folding: a check that shares the eyes of what it checks shares its blind spots.
"""

import re
import unicodedata
from typing import Final

_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u0300-\u036f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\u3164\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\uffa0\U000e0000-\U000e0fff"
    # Signs that stand between the parts of a name or a number.
    "\u00b4\u00b7\u02bc\u2010-\u2015\u2018-\u201f\u2022\u2032\u2212]+"
)
_LETTERS: Final = {
    **dict(zip("øØłŁđĐðÐħĦ\u0131", "oollddddhhi", strict=True)),
    **dict.fromkeys("æÆ", "ae"),
    **dict.fromkeys("œŒ", "oe"),
    **dict.fromkeys("þÞ", "th"),
    **{chr(zero + digit): str(digit) for zero in (0x0660, 0x06F0, 0x0966) for digit in range(10)},
}
_LETTER: Final = re.compile(f"[{''.join(_LETTERS)}]")
_BETWEEN: Final = " \t\n\r\f\v\0.-_+/'`,()*~|\\"
"""What may stand between two characters of a value without changing it; NUL is every second byte of UTF-16."""
_GAP: Final = f"[{re.escape(_BETWEEN)}]{{0,12}}"
_DELETED: Final = _BETWEEN.encode()
_ESCAPED_BYTES: Final = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}
_UMLAUTS: Final = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Å": "Aa"}
)


def decode(data: bytes) -> str:
    """Return bytes as text: UTF-8, and Latin-1 where they are none."""
    text = data.decode("utf-8", "surrogateescape")
    return text if text.isascii() or _is_whole(text) else text.translate(_ESCAPED_BYTES)


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def fold(text: str) -> str:
    """Return text without case, accents and invisible characters."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return _UNSEEN.sub("", _LETTER.sub(lambda letter: _LETTERS[letter[0]], plain))


def compact(folded: str) -> bytes:
    """Return folded text as UTF-8 without spaces and punctuation."""
    return folded.encode("utf-8", "surrogatepass").translate(None, _DELETED)


def with_umlauts_written_out(text: str) -> str:
    """Return `Joerg` for `Jörg`."""
    return unicodedata.normalize("NFC", text).translate(_UMLAUTS)


def loosely(value: str) -> re.Pattern[str]:
    """Return what finds a value in folded text, a few spaces or signs between its characters allowed."""
    letters = compact(fold(value)).decode("utf-8", "surrogatepass")
    return re.compile(_GAP.join(map(re.escape, letters)))
