"""Social security numbers of the United States in a run of digits: nine digits that have no check digit."""

from collections.abc import Iterator, Sequence
from typing import Final

from certtrace.redaction.detect.checks import is_ssn
from certtrace.redaction.text.lazy import lazy

SSN_DIGITS: Final = 9
_SHAPE: Final = (3, 2, 4)
_SIGNS: Final = r"[^a-z0-9]{0,4}"
_NAMED: Final = lazy(
    rf"(?:^|[^a-z])(?:ssns?|soc(?:ial)?[^a-z0-9]{{0,2}}sec(?:urity)?|social|ss{_SIGNS}(?:#|number|no))"
    rf"(?:[^a-z0-9]+[a-z]+){{0,4}}{_SIGNS}$"
)
"""A name of the number in front of it, at most four words back: `SSN (last known): `."""
_LEADING_ZERO: Final = lazy(r"0[1-9][0-9]{7}")
"""No count of anything begins with one zero: alone in its text this is a number of a person or of a bank."""


def ssns(run: str, groups: Sequence[tuple[int, int]], before: str, *, alone: bool) -> list[tuple[int, int]]:
    """Return the places of social security numbers.

    Args:
        run: Digits and separators.
        groups: Places of the digit groups in `run`.
        before: What stands in front, in lower case.
        alone: Whether the run is all there is in the text.
    """
    if alone and _LEADING_ZERO.fullmatch(run):
        return [(0, len(run))] if is_ssn(run[:3], run[3:5], run[5:]) else []
    hyphened = [place for place in _hyphened(run, groups) if is_ssn(*_parts(run, place))]
    if hyphened:
        return hyphened
    # Its name makes any grouping a social security number, and lets areas pass that only taxpayer numbers have.
    if "s" not in before or not _NAMED.search(before):
        return []
    shaped = _in_shape(run, groups, {"-", " ", "."})
    return [place for place in (shaped, *_nine(groups)) if place and is_ssn(*_parts(run, place), named=True)][:1]


def _hyphened(run: str, groups: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the places of three, two and four digits with hyphens; a number set apart from them hides none."""
    for index in range(len(groups) - 2):
        parts = groups[index : index + 3]
        if tuple(end - begin for begin, end in parts) != _SHAPE:
            continue
        start, end = parts[0][0], parts[2][1]
        signs = {run[parts[0][1] : parts[1][0]], run[parts[1][1] : parts[2][0]]}
        in_front = run[groups[index - 1][1] : start] if index else ""
        behind = run[end : groups[index + 3][0]] if index + 3 < len(groups) else ""
        if signs == {"-"} and "-" not in {in_front, behind}:
            yield start, end


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
