"""Scores as the API writes them: with one value of its own type, and as the 4.x clients expect them."""

from collections.abc import Collection
from typing import Any, Final

import orjson

from certtrace.records.langfuse_json import iso
from certtrace.records.mapping import shown_metadata
from certtrace.records.queries.scores import Row

Shape = dict[str, Any]

FIELD_GROUPS: Final = ("core", "details", "subject", "annotation")
_BOOLEANS: Final = {0.0: "False", 1.0: "True"}


def score_by_groups(row: Row, project: str, groups: Collection[str]) -> Shape:
    """Return a score whose value has the type that its data type says, with the groups of fields asked for."""
    shape = _core(row, project) | {"value": _own_value(row)}
    if "details" in groups:
        shape |= {"comment": row["comment"], "configId": row["config_id"], "metadata": _metadata(row)}
    if "subject" in groups:
        shape["subject"] = _subject(row)
    if "annotation" in groups:
        shape |= {"authorUserId": row["author_user_id"], "queueId": row["queue_id"]}
    return shape


def whole_score(row: Row, project: str) -> Shape:
    """Return a score as the 4.x API wrote it: a number in `value`, a text in `stringValue`."""
    text, number = _text_and_number(row)
    shape = _core(row, project) | {
        "traceId": row["trace_id"],
        "observationId": row["observation_id"],
        "sessionId": row["session_id"],
        "datasetRunId": row["dataset_run_id"],
        "authorUserId": row["author_user_id"],
        "comment": row["comment"],
        "metadata": _metadata(row),
        "configId": row["config_id"],
        "queueId": row["queue_id"],
        "stringValue": text,
    }
    return shape if row["data_type"] == "TEXT" else shape | {"value": number}


def score_with_trace(row: Row, project: str, *, with_trace: bool) -> Shape:
    """Return a score as lists of the 4.x API wrote it: with what filters ask of its trace."""
    shape = whole_score(row, project)
    if not with_trace or row["trace_id"] is None:
        return shape | {"trace": None}
    known = row["known_trace_id"] is not None
    return shape | {
        "trace": {
            "userId": row["trace_user_id"],
            "tags": orjson.loads(row["trace_tags"]) if known else [],
            "environment": row["trace_environment"] if known else row["environment"],
            "sessionId": row["trace_session_id"],
        }
    }


def _core(row: Row, project: str) -> Shape:
    timestamp = row["timestamp_ns"]
    return {
        "id": row["id"],
        "projectId": project,
        "name": row["name"],
        "dataType": row["data_type"],
        "source": row["source"],
        "timestamp": iso(timestamp),
        "environment": row["environment"],
        "createdAt": iso(row["created_at_ns"] or timestamp),
        "updatedAt": iso(row["updated_at_ns"] or row["created_at_ns"] or timestamp),
    }


def _own_value(row: Row) -> float | str | bool:
    value: float | str = row["value"]
    return value == 1 if row["data_type"] == "BOOLEAN" else value


def _text_and_number(row: Row) -> tuple[str | None, float]:
    value = row["value"]
    if isinstance(value, str):
        return value, 0
    return (_BOOLEANS.get(value, str(value)) if row["data_type"] == "BOOLEAN" else None), value


def _metadata(row: Row) -> Shape:
    """Return the metadata as an object: what is none stands in one."""
    if row["metadata"] is None:
        return {}
    metadata = orjson.loads(row["metadata"])
    if metadata is None:
        return {}
    return dict(shown_metadata(metadata)) if isinstance(metadata, dict) else {"metadata": metadata}


def _subject(row: Row) -> Shape:
    """Return what the score is about."""
    if row["dataset_run_id"]:
        return {"kind": "experiment", "id": row["dataset_run_id"]}
    if row["observation_id"]:
        of_trace = {"traceId": row["trace_id"]} if row["trace_id"] else {}
        return {"kind": "observation", "id": row["observation_id"], **of_trace}
    if row["session_id"]:
        return {"kind": "session", "id": row["session_id"]}
    return {"kind": "trace", "id": row["trace_id"] or ""}
