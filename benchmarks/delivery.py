"""What delivery costs, and what it loses, beside the stock BatchSpanProcessor with its OTLP/HTTP exporter.

    python benchmarks/delivery.py           all of it, small
    python benchmarks/delivery.py parts     accepting on the caller's thread, encoding, spooling, the ledger
    python benchmarks/delivery.py through   spans a second to the disk and to a server on loopback, CPU and bytes a span
    python benchmarks/delivery.py burst     50,000 spans from 4 threads in a tight loop, 100 ms for each request

`through` and `burst` run every contestant in a process of its own, in turn, against a server in another process. The
stock exporter needs the dependency group `bench`.
"""

import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from certtrace import semconv
from certtrace.delivery.otlp import concat_units, encode_unit
from certtrace.delivery.spool import Spool
from certtrace.ledger import Ledger
from certtrace.ports import Decision, Payload, ScopeRecord, SpanRecord


def best(work: Callable[[int], object], calls: int = 1_000, rounds: int = 20) -> float:
    """Return microseconds of thread CPU per call in the best round, the loop itself taken off."""
    costs = []
    for function in (work, lambda _n: None):
        fastest = float("inf")
        for _ in range(rounds):
            started = time.thread_time_ns()
            for number in range(calls):
                function(number)
            fastest = min(fastest, time.thread_time_ns() - started)
        costs.append(fastest / calls / 1_000)
    return costs[0] - costs[1]


def span(text_bytes: int) -> SpanRecord:
    """Return a span as it leaves redaction: two texts, metadata, a receipt."""
    text = "Das Rechenzentrum prüft. "[: max(text_bytes, 1)] * (text_bytes // 52 or 1)
    attributes: dict[str, object] = {
        semconv.OBSERVATION_TYPE: "span",
        semconv.OBSERVATION_INPUT: text,
        semconv.OBSERVATION_OUTPUT: text,
        semconv.SUBMISSION_ID: "<submission:7f3a91>",
        semconv.CONFIDENCE: 0.41,
        semconv.REDACTION_RECEIPT: '{"policy":"a1b2c3","counts":{"PERSON":2}}',
        semconv.USER_ID: "<person:7f3a91>",
        semconv.ENVIRONMENT: "production",
    }
    scope = ScopeRecord(semconv.SCOPE_NAME, "0.1.0")
    return SpanRecord(2**127 + 5, 2**63 + 7, 9, "grading pass", 1, 10**18, 10**18 + 5, 0, "", attributes, scope=scope)


def parts() -> None:
    """Print what the parts cost."""
    folder = Path(tempfile.mkdtemp())
    try:
        trace_id = 2**127 + 5
        for fsync in ("always", "process", "group"):
            spool = Spool(folder / fsync, max_bytes=8 << 30, fsync=fsync)
            spool.owe(["store"])
            accept = spool.accept
            if fsync == "always":
                waits = [
                    timed(lambda accept=accept: accept(trace_id, 1, 10**18, 10**18 + 5, 0, 8, 0, 0, 1))
                    for _ in range(200)
                ]
                print(f"accept, fsync always          {statistics.median(waits) * 1e6:8.0f} us, waiting for the disk")
                continue
            cost = best(lambda n, accept=accept: accept(trace_id, n, 10**18, 10**18 + 5, 0, 8, 0, 0, 1))
            print(f"accept, fsync {fsync:7s}         {cost:8.2f} us, thread CPU of the caller")
        for size in (200, 2_000, 8_000):
            spans = [span(size)] * 8
            encoded = encode_unit(spans, {semconv.SERVICE_NAME: "aptitude-grading"})
            cost = best(lambda _n, spans=spans: encode_unit(spans, {}), calls=50) / 8
            print(f"encode, {size:5d} B of text       {cost:8.2f} us a span ({len(encoded) // 8} B)")
        units = [encode_unit([span(2_000)] * 8, {})] * 200
        print(f"join 200 units to a request   {best(lambda _n: concat_units(units), calls=20):8.2f} us")
        payload = Payload("spans", encode_unit([span(2_000)], {}), f"{trace_id:032x}")
        sequences = [accept(1, 1, 1, 2) for _ in range(20_000)]
        started = time.perf_counter()
        for sequence in sequences:
            spool.content(sequence, payload)
        seconds = time.perf_counter() - started
        print(f"spool records of {len(payload.data)} B       {len(sequences) / seconds:8.0f} a second")
        ledger = Ledger(folder / "ledger", b"key")
        decision = Decision(keep=True, rule="error")
        cost = best(
            lambda n: ledger.append(
                trace_id=f"{n:032x}", root_span_id=f"{n:016x}", decision=decision, span_count=8, content=payload.data
            )
        )
        print(f"ledger entry                  {cost:8.2f} us")
        ledger.close()
        spool.close()
    finally:
        shutil.rmtree(folder)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


# --- the server ------------------------------------------------------------------------------------------------------


def serve(delay_seconds: float) -> None:
    """Take OTLP, after a delay for each request; tell on GET how many spans came, and how many different ones."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(delay_seconds)
            bodies.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.answer(b"", "application/x-protobuf")

        def do_GET(self) -> None:
            ids = [
                (span.trace_id, span.span_id)
                for body in list(bodies)
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            ]
            told = {"requests": len(bodies), "spans": len(ids), "different": len(set(ids))}
            self.answer(json.dumps(told).encode(), "application/json")

        def answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()  # until whoever started it is gone


class Served:
    """The server in a process of its own."""

    def __init__(self, delay_seconds: float = 0.0) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "serve", str(delay_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def told(self) -> dict[str, int]:
        with urlopen(self.url, timeout=120) as answer:
            found: dict[str, int] = json.load(answer)
            return found

    def close(self) -> None:
        self.process.communicate("", timeout=10)


# --- the contestants, each in a process of its own -------------------------------------------------------------------

TEXT = "Das Rechenzentrum fällt aus, die Last geht an den zweiten Standort. " * 3
CHILDREN = 4


def work(open_span: Callable[[str], Any], units: int, threads: int) -> float:
    """Make units of one root and `CHILDREN` spans below it; return the seconds until the last one ended."""

    failures: list[BaseException] = []

    def make() -> None:
        try:
            for _ in range(units // threads):
                with open_span("answer.grade"):
                    for _ in range(CHILDREN):
                        with open_span("grading.pass"):
                            pass
        except BaseException as error:
            failures.append(error)

    started = time.perf_counter()
    workers = [threading.Thread(target=make) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failures:
        raise failures[0]
    return time.perf_counter() - started


def run_certtrace(url: str, units: int, threads: int, profile: str, fsync: str, home: str) -> dict[str, float]:
    """Trace with certtrace; with an address of port 9 nothing is delivered, and the disk is what counts."""
    import certtrace
    from certtrace.assembly import current_running

    certtrace.configure(
        home=home,
        service_name="grading",
        destinations=("langfuse",),
        langfuse_base_url=url,
        langfuse_public_key="pk-lf-benchmark",
        langfuse_secret_key="sk-lf-benchmark",
        redaction_profile=profile,
        spool_fsync=fsync,
        instrument_httpx=False,
        instrument_langfuse=False,
    )
    running = current_running()
    assert running is not None
    redaction = [0.0]
    for route in running.pipeline.stations.routes:
        _time_redaction(route.redactor, redaction)
    with certtrace.span("warm up", input=TEXT):
        pass
    running.pipeline.flush(60)
    redaction[0] = 0.0
    before = _thread_seconds()
    cpu, started = time.process_time(), time.perf_counter()

    @contextmanager
    def open_span(name: str) -> Iterator[None]:
        with certtrace.span(name, input=TEXT) as current:
            yield
            current.update(output=TEXT)

    made = work(open_span, units, threads)
    running.pipeline.flush(600)
    assert running.spool is not None
    running.spool.sync()
    on_disk = time.perf_counter() - started
    bytes_on_disk = sum(path.stat().st_size for path in Path(home, "spool").rglob("*.spl"))
    if not url.endswith(":9"):
        certtrace.force_flush(600)
    through = time.perf_counter() - started
    cpu = time.process_time() - cpu
    after = _thread_seconds()
    status = running.status()
    counters = running.spool.counters()
    spent = {name: after[name] - before.get(name, 0.0) for name in after}
    worker = spent.get("certtrace-worker", 0.0)
    return {
        "made": made,
        "disk": on_disk,
        "through": through,
        "cpu": cpu,
        "redaction": redaction[0],
        "worker": worker - redaction[0],
        "delivery": spent.get("certtrace-langfuse", 0.0),
        "sync": spent.get("certtrace-sync", 0.0),
        "bytes": bytes_on_disk,
        "refused": sum(status.account.dropped.values()),
        "lost": counters.lost,
    }


def _time_redaction(redactor: Any, spent: list[float]) -> None:
    original = redactor.redact_unit

    def redact_unit(*arguments: Any, **options: Any) -> Any:
        started = time.thread_time()
        try:
            return original(*arguments, **options)
        finally:
            spent[0] += time.thread_time() - started

    redactor.redact_unit = redact_unit


def _thread_seconds() -> dict[str, float]:
    """Return the CPU time that each thread has used."""
    return {
        thread.name: time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
        for thread in threading.enumerate()
        if thread.ident is not None
    }


def run_stock(url: str, units: int, threads: int, queue: int) -> dict[str, float]:
    """Trace with OpenTelemetry's own processor and exporter: the defaults, or a queue that holds everything."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    options = {"max_queue_size": queue} if queue else {}
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{url}/v1/traces"), **options))
    tracer = provider.get_tracer("benchmark")
    attributes = {semconv.OBSERVATION_INPUT: TEXT, semconv.OBSERVATION_OUTPUT: TEXT}
    with tracer.start_as_current_span("warm up"):
        pass
    provider.force_flush()
    cpu, started = time.process_time(), time.perf_counter()
    made = work(lambda name: tracer.start_as_current_span(name, attributes=attributes), units, threads)
    provider.force_flush(600_000)
    through = time.perf_counter() - started
    cpu = time.process_time() - cpu
    provider.shutdown()
    return {"made": made, "through": through, "cpu": cpu}


def contest(name: str, **options: Any) -> dict[str, float]:
    """Run one contestant in a process of its own."""
    home = tempfile.mkdtemp()
    try:
        if name == "certtrace":
            options["home"] = home
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("CERTTRACE_", "LANGFUSE_", "OTEL_"))}
        done = subprocess.run(
            [sys.executable, __file__, "run", name, json.dumps(options)],
            capture_output=True,
            text=True,
            timeout=900,
            env=environment,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return found
    finally:
        shutil.rmtree(home, ignore_errors=True)


# --- the comparisons -------------------------------------------------------------------------------------------------


def through(units: int, rounds: int) -> None:
    """Print spans a second, CPU and bytes a span, of all contestants in turn; medians of the rounds."""
    spans = units * (CHILDREN + 1)
    few = max(units // 10, 20)  # redaction alone costs a hundred times the rest where the machine is busy
    disk: dict[str, list[dict[str, float]]] = {}
    sent: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        for fsync in ("process", "group", "always"):
            options = {"url": "http://127.0.0.1:9", "threads": 2, "profile": "open", "fsync": fsync}
            disk.setdefault(fsync, []).append(contest("certtrace", units=units, **options))
        for name, label, options in (
            ("certtrace", "certtrace, standard redaction", {"profile": "standard", "fsync": "group", "units": few}),
            ("certtrace", "certtrace, open redaction", {"profile": "open", "fsync": "group"}),
            ("stock", "stock, defaults", {"queue": 0}),
            ("stock", "stock, queue for everything", {"queue": 1_000_000}),
        ):
            server = Served()
            found = contest(name, **{"url": server.url, "units": units, "threads": 2, **options})
            made = options.get("units", units) * (CHILDREN + 1)
            arrived = server.told()["different"] - 1  # one to warm up
            server.close()
            sent.setdefault(label, []).append({**found, "spans": made, "lost_spans": made - arrived})

    def median(runs: list[dict[str, float]], key: str) -> float:
        return statistics.median(run[key] for run in runs)

    print(
        f"{spans:,} spans in units of {CHILDREN + 1}, 2 threads, {2 * len(TEXT.encode())} B of text a span; {rounds} rounds"
    )
    print("from end to safe on disk, profile open:")
    for fsync, runs in disk.items():
        rate, size = spans / median(runs, "disk"), median(runs, "bytes") / spans
        print(f"  fsync {fsync:8s}               {rate:8.0f} spans a second, {size:5.0f} B a span")
    print("to a server on loopback:")
    reference = spans / median(sent["stock, queue for everything"], "through")
    for label, runs in sent.items():
        rate, cpu = runs[0]["spans"] / median(runs, "through"), median(runs, "cpu") / runs[0]["spans"] * 1e6
        lost = max(int(run["lost_spans"]) for run in runs)
        print(
            f"  {label:30s} {rate:8.0f} spans a second ({rate / reference:4.2f}x), {cpu:5.0f} us CPU a span, {lost:6,d} lost"
        )
    for label in ("certtrace, standard redaction", "certtrace, open redaction"):
        made = sent[label][0]["spans"]
        figures = {key: median(sent[label], key) / made * 1e6 for key in ("redaction", "worker", "delivery", "sync")}
        text = ", ".join(f"{key} {value:.0f}" for key, value in figures.items())
        print(f"  {label}: CPU us a span off the caller's thread: {text}")


def burst(spans: int) -> None:
    """Print what arrives of a burst from 4 threads when each request takes 100 ms."""
    units = spans // (CHILDREN + 1)
    for name, label, options in (
        ("certtrace", "certtrace", {"profile": "open", "fsync": "group"}),
        ("stock", "stock, defaults", {"queue": 0}),
    ):
        server = Served(0.1)
        found = contest(name, url=server.url, units=units, threads=4, **options)
        told = server.told()
        server.close()
        arrived = told["different"] - 1
        print(
            f"{label:16s} {spans:,} spans made in {found['made']:5.1f} s: {arrived:6,d} arrived, {spans - arrived:6,d} lost, "
            f"{told['spans'] - told['different']:,} twice, {told['requests']} requests, {found['through']:6.1f} s in all, "
            f"{int(found.get('refused', 0)):,} units refused"
        )


def main() -> None:
    """Do what the command line says."""
    match sys.argv[1:]:
        case ["serve", delay]:
            serve(float(delay))
        case ["run", "certtrace", options]:
            print(json.dumps(run_certtrace(**json.loads(options))))
            sys.stdout.flush()
            os._exit(0)  # what is not delivered is not this benchmark's business
        case ["run", "stock", options]:
            print(json.dumps(run_stock(**json.loads(options))))
        case ["parts"]:
            parts()
        case ["through"]:
            through(units=2_000, rounds=3)
        case ["burst"]:
            burst(50_000)
        case []:
            parts()
            through(units=200, rounds=1)
            burst(2_000)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
