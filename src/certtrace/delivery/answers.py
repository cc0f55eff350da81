"""What an HTTP answer of an OTLP endpoint means: taken, try again, rejected for good, or an operator's business."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from certtrace.delivery.wire import Response
from certtrace.ports import BatchRejectedError, DeliveryError, DestinationPausedError

_MAX_RETRY_AFTER_SECONDS: Final = 6 * 3600.0
_RETRYABLE_4XX: Final = frozenset({408, 425, 429})
_REJECTED: Final = frozenset({400, 413, 422})


def raise_for_status(response: Response) -> None:
    """Turn an answer into the error that says what to do next; return if it is a success."""
    status = response.status
    if 200 <= status < 300:
        if response.headers.get("content-type", "").startswith("text/html"):
            msg = f"HTTP {status} with a web page: a proxy or a portal answered in the destination's place."
            raise DeliveryError(msg)
        return
    if status in _REJECTED:
        msg = f"HTTP {status}: the batch was rejected."
        raise BatchRejectedError(msg)
    if status in _RETRYABLE_4XX or status >= 500 or status < 200:
        msg = f"HTTP {status}: try again later."
        raise DeliveryError(msg, retry_after_seconds=parse_retry_after(response.headers.get("retry-after")))
    msg = f"HTTP {status}: the destination refuses. Check its address and credentials."
    raise DestinationPausedError(msg, retry_after_seconds=parse_retry_after(response.headers.get("retry-after")))


def parse_retry_after(value: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, bounded; None where it says nothing usable."""
    if value is None:
        return None
    text = value.strip()
    if text.isdecimal():
        return min(float(text[:12]), _MAX_RETRY_AFTER_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_SECONDS)


def rejected_spans(response: Response) -> int:
    """Return how many spans a partial success names; what cannot be read counts as none.

    The specification forbids to send them again.
    """
    try:
        if response.headers.get("content-type", "").startswith("application/json"):
            partial = orjson.loads(response.body or b"{}").get("partialSuccess") or {}
            return max(int(partial.get("rejectedSpans", 0)), 0)
        if not response.body:
            return 0
        return max(ExportTraceServiceResponse.FromString(response.body).partial_success.rejected_spans, 0)
    except Exception:  # noqa: BLE001 - the batch was taken; an unreadable answer changes nothing about that
        return 0
