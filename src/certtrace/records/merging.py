"""What older clients send bit by bit, merged into observations."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final

from certtrace.records.model import Observation, ObservationChange

_FIELDS: Final = frozenset(field.name for field in fields(Observation)) - {
    "id",
    "trace_id",
    "created_at_ns",
    "updated_at_ns",
}


def changed(stored: Observation | None, change: ObservationChange, now_ns: int) -> Observation:
    """Return an observation after a change; one that was not there starts and ends now."""
    given: dict[str, Any] = {name: value for name, value in change.values.items() if name in _FIELDS}
    if stored is None:
        start = given.pop("start_time_ns", now_ns)
        end = given.pop("end_time_ns", start)
        return Observation(id=change.id, trace_id=change.trace_id, start_time_ns=start, end_time_ns=end, **given)
    if isinstance(metadata := given.get("metadata"), Mapping):
        given["metadata"] = {**stored.metadata, **metadata}
    if "end_time_ns" not in given and "start_time_ns" in given and stored.end_time_ns == stored.start_time_ns:
        given["end_time_ns"] = given["start_time_ns"]  # it had not ended yet
    return replace(stored, **given)
