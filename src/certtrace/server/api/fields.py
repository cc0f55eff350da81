"""Kinds of fields and parameters that several bodies and queries share."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST: Final = 2**63 - 1
_LARGEST_NUMBER: Final = 2**53
_HTML: Final = re.compile(r"<[^>]*>")
_LONGEST_NAME: Final = 255


def wrong(message: str) -> PydanticCustomError:
    """Return the error for a field; the message has no braces and repeats no value that is personal."""
    kind = "custom"
    return PydanticCustomError(kind, message)


def moment_ns(text: str) -> int:
    """Return an ISO 8601 time with zone in nanoseconds since the epoch.

    Raises:
        ValueError: It is none.
    """
    if not _MOMENT.fullmatch(text):
        msg = "Invalid ISO datetime"
        raise ValueError(msg)
    moment = datetime.fromisoformat(text)
    return max(-_LARGEST, min((moment - _EPOCH) // timedelta(microseconds=1) * 1000, _LARGEST))


def _moment(given: Any) -> int | None:
    if given is None:
        return None
    try:
        return moment_ns(given)
    except (ValueError, TypeError) as error:
        msg = "Invalid ISO datetime"
        raise wrong(msg) from error


def bounded(number: int | None) -> int | None:
    """Return a number no larger than a store can hold: what is beyond is not there anyhow."""
    return None if number is None else max(-_LARGEST_NUMBER, min(number, _LARGEST_NUMBER))


def _blank_is_none(given: Any) -> Any:
    return None if given == "" else given


def folder_path(name: str) -> str:
    """Check a name that may lie in folders, and trim it.

    Raises:
        PydanticCustomError: It cannot be a name.
    """
    wrongs = (
        (name == "", "Text cannot be empty"),
        (_HTML.search(name), "Text cannot contain HTML tags"),
        (name.startswith("/"), "Name cannot start with a slash"),
        ("//" in name, "Name cannot contain consecutive slashes"),
        (name.endswith("/"), "Name cannot end with a slash"),
        (name.strip() == "", "Name cannot be empty"),
        (len(name) > _LONGEST_NAME, f"Name cannot be longer than {_LONGEST_NAME} characters"),
    )
    for is_so, message in wrongs:
        if is_so:
            raise wrong(message)
    return name.strip()


Moment = Annotated[int, BeforeValidator(_moment, json_schema_input_type=datetime)]
"""A time as ISO 8601 with zone; nanoseconds since the epoch."""

FolderPath = Annotated[str, AfterValidator(folder_path)]
"""A name whose slashes mean folders."""

Version = Annotated[int | None, BeforeValidator(_blank_is_none), AfterValidator(bounded)]
"""A version's number; empty means none."""
