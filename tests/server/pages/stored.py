"""Traces to look at."""

import orjson
from tests.server.serving import Serving

from certtrace import semconv
from certtrace.records.model import Observation, Score
from certtrace.records.store import StoreWriter

START_NS = 1_795_000_000_000_000_000
SECOND = 1_000_000_000
FAILED = f"{1:032x}"
GRADED = f"{2:032x}"
MESSAGES = [
    {"role": "system", "content": "You grade one answer."},
    {"role": "user", "content": '{"answer": "<person:7f3a91c204> wrote [EMAIL] and <exam-secret:05a52b0b57 len=383>"}'},
]
RECEIPT = {"policy": "0cba78ec5791", "counts": {"PERSON": 2, "EMAIL": 1}, "withheld": 1, "operators": {"drop": 1}}


def step(
    trace_id: str, span_id: int, parent: int | None = None, start: float = 0, took: float = 1, **given
) -> Observation:
    """Make an observation; times in seconds from `START_NS`."""
    begins = START_NS + int(start * SECOND)
    values = {"name": f"step {span_id}", "metadata": {}, **given}
    return Observation(
        id=f"{span_id:016x}",
        trace_id=trace_id,
        parent_observation_id=None if parent is None else f"{parent:016x}",
        start_time_ns=begins,
        end_time_ns=begins + int(took * SECOND),
        **values,
    )


def write(box: Serving, *observations: Observation, scores: tuple[Score, ...] = (), project: str = "default") -> None:
    """Store observations as the intake would."""
    StoreWriter(box.box.store).write(project, observations, scores)


def grading(trace_id: str = GRADED, *, failed: bool = False) -> list[Observation]:
    """Return a grading of three passes, one from a cache, one whose reply was no JSON."""
    error = {
        "level": "ERROR",
        "status_message": "unexpected end of data",
        "metadata": {semconv.ERROR_TYPE: "JSONDecodeError", semconv.FAILURE_CLASS: "malformed_json"},
    }
    root = {
        semconv.SUBMISSION_ID: "sa-01",
        semconv.CANDIDATE: {"person": "<person:7f3a91c204>"},
        semconv.REDACTION_RECEIPT: RECEIPT,
        semconv.SAMPLING: {"rule": "error", "th": "0"},
        "resourceAttributes": {"service.name": "grader"},
    }
    passes = [
        step(
            trace_id,
            10 + index,
            1,
            start=index,
            name="grade.pass",
            metadata={
                semconv.PASS_INDEX: index,
                semconv.PASS_PLANNED: 3,
                semconv.PASS_GRADE: 2.5,
                semconv.PASS_MAX_GRADE: 4,
                semconv.CONFIDENCE_SELF: 0.81,
                semconv.PASS_INDEPENDENT: index != 2,
            },
        )
        for index in (1, 2)
    ]
    broken = {semconv.PASS_INDEX: 3, semconv.PASS_PLANNED: 3, semconv.ERROR_TYPE: "JSONDecodeError"}
    model_call = step(
        trace_id,
        20,
        11,
        start=1.1,
        took=0.5,
        name="llm.call",
        type="GENERATION",
        model="grader-1",
        input=orjson.dumps(MESSAGES).decode(),
        output='{"grade": 2.5, "notes": [1, 2, 3]}',
        usage_details={"input": 1200, "output": 34, "total": 1234},
        cost_details={"total": 0.0123},
        model_parameters={"temperature": 0.7},
        prompt_name="grade",
        prompt_version=3,
        metadata={semconv.REDACTION_RECEIPT: RECEIPT, "own": {"a": 1}},
    )
    return [
        step(
            trace_id,
            1,
            took=5,
            name="answer.grade",
            type="CHAIN",
            session_id="attempt-1",
            user_id="user-1",
            environment="staging",
            release="r7",
            tags=("pilot",),
            input='"plain"',
            **(
                {"level": "ERROR", "status_message": "no pass", "metadata": root | error["metadata"]}
                if failed
                else {"metadata": root | {semconv.GRADE: 2.5, semconv.GRADE_MAX: 4, semconv.CONFIDENCE: 0.8}}
            ),
        ),
        *passes,
        step(
            trace_id,
            13,
            1,
            start=3,
            name="grade.pass",
            level="ERROR",
            status_message="unexpected end of data",
            metadata=broken,
        ),
        model_call,
        step(trace_id, 21, 13, start=3.2, took=0.1, name="grade.parse", **error),
    ]


def scores(trace_id: str = GRADED) -> tuple[Score, ...]:
    """Return a score of the trace and one of its model call."""
    common = {"trace_id": trace_id, "timestamp_ns": START_NS}
    return (
        Score(
            id=f"s1-{trace_id}", name="expert agrees", value=1.0, data_type="BOOLEAN", comment="as I would", **common
        ),
        Score(
            id=f"s2-{trace_id}",
            name="tone",
            value="calm",
            data_type="CATEGORICAL",
            observation_id=f"{20:016x}",
            **common,
        ),
    )


def plain(number: int, **given) -> Observation:
    """Return a trace of one observation; the higher the number, the older."""
    return step(f"{number:032x}", 1, start=-number, name=f"plain {number}", **given)
