"""The record as JSON-ready data with Langfuse's field names."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from certtrace.records.mapping.values import parsed
from certtrace.records.model import Observation, Score, Trace, TraceSummary


def iso(time_ns: int) -> str:
    """Return a time in ISO 8601, UTC, with milliseconds."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return f"{_second(seconds)}.{rest // 1_000_000:03d}Z"


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    """Return a whole second; the times of one trace share few of them."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def observation_json(observation: Observation) -> dict[str, Any]:
    """Return one observation; JSON text in input and output is decoded, as Langfuse's trace view does."""
    completion = observation.completion_start_time_ns
    return {
        "id": observation.id,
        "traceId": observation.trace_id,
        "parentObservationId": observation.parent_observation_id,
        "type": observation.type,
        "name": observation.name,
        "startTime": iso(observation.start_time_ns),
        "endTime": iso(observation.end_time_ns),
        "latency": (observation.end_time_ns - observation.start_time_ns) / 1e9,
        "completionStartTime": None if completion is None else iso(completion),
        "level": observation.level,
        "statusMessage": observation.status_message,
        "input": content_json(observation.input),
        "output": content_json(observation.output),
        "metadata": dict(observation.metadata),
        "model": observation.model,
        "modelParameters": dict(observation.model_parameters),
        "usageDetails": dict(observation.usage_details),
        "costDetails": dict(observation.cost_details),
        "promptName": observation.prompt_name,
        "promptVersion": observation.prompt_version,
        "environment": observation.environment,
        "release": observation.release,
        "version": observation.version,
        "userId": observation.user_id,
        "sessionId": observation.session_id,
        "traceName": observation.trace_name,
        "tags": list(observation.tags),
        "public": observation.public,
        "isAppRoot": observation.is_app_root,
    }


def content_json(content: str | None) -> object:
    """Return input or output decoded where it is a JSON object or list; any other text stays as it was recorded."""
    value = parsed(content) if content and content.lstrip()[:1] in ("{", "[") else None
    return value if isinstance(value, (dict, list)) else content


def score_json(score: Score) -> dict[str, Any]:
    """Return one score."""
    return {
        "id": score.id,
        "traceId": score.trace_id,
        "observationId": score.observation_id,
        "sessionId": score.session_id,
        "name": score.name,
        "value": score.value,
        "dataType": score.data_type,
        "comment": score.comment,
        "metadata": score.metadata,
        "timestamp": iso(score.timestamp_ns),
        "environment": score.environment,
    }


def summary_json(summary: TraceSummary) -> dict[str, Any]:
    """Return one line of a list of traces."""
    return {
        "trace_id": summary.trace_id,
        "name": summary.name,
        "start_time": iso(summary.start_time_ns),
        "duration_ms": summary.duration_ms,
        "status": summary.status,
        "failed": summary.is_failed,
        "service": summary.service,
        "environment": summary.environment,
        "release": summary.release,
        "version": summary.version,
        "session_id": summary.session_id,
        "user_id": summary.user_id,
        "submission_id": summary.submission_id,
        "candidate": summary.candidate,
        "failure_class": summary.failure_class,
        "error_type": summary.error_type,
        "observation_count": summary.observation_count,
        "error_count": summary.error_count,
        "pass_count": summary.pass_count,
        "grade": summary.grade,
        "grade_max": summary.grade_max,
        "confidence": summary.confidence,
        "tags": list(summary.tags),
    }


def trace_json(trace: Trace) -> dict[str, Any]:
    """Return one trace with everything recorded of it."""
    return {
        **summary_json(trace.summary),
        "observations": [observation_json(each) for each in trace.observations],
        "scores": [score_json(each) for each in trace.scores],
    }
