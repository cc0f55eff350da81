"""Query parameters as Langfuse's API takes them."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, LiteralString

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from certtrace.server.box import Box
from certtrace.server.errors import invalid
from certtrace.server.intake.redacting import sought

LARGEST_PAGE: Final = 2**53
_MOST_TEXTS: Final = 200

_ISO: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Parameters(BaseModel):
    """A set of query parameters; names are camel case, what is not known is ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True)


def unfit(*, kind: LiteralString = "custom", message: LiteralString) -> PydanticCustomError:
    """Return the finding on a parameter; the message is shown as it is."""
    return PydanticCustomError(kind, message)


def time_ns(moment: datetime) -> int:
    """Return a moment in nanoseconds since the epoch."""
    since = moment - _EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def _strict_time(given: Any) -> int:
    """Read a time with its offset."""
    if isinstance(given, str) and _ISO.fullmatch(given):
        try:
            return time_ns(datetime.fromisoformat(given))
        except (ValueError, OverflowError):
            pass
    raise unfit(kind="invalid_format", message="Invalid ISO datetime")


def lenient_time(given: Any) -> int:
    """Read a time as JavaScript's `Date` does, as far as ISO 8601 goes: without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(given)
        return time_ns(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (TypeError, ValueError, OverflowError):
        raise unfit(kind="invalid_date", message="Invalid input: expected date, received Date") from None


def _unless_empty(given: Any) -> Any:
    return None if given == "" else given


def _lenient(given: Any) -> Any:
    return None if given in ("", None) else lenient_time(given)


def _page_default(given: Any) -> Any:
    return 1 if given == "" else given


def _limit_default(given: Any) -> Any:
    return 50 if given == "" else given


def _commas(given: Any) -> Any:
    """Take texts apart at commas, given once or several times."""
    texts = [given] if isinstance(given, str) else given or ()
    return [part.strip() for text in texts for part in text.split(",") if part.strip()] or None


_AS_TIME: Final = WithJsonSchema({"type": "string", "format": "date-time"})
_AS_TEXT: Final = WithJsonSchema({"type": "string"})

Time = Annotated[int | None, BeforeValidator(_strict_time), _AS_TIME]
"""A time with its offset, as nanoseconds since the epoch."""
LenientTime = Annotated[int | None, BeforeValidator(_lenient), _AS_TIME]
PageNumber = Annotated[Annotated[int, Field(ge=1, le=LARGEST_PAGE)], BeforeValidator(_page_default)]
PageLimit = Annotated[Annotated[int, Field(ge=1, le=100)], BeforeValidator(_limit_default)]
Commas = Annotated[list[str] | None, BeforeValidator(_commas), _AS_TEXT]
"""Texts with commas between them; None where there is none."""
OptionalNumber = Annotated[Annotated[float, Field(allow_inf_nan=False)] | None, BeforeValidator(_unless_empty)]

ObservationType = Literal[
    "GENERATION", "SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "EMBEDDING", "GUARDRAIL"
]
Level = Literal["DEBUG", "DEFAULT", "WARNING", "ERROR"]


def alternatives(given: Sequence[str] | None) -> list[str] | None:
    """Return the texts of a parameter that is repeated, or given once with commas.

    Raises:
        ApiError: 400, there are more of them than one statement can ask for.
    """
    if given is None:
        return None
    texts = given[0].split(",") if len(given) == 1 else list(given)
    if len(texts) > _MOST_TEXTS:
        msg = f"A parameter may be given {_MOST_TEXTS} times at most."
        raise invalid(msg)
    return texts


def stored_forms(box: Box, text: str | None) -> list[str] | None:
    """Return what a text may be stored as: as it is, by those who redact themselves, or redacted by this server."""
    if text is None:
        return None
    return list(dict.fromkeys((text, sought(box, text))))
