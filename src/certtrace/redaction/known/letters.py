"""The letters of a name: its spellings in ASCII, its inflections, and what is one slip away from it."""

import unicodedata
from typing import Final

from certtrace.redaction.text.folding import UNSEEN, fold, fold_bytes
from certtrace.redaction.text.lazy import lazy

_AS_TWO: Final = {
    "ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae", "œ": "oe", "ß": "ss", "þ": "th", "ð": "dh",
    "đ": "dj", "ñ": "nn", "ğ": "gh", "ş": "sh", "č": "ch", "š": "sh", "ž": "zh",
}  # fmt: skip
"""How letters are written where the keyboard lacks them; without the sign they fold to one letter anyway."""

_VOWELS: Final = "äöüåøæœ"
_UMLAUTED: Final = lazy(r"(?<=[^aeiouq])(ae|oe|ue)(?=[b-df-hj-np-tv-z])")
_MIN_CONTRACTED: Final = 5
_NOT_LETTER: Final = lazy(r"[^a-z]+")

_CYRILLIC: Final = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґ",
        [
            "a",
            "b",
            "v",
            "g",
            "d",
            "e",
            "e",
            "zh",
            "z",
            "i",
            "y",
            "k",
            "l",
            "m",
            "n",
            "o",
            "p",
            "r",
            "s",
            "t",
            "u",
            "f",
            "kh",
            "ts",
            "ch",
            "sh",
            "shch",
            "-",
            "y",
            "-",
            "e",
            "yu",
            "ya",
            "i",
            "i",
            "ye",
            "g",
        ],
        strict=True,
    )
)
_GREEK: Final = dict(
    zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        [
            "a",
            "v",
            "g",
            "d",
            "e",
            "z",
            "i",
            "th",
            "i",
            "k",
            "l",
            "m",
            "n",
            "x",
            "o",
            "p",
            "r",
            "s",
            "s",
            "t",
            "y",
            "f",
            "ch",
            "ps",
            "o",
        ],
        strict=True,
    )
)
_LATIN_FOR: Final = {letter: latin.replace("-", "") for letter, latin in (_CYRILLIC | _GREEK).items()}
"""Simplified romanisation as passports write it (ICAO 9303), Cyrillic and Greek."""

ENDINGS: Final = frozenset(
    b"s es n en in i a u e em om ie y ova ove ovi ovo ow owi owa owie ego emu iem ia iem nen lle lla ksi na sta lta "
    b"ssa ia an ista ille illa issa ilta ina nak nek hoz bol tol ban ul ului".split()
)
"""Case and possessive endings behind a name that keeps its form: German, Slavic, Finnish, Hungarian, Romanian."""

VOWEL_ENDINGS: Final = frozenset(
    b"y e i ie a u o ou ei ej ii ego emu im ym ech ach ho mu ova eho emu iego iemu iej ii".split()
)
"""Endings that take the place of a final vowel: Anna, Anny, Annie; Kowalski, Kowalska, Kowalskiego."""

_LONGEST_ENDING: Final = 5
_MIN_BENT: Final = 4


def is_wide(name: str) -> bool:
    """Tell whether a name is written in a script that folding does not turn into ASCII letters."""
    return b"?" in fold_bytes(name.replace("?", ""))


def romanised(name: str) -> str:
    """Return a Cyrillic or Greek name in Latin letters, or an empty text for any other."""
    plain = "".join(
        c for c in unicodedata.normalize("NFD", name.lower()) if c == "\u0306" or not unicodedata.combining(c)
    )
    plain = unicodedata.normalize("NFC", plain)
    latin = "".join(_LATIN_FOR.get(character, character) for character in plain)
    return "" if latin == plain or is_wide(latin) else latin


def plain(part: str) -> str:
    """Return a part of a name in ASCII letters, one for each letter."""
    return _NOT_LETTER.sub("", fold(part).replace(UNSEEN, "").lower())


def spellings(part: str) -> list[bytes]:
    """Return the ASCII spellings of one part of a name, the most usual first."""
    lower = unicodedata.normalize("NFC", part).lower()
    short = plain(lower)
    forms = [short, *(plain(_written(lower, signs)) for signs in ("ß", _VOWELS, _VOWELS + "ß", "".join(_AS_TWO)))]
    if len(short) >= _MIN_CONTRACTED:
        forms.append(_UMLAUTED.sub(lambda match: match[0][0], short))
        forms.append(short.replace("aa", "a"))
        forms.append(short.replace("ss", "s"))
    return [form.encode("ascii") for form in dict.fromkeys(forms) if form]


def _written(lower: str, signs: str) -> str:
    return "".join(
        _AS_TWO[character] if character in signs and character in _AS_TWO else character for character in lower
    )


def stems(word: bytes) -> list[tuple[bytes, bytes]]:
    """Return the ways to take `word` apart into a stem and a case ending that keeps the stem whole."""
    longest = min(_LONGEST_ENDING, len(word) - _MIN_BENT)
    return [(word[:-size], word[-size:]) for size in range(1, longest + 1) if word[-size:] in ENDINGS]


def vowel_stems(word: bytes) -> list[bytes]:
    """Return the stems of `word` if its ending took the place of a final vowel."""
    longest = min(_LONGEST_ENDING, len(word) - 3)
    return [word[:-size] for size in range(1, longest + 1) if word[-size:] in VOWEL_ENDINGS]


def one_slip(word: bytes, name: bytes) -> bool:
    """Tell whether one letter is missing, added, wrong or swapped with its neighbour (Damerau-Levenshtein 1)."""
    longer, shorter = (word, name) if len(word) >= len(name) else (name, word)
    if word == name or len(longer) - len(shorter) > 1:
        return False
    same = 0
    while same < len(shorter) and longer[same] == shorter[same]:
        same += 1
    if len(longer) > len(shorter):
        return longer[same + 1 :] == shorter[same:]
    if longer[same + 1 :] == shorter[same + 1 :]:
        return True
    return (
        longer[same + 2 :] == shorter[same + 2 :]
        and longer[same : same + 1] == shorter[same + 1 : same + 2]
        and longer[same + 1 : same + 2] == shorter[same : same + 1]
    )
