"""What the model sees of a token: hashed features of its letters, its form and the lists it stands in."""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from certtrace.redaction.recognize.tokens import LONGEST

BITS: Final = 16
_MASK: Final = (1 << BITS) - 1
_TRIGRAMS: Final = 10
_SIDES: Final = 4

PADDING: Final = ""
"""Stands for the places before and behind a text."""


@dataclass(frozen=True, slots=True)
class Lists:
    """Hashes of words that stand in a list; the lists travel in the model file."""

    given: Collection[int]
    """Given names."""
    family: Collection[int]
    """Family names."""
    common: Collection[int]
    """Words that are seen in lower case all the time."""
    technical: Collection[int]
    """Products, protocols, eponyms and other words of the trade."""
    places: Collection[int]
    """Countries, cities, nationalities, days, months, languages."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One token, read."""

    buckets: tuple[int, ...]
    """Rows of the model's table."""
    candidate: bool
    """Whether the token may be part of a name, so that it is worth a score."""
    optional: int = 0
    """How many of the first buckets know the very word or its lists: training hides them at times."""


def plain(word: str) -> str:
    """Return a word in lower case without diacritics: the form in which words are listed."""
    lower = word.casefold()
    if lower.isascii():
        return lower
    return "".join(sign for sign in unicodedata.normalize("NFD", lower) if not unicodedata.combining(sign))


def hashed(word: str) -> int:
    """Return the 32 bits by which a listed word is known."""
    return crc32(word.encode("utf-8", "surrogatepass"))


def _bucket(feature: str) -> int:
    return crc32(feature.encode("utf-8", "surrogatepass"), 0x5EED) & _MASK


def read(token: str, lists: Lists) -> Reading:
    """Return the features of a token.

    Args:
        token: As `tokens.pieces` cut it, or `PADDING`.
        lists: The word lists of the model.
    """
    word = token.removeprefix(" ")
    glue = "_" if word is token or word == token else " "
    if not word:
        return Reading((_bucket("padding" if not token else "space"),), candidate=False)
    first = word[0]
    if first.isspace():
        return Reading(_white(word), candidate=False)
    if "0" <= first <= "9":
        return Reading((_bucket(f"n{min(len(word), 6)}"), _bucket(f"n{glue}")), candidate=False)
    if len(word) > LONGEST:
        return Reading((_bucket("long"), _bucket(f"long{glue}")), candidate=False)
    if len(word) == 1 and not first.isalpha():
        return Reading((_bucket(f"={first}"), _bucket(f"={glue}{first}")), candidate=False)
    return _word(word, glue, lists)


def _white(run: str) -> tuple[int, ...]:
    lines = run.count("\n")
    if not lines:
        return (_bucket("gap"),)
    return (_bucket("line"), _bucket(f"lines{min(lines, 2)}{'i' if not run.endswith(chr(10)) else ''}"))


def _case(word: str) -> str:
    if word.islower():
        return "l"
    if word.isupper():
        return "I" if len(word) == 1 else "U"
    letters = word.replace("-", "")
    if not letters.upper().isupper():
        return "c"
    return (
        "T" if all(part[:1].isupper() and (part[1:].islower() or len(part) == 1) for part in word.split("-")) else "M"
    )


def _shape(word: str) -> str:
    shape: list[str] = []
    for sign in word:
        mark = "X" if sign.isupper() else "x" if sign.islower() else "c" if sign.isalpha() else sign
        if len(shape) < 2 or shape[-1] != mark or shape[-2] != mark:
            shape.append(mark)
    return "".join(shape)


def _script(word: str) -> str:
    for sign in word:
        if sign.isalpha():
            return "a" if sign < "\u0250" else f"{ord(sign) >> 8}"
    return "?"


def _flags(parts: list[str], lists: Lists) -> str:
    keys = [hashed(part) for part in parts]
    flags = ""
    if any(key in lists.given for key in keys):
        flags += "g"
    if any(key in lists.family for key in keys):
        flags += "f"
    if any(key in lists.technical for key in keys):
        flags += "t"
    if any(key in lists.places for key in keys):
        flags += "p"
    if all(key in lists.common for key in keys):
        flags += "c"
    return flags


def _word(word: str, glue: str, lists: Lists) -> Reading:
    form = plain(word)
    parts = [part for part in form.split("-") if part]
    if len(parts) > 1:
        flags = _flags(parts, lists)
        if hashed(form) in lists.technical:
            flags += "t"
    else:
        flags = _flags([form], lists)
    case = _case(word)
    listed = [f"w{form}", f"W{case}{form}", f"f{case}{flags}", *(f"f{flag}" for flag in flags)]
    if len(parts) > 1:
        listed += [f"<{parts[0]}", f">{parts[-1]}"]
    edges = f"^{form}$"
    formed = [f"c{case}", f"{glue}{case}", f"s{_shape(word)}", f"l{min(len(form), 9)}", f"k{_script(word)}{case}"]
    formed += [f"{size}p{form[:size]}" for size in range(1, _SIDES + 1)]
    formed += [f"{size}s{form[-size:]}" for size in range(1, _SIDES + 1)]
    formed += [f"3{edges[at : at + 3]}" for at in range(min(len(edges) - 2, _TRIGRAMS))]
    candidate = case != "l" or (len(form) > 2 and ("c" not in flags or "g" in flags or "f" in flags))
    return Reading(tuple(map(_bucket, listed + formed)), candidate, len(listed))
