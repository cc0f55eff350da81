"""Social security numbers of the United States in a run of digits: nine digits that have no check digit."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from certtrace.redaction.detect.checks import is_ssn

SSN_DIGITS: Final = 9
_SHAPE: Final = (3, 2, 4)
_SIGNS: Final = r"[^a-z0-9]{0,4}"
_NAMED: Final = re.compile(
    rf"(?:^|[^a-z])(?:ssns?|soc(?:ial)?[^a-z0-9]{{0,2}}sec(?:urity)?|social|ss{_SIGNS}(?:#|number|no))"
    rf"(?:[^a-z0-9]+[a-z]+){{0,4}}{_SIGNS}$"
)
"""A name of the number in front of it, at most four words back: `SSN (last known): `."""
_LEADING_ZERO: Final = re.compile(r"0[1-9][0-9]{7}")
"""No count of anything begins with one zero: alone in its text this is a number of a person or of a bank."""


def ssn(run: str, groups: Sequence[tuple[int, int]], before: str, *, alone: bool) -> tuple[int, int] | None:
    """Return the place of a social security number.

    Args:
        run: Digits and separators.
        groups: Places of the digit groups in `run`.
        before: What stands in front, in lower case.
        alone: Whether the run is all there is in the text.
    """
    if alone and _LEADING_ZERO.fullmatch(run):
        return (0, len(run)) if is_ssn(run[:3], run[3:5], run[5:]) else None
    hyphened = _in_shape(run, groups, {"-"}) if len(groups) == len(_SHAPE) else None
    if hyphened is not None and is_ssn(*_parts(run, hyphened)):
        return hyphened
    # Its name makes any grouping a social security number, and lets areas pass that only taxpayer numbers have.
    shaped = _in_shape(run, groups, {"-", " ", "."})
    places = [place for place in (shaped, *_nine(groups)) if place and is_ssn(*_parts(run, place), named=True)]
    return places[0] if places and "s" in before and _NAMED.search(before) else None


def _in_shape(run: str, groups: Sequence[tuple[int, int]], signs: set[str]) -> tuple[int, int] | None:
    """Return the place of three, two and four digits with the same sign between them."""
    for index in range(len(groups) - 2):
        parts = groups[index : index + 3]
        between = {run[parts[0][1] : parts[1][0]], run[parts[1][1] : parts[2][0]]}
        if tuple(end - begin for begin, end in parts) == _SHAPE and len(between) == 1 and between <= signs:
            return parts[0][0], parts[2][1]
    return None


def _nine(groups: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the places of nine digits in one or two groups."""
    for count in (1, 2):
        for index in range(len(groups) - count + 1):
            parts = groups[index : index + count]
            if sum(end - begin for begin, end in parts) == SSN_DIGITS:
                yield parts[0][0], parts[-1][1]


def _parts(run: str, place: tuple[int, int]) -> tuple[str, str, str]:
    digits = "".join(filter(str.isdigit, run[slice(*place)]))
    return digits[:3], digits[3:5], digits[5:]
