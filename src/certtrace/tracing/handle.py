"""The handle a developer holds inside a span, and its form that records nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

ObservationType = Literal[
    "span", "generation", "retriever", "tool", "chain", "agent", "evaluator", "embedding", "guardrail", "event"
]
"""Langfuse's observation types."""

Kind = Literal["internal", "server", "client", "producer", "consumer"]
"""OpenTelemetry's span kinds."""

ScoreValue = float | str | bool
"""A number, a category or a boolean."""

Level = Literal["DEBUG", "DEFAULT", "WARNING", "ERROR"]
"""Langfuse's levels."""


class SpanHandle:
    """A span as its author sees it. This base records nothing: it is what an untraced or unsampled call gets."""

    __slots__ = ()

    @property
    def recording(self) -> bool:
        """Whether what is set here will be recorded."""
        return False

    @property
    def trace_id(self) -> str:
        """32 lowercase hex digits; empty when nothing is recorded."""
        return ""

    @property
    def span_id(self) -> str:
        """16 lowercase hex digits; empty when nothing is recorded."""
        return ""

    def set_attribute(self, key: str, value: Any) -> None:
        """Set one attribute; structured values are captured as data and redacted by their markers."""

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set several attributes."""

    def add_event(self, name: str, attributes: Mapping[str, Any] | None = None) -> None:
        """Record that something happened at this moment."""

    def update(  # noqa: PLR0913 - Langfuse's own vocabulary of an observation, all optional and keyword-only
        self,
        *,
        name: str | None = None,
        input: Any = None,
        output: Any = None,
        metadata: Mapping[str, Any] | None = None,
        model: str | None = None,
        model_parameters: Mapping[str, Any] | None = None,
        usage_details: Mapping[str, int] | None = None,
        cost_details: Mapping[str, float] | None = None,
        level: Level | None = None,
        status_message: str | None = None,
        version: str | None = None,
        prompt_name: str | None = None,
        prompt_version: int | None = None,
        completion_start_time: datetime | None = None,
    ) -> None:
        """Set Langfuse's fields of this observation; what is `None` stays as it is."""

    def score(
        self,
        name: str,
        value: float | str | bool,  # noqa: FBT001 - a score is a number, a category or a boolean
        *,
        comment: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Attach a Langfuse score to this observation."""

    def fail(self, error_type: str, message: str = "", **attributes: Any) -> None:
        """Mark this span as failed although no exception left it."""

    def keep(self) -> None:
        """Keep this trace whatever the sampling policy says, here and in every process that it goes on to."""

    def drop(self) -> None:
        """Drop this part of the trace whatever the policy says, unless somebody keeps it."""

    def heed(self, reply_headers: Mapping[Any, Any]) -> None:
        """Read the headers of a reply: where its sender keeps the trace, keep it here too.

        Replies over httpx are read by themselves; a message's headers hold what `inject` wrote into them.
        """


class _NotRecorded(SpanHandle):
    __slots__ = ()

    def update(self, **fields: Any) -> None:
        """Take any field, as a span that is recorded does."""


NOT_RECORDED: Final[SpanHandle] = _NotRecorded()
"""The one handle that records nothing."""
