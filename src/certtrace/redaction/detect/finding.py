"""What a detector returns."""

from dataclasses import dataclass
from typing import Final

DECLARED: Final = "declared"
KNOWN: Final = "known"
DETECTOR: Final = "detector"
NAME: Final = "name"
DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class Finding:
    """A part of a text that must not leave, and what it is."""

    start: int
    end: int
    type: str
    subject: str = ""
    """Digest of the person it belongs to, when known; otherwise derived from the text found."""
    replacement: str = ""
    """What to write instead; empty lets the policy's operator decide."""
    layer: str = DETECTOR
    """`declared`, `known`, `detector`, `name` or `default`."""
    rule: str = ""
    """Which rule of the layer found it."""
