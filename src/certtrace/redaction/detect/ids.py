"""Codes that stand for a person: what a text calls the number of a candidate, a student, an employee, a customer."""

import re
from typing import Final

from certtrace.redaction.detect.pattern import DIGITS, Pattern, Spans, touches_word
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_PERSON: Final = (
    r"candidate?|kandidat(?:en)?|applicant|examinee|test[_ -]?taker|student|studenten|etudiant|pupil|learner"
    r"|trainee|participant|registrant|employee|mitarbeiter|personal|personnel|customer|kunden|patient(?:en)?|member"
    r"|mitglieds?|assessor|grader|examiner|reviewer|matric(?:ulation)?|matrikel|enrol?lment|badge"
)
_NUMBER: Final = r"(?:identifier|id|number|nummer|num|no|nr|code|reference|ref|kennung|#)"
_NAMED: Final = f"(?i)(?:{_PERSON})(?:'s)?(?:[ _-]{{0,2}}(?:exam|registration|identification))?[ _-]{{0,2}}{_NUMBER}"

_GAP: Final = lazy(rb"[.)\]\"'`*]{0,4}[ ]{0,2}(?:is[ ]|was[ ]|:|=>|=|->|#)?[ ]{0,2}[\"'`#(\[*]{0,3}")
_CODE: Final = lazy(rb"[A-Za-z0-9][A-Za-z0-9_/-]{2,38}[A-Za-z0-9]")
_OPAQUE: Final = lazy(rb"(?=[0-9a-fA-F-]*[0-9])[0-9a-fA-F-]{16,}")
"""UUIDs and digests: pseudonyms already, and what finds a record again."""
_MIN_DIGITS: Final = 4
_MIN_DIGITS_ALONE: Final = 6
_BESIDE: Final = lazy(f"(?:{_PERSON})(?:[ ]?[:(,][ ]?|[ ])(?:[^0-9;!?\\n(]{{2,48}}[,(][ ]?)?$".encode(), re.IGNORECASE)
"""A word for a person in front of a code, at most a name between: `candidate (Jane Doe, AB12345)`."""
_REACH: Final = 72
_STANDARDS: Final = (b"ISO", b"IEC", b"DIN", b"RFC", b"CVE", b"IEEE", b"CWE", b"EN", b"ANSI", b"NIST", b"KB", b"PEP")


def _named(data: bytes, groups: Groups) -> tuple[Spans, int]:
    begin, end = groups[0]
    if data[max(0, begin - 1) : begin].isalpha() or data[end : end + 1].isalnum():
        return [], end
    gap = _GAP.match(data, end)
    code = _CODE.match(data, gap.end() if gap else end)
    if code is None or touches_word(data, code.end()) or not _is_code(code[0]):
        return [], end
    return [(*code.span(), "ID")], code.end()


def _is_code(code: bytes) -> bool:
    digits = sum(48 <= sign <= 57 for sign in code)
    needed = _MIN_DIGITS_ALONE if code.isdigit() else _MIN_DIGITS
    return digits >= needed and _OPAQUE.fullmatch(code) is None


def _beside(data: bytes, groups: Groups) -> tuple[Spans, int]:
    """Find a code of capital letters and digits right beside the word for a person."""
    start, end = groups[0]
    if touches_word(data, start - 1) or data[start - 1 : start] == b"-" or touches_word(data, end):
        return [], end
    named = _BESIDE.search(data[max(0, start - _REACH) : start])
    if named is None or data[start:end].startswith(_STANDARDS):
        return [], end
    return [(start, end, "ID")], end


PATTERNS: Final = (
    Pattern(
        "ID",
        "id.named",
        _NAMED.encode(),
        (
            *(b"candidat", b"kandidat", b"applicant", b"examinee", b"taker", b"student", b"etudiant", b"pupil"),
            *(
                b"learner",
                b"trainee",
                b"participant",
                b"registrant",
                b"employee",
                b"mitarbeiter",
                b"personal",
                b"badge",
            ),
            *(b"personnel", b"customer", b"kunden", b"patient", b"member", b"mitglied", b"assessor", b"grader"),
            *(b"examiner", b"reviewer", b"matric", b"matrikel", b"enrol"),
        ),
        _named,
    ),
    Pattern(
        "ID",
        "id.beside",
        rb"[A-Z]{2,8}(?:[_-][A-Z0-9]{1,8}){0,2}[_-]?[0-9]{5,10}",
        DIGITS,
        _beside,
    ),
)
