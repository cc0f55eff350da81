"""What filters may ask of observations, traces and scores: the API's names of columns, and what stands for them."""

from collections.abc import Mapping
from typing import Final

from certtrace.records.queries.conditions import Column


def _named(kind: str, expressions: Mapping[str, str]) -> dict[str, Column]:
    return {name: Column(kind, expression) for name, expression in expressions.items()}


def _milliseconds(later: str, earlier: str) -> str:
    """Return the SQL of a duration as it is shown: between two times that were cut to milliseconds each."""
    return f"({later} / 1000000 - {earlier} / 1000000)"


def _summed(details: str, part: str) -> str:
    """Return the SQL of everything in usage or cost whose name has a part in it."""
    return f"(SELECT COALESCE(SUM(d.value), 0) FROM json_each({details}) AS d WHERE d.key LIKE '%{part}%')"  # noqa: S608 - constants


_LATENCY: Final = _milliseconds("o.end_time_ns", "o.start_time_ns")
IS_ROOT: Final = "(o.parent_observation_id IS NULL OR o.parent_observation_id = '' OR o.is_app_root = 1)"
_TRACE_NAME: Final = f"COALESCE(NULLIF(o.trace_name, ''), CASE WHEN {IS_ROOT} THEN o.name END, '')"
"""A root that was given no name of its trace shows its own."""

_OBSERVATION: Final = {
    **_named(
        "stringOptions",
        {
            "id": "o.id",
            "name": "o.name",
            "type": "o.type",
            "environment": "o.environment",
            "traceEnvironment": "o.environment",
            "level": "o.level",
            "promptName": "o.prompt_name",
            "model": "o.model",
            "providedModelName": "o.model",
            "traceName": _TRACE_NAME,
            "experimentId": "o.experiment_id",
            "experimentDatasetId": "o.experiment_dataset_id",
        },
    ),
    **_named(
        "string",
        {
            "traceId": "o.trace_id",
            "version": "o.version",
            "release": "o.release",
            "userId": "o.user_id",
            "sessionId": "o.session_id",
            "statusMessage": "o.status_message",
            "parentObservationId": "o.parent_observation_id",
        },
    ),
    **_named("datetime", {"startTime": "o.start_time_ns", "endTime": "o.end_time_ns"}),
    **_named(
        "number",
        {
            "promptVersion": "o.prompt_version",
            "latency": f"{_LATENCY} / 1000.0",
            "timeToFirstToken": f"{_milliseconds('o.completion_start_time_ns', 'o.start_time_ns')} / 1000.0",
            "tokensPerSecond": f"{_summed('o.usage_details', 'output')} * 1000.0 / NULLIF({_LATENCY}, 0)",
            "inputTokens": _summed("o.usage_details", "input"),
            "outputTokens": _summed("o.usage_details", "output"),
            "totalTokens": "json_extract(o.usage_details, '$.total')",
            "tokens": "json_extract(o.usage_details, '$.total')",
            "inputCost": _summed("o.cost_details", "input"),
            "outputCost": _summed("o.cost_details", "output"),
            "totalCost": "json_extract(o.cost_details, '$.total')",
        },
    ),
    **_named(
        "boolean",
        {
            "isRootObservation": IS_ROOT,
            "hasParentObservation": "COALESCE(o.parent_observation_id, '') <> ''",
            "hasInput": "COALESCE(o.input, '') <> ''",
            "hasOutput": "COALESCE(o.output, '') <> ''",
        },
    ),
    **_named("arrayOptions", {"traceTags": "o.tags", "tags": "o.tags"}),
    **_named("stringObject", {"metadata": "o.metadata"}),
    "input": Column("string", "o.input", indexed_text=True),
    "output": Column("string", "o.output", indexed_text=True),
}
_TITLES: Final = {
    "ID": "id",
    "Name": "name",
    "Type": "type",
    "Environment": "environment",
    "Level": "level",
    "Trace ID": "traceId",
    "Trace Name": "traceName",
    "Trace Tags": "traceTags",
    "Tags": "tags",
    "Start Time": "startTime",
    "End Time": "endTime",
    "Timestamp": "timestamp",
    "Version": "version",
    "Release": "release",
    "User ID": "userId",
    "Session ID": "sessionId",
    "Status Message": "statusMessage",
    "Parent Observation ID": "parentObservationId",
    "Model": "model",
    "Provided Model Name": "providedModelName",
    "Prompt Name": "promptName",
    "Prompt Version": "promptVersion",
    "Metadata": "metadata",
    "Input": "input",
    "Output": "output",
    "Latency (s)": "latency",
    "Time To First Token (s)": "timeToFirstToken",
    "Tokens per second": "tokensPerSecond",
    "Input Tokens": "inputTokens",
    "Output Tokens": "outputTokens",
    "Total Tokens": "totalTokens",
    "Tokens": "tokens",
    "Input Cost ($)": "inputCost",
    "Output Cost ($)": "outputCost",
    "Total Cost ($)": "totalCost",
    "Is Root Observation": "isRootObservation",
    "Has Parent Observation": "hasParentObservation",
    "Scores (numeric)": "scores_avg",
    "Scores (categorical)": "score_categories",
    "Value": "value",
    "Source": "source",
    "Data Type": "dataType",
    "Comment": "comment",
    "Observation ID": "observationId",
}
"""The same columns by the names that Langfuse's own pages give them, which filters may use as well."""


def _also_by_title(columns: Mapping[str, Column]) -> Mapping[str, Column]:
    return {**columns, **{title: columns[name] for title, name in _TITLES.items() if name in columns}}


OBSERVATION_COLUMNS: Final = _also_by_title(_OBSERVATION)


def _of_trace(aggregate: str) -> str:
    """Return the SQL of something over all observations of the trace."""
    return (
        f"(SELECT {aggregate} FROM observations AS o"  # noqa: S608 - constants
        " WHERE o.project = t.project AND o.trace_id = t.trace_id)"
    )


def _level_count(level: str) -> str:
    return _of_trace(f"COUNT(*) FILTER (WHERE o.level = '{level}')")


_SCORES_OF_TRACE: Final = "FROM scores AS s WHERE s.project = t.project AND s.trace_id = t.trace_id"
_WORST_LEVEL: Final = _of_trace(
    "CASE MAX(CASE o.level WHEN 'ERROR' THEN 3 WHEN 'WARNING' THEN 2 WHEN 'DEFAULT' THEN 1 ELSE 0 END)"
    " WHEN 3 THEN 'ERROR' WHEN 2 THEN 'WARNING' WHEN 1 THEN 'DEFAULT' ELSE 'DEBUG' END"
)
_BODY_METADATA: Final = (
    "(SELECT b.metadata FROM trace_bodies AS b WHERE b.project = t.project AND b.trace_id = t.trace_id)"
)
_ROOT_METADATA: Final = (
    f"(SELECT o.metadata FROM observations AS o WHERE o.project = t.project AND o.trace_id = t.trace_id"  # noqa: S608 - constants
    f" ORDER BY NOT {IS_ROOT}, o.start_time_ns LIMIT 1)"
)

_TRACE: Final = {
    **_named(
        "string",
        {
            "id": "t.trace_id",
            "traceId": "t.trace_id",
            "userId": "t.user_id",
            "sessionId": "t.session_id",
            "version": "t.version",
            "release": "t.release",
        },
    ),
    **_named(
        "stringOptions",
        {"name": "t.name", "traceName": "t.name", "environment": "t.environment", "level": _WORST_LEVEL},
    ),
    **_named("datetime", {"timestamp": "t.start_time_ns"}),
    **_named(
        "number",
        {
            "latency": f"{_milliseconds('t.end_time_ns', 't.start_time_ns')} / 1000.0",
            "errorCount": "t.error_count",
            "warningCount": _level_count("WARNING"),
            "defaultCount": _level_count("DEFAULT"),
            "debugCount": _level_count("DEBUG"),
            "inputTokens": _of_trace(f"TOTAL({_summed('o.usage_details', 'input')})"),
            "outputTokens": _of_trace(f"TOTAL({_summed('o.usage_details', 'output')})"),
            "totalTokens": _of_trace("TOTAL(json_extract(o.usage_details, '$.total'))"),
            "tokens": _of_trace("TOTAL(json_extract(o.usage_details, '$.total'))"),
            "inputCost": _of_trace(f"TOTAL({_summed('o.cost_details', 'input')})"),
            "outputCost": _of_trace(f"TOTAL({_summed('o.cost_details', 'output')})"),
            "totalCost": _of_trace("TOTAL(json_extract(o.cost_details, '$.total'))"),
        },
    ),
    **_named("boolean", {"bookmarked": "t.bookmarked", "public": "t.public"}),
    **_named("arrayOptions", {"tags": "t.tags", "traceTags": "t.tags"}),
    **_named("stringObject", {"metadata": f"COALESCE({_BODY_METADATA}, {_ROOT_METADATA})"}),
    **_named("numberObject", {"scores_avg": _SCORES_OF_TRACE, "scores": _SCORES_OF_TRACE}),
    **_named("categoryOptions", {"score_categories": _SCORES_OF_TRACE}),
}
TRACE_COLUMNS: Final = _also_by_title(_TRACE)
TRACE_ORDER: Final[Mapping[str, str]] = {
    "timestamp": "t.start_time_ns",
    "id": "t.trace_id",
    "name": "t.name",
    "userId": "t.user_id",
    "sessionId": "t.session_id",
    "environment": "t.environment",
    "version": "t.version",
    "release": "t.release",
    "public": "t.public",
    "bookmarked": "t.bookmarked",
}
"""What lists of traces may be ordered by."""

_SCORE: Final = {
    **_named(
        "stringOptions",
        {
            "id": "s.id",
            "name": "s.name",
            "source": "s.source",
            "dataType": "s.data_type",
            "environment": "s.environment",
            "stringValue": "CASE WHEN typeof(s.value) = 'text' THEN s.value END",
            "authorUserId": "s.author_user_id",
        },
    ),
    **_named(
        "string",
        {
            "traceId": "s.trace_id",
            "observationId": "s.observation_id",
            "sessionId": "s.session_id",
            "datasetRunId": "s.dataset_run_id",
            "configId": "s.config_id",
            "queueId": "s.queue_id",
            "comment": "s.comment",
            "userId": "t.user_id",
            "traceName": "t.name",
        },
    ),
    **_named("datetime", {"timestamp": "s.timestamp_ns"}),
    **_named("number", {"value": "CASE WHEN typeof(s.value) <> 'text' THEN s.value END"}),
    **_named("arrayOptions", {"traceTags": "COALESCE(t.tags, '[]')", "tags": "COALESCE(t.tags, '[]')"}),
    **_named("stringObject", {"metadata": "s.metadata"}),
}
SCORE_COLUMNS: Final = _also_by_title(_SCORE)
