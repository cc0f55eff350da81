"""What the tests of the reading routes put into the store."""

from typing import Final

from certtrace.records.model import Observation, Score, TraceChange

MS: Final = 1_000_000
START: Final = 1_795_428_000_000 * MS
"""2026-11-23T10:00:00.000Z."""
GRADING: Final = "a" * 32
PLAIN: Final = "b" * 32
FOREIGN: Final = "f" * 32
ROOT, GENERATION, TOOL, LONE, FOREIGN_ID = "a1" * 8, "a2" * 8, "a3" * 8, "b1" * 8, "f1" * 8
LONG: Final = "long " * 60

OBSERVATIONS: Final = (
    Observation(
        id=ROOT,
        trace_id=GRADING,
        type="CHAIN",
        name="grade",
        start_time_ns=START + 250_000,
        end_time_ns=START + 2500 * MS + 900_000,
        level="ERROR",
        status_message="No quorum",
        environment="staging",
        release="r-7",
        version="1.2",
        user_id="user-1",
        session_id="session-1",
        trace_name="grading",
        tags=("essay", "pilot"),
        public=True,
        bookmarked=True,
        is_app_root=True,
        input='{"question": "Why queues?", "points": [1, 2]}',
        output="plain text",
        metadata={
            "resourceAttributes": {"service.name": "grader"},
            "scope": {"name": "s", "attributes": {}},
            "attempt": 2,
        },
    ),
    Observation(
        id=GENERATION,
        trace_id=GRADING,
        parent_observation_id=ROOT,
        type="GENERATION",
        name="draft",
        start_time_ns=START + 500 * MS,
        end_time_ns=START + 1500 * MS,
        environment="staging",
        version="1.2",
        user_id="user-1",
        session_id="session-1",
        trace_name="grading",
        tags=("essay", "pilot"),
        model="gpt-test",
        model_parameters={"temperature": 0.2, "seed": "7"},
        usage_details={"input": 10, "input_cached": 5, "output": 20, "total": 35},
        cost_details={"input": 0.25, "output": 0.5, "total": 0.75},
        completion_start_time_ns=START + 700 * MS,
        prompt_name="rubric",
        prompt_version=3,
        input='[{"role": "user", "content": "Needle in hay"}]',
        output="42",
        metadata={"long": LONG, "nested": {"deep": {"leaf": "x"}}, "count": 12, "flag": True, "list": [1, "two"]},
    ),
    Observation(
        id=TOOL,
        trace_id=GRADING,
        parent_observation_id=GENERATION,
        type="TOOL",
        name="search",
        level="WARNING",
        start_time_ns=START + 500 * MS,
        end_time_ns=START + 500 * MS,
        environment="staging",
        input="look up",
        cost_details={"total": 0.25},
        metadata={"kind": "lookup"},
    ),
    Observation(
        id=LONE,
        trace_id=PLAIN,
        name="ping",
        start_time_ns=START + 60_000 * MS,
        end_time_ns=START + 60_001 * MS,
    ),
)
TRACES: Final = (
    TraceChange(
        trace_id=PLAIN,
        name="said by a client",
        user_id="user-2",
        session_id="session-2",
        version="9",
        release="r-9",
        tags=("said",),
        metadata={"own": {"of": "trace"}},
        input='"trace in"',
        output='{"trace": "out"}',
    ),
)
OTHERS: Final = (
    Observation(id=FOREIGN_ID, trace_id=FOREIGN, name="foreign", start_time_ns=START, end_time_ns=START + MS),
)
SCORES: Final = (
    Score(
        id="s-number",
        name="accuracy",
        value=0.5,
        data_type="NUMERIC",
        timestamp_ns=START + 1000 * MS,
        trace_id=GRADING,
        comment="half",
        metadata={"by": "judge"},
        environment="staging",
        config_id="config-1",
    ),
    Score(
        id="s-boolean",
        name="passed",
        value=1.0,
        data_type="BOOLEAN",
        timestamp_ns=START + 2000 * MS,
        trace_id=GRADING,
        observation_id=GENERATION,
        source="EVAL",
    ),
    Score(
        id="s-category",
        name="verdict",
        value="good",
        data_type="CATEGORICAL",
        timestamp_ns=START + 3000 * MS,
        trace_id=PLAIN,
        source="ANNOTATION",
        queue_id="queue-1",
        author_user_id="author-1",
    ),
    Score(
        id="s-text",
        name="remark",
        value="well done",
        data_type="TEXT",
        timestamp_ns=START + 4000 * MS,
        session_id="session-1",
    ),
    Score(
        id="s-run",
        name="mean",
        value=0.9,
        data_type="NUMERIC",
        timestamp_ns=START + 5000 * MS,
        dataset_run_id="run-1",
        metadata=["a", "list"],
    ),
)
