"""One row of the table of detectors."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from certtrace.redaction.text.engine import Groups
from certtrace.redaction.text.lazy import lazy

Spans: TypeAlias = list[tuple[int, int, str]]
"""Places with a type; an empty type is the detector's own."""
Check: TypeAlias = Callable[[bytes, Groups], tuple[Spans, int]]
"""Examines one match in folded bytes: what it holds, and where the search goes on."""


DIGITS: Final = tuple(str(digit).encode() for digit in range(10))
"""Literals of a pattern that holds a digit."""


_UUID: Final = lazy(rb"(?i)(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])")
_UUID_LENGTH: Final = 36


@dataclass(frozen=True, slots=True)
class Pattern:
    """Where something may begin, and who examines it.

    Written for both engines: no lookaround, no backreference, ASCII classes, short repetitions (long ones cost RE2
    memory and `re` quadratic time). The check decides the rest: boundaries, checksums, where it ends.
    """

    detector: str
    """The type that has to be switched on."""
    rule: str
    """Name under which a finding is explained, such as `secret.github`."""
    expression: bytes
    literals: tuple[bytes, ...]
    """Lower-case words, one of which stands in every match: the quick test without RE2. None: always search."""
    check: Check


def touches_word(data: bytes, index: int) -> bool:
    """Tell whether a letter, a digit or `_` stands at an index that may lie outside."""
    return 0 <= index < len(data) and (data[index : index + 1].isalnum() or data[index] == 0x5F)


def is_in_uuid(data: bytes, start: int, end: int) -> bool:
    """Tell whether a place lies in a UUID, whatever touches that: one in thousands would pass for a number."""
    end -= len(data[start:end]) - len(data[start:end].rstrip(b" \t\n.,;:/-"))
    found = _UUID.search(data, max(0, start - _UUID_LENGTH), end + _UUID_LENGTH)
    while found is not None and found.start() <= start:
        if end <= found.end():
            return not found[0].replace(b"-", b"").isdigit()
        found = _UUID.search(data, found.start() + 1, end + _UUID_LENGTH)
    return False
