"""Langfuse's fields of an observation, as the attributes that carry them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from certtrace import semconv

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


def attributes_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes for the fields given to `update`; `None` leaves a field as it is."""
    attributes: dict[str, Any] = {}
    for field, value in fields.items():
        if value is None:
            continue
        if field == "metadata":
            attributes.update({semconv.metadata(str(key)): item for key, item in value.items()})
        elif field == "completion_start_time":
            moment = value.isoformat() if isinstance(value, datetime) else str(value)
            attributes[semconv.OBSERVATION_COMPLETION_START_TIME] = moment
        else:
            attributes[_FIELDS[field]] = value
    return attributes
