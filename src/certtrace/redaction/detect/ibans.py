"""International bank account numbers."""

from typing import Final

from certtrace.redaction.detect.checks import iban_length
from certtrace.redaction.detect.pattern import DIGITS, Pattern, Spans, touches_word
from certtrace.redaction.text.engine import Groups


def _iban(data: bytes, groups: Groups) -> tuple[Spans, int]:
    start, end = groups[0]
    if touches_word(data, start - 1):
        return [], start + 1
    characters: list[int] = [index for index in range(start, end) if data[index : index + 1].isalnum()]
    compact = bytes(data[index] for index in characters).upper().decode("ascii", "replace")
    length = iban_length(compact)
    if not length:
        return [], start + 1
    end = characters[length - 1] + 1
    if data[end : end + 1].isdigit():
        return [], start + 1
    return [(start, end, "IBAN")], end


PATTERNS: Final = (Pattern("IBAN", "iban", rb"(?i)[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,32}", DIGITS, _iban),)
