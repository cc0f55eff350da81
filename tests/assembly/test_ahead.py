"""Units that wait for the worker are looked at together, and leave as if each had come alone."""

import pytest
from tests.assembly.conftest import bytes_of

import certtrace
from certtrace import assembly, tracing
from certtrace.assembly.redaction import Route
from certtrace.redaction import RedactionPolicy, Redactor
from certtrace.redaction.recognize.shipped import load

COUNT = 40
NAMES = ("Wanda", "Walter", "Lindqvist", "Okafor")


class Counting:
    """The shipped recognizer, which counts how often it is asked."""

    name = "names"

    def __init__(self):
        self.calls = 0

    def recognize(self, texts):
        self.calls += 1
        return load().recognize(texts)


@certtrace.traced
def grade(answer):
    return {"why": f"{answer[:30]} and more of it"}


def grade_many(running):
    with running.pipeline.worker._working:  # the worker stands still
        for number in range(COUNT):
            grade(f"Answer {number} was written by Wanda Okafor: layers isolate change")


def test_a_queue_is_looked_at_in_a_few_calls_and_nothing_of_it_is_remembered(configured, home):
    running = configured()
    recognizers = [Counting(), Counting()]
    redactors = [Redactor(RedactionPolicy(), b"k" * 32, own=[each]) for each in recognizers]
    names = [route.destinations for route in running.pipeline.stations.routes]
    running.pipeline.stations.routes = [Route(redactors[0], names[0]), Route(redactors[1], ("elsewhere",))]
    grade_many(running)
    assert certtrace.force_flush(30)
    for recognizer, redactor in zip(recognizers, redactors, strict=True):
        assert 0 < recognizer.calls < COUNT / 4
        assert not redactor.ahead.names
        assert not redactor.ahead.looked
    assert assembly.status().account.kept == COUNT
    assert b"Okafor" not in bytes_of(home)
    assert b"layers isolate change" in bytes_of(home)


@pytest.mark.parametrize("error", [ValueError, RecursionError])
def test_a_look_ahead_that_fails_costs_nothing(configured, home, error):
    class Failing(Redactor):
        def look_ahead(self, *_):
            raise error

    running = configured()
    running.pipeline.stations.routes = [Route(Failing(RedactionPolicy(), b"k" * 32, own=[load()]))]
    grade_many(running)
    certtrace.force_flush(30)
    assert assembly.status().withheld == 0
    assert b"Okafor" not in bytes_of(home)
    assert b"layers isolate change" in bytes_of(home)


def test_a_unit_alone_is_not_looked_at_ahead(configured):
    looked = []

    class Noting(Redactor):
        def look_ahead(self, units, go_on=None):
            looked.append(units)

    running = configured()
    running.pipeline.stations.routes = [Route(Noting(RedactionPolicy(), b"k" * 32))]
    seen = []
    running.pipeline.stations.listeners.append(seen.extend)
    for _ in range(3):
        grade("alone")
        running.pipeline.flush(10)
    assert len(seen) == 3
    assert not looked


def test_what_is_looked_at_together_is_bounded_in_memory(configured):
    looked = []

    class Counted(Redactor):
        def look_ahead(self, units, go_on=None):
            looked.append(len(units))
            super().look_ahead(units, go_on)

    running = configured()
    running.pipeline.stations.routes = [Route(Counted(RedactionPolicy(), b"k" * 32))]
    with running.pipeline.worker._working:
        for number in range(COUNT):
            grade(f"{number} isolates change " * 2_000)
    running.pipeline.flush(30)
    assert 1 < max(looked) < COUNT


def test_a_redactor_that_cannot_look_ahead_is_asked_unit_by_unit(configured):
    inner = Redactor(RedactionPolicy(), b"k" * 32)
    plain = type("Plain", (), {"redact_unit": staticmethod(inner.redact_unit), "redact_value": inner.redact_value})()
    running = configured()
    running.pipeline.stations.routes = [Route(plain)]
    seen = []
    running.pipeline.stations.listeners.append(seen.extend)
    grade_many(running)
    running.pipeline.flush(30)
    assert len(seen) == COUNT


def test_whoever_is_known_in_one_trace_is_gone_from_that_trace_alone(configured, home):
    running = configured(redaction_policy=without_names(home))
    with running.pipeline.worker._working:
        for number in range(COUNT):
            with tracing.span("grade", input=f"Answer {number} of {NAMES[number % 4]} and {NAMES[number % 4 - 1]}"):
                certtrace.identify(name=NAMES[number % 4])
    certtrace.force_flush(30)
    found = bytes_of(home).decode(errors="replace")
    for number in range(COUNT):
        assert f"Answer {number} of <person:" in found
        assert f"Answer {number} of {NAMES[number % 4]}" not in found
        assert f" and {NAMES[number % 4]}" in found  # in the traces that do not know this one


def without_names(home):
    home.mkdir(exist_ok=True)
    policy = home / "policy.toml"
    policy.write_text('names = "off"\n', encoding="utf-8")
    return policy
