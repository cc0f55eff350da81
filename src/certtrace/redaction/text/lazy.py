"""Expressions that are compiled when they are first used: hundreds of them would make every start slow.

A group is not repeated possessively, as in `(-a)*+`, where a round may fail amid what it takes: before Python 3.11.5
the match then goes on from a wrong place (CPython issue 106052). `(?>(-a)*)` says the same and is right.
"""

import re
from typing import Any, AnyStr, cast


def lazy(expression: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what behaves like `re.compile(expression, flags)`; a wrong expression is an error at its first use."""
    return cast("re.Pattern[AnyStr]", _Lazy(expression, flags))


class _Lazy:
    """Stands in for a pattern: each of its methods is looked up once, and kept."""

    def __init__(self, expression: Any, flags: int) -> None:
        self._given = (expression, flags)
        self._pattern: re.Pattern[Any] | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # copying and pickling ask an object that is not made yet
        if self._pattern is None:
            self._pattern = re.compile(*self._given)
        found = getattr(self._pattern, name)
        setattr(self, name, found)
        return found
