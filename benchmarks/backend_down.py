"""A backend that is dead for a whole run of 100,000 traced calls, and then comes up: memory, the calls' time, what arrives.

Two processes make the same calls in turns of a few thousand, one with a living backend, one with a dead one, so that
both meet the same machine. Each has four threads that pause between their calls. Afterwards the dead backend is started, in
a process of its own, and counts distinct spans by trace and span.

    python benchmarks/backend_down.py [--calls 100000] [--threads 4] [--pause 0.002]
"""

import argparse
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

_TURN = 5_000


# --- the backend -----------------------------------------------------------------------------------------------------


def serve(port: int) -> None:
    """Take spans on a port of loopback, and tell on standard output what came, once a line is read."""
    import gzip
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    seen: set[tuple[bytes, bytes]] = set()
    total = 0
    guard = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            nonlocal total
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            if "otel" in self.path:
                request = ExportTraceServiceRequest.FromString(body)
                spans = [s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans]
                with guard:
                    total += len(spans)
                    seen.update((s.trace_id, s.span_id) for s in spans)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        allow_reuse_address = True
        daemon_threads = True

    server = Server(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for _ in sys.stdin:
        with guard:
            print(json.dumps({"distinct": len(seen), "received": total}), flush=True)


# --- the service -----------------------------------------------------------------------------------------------------


class Lines(logging.Handler):
    """Counts what would be in the host's log."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        Lines.count += 1


def rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def work(url: str, home: str, threads: int, pause: float) -> None:
    """Make traced calls as the lines on standard input say, and answer each line with one."""
    import certtrace
    from certtrace import assembly

    logging.getLogger("certtrace").addHandler(Lines())
    certtrace.configure(
        home=home,
        service_name="bench",
        destinations=["langfuse"],
        langfuse_base_url=url,
        langfuse_public_key="pk",
        langfuse_secret_key="sk",
        instrument_langfuse=False,
    )

    @certtrace.traced
    def grade(submission: str, points: int) -> dict[str, object]:
        return {"points": points, "reason": "The answer names redundancy and says where it costs."}

    times: list[int] = []
    peak = 0.0

    def call(number: int) -> None:
        for index in range(number):
            started = time.perf_counter_ns()
            grade("load balancing spreads requests over several servers", index)
            times.append(time.perf_counter_ns() - started)
            time.sleep(pause)

    def watch() -> None:
        nonlocal peak
        while True:
            peak = max(peak, rss_mb())
            time.sleep(0.1)

    def calls(number: int) -> dict[str, Any]:
        times.clear()
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(call, [number // threads] * threads))
        return {"times": times}

    running = assembly.current_running()
    assert running is not None
    baseline = 0.0
    for line in sys.stdin:
        order, _, amount = line.strip().partition(" ")
        answer: dict[str, Any] = {}
        if order == "warm":
            calls(int(amount))
            certtrace.force_flush(1.0)
            baseline = peak = rss_mb()
            threading.Thread(target=watch, daemon=True).start()
        elif order == "call":
            answer = calls(int(amount))
        elif order == "flush":
            started = time.monotonic()
            result = certtrace.force_flush(float(amount))
            answer = {"delivered": result.delivered, "waiting": result.waiting, "seconds": time.monotonic() - started}
        elif order == "state":
            told = assembly.status()
            assert told is not None
            assert running.delivery is not None
            lane = running.delivery.status().destinations["langfuse"]
            answer = {
                "baseline": baseline,
                "now": rss_mb(),
                "peak": peak,
                "kept": told.account.kept,
                "dropped": sum(told.account.dropped.values()),
                "pending": lane.pending_units,
                "bytes": lane.pending_bytes,
                "delivered": lane.delivered,
                "dead": lane.dead_lettered + lane.lost,
                "lines": Lines.count,
            }
        print(json.dumps(answer), flush=True)
    started = time.monotonic()
    certtrace.shutdown(2.0)
    print(json.dumps({"shutdown": time.monotonic() - started}), flush=True)


# --- the benchmark ---------------------------------------------------------------------------------------------------


class Child:
    """A process of this file that answers lines."""

    def __init__(self, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin: IO[str] = self.process.stdin
        self.stdout: IO[str] = self.process.stdout

    def ask(self, line: str) -> dict[str, Any]:
        self.stdin.write(line + "\n")
        self.stdin.flush()
        return json.loads(self.stdout.readline())

    def end(self) -> None:
        self.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port() -> int:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        return int(reserved.getsockname()[1])


def percentile(times: list[int], share: float) -> float:
    return sorted(times)[min(int(len(times) * share), len(times) - 1)] / 1000


def wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--pause", type=float, default=0.002)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    ports = {"living": free_port(), "dead": free_port()}
    backends = {"living": Child("serve", ports["living"])}
    wait_for(ports["living"])
    services = {
        name: Child("work", f"http://127.0.0.1:{port}", folder / name, options.threads, options.pause)
        for name, port in ports.items()
    }
    times: dict[str, list[int]] = {"living": [], "dead": []}
    warm = 2_000
    try:
        for service in services.values():
            service.ask(f"warm {warm}")
        done = turn = 0
        while done < options.calls:
            number = min(_TURN, options.calls - done)
            # In turns, and each first in every other one: what else the machine does meets both.
            for name in ("living", "dead") if turn % 2 == 0 else ("dead", "living"):
                times[name] += services[name].ask(f"call {number}")["times"]
            done += number
            turn += 1
        for name in services:
            state = services[name].ask("state")
            print(f"{name:7} backend: {len(times[name]):7d} calls", end="")
            print(
                f"  p50 {percentile(times[name], 0.5):7.1f} us  p99 {percentile(times[name], 0.99):8.1f} us"
                f"  p99.9 {percentile(times[name], 0.999):8.1f} us"
            )
            print(
                f"        memory: baseline {state['baseline']:.1f} MB, peak +{state['peak'] - state['baseline']:.1f} MB;"
                f" kept {state['kept']}, dropped {state['dropped']}, pending {state['pending']}"
                f" ({state['bytes'] / 1e6:.1f} MB on disk); {state['lines']} log lines"
            )
        for share in (0.5, 0.99, 0.999):
            ratio = percentile(times["dead"], share) / percentile(times["living"], share)
            print(f"dead / living, p{100 * share:g}: {ratio:.2f}")

        backends["dead"] = Child("serve", ports["dead"])
        wait_for(ports["dead"])
        returned = time.monotonic()
        flushed = services["dead"].ask("flush 300")
        seconds = time.monotonic() - returned
        services["living"].ask("flush 60")
        for name in services:
            state, counted = services[name].ask("state"), backends[name].ask("count")
            lost = state["kept"] - counted["distinct"]
            print(
                f"{name:7} backend: kept {state['kept']}, distinct spans there {counted['distinct']}"
                f" (received {counted['received']}), lost {lost}, dead letters {state['dead']};"
                f" peak +{state['peak'] - state['baseline']:.1f} MB, now +{state['now'] - state['baseline']:.1f} MB"
            )
        print(f"drained in {seconds:.1f} s after the backend came up; flush said delivered={flushed['delivered']}")
        for name, service in services.items():
            service.stdin.close()
            print(f"{name:7} backend: shutdown took {json.loads(service.stdout.readline())['shutdown']:.2f} s")
    finally:
        for child in (*services.values(), *backends.values()):
            child.end()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]))
    elif sys.argv[1:2] == ["work"]:
        work(sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
    else:
        main()
