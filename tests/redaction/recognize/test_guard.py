"""A recognizer of the host may raise, hang or return nonsense: the text is withheld, counted, and said once."""

import json
import logging
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from certtrace import semconv
from certtrace.ports import Recognized, SpanRecord
from certtrace.redaction import WITHHELD, RedactionPolicy, Redactor

SECRET = "the canary sang"


class Behaving:
    """Behaves as it was told to."""

    name = "behaving"

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.released = threading.Event()

    def recognize(self, texts: Sequence[str]) -> Any:
        if self.answer == "hang":
            self.released.wait(30)
            return [[] for _ in texts]
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer(texts) if callable(self.answer) else self.answer


def redacted(recognizer: Behaving, text: str = SECRET) -> tuple[SpanRecord, Redactor]:
    policy = RedactionPolicy(names="off", max_value_seconds=0.2)
    redactor = Redactor(policy, b"k" * 32, foreign=[recognizer])
    span = SpanRecord(1, 2, 0, "grade", 1, 0, 1, 1, "", {semconv.OBSERVATION_INPUT: text})
    return redactor.redact_unit([span], [])[0], redactor


@pytest.mark.parametrize(
    "answer",
    [
        RuntimeError(SECRET),
        SystemExit(3),
        "hang",
        None,
        [[]] * 7,
        [[Recognized(0, 9_999)]],
        [[Recognized(-3, 2)]],
        [[Recognized(5, 5)]],
        [[Recognized(0, 3, "FLAVOUR")]],
        [["not a place"]],
    ],
    ids=["raises", "exits", "hangs", "none", "too many", "too far", "negative", "empty", "unknown type", "nonsense"],
)
def test_a_failing_recognizer_withholds_the_text_and_the_span_goes_out(answer, caplog):
    recognizer = Behaving(answer)
    with caplog.at_level(logging.ERROR):
        span, redactor = redacted(recognizer)
    recognizer.released.set()
    assert span.attributes[semconv.OBSERVATION_INPUT] == WITHHELD
    assert span.name == "grade"
    assert redactor.failures == 1
    assert json.loads(span.attributes[semconv.REDACTION_RECEIPT])["withheld"] == 1
    assert len(caplog.records) == 1
    assert SECRET not in caplog.text


def test_a_recognizer_that_hung_is_left_alone_and_its_texts_are_withheld_at_once():
    recognizer = Behaving("hang")
    span, redactor = redacted(recognizer)
    again = redactor.redact_unit([span.__class__(1, 3, 0, "x", 1, 0, 1, 1, "", {"note": "another text"})], [])[0]
    recognizer.released.set()
    assert again.attributes["note"] == WITHHELD
    assert redactor.failures == 2


def test_what_a_recognizer_finds_is_replaced_and_explained():
    def names(texts: Sequence[str]) -> list[list[Recognized]]:
        return [
            [Recognized(text.index("canary"), text.index("canary") + 6)] if "canary" in text else [] for text in texts
        ]

    span, redactor = redacted(Behaving(names))
    assert span.attributes[semconv.OBSERVATION_INPUT] == f"the {redactor.pseudonym('canary')} sang"
    change = redactor.explain(SECRET).changes[0]
    assert (change.start, change.end, change.type, change.layer, change.rule) == (4, 10, "PERSON", "name", "behaving")


def test_operational_attributes_are_not_asked_about():
    asked: list[str] = []

    def listen(texts: Sequence[str]) -> list[list[Recognized]]:
        asked.extend(texts)
        return [[] for _ in texts]

    policy = RedactionPolicy(names="off")
    redactor = Redactor(policy, b"k" * 32, foreign=[Behaving(listen)])
    attributes = {semconv.GEN_AI_REQUEST_MODEL: "Claude Sonnet", semconv.OBSERVATION_OUTPUT: "Good answer"}
    redactor.redact_unit([SpanRecord(1, 2, 0, "Grade Answer", 1, 0, 1, 1, "", attributes)], [])
    assert asked == ["Good answer"]
