"""Names that are words too: when a single name part is the person, and when it is only a word.

"Mark" the candidate, "mark the packet" the verb; "Will" and "will"; and the people whom technology is named after.
"""

import re
from typing import Final

from certtrace.redaction.known.words import COMMON, EPONYMS

_CUE: Final = re.compile(
    rb"(?:^|[^a-z])(?:mr|mrs|ms|miss|dr|prof|professor|candidate|student|examinee|author|applicant|grader|reviewer|expert|"
    rb"assessor|examiner|colleague|name|name is|named|am|i'm|signed|regards|dear|hi|hello|hey|thanks|sincerely|cheers|"
    rb"yours|by|user|from|for|contact|submitted by|written by|graded by|answer of|works with|ask)"
    rb"[.,:;!\s\"'(*_-]{1,6}$"
)
_POSSESSED: Final = re.compile(
    rb"(?:'s|s'|')?[ -]{1,2}(?:laws?|algorithm|protocol|code|coding|encoding|principle|theorem|topic|cluster|broker|"
    rb"queue|distribution|process|chain|model|machine|tests?|server|pipeline|format|filter|transform|formula|window|limit|rate|set|"
    rb"consumer|producer|rich text|sort|tree|graph|method|rule|equation|curve|space|numbers?|diagram|notation)"
)
_NEAR: Final = 64
_CUE_REACH: Final = 24
_SENTENCE_END: Final = b".!?:;\n\r\"'(*#->|"


def is_person(data: bytes, low: bytes, start: int, end: int, signs: list[tuple[int, int]]) -> bool:
    """Tell whether the single name part at `start:end` is the person rather than a word.

    Args:
        data: The folded text.
        low: The same in lower case.
        start: Where the part begins.
        end: Where it ends.
        signs: Where the person is named beyond doubt in the same text.
    """
    word = _bare(low[start:end])
    if word not in EPONYMS and word not in COMMON:
        return len(word) > 3 or data[start : start + 1].isupper()
    if not data[start : start + 1].isupper() or _POSSESSED.match(low, end):
        return False
    if any(first - _NEAR <= end and start <= last + _NEAR for first, last in signs):
        return True
    if _CUE.search(low, max(0, start - _CUE_REACH), start):
        return True
    if word in EPONYMS:
        return False
    return not _begins_sentence(data, start) and not _in_title(data, start, end)


def _bare(part: bytes) -> str:
    """Return a name part without its inflection."""
    word = part.rstrip(b"0123456789").removesuffix(b"'").removesuffix(b"'s").decode("latin-1")
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
