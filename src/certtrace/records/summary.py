"""From the observations of one trace to its summary.

A trace failed when a failure was not made good: neither by a caller that waited and went on well, nor by a later
attempt of the same name below the same parent. So a retried model call does not make a grading "failed", a message that
no worker could handle does, and a successful redelivery mends it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from operator import attrgetter

from certtrace.records.facts import Facts
from certtrace.records.model import TraceChange, TraceSummary

ERROR = "error"
OK = "ok"
_OUTCOMES = ("cancelled", "abandoned")
_SAID = ("name", "user_id", "session_id", "release", "version", "environment", "public", "bookmarked")


def summarise(trace_id: str, facts: Iterable[Facts], body: TraceChange | None = None) -> TraceSummary:
    """Return the summary of one trace from at least one observation, or from what was said of the trace itself."""
    ordered = sorted(facts, key=attrgetter("start_time_ns", "id"))
    observed = _observed(trace_id, ordered) if ordered else _unobserved(trace_id, body)
    return observed if body is None else with_body(observed, body)


def with_body(summary: TraceSummary, body: TraceChange) -> TraceSummary:
    """Return a summary in which what was said of the trace itself goes before what follows from its observations."""
    said = {field: value for field in _SAID if (value := getattr(body, field)) is not None}
    start = summary.start_time_ns if body.timestamp_ns is None else body.timestamp_ns
    return replace(
        summary,
        **said,
        tags=tuple(dict.fromkeys((*body.tags, *summary.tags))),
        start_time_ns=start,
        end_time_ns=max(start, summary.end_time_ns),
    )


def _unobserved(trace_id: str, body: TraceChange | None) -> TraceSummary:
    start = (body.timestamp_ns if body else None) or 0
    return TraceSummary(
        trace_id=trace_id, name="", start_time_ns=start, end_time_ns=start, status=OK, observation_count=0
    )


def _observed(trace_id: str, ordered: Sequence[Facts]) -> TraceSummary:
    by_id = {each.id: each for each in ordered}
    verdicts = _verdicts(ordered, by_id)
    root = _root(ordered, by_id)
    status = _status(verdicts)
    graded = _last_graded(ordered)
    failed = _failed(ordered, verdicts, status)
    return TraceSummary(
        trace_id=trace_id,
        name=_last_given(ordered, "trace_name") or root.name,
        start_time_ns=ordered[0].start_time_ns,
        end_time_ns=max(each.end_time_ns for each in ordered),
        status=status,
        observation_count=len(ordered),
        error_count=sum(each.level == "ERROR" for each in ordered),
        pass_count=sum(each.is_pass for each in ordered),
        service=root.service or _first_given(ordered, "service"),
        environment=root.environment,
        release=root.release or _first_given(ordered, "release"),
        version=root.version or _first_given(ordered, "version"),
        user_id=root.user_id or _first_given(ordered, "user_id"),
        session_id=root.session_id or _first_given(ordered, "session_id"),
        submission_id=_first_given(ordered, "submission_id"),
        candidate=_first_given(ordered, "candidate"),
        failure_class=_first_given(failed, "failure_class"),
        error_type=_first_given(failed, "error_type") if status == ERROR else None,
        grade=graded.grade if graded else None,
        grade_max=graded.grade_max if graded else None,
        confidence=min((each.confidence for each in ordered if each.confidence is not None), default=None),
        tags=tuple(dict.fromkeys(tag for each in ordered for tag in each.tags)),
        public=any(each.public for each in ordered),
        bookmarked=root.bookmarked,
    )


def _root(ordered: Sequence[Facts], by_id: dict[str, Facts]) -> Facts:
    """Return the true root, else the first observation whose parent is not here."""
    roots = [each for each in ordered if each.parent_observation_id is None]
    orphans = [each for each in ordered if each.parent_observation_id not in by_id]
    return (roots or orphans or ordered)[0]


def _verdicts(ordered: Sequence[Facts], by_id: dict[str, Facts]) -> list[Facts]:
    """Return the observations that nobody waited for, of each name below one parent the last attempt only."""
    last: dict[tuple[str | None, str], Facts] = {}
    for each in ordered:
        parent = by_id.get(each.parent_observation_id or "")
        if parent is None or parent.end_time_ns < each.end_time_ns:
            last[each.parent_observation_id, each.name] = each
    return list(last.values()) or list(ordered[:1])


def _status(verdicts: Sequence[Facts]) -> str:
    if any(each.level == "ERROR" for each in verdicts):
        return ERROR
    outcomes = {each.outcome for each in verdicts}
    return next((outcome for outcome in _OUTCOMES if outcome in outcomes), OK)


def _failed(ordered: Sequence[Facts], verdicts: Sequence[Facts], status: str) -> list[Facts]:
    """Return where to look for the failure class: the verdicts, then what failed below; never what was made good."""
    if status != ERROR:
        return list(verdicts)
    return [each for each in (*verdicts, *ordered) if each.level == "ERROR"]


def _last_graded(ordered: Sequence[Facts]) -> Facts | None:
    """Return the observation with the last grade: the aggregate's, the expert's, the final one, not a single pass's."""
    graded = [each for each in ordered if each.grade is not None and not each.is_pass]
    return max(graded, key=attrgetter("end_time_ns", "start_time_ns"), default=None)


def _first_given(facts: Iterable[Facts], field: str) -> str | None:
    return next((value for each in facts if (value := getattr(each, field))), None)


def _last_given(facts: Sequence[Facts], field: str) -> str | None:
    return _first_given(reversed(facts), field)
