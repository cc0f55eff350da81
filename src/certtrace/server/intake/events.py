"""What older clients send bit by bit: batches of events that make and change traces, observations and scores."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from certtrace.server.api.shapes import Body, Moment, refused

TRACE: Final = "trace-create"
SCORE: Final = "score-create"
LOG: Final = "sdk-log"
_KINDS: Final = (
    "span",
    "generation",
    "event",
    "agent",
    "tool",
    "chain",
    "retriever",
    "evaluator",
    "embedding",
    "guardrail",
)
CREATED: Final = {f"{kind}-create": kind.upper() for kind in _KINDS}
"""Observation types by the event that makes one."""
UPDATED: Final = {"span-update": None, "generation-update": "GENERATION"}
"""Observation types by the event that changes one: any may be changed as a span."""
ANY_CREATED: Final = "observation-create"
ANY_UPDATED: Final = "observation-update"
_UNKNOWN: Final = "Events of this type are unknown."
_HALF_A_PROMPT: Final = "promptName and promptVersion belong together: give both or none."

_CARRIAGE_RETURN: Final = "ID cannot contain carriage return characters"


def _one_line(text: str) -> str:
    if "\r" in text:
        raise refused(_CARRIAGE_RETURN)
    return text


Id = Annotated[StrictStr, Field(min_length=1, max_length=800), AfterValidator(_one_line)]
Count = Annotated[StrictInt, Field(ge=0)]
Level = Literal["DEBUG", "DEFAULT", "WARNING", "ERROR"]
_Parameter = StrictStr | StrictBool | StrictInt | StrictFloat | list[StrictStr] | dict[str, StrictStr] | None


def _known(kind: str) -> str:
    if kind not in (TRACE, SCORE, LOG, ANY_CREATED, ANY_UPDATED, *CREATED, *UPDATED):
        raise refused(_UNKNOWN)
    return kind


class Event(Body):
    """One event of a batch; what its body holds depends on its type."""

    id: Id
    type: Annotated[StrictStr, AfterValidator(_known)]
    timestamp: Moment
    body: dict[str, Any]


class TraceEvent(Body):
    """What is said of a trace."""

    id: Id | None = None
    timestamp: Moment | None = None
    name: Annotated[StrictStr, Field(max_length=1000)] | None = None
    input: Any = None
    output: Any = None
    session_id: StrictStr | None = None
    user_id: StrictStr | None = None
    environment: StrictStr | None = None
    metadata: Any = None
    release: StrictStr | None = None
    version: StrictStr | None = None
    public: StrictBool | None = None
    tags: list[StrictStr] | None = None


def _short_usage(value: object) -> object:
    """Return usage in Langfuse's words where it came in OpenAI's."""
    if not isinstance(value, Mapping) or value.keys().isdisjoint({"promptTokens", "completionTokens", "totalTokens"}):
        return value
    names = {"promptTokens": "input", "completionTokens": "output", "totalTokens": "total"}
    return {name: value.get(given) for given, name in names.items()}


class Usage(Body):
    """Tokens and prices of one call, as clients before 2.54 told them."""

    input: StrictInt | None = None
    output: StrictInt | None = None
    total: StrictInt | None = None
    unit: StrictStr | None = None
    input_cost: StrictFloat | StrictInt | None = None
    output_cost: StrictFloat | StrictInt | None = None
    total_cost: StrictFloat | StrictInt | None = None


def _plain_details(value: object) -> object:
    """Return OpenAI's usage as Langfuse keeps it: what is cached or audio counts once."""
    if not isinstance(value, Mapping):
        return value
    for sent, received in (("prompt", "completion"), ("input", "output")):
        counts = {f"{sent}_tokens", f"{received}_tokens", "total_tokens"}
        if counts <= value.keys() <= counts | {f"{sent}_tokens_details", f"{received}_tokens_details"}:
            return _counts(_from_openai(value, sent, received))
    return _counts(value)


def _counts(value: Mapping[str, Any]) -> dict[str, int]:
    """Keep what counts; Langfuse drops the rest without a word."""
    return {name: count for name, count in value.items() if type(count) is int and count >= 0}


def _from_openai(value: Mapping[str, Any], sent: str, received: str) -> dict[str, Any]:
    result = {"input": value[f"{sent}_tokens"], "output": value[f"{received}_tokens"], "total": value["total_tokens"]}
    for side, given in (("input", f"{sent}_tokens_details"), ("output", f"{received}_tokens_details")):
        details = value.get(given)
        for name, count in details.items() if isinstance(details, Mapping) else ():
            if count is not None:
                result[f"{side}_{name}"] = count
                if isinstance(count, int) and isinstance(result[side], int):
                    result[side] = max(result[side] - count, 0)
    return result


class ObservationEvent(Body):
    """What is said of an observation. Fields that a type does not know are ignored by Langfuse; here all are taken."""

    id: Id | None = None
    trace_id: Id | None = None
    type: Literal["SPAN", "GENERATION", "EVENT"] | None = None
    name: StrictStr | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    completion_start_time: Moment | None = None
    environment: StrictStr | None = None
    metadata: Any = None
    input: Any = None
    output: Any = None
    level: Level | None = None
    status_message: StrictStr | None = None
    parent_observation_id: StrictStr | None = None
    version: StrictStr | None = None
    model: StrictStr | None = None
    model_parameters: dict[str, _Parameter] | None = None
    usage: Annotated[Usage | None, BeforeValidator(_short_usage)] = None
    usage_details: Annotated[dict[str, Count | None] | None, BeforeValidator(_plain_details)] = None
    cost_details: dict[str, Annotated[StrictFloat | StrictInt, Field(ge=0)] | None] | None = None
    prompt_name: StrictStr | None = None
    prompt_version: StrictInt | None = None

    @model_validator(mode="after")
    def _has_whole_prompt(self) -> Self:
        if bool(self.prompt_name) != bool(self.prompt_version):
            raise refused(_HALF_A_PROMPT)
        return self

    def details(self) -> tuple[dict[str, float] | None, dict[str, float] | None]:
        """Return usage and cost by name; None where nothing was said of them."""
        usage, cost = self.usage_details, self.cost_details
        if self.usage is not None:
            told = self.usage
            usage = usage or {"input": told.input, "output": told.output, "total": told.total}
            cost = cost or {"input": told.input_cost, "output": told.output_cost, "total": told.total_cost}
        return _summed(usage), _summed(cost)


def _summed(details: Mapping[str, float | None] | None) -> dict[str, float] | None:
    given = {name: number for name, number in (details or {}).items() if number is not None}
    if not given:
        return None
    return given if "total" in given else given | {"total": sum(given.values())}
