"""The values of attributes as conditions compare them: atoms, whatever they came wrapped in."""

from collections.abc import Iterable
from math import isfinite
from typing import Final

import orjson

from certtrace import semconv
from certtrace.ports import Structured, UnitFacts

_MAX_JSON: Final = 65_536
"""Longest text that is read as JSON."""


class IncomparableError(Exception):
    """A value cannot be compared with what the policy says: NaN, or text where a number belongs."""


def unwrapped(value: object) -> object:
    """Return an attribute's value as plain data; JSON text of a list or mapping is what it describes."""
    if type(value) is Structured:
        return value.value
    if isinstance(value, str) and value[:1] in ("[", "{") and len(value) <= _MAX_JSON:
        try:
            return orjson.loads(value)
        except ValueError:
            return value
    return value


def atoms(values: Iterable[object]) -> list[object]:
    """Return the values; of a list each element."""
    found: list[object] = []
    for value in values:
        plain = value
        if type(value) is Structured or (isinstance(value, str) and value[:1] == "["):
            plain = unwrapped(value)
        if isinstance(plain, (list, tuple)):
            found.extend(plain)
        else:
            found.append(plain)
    return found


def number(value: object) -> float:
    """Return a value as a finite number.

    Raises:
        IncomparableError: It is none.
    """
    if type(value) is not float and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise IncomparableError
    if not isfinite(value):
        raise IncomparableError
    return value


def first_number(facts: UnitFacts, key: str) -> float | None:
    """Return the first value of an attribute; None if there is none.

    Raises:
        IncomparableError: It is no finite number.
    """
    for value in facts.values(key):
        return number(value if type(value) is float else next(iter(atoms((value,))), None))
    return None


def cost_of(facts: UnitFacts) -> float:
    """Return what the unit cost in USD.

    A grading records the sum of its model calls beside what each call records, and neither is sure to be there: the
    larger of the two sums counts nothing twice.

    Raises:
        IncomparableError: A cost is no finite number.
    """
    summed = sum(map(number, atoms(facts.values(semconv.COST_USD))))
    return max(summed, sum(map(_total, facts.values(semconv.OBSERVATION_COST_DETAILS))))


def _total(value: object) -> float:
    plain = unwrapped(value)
    if not isinstance(plain, dict):
        raise IncomparableError
    total = plain.get("total")
    return number(total) if total is not None else sum(number(each) for each in plain.values() if each is not None)
