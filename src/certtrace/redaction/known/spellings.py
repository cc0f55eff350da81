"""The ways a person's name is written, as one pattern over folded lower-case bytes."""

import re
import unicodedata
from typing import Final

from certtrace.redaction.known.words import PARTICLES, TITLES
from certtrace.redaction.text.folding import fold, fold_bytes

_SPLIT: Final = re.compile(r"[\s_.,]+")
_GAP: Final = r"[ \t\r\n_.+\-/|]{1,3}"
_INFLECTED: Final = r"(?:'s|s'?|')?[0-9]{0,4}"
_UMLAUTS: Final = {"ä": "ae?", "ö": "oe?", "ü": "ue?", "å": "aa?", "ø": "oe?", "æ": "ae?", "œ": "oe?", "ß": "ss?"}
_DIGRAPH: Final = re.compile(r"(?<=[^aeiouq])(ae|oe|ue)(?=[b-df-hj-np-tv-z])")
_OPTIONAL: Final = re.compile(r"\[[^\]]*\](?:\{[0-9,]+\})?\??|\\?.\?")
_LETTERS: Final = re.compile(r"[a-z0-9]+")
_MIN_JOINED: Final = 5
_MIN_ALONE: Final = 2


def is_wide(name: str) -> bool:
    """Tell whether a name is written in a script that folding does not turn into ASCII letters."""
    return b"?" in fold_bytes(name.replace("?", ""))


def tokens(name: str) -> list[str]:
    """Return the parts of a name in lower case, given name first, without titles."""
    visible = (
        unicodedata.normalize("NFC", name).casefold() if "ß" not in name else unicodedata.normalize("NFC", name).lower()
    )
    family, comma, given = visible.partition(",")
    ordered = f"{given} {family}" if comma and given.strip() else visible
    parts = [part.strip("'\"()-") for part in _SPLIT.split(ordered)]
    kept = [part for part in parts if part and fold(part) not in TITLES]
    return kept or [part for part in parts if part]


def split_name(name: str) -> tuple[list[str], list[str]]:
    """Return given names and surname of a full name; particles belong to the surname."""
    parts = tokens(name)
    if len(parts) < 2:
        return [], parts
    first = len(parts) - 1
    while first > 1 and fold(parts[first - 1]) in PARTICLES:
        first -= 1
    return parts[:first], parts[first:]


def written(token: str) -> str:
    """Return the pattern of one part of a name: umlauts also as two letters, inner hyphens also as spaces."""
    pattern = ""
    for character in token:
        if character in _UMLAUTS:
            pattern += _UMLAUTS[character]
        elif character in "-\u2010\u2011":
            pattern += r"[ \-]?"
        elif character in "'\u2019\u02bc`":
            pattern += "'?"
        else:
            pattern += re.escape(fold(character).lower())
    if len(token) >= _MIN_JOINED:
        pattern = _DIGRAPH.sub(lambda match: match[0] + "?", pattern)
    return pattern


def core(form: str) -> bytes:
    """Return letters that every text matching a form contains, for the quick test."""
    plain = _OPTIONAL.sub(" ", form)
    return max(_LETTERS.findall(plain), key=len, default="").encode("latin-1", "replace")


def _joined(parts: list[str]) -> str:
    return rf"(?:{_GAP})".join(written(part) for part in parts)


def surname_forms(family: list[str]) -> list[str]:
    """Return the patterns of a surname: whole, without particles, and each half of a double name."""
    plain = [part for part in family if fold(part) not in PARTICLES] or family
    forms = [_joined(family)]
    if plain != family:
        forms.append(_joined(plain))
    forms += [written(part) for part in plain if len(plain) > 1 and len(part) > 3]
    forms += [written(half) for part in plain if "-" in part for half in part.split("-") if len(half) > 3]
    return list(dict.fromkeys(forms))


def full_forms(given: list[str], family: list[str]) -> list[str]:
    """Return the patterns of first name and surname together, in either order: nothing else reads like that."""
    if not given or not family:
        return []
    first = written(given[0])
    any_given = _either(given)
    known = "".join(rf"(?:(?:{_GAP})?(?:{written(part)}|{_initial(part)})\.?)?" for part in given[1:])
    middle = known or rf"(?:(?:{_GAP})[a-z]\.?)?"
    forms: list[str] = []
    for surname in surname_forms(family):
        forms += [
            rf"{first}{middle}(?:{_GAP})?{surname}",
            rf"{any_given}(?:{_GAP})?{surname}",
            rf"{surname},?(?:{_GAP})?{any_given}{known}",
        ]
    return list(dict.fromkeys(forms))


def initial_forms(given: list[str], family: list[str]) -> list[str]:
    """Return the patterns in which one part of the name is an initial."""
    if not given or not family:
        return []
    initial = _initial(given[0])
    middle = "".join(rf"(?:{_initial(part)}\.?(?:{_GAP})?)?" for part in given[1:]) or rf"(?:[a-z]\.(?:{_GAP})?)?"
    forms = [rf"{_either(given)}(?:{_GAP}){_initial(family[-1])}\."]
    for surname in surname_forms(family):
        forms += [
            rf"{initial}\.?(?:{_GAP}){middle}{surname}",
            rf"{initial}\.{middle}{surname}",
            rf"{surname},[ ]?{initial}\.?",
            rf"{surname} {initial}\.",
        ]
        if len(surname) >= _MIN_JOINED:
            forms += [rf"{initial}[a-z]?{surname}", rf"{surname}{initial}"]
    return list(dict.fromkeys(forms))


def _either(parts: list[str]) -> str:
    return "(?:" + "|".join(written(part) for part in parts) + ")"


def _initial(part: str) -> str:
    return re.escape(fold(part)[0].lower())


def alone_forms(given: list[str], family: list[str]) -> list[str]:
    """Return the patterns of a surname or a given name that stands alone."""
    forms = surname_forms(family) if family else []
    forms += [written(part) for part in given if len(part) >= _MIN_ALONE]
    forms += [written(half) for part in given if "-" in part for half in part.split("-") if len(half) > 2]
    return [form for form in dict.fromkeys(forms) if len(form) >= _MIN_ALONE]


def pattern(forms: list[str]) -> bytes:
    """Join forms, longest first, with their inflections."""
    ordered = sorted(forms, key=len, reverse=True)
    return f"(?:{'|'.join(ordered)}){_INFLECTED}".encode("latin-1", "replace")
