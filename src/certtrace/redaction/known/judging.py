"""Whether words that belong to a name are a mention of the person, for certain or perhaps."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from certtrace.redaction.known.ambiguity import is_frequent, is_word
from certtrace.redaction.known.names import MIN_SLIP, Role
from certtrace.redaction.known.reading import Reading
from certtrace.redaction.known.runs import FULL, Token
from certtrace.redaction.known.words import COMMON
from certtrace.redaction.text.lazy import lazy

_SENTENCE: Final = lazy(rb"[.!?:;|\n]")
_JOINING: Final = lazy(rb"[_.\-/+]|")
_POSSESSIVE: Final = lazy(rb"(?:'(?:s|n?[iu]n|[dt][ea]n?|y?[aeiu]|l[ea])(?![a-z]))?(?:[0-9]{1,8}(?![0-9]))?")
_WORD_ENDING: Final = lazy(rb"(?:ing|ings|ed|tion|tions|ment|ments|ness|able|ible|ity|ous|ive|ance|ence|ly|ize|ise)$")
_COUNTED: Final = lazy(
    rb"(?:section|figure|fig|table|type|class|plan|option|part|appendix|question|group|level|grade|vitamin|tier|phase|"
    rb"room)[. ]{1,2}$"
)
_SHORT_WORDS: Final = frozenset(b"aeiouy")


@dataclass(frozen=True, slots=True)
class Mention:
    """A place where a name is, or may be."""

    start: int
    end: int
    rule: str
    certain: bool = True
    """False for a single part, which may be a word."""


def trimmed(reading: Reading, run: list[Token]) -> list[Token]:
    """Return a run without what does not belong to a name at its ends."""
    while run and not _may_begin(reading, run):
        run = run[1:]
    while run and not _may_end(reading, run):
        run = run[:-1]
    return run


def _may_begin(reading: Reading, run: list[Token]) -> bool:
    role, word = run[0].role, run[0].word
    if role & Role.WHOLE:
        return True
    if role & Role.MIDDLE:
        return False
    if role & Role.PARTICLE:
        return len(run) > 1
    if role & Role.NICK:
        return len(run) > 1 and (reading.is_upper(word.start) or _joined(reading, run[0], run[1]))
    return not role & Role.INITIAL or (len(run) > 1 and _initial_before(reading, run))


def _may_end(reading: Reading, run: list[Token]) -> bool:
    role, word = run[-1].role, run[-1].word
    if role & Role.WHOLE:
        return True
    if role & (Role.MIDDLE | Role.PARTICLE) and not role & Role.INITIAL:
        return False
    if role & Role.NICK:
        return len(run) > 1 and (reading.is_upper(word.start) or _joined(reading, run[-2], run[-1]))
    return not role & Role.INITIAL or (len(run) > 1 and _initial_behind(reading, run))


def _joined(reading: Reading, left: Token, right: Token) -> bool:
    gap = reading.data[left.word.end : right.word.start]
    return bool(_JOINING.fullmatch(gap))


def _initial_before(reading: Reading, run: list[Token]) -> bool:
    """Tell whether the letter before a name is an initial: `B. Lindqvist`, `b_lindqvist`, not `a Lindqvist`."""
    word = run[0].word
    gap = reading.data[word.end : run[1].word.start]
    if b"." in gap or _JOINING.fullmatch(gap):
        return True
    if reading.is_upper(word.start):
        return word.low not in {b"a", b"i"} or not run[1].role & Role.PARTICLE
    return word.low[0] not in _SHORT_WORDS and not reading.is_upper(run[1].word.start)


def _initial_behind(reading: Reading, run: list[Token]) -> bool:
    """Tell whether the letter behind a name is an initial: `Lindqvist, B.`, `Björn L.`, `bjorn_l`."""
    word = run[-1].word
    gap = reading.data[run[-2].word.end : word.start]
    if run[-2].role & (Role.INITIAL | Role.MIDDLE):
        return True
    if gap and _JOINING.fullmatch(gap):
        return True
    dotted = reading.data[word.end : word.end + 1] == b"."
    return reading.is_upper(word.start) and (dotted or b"," in gap or word.low not in {b"a", b"i"})


def judged(reading: Reading, run: list[Token]) -> Mention | None:
    """Return the mention that a run is, if it is one."""
    start, end = run[0].word.start, _end(reading, run[-1])
    roles = Role.NONE
    full = Role.NONE
    for token in run:
        roles |= token.role
        full |= token.full
    rule = "known.name"
    if roles & Role.SLIP:
        rule = "known.typo"
    elif roles & Role.INITIAL:
        rule = "known.initials"
    if roles & Role.WHOLE:
        return Mention(start, end, rule) if run[0].word.whole or len(run) > 1 or len(run[0].word.low) >= 5 else None
    if _is_whole(run, full):
        return Mention(start, end, rule) if _is_no_phrase(reading, run) else None
    single = [token for token in run if token.full]
    if not single or not all(_may_stand_alone(reading, token) for token in single):
        return None
    return Mention(start, end, rule, certain=False)


def _is_whole(run: list[Token], full: int) -> bool:
    """Tell whether a run holds more than one part of the name."""
    parts = {token.word.low for token in run if token.full}
    if full == FULL and len(parts) > 1:
        return True
    if full & Role.FAMILY and any(token.role & Role.NICK or _is_initial_of(token, Role.GIVEN) for token in run):
        return True
    if full & Role.GIVEN and any(_is_initial_of(token, Role.FAMILY) for token in run):
        return True
    if full & Role.FAMILY and any(token.role & Role.PARTICLE and len(token.word.low) > 1 for token in run):
        return True
    return full == Role.FAMILY and len(parts) > 1


def _is_initial_of(token: Token, role: int) -> bool:
    return bool(token.role & Role.INITIAL and token.role & role)


def _is_no_phrase(reading: Reading, run: list[Token]) -> bool:
    """Tell whether a run is a name although its parts are words: `Mark Will`, not `mark. Will`."""
    proper = [token for token in run if token.full]
    if not all(is_word(token.word.low) for token in proper):
        return True
    if len(proper) > 1 and not any(is_frequent(token.word.low) for token in proper):
        return True
    if not all(reading.is_upper(token.word.start) for token in run if not token.role & Role.PARTICLE):
        return False
    pairs = pairwise(run)
    gaps = [reading.data[a.word.end : b.word.start] for a, b in pairs if len(a.word.low) > 1]
    if any(token.role & Role.INITIAL for token in run):
        return _is_initialled(reading, run)
    return not any(_SENTENCE.search(gap) for gap in gaps)


def _is_initialled(reading: Reading, run: list[Token]) -> bool:
    """Tell whether an initial beside a word makes a name: `B. Page`, `B Cooper said`, not `Section B Page 3`."""
    if any(reading.data[token.word.end : token.word.end + 1] == b"." for token in run if token.role & Role.INITIAL):
        return True
    first, last = run[0], run[-1]
    if not first.role & Role.INITIAL or first.word.low in {b"a", b"i"}:
        return False
    counted = _COUNTED.search(reading.low, max(0, first.word.start - 16), first.word.start)
    return not counted and not reading.data[last.word.end : last.word.end + 2].strip().isdigit()


def _may_stand_alone(reading: Reading, token: Token) -> bool:
    word, upper = token.word, reading.is_upper(token.word.start)
    if token.role & Role.SLIP:
        return (
            upper
            and not _WORD_ENDING.search(word.low)
            and word.whole
            and len(word.low) >= MIN_SLIP - 1
            and not is_word(word.low)
        )
    if token.role & Role.BENT:
        genitive = len(word.low) > MIN_SLIP and word.low.endswith(b"s")
        return (upper or genitive) and word.low.decode("ascii") not in COMMON
    if len(word.low) <= 3:
        before, behind = reading.data[word.start - 1 : word.start], reading.data[word.end : word.end + 1]
        return word.whole and not any(sign in b"_0123456789" for sign in before + behind)
    return True


def _end(reading: Reading, token: Token) -> int:
    """Return where a mention ends: with its possessive ending and the digits of a handle."""
    match = _POSSESSIVE.match(reading.low, token.word.end)
    end = match.end() if match else token.word.end
    if token.role & Role.INITIAL and reading.data[end : end + 1] == b".":
        end += 1
    return end
