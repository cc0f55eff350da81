"""What an HTTP answer of an OTLP endpoint means: taken, try again, rejected for good, or an operator's business."""

from dataclasses import dataclass
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
_WEB_PAGES: Final = ("text/html", "application/xhtml")
_WEB_PAGE_STARTS: Final = (b"<!doctype html", b"<html")
_MAX_MESSAGE: Final = 300


@dataclass(slots=True, frozen=True)
class Taken:
    """What a success says about the batch."""

    rejected: int = 0
    """Spans that were refused inside the batch. The specification forbids to send them again."""
    message: str = ""
    """Why, in the other side's words: they may quote what was sent."""
    readable: bool = True
    """Whether the answer was one of OTLP at all."""


def raise_for_status(response: Response) -> None:
    """Turn an answer into the error that says what to do next; return if it is a success."""
    status = response.status
    if 200 <= status < 300:
        if _is_web_page(response):
            msg = f"HTTP {status} with a web page: a proxy or a portal answered in the destination's place."
            raise DeliveryError(msg)
        return
    if status in _REJECTED:
        msg = f"HTTP {status}: the batch was rejected."
        raise BatchRejectedError(msg)
    wait = parse_retry_after(response.headers.get("retry-after"), response.headers.get("date"))
    if status in _RETRYABLE_4XX or status >= 500 or status < 200:
        msg = f"HTTP {status}: try again later."
        raise DeliveryError(msg, retry_after_seconds=wait)
    msg = f"HTTP {status}: the destination refuses. {_remedy(status)}"
    raise DestinationPausedError(msg, retry_after_seconds=wait)


def _is_web_page(response: Response) -> bool:
    kind = response.headers.get("content-type", "").lower()
    return kind.startswith(_WEB_PAGES) or response.body.lstrip()[:20].lower().startswith(_WEB_PAGE_STARTS)


def _remedy(status: int) -> str:
    if 300 <= status < 400:
        return "It redirects, and redirects are not followed: set the address it redirects to."
    if status in (401, 403):
        return "Check its keys."
    return "A proxy wants credentials." if status == 407 else "Check its address and credentials."


def parse_retry_after(value: str | None, date: str | None = None) -> float | None:
    """Return the seconds that a Retry-After header asks for, bounded; None where it says nothing usable.

    Args:
        value: The header.
        date: The answer's `Date` header: a moment is compared with the clock of whoever named it, if it can be.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isdecimal():
        return min(float(text[:12]), _MAX_RETRY_AFTER_SECONDS)
    moment = _moment(text)
    if moment is None:
        return None
    now = (_moment(date) if date else None) or datetime.now(UTC)
    return min(max((moment - now).total_seconds(), 0.0), _MAX_RETRY_AFTER_SECONDS)


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def read_success(response: Response) -> Taken:
    """Return what a success says; whatever it says, the batch was taken."""
    if not response.body:
        return Taken()
    try:
        if response.headers.get("content-type", "").lower().startswith("application/json"):
            partial = orjson.loads(response.body).get("partialSuccess") or {}
            return _taken(int(partial.get("rejectedSpans", 0)), str(partial.get("errorMessage", "")))
        told = ExportTraceServiceResponse.FromString(response.body).partial_success
        return _taken(told.rejected_spans, told.error_message)
    except Exception:  # noqa: BLE001 - the protobuf runtimes raise different classes, and JSON may be of any shape
        return Taken(readable=False)


def _taken(rejected: int, message: str) -> Taken:
    return Taken(max(rejected, 0), "".join(c if c.isprintable() else " " for c in message[:_MAX_MESSAGE]))
