"""What one span may hold altogether: the work for it is bounded, and what was cut says how much there was."""

import json
import re
import sys

import pytest

from certtrace import semconv
from certtrace.ports import EventRecord, SpanRecord, Structured
from certtrace.redaction import RedactionPolicy, Redactor
from certtrace.redaction.bounds import VALUES_PER_SPAN

BOUND = 4_096
EMAIL = "jane.doe@example.com"
redactor = Redactor(RedactionPolicy(names="off", max_value_bytes=BOUND), b"k" * 32)


def record(attributes, events=()):
    return SpanRecord(1, 2, 0, "grade", 1, 1, 2, 0, "", attributes, events=list(events))


def redacted(span):
    (found,) = redactor.redact_unit([span], [])
    return found, json.loads(found.attributes[semconv.REDACTION_RECEIPT])


def size_of(span):
    texts = [*span.attributes, *map(str, span.attributes.values())]
    for event in span.events:
        texts += [event.name, *event.attributes, *map(str, event.attributes.values())]
    return sum(map(len, texts))


def test_an_ordinary_span_is_left_as_it_is():
    attributes = {f"key{n}": f"value {n}" for n in range(100)} | {"long": "layers " * 500}
    events = [EventRecord(f"event {n}", n, {"n": n}) for n in range(100)]
    found, receipt = redacted(record(attributes, events))
    assert {key: found.attributes[key] for key in attributes} == attributes
    assert [event.attributes for event in found.events] == [event.attributes for event in events]
    assert receipt["withheld"] == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda n: f"{EMAIL} {n} " * 1_000,
        lambda n: Structured([f"{EMAIL} {n} {m} " * 25 for m in range(40)]),
        lambda n: Structured({f"{EMAIL} {n} {m} " * 25: m for m in range(40)}),
    ],
    ids=["texts", "lists", "keys"],
)
def test_many_large_values_are_cut_together(make):
    found, receipt = redacted(record({f"key{n}": make(n) for n in range(500)}))
    assert size_of(found) < 2 * VALUES_PER_SPAN * BOUND + 500 * 80
    assert receipt["withheld"] >= 500 - 2 * VALUES_PER_SPAN
    assert len(found.attributes) == 501
    assert EMAIL not in str(found)


def test_a_text_that_was_cut_tells_its_length_and_equal_texts_have_one_hash():
    text = "word " * 2_000
    found, _ = redacted(record({f"key{n}": text for n in range(100)}))
    marks = {found.attributes[f"key{n}"] for n in range(50, 100)}
    assert len(marks) == 1
    assert re.fullmatch(r"<cut: 10000 characters in all, [0-9a-f]{10}>", marks.pop())


def test_short_values_behind_large_ones_stay():
    attributes = {f"key{n}": "word " * 2_000 for n in range(50)} | {"attempt": 3, "model": "gpt-4o"}
    found, _ = redacted(record(attributes))
    assert (found.attributes["attempt"], found.attributes["model"]) == (3, "gpt-4o")


def test_keys_count_and_those_beyond_the_bound_are_dropped_and_counted():
    found, receipt = redacted(record({f"{n} " * 2_000: n for n in range(3_000)}))
    assert size_of(found) < 2 * VALUES_PER_SPAN * BOUND
    assert found.dropped_attributes > 2_900
    assert receipt["withheld"] >= found.dropped_attributes


def test_events_share_the_bound_of_their_span():
    events = [EventRecord(f"event {n}", n, {f"key{m}": f"{EMAIL} {m}" for m in range(50)}) for n in range(1_000)]
    found, receipt = redacted(record({}, events))
    assert len(found.events) == 1_000
    assert [event.time_ns for event in found.events] == list(range(1_000))
    assert size_of(found) < VALUES_PER_SPAN * BOUND + 1_000 * 100
    assert receipt["withheld"] > 40_000


def test_a_structure_that_is_its_own_part_is_measured():
    cycle = []
    cycle.append(cycle)
    found, _ = redacted(record({f"key{n}": Structured(cycle) for n in range(20)}))
    assert len(found.attributes) == 21


def calls(work):
    count = 0

    def one(_frame, event, _argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(one)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_ten_times_the_values_cost_hardly_more():
    def span(number):
        return record({f"key{n}": f"{EMAIL} {n} " * 300 for n in range(number)})

    some = calls(lambda: redacted(span(50)))
    many = calls(lambda: redacted(span(500)))
    assert many < 2 * some + 450 * 60  # each value more is only measured and marked
