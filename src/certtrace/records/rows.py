"""Between the record's classes and the store's rows."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

import orjson

from certtrace.records.facts import Facts, is_content_lost
from certtrace.records.mapping.values import json_text
from certtrace.records.model import Experiment, Observation, Score, TraceSummary

Row = Sequence[Any]

FACT_COLUMNS: Final = tuple(field.name for field in fields(Facts))
_FACT_FLAGS: Final = ("is_pass", "public", "bookmarked")

_PLAIN: Final = (
    "type",
    "is_app_root",
    "model",
    "completion_start_time_ns",
    "prompt_name",
    "prompt_version",
    "status_message",
    "input",
    "output",
)
_JSON: Final = ("usage_details", "cost_details", "model_parameters", "metadata")
_EXPERIMENT: Final = ("experiment_id", "experiment_dataset_id", "experiment_item_id", "experiment")
_TIMES: Final = ("created_at_ns", "updated_at_ns")
OBSERVATION_COLUMNS: Final = (*FACT_COLUMNS, *_PLAIN, *_JSON, *_EXPERIMENT, "content_lost", *_TIMES)

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
    "public",
    "bookmarked",
    "created_at_ns",
    "updated_at_ns",
)
SCORE_COLUMNS: Final = tuple(field.name for field in fields(Score))

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
_KEPT: Final = (*_KEPT_FACTS, *_PLAIN, *_TIMES)
_FLAGS: Final = ("is_app_root", "public", "bookmarked")

_TAGS_AT: Final = FACT_COLUMNS.index("tags")
_facts: Final = attrgetter(*FACT_COLUMNS)
_plain: Final = attrgetter(*_PLAIN)
_json: Final = attrgetter(*_JSON)
_summary: Final = attrgetter(*SUMMARY_COLUMNS)
_score: Final = attrgetter(*SCORE_COLUMNS)
_SUMMARY_TAGS_AT: Final = SUMMARY_COLUMNS.index("tags")
_METADATA_AT: Final = SCORE_COLUMNS.index("metadata")
_SCORE_TIMES_AT: Final = SCORE_COLUMNS.index("created_at_ns")


def observation_row(observation: Observation, facts: Facts, now_ns: int) -> Row:
    """Return an observation in the order of `OBSERVATION_COLUMNS`."""
    return (
        *_fact_row(facts),
        *_plain(observation),
        *[json_text(value) if value else "{}" for value in _json(observation)],
        *_experiment_row(observation.experiment),
        is_content_lost(observation),
        now_ns,
        now_ns,
    )


def observation_from(trace_id: str, row: Mapping[str, Any] | sqlite3.Row) -> Observation:
    """Return the observation that a row holds."""
    row = _by_name(row)
    given: dict[str, Any] = {column: row[column] for column in _KEPT}
    for column in _FLAGS:
        given[column] = bool(row[column])
    for column in _JSON:
        text = row[column]
        given[column] = {} if text == "{}" else orjson.loads(text)
    return Observation(trace_id=trace_id, tags=_tags(row["tags"]), experiment=_experiment_from(row), **given)


def facts_from(row: Mapping[str, Any] | sqlite3.Row) -> Facts:
    """Return the facts that a row holds."""
    row = _by_name(row)
    given = {column: row[column] for column in FACT_COLUMNS}
    for column in _FACT_FLAGS:
        given[column] = bool(given[column])
    return Facts(**(given | {"tags": _tags(row["tags"])}))


def summary_row(summary: TraceSummary) -> Row:
    """Return a summary in the order of `SUMMARY_COLUMNS`."""
    row = list(_summary(summary))
    row[_SUMMARY_TAGS_AT] = _tags_text(summary.tags)
    return row


def summary_from(trace_id: str, row: Mapping[str, Any] | sqlite3.Row) -> TraceSummary:
    """Return the summary that a row holds."""
    row = _by_name(row)
    given = {column: row[column] for column in SUMMARY_COLUMNS if column != "is_failed"}
    flags = {flag: bool(row[flag]) for flag in ("public", "bookmarked")}
    return TraceSummary(trace_id=trace_id, **(given | flags | {"tags": _tags(row["tags"])}))


def score_row(score: Score, now_ns: int) -> Row:
    """Return a score in the order of `SCORE_COLUMNS`."""
    row = list(_score(score))
    if score.metadata is not None:
        row[_METADATA_AT] = json_text(score.metadata)
    row[_SCORE_TIMES_AT : _SCORE_TIMES_AT + 2] = (now_ns, now_ns)
    return row


def score_from(row: Mapping[str, Any] | sqlite3.Row) -> Score:
    """Return the score that a row holds."""
    row = _by_name(row)
    metadata = None if row["metadata"] is None else orjson.loads(row["metadata"])
    return Score(**({column: row[column] for column in SCORE_COLUMNS} | {"metadata": metadata}))


def _by_name(row: Mapping[str, Any] | sqlite3.Row) -> Mapping[str, Any]:
    """Return a row as a dictionary: for each name it is asked for, SQLite's own goes through all of its columns."""
    return dict(zip(row.keys(), row, strict=True)) if isinstance(row, sqlite3.Row) else row


def _fact_row(facts: Facts) -> Row:
    row = list(_facts(facts))
    row[_TAGS_AT] = _tags_text(facts.tags)
    return row


def _experiment_row(experiment: Experiment | None) -> Row:
    """Return the ids that lists ask for, and everything as JSON."""
    if experiment is None:
        return None, None, None, None
    whole = {field.name: getattr(experiment, field.name) for field in fields(experiment)}
    return experiment.id, experiment.dataset_id, experiment.item_id, json_text(whole)


def _experiment_from(row: Mapping[str, Any]) -> Experiment | None:
    whole = row["experiment"]
    return None if whole is None else Experiment(**orjson.loads(whole))


def _tags(stored: str) -> tuple[str, ...]:
    return () if stored == "[]" else tuple(orjson.loads(stored))


def _tags_text(tags: tuple[str, ...]) -> str:
    return json_text(list(tags)) if tags else "[]"
