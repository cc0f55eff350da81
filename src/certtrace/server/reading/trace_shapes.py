"""Traces and sessions as the 4.x API wrote them."""

from collections.abc import Collection
from typing import Any

import orjson

from certtrace.records.langfuse_json import iso
from certtrace.records.mapping import shown_metadata
from certtrace.records.queries import sessions
from certtrace.records.queries.traces import TraceRecord
from certtrace.server.reading.observation_shapes import parsed_content

Shape = dict[str, Any]


def trace_shape(record: TraceRecord, project: str) -> Shape:
    """Return a trace's own fields."""
    row = record.row
    created = row["created_at_ns"] or row["start_time_ns"]
    return {
        "id": record.trace_id,
        "projectId": project,
        "name": row["name"] or None,
        "timestamp": iso(row["start_time_ns"]),
        "environment": row["environment"],
        "tags": orjson.Fragment(row["tags"]),
        "bookmarked": bool(row["bookmarked"]),
        "release": row["release"] or None,
        "version": row["version"] or None,
        "userId": row["user_id"] or None,
        "sessionId": row["session_id"] or None,
        "public": bool(row["public"]),
        "input": parsed_content(record.input),
        "output": parsed_content(record.output),
        "metadata": _metadata(record.metadata),
        "createdAt": iso(created),
        "updatedAt": iso(row["updated_at_ns"] or created),
        "externalId": None,
    }


def _metadata(stored: str) -> Any:
    metadata = orjson.loads(stored)
    return shown_metadata(metadata) if isinstance(metadata, dict) else metadata


def listed_trace(record: TraceRecord, project: str, groups: Collection[str]) -> Shape:
    """Return a trace with what lists say of its observations; what was not asked for is empty, or -1."""
    metrics = "metrics" in groups
    return trace_shape(record, project) | {
        "observations": record.observation_ids if "observations" in groups else [],
        "scores": record.score_ids,
        "totalCost": record.total_cost if metrics else -1,
        "latency": record.latency_seconds if metrics else -1,
        "htmlPath": f"/project/{project}/traces/{record.trace_id}",
    }


def session_shape(row: sessions.Row, project: str) -> Shape:
    """Return a session's own fields."""
    return {
        "id": row["id"],
        "createdAt": iso(row["created_at_ns"]),
        "projectId": project,
        "environment": row["environment"],
    }
