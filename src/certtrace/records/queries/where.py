"""Conditions of a statement, gathered with the values they bind."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

Bound = list[Any]

_SMALLEST: Final = -(2**63)
_LARGEST: Final = 2**63 - 1
NS_PER_MS: Final = 1_000_000

LISTED: Final = "(SELECT value FROM json_each(?))"
"""The values of a list that is bound as JSON; see `as_list`."""


@dataclass(frozen=True, slots=True)
class Where:
    """Conditions that must all hold."""

    parts: list[str] = field(default_factory=list)
    bound: Bound = field(default_factory=list)

    def add(self, part: str, *values: Any) -> None:
        """Require one more condition; its marks stand for the values."""
        self.parts.append(part)
        self.bound.extend(values)

    def equal(self, column: str, value: str | None) -> None:
        """Require a text, if one is given; the empty one asks for rows without it."""
        if value == "":
            self.add(f"({column} IS NULL OR {column} = '')")
        elif value is not None:
            self.add(f"{column} = ?", value)

    def one_of(self, column: str, values: Iterable[str] | None) -> None:
        """Require one of some texts, if any are given."""
        if values is None:
            return
        wanted = list(dict.fromkeys(values))
        if len(wanted) == 1:
            self.equal(column, wanted[0])
        elif wanted:
            # Only where rows without any text are wanted, too, may an index be given up for them.
            compared = f"COALESCE({column}, '')" if "" in wanted else column
            self.add(f"{compared} IN {LISTED}", as_list(wanted))

    def between(self, column: str, since_ns: int | None, before_ns: int | None) -> None:
        """Require a time: from `since_ns` on and before `before_ns`, as far as they are given."""
        if since_ns is not None:
            self.add(f"{column} >= ?", in_range(since_ns))
        if before_ns is not None:
            self.add(f"{column} < ?", in_range(before_ns))

    def has(self, *beginnings: str) -> bool:
        """Tell whether one of the conditions begins like that."""
        return any(part.startswith(beginnings) for part in self.parts)

    def __str__(self) -> str:
        """Return the conditions as SQL."""
        return " AND ".join(self.parts) if self.parts else "TRUE"


def as_list(values: Iterable[str]) -> str:
    """Return texts as the JSON list that `json_each` takes apart: one value to bind, however many there are."""
    return orjson.dumps(list(values)).decode()


def in_range(number: int) -> int:
    """Return the nearest number that SQLite can hold."""
    return max(_SMALLEST, min(_LARGEST, number))
