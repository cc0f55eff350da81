"""OTLP over HTTP with protobuf: what any backend that speaks it has in common."""

import gzip
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib import metadata
from typing import Final

import orjson
from opentelemetry.context import attach, detach, set_value
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from certtrace.delivery.otlp import concat_units
from certtrace.delivery.wire import Response, Wire
from certtrace.ports import BatchRejectedError, DeliveryError, DestinationPausedError, Payload

_MAX_RETRY_AFTER_SECONDS: Final = 6 * 3600.0
_RETRYABLE_4XX: Final = frozenset({408, 425, 429})
_REJECTED: Final = frozenset({400, 413, 422})
_SUPPRESS: Final = "suppress_instrumentation"
"""The context key that every OpenTelemetry instrumentation asks for (`is_instrumentation_enabled`)."""


class OtlpHttp:
    """A destination that takes OTLP. Scores are not for it: it drops them silently, as no OTLP backend knows them."""

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        traces_path: str = "/v1/traces",
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        """Take the address.

        Args:
            name: The destination's name.
            base_url: What `traces_path` is appended to.
            traces_path: Path of the OTLP traces endpoint.
            headers: Sent with every request.
            timeout_seconds: Longest time for one request, from connecting to the last byte of the answer.

        Raises:
            ConfigurationError: `base_url` is no http or https address.
        """
        self.name = name
        self.rejected = 0
        """Spans and scores that the other side refused inside a batch that it took."""
        self._wire = Wire(base_url)
        self._traces_path = traces_path
        self._timeout_seconds = timeout_seconds
        self._headers = {"User-Agent": f"certtrace/{_version()}", **(headers or {})}

    def deliver(self, batch: Sequence[Payload], deadline: float) -> None:
        """Take the batch whole, or raise; see `ports.Destination`."""
        token = attach(set_value(_SUPPRESS, True))  # noqa: FBT003 - OpenTelemetry's signature
        try:
            spans = [payload.data for payload in batch if payload.kind == "spans"]
            if spans:
                self._send_spans(concat_units(spans), deadline)
            scores = [payload.data for payload in batch if payload.kind == "scores"]
            if scores:
                self.send_scores(scores, deadline)
        finally:
            detach(token)

    def close(self) -> None:
        """Drop the connection."""
        self._wire.close()

    def send_scores(self, lists: Sequence[bytes], deadline: float) -> None:
        """Send JSON lists of scores; nothing here, as OTLP has no scores."""

    def post(self, path: str, body: bytes, headers: Mapping[str, str], deadline: float) -> Response:
        """Send one request; return the answer if it is a success.

        Raises:
            DestinationPausedError: Redirect, credentials or address.
            BatchRejectedError: This body will never be taken.
            DeliveryError: Try again.
        """
        until = min(deadline, time.monotonic() + self._timeout_seconds)
        response = self._wire.post(path, body, {**self._headers, **headers}, until)
        raise_for_status(response)
        return response

    def _send_spans(self, body: bytes, deadline: float) -> None:
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
        # Level 1: most of the size at half the time of the default level.
        response = self.post(self._traces_path, gzip.compress(body, compresslevel=1), headers, deadline)
        self.rejected += _rejected_spans(response)


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


def _rejected_spans(response: Response) -> int:
    """Return how many spans a partial success names; what cannot be read counts as none.

    The specification forbids to send them again.
    """
    try:
        if response.headers.get("content-type", "").startswith("application/json"):
            partial = orjson.loads(response.body or b"{}").get("partialSuccess") or {}
            return max(int(partial.get("rejectedSpans", 0)), 0)
        return max(ExportTraceServiceResponse.FromString(response.body).partial_success.rejected_spans, 0)
    except Exception:  # noqa: BLE001 - the batch was taken; an unreadable answer changes nothing about that
        return 0


def _version() -> str:
    try:
        return metadata.version("certtrace")
    except metadata.PackageNotFoundError:
        return "0"
