"""Requests that httpx sends while it is instrumented, and servers that answer with personal data."""

import asyncio
import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import httpx
import pytest
from tests.leaks.plants import CARD, CONTROL, EMAIL, FORMS_TEXT, IDENTITY, NAME, PERSONAL_TEXT, TOKEN

import certtrace
from certtrace import span


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.headers.get("Content-Length"):
            self.rfile.read(int(self.headers["Content-Length"]))
        redirect = "redirect" in self.path
        self.send_response(302 if redirect else 404 if "missing" in self.path else 200)
        self.send_header("Set-Cookie", f"session={TOKEN}")
        self.send_header("X-Candidate", quote(PERSONAL_TEXT))
        if redirect:
            self.send_header("Location", f"/landed/{quote(NAME)}?mail={quote(EMAIL)}&{CONTROL}=1")
        body = PERSONAL_TEXT.encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def echo():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(5)


def urls(echo):
    for text in (PERSONAL_TEXT, FORMS_TEXT):
        yield f"http://{echo}/{quote(text, safe='')}"
        yield f"http://{echo}/{CONTROL}?q={quote(text)}&who={quote(quote(text))}"
        yield f"http://{echo}/{CONTROL}#{quote(text)}"
    yield f"http://{quote(EMAIL)}:{quote(CARD)}@{echo}/{CONTROL}"
    yield f"http://{echo}/redirect/{CONTROL}"
    yield f"http://{echo}/missing/{CONTROL}/{quote(NAME)}"
    yield f"http://{echo}/{CONTROL}/{quote(NAME.upper().replace(' ', '.'))}/{EMAIL}"
    yield f"http://nowhere.invalid/{CONTROL}/{quote(PERSONAL_TEXT)}"


def test_no_url_header_or_body_shows_anybody(way_out, echo):
    headers = {"X-Candidate": quote(PERSONAL_TEXT), "Authorization": f"Bearer {TOKEN}", "Cookie": f"id={TOKEN}"}
    for url in urls(echo):
        way_out.sent()
        with span("unit"):
            certtrace.identify(**IDENTITY)
            with httpx.Client(follow_redirects=True) as client, contextlib.suppress(httpx.ConnectError):
                response = client.post(url, headers=headers, json={"answer": PERSONAL_TEXT})
                with contextlib.suppress(httpx.HTTPStatusError), span("check"):
                    response.raise_for_status()
        way_out.check()


def test_async_requests_show_nobody(way_out, echo):
    async def run():
        async with httpx.AsyncClient(follow_redirects=True) as client:
            for url in urls(echo):
                with contextlib.suppress(httpx.ConnectError), span("unit"):
                    certtrace.identify(**IDENTITY)
                    await client.get(url)

    way_out.sent()
    asyncio.run(run())
    way_out.check()


def test_headers_that_are_asked_for_are_redacted(way_out):
    """What an instrumentation is told to record of headers and bodies passes the redactor like all else."""
    from opentelemetry import trace

    way_out.sent()
    with span("unit"):
        certtrace.identify(**IDENTITY)
        with trace.get_tracer("opentelemetry.instrumentation.fastapi").start_as_current_span("POST /grade") as opened:
            opened.set_attribute("http.request.header.x_candidate", [quote(PERSONAL_TEXT), FORMS_TEXT])
            opened.set_attribute("http.request.header.authorization", [f"Bearer {TOKEN}"])
            opened.set_attribute("http.target", f"/grade?who={quote(PERSONAL_TEXT)}&card={quote(CARD)}")
            opened.set_attribute("client.address", CONTROL)
            opened.set_attribute("enduser.id", EMAIL)
    way_out.check()


def test_nothing_personal_was_written(way_out):
    way_out.check_disk()
