"""The values of attributes as conditions compare them: atoms, whatever they came wrapped in."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

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
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def atoms(values: Iterable[object]) -> Iterator[object]:
    """Yield the values; of a list each element."""
    for value in values:
        plain = value if isinstance(value, str) and value[:1] != "[" else unwrapped(value)
        if isinstance(plain, (list, tuple)):
            yield from plain
        else:
            yield plain


def number(value: object) -> float:
    """Return a value as a finite number.

    Raises:
        IncomparableError: It is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise IncomparableError
    return value


def first_number(facts: UnitFacts, key: str) -> float | None:
    """Return the first value of an attribute; None if there is none.

    Raises:
        IncomparableError: It is no finite number.
    """
    for value in atoms(facts.values(key)):
        return number(value)
    return None


def cost_of(facts: UnitFacts) -> float:
    """Return what the unit cost in USD.

    A grading records the sum of its model calls beside what each call records, and neither is sure to be there: the
    larger of the two sums counts nothing twice.

    Raises:
        IncomparableError: A cost is no finite number.
    """
    summed = sum(number(value) for value in atoms(facts.values(semconv.COST_USD)))
    return max(summed, sum(_total(value) for value in facts.values(semconv.OBSERVATION_COST_DETAILS)))


def _total(value: object) -> float:
    plain: Any = unwrapped(value)
    if not isinstance(plain, Mapping):
        raise IncomparableError
    known = {key: number(each) for key, each in plain.items() if each is not None}
    return known["total"] if "total" in known else sum(known.values())
