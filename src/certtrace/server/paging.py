"""Pages by number, as most of Langfuse's lists have them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BeforeValidator

_LARGEST = 2**53


@dataclass(frozen=True, slots=True)
class Page:
    """Which page of a list: numbered from 1."""

    number: int
    limit: int

    @property
    def offset(self) -> int:
        """Return how many rows stand before it."""
        return (self.number - 1) * self.limit

    def body(self, data: Sequence[Any], total: int) -> dict[str, Any]:
        """Return the list's answer: `data` and `meta`."""
        meta = {
            "page": self.number,
            "limit": self.limit,
            "totalItems": total,
            "totalPages": -(-total // self.limit),
        }
        return {"data": data, "meta": meta}


def _default(number: int) -> BeforeValidator:
    """Take an empty parameter as one that is not given, as Langfuse does."""
    return BeforeValidator(lambda given: number if given == "" else given)


def _page(
    page: Annotated[int, _default(1), Query(ge=1, le=_LARGEST)] = 1,
    limit: Annotated[int, _default(50), Query(ge=1, le=100)] = 50,
) -> Page:
    return Page(page, limit)


Paged = Annotated[Page, Depends(_page)]
