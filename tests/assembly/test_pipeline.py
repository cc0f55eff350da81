"""The way of a unit on a real home folder: decision, skeleton, redaction, ledger, spool, store."""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Annotated

import pytest
from opentelemetry import trace
from tests.assembly.conftest import bytes_of

import certtrace
from certtrace import assembly, ledger, semconv, tracing
from certtrace.assembly.redaction import Route
from certtrace.records.source import StoreSource, TraceFilter
from certtrace.testing import recording


@dataclass
class Candidate:
    name: Annotated[str, certtrace.Pii.PERSON]
    email: Annotated[str, certtrace.Pii.EMAIL]


@certtrace.traced
def work(value):
    return value


@certtrace.traced
def fail(value):
    raise ValueError(value)


def summaries(home):
    return StoreSource(home / "store.db").list_traces(TraceFilter(), limit=1_000).traces


def test_a_traced_call_arrives_in_the_store(configured, home):
    configured()
    work("hello")
    assert certtrace.force_flush(10).delivered
    (found,) = summaries(home)
    assert (found.name, found.status, found.service) == ("work", "ok", "svc")


def test_what_is_accepted_is_on_disk_before_the_call_returns(configured):
    running = configured()
    before = running.spool.counters().accepted
    work("hello")
    assert running.spool.counters().accepted == before + 1


def test_errors_and_low_confidence_are_kept_when_the_baseline_keeps_nothing(configured, home):
    configured(sample_rate=0.0)
    work("dropped")
    with pytest.raises(ValueError, match="kept"):
        fail("kept")
    with tracing.span("unsure") as span:
        span.set_attribute(semconv.CONFIDENCE, 0.3)
    with tracing.span("sure") as span:
        span.set_attribute(semconv.CONFIDENCE, 0.9)
    certtrace.force_flush(10)
    assert sorted(found.name for found in summaries(home)) == ["fail", "unsure"]
    account = assembly.status().account
    assert account.kept_by_rule == {"error": 1, "low_confidence": 1}
    assert account.dropped == {"baseline": 2}
    assert account.balanced


def test_every_kept_span_carries_rule_and_threshold():
    with recording(sample_rate=0.5) as seen:
        for _ in range(200):
            work("x")
        spans = seen.spans
    assert 60 < len(spans) < 140
    for span in spans:
        assert json.loads(span.attributes[semconv.SAMPLING]) == {"rule": "baseline", "th": "8"}
        assert span.record.trace_state == "ot=th:8"
        assert span.record.trace_id & (2**56 - 1) >= 2**55


def test_a_drop_rule_leaves_nothing_of_the_tree_and_counts_it(configured, home):
    configured(drop_names={"health"})
    with tracing.span("health") as handle:
        assert not handle.recording
        work("below")
    work("beside")
    certtrace.force_flush(10)
    assert [found.name for found in summaries(home)] == ["work"]
    assert assembly.status().account.dropped == {"drop_rule": 1}
    assert assembly.status().account.balanced


def test_the_account_balances_while_many_threads_work(configured, home):
    configured(sample_rate=0.3)

    def many():
        for number in range(300):
            if number % 10 == 0:
                with pytest.raises(ValueError, match="x"):
                    fail("x")
            else:
                work("x")

    threads = [threading.Thread(target=many) for _ in range(6)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        account = assembly.status().account
        counted = account.open + account.pending + account.kept + sum(account.dropped.values())
        assert counted <= account.started  # no unit is counted twice; one that is just being decided may be missing
        time.sleep(0.005)
    for thread in threads:
        thread.join()
    certtrace.force_flush(30)
    account = assembly.status().account
    assert account.balanced
    assert (account.started, account.open) == (1_800, 0)
    assert account.kept_by_rule["error"] == 180
    assert account.kept == len(summaries(home))


def test_a_person_named_late_is_gone_from_what_was_recorded_before(configured, home):
    configured()
    with tracing.span("grade", input="The answer of Maria Lindqvist"):
        work("Lindqvist writes well")
        certtrace.identify(name="Maria Lindqvist", email="maria.l@example.org")
    certtrace.force_flush(10)
    assert b"Lindqvist" not in bytes_of(home)
    assert b"<person:" in bytes_of(home)


def test_units_of_one_trace_wait_for_each_other_and_share_who_is_known(configured, home):
    configured()
    headers = {}
    with tracing.span("worker"):
        certtrace.inject(headers)

        def gateway():
            with certtrace.continue_trace(headers), tracing.span("gateway", input="Prompt about Maria Lindqvist"):
                pass

        thread = threading.Thread(target=gateway)
        thread.start()
        thread.join()
        certtrace.force_flush(10)
        assert summaries(home) == ()
        work(Candidate("Maria Lindqvist", "maria.l@example.org"))
    certtrace.force_flush(10)
    assert b"Lindqvist" not in bytes_of(home)
    (found,) = summaries(home)
    assert found.observation_count == 3


def test_a_later_unit_of_the_trace_knows_the_person_of_an_earlier_one(configured, home):
    configured()
    headers = {}
    with tracing.span("capture"):
        work(Candidate("Maria Lindqvist", "maria.l@example.org"))
        certtrace.inject(headers)
    certtrace.force_flush(10)
    with certtrace.continue_trace(headers), tracing.span("grade", input="Lindqvist answered"):
        pass
    certtrace.force_flush(10)
    assert b"Lindqvist" not in bytes_of(home)


def test_a_span_that_begins_after_its_root_ended_follows_the_roots_decision(configured, home):
    configured(sample_rate=0.0)
    late = {}
    with pytest.raises(ValueError, match="root"), tracing.span("root"):
        late["work"] = tracing.in_context(work)
        msg = "root"
        raise ValueError(msg)
    late["work"]("late")
    certtrace.force_flush(10)
    (found,) = summaries(home)
    assert found.observation_count == 2


def test_a_unit_waits_for_spans_that_are_still_open_in_other_threads(configured, home):
    configured()
    release, inside = threading.Event(), threading.Event()

    def slow():
        with tracing.span("slow"):
            inside.set()
            release.wait(10)

    with tracing.span("root"):
        thread = threading.Thread(target=tracing.in_context(slow))
        thread.start()
        inside.wait(10)
    assert assembly.status().account.pending == 1
    release.set()
    thread.join()
    certtrace.force_flush(10)
    (found,) = summaries(home)
    assert found.observation_count == 2


def test_a_span_that_does_not_end_holds_its_unit_only_for_a_time(configured, home, monkeypatch):
    monkeypatch.setattr("certtrace.assembly.pipeline.MAX_WAIT_SECONDS", 0.0)
    configured()
    with tracing.span("root"):
        late = trace.get_tracer("other").start_span("late")
    deadline = time.monotonic() + 10
    while not summaries(home) and time.monotonic() < deadline:
        certtrace.force_flush(1)
    assert [found.name for found in summaries(home)] == ["root"]
    account = assembly.status().account
    assert (account.kept, account.pending, account.open) == (1, 0, 0)
    late.end()
    certtrace.force_flush(10)
    (found,) = summaries(home)
    assert found.observation_count == 2
    assert assembly.status().account.balanced


def test_a_traced_call_that_outlives_its_units_decision_still_arrives(configured, home):
    running = configured(sample_rate=0.0)
    release, inside = threading.Event(), threading.Event()

    @certtrace.traced
    def slow():
        inside.set()
        release.wait(10)
        raise ValueError("late")

    def call():
        with pytest.raises(ValueError, match="late"):
            slow()

    with tracing.span("root"):
        thread = threading.Thread(target=tracing.in_context(call))
        thread.start()
        inside.wait(10)
    (unit,) = running.tracer.units.waiting()
    running.tracer.complete(unit, partly=True)
    release.set()
    thread.join()
    certtrace.force_flush(10)
    (found,) = summaries(home)
    assert (found.name, found.status) == ("slow", "error")
    account = assembly.status().account
    assert (account.kept_by_rule, account.dropped) == ({"error": 1}, {"baseline": 1})
    assert account.balanced


def test_a_listener_that_raises_does_not_undo_what_was_delivered(configured, home, caplog):
    running = configured()

    def broken(_spans):
        msg = "joe@example.org"
        raise RuntimeError(msg)

    running.pipeline.stations.listeners.append(broken)
    work("x")
    certtrace.force_flush(10)
    assert [found.name for found in summaries(home)] == ["work"]
    assert "joe@" not in caplog.text


def test_shutdown_decides_what_is_still_waiting(configured, home):
    configured()
    release, inside = threading.Event(), threading.Event()

    def slow():
        with tracing.span("slow"):
            inside.set()
            release.wait(10)

    with tracing.span("root"):
        thread = threading.Thread(target=tracing.in_context(slow))
        thread.start()
        inside.wait(10)
    certtrace.shutdown(5)
    release.set()
    thread.join()
    assert [found.name for found in summaries(home)] == ["root"]


def test_scores_reach_the_store_redacted(configured, home):
    configured()
    with tracing.span("grade") as span:
        certtrace.identify(name="Maria Lindqvist")
        span.score("grade", 3.5, comment="Maria Lindqvist did well, write to joe@example.org")
    certtrace.force_flush(10)
    (found,) = summaries(home)
    (score,) = StoreSource(home / "store.db").get_trace(found.trace_id).scores
    assert score.value == 3.5
    assert "<person:" in score.comment
    assert b"Lindqvist" not in bytes_of(home)
    assert b"joe@example.org" not in bytes_of(home)


def test_a_redactor_that_raises_costs_the_content_and_not_the_trace(configured, home, caplog):
    running = configured()

    def broken(*_args):
        msg = "secret joe@example.org"
        raise RuntimeError(msg)

    broken_redactor = type("Broken", (), {"redact_unit": broken, "redact_value": broken})()
    running.pipeline.stations.routes = [Route(broken_redactor)]
    work("joe@example.org")
    running.pipeline.flush(10)
    work("joe@example.org")
    running.pipeline.flush(10)
    assert b"joe@" not in bytes_of(home)
    assert "joe@" not in caplog.text
    assert len([record for record in caplog.records if "without content" in record.getMessage()]) == 1
    certtrace.force_flush(10)
    assert [found.name for found in summaries(home)] == ["withheld", "withheld"]
    assert assembly.status().account.kept == 2
    assert assembly.status().withheld == 2


def test_more_than_the_backlog_holds_is_refused_and_counted(configured):
    running = configured(max_backlog_bytes=1_048_576, stress_sample_rate=1.0)
    with running.pipeline.worker._working:  # the worker stands still
        for _ in range(100):
            work("x" * 20_000)
        account = assembly.status().account
    assert account.dropped["backlog_full"] + account.kept == 100
    assert account.dropped["backlog_full"] > 40
    assert account.balanced


def test_the_ledger_has_an_entry_for_every_decided_unit(configured, home):
    configured(sample_rate=0.0)
    work("dropped")
    with pytest.raises(ValueError, match="kept"):
        fail("kept")
    certtrace.force_flush(10)
    (path,) = (home / "ledger").glob("*.jsonl")
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    decided = [entry for entry in entries if "keep" in entry]
    assert sorted((entry["keep"], entry["rule"]) for entry in decided) == [(False, "baseline"), (True, "error")]
    assert ledger.verify(path)


def test_what_a_crash_left_without_content_gets_its_entry_in_the_ledger(configured, home):
    code = """
import os, sys, certtrace
from certtrace import assembly
certtrace.configure(home=sys.argv[1])
worker = assembly.current_running().pipeline.worker
worker._working.acquire()  # nothing is redacted
with certtrace.span("cut off"):
    pass
os._exit(9)
"""
    done = subprocess.run([sys.executable, "-c", code, str(home)], check=False, timeout=60)
    assert done.returncode == 9
    configured()
    deadline = time.monotonic() + 30
    while not (found := summaries(home)) and time.monotonic() < deadline:
        certtrace.force_flush(1)
    (lost,) = found
    certtrace.shutdown(5)
    entries = [json.loads(line) for path in (home / "ledger").glob("*.jsonl") for line in path.read_text().splitlines()]
    (entry,) = [entry for entry in entries if "keep" in entry]
    assert (entry["trace_id"], entry["rule"], entry["spans"]) == (lost.trace_id, "baseline", 1)
    assert entry["content_lost"] == "crash"
    assert all(ledger.verify(path) for path in (home / "ledger").glob("*.jsonl") if path.stat().st_size)


def test_a_forked_child_records_its_own_and_nothing_of_its_parent(configured, home):
    configured()
    with tracing.span("parent"):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                work("child")
                code = 0 if certtrace.force_flush(10).delivered else 2
            finally:
                os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0
    certtrace.force_flush(10)
    names = sorted(found.name for found in summaries(home))
    counts = [found.observation_count for found in summaries(home)]
    # The child's call stands below the parent's open span: one trace, each span once.
    assert (names, counts) == (["parent"], [2])
    assert assembly.status().account.started == 1


def test_what_a_killed_process_accepted_is_delivered_by_the_next(configured, home):
    pid = os.fork()
    if pid == 0:
        certtrace.configure(home=home, service_name="svc", instrument_langfuse=False)
        for _ in range(50):
            work("x")
        os._exit(9)
    os.waitpid(pid, 0)
    configured()
    deadline = time.monotonic() + 20
    while len(summaries(home)) < 50 and time.monotonic() < deadline:
        certtrace.force_flush(5)
    assert len(summaries(home)) == 50


def test_the_processs_end_keeps_its_budget_against_a_backend_that_hangs(configured, sink):
    sink.answer = lambda _request: sink.Answer(behaviour="hang")
    configured(
        destinations=["langfuse"],
        langfuse_base_url=sink.url,
        langfuse_public_key="pk-lf-x",
        langfuse_secret_key="sk-lf-x",
    )
    work("x")
    begin = time.monotonic()
    result = certtrace.shutdown(1.0)
    assert time.monotonic() - begin < 1.5
    assert result.undelivered == {"langfuse": 1}


def test_force_flush_keeps_its_timeout_and_says_what_is_left(configured, sink):
    sink.answer = lambda _request: sink.Answer(status=503)
    configured(
        destinations=["langfuse"],
        langfuse_base_url=sink.url,
        langfuse_public_key="pk-lf-x",
        langfuse_secret_key="sk-lf-x",
    )
    work("x")
    begin = time.monotonic()
    result = certtrace.force_flush(0.5)
    assert time.monotonic() - begin < 1.0
    assert not result
    assert result.undelivered == {"langfuse": 1}
