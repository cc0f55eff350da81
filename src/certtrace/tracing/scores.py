"""A score in Langfuse's terms."""

from typing import Any

from certtrace.ports import ScoreRecord
from certtrace.tracing.handle import ScoreValue
from certtrace.tracing.identifiers import new_bits


def score_record(name: str, value: ScoreValue, *, comment: str | None, metadata: Any) -> ScoreRecord:
    """Return the record of a score; what it belongs to is filled in by the caller."""
    kind = "BOOLEAN" if isinstance(value, bool) else "CATEGORICAL" if isinstance(value, str) else "NUMERIC"
    plain = float(value) if kind != "CATEGORICAL" else value
    return ScoreRecord(
        id=f"{new_bits(128):032x}", name=name, value=plain, data_type=kind, comment=comment, metadata=metadata
    )
