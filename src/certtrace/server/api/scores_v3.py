"""Scores with one value of its own type, page by page behind a cursor."""

import math
from collections.abc import Iterator
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from certtrace.records.queries import scores
from certtrace.records.queries.scores import ScoreFilter
from certtrace.server.access.callers import Reading, seen
from certtrace.server.answers import answer
from certtrace.server.box import Box, InBox
from certtrace.server.intake.redacting import sought, sought_name
from certtrace.server.reading.asking import asking
from certtrace.server.reading.cursors import score_cursor, score_position
from certtrace.server.reading.filter_parameter import custom_issue, refused
from certtrace.server.reading.parameters import Commas, LenientTime, OptionalNumber, PageLimit, Parameters
from certtrace.server.reading.score_shapes import FIELD_GROUPS, score_by_groups

router: Final = APIRouter(prefix="/api/public", tags=["scores"])

_SOURCES: Final = ("API", "EVAL", "ANNOTATION")
_DATA_TYPES: Final = ("NUMERIC", "CATEGORICAL", "BOOLEAN", "CORRECTION", "TEXT")
_WITH_VALUES: Final = ("NUMERIC", "BOOLEAN", "CATEGORICAL")


class ScoresV3Parameters(Parameters):
    """Which scores, which of their fields, and where to go on. What is not known is refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True, extra="forbid"
    )

    limit: PageLimit = 50
    cursor: str | None = None
    fields: Commas = None
    id: Commas = None
    name: Commas = None
    source: Commas = None
    data_type: Commas = None
    environment: Commas = None
    config_id: Commas = None
    queue_id: Commas = None
    author_user_id: Commas = None
    value: Commas = None
    value_min: OptionalNumber = None
    value_max: OptionalNumber = None
    trace_id: Commas = None
    session_id: Commas = None
    observation_id: Commas = None
    experiment_id: Commas = None
    from_timestamp: LenientTime = None
    to_timestamp: LenientTime = None
    user_id: str | None = Field(default=None, description="Not supported: use v2")
    trace_tags: str | None = Field(default=None, description="Not supported: use v2")


@router.get("/v3/scores")
def list_scores(
    request: Request, box: InBox, caller: Reading, asked: Annotated[ScoresV3Parameters, Query()]
) -> Response:
    """List scores, the newest first."""
    issues = [custom_issue(message) for message in _misuses(asked)]
    if issues:
        raise refused(issues)
    after = score_position(asked.cursor)
    with asking(box) as connection:
        rows, more = scores.list_after(
            connection, caller.project_id, _matching(box, asked), limit=asked.limit, after=after
        )
    seen(request, caller, (row["trace_id"] for row in rows if row["trace_id"]))
    data = [score_by_groups(row, caller.project_id, asked.fields or ()) for row in rows]
    cursor = {"cursor": score_cursor(rows[-1])} if more else {}
    return answer({"data": data, "meta": {"limit": asked.limit, **cursor}})


def _misuses(asked: ScoresV3Parameters) -> Iterator[str]:
    """Yield what is wrong with the parameters taken together."""
    for group in asked.fields or ():
        if group not in FIELD_GROUPS:
            options = "|".join(f'"{each}"' for each in FIELD_GROUPS)
            yield f"Invalid option: expected one of {options}"
    yield from _unknown("source", asked.source, _SOURCES)
    yield from _unknown("dataType", asked.data_type, _DATA_TYPES)
    for name, given in (("userId", asked.user_id), ("traceTags", asked.trace_tags)):
        if given:
            yield (f"{name} filter requires a trace JOIN and is not supported in v3 \u2014 use v2 or omit this filter")
    yield from _misused_values(asked)
    if asked.observation_id and not asked.trace_id:
        yield "observationId filter requires traceId \u2014 observation IDs are scoped to a trace"
    if sum(map(bool, (asked.trace_id, asked.session_id, asked.experiment_id))) > 1:
        yield "At most one of traceId, sessionId, experimentId may be specified"


def _unknown(label: str, given: list[str] | None, known: tuple[str, ...]) -> Iterator[str]:
    for value in given or ():
        if value.upper() not in known:
            yield f'Invalid {label} value: "{value.upper()}". Allowed: {", ".join(known)}'


def _misused_values(asked: ScoresV3Parameters) -> Iterator[str]:
    kinds = [kind.upper() for kind in asked.data_type or ()]
    if asked.value:
        if len(kinds) != 1:
            yield "value filter requires a single dataType from: NUMERIC, BOOLEAN, CATEGORICAL"
        elif kinds[0] not in _WITH_VALUES:
            yield f'value filter requires dataType to be NUMERIC, BOOLEAN, or CATEGORICAL (got "{kinds[0]}")'
        else:
            yield from _unfit_values(kinds[0], asked.value)
    if (asked.value_min is not None or asked.value_max is not None) and kinds != ["NUMERIC"]:
        yield "valueMin and valueMax require dataType=NUMERIC as a single value"


def _unfit_values(kind: str, values: list[str]) -> Iterator[str]:
    for value in values:
        if kind == "NUMERIC" and _finite(value) is None:
            yield f'value filter with dataType=NUMERIC requires each value to be a finite number (got "{value}")'
        if kind == "BOOLEAN" and value not in ("true", "false"):
            yield f'value filter with dataType=BOOLEAN requires each value to be "true" or "false" (got "{value}")'


def _finite(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _matching(box: Box, asked: ScoresV3Parameters) -> ScoreFilter:
    return ScoreFilter(
        ids=asked.id,
        names=None if asked.name is None else [form for name in asked.name for form in (name, sought_name(box, name))],
        sources=_upper(asked.source),
        data_types=_upper(asked.data_type),
        environments=asked.environment,
        config_ids=asked.config_id,
        queue_ids=asked.queue_id,
        author_user_ids=asked.author_user_id,
        values=_values(asked),
        value_min=asked.value_min,
        value_max=asked.value_max,
        trace_ids=asked.trace_id,
        session_ids=None
        if asked.session_id is None
        else [form for name in asked.session_id for form in (name, sought(box, name))],
        observation_ids=asked.observation_id,
        dataset_run_ids=asked.experiment_id,
        since_ns=asked.from_timestamp,
        before_ns=asked.to_timestamp,
    )


def _values(asked: ScoresV3Parameters) -> list[float] | list[str] | None:
    if not asked.value or not asked.data_type:
        return None
    kind = asked.data_type[0].upper()
    if kind == "BOOLEAN":
        return [float(value == "true") for value in asked.value]
    return [float(value) for value in asked.value] if kind == "NUMERIC" else asked.value


def _upper(given: list[str] | None) -> list[str] | None:
    return None if given is None else [value.upper() for value in given]
