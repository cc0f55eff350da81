"""A real HTTP server on loopback that plays the part of Langfuse which delivery and the doctor use."""

import base64
import email.utils
import gzip
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PUBLIC, SECRET = "pk-lf-of-the-test", "sk-lf-of-the-test"


class LangfuseDouble:
    """Keeps what it is sent and shows it; `status`, `html`, `hang` and the like change its behaviour."""

    def __init__(self):
        self.status = None
        self.html = False
        self.hang = False
        self.redirect = ""
        self.clock_ahead = 0.0
        self.version = "4.60.1"
        self.events_api = True
        self.shows = True
        self.loses = 0
        self.spoils = ""
        self.spans = {}
        self.released = threading.Event()
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if double.hang:
                    double.released.wait(30)
                    self.close_connection = True
                    return
                self.answer(*double.answer_get(self.path, self.headers))

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if double.hang:
                    double.released.wait(30)
                    self.close_connection = True
                    return
                if double.status or double.html or not double.is_known(self.headers):
                    self.answer(*double.answer_get("/", self.headers))
                    return
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                double.take(ExportTraceServiceRequest.FromString(body))
                self.answer(200, {})

            def answer(self, status, content):
                text = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response_only(status)
                self.send_header("Date", email.utils.formatdate(time.time() + double.clock_ahead, usegmt=True))
                if double.redirect:
                    self.send_header("Location", double.redirect)
                self.send_header("Content-Type", "text/html" if isinstance(content, bytes) else "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def is_known(self, headers):
        expected = base64.b64encode(f"{PUBLIC}:{SECRET}".encode()).decode()
        return headers.get("Authorization") == f"Basic {expected}"

    def answer_get(self, path, headers):
        if self.html:
            return 200, b"<!DOCTYPE html><title>Please log in</title>"
        if self.status:
            return self.status, {"message": "no"}
        if not self.is_known(headers):
            return 401, {"message": "Invalid credentials"}
        if path.startswith("/api/public/projects"):
            return 200, {"data": [{"id": "p1", "name": "grading", "organization": {}, "metadata": {}}]}
        if path.startswith("/api/public/health"):
            return 200, {"status": "OK", "version": self.version}
        if path.startswith("/api/public/v2/observations") and self.events_api:
            return 200, {"data": self.shown(path.partition("traceId=")[2]), "meta": {}}
        if path.startswith("/api/public/traces/"):
            found = self.shown(path.rpartition("/")[2])
            return (200, {"id": "t", "observations": found}) if found else (404, {"message": "not found"})
        return 404, {"message": "not found"}

    def shown(self, trace_id):
        return self.spans.get(trace_id, [])[self.loses :] if self.shows else []

    def take(self, message):
        for resource in message.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    told = {each.key: each.value.string_value for each in span.attributes}
                    shown = {"id": span.span_id.hex(), "name": span.name, "metadata": told, "spoiled": self.spoils}
                    self.spans.setdefault(span.trace_id.hex(), []).append(shown)

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)
