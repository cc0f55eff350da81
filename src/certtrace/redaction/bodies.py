"""JSON bodies of Langfuse's API: what identifies a record arrives as it is, everything else is redacted."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from certtrace.ports import Receipt, UnitRedactor

KEPT_KEYS: Final = frozenset(
    {
        "id", "traceId", "observationId", "parentObservationId", "datasetRunId", "configId", "queueId", "timestamp",
        "startTime", "endTime", "completionStartTime", "dataType", "status", "type", "datasetId", "datasetItemId",
        "sourceTraceId", "sourceObservationId", "environment", "source", "contentType",
        "contentLength", "sha256Hash", "field", "labels", "newLabels", "isActive", "version", "projectId",
        "objectId", "objectType", "level",
    }
)  # fmt: skip
"""Fields that identify records; they hold ids, times and enumerations, and must arrive as they are."""

LOOKED_UP_KEYS: Final = frozenset({"userId", "sessionId"})
"""Fields that name someone or something a span names too: redacted as the span's attribute is, so that both meet."""


def redacted_fields(
    redactor: UnitRedactor, body: Mapping[str, Any], known_in: Callable[[str], Sequence[object]] | None = None
) -> tuple[dict[str, Any], Receipt]:
    """Return one record of a body redacted, its fields in the order given, and the receipt.

    Args:
        redactor: What redacts.
        body: A JSON object.
        known_in: Returns who is known in a trace (32 hex digits), or in the current one (empty text).
    """
    known: list[object] = []
    if known_in is not None:
        known += known_in("")
        for key in ("traceId", "sourceTraceId"):
            if isinstance(body.get(key), str):
                known += known_in(body[key])
    kept = {key: value for key, value in body.items() if _is_kept(key, value)}
    looked_up = {key: value for key, value in body.items() if key in LOOKED_UP_KEYS and isinstance(value, str)}
    free = {key: value for key, value in body.items() if key not in kept and key not in looked_up}
    clean, receipt = redactor.redact_value(free, known)
    if not isinstance(clean, dict) or len(clean) != len(free):
        return kept | dict.fromkeys((*free, *looked_up), clean), receipt  # withheld as a whole
    renamed = dict(zip(free, clean, strict=True))
    told = {key: _id(redactor, value, known) for key, value in looked_up.items()}
    taken = kept | told | clean
    return {renamed.get(key, key): taken[renamed.get(key, key)] for key in body}, receipt


def _is_kept(key: str, value: object) -> bool:
    return key in KEPT_KEYS and not isinstance(value, (dict, list))


def _id(redactor: UnitRedactor, value: str, known: Sequence[object]) -> str:
    return str(redactor.redact_value(value, known)[0]) if known else redactor.redact_text(value)
