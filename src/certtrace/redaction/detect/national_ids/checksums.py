"""Published check-digit schemes, on digits and upper-case letters without separators.

References:
    ISO/IEC 7064 (mod 11-10, mod 97-10), ISO/IEC 7812-1 (Luhn), J. Verhoeff, "Error Detecting Decimal Codes" (1969),
    ICAO Doc 9303 (weights 7, 3, 1).
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import cycle
from typing import Final, TypeAlias

Check: TypeAlias = Callable[[str], bool]
"""Tells whether a compact number is valid."""

_VERHOEFF: Final = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
"""Multiplication in the dihedral group D5."""
_TURNS: Final = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip
_CENTURIES: Final = (1900, 2000)


def total(digits: str, weights: Iterable[int]) -> int:
    """Return the weighted sum of the digits."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def crossed(digits: str, weights: Iterable[int]) -> int:
    """Return the weighted sum in which each product counts by its own digits."""
    return sum(sum(divmod(int(digit) * weight, 10)) for digit, weight in zip(digits, weights, strict=False))


def weighted(weights: Sequence[int], modulus: int, remainders: str) -> Check:
    """Make a check: the character behind the weighted digits is `remainders[sum % modulus]`; `!` stands for none."""
    size = len(weights)
    return lambda number: remainders[total(number, weights) % modulus] == number[size]


def divisible(weights: Sequence[int], modulus: int) -> Check:
    """Make a check: the weighted sum of all digits is a multiple of the modulus, and not all are 0."""
    return lambda number: number.strip("0") != "" and total(number, weights) % modulus == 0


def mod11_10(number: str) -> bool:
    """Tell whether the last digit is the ISO/IEC 7064 mod 11-10 check digit."""
    product = 10
    for digit in number[:-1]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(number[-1])


def verhoeff(number: str) -> bool:
    """Tell whether the last digit is Verhoeff's check digit."""
    state = 0
    for place, digit in enumerate(reversed(number)):
        state = int(_VERHOEFF[state][int(_TURNS[place % 8][int(digit)])])
    return state == 0


def travel_document(number: str) -> bool:
    """Tell whether the last digit is the check digit of machine-readable travel documents."""
    values = (int(character, 36) for character in number[:-1])
    return sum(map(int.__mul__, values, cycle((7, 3, 1)))) % 10 == int(number[-1], 36)


def is_date(year: int, month: int, day: int) -> bool:
    """Tell whether the day exists."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def born(number: str, order: str = "ymd") -> bool:
    """Tell whether six leading digits are a date, in the 20th or the 21st century."""
    parts = dict(zip(order, (int(number[place : place + 2]) for place in (0, 2, 4)), strict=True))
    return any(is_date(century + parts["y"], parts["m"], parts["d"]) for century in _CENTURIES)


def dated(check: Check, order: str = "ymd", start: int = 0) -> Check:
    """Make a check that also wants a date in six digits from `start` on."""
    return lambda number: born(number[start : start + 6], order) and check(number)


def starts(heads: str, check: Check) -> Check:
    """Make a check that also wants one of some beginnings, given with spaces between."""
    beginnings = tuple(heads.split())
    return lambda number: number.startswith(beginnings) and check(number)


def tail(start: int, check: Check) -> Check:
    """Make a check of what stands behind the first characters."""
    return lambda number: check(number[start:])


def unchecked(number: str) -> bool:
    """Take any number: the form has no check digit."""
    return bool(number)
