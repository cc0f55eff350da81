"""Text as words: what is indexed, and what a person looks for."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

LONGEST_WORD: Final = 40
"""Characters of a word that count. Ids of traces are shorter; what is longer is data, not language."""
_LONGEST_TEXT: Final = 100_000
"""Characters of one field that are indexed."""

_ASCII: Final = {code: " " for code in range(128) if not chr(code).isalnum()}
_MARKS: Final = re.compile("[\u0300-\u036f]+")
# Scripts that are written without spaces: each character is a word, and a search for several is one for a phrase.
_UNSPACED: Final = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD: Final = re.compile(f"[{_UNSPACED}]|[^\\W_{_UNSPACED}]+")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_PIECE: Final = re.compile(r'"([^"]*)"?|([^\s"]+)')
_MOST_PIECES: Final = 20


def words_of(text: str) -> list[str]:
    """Return the words of a text in order: small letters without accents, at most 40 characters of each."""
    return [word[:LONGEST_WORD] for word in _split(_plain(text))]


def distinct_words(texts: Iterable[str]) -> set[str]:
    """Return the words of some texts, of any length."""
    return set(_split(" ".join([_plain(text) for text in texts])))


def _plain(text: str) -> str:
    """Return as much of a text as counts, without the escapes of JSON."""
    text = text[:_LONGEST_TEXT]
    if "\\" in text and text.lstrip()[:1] in ("{", "[", '"'):
        return _ESCAPE.sub(_unescaped, text)
    return text


def _split(text: str) -> list[str]:
    if text.isascii():
        return text.lower().translate(_ASCII).split()
    return _WORD.findall(_MARKS.sub("", unicodedata.normalize("NFKD", text)).casefold())


def _unescaped(match: re.Match[str]) -> str:
    """Return what an escape in JSON stands for; all but letters part words anyway."""
    code = match[1]
    return " " if code is None else chr(int(code, 16))


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: every part must be found in the same record."""

    parts: tuple[tuple[str, ...], ...]
    """Single words, and phrases of several that must follow each other."""
    beginnings: tuple[str, ...] = ()
    """Of words, asked for as `grad*`."""

    @property
    def words(self) -> tuple[str, ...]:
        """Return every whole word that must be there."""
        return tuple(dict.fromkeys(word for part in self.parts for word in part))

    @property
    def phrases(self) -> tuple[tuple[str, ...], ...]:
        """Return the parts whose order matters."""
        return tuple(part for part in self.parts if len(part) > 1)

    def __bool__(self) -> bool:
        """Tell whether anything is looked for."""
        return bool(self.parts or self.beginnings)


def query_of(text: str) -> Query:
    """Return what a person means: plain words, "phrases", and beginnings with a star. No text is wrong."""
    parts: list[tuple[str, ...]] = []
    beginnings: list[str] = []
    for quoted, bare in _PIECE.findall(text[:_LONGEST_TEXT])[:_MOST_PIECES]:
        words = tuple(words_of(quoted or bare))[:_MOST_PIECES]
        if bare.endswith("*") and len(words) == 1:
            beginnings.append(words[0])
        elif words:
            parts.append(words)
    return Query(tuple(dict.fromkeys(parts)), tuple(dict.fromkeys(beginnings)))


def has_phrases(texts: Iterable[str], phrases: Sequence[Sequence[str]]) -> bool:
    """Tell whether each phrase stands in one of the texts, its words one behind the other."""
    missing = [f" {' '.join(phrase)} " for phrase in phrases]
    for text in texts:
        if not missing:
            break
        line = f" {' '.join(words_of(text))} "
        missing = [phrase for phrase in missing if phrase not in line]
    return not missing
