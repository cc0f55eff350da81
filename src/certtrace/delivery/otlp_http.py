"""OTLP over HTTP with protobuf: what any backend that speaks it has in common."""

import gzip
import logging
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Final

from opentelemetry.context import attach, detach, set_value

from certtrace.delivery.address import Address
from certtrace.delivery.otlp import concat_units
from certtrace.ports import Payload

if TYPE_CHECKING:
    from certtrace.delivery.wire import Response, Wire

_log = logging.getLogger(__name__)

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
        self.rejection = ""
        """What it last said about that. It may quote what was sent, and is not for the log."""
        self.doubtful = 0
        """Successes whose answer was none of OTLP."""
        self._address = Address.parse(base_url)
        self._wire: Wire | None = None
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
        if self._wire is not None:
            self._wire.close()

    def send_scores(self, lists: Sequence[bytes], deadline: float) -> None:
        """Send JSON lists of scores; nothing here, as OTLP has no scores."""

    def post(self, path: str, body: bytes, headers: Mapping[str, str], deadline: float) -> "Response":
        """Send one request; return the answer if it is a success.

        Raises:
            DestinationPausedError: Redirect, credentials or address.
            BatchRejectedError: This body will never be taken.
            DeliveryError: Try again.
        """
        # Here and not above: 40 ms of imports (http.client, ssl, protobuf) that a process pays when it first sends, on
        # the delivery thread, and never while it starts.
        from certtrace.delivery import answers, wire  # noqa: PLC0415 - see above

        if self._wire is None:
            self._wire = wire.Wire(self._address)
        until = min(deadline, time.monotonic() + self._timeout_seconds)
        response = self._wire.post(path, body, {**self._headers, **headers}, until)
        answers.raise_for_status(response)
        return response

    def _send_spans(self, body: bytes, deadline: float) -> None:
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
        # Level 1: most of the size at half the time of the default level.
        response = self.post(self._traces_path, gzip.compress(body, compresslevel=1), headers, deadline)
        from certtrace.delivery import answers  # noqa: PLC0415 - as in `post`

        taken = answers.read_success(response)
        self.rejected += taken.rejected
        self.rejection = taken.message or self.rejection
        if not taken.readable:
            self.doubtful += 1
            if self.doubtful == 1:
                _log.warning("Destination %s: a success whose answer is none of OTLP. Check its address.", self.name)


def _version() -> str:
    try:
        return metadata.version("certtrace")
    except metadata.PackageNotFoundError:
        return "0"
