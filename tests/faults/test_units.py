"""Odd units: spans that never end, end twice or too late, ids that repeat, messages that come again."""

import json
import time
from collections import Counter

import pytest
from opentelemetry import trace
from tests.faults.service import attributes_of, resident_bytes, wait_until

import certtrace
from certtrace import assembly, semconv, span, traced

SAMPLING = semconv.metadata(semconv.SAMPLING)
MEGABYTE = 1 << 20


def told(found):
    """Return what a delivered span says of its sampling."""
    attributes = attributes_of(found)
    return json.loads(attributes.get(SAMPLING) or attributes[semconv.SAMPLING])


# --- 44: never ended, ended twice, set afterwards ---------------------------------------------------------------------


def test_spans_that_never_end_cost_a_skeleton_each_and_grow_no_further(service):
    running = service(max_unit_age_seconds=1.0)
    inner = assembly.current_running()
    tracer = trace.get_tracer("other")
    with span("other"):  # with the first unit that ends the worker begins, who looks after those that do not
        pass
    before = resident_bytes()
    kept = [tracer.start_span(f"endless {number}") for number in range(2_000)]
    assert resident_bytes() - before < 150 * MEGABYTE
    assert assembly.status().account.open == 2_000
    accepted = inner.spool.counters
    # The worker journals every root once it is old: were the process killed, the next one would speak for them.
    assert wait_until(lambda: accepted().accepted >= 2_001, 60)
    began, before = time.process_time(), resident_bytes()
    for _ in range(5):
        inner.tracer.complete_stale(0, 0.0)
    assert time.process_time() - began < 5
    assert resident_bytes() - before < 30 * MEGABYTE
    assert accepted().accepted == 2_001
    account = assembly.status().account
    assert (account.open, account.kept, account.balanced) == (2_000, 1, True)
    for each in kept:
        each.end()
    status = running.settle()
    assert status.account.kept == 2_001
    assert accepted().accepted == 2_001  # the journal had them already
    assert sum(running.stored().values()) == 2_001


def test_a_unit_that_nobody_ends_is_given_up_after_its_time_as_abandoned(service, monkeypatch):
    monkeypatch.setattr("certtrace.tracing.completing.MAX_OPEN_SECONDS", 0.0)
    running = service(sample_rate=0.0)
    handle = span("endless")
    opened = handle.__enter__()
    assembly.current_running().tracer.complete_stale(0, 600.0)
    status = running.settle()
    assert status.account.kept_by_rule == {"cancelled": 1}
    assert (status.account.open, status.account.pending) == (0, 0)
    opened.set_attribute("later", 1)
    handle.__exit__(None, None, None)  # leaves the span's context, and records nothing twice
    running.settle()
    assert running.stored() == {"endless": 1}


def test_a_span_that_is_ended_twice_and_written_to_afterwards_stays_what_it_was(service):
    running = service()
    with span("first") as handle:
        handle.set_attribute("set", "before")
        handle.end()
        handle.end(end_time=5)
    other = trace.get_tracer("other").start_span("second")
    other.end()
    other.end()
    before = resident_bytes()
    for number in range(20_000):
        handle.set_attribute(f"key{number}", "x" * 1_000)
        handle.add_event("late")
        handle.update(output="late", name="renamed")
        handle.fail("Late", "late")
    other.set_attribute("key", "late")
    assert resident_bytes() - before < 10 * MEGABYTE
    status = running.settle()
    assert (status.account.started, status.account.kept) == (2, 2)
    assert running.stored() == {"first": 1, "second": 1}
    found = running.one("first")
    assert not found.events
    assert found.status.code == 0
    assert found.end_time_unix_nano >= found.start_time_unix_nano > 5
    assert not any("late" in str(value) for value in attributes_of(found).values())


# --- 45: ids ----------------------------------------------------------------------------------------------------------


def test_the_same_seeded_trace_graded_again_is_two_units_with_randomness_of_their_own(service):
    running = service()
    for number in range(20):
        with span("grade", seed="submission-7", input=f"attempt {number}"):
            with span("pass"):
                pass
            certtrace.current_span().score("grade", float(number))
    status = running.settle()
    assert status.account.kept == 20
    roots = [found for found in running.sent() if found.name == "grade"]
    assert len({found.trace_id for found in roots}) == 1
    assert len({found.span_id for found in roots}) == 20
    assert len({found.trace_state for found in roots}) == 20  # `rv`: the id repeats, chance does not
    assert len(running.trace(roots[0].trace_id.hex()).observations) == 40
    assert len(running.scores()) == 20


def test_spans_with_the_same_id_end_their_unit_and_reach_every_destination(service, monkeypatch):
    running = service()
    numbers = iter([1, 2, 2, 2, *range(10, 1_000)])
    monkeypatch.setattr("certtrace.tracing.runtime.new_bits", lambda bits: 99 if bits == 128 else next(numbers))
    with span("root"):
        with span("twin"), span("twin"):
            pass
        with span("twin"):
            pass
    monkeypatch.undo()
    assert certtrace.force_flush(30).delivered
    account = assembly.status().account
    assert (account.balanced, account.open, account.pending) == (True, 0, 0)
    # Both destinations know a span by its id: the server gets all of them and keeps, as the store does, one.
    assert Counter(found.name for found in running.sent()) == {"root": 1, "twin": 3}
    assert running.stored() == {"root": 1, "twin": 1}


@pytest.mark.parametrize(
    "traceparent",
    [
        f"00-{'0' * 32}-{'0' * 16}-01",
        f"00-{'0' * 32}-{'1' * 16}-01",
        f"00-{'1' * 32}-{'0' * 16}-01",
        f"ff-{'1' * 32}-{'1' * 16}-01",
        "00-xyz",
        "",
        "\ud800" * 55,
    ],
)
def test_ids_that_are_none_begin_a_trace_of_their_own(service, traceparent):
    running = service()
    with certtrace.continue_trace({"traceparent": traceparent, "tracestate": "ot=th:8"}), span("consume"):
        pass
    status = running.settle()
    assert (status.account.kept, status.faults) == (1, {})
    found = running.one("consume")
    assert found.parent_span_id == b""
    assert int.from_bytes(found.trace_id, "big") not in (0, int("1" * 32, 16))


# --- 46: late ---------------------------------------------------------------------------------------------------------


def test_children_that_end_or_start_after_their_root_follow_its_decision(service):
    running = service(sample_rate=0.0)
    tracer = trace.get_tracer("other")
    with pytest.raises(ValueError), span("root"):
        early = tracer.start_span("ends late")
        later = certtrace.in_context(traced(name="starts late")(len))
        raise ValueError("told")
    assert assembly.status().account.pending == 1  # one of its spans is open
    assembly.current_running().tracer.complete_stale(time.time_ns() + 10**12, 600.0)  # and does not end in time
    certtrace.force_flush(30)
    assert running.stored() == {"root": 1}
    early.end()
    later("text")
    status = running.settle()
    assert running.stored() == {"root": 1, "ends late": 1, "starts late": 1}
    assert len({found.trace_id for found in running.sent()}) == 1
    assert told(running.one("ends late"))["late"] is True
    assert told(running.one("starts late"))["late"] is True
    assert status.account.kept == 3


def test_a_late_child_of_a_dropped_root_is_dropped_with_it_and_a_late_failure_is_kept(service):
    running = service(sample_rate=0.0)
    with span("root"):
        quiet = certtrace.in_context(traced(name="quiet")(len))
        failing = certtrace.in_context(traced(name="failing")(int))
    assert assembly.status().account.dropped == {"baseline": 1}
    quiet("text")
    with pytest.raises(ValueError):
        failing("no number")
    status = running.settle()
    assert running.stored() == {"failing": 1}
    assert status.account.kept_by_rule == {"error": 1}
    assert status.account.dropped == {"baseline": 2}


@pytest.mark.parametrize("first_fails", [True, False])
def test_a_message_delivered_again_after_its_trace_was_decided_belongs_to_it(service, first_fails):
    running = service(sample_rate=0.0)
    headers = {}
    with span("produce"):
        certtrace.inject(headers)

    def consume(*, fails):
        with certtrace.continue_trace(headers), span("consume"):
            if fails:
                raise ValueError("told")

    if first_fails:
        with pytest.raises(ValueError):
            consume(fails=True)
        certtrace.force_flush(30)
        consume(fails=False)
        consume(fails=False)
    else:
        consume(fails=False)
        certtrace.force_flush(30)
        with pytest.raises(ValueError):
            consume(fails=True)
        consume(fails=False)
    status = running.settle()
    sent = [found for found in running.sent() if found.name == "consume"]
    assert status.account.kept_by_rule == {"error": 1, "context": 2 if first_fails else 1}
    assert len(sent) == (3 if first_fails else 2)
    assert len({found.trace_id for found in sent}) == 1
    assert len({found.span_id for found in sent}) == len(sent)
    # What is kept for context stands for nothing: it has no threshold.
    assert sorted("th" in told(found) for found in sent) == [False] * (len(sent) - 1) + [True]
    assert all(found.links or found.parent_span_id for found in sent)
