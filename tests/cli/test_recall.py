"""`certtrace traces recall`: what was dropped is sent once, and what is missing is named."""

import json
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from certtrace import semconv, settings
from certtrace.cli import root
from certtrace.delivery.otlp import encode_unit
from certtrace.delivery.recorder import Recorder
from certtrace.ledger import Ledger, entries_of
from certtrace.ports import Decision, Payload, ScopeRecord, SpanRecord
from certtrace.records.source import StoreSource

TRACE = 0xD409 << 112 | 0x123456789
HEX = f"{TRACE:032x}"
NEVER_KEPT = Decision(keep=False, rule="baseline", threshold=2**56)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return the settings of a home whose services record what they drop."""
    monkeypatch.setenv("CERTTRACE_RECORDER_MAX_BYTES", str(1 << 20))
    return settings.load(home=tmp_path / "place")


@pytest.fixture
def service(place):
    """Return what one service does with a unit: drop it and set it aside, drop it, or keep it."""
    recorder = Recorder(place.recorder_path, place.signals_path, max_bytes=1 << 20, max_seconds=600.0, min_free_bytes=0)
    ledger = Ledger(place.ledger_path, b"k" * 32)

    def unit(span_id, parent=0, *, trace_id=TRACE, decision=NEVER_KEPT, aside=True, spans=2):
        records = [span(trace_id, span_id + n, parent if n == 0 else span_id) for n in range(spans)]
        payload = Payload("spans", encode_unit(records, {"service.name": "grader"}), f"{trace_id:032x}")
        if aside:
            recorder.put_aside(trace_id, span_id, decision, spans, [payload])
        ledger.append(trace_id=f"{trace_id:032x}", root_span_id=f"{span_id:016x}", decision=decision, span_count=spans)
        return payload

    unit.recorder = recorder
    yield unit
    recorder.close()
    ledger.close()


def span(trace_id, span_id, parent):
    return SpanRecord(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent,
        name=f"step {span_id}",
        kind=1,
        start_time_ns=time.time_ns(),
        end_time_ns=time.time_ns() + 5_000,
        status_code=0,
        status_message="",
        attributes={semconv.SAMPLING: '{"rule":"baseline","th":"8"}'},
        trace_state="ot=th:8",
        scope=ScopeRecord(name=semconv.SCOPE_NAME),
    )


@pytest.fixture
def recall(place):
    def call(*arguments, trace=HEX):
        return CliRunner().invoke(root, ["--home", str(place.home), "traces", "recall", trace, *arguments])

    return call


def stored(place, trace_id=HEX):
    return StoreSource(place.store_path).get_trace(trace_id).observations


def test_a_dropped_trace_is_in_the_store_afterwards_and_weighs_nothing(place, service, recall):
    service(10)
    service(20, parent=11, spans=3)

    result = recall()

    assert result.exit_code == 0, result.output
    assert result.stdout == f"{HEX}  complete: 2 units sent now (5 spans)\n"
    found = stored(place)
    assert sorted(int(each.id, 16) for each in found) == [10, 11, 20, 21, 22]
    assert {json.dumps(each.metadata[semconv.SAMPLING]) for each in found} == {'{"rule": "promoted"}'}


def test_a_unit_that_its_own_threshold_would_have_kept_keeps_its_weight(place, service, recall):
    service(10, decision=Decision(keep=False, rule="spool_full", threshold=0x123000000))
    recall()

    (told,) = {json.dumps(each.metadata[semconv.SAMPLING]) for each in stored(place)}
    assert json.loads(told) == {"rule": "promoted", "th": "00000123"}


def test_a_second_recall_sends_nothing_twice(place, service, recall):
    service(10)
    recall()
    again = recall()

    assert again.exit_code == 0, again.output
    assert again.stdout == f"{HEX}  complete: 1 unit sent before\n"
    assert [entry.rule for entry in entries_of(place.ledger_path, [HEX])] == ["baseline", "promoted"]


def test_the_process_that_set_it_aside_does_not_send_it_again(service, recall):
    service(10)
    recall()
    deadline = time.monotonic() + 10
    while not service.recorder.is_kept(TRACE):
        assert time.monotonic() < deadline
        time.sleep(0.01)
        service.recorder.wanted()

    assert service.recorder.take(TRACE) == []


def test_later_units_of_the_trace_are_wanted(service, recall):
    recall()
    service(10)
    deadline = time.monotonic() + 10
    while TRACE not in service.recorder.wanted():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_is_gone_is_named_and_the_trace_is_incomplete(service, recall):
    service(10)
    service(20, parent=11, aside=False, spans=4)

    result = recall()

    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{HEX}  incomplete: 1 unit sent now (2 spans)",
        "  gone: 1 unit dropped by baseline (4 spans): the recorder was off, or others needed its room",
    ]


@pytest.mark.parametrize(
    ("rule", "seconds", "why"),
    [("drop_rule", 9, "on_purpose"), ("spool_full", 9, "under_pressure"), ("baseline", 9_000, "expired")],
)
def test_it_is_said_why_a_unit_is_gone(place, recall, rule, seconds, why):
    ledger = Ledger(place.ledger_path, b"k" * 32)
    ledger.append(
        trace_id=HEX,
        root_span_id="1" * 16,
        decision=Decision(keep=False, rule=rule),
        span_count=4,
        time_ns=time.time_ns() - seconds * 10**9,
    )
    ledger.close()

    result = recall("--json")
    assert result.exit_code == 1
    assert [unit["why"] for unit in json.loads(result.stdout)["gone"]] == [why]


def test_a_parent_that_nobody_has_makes_the_trace_incomplete(service, recall):
    service(10, parent=99)

    result = recall("--json")

    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["orphans"], told["complete"], told["promoted"], told["gone"]) == (1, False, 1, [])


def test_a_parent_among_the_kept_units_is_found_in_the_store(place, service, recall):
    from certtrace.records.store import StoreDestination

    kept = service(10, decision=Decision(keep=True, rule="error"), aside=False)
    destination = StoreDestination(place.store_path)
    destination.deliver([kept], time.monotonic() + 5)
    destination.close()
    service(20, parent=11)

    result = recall()

    assert result.exit_code == 0, result.output
    assert result.stdout == f"{HEX}  complete: 1 unit sent now (2 spans), 1 unit kept from the start\n"


def test_a_trace_that_was_kept_anyway_is_said_to_be(place, service, recall):
    from certtrace.records.store import StoreDestination

    kept = service(10, decision=Decision(keep=True, rule="error"), aside=False)
    destination = StoreDestination(place.store_path)
    destination.deliver([kept], time.monotonic() + 5)
    destination.close()

    result = recall()
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{HEX}  complete: 1 unit kept from the start\n"


def test_a_trace_that_nobody_knows_is_not_found(recall):
    result = recall(trace="f" * 32)

    assert result.exit_code == 1
    assert "not found" in result.stdout


def test_without_a_recorder_it_says_so_and_still_reads_what_services_wrote(place, service, recall, monkeypatch):
    service(10)
    monkeypatch.delenv("CERTTRACE_RECORDER_MAX_BYTES")

    result = recall()
    assert result.exit_code == 0, result.output
    assert "The recorder is off" in result.stderr
    assert "1 unit sent now" in result.stdout


def test_several_traces_are_recalled_at_once(service, recall):
    service(10)
    service(30, trace_id=TRACE + 1)

    result = recall("--json", f"{TRACE + 1:032x}", HEX.upper())

    assert result.exit_code == 0, result.output
    assert [json.loads(line)["promoted"] for line in result.stdout.splitlines()] == [1, 1]


def test_a_destination_that_does_not_answer_leaves_the_units_in_the_spool(place, service, recall, monkeypatch):
    monkeypatch.setenv("CERTTRACE_DESTINATIONS", "langfuse")
    monkeypatch.setenv("LANGFUSE_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk-lf-test")
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-lf-test")
    service(10)

    result = recall("--timeout", "0.2")

    assert result.exit_code == 1
    assert "Waiting in the spool for langfuse: 1 unit." in result.stderr
    assert list(place.spool_path.glob("*/content-*"))


def test_an_id_that_is_cut_short_is_refused(recall):
    result = recall(trace=HEX[:8])

    assert result.exit_code == 2
    assert "give all 32 hex digits" in result.stderr


def test_the_list_is_what_it_was_without_a_trace_to_recall(place, service, recall):
    service(10)
    recall()
    result = CliRunner().invoke(root, ["--home", str(place.home), "traces", "--json", "--limit", "1"])

    assert result.exit_code == 0
    assert json.loads(result.stdout)["trace_id"] == HEX


# --- with real services ----------------------------------------------------------------------------------------------

SERVICE = """
import json, sys
import certtrace
from certtrace.assembly import status

certtrace.configure(
    home=sys.argv[1], service_name=sys.argv[2], sample_rate=0.0, recorder_max_bytes=1 << 20, instrument_httpx=False,
    instrument_langfuse=False,
)

@certtrace.traced(name="intake")
def intake():
    headers = {}
    certtrace.inject(headers)
    certtrace.current_span().set_attribute("asked_by", "Jane Roe")
    return headers

@certtrace.traced(name="grade")
def grade(fails):
    if fails:
        raise ValueError("no grade")

certtrace.identify(name="Jane Roe")
for line in sys.stdin:
    told = json.loads(line)
    if told["do"] == "intake":
        print(json.dumps(intake()), flush=True)
    elif told["do"] == "grade":
        try:
            with certtrace.continue_trace(told["headers"]):
                grade(told["fails"])
        except ValueError:
            pass
        certtrace.force_flush(5)
        print("{}", flush=True)
    else:
        certtrace.force_flush(5)
        account = status().account
        told = {"started": account.started, "kept": account.kept, "dropped": dict(account.dropped)}
        print(json.dumps({**told, "faults": dict(status().faults)}), flush=True)
"""


@contextmanager
def running(place, name):
    """Run one service; yield what sends it a command and returns its answer."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVICE, str(place.home), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def tell(**command):
        process.stdin.write(json.dumps(command) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    tell.killed = False

    def kill():
        tell.killed = True
        process.kill()
        process.wait(10)
        process.stdin.close()

    tell.kill = kill
    try:
        yield tell
        if tell.killed:
            return
        process.stdin.close()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def names_once_there(place, trace_id, count):
    """Return the names of a trace's spans in the store, once there are so many."""
    from certtrace.errors import TraceNotFoundError

    deadline = time.monotonic() + 20
    while True:
        try:
            found = stored(place, trace_id)
        except TraceNotFoundError:
            found = ()
        if len(found) >= count:
            return {each.name: each for each in found}
        assert time.monotonic() < deadline, [each.name for each in found]
        time.sleep(0.05)


def test_what_one_service_drops_is_promoted_when_another_fails(place):
    with running(place, "intake") as intake, running(place, "grader") as grader:
        headers = intake(do="intake")
        intake(do="flush")
        trace_id = headers["traceparent"].split("-")[1]
        grader(do="grade", headers=headers, fails=True)
        found = names_once_there(place, trace_id, 2)

    assert found["grade"].metadata[semconv.SAMPLING]["rule"] == "error"
    assert found["intake"].metadata[semconv.SAMPLING] == {"rule": "promoted"}
    assert found["grade"].parent_observation_id == found["intake"].id
    assert "Jane Roe" not in json.dumps(found["intake"].metadata)


def test_what_a_dead_service_dropped_is_promoted_by_a_living_one(place):
    with running(place, "intake") as intake:
        headers = intake(do="intake")
        intake(do="flush")
        intake.kill()
    trace_id = headers["traceparent"].split("-")[1]
    with running(place, "grader") as grader:
        grader(do="grade", headers=headers, fails=True)
        found = names_once_there(place, trace_id, 2)
        told = grader(do="flush")

    assert found["intake"].metadata[semconv.SAMPLING] == {"rule": "promoted"}
    assert told == {"started": 1, "kept": 1, "dropped": {}, "faults": {}}


def test_what_living_services_dropped_is_recalled_whole_and_once(place, recall):
    with running(place, "intake") as intake, running(place, "grader") as grader:
        headers = intake(do="intake")
        trace_id = headers["traceparent"].split("-")[1]
        grader(do="grade", headers=headers, fails=False)
        intake(do="flush")

        first = recall(trace=trace_id)
        again = recall(trace=trace_id)
        grader(do="grade", headers=headers, fails=False)
        names_once_there(place, trace_id, 3)

    assert (first.exit_code, first.stdout) == (0, f"{trace_id}  complete: 2 units sent now (2 spans)\n"), first.output
    assert (again.exit_code, again.stdout) == (0, f"{trace_id}  complete: 2 units sent before\n"), again.output
    assert len(stored(place, trace_id)) == 3


def test_what_a_killed_service_dropped_is_recalled(place, recall):
    code = textwrap.dedent("""
        import os, sys
        import certtrace
        certtrace.configure(home=sys.argv[1], service_name="short", sample_rate=0.0, recorder_max_bytes=1 << 20)
        with certtrace.span("lost work") as span:
            trace_id = span.trace_id
        certtrace.force_flush(5)
        print(trace_id, flush=True)
        os.kill(os.getpid(), 9)
    """)
    killed = subprocess.run([sys.executable, "-c", code, str(place.home)], capture_output=True, text=True, timeout=30)
    trace_id = killed.stdout.strip()

    result = recall(trace=trace_id)
    assert (result.exit_code, result.stdout) == (0, f"{trace_id}  complete: 1 unit sent now (1 span)\n"), result.output
    assert [each.name for each in stored(place, trace_id)] == ["lost work"]
