"""Find a known street address: abbreviated, in other order, over several lines."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from certtrace.redaction.known.reading import Reading
from certtrace.redaction.text.folding import UNSEEN, fold
from certtrace.redaction.text.lazy import lazy

_SYNONYMS: Final = """
    street st str straat strada
    strasse str strase
    road rd
    avenue ave av avenida avda
    lane ln
    drive dr
    boulevard blvd bd bvd
    square sq
    court ct
    place pl platz
    terrace ter terr
    highway hwy
    parkway pkwy
    crescent cres
    close cl
    gardens gdns
    mount mt
    saint st
    north n
    south s
    east e
    west w
    apartment apt flat appartement appt wohnung whg
    suite ste
    floor fl
    building bldg
    rue r
    via v
    calle c cl
    piazza pza
    plaza pza
    ulica ul
    ulice ul
    number no nr
    gasse g
    allee al
    weg w
    rua r
    katu k
    vagen v
    gatan g
    utca u
    strada str
    sokak sk sok
    cadde cd cad caddesi
    mahallesi mah
"""
_SUFFIXES: Final = (
    "strasse",
    "strase",
    "straat",
    "street",
    "weg",
    "platz",
    "gasse",
    "gatan",
    "vagen",
    "katu",
    "allee",
    "gade",
    "vej",
    "veien",
)
_SHORT_SUFFIX: Final = {
    "strasse": "str",
    "strase": "str",
    "straat": "str",
    "gatan": "g",
    "vagen": "v",
    "platz": "pl",
    "gasse": "g",
    "weg": "w",
}
_PIECE: Final = lazy(r"[0-9]+[a-z]?(?![a-z])|[a-z]+|[0-9]+")
_WORD: Final = lazy(rb"[0-9]+[a-z]?(?![a-z])|[a-z]+|[0-9]+")
_GAP: Final = lazy(rb"[ \t\r\n.,;:/'#\-]{0,6}")
_REACH: Final = 160
_MIN_ANCHOR: Final = 3


def _families() -> dict[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for line in _SYNONYMS.strip().splitlines():
        words = line.split()
        for word in words:
            table.setdefault(word, set()).update(words)
    return {word: frozenset(words) for word, words in table.items()}


_SAME: Final = _families()


def _pieces(text: str) -> list[str]:
    lower = text.lower().replace("ß", "ss")
    return _PIECE.findall(fold(lower).replace(UNSEEN, ""))


def _base(word: str) -> str:
    """Return a word with the kind of street at its end abbreviated."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) > len(suffix) + 2:
            return word.removesuffix(suffix) + "~"
        short = _SHORT_SUFFIX.get(suffix)
        if short == "str" and word.endswith(short) and len(word) > len(short) + 2:
            return word.removesuffix(short) + "~"
    return word


def _is_same(known: str, seen: str) -> bool:
    if known == seen or seen in _SAME.get(known, ()):
        return True
    if known.isdigit() or seen.isdigit():
        return False
    return _base(known) == _base(seen) or known.replace("ss", "s") == seen.replace("ss", "s")


class StreetAddress:
    """One known address."""

    __slots__ = ("_rest", "_street", "anchor", "number")

    def __init__(self, street: list[str], number: str, rest: list[str]) -> None:
        self._street = street
        self._rest = rest
        self.number = number
        longest = max((word for word in street if word not in _SAME), key=len, default="") or max(street, key=len)
        self.anchor = _base(longest).rstrip("~").replace("ss", "s")[: max(_MIN_ANCHOR, len(longest) // 2)].encode()

    def find(self, reading: Reading) -> Iterator[tuple[int, int]]:
        """Yield where street and house number stand, with what follows of the address."""
        anchor = self.anchor
        if (
            not anchor
            or anchor not in reading.low
            or self.number[: -1 if self.number[-1:].isalpha() else None].encode() not in reading.digits
        ):
            return
        done = -1
        at = reading.low.find(anchor)
        while at >= 0:
            if at >= done:
                span = self._around(reading.low, at)
                if span is not None:
                    yield span
                    done = span[1]
            at = reading.low.find(anchor, at + 1)

    def _around(self, low: bytes, at: int) -> tuple[int, int] | None:
        words = [match.span() for match in _WORD.finditer(low, max(0, at - _REACH // 2), at + _REACH)]
        texts = [low[start:end].decode("ascii", "replace") for start, end in words]
        size = len(self._street)
        for first in range(len(words) - size + 1):
            if not words[first][0] <= at < words[first + size - 1][1]:
                continue
            if all(map(_is_same, self._street, texts[first : first + size])) and _close(
                low, words[first : first + size]
            ):
                return self._extended(low, words, texts, first, first + size - 1)
        return None

    def _extended(
        self, low: bytes, words: list[tuple[int, int]], texts: list[str], first: int, last: int
    ) -> tuple[int, int] | None:
        """Return the span with the house number, which stands before or behind the street, and the rest."""
        if first and texts[first - 1] == self.number and _close(low, words[first - 1 : first + 1]):
            first -= 1
        elif last + 1 < len(words) and texts[last + 1] == self.number and _close(low, words[last : last + 2]):
            last += 1
        elif last + 2 < len(words) and texts[last + 1] in {"no", "nr", "number"} and texts[last + 2] == self.number:
            last += 2
        else:
            return None
        rest = list(self._rest)
        while last + 1 < len(words) and _close(low, words[last : last + 2]):
            match = next((word for word in rest if _is_same(word, texts[last + 1])), None)
            if match is None:
                break
            rest.remove(match)
            last += 1
        while first and _close(low, words[first - 1 : first + 1]) and texts[first - 1] in rest:
            rest.remove(texts[first - 1])
            first -= 1
        return words[first][0], words[last][1]


def _close(low: bytes, words: list[tuple[int, int]]) -> bool:
    return all(_GAP.fullmatch(low, left[1], right[0]) for left, right in pairwise(words))


def street_address(value: str) -> StreetAddress | None:
    """Take an address apart; None when it has no street with a house number."""
    lines = [_pieces(line) for line in re.split(r"[,\n;]", value)]
    for index, line in enumerate(lines):
        numbers = [at for at in (0, len(line) - 1) if line and line[at][0].isdigit()]
        if not numbers:
            continue
        number = line[numbers[0]]
        street = line[1:] if numbers[0] == 0 else line[:-1]
        rest = [word for other in lines[:index] + lines[index + 1 :] for word in other]
        if not street and index + 1 < len(lines):
            street, rest = lines[index + 1], rest[len(lines[index + 1]) :]
        if street and any(len(word) >= _MIN_ANCHOR for word in street) and not all(w[0].isdigit() for w in street):
            return StreetAddress(street, number, rest)
    return None
