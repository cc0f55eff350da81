"""The Langfuse destination against a real HTTP server that answers well, badly, slowly and not at all."""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from certtrace.delivery.answers import parse_retry_after
from certtrace.delivery.langfuse import LangfuseDestination
from certtrace.errors import ConfigurationError
from certtrace.ports import BatchRejectedError, DeliveryError, Destination, DestinationPausedError, Payload


@pytest.fixture
def langfuse(sink):
    destination = LangfuseDestination(sink.url, "pk-1", "sk-1", timeout_seconds=5)
    yield destination
    destination.close()


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def test_spans_arrive_as_langfuse_wants_them(langfuse, sink, unit):
    langfuse.deliver([unit("a", 1), unit("b", 2)], soon())

    request = sink.taken[0]
    assert request.path == "/api/public/otel/v1/traces"
    assert request.span_names == ["a", "b"]
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"pk-1:sk-1").decode()
    assert request.headers["x-langfuse-ingestion-version"] == "4"
    assert request.headers["content-type"] == "application/x-protobuf"
    assert request.headers["content-encoding"] == "gzip"
    assert request.headers["user-agent"].startswith("certtrace/")
    assert isinstance(langfuse, Destination)


def test_a_base_path_stays_in_front(sink, unit):
    destination = LangfuseDestination(f"{sink.url}/langfuse/", "pk", "sk")
    destination.deliver([unit("a")], soon())
    destination.close()

    assert sink.taken[0].path == "/langfuse/api/public/otel/v1/traces"


def test_scores_go_out_as_one_list(langfuse, sink):
    lists = [b'[{"id":"1"},{"id":"2"}]', b"[]", b' [{"id":"3"}] ']
    langfuse.deliver([Payload("scores", data, "") for data in lists], soon())

    assert sink.taken[0].path == "/api/public/scores"
    assert [score["id"] for score in json.loads(sink.taken[0].body)] == ["1", "2", "3"]


def test_many_scores_are_cut_to_lists_that_the_server_takes(langfuse, sink):
    one = b'[{"id":"%s"}]' % (b"x" * 300_000)
    langfuse.deliver([Payload("scores", one, "")] * 7, soon())

    assert max(len(request.body) for request in sink.taken) < 1_000_000
    assert sum(len(json.loads(request.body)) for request in sink.taken) == 7


def test_scores_that_a_207_rejects_are_counted(langfuse, sink):
    body = json.dumps({"accepted": 1, "rejected": 2, "errors": [{"message": "x"}]}).encode()
    sink.answer = lambda _: sink.Answer(207, body=body)
    langfuse.deliver([Payload("scores", b'[{"id":"1"}]', "")], soon())

    assert langfuse.rejected == 2


def test_one_connection_serves_many_requests(langfuse, sink, unit):
    for _ in range(5):
        langfuse.deliver([unit("a")], soon())

    assert len(sink.taken) == 5
    assert sink.connections == 1


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b"\xff\xff"])
def test_any_success_is_a_success(langfuse, sink, unit, status, body):
    sink.answer = lambda _: sink.Answer(status, body=body, content_type="application/x-protobuf")
    langfuse.deliver([unit("a")], soon())

    assert len(sink.taken) == 1


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (
            ExportTraceServiceResponse(
                partial_success=ExportTracePartialSuccess(rejected_spans=7, error_message="no")
            ).SerializeToString(),
            "application/x-protobuf",
        ),
        (b'{"partialSuccess": {"rejectedSpans": "7"}}', "application/json; charset=utf-8"),
    ],
)
def test_a_partial_success_is_counted_and_not_sent_again(langfuse, sink, unit, body, content_type):
    sink.answer = lambda _: sink.Answer(200, body=body, content_type=content_type)
    langfuse.deliver([unit("a")], soon())

    assert langfuse.rejected == 7
    assert len(sink.seen) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308, 401, 403, 404, 405, 407])
def test_what_an_operator_must_mend_pauses(langfuse, sink, unit, status):
    sink.answer = lambda _: sink.Answer(status, headers=(("Location", f"{sink.url}/elsewhere"),))

    with pytest.raises(DestinationPausedError, match=str(status)):
        langfuse.deliver([unit("a")], soon())
    assert len(sink.seen) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_tried_again(langfuse, sink, unit, status):
    sink.answer = lambda _: sink.Answer(status)

    with pytest.raises(DeliveryError) as raised:
        langfuse.deliver([unit("a")], soon())
    assert type(raised.value) is DeliveryError


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_rejected_batch_is_said_to_be_rejected(langfuse, sink, unit, status):
    sink.answer = lambda _: sink.Answer(status, body=b"span Erika Mustermann is malformed")

    with pytest.raises(BatchRejectedError) as raised:
        langfuse.deliver([unit("a")], soon())
    assert "Mustermann" not in str(raised.value)


def test_a_web_page_instead_of_an_answer_is_no_success(langfuse, sink, unit):
    sink.answer = lambda _: sink.Answer(200, body=b"<html>Log in", content_type="text/html; charset=utf-8")

    with pytest.raises(DeliveryError, match="web page"):
        langfuse.deliver([unit("a")], soon())


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0),
        ("0", 0.0),
        ("999999999999999999999", 21_600.0),
        ("inf", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_read_and_bounded(langfuse, sink, unit, header, seconds):
    sink.answer = lambda _: sink.Answer(429, headers=(("Retry-After", header),))

    with pytest.raises(DeliveryError) as raised:
        langfuse.deliver([unit("a")], soon())
    assert raised.value.retry_after_seconds == seconds


def test_retry_after_may_be_a_date():
    moment = datetime.now(UTC) + timedelta(seconds=100)

    assert 90 < (parse_retry_after(format_datetime(moment, usegmt=True)) or 0) <= 100
    assert parse_retry_after(None) is None


@pytest.mark.parametrize("behaviour", ["hang", "drip"])
def test_the_deadline_covers_everything(langfuse, sink, unit, behaviour):
    sink.answer = lambda _: sink.Answer(behaviour=behaviour)
    started = time.monotonic()

    with pytest.raises(DeliveryError, match="timed out"):
        langfuse.deliver([unit("a")], soon(0.5))
    assert time.monotonic() - started < 2.5


def test_the_destinations_own_timeout_is_shorter_than_a_long_deadline(sink, unit):
    destination = LangfuseDestination(sink.url, "pk", "sk", timeout_seconds=0.3)
    sink.answer = lambda _: sink.Answer(behaviour="hang")
    started = time.monotonic()

    with pytest.raises(DeliveryError):
        destination.deliver([unit("a")], soon(30))
    assert time.monotonic() - started < 2.5
    destination.close()


def test_a_reset_connection_is_an_error_and_the_next_request_connects_anew(langfuse, sink, unit):
    sink.answer = lambda _: sink.Answer(behaviour="reset")
    with pytest.raises(DeliveryError):
        langfuse.deliver([unit("a")], soon())
    sink.answer = lambda _: sink.Answer()
    langfuse.deliver([unit("b")], soon())

    assert sink.names() == ["b"]


def test_a_server_that_closed_the_idle_connection_costs_no_request(langfuse, sink, unit):
    sink.answer = lambda _: sink.Answer(headers=(("Connection", "close"),), body=b"x" * 30_000)
    for _ in range(3):
        langfuse.deliver([unit("a")], soon())

    assert len(sink.taken) == 3


def test_a_refused_connection_is_an_error(unit):
    import socket

    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        destination = LangfuseDestination(f"http://127.0.0.1:{reserved.getsockname()[1]}", "pk", "sk")
        with pytest.raises(DeliveryError, match="refused"):
            destination.deliver([unit("a")], soon())


def test_a_host_without_address_is_an_error(unit):
    with pytest.raises(DeliveryError):
        LangfuseDestination("http://nowhere.invalid", "pk", "sk").deliver([unit("a")], soon())


def test_a_large_answer_is_not_read_to_its_end(langfuse, sink, unit):
    sink.answer = lambda _: sink.Answer(200, body=b"x" * 1_000_000)
    langfuse.deliver([unit("a")], soon())
    sink.answer = lambda _: sink.Answer()
    langfuse.deliver([unit("b")], soon())

    assert sink.names() == ["a", "b"]
    assert sink.connections == 2


def test_a_plaintext_port_is_no_tls_peer(sink, unit):
    destination = LangfuseDestination(sink.url.replace("http://", "https://"), "pk", "sk")

    with pytest.raises(DeliveryError):
        destination.deliver([unit("a")], soon(2))
    assert sink.seen == []


def test_an_untrusted_certificate_pauses_and_nothing_is_sent(tmp_path, unit):
    import ssl

    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -days 1 -subj /CN=localhost",
        shell=True,
        capture_output=True,
    )
    if made.returncode:
        pytest.skip("openssl is needed to make a certificate")
    import socket

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        failures = []

        def serve():
            raw, _ = listener.accept()
            try:
                context.wrap_socket(raw, server_side=True)
            except ssl.SSLError as error:
                failures.append(error)
            finally:
                raw.close()

        thread = threading.Thread(target=serve)
        thread.start()
        destination = LangfuseDestination(f"https://127.0.0.1:{listener.getsockname()[1]}", "pk", "sk")
        with pytest.raises(DestinationPausedError, match="not trusted"):
            destination.deliver([unit("a")], soon())
        thread.join()
    assert failures


def test_tls_with_a_trusted_certificate_keeps_its_connection(tmp_path, unit, sink, monkeypatch):
    import ssl

    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -days 1 -subj /CN=localhost "
        "-addext subjectAltName=IP:127.0.0.1",
        shell=True,
        capture_output=True,
    )
    if made.returncode:
        pytest.skip("openssl is needed to make a certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    sink.server.socket = context.wrap_socket(sink.server.socket, server_side=True)
    destination = LangfuseDestination(sink.url.replace("http://", "https://"), "pk", "sk")
    for name in ("a", "b", "c"):
        destination.deliver([unit(name, pad=300_000)], soon())
    sink.answer = lambda _: sink.Answer(behaviour="drip")
    started = time.monotonic()
    with pytest.raises(DeliveryError, match="timed out"):
        destination.deliver([unit("d")], soon(0.4))
    destination.close()

    assert time.monotonic() - started < 2.5
    assert sink.names() == ["a", "b", "c"]
    assert sink.connections == 1


def test_closing_breaks_off_a_request_that_hangs(langfuse, sink, unit):
    arrived = threading.Event()

    def hang(_):
        arrived.set()
        return sink.Answer(behaviour="hang")

    sink.answer = hang
    errors = []

    def send():
        try:
            langfuse.deliver([unit("a")], soon(20))
        except DeliveryError as error:
            errors.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    assert arrived.wait(5)
    langfuse.close()
    thread.join(2)
    assert not thread.is_alive()
    assert len(errors) == 1


def test_our_own_requests_are_not_traced(langfuse, sink, unit):
    from opentelemetry.instrumentation.utils import is_instrumentation_enabled

    seen = []
    original = langfuse.post
    langfuse.post = lambda *args: seen.append(is_instrumentation_enabled()) or original(*args)
    langfuse.deliver([unit("a")], soon())

    assert seen == [False]
    assert is_instrumentation_enabled()


@pytest.mark.parametrize(
    "url", ["", "langfuse.example", "ftp://x", "http://", "https:///path", "http://x:port", "http://[x"]
)
def test_an_unusable_address_is_refused_without_repeating_it(url):
    with pytest.raises(ConfigurationError, match="http"):
        LangfuseDestination(url, "pk", "sk")


def test_importing_the_destination_loads_nothing_heavy():
    code = "import sys, certtrace.delivery.langfuse; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ}).stdout

    assert "certtrace.delivery.langfuse" in loaded.split()
    assert not {
        "httpx",
        "requests",
        "urllib3",
        "langfuse",
        "asyncio",
        "opentelemetry.sdk",
        "ssl",
        "http.client",
        "google.protobuf",
    } & set(loaded.split())
