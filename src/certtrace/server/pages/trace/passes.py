"""The passes of a grading side by side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from certtrace import semconv
from certtrace.records.facts import fact, number_fact, text_fact
from certtrace.records.model import Observation
from certtrace.records.notes import grade_text, short_number
from certtrace.records.problems import problem_text
from certtrace.server.pages.links import trace_href

_MODELS: Final = (semconv.GEN_AI_RESPONSE_MODEL, semconv.GEN_AI_REQUEST_MODEL)


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass."""

    href: str
    index: str
    criterion: str
    grade: str
    confidence: str
    model: str
    cached: str
    took_ns: int
    error: str


@dataclass(frozen=True, slots=True)
class Grading:
    """All passes below one observation."""

    name: str
    href: str
    passes: tuple[Pass, ...]

    @property
    def has_criteria(self) -> bool:
        """Tell whether a pass grades one criterion of a rubric."""
        return any(each.criterion for each in self.passes)


def gradings_of(observations: Sequence[Observation]) -> Iterator[Grading]:
    """Yield the gradings that were done in passes, by the time of their first."""
    by_id = {each.id: each for each in observations}
    found: dict[str | None, list[Observation]] = {}
    for each in observations:
        if fact(each, semconv.PASS_INDEX) is not None:
            found.setdefault(each.parent_observation_id, []).append(each)
    below = _first_model_below(observations, by_id)
    for parent_id, passes in found.items():
        parent = by_id.get(parent_id or "")
        ordered = sorted(passes, key=_place)
        yield Grading(
            name=parent.name if parent else "parent not recorded",
            href=trace_href(ordered[0].trace_id, observation=parent.id) if parent else "",
            passes=tuple(_pass(each, below.get(each.id, "")) for each in ordered),
        )


def _place(observation: Observation) -> tuple[str, float, int]:
    """Return what passes are sorted by: those of one criterion stand together."""
    criterion, index = text_fact(observation, semconv.CRITERION_ID), number_fact(observation, semconv.PASS_INDEX)
    return criterion or "", index or 0, observation.start_time_ns


def _pass(observation: Observation, model_below: str) -> Pass:
    index, planned = number_fact(observation, semconv.PASS_INDEX), number_fact(observation, semconv.PASS_PLANNED)
    points = number_fact(observation, semconv.PASS_GRADE), number_fact(observation, semconv.PASS_MAX_GRADE)
    confidence = number_fact(observation, semconv.CONFIDENCE_SELF)
    models = (observation.model, *(text_fact(observation, key) for key in _MODELS), model_below)
    return Pass(
        href=trace_href(observation.trace_id, observation=observation.id),
        index=short_number(index or 0) + (f" of {short_number(planned)}" if planned else ""),
        criterion=text_fact(observation, semconv.CRITERION_ID) or "",
        grade=grade_text(*points) or "",
        confidence="" if confidence is None else f"{confidence:.2f}",
        model=next((model for model in models if model), ""),
        cached=_cached(observation),
        took_ns=observation.end_time_ns - observation.start_time_ns,
        error=problem_text(observation) if observation.level in ("ERROR", "WARNING") else "",
    )


def _cached(observation: Observation) -> str:
    if fact(observation, semconv.PASS_INDEPENDENT) is False or fact(observation, semconv.CACHE_HIT) is True:
        return "cached"
    return "no" if fact(observation, semconv.PASS_INDEPENDENT) is True else ""


def _first_model_below(observations: Sequence[Observation], by_id: Mapping[str, Observation]) -> dict[str, str]:
    """Return for each pass the model of the first call below it: the pass itself may not say."""
    found: dict[str, str] = {}
    for each in observations:
        if not each.model:
            continue
        above, seen = by_id.get(each.parent_observation_id or ""), set[str]()
        while above is not None and above.id not in seen:
            seen.add(above.id)
            if fact(above, semconv.PASS_INDEX) is not None:
                found.setdefault(above.id, each.model)
                break
            above = by_id.get(above.parent_observation_id or "")
    return found
