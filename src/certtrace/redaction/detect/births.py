"""Dates of birth: a word that says birth, and a date close behind it."""

import re
from typing import Final

from certtrace.redaction.detect.pattern import Pattern, Spans, touches_word
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_MONTHS: Final = """
    january february march april may june july august september october november december
    jan feb mar apr jun jul aug sep sept oct nov dec
    januar februar marz maerz mai juni juli oktober dezember jaenner janner okt dez mrz
    janvier fevrier mars avril juin juillet aout septembre octobre novembre decembre janv fevr avr juil
    enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre ene ago dic
    gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre
    janeiro fevereiro marco maio junho julho setembro outubro novembro dezembro
    januari februari maart mei augustus
"""
"""English, German, French, Spanish, Italian, Portuguese and Dutch, as they are once accents are folded away."""
_MONTH: Final = "(?:" + "|".join(sorted(set(_MONTHS.split()), key=lambda month: (-len(month), month))) + r")\.?"
_DAY: Final = r"(?:3[01]|[12][0-9]|0?[1-9])"
_MONTH_NUMBER: Final = r"(?:1[0-2]|0?[1-9])"
_YEAR: Final = r"(?:1[89][0-9]{2}|20[0-9]{2})"
_SHORT_YEAR: Final = r"'?[0-9]{2}"
_SIGN: Final = r"(?:[ ]?[-./][ ]?|[ ])"
_NTH: Final = r"(?:st|nd|rd|th|er|\.|o|a)?"
_OF: Final = r"(?:[ ]?(?:of the|of|del|de|di|do|,|-|/)?[ ]?)"
_TIME: Final = r"(?:T[0-9:.]{4,15}(?:Z|[+-][0-9:]{4,6})?)?"

_DATE: Final = lazy(
    (
        f"{_YEAR}{_SIGN}{_MONTH_NUMBER}{_SIGN}{_DAY}{_TIME}"
        f"|{_DAY}{_SIGN}{_DAY}{_SIGN}(?:{_YEAR}|{_SHORT_YEAR})"
        f"|(?:the )?{_DAY}{_NTH}{_OF}{_MONTH}{_OF}(?:{_YEAR}|{_SHORT_YEAR})"
        f"|{_MONTH}[ ]?(?:the )?{_DAY}{_NTH}[ ]?,?[ ]?(?:of )?{_YEAR}"
        f"|{_YEAR}[ ,-]{{1,2}}{_MONTH}[ -]{_DAY}"
        f"|{_MONTH}{_OF}{_YEAR}"
    ).encode(),
    re.IGNORECASE,
)
_COMPACT: Final = lazy(rb"[a-z_ ]{0,5}[\"' :=(]{0,5}((?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9])", re.IGNORECASE)
_YEAR_ONLY: Final = lazy(rb"[_ ]?year[\"' :=(]{1,5}(?:is )?(" + _YEAR.encode() + rb")", re.IGNORECASE)
_YEAR_OF: Final = lazy(rb"[\"' :=(]{1,5}(?:is )?(" + _YEAR.encode() + rb")")
_AWAY: Final = lazy(rb"[0-9;!?]|[.][ \t\r\n]+[A-Z]|\n[ \t\r]*\n")
"""What stands between a word and a date that do not belong together."""
_WORD: Final = lazy(rb"[A-Za-z]+")
_DIGIT: Final = lazy(rb"[0-9]")
_BEFORE_DIGIT: Final = 24
"""No date begins so far before its first digit: `September of the 3`."""
_MOST_WORDS: Final = 6
_WINDOW: Final = 80

_BIRTH: Final = (
    r"born|birth|d\.?o\.?b|geboren|geb\.|geburt|naissance|nee? le [0-9]|nacid|nacimiento|nascita|nat[oa] il [0-9]"
    r"|nascid|nascimento|geboorte"
)
_PARTS_OF_WORDS: Final = frozenset({b"birth", b"geburt", b"geboorte", b"naissance", b"nascita", b"nacimiento"})
"""What names of fields contain: `dateOfBirth`."""


def _birth(data: bytes, groups: Groups) -> tuple[Spans, int]:
    begin, end = groups[0]
    word = data[begin:end].lower()
    end -= word[-1:].isdigit()  # the date begins there
    if word not in _PARTS_OF_WORDS and data[max(0, begin - 1) : begin].isalnum():
        return [], end  # stubborn, adobe
    if word.startswith(b"d") and data[end : end + 1].isalnum():
        return [], end
    place = _date(data, end) or _bare(data, begin, end)
    if place is None:
        return [], end
    return [(*place, "DOB")], place[1]


def _date(data: bytes, end: int) -> tuple[int, int] | None:
    """Return the place of a written date that belongs to the word which ends at `end`."""
    digit = _DIGIT.search(data, end, end + _WINDOW)
    if digit is None:
        return None
    # Between the word and the date stands no digit: the date begins with this one, or with a word before it.
    first = digit.start()
    starts = (*(word.start() for word in _WORD.finditer(data, max(end, first - _BEFORE_DIGIT), first)), first)
    date = next(filter(None, (_DATE.match(data, start, end + _WINDOW) for start in starts)), None)
    if date is None or touches_word(data, date.end()) or touches_word(data, date.start() - 1):
        return None
    between = data[end : date.start()]
    if _AWAY.search(between) or len(_WORD.findall(between)) > _MOST_WORDS:
        return None
    return date.span()


def _bare(data: bytes, begin: int, end: int) -> tuple[int, int] | None:
    """Return the place of `19900503` or of a year right behind its name."""
    named_year = data[max(0, begin - 8) : begin].lower().replace(b"_", b" ") == b"year of "
    found = (
        _COMPACT.match(data, end) or _YEAR_ONLY.match(data, end) or (_YEAR_OF.match(data, end) if named_year else None)
    )
    if found is None or touches_word(data, found.end()):
        return None
    return found.span(1)


PATTERNS: Final = (
    Pattern(
        "DOB",
        "dob.named",
        f"(?i){_BIRTH}".encode(),
        (
            *(b"born", b"birth", b"dob", b"d.o", b"do.b", b"gebor", b"geb.", b"geburt", b"naissance", b"ne le"),
            *(
                b"nee le",
                b"nacid",
                b"nacimiento",
                b"nascita",
                b"nato il",
                b"nata il",
                b"nascid",
                b"nascimento",
                b"geboor",
            ),
        ),
        _birth,
    ),
)
