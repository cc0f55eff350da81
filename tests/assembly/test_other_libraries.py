"""httpx, other tracers and other processors beside certtrace."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import certtrace
from certtrace import tracing
from certtrace.records.source import StoreSource
from certtrace.testing import recording


class Echo(BaseHTTPRequestHandler):
    headers_seen: list[dict] = []

    def do_GET(self):
        Echo.headers_seen.append(dict(self.headers))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def echo():
    Echo.headers_seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_httpx_requests_join_the_trace_and_carry_its_context(echo):
    with recording() as seen:
        with tracing.span("call") as span, httpx.Client() as client:
            client.get(f"http://user:hunter2secret@{echo}/x?token=abcdef123456&q=ok")
        request = seen.one("GET")
        assert request.parent.name == "call"
        headers = {key.lower(): value for key, value in Echo.headers_seen[0].items()}
        assert headers["traceparent"].split("-")[1] == span.trace_id
        assert headers["traceparent"].split("-")[2] == request.span_id
        text = str(request.attributes)
        assert "q=ok" in text
        assert "hunter2secret" not in text
        assert "abcdef123456" not in text


def test_spans_of_other_tracers_stand_where_they_were_opened():
    with recording() as seen:
        tracer = trace.get_tracer("other.library")
        with tracing.span("outer"), tracer.start_as_current_span("theirs", attributes={"mail": "joe@example.org"}):
            certtrace.current_span().set_attribute("ours", {"mail": "joe@example.org"})
            with tracing.span("inner"):
                pass
        assert seen.one("inner").parent.name == "theirs"
        assert seen.one("theirs").parent.name == "outer"
        assert "joe@example.org" not in str(seen.one("theirs").attributes)
        assert seen.one("theirs").receipt["counts"] == {"EMAIL": 2}


def test_a_processor_of_another_library_gets_redacted_sampled_spans_only():
    exporter = InMemorySpanExporter()
    started = []

    class Starts(SpanProcessor):
        def on_start(self, span, parent_context=None):
            started.append(span.name)
            span.set_attribute("seen.by", "starts")

        def on_end(self, span):
            pass

    with recording(sample_rate=0.0) as seen:
        provider = trace.get_tracer_provider()
        guests = provider.gate.guests
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        provider.add_span_processor(Starts())
        try:
            with tracing.span("dropped"):
                pass
            with pytest.raises(ValueError, match="x"), tracing.span("joe@example.org", input="joe@example.org"):
                msg = "x joe@example.org"
                raise ValueError(msg)
            kept = seen.spans
        finally:
            provider.gate.remove(lambda guest: guest in guests)
    assert len(kept) == 1
    assert kept[0].attributes["seen.by"] == "starts"
    assert started[0] == "dropped"
    (exported,) = exporter.get_finished_spans()
    assert "joe@example.org" not in exported.to_json()


def test_a_score_given_inside_another_librarys_span_belongs_to_it(configured, home):
    configured()
    with trace.get_tracer("other").start_as_current_span("outer") as outer:
        certtrace.current_span().score("quality", 0.5, comment="good")
    assert certtrace.force_flush(10).delivered
    (score,) = StoreSource(home / "store.db").get_trace(f"{outer.get_span_context().trace_id:032x}").scores
    assert (score.name, score.value) == ("quality", 0.5)
    assert score.observation_id == f"{outer.get_span_context().span_id:016x}"


def test_a_processor_that_raises_does_not_reach_the_host(caplog):
    class Broken(SpanProcessor):
        def on_start(self, span, parent_context=None):
            msg = "joe@example.org"
            raise RuntimeError(msg)

    with recording() as seen:
        provider = trace.get_tracer_provider()
        guests = provider.gate.guests
        provider.add_span_processor(Broken())
        try:
            with tracing.span("x"):
                pass
            assert len(seen.spans) == 1
        finally:
            provider.gate.remove(lambda guest: guest in guests)
    assert "joe@example.org" not in caplog.text


def test_tracestate_of_others_survives_and_upstream_roots_are_not_claimed():
    headers = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "vendor=1,ot=rv:ffffffffffffff"}
    outgoing = {}
    with recording(sample_rate=0.25) as seen:
        with certtrace.continue_trace(headers), tracing.span("service"):
            certtrace.inject(outgoing)
        service = seen.one("service")
        assert service.record.trace_state == "ot=th:c;rv:ffffffffffffff,vendor=1"
        assert "vendor=1" in outgoing["tracestate"]
        with certtrace.continue_trace(outgoing), tracing.span("next"):
            pass
        assert "langfuse.internal.is_app_root" in service.attributes
        assert "langfuse.internal.is_app_root" not in seen.one("next").attributes


def test_an_upstream_that_did_not_sample_does_not_hide_our_errors():
    headers = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-00"}
    with recording(sample_rate=0.0) as seen:
        with certtrace.continue_trace(headers), pytest.raises(ValueError, match="x"), tracing.span("service"):
            msg = "x"
            raise ValueError(msg)
        assert seen.one("service").status == "error"


def test_a_consumer_links_to_its_producer():
    headers = {}
    with recording() as seen:
        with tracing.span("produce", kind="producer"):
            certtrace.inject(headers)
        with (
            certtrace.continue_trace({key: value.encode() for key, value in headers.items()}),
            tracing.span("consume", kind="consumer"),
            tracing.span("inner"),
        ):
            pass
        consume = seen.one("consume")
        assert [f"{link.span_id:016x}" for link in consume.record.links] == [seen.one("produce").span_id]
        assert consume.trace_id == seen.one("produce").trace_id
        assert seen.one("inner").record.links == []


def test_seeded_ids_repeat_with_the_key_and_are_no_plain_hash():
    with recording(redaction_key="k" * 32) as seen:
        for _ in range(2):
            with tracing.span("graded", seed="attempt-17/answer-3"):
                pass
        first, second = seen.named("graded")
        assert first.trace_id == second.trace_id
        assert "rv:" in first.record.trace_state
    with recording(redaction_key="x" * 32) as seen:
        with tracing.span("graded", seed="attempt-17/answer-3"):
            pass
        assert seen.one("graded").trace_id != first.trace_id
