"""Names that are words too: when a single name part is the person, and when it is only a word.

"Mark" the candidate, "mark the packet" the verb; "Will" and "will"; and the people whom technology is named after.
"""

from collections.abc import Sequence
from typing import Final

from certtrace.redaction.known.words import COMMON, EPONYMS, FREQUENT
from certtrace.redaction.text.lazy import lazy

_CUE: Final = lazy(
    rb"(?:^|[^a-z])(?:mr|mrs|ms|miss|dr|prof|professor|candidate|student|examinee|author|applicant|grader|reviewer|"
    rb"expert|assessor|examiner|colleague|name|name is|named|am|i'm|signed|regards|dear|hi|hello|hey|thanks|sincerely|"
    rb"cheers|yours|by|user|from|for|contact|submitted by|written by|graded by|answer of|works with|ask|herr|frau|"
    rb"monsieur|madame|graded|reviewed|marked by|assigned to|spoke to|told|met|reply to|sent to|cc|owner|assignee)"
    rb"[.,:;!=\s\"'(*_-]{1,6}$"
)
_KEY: Final = lazy(
    rb"(?:first|last|given|family|sur|fore|full|middle|nick|user)[ _-]?(?:name)?[\"']?\s{0,2}[:=]\s{0,2}[\"']?$"
)
_POSSESSED: Final = lazy(
    rb"(?:'s|s'|')?[ -]{1,2}(?:laws?|algorithm|protocol|code|coding|encoding|principle|theorem|topic|cluster|broker|"
    rb"queue|distribution|process|chain|model|machine|tests?|server|pipeline|format|filter|transform|formula|window|"
    rb"limit|rate|set|consumer|producer|rich text|sort|tree|graph|method|rule|equation|curve|space|numbers?|diagram|"
    rb"notation|generation|layer|frame|table|faults?|cache|polling|text|clients?|packets?|bits?|bytes?|headers?|"
    rb"fields?|keys?|nodes?|types?|values?|mode|level|class|objects?|pages?|files?|system|services?|network|requests?|"
    rb"errors?|name|section|chapter|edition|view|button|menu|area|period|record)(?![a-z])"
)
_OWNS: Final = lazy(
    rb"(?:'s|s'|') (?:own |first |second |final |short |written )?(?:answers?|responses?|submissions?|essay|solutions?|"
    rb"work|score|grade|mark|feedback|explanation|argument|e-?mail|rationale|draft|review|case study|exam|certificate|"
    rb"mistakes?|understanding|opinion|question|point|reasoning|phone|address|manager|team|colleagues?)(?![a-z])"
)
_ACTS: Final = lazy(
    rb",? (?:has |had |also |then |clearly |correctly |wrongly |only )?(?:said|says|wrote|writes|written|argue[sd]|"
    rb"explain(?:s|ed)|state[sd]|mention(?:s|ed)|forgot|forgets|answered|answers|submitted|submits|scored|scores|"
    rb"claim(?:s|ed)|suggest(?:s|ed)|believe[sd]|thinks|thought|understands|understood|misunderstands|misunderstood|"
    rb"propose[sd]|solve[sd]|discusse[sd]|knows|knew|deserve[sd]|earned|failed to|did not|didn't|confuse[sd]|misse[sd]|"
    rb"passed the|told|asked|replied|agree[sd]|disagree[sd]|works at|lives in)(?![a-z])"
)
_INFLECTED: Final = lazy(rb"'[a-rt-z][a-z]{0,3}$")
"""An ending behind an apostrophe, as Turkish gives it to names alone."""
_WORD: Final = lazy(rb"[a-z]+")
_NEAR: Final = 64
_CUE_REACH: Final = 24
_SENTENCE_END: Final = b".!?:;\n\r\"'(*#->|"


def is_person(data: bytes, low: bytes, start: int, end: int, signs: Sequence[tuple[int, int]]) -> bool:
    """Tell whether the single name part at `start:end` is the person rather than a word.

    Args:
        data: The folded text.
        low: The same in lower case.
        start: Where the part begins.
        end: Where it ends.
        signs: Where the person is named beyond doubt in the same text.
    """
    words = [_bare(word) for word in _WORD.findall(low, start, end)]
    capital = data[start : start + 1].isupper()
    plain = [word for word in words if len(word) > 1 and word not in EPONYMS and word not in COMMON]
    if plain:
        return capital or len(max(plain, key=len)) > 3
    apostrophe = low.find(b"'", start, end)
    bare = apostrophe if apostrophe > 0 else end
    if not capital or (_POSSESSED.match(low, bare) and not _OWNS.match(low, bare)):
        return capital and _INFLECTED.search(low, start, end) is not None
    return (
        bool(_OWNS.match(low, bare))
        or _is_pointed_at(low, start, end, signs)
        or (not any(word in EPONYMS for word in words) and _reads_as_name(data, low, start, end))
    )


def _reads_as_name(data: bytes, low: bytes, start: int, end: int) -> bool:
    """Tell whether a capitalised word stands where only a name has a capital."""
    if data[start:end].isupper():
        return False
    if _ACTS.match(low, end) or _stands_alone(data, start, end):
        return True
    return not _begins_sentence(data, start) and not _in_title(data, start, end)


def is_word(part: bytes) -> bool:
    """Tell whether a name part is a word as well, inflected or not."""
    return (bare := _bare(part)) in COMMON or bare in EPONYMS


def is_frequent(part: bytes) -> bool:
    """Tell whether a part is a word so usual that it stands beside any other."""
    return _bare(part) in FREQUENT


def _is_pointed_at(low: bytes, start: int, end: int, signs: Sequence[tuple[int, int]]) -> bool:
    if any(first - _NEAR <= end and start <= last + _NEAR for first, last in signs):
        return True
    before = max(0, start - _CUE_REACH)
    return bool(
        _INFLECTED.search(low, start, end)
        or _CUE.search(low, before, start)
        or _KEY.search(low, before, start)
        or _OWNS.match(low, end)
    )


def _stands_alone(data: bytes, start: int, end: int) -> bool:
    """Tell whether the text is nothing but the name: a value of its own, such as `"last": "Page"`."""
    return len(data) - (end - start) <= 2 and not data[:start].strip() and not data[end:].strip(b" .,")


def _bare(part: bytes) -> str:
    """Return a name part without its inflection."""
    word = part.decode("latin-1")
    bare = word.removesuffix("s")
    return bare if bare in COMMON or bare in EPONYMS else word


def _begins_sentence(data: bytes, start: int) -> bool:
    before = data[max(0, start - 8) : start].rstrip(b" \t")
    return not before or before[-1:] in {bytes([sign]) for sign in _SENTENCE_END}


def _in_title(data: bytes, start: int, end: int) -> bool:
    """Tell whether a neighbouring word is capitalised too: a heading, a product name."""
    before = data[max(0, start - 32) : start].split()
    after = data[end : end + 32].split()
    return (bool(before) and before[-1][:1].isupper()) or (bool(after) and after[0][:1].isupper())
