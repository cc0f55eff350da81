"""Between the record's classes and the store's rows."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from certtrace.records.facts import Facts, facts_of, is_content_lost
from certtrace.records.mapping.values import json_text
from certtrace.records.model import Observation, Score, TraceSummary

Row = Sequence[Any]

FACT_COLUMNS: Final = (
    "id",
    "parent_observation_id",
    "name",
    "start_time_ns",
    "end_time_ns",
    "level",
    "environment",
    "release",
    "version",
    "user_id",
    "session_id",
    "trace_name",
    "tags",
    "service",
    "outcome",
    "error_type",
    "failure_class",
    "submission_id",
    "candidate",
    "grade",
    "grade_max",
    "confidence",
    "is_pass",
)
_OBSERVATION_TEXT: Final = ("type", "model", "completion_start_time_ns", "prompt_name", "prompt_version")
_OBSERVATION_FLAGS: Final = ("is_app_root", "public")
_OBSERVATION_JSON: Final = ("usage_details", "cost_details", "model_parameters", "metadata")
_OBSERVATION_WIDE: Final = ("status_message", "input", "output")
_OWN_COLUMNS: Final = (*_OBSERVATION_TEXT, *_OBSERVATION_FLAGS, *_OBSERVATION_JSON, *_OBSERVATION_WIDE)
OBSERVATION_COLUMNS: Final = (*FACT_COLUMNS, *_OWN_COLUMNS, "content_lost")

SUMMARY_COLUMNS: Final = (
    "name",
    "start_time_ns",
    "end_time_ns",
    "status",
    "is_failed",
    "observation_count",
    "error_count",
    "pass_count",
    "service",
    "environment",
    "release",
    "version",
    "user_id",
    "session_id",
    "submission_id",
    "candidate",
    "failure_class",
    "error_type",
    "grade",
    "grade_max",
    "confidence",
    "tags",
)
SCORE_COLUMNS: Final = (
    "id",
    "name",
    "value",
    "data_type",
    "timestamp_ns",
    "trace_id",
    "observation_id",
    "session_id",
    "environment",
    "comment",
    "metadata",
)

_KEPT_FACTS: Final = (
    "id",
    "parent_observation_id",
    "name",
    "start_time_ns",
    "end_time_ns",
    "level",
    "environment",
    "release",
    "version",
    "user_id",
    "session_id",
    "trace_name",
)
"""The facts that are fields of an observation as they stand; the others follow from its metadata."""


def observation_row(observation: Observation) -> Row:
    """Return an observation in the order of `OBSERVATION_COLUMNS`."""
    return (
        *fact_row(facts_of(observation)),
        *(getattr(observation, column) for column in _OBSERVATION_TEXT),
        *(getattr(observation, column) for column in _OBSERVATION_FLAGS),
        *(json_text(getattr(observation, column)) for column in _OBSERVATION_JSON),
        *(getattr(observation, column) for column in _OBSERVATION_WIDE),
        is_content_lost(observation),
    )


def observation_from(trace_id: str, row: Mapping[str, Any]) -> Observation:
    """Return the observation that a row holds."""
    given: dict[str, Any] = {column: row[column] for column in (*_KEPT_FACTS, *_OBSERVATION_TEXT, *_OBSERVATION_WIDE)}
    given |= {column: bool(row[column]) for column in _OBSERVATION_FLAGS}
    given |= {column: orjson.loads(row[column]) for column in _OBSERVATION_JSON}
    return Observation(trace_id=trace_id, tags=_tags(row["tags"]), **given)


def fact_row(facts: Facts) -> Row:
    """Return facts in the order of `FACT_COLUMNS`."""
    return tuple(json_text(facts.tags) if name == "tags" else getattr(facts, name) for name in FACT_COLUMNS)


def facts_from(row: Mapping[str, Any]) -> Facts:
    """Return the facts that a row holds."""
    given = {column: row[column] for column in FACT_COLUMNS}
    return Facts(**(given | {"tags": _tags(row["tags"]), "is_pass": bool(row["is_pass"])}))


def summary_row(summary: TraceSummary) -> Row:
    """Return a summary in the order of `SUMMARY_COLUMNS`."""
    return tuple(json_text(summary.tags) if name == "tags" else getattr(summary, name) for name in SUMMARY_COLUMNS)


def summary_from(trace_id: str, row: Mapping[str, Any]) -> TraceSummary:
    """Return the summary that a row holds."""
    given = {column: row[column] for column in SUMMARY_COLUMNS if column != "is_failed"}
    return TraceSummary(trace_id=trace_id, **(given | {"tags": _tags(row["tags"])}))


def score_row(score: Score) -> Row:
    """Return a score in the order of `SCORE_COLUMNS`."""
    metadata = None if score.metadata is None else json_text(score.metadata)
    return tuple(metadata if name == "metadata" else getattr(score, name) for name in SCORE_COLUMNS)


def score_from(row: Mapping[str, Any]) -> Score:
    """Return the score that a row holds."""
    metadata = None if row["metadata"] is None else orjson.loads(row["metadata"])
    return Score(**({column: row[column] for column in SCORE_COLUMNS} | {"metadata": metadata}))


def _tags(stored: str) -> tuple[str, ...]:
    return () if stored == "[]" else tuple(orjson.loads(stored))
