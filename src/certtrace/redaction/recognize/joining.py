"""From scored words to names: which words count, which of them are one name, and who is quoted as an authority."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from certtrace.ports import Recognized
from certtrace.redaction.recognize.features import Lists, hashed
from certtrace.redaction.recognize.vocabulary import AUTHORITIES, PARTICIPANTS, PARTICLES, TELLING, TITLES
from certtrace.redaction.recognize.weights import GRID
from certtrace.redaction.text.lazy import lazy

UNIT: Final = GRID**3
"""A score of 1.0, in the whole numbers of the engines."""

_GAP: Final = 24
"""Longest text between two words of one name."""


_JOINTS: Final = "_/\\+=@#$%&"
"""Signs that tie a word into an identifier, a path, an address or a key."""


_SPLIT: Final = lazy(r"[\s'\u2019-]").split

_NO_NAMES: Final = TITLES | PARTICIPANTS

_NEAR: Final = 24
"""How far before a name its bearer may be called a candidate."""

_AROUND: Final = 160
"""Characters before and behind a word that tell whether people are the subject."""

_WORDS: Final = lazy("[a-z]+").findall

_ORDINARY_GIVEN: Final = 2
"""Shorter words of the lists of given names are everyday words more often: `As`, `In`."""

_ABBREVIATION: Final = 4
"""Capitals up to this length are an abbreviation unless they are a given name: `TSAP`, `LAN`."""

_CASELESS: Final = 0x2E80
"""From here on scripts write a name in few signs and know no capitals."""

_EXTRA: Final = 3 * UNIT // 2
"""What an everyday word needs beyond the limit."""

_LABELS: Final = frozenset("\"':=<>|\n\t")
"""Signs that stand before a name in a record, or at the start of a line of its own."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How sure the model must be; all in the whole numbers of the engines."""

    alone: int
    """A word by itself."""
    small: int
    """A word by itself in lower case, in a text that uses capitals."""
    told: int
    """A word by itself where the text tells of people."""
    pair: int
    """A listed given name and the capitalised word behind it, each."""
    beside: int
    """A word next to a word that counts."""
    again: int
    """A word that counts elsewhere in the same text."""
    authorities: bool
    """Whether quoted authors of the trade stay readable."""

    @property
    def floor(self) -> int:
        """The lowest score that can matter."""
        return min(self.alone, self.told, self.pair, self.beside, self.again)


STANDARD: Final = Limits(
    alone=-UNIT // 4,
    small=2 * UNIT,
    told=-3 * UNIT // 2,
    pair=-7 * UNIT // 2,
    beside=-3 * UNIT // 2,
    again=-5 * UNIT // 2,
    authorities=True,
)
HIGH: Final = Limits(
    alone=-3 * UNIT // 2,
    small=UNIT,
    told=-2 * UNIT,
    pair=-4 * UNIT,
    beside=-5 * UNIT // 2,
    again=-3 * UNIT,
    authorities=False,
)


@dataclass(slots=True)
class Word:
    """One scored word of a text."""

    start: int
    end: int
    score: int
    form: str
    """Lower case, without diacritics."""
    counts: bool = False


def join(text: str, words: list[Word], limits: Limits, lists: Lists) -> list[Recognized]:
    """Return the names in a text, in order.

    Args:
        text: The text.
        words: Its scored words in order; those below the limits' floor may be missing.
        limits: How sure to be.
        lists: The word lists of the model.
    """
    small = max(limits.alone, limits.small - UNIT) if text.islower() else limits.small
    for word in words:
        word.counts = _counts(text, word, limits, small) and not _is_ordinary(text, word, limits, lists)
    for word, behind in pairwise(words):
        if min(word.score, behind.score) >= limits.pair and _is_pair(text, word, behind, lists):
            word.counts = behind.counts = True
    if not any(word.counts for word in words) or (limits.authorities and _is_bare_term(text, words, lists)):
        return []
    known = {word.form for word in words if word.counts and len(word.form) > 2}
    for word in words:
        if not word.counts and word.score >= limits.again and word.form in known:
            word.counts = text[word.start].isupper()
    _spread(text, words, limits, lists)
    _spread(text, words[::-1], limits, lists)
    groups = _groups(text, [word for word in words if word.counts])
    if limits.authorities:
        groups = _without_authorities(text, groups)
    return [Recognized(_begin(text, group), group[-1].end) for group in groups]


def _is_bare_term(text: str, words: list[Word], lists: Lists) -> bool:
    """Return whether the text is one word that is a product or a place, and nobody's given name."""
    if len(words) > 1 or text[: words[0].start].strip() or text[words[0].end :].strip(" .,;:!?)\n"):
        return False
    key = hashed(words[0].form)
    return key not in lists.given and (key in lists.technical or key in lists.places)


def _counts(text: str, word: Word, limits: Limits, small: int) -> bool:
    """Return whether a word is a name by itself."""
    if word.form in _NO_NAMES or not _stands_alone(text, word):
        return False
    if text[word.start].islower():
        return word.score >= small
    return word.score >= limits.alone or (word.score >= limits.told and _tells(text, word))


def _is_ordinary(text: str, word: Word, limits: Limits, lists: Lists) -> bool:
    """Return whether a word is an everyday word or an abbreviation for which the model is not sure enough."""
    written, key = text[word.start : word.end], hashed(word.form)
    if key in lists.given and len(written) > _ORDINARY_GIVEN:
        return False
    if written.isupper() and len(written) <= _ABBREVIATION:
        return ord(written[0]) < _CASELESS
    if key not in lists.common:
        return False
    if written.islower():
        return word.score < limits.small + _EXTRA
    return word.score < (limits.told if _tells(text, word) else limits.alone) + _EXTRA


def _tells(text: str, word: Word) -> bool:
    """Return whether the text around a word is about people: someone who says, he or she, a title."""
    around = text[max(0, word.start - _AROUND) : word.end + _AROUND].lower()
    return not TELLING.isdisjoint(_WORDS(around))


def _is_pair(text: str, word: Word, behind: Word, lists: Lists) -> bool:
    """Return whether these are a given name that is no other word, and a family name."""
    if text[word.end : behind.start] != " " or not (text[word.start].isupper() and text[behind.start].isupper()):
        return False
    if behind.end - behind.start < 2 or {word.form, behind.form} & _NO_NAMES:
        return False
    first, second = hashed(word.form), hashed(behind.form)
    others = (lists.common, lists.technical, lists.places)
    return first in lists.given and not any(first in words for words in others) and second not in lists.technical


def _stands_alone(text: str, word: Word) -> bool:
    """Return whether a word may be a name by itself: neither a letter or abbreviation, nor part of an identifier."""
    size = word.end - word.start
    if size == 1 or (size <= 3 and text[word.start : word.end].isupper()):
        return ord(text[word.start]) >= _CASELESS
    before = text[word.start - 1] if word.start else " "
    behind = text[word.end] if word.end < len(text) else " "
    return not (before.isdigit() or behind.isdigit() or before in _JOINTS or behind in _JOINTS)


def _spread(text: str, words: list[Word], limits: Limits, lists: Lists) -> None:
    """Let words count that stand beside one that counts; run once forwards and once backwards."""
    for word, other in pairwise(words):
        if word.counts and not other.counts and other.form not in _NO_NAMES:
            first, second = (word, other) if word.start < other.start else (other, word)
            if second.start - first.end <= _GAP and _one_name(text[first.end : second.start]):
                other.counts = other.score >= _least_beside(text, word, other, limits, lists)


def _least_beside(text: str, word: Word, other: Word, limits: Limits, lists: Lists) -> int:
    """Return how sure to be of a word beside one that counts."""
    if text[other.start].islower() and not text[word.start].islower():
        return limits.small
    if other.start < word.start:
        key = hashed(other.form)
        if key in lists.common and (key not in lists.given or len(other.form) < 3):
            return limits.alone  # the first word of a sentence, most of the time
    return limits.beside


def _one_name(gap: str) -> bool:
    """Return whether two words with this between them are parts of one name."""
    if gap in {" ", "-", ". ", ".", "'", "\u2019", "  ", "\u00a0"}:
        return True
    if "\n" in gap or len(gap) > _GAP:
        return False
    between = [part.casefold().strip(".") for part in _SPLIT(gap) if part not in {"", "."}]
    return (
        bool(between)
        and gap[0] in " ."
        and all(part.casefold().strip(".") in PARTICLES for part in between if part != ".")
    )


def _groups(text: str, words: list[Word]) -> list[list[Word]]:
    groups: list[list[Word]] = []
    for word in words:
        if groups and word.start - groups[-1][-1].end <= _GAP and _one_name(text[groups[-1][-1].end : word.start]):
            groups[-1].append(word)
        else:
            groups.append([word])
    return groups


def _without_authorities(text: str, groups: list[list[Word]]) -> list[list[Word]]:
    """Drop the full names of quoted authors, and their family names where the full name stands in the same text."""
    dropped = {id(group): group for group in groups if _is_quoted(text, group)}
    quoted = {group[-1].form for group in dropped.values()}
    return [group for group in groups if id(group) not in dropped and not (len(group) == 1 and group[0].form in quoted)]


def _is_quoted(text: str, group: list[Word]) -> bool:
    """Return whether this is an author of the trade in running text, not somebody who takes part and is named alike."""
    if tuple(word.form for word in group) not in AUTHORITIES:
        return False
    before = text[max(0, group[0].start - _NEAR) : group[0].start].casefold()
    if before.rstrip(" ")[-1:] in _LABELS:
        return False
    return not any(part.strip(".,;()[]*_#>") in PARTICIPANTS for part in before.split())


def _begin(text: str, group: list[Word]) -> int:
    """Return where a name begins: particles that open a family name belong to it."""
    start = group[0].start
    while start >= 2 and text[start - 1] == " ":
        before = text.rfind(" ", max(0, start - 8), start - 1) + 1
        particle = text[max(before, start - 8) : start - 1]
        if particle not in {"van", "von", "der", "den", "bin", "ibn", "ter", "ten", "della", "dos"}:
            break
        start = start - 1 - len(particle)
    return start
