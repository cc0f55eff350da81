"""Batches of events, as clients before OpenTelemetry sent them."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Response

from certtrace.server.access.callers import Ingesting
from certtrace.server.answers import answer
from certtrace.server.box import InBox
from certtrace.server.intake.batches import Batch
from certtrace.server.intake.events import Event

router: Final = APIRouter(prefix="/api/public", tags=["ingestion"])

_EVENTS: Final = {"type": "array", "items": Event.model_json_schema(by_alias=True)}
_BATCH: Final = {"type": "object", "required": ["batch"], "properties": {"batch": _EVENTS}}
_REQUEST_BODY: Final[dict[str, Any]] = {"requestBody": {"content": {"application/json": {"schema": _BATCH}}}}


@router.post("/ingestion", status_code=207, openapi_extra=_REQUEST_BODY)
def ingest(body: Annotated[Any, Body()], box: InBox, caller: Ingesting) -> Response:
    """Store what a batch of events says; each event succeeds or fails on its own."""
    batch = body.get("batch") if isinstance(body, dict) else None
    if not isinstance(batch, list):
        return answer({"message": "Invalid request data", "errors": ["batch: a list of events is required"]}, 400)
    return answer(Batch(box, caller.project_id).take(batch), 207)
