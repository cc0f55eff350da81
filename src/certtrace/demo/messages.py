"""What travels on the bus: JSON bodies and headers of the capture and review topics."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from certtrace.demo.bus import Delivery
from certtrace.demo.people import Person
from certtrace.grading import Answer, Draft, Message, Submission, SubmissionPart

SYSTEM: Final = "in_process"
IDEMPOTENCY_KEY: Final = "idempotency-key"


def idempotency_key(subject_id: str) -> str:
    """Return the key that every delivery of one subject shares."""
    return f"grade:{subject_id}"


def record_of(delivery: Delivery) -> Message:
    """Return what a trace records about a delivery."""
    return Message(
        topic=delivery.topic,
        id=delivery.message_id,
        system=SYSTEM,
        consumer_group=delivery.group,
        delivery_attempt=delivery.attempt,
        partition="0",
        offset=delivery.offset,
    )


def encode_answer(answer: Answer) -> bytes:
    """Return the body of a captured answer."""
    return orjson.dumps(answer)


def encode_submission(submission: Submission, team: Sequence[Person]) -> bytes:
    """Return the body of a captured submission with those who worked on it."""
    return orjson.dumps({"submission": submission, "team": list(team)})


def decode_answer(body: bytes) -> Answer:
    """Return the answer of a message."""
    values: dict[str, Any] = orjson.loads(body)
    return Answer(**{**values, "candidate": Person(**values["candidate"])})


def decode_submission(body: bytes) -> tuple[Submission, list[Person]]:
    """Return the submission of a message and its team."""
    message: dict[str, Any] = orjson.loads(body)
    values = message["submission"]
    parts = tuple(SubmissionPart(**part) for part in values["parts"])
    submission = Submission(**{**values, "parts": parts, "candidate": Person(**values["candidate"])})
    return submission, [Person(**member) for member in message["team"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRequest:
    """What a Manual Grader Service gets: a draft, or nothing but the failure when there is none."""

    subject_id: str
    attempt_id: str
    candidate: Person
    max_grade: float
    draft: Draft | None = None
    human_score: float | None = None
    """What the human graders of the input data gave; the simulated expert decides by it."""


class ReviewQueue:
    """Review requests by message id.

    The bus carries bytes; a draft holds typed decisions that only this process reads, so the queue message names it and
    the typed request is kept here.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._requests: dict[str, ReviewRequest] = {}

    def put(self, request: ReviewRequest) -> bytes:
        """Keep a request and return the body of its message."""
        self._requests[request.subject_id] = request
        return orjson.dumps({"subject_id": request.subject_id})

    def take(self, delivery: Delivery) -> ReviewRequest:
        """Return the request that a message names."""
        return self._requests.pop(orjson.loads(delivery.body)["subject_id"])
