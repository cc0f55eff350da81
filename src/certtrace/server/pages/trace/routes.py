"""`/traces/{id}`: one trace, one of its observations, one value whole, or everything as JSON."""

from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from certtrace.errors import TraceNotFoundError
from certtrace.records.langfuse_json import trace_json
from certtrace.records.model import Observation, Trace, TraceChange
from certtrace.records.source import StoreSource
from certtrace.server.answers import answer
from certtrace.server.box import Box, InBox
from certtrace.server.pages.content.block import WHOLE, block_of
from certtrace.server.pages.content.marks import LEGEND
from certtrace.server.pages.headers import PRIVATE
from certtrace.server.pages.links import trace_href
from certtrace.server.pages.problems import PageProblemError, PageRoute
from certtrace.server.pages.rendering import page
from certtrace.server.pages.sessions import Viewer, Viewing, record_seen
from certtrace.server.pages.trace.detail import CONTENTS, content_text, detail_of, score_value, trace_scores
from certtrace.server.pages.trace.failures import failures_in
from certtrace.server.pages.trace.header import header_of
from certtrace.server.pages.trace.passes import gradings_of
from certtrace.server.pages.trace.said import body_of, contents_of, said_text
from certtrace.server.pages.trace.tree import SCALE, has_folded, rows_of

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_FAILURES: Final = 8


@router.get("/traces/{trace_id:path}")
def trace_page(
    request: Request,
    box: InBox,
    viewer: Viewing,
    trace_id: str,
    *,
    observation: str = "",
    whole: str = "",
    open: str = "",
    format: str = "",
) -> Response:
    """Show a trace."""
    trace = _recorded(box, viewer, trace_id)
    record_seen(request, viewer, [trace.trace_id])
    if format == "json":
        return _as_json(trace)
    body = body_of(box.store, viewer.project_id, trace.trace_id)
    if whole:
        return _whole(request, trace, _observation(trace, observation) if observation else body, whole)
    values = _values(trace, observation, all_open=open == "all")
    return page(request, "trace/trace.html", {**values, "said": list(contents_of(body))})


@router.get("/project/{project_id}")
@router.get("/project/{project_id}/traces")
def project_page(viewer: Viewing, project_id: str) -> Response:
    """Lead from an address as Langfuse has it to the list."""
    _check_project(viewer, project_id)
    return RedirectResponse("/", 303, headers=PRIVATE)


@router.get("/project/{project_id}/sessions/{session_id:path}")
def session_page(viewer: Viewing, project_id: str, session_id: str) -> Response:
    """Lead from an address as Langfuse has it to the traces of a session."""
    _check_project(viewer, project_id)
    return RedirectResponse(f"/?session={quote(session_id, safe='')}", 303, headers=PRIVATE)


@router.get("/project/{project_id}/traces/{trace_id:path}")
def trace_of_project(viewer: Viewing, project_id: str, trace_id: str, observation: str = "") -> Response:
    """Lead from an address as Langfuse's SDK makes it to the trace's page."""
    _check_project(viewer, project_id)
    return RedirectResponse(trace_href(trace_id, observation=observation), 303, headers=PRIVATE)


def _values(trace: Trace, observation_id: str, *, all_open: bool) -> dict[str, Any]:
    failures = failures_in(rows_of(trace, "", all_open=True))
    selected = _observation(trace, observation_id) if observation_id else _first_of_interest(trace, failures)
    rows = rows_of(trace, selected.id, all_open=all_open) if selected else []
    return {
        "view": "traces",
        "trace": trace,
        "header": header_of(trace),
        "failures": failures[:_FAILURES],
        "more_failures": max(len(failures) - _FAILURES, 0),
        "gradings": list(gradings_of(trace.observations)),
        "rows": rows,
        "scale": SCALE,
        "unfolded": trace_href(trace.trace_id, observation=observation_id, open="all") if has_folded(rows) else "",
        "detail": detail_of(trace, selected) if selected else None,
        "is_chosen": bool(observation_id),
        "scores": trace_scores(trace),
        "score_value": score_value,
        "legend": LEGEND,
        "json_href": trace_href(trace.trace_id, format="json"),
        "api_path": f"/api/public/traces/{quote(trace.trace_id)}",
    }


def _first_of_interest(trace: Trace, failures: list[Any]) -> Observation | None:
    """Return what to show where nothing is chosen: where the trace failed, else its root."""
    if failures and failures[0].tone == "bad" and trace.summary.is_failed:
        failed: Observation = failures[0].observation
        return failed
    known = {each.id for each in trace.observations}
    tops = [each for each in trace.observations if each.parent_observation_id not in known]
    return next(iter(tops or trace.observations), None)


def _whole(request: Request, trace: Trace, owner: Observation | TraceChange | None, part: str) -> Response:
    """Show one value in full: of an observation, or what was said of the trace itself."""
    if part not in CONTENTS or owner is None:
        raise PageProblemError(404, "Nothing here", "An observation has an input, an output, a message and metadata.")
    if isinstance(owner, Observation):
        name, text, observation_id = owner.name, content_text(owner, part), owner.id
    else:
        name, text, observation_id = trace.summary.name, said_text(owner, part), ""
    values = {
        "view": "traces",
        "owner": name or observation_id or trace.trace_id,
        "part": part,
        "block": block_of(text, WHOLE),
        "back": trace_href(trace.trace_id, observation=observation_id),
        "legend": LEGEND,
    }
    return page(request, "trace/whole.html", values)


def _as_json(trace: Trace) -> Response:
    return answer(trace_json(trace), headers=PRIVATE)


def _recorded(box: Box, viewer: Viewer, trace_id: str) -> Trace:
    try:
        return StoreSource(box.store, viewer.project_id).get_trace(trace_id)
    except TraceNotFoundError:
        msg = (
            f"There is no trace {trace_id[:80]} in the project {viewer.project_name}. It may not have arrived yet, "
            "may be past its retention, or may belong to another project: then sign in with a key of that one."
        )
        raise PageProblemError(404, "No such trace", msg) from None


def _observation(trace: Trace, observation_id: str) -> Observation:
    found = next((each for each in trace.observations if each.id == observation_id), None)
    if found is None:
        msg = f"The trace has no observation {observation_id[:80]}. Open the trace without it: {trace.trace_id[:80]}"
        raise PageProblemError(404, "No such observation", msg)
    return found


def _check_project(viewer: Viewer, project_id: str) -> None:
    if project_id != viewer.project_id:
        msg = (
            f"This address is of the project {project_id[:80]}; you are signed in to {viewer.project_name}. "
            "Sign in with a key of that project."
        )
        raise PageProblemError(404, "Another project", msg)
