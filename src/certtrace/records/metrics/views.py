"""The views, as the API declares them: version 2 over observations, version 1 over traces."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from certtrace.records.metrics.model import Dimension, Measure, Relation, View
from certtrace.records.queries.columns import IS_ROOT, TRACE_COLUMNS

_MISSING: Final = Dimension(sql="NULL", is_kept=False)


def _month(time: str) -> str:
    return f"strftime('%Y-%m', {time} / 1000000000, 'unixepoch')"


def _day(time: str) -> str:
    return f"strftime('%Y-%m-%d', {time} / 1000000000, 'unixepoch')"


def _between(earlier: str, later: str, unit_ns: int) -> str:
    """Return the SQL of how many boundaries of a unit lie between two times."""
    return f"({later} / {unit_ns} - {earlier} / {unit_ns})"


def _summed(details: str, part: str) -> str:
    return f"(SELECT total(d.value) FROM json_each({details}) AS d WHERE instr(lower(d.key), '{part}') > 0)"  # noqa: S608 - constants


def _joined(dimensions: Mapping[str, Dimension], relation: str) -> dict[str, Dimension]:
    return {name: replace(dimension, relation=relation) for name, dimension in dimensions.items()}


def _plain(sql: str, *, kind: str = "string", relation: str | None = None, hc: bool = False) -> Dimension:
    return Dimension(sql=sql, kind=kind, relation=relation, is_high_cardinality=hc)


def _maybe(sql: str, *, kind: str = "string", hc: bool = False) -> Dimension:
    return Dimension(sql=sql, kind=kind, is_nullable=True, is_high_cardinality=hc)


def _once(sql: str, kind: str = "integer", *, nullable: bool = False) -> Measure:
    """Return a measure that is the same on every row that a join makes of one."""
    return Measure(sql=sql, grouped=f"max({sql})", kind=kind, is_nullable=nullable)


def _each(sql: str, kind: str = "integer", *, nullable: bool = False) -> Measure:
    """Return a measure that adds up over the rows that a join makes of one."""
    return Measure(sql=sql, grouped=f"sum({sql} * 1.0)", kind=kind, is_nullable=nullable)


_COUNT: Final = Measure(sql="1", grouped="count(*)")
_MS: Final = 1_000_000
_S: Final = 1_000_000_000
_START: Final = "o.start_time_ns"
_END: Final = "o.end_time_ns"
_FIRST_TOKEN: Final = "o.completion_start_time_ns"  # noqa: S105 - a column
_TOTAL_TOKENS: Final = "coalesce(json_extract(o.usage_details, '$.total'), 0)"
_TOTAL_COST: Final = "json_extract(o.cost_details, '$.total')"
_OUTPUT_TOKENS: Final = _summed("o.usage_details", "output")

_SCORES_OF_OBSERVATION: Final = Relation(
    sql="JOIN scores AS s ON s.project = o.project AND s.trace_id = o.trace_id AND s.observation_id = o.id",
    time="s.timestamp_ns",
)
_TRACE_OF_OBSERVATION: Final = Relation(
    sql="JOIN traces AS t ON t.project = o.project AND t.trace_id = o.trace_id", time="t.start_time_ns"
)
_TRACE_OF_SCORE: Final = Relation(
    sql="JOIN traces AS t ON t.project = s.project AND t.trace_id = s.trace_id", time="t.start_time_ns"
)
_OBSERVATION_OF_SCORE: Final = Relation(
    sql="JOIN observations AS c ON c.project = s.project AND c.trace_id = s.trace_id AND c.id = s.observation_id",
    time="c.start_time_ns",
)
_ROOT_OF_SCORE: Final = Relation(
    sql=(
        "JOIN observations AS r ON r.project = s.project AND r.trace_id = s.trace_id"
        " AND coalesce(r.parent_observation_id, '') = ''"
    ),
    time="r.start_time_ns",
)

_OBSERVATION_MEASURES: Final = {
    "count": _COUNT,
    "latency": _once(_between(_START, _END, _MS), nullable=True),
    "streamingLatency": _once(_between(_FIRST_TOKEN, _END, _MS), nullable=True),
    "inputTokens": _once(_summed("o.usage_details", "input")),
    "outputTokens": _once(_OUTPUT_TOKENS),
    "totalTokens": _each(_TOTAL_TOKENS),
    "outputTokensPerSecond": _once(
        f"{_OUTPUT_TOKENS} * 1.0 / nullif({_between(_FIRST_TOKEN, _END, _S)}, 0)", "decimal", nullable=True
    ),
    "tokensPerSecond": Measure(
        sql=f"{_TOTAL_TOKENS} * 1.0 / nullif({_between(_START, _END, _S)}, 0)",
        grouped=f"sum({_TOTAL_TOKENS} * 1.0) / nullif(max({_between(_START, _END, _S)}), 0)",
        kind="decimal",
        is_nullable=True,
    ),
    "inputCost": _once(_summed("o.cost_details", "input"), "decimal"),
    "outputCost": _once(_summed("o.cost_details", "output"), "decimal"),
    "totalCost": _each(_TOTAL_COST, "decimal", nullable=True),
    "timeToFirstToken": _once(_between(_START, _FIRST_TOKEN, _MS), nullable=True),
    "countScores": Measure(sql="NULL", grouped="count(DISTINCT s.id)", relation="scores"),
    "toolDefinitions": Measure(sql="NULL", grouped="NULL", is_kept=False),
    "toolCalls": Measure(sql="NULL", grouped="NULL", is_kept=False),
}
_OBSERVATION_OWN: Final = {
    "environment": _maybe("o.environment"),
    "type": _plain("o.type"),
    "name": _plain("o.name"),
    "level": _plain("o.level"),
    "version": _maybe("o.version"),
    "providedModelName": _maybe("o.model"),
    "promptName": _maybe("o.prompt_name"),
    "promptVersion": _maybe("o.prompt_version", kind="number"),
    "startTimeMonth": _plain(_month(_START)),
    "toolNames": _MISSING,
    "calledToolNames": _MISSING,
}
_TRACE_FIELDS: Final = {
    "traceName": _plain("t.name"),
    "tags": _plain("t.tags", kind="string[]"),
    "userId": _maybe("t.user_id"),
    "sessionId": _maybe("t.session_id"),
    "traceRelease": _maybe("t.release"),
    "traceVersion": _maybe("t.version"),
}
_TRACE_NAME: Final = f"coalesce(nullif(o.trace_name, ''), CASE WHEN {IS_ROOT} THEN o.name END)"

_OBSERVATIONS_2: Final = View(
    table="observations AS o",
    key="o.number",
    time=_START,
    time_name="start_time",
    metadata="o.metadata",
    dimensions={
        "id": _plain("o.id", hc=True),
        "traceId": _plain("o.trace_id", hc=True),
        "parentObservationId": _maybe("o.parent_observation_id", hc=True),
        "isRootObservation": _plain(IS_ROOT, kind="boolean"),
        **_OBSERVATION_OWN,
        "userId": _maybe("o.user_id", hc=True),
        "sessionId": _maybe("o.session_id", hc=True),
        "tags": _plain("o.tags", kind="string[]"),
        "release": _maybe("o.release"),
        "traceName": _maybe(_TRACE_NAME),
        "traceRelease": _maybe("o.release"),
        "traceVersion": _maybe("o.version"),
        "costType": Dimension(sql="pair.key", pair="o.cost_details"),
        "usageType": Dimension(sql="pair.key", pair="o.usage_details"),
        "experimentName": _maybe("json_extract(o.experiment, '$.name')", hc=True),
        "experimentDatasetId": _maybe("o.experiment_dataset_id", hc=True),
        "experimentId": _maybe("o.experiment_id", hc=True),
    },
    measures={
        **_OBSERVATION_MEASURES,
        "traceId": _once("o.trace_id", "string"),
        "uniqueUserIds": _once("nullif(o.user_id, '')", "string", nullable=True),
        "uniqueSessionIds": _once("nullif(o.session_id, '')", "string", nullable=True),
        "costByType": replace(_once("pair.value", "decimal"), dimension="costType"),
        "usageByType": replace(_once("pair.value"), dimension="usageType"),
    },
    relations={"scores": _SCORES_OF_OBSERVATION},
)
_OBSERVATIONS_1: Final = View(
    table="observations AS o",
    key="o.number",
    time=_START,
    time_name="start_time",
    metadata="o.metadata",
    dimensions={
        "id": _plain("o.id"),
        "traceId": _plain("o.trace_id"),
        "parentObservationId": _maybe("o.parent_observation_id"),
        **_OBSERVATION_OWN,
        **_joined(_TRACE_FIELDS, "traces"),
    },
    measures=_OBSERVATION_MEASURES,
    relations={"traces": _TRACE_OF_OBSERVATION, "scores": _SCORES_OF_OBSERVATION},
)
_TRACES_1: Final = View(
    table="traces AS t",
    key="t.trace_id",
    time="t.start_time_ns",
    time_name="timestamp",
    metadata=TRACE_COLUMNS["metadata"].expression,
    dimensions={
        "id": _plain("t.trace_id"),
        "name": _plain("t.name"),
        "tags": _plain("t.tags", kind="string[]"),
        "userId": _maybe("t.user_id"),
        "sessionId": _maybe("t.session_id"),
        "release": _maybe("t.release"),
        "version": _maybe("t.version"),
        "environment": _plain("t.environment"),
        "timestampMonth": _plain(_month("t.start_time_ns")),
    },
    measures={
        "count": _COUNT,
        "observationsCount": Measure(sql="NULL", grouped="count(DISTINCT o.id)", relation="observations"),
        "scoresCount": Measure(sql="NULL", grouped="count(DISTINCT s.id)", relation="scores"),
        "uniqueUserIds": Measure(sql="t.user_id IS NOT NULL", grouped="count(DISTINCT t.user_id)"),
        "uniqueSessionIds": Measure(sql="t.session_id IS NOT NULL", grouped="count(DISTINCT t.session_id)"),
        "latency": Measure(
            sql="NULL", grouped=_between(f"min({_START})", f"max({_END})", _MS), relation="observations",
            is_nullable=True,
        ),
        "totalTokens": Measure(sql="NULL", grouped=f"sum({_TOTAL_TOKENS} * 1.0)", relation="observations"),
        "totalCost": Measure(
            sql="NULL", grouped=f"sum({_TOTAL_COST} * 1.0)", relation="observations", kind="decimal", is_nullable=True
        ),
    },
    relations={
        "observations": Relation(
            sql="JOIN observations AS o ON o.project = t.project AND o.trace_id = t.trace_id", time=_START
        ),
        "scores": Relation(
            sql="JOIN scores AS s ON s.project = t.project AND s.trace_id = t.trace_id", time="s.timestamp_ns"
        ),
    },
)  # fmt: skip


def _score_fields(*, hc: bool) -> dict[str, Dimension]:
    return {
        "id": _plain("s.id", hc=hc),
        "environment": _plain("s.environment"),
        "name": _plain("s.name"),
        "source": _plain("s.source"),
        "dataType": _plain("s.data_type"),
        "traceId": _maybe("s.trace_id", hc=hc),
        "configId": _maybe("s.config_id"),
        "timestampMonth": _plain(_month("s.timestamp_ns")),
        "timestampDay": _plain(_day("s.timestamp_ns")),
        "observationId": _maybe("s.observation_id", hc=hc),
    }


def _observation_fields(relation: str) -> dict[str, Dimension]:
    fields = {
        "observationName": _plain("c.name"),
        "observationModelName": _maybe("c.model"),
        "observationPromptName": _maybe("c.prompt_name"),
        "observationPromptVersion": _maybe("c.prompt_version", kind="number"),
    }
    return _joined(fields, relation)


_SCORE_FIELDS_2: Final = {
    "sessionId": _maybe("s.session_id", hc=True),
    "datasetRunId": _maybe("s.dataset_run_id", hc=True),
    **_joined(
        {
            "traceName": _maybe("coalesce(nullif(r.trace_name, ''), r.name)"),
            "userId": _maybe("r.user_id", hc=True),
            "tags": _plain("r.tags", kind="string[]"),
            "traceRelease": _maybe("r.release"),
            "traceVersion": _maybe("r.version"),
        },
        "events_traces",
    ),
    **_observation_fields("events_observations"),
    **_joined(
        {
            "experimentName": _maybe("json_extract(c.experiment, '$.name')", hc=True),
            "experimentId": _maybe("c.experiment_id", hc=True),
        },
        "events_observations",
    ),
    **_score_fields(hc=True),
}
_SCORE_FIELDS_1: Final = {
    **_joined(_TRACE_FIELDS, "traces"),
    **_observation_fields("observations"),
    **_score_fields(hc=False),
}


def _scores(segment: str, dimensions: Mapping[str, Dimension], value: str, field: Dimension, *, numeric: bool) -> View:
    is_second = "datasetRunId" in dimensions
    return View(
        table="scores AS s",
        key="s.number",
        time="s.timestamp_ns",
        time_name="timestamp",
        metadata="s.metadata",
        dimensions={**dimensions, value: field},
        measures={"count": _COUNT, "value": _once("s.value", "number")} if numeric else {"count": _COUNT},
        relations=(
            {"events_traces": _ROOT_OF_SCORE, "events_observations": _OBSERVATION_OF_SCORE}
            if is_second
            else {"traces": _TRACE_OF_SCORE, "observations": _OBSERVATION_OF_SCORE}
        ),
        segment=segment,
    )


def _score_views(dimensions: Mapping[str, Dimension]) -> dict[str, View]:
    number, flag, text = _plain("s.value", kind="number"), _plain("s.value <> 0", kind="boolean"), _plain("s.value")
    numbers, flags, texts = ("NUMERIC", "BOOLEAN"), ("BOOLEAN",), ("CATEGORICAL", "TEXT")
    return {
        "scores-numeric": _scores(_of_types(numbers), dimensions, "value", number, numeric=True),
        "scores-boolean": _scores(_of_types(flags), dimensions, "booleanValue", flag, numeric=True),
        "scores-categorical": _scores(_of_types(texts), dimensions, "stringValue", text, numeric=False),
    }


def _of_types(data_types: tuple[str, ...]) -> str:
    return f"s.data_type IN ({', '.join(repr(each) for each in data_types)})"


VIEWS_2: Final[Mapping[str, View]] = {"observations": _OBSERVATIONS_2, **_score_views(_SCORE_FIELDS_2)}
"""The views of `GET /api/public/v2/metrics`."""
VIEWS_1: Final[Mapping[str, View]] = {
    "traces": _TRACES_1,
    "observations": _OBSERVATIONS_1,
    **_score_views(_SCORE_FIELDS_1),
}
"""The views of `GET /api/public/metrics`."""
