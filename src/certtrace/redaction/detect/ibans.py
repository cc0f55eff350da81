"""International bank account numbers."""

import re
from typing import Final

from certtrace.redaction.detect.checks import IBAN_LENGTHS, MIN_IBAN, iban_length, mod97
from certtrace.redaction.detect.pattern import DIGITS, Pattern, Spans, is_in_uuid, touches_word
from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

_NAMED: Final = lazy(rb"iban[^0-9A-Za-z]{0,8}(?:[a-z]{2,8}[^0-9A-Za-z]{1,4}){0,2}\Z", re.IGNORECASE)
_REACH: Final = 40
_SIGNS: Final = 4
_WORD_REST: Final = lazy(rb"[0-9A-Za-z_]{1,256}")


def _iban(data: bytes, groups: Groups) -> tuple[Spans, int]:
    start, end = groups[0]
    if touches_word(data, start - 1) and data[max(0, start - _SIGNS) : start].rstrip(b"_")[-1:].isalnum():
        rest = _WORD_REST.match(data, start)
        return [], rest.end() if rest is not None else end  # a hexadecimal id
    places = [index for index in range(start, end) if data[index : index + 1].isalnum()]
    compact = bytes(data[index] for index in places).upper().decode("ascii", "replace")
    length = iban_length(compact) or _named_length(data, start, compact)
    if not length:
        return [], start + 1
    end = places[length - 1] + 1
    if data[end : end + 1].isdigit() or is_in_uuid(data, start, end):
        return [], start + 1
    return [(start, end, "IBAN")], end


def _named_length(data: bytes, start: int, compact: str) -> int:
    """Return the length of a number that the text calls an IBAN, of a length the registry does not have."""
    if not _NAMED.search(data, max(0, start - _REACH), start):
        return 0
    return next((size for size in range(len(compact), MIN_IBAN - 1, -1) if mod97(compact[:size])), 0)


def _countries() -> str:
    """Return an expression for the country codes: hexadecimal ids hold any two letters, but few of these."""
    seconds: dict[str, str] = {}
    for code in sorted(IBAN_LENGTHS):
        seconds[code[0]] = seconds.get(code[0], "") + code[1]
    return "|".join(f"{first}[{letters}]" for first, letters in seconds.items())


PATTERNS: Final = (
    Pattern("IBAN", "iban", f"(?i)(?:{_countries()})[0-9]{{2}}(?:[ .-]?[A-Z0-9]){{11,32}}".encode(), DIGITS, _iban),
)
