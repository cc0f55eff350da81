"""A score on its way out: redacted, in the form of Langfuse's API."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from certtrace.ports import Receipt, ScoreRecord, UnitRedactor


def redacted_score(
    redactor: UnitRedactor, record: ScoreRecord, identities: Sequence[object]
) -> tuple[ScoreRecord, Receipt]:
    """Return a score with name, value, comment and metadata redacted, and the receipt."""
    told = {
        "name": record.name,
        "value": record.value,
        "comment": record.comment,
        "metadata": _plain(record.metadata),
    }
    redacted, receipt = redactor.redact_value(told, identities)
    clean = ScoreRecord(
        id=record.id,
        name=str(redacted["name"]),
        value=redacted["value"],
        data_type=record.data_type,
        trace_id=record.trace_id,
        observation_id=record.observation_id,
        session_id=record.session_id,
        comment=redacted["comment"],
        metadata=redacted["metadata"],
        timestamp_ns=record.timestamp_ns or time.time_ns(),
    )
    return clean, receipt


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def score_json(score: ScoreRecord) -> dict[str, Any]:
    """Return a score in the form of Langfuse's `POST /api/public/scores`."""
    seconds, rest = divmod(score.timestamp_ns, 1_000_000_000)
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    body = {
        "id": score.id,
        "name": score.name,
        "value": score.value,
        "dataType": score.data_type,
        "traceId": score.trace_id,
        "observationId": score.observation_id,
        "sessionId": score.session_id,
        "comment": score.comment,
        "metadata": score.metadata,
        "timestamp": f"{moment}.{rest // 1_000_000:03d}Z",
    }
    return {key: value for key, value in body.items() if value is not None}
