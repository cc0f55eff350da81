"""The Langfuse destination: spans over its OTLP endpoint, scores over its REST API."""

import base64
from collections.abc import Sequence
from typing import Final

import orjson

from certtrace import semconv
from certtrace.delivery.otlp_http import OtlpHttp

_TRACES_PATH: Final = "/api/public/otel/v1/traces"
_SCORES_PATH: Final = "/api/public/scores"
_MAX_SCORES_BYTES: Final = 900_000
"""Outside its OTLP endpoint the server's bodies end at 1 MB."""


class LangfuseDestination(OtlpHttp):
    """Delivers to a Langfuse server of version 4.59 or later."""

    def __init__(self, base_url: str, public_key: str, secret_key: str, *, timeout_seconds: float = 10.0) -> None:
        """Take address and keys of one project.

        Args:
            base_url: Such as `https://langfuse.example`, without `/api`.
            public_key: The project's public key.
            secret_key: The project's secret key.
            timeout_seconds: Longest time for one request.

        Raises:
            ConfigurationError: `base_url` is no http or https address.
        """
        credentials = base64.b64encode(f"{public_key}:{secret_key}".encode()).decode()
        super().__init__(
            "langfuse",
            base_url,
            traces_path=_TRACES_PATH,
            # The version header alone selects the direct path. `x-langfuse-sdk-name: python` would too, but would
            # claim to be an SDK whose quirks the server works around.
            headers={
                "Authorization": f"Basic {credentials}",
                semconv.INGESTION_VERSION_HEADER: semconv.INGESTION_VERSION,
            },
            timeout_seconds=timeout_seconds,
        )

    def send_scores(self, lists: Sequence[bytes], deadline: float) -> None:
        """Send JSON lists of scores, joined to lists that the server takes."""
        inner: list[bytes] = []
        size = 0
        for text in (data.strip()[1:-1] for data in lists):
            if inner and size + len(text) > _MAX_SCORES_BYTES:
                self._send_list(inner, deadline)
                inner, size = [], 0
            if text.strip():
                inner.append(text)
                size += len(text) + 1
        if inner:
            self._send_list(inner, deadline)

    def _send_list(self, inner: Sequence[bytes], deadline: float) -> None:
        # Uncompressed: outside its OTLP endpoint Langfuse reads bodies as they come.
        headers = {"Content-Type": "application/json"}
        response = self.post(_SCORES_PATH, b"[" + b",".join(inner) + b"]", headers, deadline)
        if response.status == 207:
            self.rejected += _rejected_scores(response.body)


def _rejected_scores(body: bytes) -> int:
    """Return how many scores a 207 names as rejected; what cannot be read counts as none."""
    try:
        return max(int(orjson.loads(body).get("rejected", 0)), 0)
    except (ValueError, TypeError, AttributeError):
        return 0
