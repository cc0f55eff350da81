"""Words beside each other that belong to one name."""

from dataclasses import dataclass
from typing import Final

from certtrace.redaction.known import letters
from certtrace.redaction.known.names import MIN_BESIDE, MIN_LED, MIN_SLIP, Name, Role
from certtrace.redaction.known.reading import Reading, Word
from certtrace.redaction.text.lazy import lazy

_GAP: Final = lazy(rb"[0-9]{0,4}[ \t\r\n_.+\-/|,'\"*]{0,3}|[ \t]{0,2}\r?\n[ \t>#*/]{0,8}|[\"'],[ \t]?[\"']")
_BROKEN: Final = lazy(rb"-?[ \t]?\r?\n[ \t>#*/]{0,8}|[ '\-]")
_STOP: Final = lazy(rb"[.!?][ \r\n]")
_MAX_WORDS: Final = 10
FULL: Final = Role.GIVEN | Role.FAMILY
PARTIAL: Final = Role.INITIAL | Role.NICK | Role.PARTICLE | Role.MIDDLE


@dataclass(frozen=True, slots=True)
class Token:
    """A word and what it is in the name."""

    word: Word
    role: int

    @property
    def full(self) -> int:
        """`GIVEN`, `FAMILY` or both, if the whole part stands there."""
        return Role.NONE if self.role & PARTIAL else self.role & FULL


def role_of(name: Name, word: bytes) -> int:
    """Return what a word is in a name, case endings included."""
    role = name.words.get(word, Role.NONE)
    if role or len(word) <= MIN_BESIDE:
        return role
    for stem, _ in letters.stems(word):
        role = name.words.get(stem, Role.NONE)
        if role & FULL and not role & PARTIAL:
            return role | Role.BENT
    for stem in letters.vowel_stems(word):
        role = name.stems.get(stem, Role.NONE)
        if role:
            return role | Role.BENT
    return Role.NONE


def tokens_around(name: Name, reading: Reading, place: int) -> list[Token]:
    """Return the words around a place, each with its role."""
    tokens: list[Token] = []
    words = [Token(word, role_of(name, word.low)) for word in reading.words(place)]
    for token in _mended(name, reading, words):
        humps = [] if token.role else reading.humps(token.word)
        if humps and not slip_of(name, token.word.low, FULL, MIN_SLIP):
            tokens += [Token(hump, name.words.get(hump.low, Role.NONE)) for hump in humps]
        else:
            tokens.append(token)
    return tokens


def _mended(name: Name, reading: Reading, tokens: list[Token]) -> list[Token]:
    """Join a word with the next one where only both are a part of the name: `Mc Donald`, `Lindq-` `vist`."""
    result: list[Token] = []
    for token in tokens:
        before = result[-1] if result else None
        if before is not None and not before.role & FULL and not token.role & FULL:
            role = name.words.get(before.word.low + token.word.low, Role.NONE)
            gap = reading.data[before.word.end : token.word.start]
            if role & FULL and not role & PARTIAL and _BROKEN.fullmatch(gap):
                result[-1] = Token(Word(before.word.start, token.word.end, before.word.low + token.word.low), role)
                continue
        result.append(token)
    return result


def slip_of(name: Name, word: bytes, wanted: int, shortest: int) -> int:
    """Return which wanted part of a name a word is one slip away from, or begins or ends with."""
    for role, parts in ((Role.FAMILY, name.family), (Role.GIVEN, name.given)):
        if role & wanted and any(len(part) >= shortest and letters.one_slip(word, part) for part in parts):
            return role | Role.SLIP
    return Role.NONE


def alike(name: Name, word: bytes, shortest: int = MIN_SLIP) -> int:
    """Return which part a word recalls by itself: one slip away, with the same first letter."""
    if len(word) < shortest - 1:
        return Role.NONE
    for role, parts in ((Role.FAMILY, name.family), (Role.GIVEN, name.given)):
        for part in parts:
            if len(part) >= shortest and part[0] == word[0] and letters.one_slip(word, part):
                return role | Role.SLIP
    return Role.NONE


def shortest_slip(name: Name, reading: Reading, tokens: list[Token], at: int) -> int:
    """Return how long a part must be for a slip in it: less behind an initial with a point."""
    before = tokens[at - 1].word if at else None
    led = before is not None and before.low in name.initials and reading.data[before.end : before.end + 1] == b"."
    return MIN_LED if led else MIN_SLIP


def grown(name: Name, reading: Reading, tokens: list[Token], at: int) -> tuple[int, int]:
    """Return the first and last token of the run of words that belong to the name; their roles are filled in."""
    seed = tokens[at]
    first = last = at
    have = seed.role & FULL if not seed.role & Role.WHOLE else FULL
    for step in (-1, 1):
        edge = at
        while last - first < _MAX_WORDS and 0 <= edge + step < len(tokens):
            left, right = (edge - 1, edge) if step < 0 else (edge, edge + 1)
            if not _is_gap(reading, tokens[left].word, tokens[right].word):
                break
            role = _beside(name, reading, tokens, edge, step, have)
            if not role:
                glued = _glued(name, tokens[edge + step].word, step, FULL & ~have)
                if glued is not None:
                    edge += step
                    tokens[edge] = glued
                    first, last = min(first, edge), max(last, edge)
                break
            edge += step
            tokens[edge] = Token(tokens[edge].word, role)
            have |= tokens[edge].full
            first, last = min(first, edge), max(last, edge)
    return first, last


def _is_gap(reading: Reading, left: Word, right: Word) -> bool:
    """Tell whether what parts two words may stand inside a name: no end of a sentence, except behind an initial."""
    gap = reading.data[left.end : right.start]
    return bool(_GAP.fullmatch(gap)) and (len(left.low) == 1 or not _STOP.search(gap))


def _beside(name: Name, reading: Reading, tokens: list[Token], edge: int, step: int, have: int) -> int:
    """Return the role of the word next to a run, or none if it does not belong to it."""
    token = tokens[edge + step]
    word = token.word
    role = _initial(name, reading, token) or token.role
    if role:
        return role
    missing = FULL & ~have
    role = slip_of(name, word.low, missing, MIN_BESIDE) or slip_of(name, word.low, have, MIN_BESIDE + 1)
    if role:
        return role
    if have & Role.FAMILY and any(letters.one_slip(word.low, part) for part in name.particles):
        return Role.PARTICLE | Role.SLIP
    return Role.MIDDLE if reading.is_upper(word.start) and _is_between(reading, tokens, edge, step) else Role.NONE


def _initial(name: Name, reading: Reading, token: Token) -> int:
    """Return the role of one letter, or of two capitals: somebody's initials."""
    word = token.word
    if len(word.low) == 1:
        role = name.initials.get(word.low, Role.NONE)
        return role | Role.INITIAL | (token.role & Role.PARTICLE) if role else token.role or Role.MIDDLE
    if len(word.low) == 2 and not token.role and reading.data[word.start : word.end].isupper():
        role = name.initials.get(word.low[:1], Role.NONE)
        return role | Role.INITIAL if role else Role.NONE
    return Role.NONE


def _glued(name: Name, word: Word, step: int, missing: int) -> Token | None:
    """Return the missing part of a name that other letters touch on the far side."""
    for role, parts in ((Role.FAMILY, name.family), (Role.GIVEN, name.given)):
        for part in parts if role & missing else ():
            if len(part) >= MIN_BESIDE and (word.low.startswith(part) if step > 0 else word.low.endswith(part)):
                start = word.start if step > 0 else word.end - len(part)
                return Token(Word(start, start + len(part), part, whole=False), role)
    return None


def _is_between(reading: Reading, tokens: list[Token], edge: int, step: int) -> bool:
    """Tell whether only blanks part an unknown word from the name on one side and another part of it on the other."""
    at = edge + step
    beyond = at + step
    while 0 <= beyond < len(tokens) and tokens[beyond].role & Role.PARTICLE:
        beyond += step
    if not 0 <= beyond < len(tokens) or not tokens[beyond].full or tokens[beyond].word.low == tokens[edge].word.low:
        return False
    before = reading.data[tokens[at - 1].word.end : tokens[at].word.start]
    behind = reading.data[tokens[at].word.end : tokens[at + 1].word.start]
    return before == b" " == behind and reading.is_upper(tokens[beyond].word.start)
