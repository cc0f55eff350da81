"""Scores as they arrive: checked as Langfuse checks them, against their config where they name one."""

import sqlite3
import time
import uuid
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, StrictFloat, StrictInt, StrictStr, ValidationError, model_validator

from certtrace import semconv
from certtrace.records.catalog.score_configs import ScoreConfig, get_score_config
from certtrace.records.mapping.fields import environment
from certtrace.records.mapping.values import clamped_ns
from certtrace.records.model import Score
from certtrace.server.api.shapes import Body, Moment, refused
from certtrace.server.box import Box
from certtrace.server.intake.redacting import redacted_body

DataType = Literal["NUMERIC", "CATEGORICAL", "BOOLEAN", "TEXT", "CORRECTION"]
_LONGEST_TEXT: Final = 500
_CORRECTED: Final = "output"
"""What a correction is of, whatever it was named."""
_SUBJECTS: Final = (
    "Provide exactly one of traceId (with observationId or without), sessionId, datasetRunId; observationId needs "
    "traceId."
)
_NEEDS_CONFIG: Final = "A score of source ANNOTATION needs a configId, unless it is a CORRECTION."
_TAKES_NO_CONFIG: Final = "A CORRECTION has no configId."


class ScoreBody(Body):
    """One score to be created, or replaced where its id is known."""

    id: Annotated[StrictStr, Field(max_length=800, pattern=r"^[^\r]*$")] | None = None
    name: Annotated[StrictStr, Field(min_length=1)]
    value: StrictFloat | StrictInt | StrictStr
    data_type: DataType | None = None
    trace_id: StrictStr | None = None
    observation_id: StrictStr | None = None
    session_id: StrictStr | None = None
    dataset_run_id: StrictStr | None = None
    comment: StrictStr | None = None
    metadata: Any = None
    environment: StrictStr | None = None
    source: Literal["API", "ANNOTATION"] | None = None
    config_id: StrictStr | None = None
    queue_id: StrictStr | None = None
    timestamp: Moment | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        subjects = [each for each in (self.trace_id, self.session_id, self.dataset_run_id) if each]
        if len(subjects) != 1 or (self.observation_id and not self.trace_id):
            raise refused(_SUBJECTS)
        if self.source == "ANNOTATION" and not self.config_id and self.data_type != "CORRECTION":
            raise refused(_NEEDS_CONFIG)
        if self.data_type is not None and (fault := _misfit(self.data_type, self.value)):
            raise refused(fault)
        if self.data_type == "CORRECTION" and self.config_id:
            raise refused(_TAKES_NO_CONFIG)
        return self


class EventScoreBody(ScoreBody):
    """A score in a batch of events; evaluators may send theirs this way."""

    source: Literal["API", "ANNOTATION", "EVAL"] | None = None  # type: ignore[assignment]  # one more than before


class RejectedScoreError(Exception):
    """A score does not fit its config."""

    def __init__(self, status: int, message: str) -> None:
        """Take the HTTP status and what is wrong."""
        super().__init__(message)
        self.status = status


def score_of(box: Box, project: str, body: ScoreBody, now_ns: int | None = None) -> Score:
    """Return the score to store, redacted.

    Args:
        box: Its store holds the configs, its redactor redacts.
        project: Whose score it is.
        body: What was sent.
        now_ns: The time of a score that names none.

    Raises:
        RejectedScoreError: It does not fit its config.
    """
    kind: str = body.data_type or ("CATEGORICAL" if isinstance(body.value, str) else "NUMERIC")
    name = _CORRECTED if kind == "CORRECTION" else body.name
    if body.config_id:
        with box.store.reading() as connection:
            config = _config(connection, project, body.config_id)
        name, kind = config.name, config.data_type
        _check(config, body)
    given = body.given() | {"name": name}
    clean = redacted_body(box, {key: each for key, each in given.items() if key != "value"}, adds_metadata=True)
    return Score(
        id=body.id or str(uuid.uuid4()),
        name=str(clean["name"]),
        value=str(redacted_body(box, body.value)) if isinstance(body.value, str) else float(body.value),
        data_type=kind,
        timestamp_ns=clamped_ns(body.timestamp if body.timestamp is not None else now_ns or time.time_ns()),
        trace_id=body.trace_id or None,
        observation_id=body.observation_id or None,
        session_id=clean.get("sessionId") or None,
        comment=clean.get("comment"),
        metadata=clean.get("metadata"),
        environment=environment({semconv.ENVIRONMENT: body.environment}, {}),
        source=body.source or "API",
        dataset_run_id=body.dataset_run_id or None,
        config_id=body.config_id or None,
        queue_id=body.queue_id or None,
    )


def faults_of(error: ValidationError) -> str:
    """Return what is wrong with a score in one line; values are not repeated."""
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'score'}: {each['msg']}" for each in error.errors(include_input=False)
    )


def _config(connection: sqlite3.Connection, project: str, config_id: str) -> ScoreConfig:
    config = get_score_config(connection, project, config_id)
    if config is None:
        raise RejectedScoreError(404, "The configId is of no score config in this project.")
    if config.is_archived:
        raise RejectedScoreError(400, "The score config is archived. Restore it before scores are made with it.")
    return config


def _check(config: ScoreConfig, body: ScoreBody) -> None:
    if body.data_type is not None and body.data_type != config.data_type:
        msg = f"The data type does not match the config: expected {config.data_type}, got {body.data_type}."
        raise RejectedScoreError(400, msg)
    fault = _misfit(config.data_type, body.value) or _out_of_range(config, body.value)
    if fault:
        raise RejectedScoreError(400, f"The score does not match its config. {fault}")


def _misfit(kind: str, value: float | str) -> str:
    """Return why a value is none of its data type; empty where it is."""
    if kind == "NUMERIC":
        return "" if not isinstance(value, str) else "The value of a NUMERIC score is a number."
    if kind == "BOOLEAN":
        return "" if value in (0, 1) else "The value of a BOOLEAN score is the number 0 or 1."
    if not isinstance(value, str):
        return f"The value of a {kind} score is a text."
    if kind == "TEXT" and not 1 <= len(value) <= _LONGEST_TEXT:
        return f"The value of a TEXT score has 1 to {_LONGEST_TEXT} characters."
    return ""


def _out_of_range(config: ScoreConfig, value: float | str) -> str:
    if isinstance(value, str):
        labels = [each.get("label") for each in config.categories or ()]
        return "" if config.data_type != "CATEGORICAL" or value in labels else "The value is none of its categories."
    if config.data_type == "NUMERIC" and config.max_value is not None and value > config.max_value:
        return f"The value is above its maximum of {config.max_value}."
    if config.data_type == "NUMERIC" and config.min_value is not None and value < config.min_value:
        return f"The value is below its minimum of {config.min_value}."
    return ""
