"""Ids on the wire and in records: OTLP's are 8 or 16 bytes, but Langfuse takes any text as an id, verbatim.

Records hold ids as numbers. An id of the usual form is its own value; any other text is a number beyond all of those,
from which the text comes back.
"""

import re
from typing import Final

TRACE_DIGITS: Final = 32
SPAN_DIGITS: Final = 16
MAX_ID_LENGTH: Final = 800
"""Characters of an id, as in Langfuse's other interfaces."""
_USUAL: Final = re.compile(r"[0-9a-f]+")
_BEYOND: Final = 128
"""Bits of the largest usual id."""


def id_number(given: str | bytes, digits: int) -> int:
    """Return an id as records hold it.

    Raises:
        ValueError: The id is empty or too long.
    """
    if isinstance(given, bytes):
        if len(given) * 2 == digits:
            return int.from_bytes(given, "big")
        given = given.hex()
    if not 0 < len(given) <= MAX_ID_LENGTH:
        msg = f"an OTLP id must have 1 to {MAX_ID_LENGTH} characters, got {len(given)}"
        raise ValueError(msg)
    if len(given) == digits and _USUAL.fullmatch(given):
        return int(given, 16)
    return int.from_bytes(b"\x01" + given.encode("utf-8", "replace"), "big") << _BEYOND


def id_text(number: int, digits: int) -> str:
    """Return a record's id as text: lowercase hex digits, or whatever text it was made of."""
    if not number >> _BEYOND:
        return "%032x" % number if digits == TRACE_DIGITS else "%016x" % number  # noqa: UP031 - twice as quick, three a span
    beyond = number >> _BEYOND
    return beyond.to_bytes((beyond.bit_length() + 7) // 8, "big")[1:].decode("utf-8", "replace")
