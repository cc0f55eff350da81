"""Which identifiers may have the shape of a piece of text."""

from typing import Final

from certtrace.redaction.detect.national_ids import africa, americas, asia, general, germanic, islands, romance, slavic
from certtrace.redaction.detect.national_ids.identifier import Identifier

IDENTIFIERS: Final[tuple[Identifier, ...]] = (
    *germanic.IDENTIFIERS,
    *romance.IDENTIFIERS,
    *slavic.IDENTIFIERS,
    *islands.IDENTIFIERS,
    *americas.IDENTIFIERS,
    *asia.IDENTIFIERS,
    *africa.IDENTIFIERS,
    *general.IDENTIFIERS,
)

_SHAPE: Final = bytes(
    0x39 if 0x30 <= code <= 0x39 else 0x41 if chr(code).isascii() and chr(code).isalpha() else code
    for code in range(256)
)
"""Every digit becomes `9`, every letter `A`."""

Candidates = tuple[tuple[Identifier, int], ...]


def _table() -> dict[bytes, Candidates]:
    rows: dict[bytes, list[tuple[Identifier, int]]] = {}
    for identifier in IDENTIFIERS:
        for shape, strength in identifier.shapes():
            text = shape.encode()
            rows.setdefault(text if text.startswith(b"*") else text.translate(_SHAPE), []).append(
                (identifier, strength)
            )
    return {shape: tuple(sorted(row, key=lambda entry: entry[1])) for shape, row in rows.items()}


_ROWS: Final = _table()
_MIXED: Final = {int(shape[1:]): row for shape, row in _ROWS.items() if shape.startswith(b"*")}
LONGEST: Final = max(len(shape) for shape in _ROWS)
"""Characters of the longest form."""


def shape_of(data: bytes) -> bytes:
    """Return a piece of text with `9` for every digit and `A` for every letter."""
    return data.translate(_SHAPE)


def candidates(shape: bytes) -> Candidates:
    """Return the identifiers that have a shape, those that need least first."""
    found = _ROWS.get(shape, ())
    mixed = _MIXED.get(len(shape))
    if mixed and b"9" in shape and b"A" in shape and shape.isalnum():
        return (*found, *mixed)
    return found
