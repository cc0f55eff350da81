"""Classify a run of digits and separators: payment card, social security number, telephone number, or plain number.

Exam answers on networks are full of digit runs that are none of these: addresses and masks, port ranges, powers, rates,
dates, binary numbers. So a telephone number needs a form that nothing else has, or a word beside it that names it.
"""

import re
from collections.abc import Iterator
from typing import Final

from certtrace.redaction.detect.checks import is_card, is_ssn
from certtrace.redaction.detect.pattern import DIGITS, Pattern, Spans
from certtrace.redaction.detect.phone_words import PHONE_WORDS, PHONE_WORDS_AFTER
from certtrace.redaction.text.engine import Groups

_GROUP: Final = re.compile(r"[0-9]+")
_WORD: Final = re.compile(r"[a-z]+")
_WORDS_BEFORE: Final = 4
_SSN_WORD: Final = re.compile(r"(?:ssn|social security|soc sec|social)[\s:#.=\"'()a-z]{0,24}$")
_DATE: Final = re.compile(
    r"(?:(?:1[89]|20)[0-9]{2}[-./](?:0?[1-9]|1[0-2])[-./](?:0?[1-9]|[12][0-9]|3[01])"
    r"|(?:0?[1-9]|[12][0-9]|3[01])[-./](?:0?[1-9]|[12][0-9]|3[01])[-./](?:(?:1[89]|20)[0-9]{2}|[0-9]{2}))"
    r"(?:[ T.-].{0,20})?"
)
_IP: Final = re.compile(rb"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}(?![0-9]|\.[0-9])")
_NANP: Final = re.compile(
    r"(?:\+?1[ .-]{0,2})?(?:\([2-9][0-9]{2}\)[ .-]{0,2}|[2-9][0-9]{2}[ .-]{1,2})[0-9]{3}[ .-]{1,2}[0-9]{4}"
)
_MOBILE: Final = re.compile(r"0[5-79][0-9]{9}|01[5-7][0-9]{8,9}")
_TRUNK: Final = re.compile(r"\(?0[1-9][0-9]{0,4}\)?(?:[ ./-]{1,3}[0-9]{2,8}){1,5}")
_EXTENSION: Final = re.compile(rb"[ ,]{0,2}(?:x|ext\.?|extension)[ .:]{0,2}[0-9]{1,6}", re.IGNORECASE)
_HEX_BEFORE: Final = re.compile(rb"[0-9a-f-]+\Z")
_HEX_AFTER: Final = re.compile(rb"[0-9a-f-]*")
_HEX_ID: Final = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{24,64}")
_MAX_ID: Final = 64
_MIN_ID: Final = 9
"""Fewer digits are no number of anything without a word beside them."""
_CONTEXT: Final = 48
_SSN_SHAPE: Final = (3, 2, 4)
_MIN_CARD: Final = 12
_MAX_CARD: Final = 19
_MAX_IP: Final = 18
_MAX_CARD_GROUPS: Final = 6

Span = tuple[int, int, str]


def classify(data: bytes, start: int, end: int) -> Iterator[Span]:
    """Yield what the run `data[start:end]` holds, as spans with a type."""
    if end - start <= _MAX_IP and _IP.match(data, start, end):
        return
    run = data[start:end].decode("latin-1")
    groups = [match.span() for match in _GROUP.finditer(run)]
    digits = sum(last - first for first, last in groups)
    if digits >= _MIN_ID and _is_hexadecimal_id(data, start, end):
        return
    if digits >= _MIN_CARD:
        cards = list(_cards(run, groups, before_word=_is_word(data, start - 1)))
        if cards:
            yield from ((start + first, start + last, "CREDIT_CARD") for first, last in cards)
            return
    if _touches_word(data, start, end):
        return
    before = data[max(0, start - _CONTEXT) : start].lower().decode("latin-1")
    ssn = _ssn(run, groups, before) if digits >= 9 else None
    if ssn is not None:
        yield start + ssn[0], start + ssn[1], "SSN"
        return
    yield from _phones(data, start, run, groups, before)


def _is_word(data: bytes, index: int) -> bool:
    return 0 <= index < len(data) and (data[index : index + 1].isalnum() or data[index] == 0x5F)


def _is_hexadecimal_id(data: bytes, start: int, end: int) -> bool:
    """Tell whether the run stands inside a UUID or a long hexadecimal id: one in thousands would pass for a card."""
    before = _HEX_BEFORE.search(data[max(0, start - _MAX_ID) : start])
    after = _HEX_AFTER.match(data, end, end + _MAX_ID)
    head = before[0] if before is not None else b""
    token = head + data[start:end].rstrip(b" \t\n.,;:/") + (after[0] if after is not None else b"")
    return _HEX_ID.fullmatch(token) is not None and not token.replace(b"-", b"").isdigit()


def _touches_word(data: bytes, start: int, end: int) -> bool:
    """Tell whether letters or digits touch the run: then it is part of an id, a hash or a formula."""
    if _is_word(data, start - 1) or (start and data[start - 1] in b"^*%$#.&"):
        return True
    if data[start - 1 : start] == b"," and data[max(0, start - 2) : start - 1].isdigit():
        return True  # a decimal comma
    return _is_word(data, end) and _EXTENSION.match(data, end) is None


def _cards(run: str, groups: list[tuple[int, int]], *, before_word: bool) -> Iterator[tuple[int, int]]:
    index = 0
    while index < len(groups):
        last = None if before_word and index == 0 else _card_from(run, groups, index)
        if last is None:
            index += 1
        else:
            yield groups[index][0], groups[last][1]
            index = last + 1


def _card_from(run: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """Return the last group of a card number that begins with group `first`."""
    digits = ""
    found = None
    for index in range(first, min(first + _MAX_CARD_GROUPS, len(groups))):
        begin, end = groups[index]
        if index > first and not _may_split_card(run[groups[index - 1][1] : begin], len(digits), end - begin):
            break
        digits += run[begin:end]
        if len(digits) > _MAX_CARD:
            break
        if is_card(digits):
            found = index
    return found


def _may_split_card(separator: str, digits_before: int, size: int) -> bool:
    return len(separator) <= 2 and set(separator) <= set(" -.\t\n/") and digits_before >= 3 and 1 <= size <= 12


def _ssn(run: str, groups: list[tuple[int, int]], before: str) -> tuple[int, int] | None:
    named = "s" in before and _SSN_WORD.search(before) is not None
    for index in range(len(groups) - 2):
        parts = groups[index : index + 3]
        between = {run[parts[0][1] : parts[1][0]], run[parts[1][1] : parts[2][0]]}
        if (
            tuple(end - begin for begin, end in parts) != _SSN_SHAPE
            or len(between) > 1
            or not between <= {"-", " ", "."}
        ):
            continue
        alone = len(groups) == 3 and (between == {"-"} or named)
        if (alone or named) and is_ssn(*(run[begin:end] for begin, end in parts)):
            return parts[0][0], parts[2][1]
    if named:
        for begin, end in groups:
            if end - begin == 9 and is_ssn(run[begin : begin + 3], run[begin + 3 : begin + 5], run[begin + 5 : end]):
                return begin, end
    return None


def _phones(data: bytes, start: int, run: str, groups: list[tuple[int, int]], before: str) -> Iterator[Span]:
    after = data[start + len(run) : start + len(run) + 12].lower().decode("latin-1")
    span = _phone(run, groups, before, after)
    if span is None:
        return
    first, last = span
    extension = _EXTENSION.match(data, start + last) if last == len(run) else None
    yield start + first, extension.end() if extension else start + last, "PHONE"


def _phone(run: str, groups: list[tuple[int, int]], before: str, after: str) -> tuple[int, int] | None:
    digits = sum(end - begin for begin, end in groups)
    whole = (0, len(run))
    if _DATE.fullmatch(run.strip("() ")) or _is_decimal(run):
        return None
    if _is_international(run, groups, digits):
        return whole
    nanp = _NANP.search(run)
    if nanp is not None and _stands_alone(run, *nanp.span()):
        return nanp.span()
    if _is_trunk(run, groups, digits) or (_MOBILE.fullmatch(run) and len(set(run)) > 3):
        return whole
    if 7 <= digits <= 15 and _is_named(before, after):
        return whole
    return None


def _is_named(before: str, after: str) -> bool:
    """Tell whether a word beside a number says that it is a telephone number."""
    if before.endswith(("<", "<phone:")):
        return False
    words = _WORD.findall(before)[-_WORDS_BEFORE:]
    if not PHONE_WORDS.isdisjoint(words):
        return True
    following = _WORD.match(after.lstrip(" (,"))
    return following is not None and following[0] in PHONE_WORDS_AFTER


def _is_international(run: str, groups: list[tuple[int, int]], digits: int) -> bool:
    """Tell whether the run has a country code: `+49 171 …`, or `0049-171-…` in groups."""
    if run.startswith(("+", "(+")):
        return 8 <= digits <= 16 and run.lstrip("(+")[:1] in set("123456789")
    return run.startswith("00") and len(groups) >= 3 and 10 <= digits <= 16 and not set(run) <= set("01 -./()")


def _stands_alone(run: str, begin: int, end: int) -> bool:
    return not run[:begin].strip(" (") and not run[end:].strip(" )./-")


def _is_trunk(run: str, groups: list[tuple[int, int]], digits: int) -> bool:
    """Tell whether the run is a national number with its trunk prefix, such as `(020) 7946 0958` or `0171/1234567`."""
    if not 9 <= digits <= 12 or len(groups) > 6 or not set(run) & set("23456789"):
        return False
    return _TRUNK.fullmatch(run) is not None and not _is_decimal(run)


def _is_decimal(run: str) -> bool:
    """Tell whether the run reads as a number: `3.4028235`, `1.000.000`."""
    separators = set(run) - set("0123456789")
    if separators != {"."}:
        return False
    parts = run.split(".")
    return len(parts) == 2 or all(len(part) == 3 for part in parts[1:])


def _number(data: bytes, groups: Groups) -> tuple[Spans, int]:
    start, end = groups[0]
    return list(classify(data, start, end)), end


PATTERNS: Final = (
    Pattern("NUMBER", "number", rb"(?:\(\+|\+\(|\+|\()?[0-9](?:[ \t\n().\-/]{0,3}[0-9]){6,}", DIGITS, _number),
)
"""`NUMBER` serves CREDIT_CARD, SSN and PHONE at once."""
