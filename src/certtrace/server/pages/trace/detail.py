"""One observation in full."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from certtrace import semconv
from certtrace.records.facts import service_of, text_fact
from certtrace.records.mapping.values import json_text
from certtrace.records.model import Observation, Score, Trace
from certtrace.records.notes import notes, sampling_text, short_number
from certtrace.records.problems import failure_words
from certtrace.server.pages.content.block import SHOWN, Block, block_of
from certtrace.server.pages.links import trace_href
from certtrace.server.pages.trace.receipts import RedactionReceipt, redaction_of
from certtrace.server.pages.verdicts import Tone, level_tone

CONTENTS: Final = ("input", "output", "message", "metadata")
"""What has a page of its own where it is long."""
_SURROUNDINGS: Final = ("resourceAttributes", "scope")
_SHOWN_ELSEWHERE: Final = frozenset({"attributes", semconv.REDACTION_RECEIPT, semconv.SAMPLING, *_SURROUNDINGS})
_MOST_ENTRIES: Final = 200
_ENTRY_CHARACTERS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Content:
    """A recorded value with its heading."""

    id: str
    title: str
    block: Block
    whole_href: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping and its value."""

    key: str
    block: Block


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping's first keys."""

    entries: tuple[Entry, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Detail:
    """Everything that the page shows of the selected observation."""

    observation: Observation
    tone: Tone
    service: str
    notes: tuple[str, ...]
    failure_words: tuple[str, ...]
    content_lost: str
    contents: tuple[Content, ...]
    parameters: Entries
    metadata: Entries
    surroundings: Entries
    metadata_href: str
    scores: tuple[Score, ...]
    redaction: RedactionReceipt | None
    sampling: str

    @property
    def first_token_ns(self) -> int | None:
        """Return the time to the first token, where it is recorded."""
        first = self.observation.completion_start_time_ns
        return None if first is None else max(first - self.observation.start_time_ns, 0)


def detail_of(trace: Trace, observation: Observation) -> Detail:
    """Return an observation of a trace in full."""
    leftovers = observation.metadata.get("attributes")
    own = {key: value for key, value in observation.metadata.items() if key not in _SHOWN_ELSEWHERE}
    around = {key: observation.metadata[key] for key in _SURROUNDINGS if key in observation.metadata}
    return Detail(
        observation=observation,
        tone=level_tone(observation.level),
        service=service_of(observation) or "",
        notes=tuple(note for note in notes(observation) if not _is_fact(note, observation)),
        failure_words=tuple(failure_words(observation)),
        content_lost=text_fact(observation, semconv.CONTENT_LOST) or "",
        contents=tuple(_contents(trace.trace_id, observation)),
        parameters=_entries(observation.model_parameters),
        metadata=_entries({**own, **(leftovers if isinstance(leftovers, Mapping) else {})}),
        surroundings=_entries(around),
        metadata_href=trace_href(trace.trace_id, observation=observation.id, whole="metadata"),
        scores=tuple(score for score in trace.scores if score.observation_id == observation.id),
        redaction=redaction_of([observation]),
        sampling=sampling_text(Trace(summary=trace.summary, observations=(observation,))) or "",
    )


def content_text(observation: Observation, part: str) -> str | None:
    """Return one of `CONTENTS` as text."""
    if part == "metadata":
        return json_text(dict(observation.metadata))
    return observation.status_message if part == "message" else getattr(observation, part)


def score_value(score: Score) -> str:
    """Return a score's value as a person reads it."""
    if score.data_type == "BOOLEAN" and not isinstance(score.value, str):
        return "true" if score.value else "false"
    return score.value if isinstance(score.value, str) else short_number(score.value)


def trace_scores(trace: Trace) -> Sequence[Score]:
    """Return the scores that stand at none of the trace's observations."""
    observed = {each.id for each in trace.observations}
    return [score for score in trace.scores if score.observation_id not in observed]


def _contents(trace_id: str, observation: Observation) -> Iterator[Content]:
    for part, title in (("message", "Message"), ("input", "Input"), ("output", "Output")):
        block = block_of(content_text(observation, part), SHOWN)
        if block is not None:
            href = trace_href(trace_id, observation=observation.id, whole=part)
            yield Content(part, title, block, href)


def _is_fact(note: str, observation: Observation) -> bool:
    """Tell whether a note says again what stands among the facts: model, tokens, cost."""
    return note == observation.model or note.endswith(" tokens") or note.startswith("$")


def _entries(mapping: Mapping[str, object]) -> Entries:
    entries: list[Entry] = []
    for key in list(mapping)[:_MOST_ENTRIES]:
        value = mapping[key]
        block = block_of(value if isinstance(value, str) else json_text(value), _ENTRY_CHARACTERS)
        entries.append(Entry(key, block or Block(0, is_cut=False)))
    is_cut = len(mapping) > _MOST_ENTRIES or any(entry.block.is_cut for entry in entries)
    return Entries(tuple(entries), is_cut)
