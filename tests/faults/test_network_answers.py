"""Backends that answer: no, later, partly, or nonsense. Entries 4 to 11 and 15 of the fault catalogue."""

import itertools
import json
import logging
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from tests.faults.network import quick, raw_server, read_request, send  # noqa: F401 - fixtures
from tests.faults.service import attributes_of, wait_until

from certtrace import semconv
from certtrace.delivery import pacing
from certtrace.delivery.deadletter import letters, replay
from certtrace.delivery.nudge import nudge
from certtrace.delivery.otlp import encode_unit
from certtrace.delivery.parting import LOST_NAME
from certtrace.ports import Payload, ScopeRecord, SpanRecord

pytestmark = pytest.mark.usefixtures("quick")
UNITS = [f"unit{number}" for number in range(1, 31)]


def http_date(seconds):
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


def span(name, number, text=""):
    attributes = {semconv.OBSERVATION_TYPE: "span", semconv.OBSERVATION_INPUT: text, "user.id": "<person:7f3a91>"}
    scope = ScopeRecord(semconv.SCOPE_NAME)
    return SpanRecord(1, number, 0, name, 1, 1_000, 2_000, 2, "", attributes, scope=scope)


def put_unit(sending, spans):
    data = encode_unit(spans, {"service.name": "grader"})
    sending.spool.content(sending.spool.accept(1, 1, 1_000, 2_000), Payload("spans", data, f"{1:032x}"))
    sending.delivery.wake()


# --- 4 ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "at_least", "at_most"),
    [
        ("30", 28, 38),
        ("3600", 3_598, 4_501),
        ("99999999999", 21_598, 27_001),
        (lambda: http_date(600), 560, 751),
    ],
    ids=["seconds", "an hour", "without bound", "date"],
)
def test_retry_after_is_honoured_and_clamped(send, sink, header, at_least, at_most):  # noqa: F811
    said = header() if callable(header) else header
    sink.answer = lambda _: sink.Answer(429, headers=(("Retry-After", said),))
    sending = send(sink.url)
    sending.write("unit")
    assert sending.failed()

    assert not sending.delivery.flush(0.3).complete
    assert len(sink.seen) == 1
    assert at_least <= sending.status.retry_in_seconds <= at_most
    sink.answer = lambda _: sink.Answer()
    sending.delivery.retry_now()
    assert wait_until(lambda: sink.names() == ["unit"])


@pytest.mark.parametrize(
    "header", ["Sat, 21 Nov 2015 07:28:00 GMT", "soon", "inf", "nan", "-30", "1e9", "", "\xff", "0"]
)
def test_a_retry_after_that_says_nothing_leaves_the_usual_backoff(send, sink, header):  # noqa: F811
    answers = itertools.chain([429, 503], itertools.repeat(200))
    sink.answer = lambda _: sink.Answer(next(answers), headers=(("Retry-After", header),))
    sending = send(sink.url)
    sending.write("unit")

    assert wait_until(lambda: sink.names() == ["unit"], 5)
    assert len(sink.seen) == 3


def test_a_moment_to_wait_for_is_compared_with_the_clock_that_named_it(send):  # noqa: F811
    # The backend's clock is an hour behind: by ours the moment has passed long ago.
    def handle(connection):
        while read_request(connection):
            head = f"Date: {http_date(-3_600)}\r\nRetry-After: {http_date(-3_600 + 60)}\r\nContent-Length: 0\r\n\r\n"
            connection.sendall(f"HTTP/1.1 503 Busy\r\n{head}".encode())

    with raw_server(handle) as where:
        sending = send(f"http://{where}")
        sending.write("unit")
        assert sending.failed()
        assert 50 < sending.status.retry_in_seconds < 80


# --- 5 ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("burst", [[503], [500] * 4, [502, 504, 408], [503, 500, 502, 504, 408, 429, 599]])
def test_a_burst_of_failures_leaves_exactly_one_stored_copy(send, sink, burst):  # noqa: F811
    answers = iter(burst)
    sink.answer = lambda _: sink.Answer(next(answers, 200))
    sending = send(sink.url)
    sending.write(*UNITS)

    assert sending.delivery.flush(20).complete
    copies = sink.copies()
    assert len(copies) == 30
    assert set(copies.values()) == {1}
    assert sending.status.last_error == ""


def test_waits_grow_and_differ(send, sink, monkeypatch):  # noqa: F811
    monkeypatch.setattr(pacing, "_FIRST_BACKOFF_SECONDS", 0.05)
    moments = []
    sink.answer = lambda _: moments.append(time.monotonic()) or sink.Answer(503)
    sending = send(sink.url)
    sending.write("unit")
    assert wait_until(lambda: len(moments) >= 6)

    waits = [later - earlier for earlier, later in itertools.pairwise(moments[:6])]
    for number, wait in enumerate(waits):
        assert wait >= 0.05 * 2**number * 0.99
    assert sum(waits) > 0.05 * 31


# --- 6 ---------------------------------------------------------------------------------------------------------------


def test_a_batch_that_is_too_large_is_halved_until_it_fits(send, sink):  # noqa: F811
    sink.answer = lambda request: sink.Answer(413 if len(request.body) > 20_000 else 200)
    sending = send(sink.url)
    sending.write(*UNITS, pad=4_000)

    assert sending.delivery.flush(20).complete
    assert sorted(sink.names()) == sorted(UNITS)
    assert set(sink.copies().values()) == {1}
    assert sending.status.dead_lettered == 0


def test_a_span_that_is_too_large_is_delivered_with_its_texts_cut_and_kept_whole(send, sink):  # noqa: F811
    sink.answer = lambda request: sink.Answer(413 if len(request.body) > 50_000 else 200)
    sending = send(sink.url)
    put_unit(sending, [span("a", 1), span("huge", 2, "x" * 200_000), span("b", 3)])

    assert sending.delivery.flush(20).complete
    stored = {found.name: found for request in sink.taken for found in request.spans}
    assert set(stored) == {"a", "huge", "b"}
    huge = attributes_of(stored["huge"])
    assert int(huge[semconv.metadata(semconv.DELIVERY_CUT)]) > 200_000
    assert len(huge[semconv.OBSERVATION_INPUT]) < 3_000
    assert huge["user.id"] == "<person:7f3a91>"
    assert semconv.metadata(semconv.DELIVERY_CUT) not in attributes_of(stored["a"])
    (letter,) = letters(sending.spool.root)
    assert "413" in letter.reason
    assert "texts cut" in letter.reason
    assert b"x" * 200_000 in letter.payload.data
    assert (sending.status.dead_lettered, sending.status.reduced) == (1, 1)


def test_a_span_that_is_too_large_even_then_is_delivered_without_content(send, sink):  # noqa: F811
    sink.answer = lambda request: sink.Answer(413 if len(request.body) > 600 else 200)
    sending = send(sink.url)
    put_unit(sending, [span("huge", 2, "x" * 200_000)])

    assert sending.delivery.flush(20).complete
    (stored,) = sink.taken[-1].spans
    assert (stored.name, stored.status.code) == (LOST_NAME, 2)
    assert (stored.start_time_unix_nano, stored.end_time_unix_nano) == (1_000, 2_000)
    assert attributes_of(stored) == {
        semconv.OBSERVATION_TYPE: "span",
        semconv.metadata(semconv.CONTENT_LOST): '"rejected"',
    }
    (letter,) = letters(sending.spool.root)
    assert "without content" in letter.reason


def test_a_span_of_which_nothing_is_taken_is_a_dead_letter_and_can_be_replayed(send, sink):  # noqa: F811
    sink.answer = lambda _: sink.Answer(413)
    sending = send(sink.url)
    put_unit(sending, [span("huge", 2, "x" * 200_000)])
    assert sending.delivery.flush(20).complete
    assert len(sink.seen) == 3  # whole, cut, bare
    assert sink.taken == []
    sink.answer = lambda _: sink.Answer()
    (letter,) = letters(sending.spool.root)

    assert replay(letter, sending.spool)
    assert sending.delivery.flush(20).complete
    (stored,) = sink.taken[-1].spans
    assert len(attributes_of(stored)[semconv.OBSERVATION_INPUT]) == 200_000


# --- 7 ---------------------------------------------------------------------------------------------------------------


def test_poison_is_isolated_and_its_neighbours_are_delivered_once(send, sink):  # noqa: F811
    sink.answer = lambda request: sink.Answer(400 if "unit17" in request.span_names else 200)
    sending = send(sink.url)
    sending.write(*UNITS)

    assert sending.delivery.flush(20).complete
    assert sorted(sink.names()) == sorted([name for name in UNITS if name != "unit17"] + [LOST_NAME])
    assert set(sink.copies().values()) == {1}
    (letter,) = letters(sending.spool.root)
    assert (int(letter.payload.trace_id, 16), letter.destination) == (17, "langfuse")
    assert letter.reason == "HTTP 400: the batch was rejected. It was delivered without content."
    assert sending.status.delivered + sending.status.dead_lettered == 30


def test_poison_amid_a_failing_network_is_kept_once(send, sink):  # noqa: F811
    calls = itertools.count()
    poison = (2).to_bytes(8, "big")

    def answer(request):
        if next(calls) % 2:
            return sink.Answer(503)
        return sink.Answer(400 if any(s.span_id == poison for s in request.spans) else 200)

    sink.answer = answer
    sending = send(sink.url)
    put_unit(sending, [span("a", 1), span("poison", 2)])
    assert wait_until(lambda: sending.status.failures >= 3)
    sink.answer = lambda request: sink.Answer(400 if any(s.span_id == poison for s in request.spans) else 200)

    assert sending.delivery.flush(20).complete
    assert [letter.reason for letter in letters(sending.spool.root)] == ["HTTP 400: the batch was rejected."]


def test_a_backend_that_refuses_everything_is_paused_and_the_rest_stays_in_the_spool(send, sink, monkeypatch):  # noqa: F811
    monkeypatch.setattr(pacing, "_FIRST_PAUSE_SECONDS", 60.0)
    sink.answer = lambda _: sink.Answer(400)
    sending = send(sink.url)
    sending.write(*[f"unit{number}" for number in range(1, 201)])
    assert wait_until(lambda: sending.status.paused)

    status = sending.status
    assert status.dead_lettered == 16
    assert status.pending_units == 184
    assert "refuses everything" in status.last_error
    sink.answer = lambda _: sink.Answer()
    sending.delivery.retry_now()
    assert wait_until(lambda: sending.status.pending_units == 0)
    assert len(sink.copies()) == 184


# --- 8 and 9 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_rotated_key_pauses_and_delivery_goes_on_by_itself_once_it_is_mended(send, sink, caplog, status):  # noqa: F811
    sink.answer = lambda _: sink.Answer(status)
    sending = send(sink.url)
    sending.write(*UNITS)
    assert sending.failed(3)  # it is probed on and on, by one unit

    found = sending.status
    assert (found.paused, found.failure, found.pending_units) == (True, "config", 30)
    assert str(status) in found.last_error
    assert [len(request.spans) for request in sink.seen[1:3]] == [1, 1]
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == 1
    sink.answer = lambda _: sink.Answer()
    assert wait_until(lambda: sending.status.pending_units == 0)
    assert (len(sink.copies()), sending.status.paused) == (30, False)


def test_a_restart_with_the_new_key_delivers_what_the_old_key_could_not(send, sink, tmp_path):  # noqa: F811
    sink.answer = lambda request: sink.Answer(200 if "bmV3" in request.headers["authorization"] else 401)
    sending = send(sink.url)
    sending.write("unit")
    assert sending.failed()
    sending.close()

    from certtrace.delivery.langfuse import LangfuseDestination
    from certtrace.delivery.sender import Delivery
    from certtrace.delivery.spool import Spool

    spool = Spool(tmp_path / "spool0")
    delivery = Delivery(spool, [LangfuseDestination(sink.url, "new", "key")], linger_seconds=0.01)
    delivery.wake()
    assert wait_until(lambda: sink.names() == ["unit"])
    delivery.close(1)
    spool.close()


def test_an_operator_ends_a_long_pause_of_a_running_process_at_once(send, sink, monkeypatch):  # noqa: F811
    monkeypatch.setattr(pacing, "_FIRST_PAUSE_SECONDS", 250.0)
    sink.answer = lambda _: sink.Answer(401)
    sending = send(sink.url)
    sending.write("unit")
    assert sending.failed()
    sink.answer = lambda _: sink.Answer()
    assert sending.status.retry_in_seconds > 240

    nudge(sending.spool.root)  # what `certtrace spool retry` does, from another process
    assert wait_until(lambda: sink.names() == ["unit"], 5)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(send, sink, status):  # noqa: F811
    sink.answer = lambda _: sink.Answer(status, headers=(("Location", f"{sink.url}/elsewhere"),))
    sending = send(sink.url)
    sending.write("unit")
    assert sending.failed(2)

    assert sending.status.paused
    assert sending.status.delivered == 0
    assert sending.status.pending_units == 1
    assert {request.path for request in sink.seen} == {"/api/public/otel/v1/traces"}


# --- 10 and 11 -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_a_partial_success_is_counted_once_with_a_sample_and_never_sent_again(send, sink, form, caplog):  # noqa: F811
    message = ExportTraceServiceResponse(
        partial_success=ExportTracePartialSuccess(rejected_spans=7, error_message="bad: Erika\x1b[2J")
    )
    told = json.dumps({"partialSuccess": {"rejectedSpans": "7", "errorMessage": "bad: Erika\x1b[2J"}}).encode()
    body, kind = (
        (message.SerializeToString(), "application/x-protobuf") if form == "protobuf" else (told, "application/json")
    )
    sink.answer = lambda _: sink.Answer(200, body=body, content_type=kind)
    sending = send(sink.url)
    sending.write(*UNITS)

    assert sending.delivery.flush(20).complete
    sending.delivery.flush(0.2)
    assert sending.status.rejected == 7 * len(sink.seen)
    assert set(sink.copies().values()) == {1}
    assert (sending.status.delivered, sending.status.dead_lettered) == (30, 0)
    (sample,) = letters(sending.spool.root)
    assert sample.reason.startswith("Sample: 7 spans")
    assert sample.reason.endswith("bad: Erika [2J")
    assert len(caplog.records) == 1
    assert "Erika" not in caplog.text


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html><body>Please log in", "text/html"),
        (b"<html><body>Please log in", "TEXT/HTML; charset=utf-8"),
        (b"\n <!DOCTYPE html><html>", "text/plain"),
        (b"<html>", "application/json"),
    ],
)
def test_a_captive_portal_is_no_success(send, sink, body, kind):  # noqa: F811
    sink.answer = lambda _: sink.Answer(200, body=body, content_type=kind)
    sending = send(sink.url)
    sending.write("unit")
    assert sending.failed(2)

    assert "web page" in sending.status.last_error
    assert (sending.status.delivered, sending.status.pending_units) == (0, 1)
    sink.answer = lambda _: sink.Answer()
    assert sending.delivery.flush(20).complete


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"OK", "text/plain"),
        (b"\xff\xff\xff", "application/x-protobuf"),
        (b"[1, 2]", "application/json"),
        (b"not json", "application/json"),
    ],
)
def test_a_success_that_cannot_be_read_is_taken_counted_and_logged_once(send, sink, caplog, body, kind):  # noqa: F811
    sink.answer = lambda _: sink.Answer(200, body=body, content_type=kind)
    sending = send(sink.url)
    for _ in range(3):
        sending.write("unit")
        assert sending.delivery.flush(20).complete

    assert sending.status.delivered == 3
    assert sending.status.doubtful == len(sink.seen) == 3
    assert len(caplog.records) == 1
    assert "none of OTLP" in caplog.text


# --- 15 --------------------------------------------------------------------------------------------------------------


def test_a_proxy_that_wants_credentials_pauses(send):  # noqa: F811
    def handle(connection):
        while read_request(connection):
            connection.sendall(
                b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                b'Proxy-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n'
            )

    with raw_server(handle) as where:
        sending = send(f"http://{where}")
        sending.write("unit")
        assert sending.failed(2)
        assert sending.status.paused
        assert "407" in sending.status.last_error
        assert "proxy" in sending.status.last_error
        assert sending.status.pending_units == 1
