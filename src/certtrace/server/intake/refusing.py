"""Why a trace export is refused as a whole."""

from enum import StrEnum
from typing import Final

from certtrace.server.errors import ApiError


class Fault(StrEnum):
    """What is wrong with one field."""

    ABSENT = "absent"
    NOT_AN_ID = "not_an_id"
    WRONG_LENGTH = "wrong_length"
    ALL_ZERO = "all_zero"
    NOT_AN_OBJECT = "not_an_object"
    NOT_AN_ARRAY = "not_an_array"
    NOT_A_STRING = "not_a_string"
    NOT_A_BOOLEAN = "not_a_boolean"
    NOT_A_NUMBER = "not_a_number"
    NOT_BASE64 = "not_base64"
    OUT_OF_RANGE = "out_of_range"


_HINTS: Final = {
    Fault.ABSENT: " traceId and spanId are required on every span.",
    Fault.NOT_AN_ARRAY: " OTLP attributes are a list of {key, value} entries, not a JSON object.",
    Fault.WRONG_LENGTH: " A trace id has 16 bytes, a span id 8. Are these logs or metrics? This takes traces only.",
    Fault.ALL_ZERO: " OpenTelemetry forbids ids that are all zero.",
}


class Malformed(Exception):  # noqa: N818 - says what the input is; it becomes an answer below
    """One field of an export cannot be read."""

    def __init__(self, fault: Fault, field: str) -> None:
        """Take what is wrong, and the field's name. Never a value."""
        super().__init__(f"{field}:{fault}")
        self.fault = fault


def refused(error: Malformed) -> ApiError:
    """Return the answer to a malformed export."""
    hint = _HINTS.get(error.fault, "")
    return bad_export(400, f"Invalid OTLP trace export ({error}).{hint} Nothing of it was stored.")


def bad_export(status: int, message: str) -> ApiError:
    """Return the answer to an export that is refused as a whole."""
    return ApiError(status, message, message)
