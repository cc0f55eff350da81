"""One trace as lines for a person to read. Pure: a trace in, `rich` text out; the caller prints.

Everything recorded is made harmless here: control characters, terminal sequences and text direction marks show as
escapes.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from rich.cells import cell_len
from rich.text import Text

from certtrace import semconv
from certtrace.records.columns import cut, folded
from certtrace.records.facts import object_fact
from certtrace.records.langfuse_json import content_json, iso
from certtrace.records.mapping.values import json_text
from certtrace.records.model import Observation, Score, Trace
from certtrace.records.notes import (
    duration_text,
    grade_text,
    notes,
    redaction_text,
    sampling_text,
    short_number,
    verdict_text,
)
from certtrace.records.problems import failure_words, is_same_failure, problem_text
from certtrace.records.safe_text import one_line
from certtrace.records.tree import Node, walk

_TIME_WIDTH: Final = 9
_BAR_WIDTH: Final = 12
_RIGHT_WIDTH: Final = _TIME_WIDTH + 2 + _BAR_WIDTH
_SHORTEST_LEFT: Final = 30
_DEEPEST_GUIDE: Final = 12
_PROBLEM_LINES: Final = 3
"""Lines of an error message that show without `full`."""
_STATUS_STYLES: Final = {
    "error": "bold red",
    "cancelled": "bold yellow",
    "abandoned": "bold yellow",
    "ok": "bold green",
}
_LEVEL_STYLES: Final = {"ERROR": "red", "WARNING": "yellow"}
_SHOWN_ELSEWHERE: Final = {
    "resourceAttributes",
    "scope",
    "attributes",
    semconv.REDACTION_RECEIPT,
    semconv.SAMPLING,
    semconv.ERROR_TYPE,
    semconv.FAILURE_CLASS,
}


@dataclass(frozen=True, slots=True)
class View:
    """How to show a trace."""

    width: int = 100
    """Columns of the terminal."""
    full: bool = False
    """Show inputs, outputs, messages and metadata whole instead of one line each."""
    ascii_only: bool = False
    """Draw without box and block characters."""


def trace_lines(trace: Trace, view: View) -> Iterator[Text]:
    """Yield the whole trace: its heading, the tree of its observations, and what was redacted and sampled."""
    yield from heading_lines(trace, view)
    yield Text()
    yield from tree_lines(trace, view)
    closing = [text for text in (redaction_text(trace), sampling_text(trace)) if text]
    if closing:
        yield Text()
    for text in closing:
        yield from _wrapped(text, view, "dim")


def heading_lines(trace: Trace, view: View) -> Iterator[Text]:
    """Yield what the trace was about and how it ended."""
    summary = trace.summary
    title = Text()
    title.append(cut(one_line(summary.name), view.width // 2, ascii_only=view.ascii_only), "bold")
    title.append("  ")
    title.append(one_line(verdict_text(summary)), _STATUS_STYLES.get(summary.status, "bold yellow"))
    yield title
    yield Text(f"trace {summary.trace_id}")
    grade = grade_text(summary.grade, summary.grade_max)
    confidence = None if summary.confidence is None else f"{summary.confidence:.2f}"
    yield from _fields(
        view,
        ("started", f"{iso(summary.start_time_ns)[:-5].replace('T', ' ')} UTC"),
        ("took", duration_text(summary.end_time_ns - summary.start_time_ns)),
        ("observations", str(summary.observation_count)),
        ("errors", str(summary.error_count) if summary.error_count else None),
        ("passes", str(summary.pass_count) if summary.pass_count else None),
        ("grade", grade),
        ("confidence", confidence),
    )
    yield from _fields(
        view,
        ("submission", summary.submission_id),
        ("candidate", summary.candidate),
        ("session", summary.session_id),
        ("user", summary.user_id),
        ("service", summary.service),
        ("environment", summary.environment),
        ("release", summary.release),
        ("tags", ", ".join(summary.tags)),
    )
    observed = {each.id for each in trace.observations}
    for score in trace.scores:
        if score.observation_id not in observed:
            yield from _wrapped(_score_text(score), view, "magenta")


def tree_lines(trace: Trace, view: View) -> Iterator[Text]:
    """Yield the observations as a tree with duration and waterfall, details below each."""
    scores: dict[str, list[Score]] = {}
    for score in trace.scores:
        scores.setdefault(score.observation_id or "", []).append(score)
    span = trace.summary.start_time_ns, trace.summary.end_time_ns
    for node in walk(trace.observations):
        yield from _node_lines(node, span, view)
        yield from _detail_lines(node, scores.get(node.observation.id, []), view)


def _node_lines(node: Node, span: tuple[int, int], view: View) -> Iterator[Text]:
    """Yield the observation's own line, and another for notes that do not fit beside its times."""
    observation = node.observation
    room = max(view.width - _RIGHT_WIDTH - 2, _SHORTEST_LEFT)
    left = Text().append(_guide(node, view), "dim")
    left.append(f"{one_line(observation.type)} ", "cyan")
    left.append(one_line(observation.name), _LEVEL_STYLES.get(observation.level, "") + " bold")
    words = [one_line(word) for word in notes(observation)] + (["parent not recorded"] if node.is_orphan else [])
    beside = _as_many_as_fit(words, room - cell_len(left.plain))
    _append_notes(left, words[:beside])
    left.truncate(room, overflow="crop" if view.ascii_only else "ellipsis", pad=True)
    duration = duration_text(observation.end_time_ns - observation.start_time_ns)
    left.append(f"  {duration:>{_TIME_WIDTH}}  ")
    left.append(_bar(observation, span, view), _LEVEL_STYLES.get(observation.level, "blue"))
    left.rstrip()
    yield left
    if words[beside:]:
        below = Text().append(_detail_indent(node, view), "dim")
        _append_notes(below, words[beside:], before="")
        below.truncate(view.width, overflow="crop" if view.ascii_only else "ellipsis")
        yield below


def _as_many_as_fit(words: Sequence[str], room: int) -> int:
    """Return how many of the notes fit into `room` columns, each two columns from the one before."""
    taken = list(itertools.accumulate(cell_len(word) + 2 for word in words))
    return sum(width <= room for width in taken)


def _append_notes(line: Text, words: Sequence[str], before: str = "  ") -> None:
    for word in words:
        line.append(before)
        line.append(word, "yellow" if word == "cached" else "dim")
        before = "  "


def _detail_lines(node: Node, scores: Sequence[Score], view: View) -> Iterator[Text]:
    observation = node.observation
    indent = _detail_indent(node, view)
    yield from _problem_lines(node, indent, view)
    for score in scores:
        yield from _labelled("score", _score_text(score), indent, view, "magenta")
    yield from _content_lines("in", observation.input, indent, view)
    yield from _content_lines("out", observation.output, indent, view)
    if view.full:
        yield from _metadata_lines(observation, indent, view)


def _problem_lines(node: Node, indent: str, view: View) -> Iterator[Text]:
    observation = node.observation
    if observation.level not in _LEVEL_STYLES:
        if view.full and observation.status_message:
            yield from _labelled("status", observation.status_message, indent, view, "dim")
        return
    said = problem_text(observation)
    style, label = _LEVEL_STYLES[observation.level], "error" if observation.level == "ERROR" else "warning"
    if not view.full and any(is_same_failure(child, observation) for child in node.children):
        said, style = f"{', '.join(failure_words(observation)) or 'failed'}, propagated from below", "dim red"
    yield from _labelled(label, said, indent, view, style, at_most=_PROBLEM_LINES)


def _content_lines(label: str, content: str | None, indent: str, view: View) -> Iterator[Text]:
    if content is None or content == "":
        return
    value = content_json(content) if view.full else content
    if isinstance(value, str):
        text = value
    else:
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()
    yield from _labelled(label, text, indent, view, "")


def _metadata_lines(observation: Observation, indent: str, view: View) -> Iterator[Text]:
    leftovers = observation.metadata.get("attributes")
    shown = {key: value for key, value in observation.metadata.items() if key not in _SHOWN_ELSEWHERE}
    if isinstance(leftovers, Mapping):
        shown = {**leftovers, **shown}
    for key, value in {**observation.model_parameters, **shown}.items():
        yield from _labelled(
            "data", f"{key} = {value if isinstance(value, str) else json_text(value)}", indent, view, "dim"
        )
    receipt = object_fact(observation, semconv.REDACTION_RECEIPT)
    if receipt:
        yield from _labelled("data", f"{semconv.REDACTION_RECEIPT} = {json_text(receipt)}", indent, view, "dim")


def _labelled(label: str, text: str, indent: str, view: View, style: str, at_most: int = 1) -> Iterator[Text]:
    """Yield at most so many lines that fit; with `full` all lines, wrapped below the label."""
    start = f"{indent}{label:<7} "
    room = max(view.width - cell_len(start), _SHORTEST_LEFT)
    if view.full:
        parts = folded(text, room)
    else:
        # No more than could show is made safe and folded: a value may have megabytes.
        given = one_line(text[: room * at_most + 1])
        parts = [given] if at_most == 1 else folded(given, room)
        parts = [*parts[: at_most - 1], cut("".join(parts[at_most - 1 :]), room, ascii_only=view.ascii_only)]
    rest = indent + " " * (cell_len(start) - cell_len(indent))
    for number, part in enumerate(part for part in parts if part or view.full):
        line = Text().append(rest if number else start, "dim")
        line.append(part, style)
        yield line


def _wrapped(text: str, view: View, style: str) -> Iterator[Text]:
    for part in folded(text, max(view.width, _SHORTEST_LEFT)):
        yield Text(part, style)


def _fields(view: View, *fields: tuple[str, str | None]) -> Iterator[Text]:
    """Yield `label value` pairs, as many on a line as fit."""
    line = Text()
    for label, value in fields:
        if not value:
            continue
        shown = cut(one_line(value), max(view.width - len(label) - 1, _SHORTEST_LEFT), ascii_only=view.ascii_only)
        if line and cell_len(line.plain) + cell_len(shown) + len(label) + 3 > view.width:
            yield line
            line = Text()
        line.append("  " if line else "")
        line.append(f"{label} ", "dim")
        line.append(shown)
    if line:
        yield line


def _score_text(score: Score) -> str:
    value = score.value if isinstance(score.value, str) else short_number(score.value)
    if score.data_type == "BOOLEAN":
        value = "true" if score.value else "false"
    return f"{score.name} = {value}" + (f"  {score.comment}" if score.comment else "")


def _guide(node: Node, view: View) -> str:
    if not node.is_last:
        return ""
    if node.depth > _DEEPEST_GUIDE:
        return f"{' ' * 3 * (_DEEPEST_GUIDE - 1)}[{node.depth}] "
    through, branch, end = ("|  ", "|- ", "`- ") if view.ascii_only else ("│  ", "├─ ", "└─ ")
    above = "".join("   " if last else through for last in node.is_last[:-1])
    return above + (end if node.is_last[-1] else branch)


def _detail_indent(node: Node, view: View) -> str:
    """Return the branches that run past an observation's details, on to its siblings and children."""
    through = "|  " if view.ascii_only else "│  "
    if node.depth > _DEEPEST_GUIDE:
        return " " * 3 * _DEEPEST_GUIDE
    above = "".join("   " if last else through for last in node.is_last)
    return above + (through if node.children else "   ")


def _bar(observation: Observation, span: tuple[int, int], view: View) -> str:
    """Return the observation's place in the trace's time as a bar."""
    first, last = span
    whole = max(last - first, 1)
    start = min(int((observation.start_time_ns - first) / whole * _BAR_WIDTH), _BAR_WIDTH - 1)
    length = (observation.end_time_ns - observation.start_time_ns) / whole * _BAR_WIDTH
    full, thin = ("#", "|") if view.ascii_only else ("█", "▏")
    cells = min(round(length), _BAR_WIDTH - start)
    return " " * start + (full * cells if cells >= 1 else thin)
