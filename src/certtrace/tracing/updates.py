"""Langfuse's fields of an observation, as the attributes that carry them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from certtrace import semconv
from certtrace.tracing.naming import text_of

_FIELDS: Final[dict[str, str]] = {
    "input": semconv.OBSERVATION_INPUT,
    "output": semconv.OBSERVATION_OUTPUT,
    "model": semconv.OBSERVATION_MODEL,
    "model_parameters": semconv.OBSERVATION_MODEL_PARAMETERS,
    "usage_details": semconv.OBSERVATION_USAGE_DETAILS,
    "cost_details": semconv.OBSERVATION_COST_DETAILS,
    "level": semconv.OBSERVATION_LEVEL,
    "status_message": semconv.OBSERVATION_STATUS_MESSAGE,
    "version": semconv.VERSION,
    "prompt_name": semconv.OBSERVATION_PROMPT_NAME,
    "prompt_version": semconv.OBSERVATION_PROMPT_VERSION,
}


def _metadata(value: Any) -> dict[str, Any]:
    if not issubclass(type(value), Mapping):
        return {semconv.OBSERVATION_METADATA: value}
    return {semconv.metadata(text_of(key)): item for key, item in value.items()}


def attributes_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes for the fields given to `update`; `None` leaves a field as it is.

    A field that Langfuse does not have becomes metadata: nothing that was given is lost.
    """
    attributes: dict[str, Any] = {}
    for field, value in fields.items():
        if value is None:
            continue
        if field == "metadata":
            attributes.update(_metadata(value))
        elif field == "completion_start_time":
            moment = value.isoformat() if type(value) is datetime else value
            attributes[semconv.OBSERVATION_COMPLETION_START_TIME] = moment
        else:
            attributes[_FIELDS.get(field) or semconv.metadata(field)] = value
    return attributes
