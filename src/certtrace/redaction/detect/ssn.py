"""Social security numbers of the United States in a run of digits: nine digits that have no check digit."""

import re
from collections.abc import Sequence
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
    named = "s" in before and _NAMED.search(before) is not None
    for index in range(len(groups) - 2):
        parts = groups[index : index + 3]
        if tuple(end - begin for begin, end in parts) != _SHAPE:
            continue
        between = {run[parts[0][1] : parts[1][0]], run[parts[1][1] : parts[2][0]]}
        # Hyphens at just these places are the number's own form; other signs need its name.
        certain = named or (len(groups) == len(_SHAPE) and between == {"-"})
        if between <= {"-", " ", "."} and len(between) == 1 and certain:
            area, group, serial = (run[begin:end] for begin, end in parts)
            if is_ssn(area, group, serial, named=named):
                return parts[0][0], parts[2][1]
    return _unusual(run, groups) if named else None


def _unusual(run: str, groups: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """Return nine digits in one or two groups, which only the name makes a social security number."""
    for count in (1, 2):
        for index in range(len(groups) - count + 1):
            parts = groups[index : index + count]
            digits = "".join(run[begin:end] for begin, end in parts)
            if len(digits) == SSN_DIGITS and is_ssn(digits[:3], digits[3:5], digits[5:], named=True):
                return parts[0][0], parts[-1][1]
    return None
