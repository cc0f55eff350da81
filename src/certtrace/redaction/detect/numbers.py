"""Classify a run of digits and separators: payment card, social security number, telephone number, or plain number."""

from collections.abc import Iterator
from typing import Final

from certtrace.redaction.detect.cards import MIN_CARD, cards
from certtrace.redaction.detect.pattern import DIGITS, Pattern, Spans, is_in_uuid
from certtrace.redaction.detect.phones import phones
from certtrace.redaction.detect.ssn import SSN_DIGITS, ssns
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_GROUP: Final = lazy(r"[0-9]+")
_OCTET: Final = rb"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_PLAIN: Final = lazy(
    _OCTET + rb"(?:\." + _OCTET + rb"){3}"
    rb"|[0-9]{1,7}\.[0-9]{1,20}"
    rb"|(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-[0-3][0-9](?:[ ][0-2][0-9])?"
)
"""Addresses of machines, decimals and dates: most of the runs there are, and none of them personal here."""
_HEX_SIGNS: Final = b"0123456789abcdef-"
_HEX_ID: Final = lazy(rb"[0-9a-f]{24,64}")
_MAX_ID: Final = 64
_CONTEXT: Final = 80
_MAX_PHONE: Final = 15
_MAX_PLAIN: Final = 28
_SIGNS: Final = 4
_INTERNATIONAL: Final = ("+", "(+")

Span = tuple[int, int, str]


def classify(data: bytes, start: int, end: int) -> Iterator[Span]:
    """Yield what the run `data[start:end]` holds, as spans with a type."""
    if end - start <= _MAX_PLAIN and _PLAIN.fullmatch(data, start, end) and not _continues(data, end):
        return
    run = data[start:end].decode("latin-1")
    groups = [match.span() for match in _GROUP.finditer(run)]
    digits = sum(last - first for first, last in groups)
    if digits >= SSN_DIGITS and _is_hexadecimal_id(data, start, end):
        return
    before = data[max(0, start - _CONTEXT) : start].lower().decode("latin-1")
    alone = end - start == len(data)
    if digits >= MIN_CARD and not (digits <= _MAX_PHONE and run.startswith(_INTERNATIONAL)):
        found = [(start + first, start + last) for first, last in cards(run, groups, before, alone=alone)]
        if found:
            yield from ((first, last, "CREDIT_CARD") for first, last in found)
            return
    if digits >= SSN_DIGITS and not run.startswith(_INTERNATIONAL):
        places = [place for place in ssns(run, groups, before, alone=alone) if _is_apart(data, start, place)]
        if places:
            yield from ((start + first, start + last, "SSN") for first, last in places)
            return
    yield from ((first, last, "PHONE") for first, last in phones(data, start, run, before))


def _is_apart(data: bytes, start: int, place: tuple[int, int]) -> bool:
    """Tell whether no word touches a place in a run; signs of emphasis (`_…_`) are no word."""
    first, last = start + place[0], start + place[1]
    return not (_touched(data[max(0, first - _SIGNS) : first][::-1]) or _touched(data[last : last + _SIGNS]))


def _touched(side: bytes) -> bool:
    solid = side.lstrip(b"_")
    return solid[:1].isalnum()


def _continues(data: bytes, end: int) -> bool:
    """Tell whether a dot and another number follow."""
    return data[end : end + 1] == b"." and data[end + 1 : end + 2].isdigit()


def _is_hexadecimal_id(data: bytes, start: int, end: int) -> bool:
    """Tell whether the run stands inside a UUID or a long hexadecimal id: one in thousands would pass for a card."""
    if is_in_uuid(data, start, end):
        return True
    before, after = data[max(0, start - _MAX_ID) : start], data[end : end + _MAX_ID]
    head = before[len(before.rstrip(_HEX_SIGNS)) :]
    tail = after[: len(after) - len(after.lstrip(_HEX_SIGNS))]
    if not head and not tail:
        return False  # digits alone
    token = head + data[start:end].rstrip(b" \t\n.,;:/") + tail
    return _HEX_ID.fullmatch(token) is not None and not token.replace(b"-", b"").isdigit()


def _number(data: bytes, groups: Groups) -> tuple[Spans, int]:
    start, end = groups[0]
    return list(classify(data, start, end)), end


PATTERNS: Final = (
    Pattern("NUMBER", "number", rb"(?:\(\+|\+\(|\+|\()?[0-9](?:[ \t\n().\-/]{0,3}[0-9]){6,}", DIGITS, _number),
)
"""`NUMBER` serves CREDIT_CARD, SSN and PHONE at once."""
