"""Dates of birth."""

from typing import Final

from certtrace.redaction.detect.pattern import Pattern, Spans, touches_word
from certtrace.redaction.text.engine import Groups

_MONTH_DATE: Final = (
    r"[0-9]{1,2}(?:st|nd|rd|th)?[ .]{1,2}[a-z]{3,9},? [0-9]{4}|[a-z]{3,9} [0-9]{1,2}(?:st|nd|rd|th)?,? [0-9]{4}"
)
_BIRTH: Final = r"(?:born(?: on)?|date of birth|birth ?date|d\.?o\.?b\.?|geboren(?: am)?|birthday)"


def _group(data: bytes, groups: Groups) -> tuple[Spans, int]:
    if touches_word(data, groups[0][0] - 1) or touches_word(data, groups[1][1]):
        return [], groups[0][1]
    return [(groups[1][0], groups[1][1], "")], groups[1][1]


PATTERNS: Final = (
    Pattern(
        "DOB",
        "dob.named",
        (
            f"(?i){_BIRTH}[\"' :=(]{{0,6}}(?:is |on |was )?"
            f"([0-9]{{1,4}}[-./][0-9]{{1,2}}[-./][0-9]{{1,4}}|{_MONTH_DATE})"
        ).encode(),
        (b"born", b"birth", b"dob", b"d.o", b"do.b"),
        _group,
    ),
)
