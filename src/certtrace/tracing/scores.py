"""A score in Langfuse's terms."""

import math
from collections.abc import Callable
from typing import Any

from certtrace.ports import ScoreRecord
from certtrace.tracing.capture import capture
from certtrace.tracing.handle import ScoreValue
from certtrace.tracing.identifiers import new_bits
from certtrace.tracing.naming import text_of
from certtrace.tracing.units import Unit


def score_record(name: str, value: ScoreValue, *, comment: str | None, metadata: Any) -> ScoreRecord:
    """Return the record of a score as it is now; what it belongs to is filled in by the caller."""
    kind, plain = _typed(value)
    return ScoreRecord(
        id=f"{new_bits(128):032x}",
        name=text_of(name),
        value=plain,
        data_type=kind,
        comment=None if comment is None else text_of(comment),
        metadata=capture(metadata, []),
    )


def give_score(record: ScoreRecord, unit: Unit, span_id: int, later: Callable[[ScoreRecord, Unit], None]) -> None:
    """Let a score of a span leave with its unit; `later` takes it where the unit is decided already."""
    record.trace_id, record.observation_id = f"{unit.trace_id:032x}", f"{span_id:016x}"
    record.timestamp_ns = unit.now()
    if unit.decision is not None:
        later(record, unit)
        return
    if unit.scores is None:
        unit.scores = []
    unit.scores.append(record)


def _typed(value: ScoreValue) -> tuple[str, float | str]:
    if isinstance(value, bool):
        return "BOOLEAN", float(value)
    if isinstance(value, str):
        return "CATEGORICAL", text_of(value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf if value > 0 else -math.inf
    # No number of JSON: one such score would cost the whole list it is sent in.
    return ("NUMERIC", number) if math.isfinite(number) else ("CATEGORICAL", str(number))
