"""The decoded record of a trace, in Langfuse's vocabulary."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One span as Langfuse shows it.

    Times are nanoseconds since the epoch. `input` and `output` are text as Langfuse keeps them: plain, or JSON.
    """

    id: str
    """16 lowercase hex digits, or whatever text a foreign sender chose."""
    trace_id: str
    """32 lowercase hex digits, or whatever text a foreign sender chose."""
    parent_observation_id: str | None = None
    type: str = "SPAN"
    name: str = ""
    start_time_ns: int
    end_time_ns: int
    level: str = "DEFAULT"
    status_message: str | None = None
    environment: str = "default"
    release: str | None = None
    version: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    trace_name: str | None = None
    tags: tuple[str, ...] = ()
    public: bool = False
    is_app_root: bool = False
    as_root: bool = False
    """Whether the span speaks for its whole trace although it has a parent."""
    model: str | None = None
    model_parameters: Mapping[str, object] = field(default_factory=dict)
    usage_details: Mapping[str, float] = field(default_factory=dict)
    cost_details: Mapping[str, float] = field(default_factory=dict)
    completion_start_time_ns: int | None = None
    prompt_name: str | None = None
    prompt_version: int | None = None
    input: str | None = None
    output: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    """`resourceAttributes`, `scope`, at times `attributes`, and every metadata key the span carried."""
    bookmarked: bool = False
    experiment: "Experiment | None" = None
    created_at_ns: int | None = None
    """When the store first took it; None before it is stored."""
    updated_at_ns: int | None = None

    def __repr__(self) -> str:
        """Show ids only: a repr ends up in logs, content must not."""
        return f"<Observation {self.id} of trace {self.trace_id}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """What a span says about the experiment it was run for: the attributes `langfuse.experiment.*`."""

    id: str
    name: str | None = None
    description: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    dataset_id: str | None = None
    item_id: str | None = None
    item_version_ns: int | None = None
    item_metadata: Mapping[str, object] = field(default_factory=dict)
    item_expected_output: str | None = None
    root_observation_id: str | None = None
    """The observation of the item's own root; the item's input and output are read from it."""

    def __repr__(self) -> str:
        """Show ids only: a repr ends up in logs, content must not."""
        return f"<Experiment {self.id}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationChange:
    """Some fields of an observation, as older clients send them bit by bit. Merged into what is stored."""

    id: str
    trace_id: str
    values: Mapping[str, object]
    """By the field names of `Observation`; `metadata` is merged key by key, everything else replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceChange:
    """What a client said about a trace itself, apart from its observations. Merged into what is stored."""

    trace_id: str
    timestamp_ns: int | None = None
    name: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    release: str | None = None
    version: str | None = None
    environment: str | None = None
    public: bool | None = None
    bookmarked: bool | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, object] | None = None
    input: str | None = None
    output: str | None = None

    def __repr__(self) -> str:
        """Show ids only: a repr ends up in logs, content must not."""
        return f"<TraceChange of {self.trace_id}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One Langfuse score on a trace, an observation or a session."""

    id: str
    name: str
    value: float | str
    data_type: str
    """`NUMERIC`, `CATEGORICAL`, `BOOLEAN` or `TEXT`."""
    timestamp_ns: int
    trace_id: str | None = None
    observation_id: str | None = None
    session_id: str | None = None
    comment: str | None = None
    metadata: object = None
    environment: str = "default"
    source: str = "API"
    """`API`, `ANNOTATION` or `EVAL`."""
    dataset_run_id: str | None = None
    config_id: str | None = None
    queue_id: str | None = None
    author_user_id: str | None = None
    created_at_ns: int | None = None
    updated_at_ns: int | None = None

    def __repr__(self) -> str:
        """Show ids only: a repr ends up in logs, content must not."""
        return f"<Score {self.id} of trace {self.trace_id}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSummary:
    """What a list of traces shows of one."""

    trace_id: str
    name: str
    start_time_ns: int
    end_time_ns: int
    status: str
    """`ok`, `error`, `cancelled` or `abandoned`; see `certtrace.records.summary`."""
    observation_count: int
    error_count: int = 0
    pass_count: int = 0
    """Grading passes in the trace."""
    service: str | None = None
    environment: str = "default"
    release: str | None = None
    version: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    submission_id: str | None = None
    candidate: str | None = None
    failure_class: str | None = None
    error_type: str | None = None
    grade: float | None = None
    grade_max: float | None = None
    confidence: float | None = None
    tags: tuple[str, ...] = ()
    public: bool = False
    bookmarked: bool = False
    created_at_ns: int | None = None
    """When the store first took something of it; None before it is stored."""
    updated_at_ns: int | None = None

    @property
    def is_failed(self) -> bool:
        """Tell whether a failure was not made good: the trace ended in error, or its verdict names a failure class."""
        return self.status == "error" or self.failure_class is not None

    @property
    def duration_ms(self) -> float:
        """Return the time from the first start to the last end, in milliseconds."""
        return (self.end_time_ns - self.start_time_ns) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One trace with everything recorded of it: observations by start time, scores by time."""

    summary: TraceSummary
    observations: tuple[Observation, ...]
    scores: tuple[Score, ...] = ()

    @property
    def trace_id(self) -> str:
        """Return the id, 32 lowercase hex digits."""
        return self.summary.trace_id
