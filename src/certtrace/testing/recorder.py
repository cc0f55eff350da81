"""See what your code records, redacted as it would leave the process."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from certtrace import semconv
from certtrace.assembly import current_running, install, restore
from certtrace.assembly.build import build
from certtrace.ports import ScoreRecord, SpanRecord
from certtrace.settings import Settings, isolated

__all__ = ["FinishedSpan", "Recorder", "recording"]


class FinishedSpan:
    """One finished, redacted span, as a destination would get it."""

    def __init__(self, record: SpanRecord, all_spans: Sequence["FinishedSpan"]) -> None:
        """Take the record and the spans it was recorded with."""
        self.record = record
        self._all = all_spans

    @property
    def name(self) -> str:
        """Span name."""
        return self.record.name

    @property
    def trace_id(self) -> str:
        """32 lowercase hex digits."""
        return f"{self.record.trace_id:032x}"

    @property
    def span_id(self) -> str:
        """16 lowercase hex digits."""
        return f"{self.record.span_id:016x}"

    @property
    def parent_id(self) -> str | None:
        """Span id of the parent, or `None` for a root."""
        return f"{self.record.parent_span_id:016x}" if self.record.parent_span_id else None

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes as they leave, by key."""
        return self.record.attributes

    @property
    def as_type(self) -> str:
        """Langfuse observation type."""
        return str(self.attributes.get(semconv.OBSERVATION_TYPE, "span"))

    @property
    def input(self) -> Any:
        """What went in, decoded from JSON where it is JSON."""
        return _decoded(self.attributes.get(semconv.OBSERVATION_INPUT))

    @property
    def output(self) -> Any:
        """What came out, decoded from JSON where it is JSON."""
        return _decoded(self.attributes.get(semconv.OBSERVATION_OUTPUT))

    @property
    def metadata(self) -> dict[str, Any]:
        """Langfuse metadata by its own key."""
        prefix = f"{semconv.OBSERVATION_METADATA}."
        return {key[len(prefix) :]: _decoded(value) for key, value in self.attributes.items() if key.startswith(prefix)}

    @property
    def status(self) -> str:
        """`ok`, `error`, `cancelled` or `abandoned`."""
        outcome = self.attributes.get(semconv.OUTCOME)
        if isinstance(outcome, str):
            return outcome
        return "error" if self.record.status_code == 2 else "ok"

    @property
    def status_message(self) -> str:
        """Redacted status message."""
        return self.record.status_message

    @property
    def duration_ns(self) -> int:
        """Duration in nanoseconds."""
        return self.record.end_time_ns - self.record.start_time_ns

    @property
    def parent(self) -> "FinishedSpan | None":
        """The parent, if it was recorded here."""
        return next((span for span in self._all if span.span_id == self.parent_id), None)

    @property
    def children(self) -> list["FinishedSpan"]:
        """Spans directly below, by start time."""
        below = [span for span in self._all if span.parent_id == self.span_id]
        return sorted(below, key=lambda span: span.record.start_time_ns)

    @property
    def receipt(self) -> dict[str, Any]:
        """What redaction did to this span."""
        own = self.attributes.get(semconv.REDACTION_RECEIPT)
        found = _decoded(own or self.attributes.get(semconv.metadata(semconv.REDACTION_RECEIPT)))
        return found if isinstance(found, dict) else {}

    def __repr__(self) -> str:
        """Show name, type and status."""
        return f"<FinishedSpan {self.name!r} {self.as_type} {self.status}>"


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


class Recorder:
    """What the code under test has recorded so far."""

    def __init__(self, flush: Any) -> None:
        """Take what brings ended spans here."""
        self._flush = flush
        self._records: list[SpanRecord] = []
        self._scores: list[ScoreRecord] = []

    @property
    def spans(self) -> list[FinishedSpan]:
        """All finished spans of finished units, in the order in which they ended."""
        self._flush()
        found: list[FinishedSpan] = []
        found.extend(FinishedSpan(record, found) for record in list(self._records))
        return found

    @property
    def roots(self) -> list[FinishedSpan]:
        """The finished spans whose parent was not recorded here."""
        spans = self.spans
        ids = {span.span_id for span in spans}
        return [span for span in spans if span.parent_id not in ids]

    @property
    def scores(self) -> list[ScoreRecord]:
        """All redacted scores."""
        self._flush()
        return list(self._scores)

    def named(self, name: str) -> list[FinishedSpan]:
        """Return the finished spans of this name."""
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> FinishedSpan:
        """Return the only finished span of this name.

        Raises:
            AssertionError: There is none, or there are several; the message lists the names there are.
        """
        found = self.named(name)
        if len(found) != 1:
            names = sorted({span.name for span in self.spans})
            msg = f"{len(found)} spans are named {name!r}, not one. Recorded: {', '.join(names) or 'nothing'}."
            raise AssertionError(msg)
        return found[0]

    def clear(self) -> None:
        """Forget what was recorded so far."""
        self._flush()
        self._records.clear()
        self._scores.clear()

    def take(self, spans: Sequence[SpanRecord]) -> None:
        """Take redacted spans; the pipeline calls it."""
        self._records.extend(spans)

    def take_score(self, score: ScoreRecord) -> None:
        """Take a redacted score; the pipeline calls it."""
        self._scores.append(score)


@contextmanager
def recording(**settings: Any) -> Iterator[Recorder]:
    """Record into memory what the code inside does; afterwards what ran before runs again.

    No file is written, no network is used and no environment variable is read.

    Args:
        settings: Fields of `certtrace.settings.Settings`, such as `sample_rate` or `redaction_profile`.
    """
    given: Settings = isolated(instrument_langfuse=False, **settings)
    running = build(given, persist=False)
    recorder = Recorder(lambda: running.pipeline.flush(10.0))
    running.pipeline.stations.listeners.append(recorder.take)
    running.pipeline.stations.score_listeners.append(recorder.take_score)
    before = current_running()
    install(running)
    try:
        yield recorder
    finally:
        restore(before)
        running.pipeline.close(10.0, 10.0)
