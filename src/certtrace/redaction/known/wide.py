"""Find names and values in other scripts: as they are written, with any ending."""

import unicodedata
from collections.abc import Iterator
from typing import Final

from certtrace.redaction.known.letters import is_wide
from certtrace.redaction.text.folding import UNSEEN, fold
from certtrace.redaction.text.views import View

_NAME_KINDS: Final = frozenset({"PERSON", "GIVEN", "MIDDLE", "FAMILY"})
_MIN_ALPHABETIC: Final = 3
_MIN_IDEOGRAPHIC: Final = 2
_IDEOGRAPHIC: Final = 0x1100
_VOWELS: Final = frozenset("аеёиоуыэюяйьїієαεηιουω")
_MIN_STEM: Final = 4


def wide_values(values: dict[str, list[str]]) -> list[str]:
    """Return what to look for of a person's values that folding leaves in another script, longest first."""
    found: dict[str, None] = {}
    for kind, texts in values.items():
        for text in filter(is_wide, texts):
            plain = text if _is_syllabic(text) else _plain(text).replace(UNSEEN, "")
            forms = [plain]
            if kind in _NAME_KINDS:
                forms += [plain.replace(" ", ""), *_parts(plain)]
            found.update(dict.fromkeys(forms))
            if _is_syllabic(text):
                found.update(dict.fromkeys(unicodedata.normalize("NFD", form) for form in forms))
    return sorted(found, key=len, reverse=True)


def _parts(plain: str) -> Iterator[str]:
    """Yield the parts of a name that count alone; a part that ends in a vowel also without it, for its other cases."""
    for part in plain.replace("\u00b7", " ").replace(",", " ").split():
        shortest = _MIN_IDEOGRAPHIC if ord(part[0]) >= _IDEOGRAPHIC else _MIN_ALPHABETIC
        if len(part) >= shortest:
            yield part
            if part[-1] in _VOWELS and len(part) > _MIN_STEM:
                yield part[:-1]


def wide_places(values: list[str], view: View) -> Iterator[tuple[int, int]]:
    """Yield where the values stand, with the letters of their endings."""
    plain = _plain(view.text)
    if len(plain) != len(view.text):  # lower-casing may lengthen a letter: then only exact spelling has exact places
        plain = fold(view.text)
    for value in values:
        text = view.text if _is_syllabic(value) else plain
        start = text.find(value)
        while start >= 0:
            end = start + len(value)
            if ord(value[-1]) >= _IDEOGRAPHIC or _begins_word(text, start, value):
                yield start, _ending(text, end, value)
            start = text.find(value, end)


def _plain(text: str) -> str:
    return fold(text).lower()


def _is_syllabic(text: str) -> bool:
    """Tell whether a text holds Hangul: its syllables fold to their first letter, so they are compared unfolded."""
    return any("\u1100" <= character <= "\u11ff" or "\uac00" <= character <= "\ud7a3" for character in text)


def _begins_word(text: str, start: int, value: str) -> bool:
    return " " in value or start == 0 or not (text[start - 1].isalpha() and is_wide(text[start - 1])) or len(value) > 4


def _ending(text: str, end: int, value: str) -> int:
    """Return where the word ends, at most four letters on; there are no endings behind ideographs."""
    if ord(value[-1]) >= _IDEOGRAPHIC:
        return end
    last = end
    while last < len(text) and last - end < 4 and text[last].isalpha():
        last += 1
    return last if last == len(text) or not text[last].isalpha() else end
