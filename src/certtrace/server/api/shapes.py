"""What request bodies and answers of several routes share."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import Depends, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from certtrace.records.langfuse_json import iso

_EXACT: Final = 2**53
_LATEST_NS: Final = 2**63 - 1
_DATE: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII
)  # fmt: skip


class Body(BaseModel):
    """A request body: camelCase names, unknown fields ignored."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", allow_inf_nan=False)

    def given(self) -> dict[str, Any]:
        """Return what was sent, with the API's names."""
        return self.model_dump(by_alias=True, exclude_unset=True, mode="json")


class ExactBody(Body):
    """A request body in which no type is taken for another: a text is no number, and null no text."""

    model_config = ConfigDict(strict=True)


def refused(message: str) -> PydanticCustomError:
    """Return the finding of a validator, with a message of its own."""
    return PydanticCustomError("custom", "{message}", {"message": message})


def refused_query(name: str, message: str) -> RequestValidationError:
    """Return the finding that a query parameter does not go with the others."""
    return RequestValidationError([{"type": "custom", "loc": ("query", name), "msg": message}])


def moment_ns(text: str) -> int:
    """Return an ISO 8601 time as nanoseconds since the epoch, as near as 64 bits come.

    Raises:
        ValueError: It is no such time.
    """
    if not _DATE.fullmatch(text):
        msg = "no ISO 8601 time"
        raise ValueError(msg)
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    since = moment - datetime.fromtimestamp(0, UTC)
    total = (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000
    return max(min(total, _LATEST_NS), -_LATEST_NS)


def _moment(value: object) -> int:
    if isinstance(value, str):
        try:
            return moment_ns(value)
        except ValueError:
            pass
    message = "Invalid ISO datetime"
    raise refused(message)


Moment = Annotated[int, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
"""An ISO 8601 time, in nanoseconds since the epoch."""

Number = Annotated[int, Field(ge=-_EXACT, le=_EXACT)] | float
"""A number of JSON: whole where it came so."""


def iso_or_none(time_ns: int | None) -> str | None:
    """Return a time in ISO 8601, or None."""
    return None if time_ns is None else iso(time_ns)


def plain_number(value: float | None) -> float | None:
    """Return a number as JavaScript writes it: whole ones without a decimal point."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT
    return int(value) if whole and value is not None else value


def plain_numbers(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return numbers as JavaScript writes them."""
    return {name: plain_number(value) for name, value in values.items()}


class Span:
    """A stretch of time given in the query: `fromTimestamp` inclusive, `toTimestamp` exclusive."""

    def __init__(
        self,
        from_ns: Annotated[Moment | None, Query(alias="fromTimestamp")] = None,
        to_ns: Annotated[Moment | None, Query(alias="toTimestamp")] = None,
    ) -> None:
        """Take both ends; each may be open."""
        self.from_ns = from_ns
        self.to_ns = to_ns


InSpan = Annotated[Span, Depends()]
