"""Scores: the list behind a cursor, the lists and single scores of the 4.x API, and deletion."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, BeforeValidator

from certtrace.records.queries import scores
from certtrace.records.queries.scores import ScoreFilter
from certtrace.records.removal import remove_scores
from certtrace.server.access.callers import Caller, Deleting, Reading, seen
from certtrace.server.answers import answer
from certtrace.server.box import Box, InBox
from certtrace.server.errors import invalid, not_found
from certtrace.server.intake.redacting import sought_name
from certtrace.server.paging import Page
from certtrace.server.reading.asking import asking
from certtrace.server.reading.filter_parameter import conditions_of
from certtrace.server.reading.parameters import (
    Commas,
    PageLimit,
    PageNumber,
    Parameters,
    Time,
    alternatives,
    stored_forms,
)
from certtrace.server.reading.score_shapes import score_with_trace, whole_score

router: Final = APIRouter(prefix="/api/public", tags=["scores"])


def _number(given: Any) -> Any:
    return 0 if given == "" else given


class ScoresParameters(Parameters):
    """Which scores of traces, and which page of them."""

    page: PageNumber = 1
    limit: PageLimit = 50
    user_id: str | None = None
    name: str | None = None
    from_timestamp: Time = None
    to_timestamp: Time = None
    environment: list[str] | None = None
    source: Literal["API", "EVAL", "ANNOTATION"] | None = None
    operator: Literal["<", ">", "<=", ">=", "!=", "="] | None = None
    value: Annotated[float, BeforeValidator(_number)] | None = None
    score_ids: Commas = None
    config_id: str | None = None
    queue_id: str | None = None
    data_type: Literal["NUMERIC", "CATEGORICAL", "BOOLEAN", "CORRECTION", "TEXT"] | None = None
    trace_tags: list[str] | None = None
    fields: Commas = None
    """`score`, and `trace` for what is known of the score's trace; both unless one is named."""
    filter: str | None = None


class ScoresV2Parameters(ScoresParameters):
    """Which scores of anything, and which page of them."""

    session_id: str | None = None
    dataset_run_id: str | None = None
    trace_id: str | None = None
    observation_id: Commas = None


class Queued(BaseModel):
    """What was done."""

    message: str


@router.get("/v2/scores")
def list_scores_v2(
    request: Request, box: InBox, caller: Reading, asked: Annotated[ScoresV2Parameters, Query()]
) -> Response:
    """List scores of traces, sessions and runs, the newest first."""
    further = {
        "session_ids": stored_forms(box, asked.session_id),
        "dataset_run_ids": _single(asked.dataset_run_id),
        "trace_ids": _single(asked.trace_id),
        "observation_ids": asked.observation_id,
    }
    return _listed(request, box, caller, asked, further)


@router.get("/scores")
def list_scores(request: Request, box: InBox, caller: Reading, asked: Annotated[ScoresParameters, Query()]) -> Response:
    """List scores of traces and observations, the newest first."""
    return _listed(request, box, caller, asked, {"of_traces_only": True, "without_corrections": True})


@router.get("/v2/scores/{score_id:path}")
def get_score_v2(request: Request, box: InBox, caller: Reading, score_id: str) -> Response:
    """Show one score."""
    return _shown(request, box, caller, score_id, of_traces_only=False)


@router.get("/scores/{score_id:path}")
def get_score(request: Request, box: InBox, caller: Reading, score_id: str) -> Response:
    """Show one score of a trace or an observation."""
    return _shown(request, box, caller, score_id, of_traces_only=True)


@router.delete("/scores/{score_id:path}", status_code=202, response_model=Queued)
def delete_score(box: InBox, caller: Deleting, score_id: str) -> Response:
    """Delete a score, if it is there."""
    remove_scores(box.store, caller.project_id, [score_id])
    return answer({"message": "Score deletion queued successfully"}, 202)


def _listed(request: Request, box: Box, caller: Caller, asked: ScoresParameters, further: dict[str, Any]) -> Response:
    known = [group for group in ("score", "trace") if group in (asked.fields or ())]
    if known == ["trace"]:
        msg = "Scores needs to be selected always."
        raise invalid(msg)
    page = Page(asked.page, asked.limit)
    matching = _matching(box, asked, further)
    with asking(box) as connection:
        rows, total = scores.list_page(connection, caller.project_id, matching, limit=page.limit, offset=page.offset)
    seen(request, caller, (row["trace_id"] for row in rows if row["trace_id"]))
    with_trace = not asked.fields or "trace" in known
    return answer(page.body([score_with_trace(row, caller.project_id, with_trace=with_trace) for row in rows], total))


def _shown(request: Request, box: Box, caller: Caller, score_id: str, *, of_traces_only: bool) -> Response:
    with asking(box) as connection:
        row = scores.one(connection, caller.project_id, score_id)
    if row is None or (of_traces_only and (row["trace_id"] is None or row["data_type"] == "CORRECTION")):
        msg = "Score not found"
        raise not_found(msg)
    seen(request, caller, (row["trace_id"],) if row["trace_id"] else ())
    return answer(whole_score(row, caller.project_id))


def _matching(box: Box, asked: ScoresParameters, further: dict[str, Any]) -> ScoreFilter:
    compared = None if asked.operator is None or asked.value is None else (asked.operator, asked.value)
    return ScoreFilter(
        ids=asked.score_ids,
        names=None if asked.name is None else list(dict.fromkeys((asked.name, sought_name(box, asked.name)))),
        sources=_single(asked.source),
        data_types=_single(asked.data_type),
        environments=alternatives(asked.environment),
        config_ids=_single(asked.config_id),
        queue_ids=_single(asked.queue_id),
        since_ns=asked.from_timestamp,
        before_ns=asked.to_timestamp,
        compared=compared,
        user_ids=stored_forms(box, asked.user_id),
        trace_tags=alternatives(asked.trace_tags),
        conditions=conditions_of(box, asked.filter),
        **further,
    )


def _single(value: str | None) -> Sequence[str] | None:
    return None if value is None else (value,)
