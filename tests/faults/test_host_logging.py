"""Logging and HTTP of the host that are traced themselves: no recursion, no deadlock, nothing of ours recorded."""

import logging
import threading

import httpx
import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import SpanProcessor
from tests.faults.service import attributes_of, wait_until

import certtrace
from certtrace import assembly, current_span, span, traced

SECONDS = 20


class TracedHandler(logging.Handler):
    """Records a span for each line, as an instrumented handler does, and puts the line on the current span."""

    def __init__(self):
        super().__init__()
        self.lines = 0

    @traced(name="emit")
    def emit(self, record):
        self.lines += 1
        current_span().add_event("log", {"message": record.getMessage()})
        with span("format"):
            self.format(record)


@pytest.fixture
def handler():
    handler = TracedHandler()
    root = logging.getLogger()
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)


def in_time(work):
    """Run work on a thread of its own: a deadlock fails the test instead of holding it up."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(SECONDS)
    assert not thread.is_alive()


@traced(name="grade")
def grade(number):
    logging.getLogger("host").warning("grading %s", number)
    return number


def test_a_log_handler_that_is_traced_records_the_hosts_lines_and_does_not_recur(service, handler):
    running = service()
    in_time(lambda: [grade(number) for number in range(50)])
    running.settle()
    assert running.stored() == {"grade": 50, "emit": 50, "format": 50}
    assert handler.lines == 50


def test_our_own_log_lines_may_pass_a_handler_that_is_traced(service, handler, caplog):
    running = service()
    running.sink.answer = lambda _request: running.sink.Answer(status=503)
    tracer = assembly.current_running().tracer

    def work():
        for number in range(20):
            with span("unit") as handle:
                handle.set_attributes(number)  # no mapping: a fault of ours, logged once
        certtrace.force_flush(1.0)  # the destination's failure is logged on its lane

    in_time(work)
    assert tracer.fault.counts() == {"set_attributes: AttributeError": 20}
    running.sink.answer = lambda _request: running.sink.Answer()
    assembly.current_running().delivery.retry_now()
    assert wait_until(lambda: certtrace.force_flush(1.0).delivered)
    ours = [record for record in caplog.records if record.name.startswith("certtrace")]
    assert 2 <= len(ours) < 8
    # Each line of ours is one call of the traced handler: the host's own span, once, and no line about that line.
    assert handler.lines == len(ours)
    running.settle()
    assert running.stored()["unit"] == 20
    assert running.stored()["emit"] == len(ours)


def test_a_flush_while_a_host_thread_holds_the_locks_of_logging_does_not_wait_for_them(service, handler):
    running = service()
    running.sink.answer = lambda _request: running.sink.Answer(status=503)
    held, release = threading.Event(), threading.Event()

    def hold():
        handler.acquire()
        held.set()
        release.wait(SECONDS)
        handler.release()

    keeper = threading.Thread(target=hold)
    keeper.start()
    held.wait(SECONDS)
    try:
        for _ in range(20):
            with span("unit") as handle:
                pass
        # The lane's line about the failure waits for the handler; the flush and the host's calls do not.
        in_time(lambda: certtrace.force_flush(2.0))
        in_time(lambda: traced(name="more")(len)("text"))
    finally:
        release.set()
        keeper.join()
    assert handle is not None
    running.sink.answer = lambda _request: running.sink.Answer()
    assembly.current_running().delivery.retry_now()
    assert wait_until(lambda: certtrace.force_flush(1.0).delivered)
    assert running.stored()["unit"] == 20


def test_a_flush_under_the_lock_of_a_handler_ends(service, handler):
    running = service()

    class Flushing(logging.Handler):
        """Flushes what is traced whenever a line comes: with its own lock held."""

        def emit(self, record):
            with span("inside"):
                pass
            results.append(certtrace.force_flush(10).delivered)

    results = []
    flushing = Flushing()
    logging.getLogger("host").addHandler(flushing)
    try:
        in_time(lambda: [grade(number) for number in range(3)])
    finally:
        logging.getLogger("host").removeHandler(flushing)
    assert results == [True] * 3
    running.settle()
    assert running.stored()["inside"] == 3


class HttpProcessor(SpanProcessor):
    """Another exporter in the process, over httpx, which is instrumented: each span that ends makes a request."""

    def __init__(self, url):
        self.client = httpx.Client()
        self.url = url
        self.names = []

    def on_end(self, span):
        self.names.append(span.name)
        self.client.post(f"{self.url}/elsewhere", json={"name": span.name})

    def shutdown(self):
        self.client.close()


def test_our_requests_are_not_recorded_and_another_exporter_over_instrumented_httpx_does_not_recur_for_ever(service):
    running = service(instrument_httpx=True)
    assert HTTPXClientInstrumentor().is_instrumented_by_opentelemetry
    with httpx.Client() as client, span("unit"):
        client.post(f"{running.sink.url}/host", json={})
    running.settle()
    assert running.stored() == {"unit": 1, "POST": 1}  # the host's request; none of ours
    shown = attributes_of(running.one("POST"))
    assert 200 in {shown.get("http.status_code"), shown.get("http.response.status_code")}


def test_an_exporter_of_the_host_over_instrumented_httpx_gets_each_span_once(service):
    running = service(instrument_httpx=True)
    provider = assembly.current_running().provider
    guests = provider.gate.guests
    exporter = HttpProcessor(running.sink.url)
    provider.add_span_processor(exporter)
    try:
        for _ in range(5):
            with span("unit"):
                pass
        running.settle()
        asked = len([request for request in running.sink.seen if request.path == "/elsewhere"])
        assert exporter.names.count("unit") == 5
        # What it sends is no trace of the host: were it recorded, each request would make the next.
        assert asked == 5
        assert running.stored() == {"unit": 5}
    finally:
        provider.gate.remove(lambda guest: guest in guests)
        exporter.shutdown()
