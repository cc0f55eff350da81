"""What a traced call costs its caller, beside the peers, in one run.

    python benchmarks/tracing.py [--quick] [--json]

Thread CPU of the calling thread per call, minus the same call undecorated; variants interleaved sample by sample,
medians over samples, minima in brackets. The function under test is `grade(answer: str, rubric: dict) -> dict`; 200 B,
8 KB and 200 KB of non-ASCII text. Everything runs as a user would configure it, with a destination that takes
everything at once (null exporter for the peers, an embedded store on disk for certtrace, one append per call included).
The paced part calls 400 times a second with real OTLP over HTTP to a sink in another process, and reports wall time.

`raw` is the yardstick: `start_as_current_span` without attributes, BatchSpanProcessor.
"""

import argparse
import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("LOGFIRE_IGNORE_NO_CONFIG", "1")

UNIT = "Zuverlässigkeit über Geschwindigkeit – ADR №7. "
SIZES = {"200 B": 200, "8 KB": 8_192, "200 KB": 204_800}
RUBRIC = {"id": "rubric-7", "max": 2.5, "criteria": 3}


def text_of(size: int) -> str:
    return (UNIT * (size // len(UNIT) + 1))[:size]


def grade(answer: str, rubric: dict) -> dict:
    return {"grade": 2.0, "confidence": 0.9}


async def grade_async(answer: str, rubric: dict) -> dict:
    return {"grade": 2.0, "confidence": 0.9}


class Variant:
    """One way to trace: how it decorates, and what it needs around a sample."""

    def __init__(
        self, name: str, decorate: Callable[[Callable], Callable], after: Callable[[], None] = lambda: None
    ) -> None:
        self.name = name
        self.decorate = decorate
        self.after = after
        self.sync = decorate(grade)
        self.coroutine = decorate(grade_async)
        self.tree = self._tree()

    def _tree(self) -> Callable[[int], Any]:
        def level(depth: int) -> Any:
            return tree(depth - 1) if depth > 1 else None

        tree = self.decorate(level)
        return tree


def null_exporter() -> Any:
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Null(SpanExporter):
        def export(self, spans: Any) -> Any:
            return SpanExportResult.SUCCESS

    return Null()


def raw_variant() -> Variant:
    import functools
    import inspect

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(null_exporter()))
    tracer = provider.get_tracer("raw")

    def decorate(func: Callable) -> Callable:
        if inspect.iscoroutinefunction(func):

            @functools.wraps(func)
            async def coroutine(*args: Any, **kwargs: Any) -> Any:
                with tracer.start_as_current_span("grade"):
                    return await func(*args, **kwargs)

            return coroutine

        @functools.wraps(func)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with tracer.start_as_current_span("grade"):
                return func(*args, **kwargs)

        return wrapper

    return Variant("raw OTel span, no attributes", decorate, provider.force_flush)


def raw_orjson_variant() -> Variant:
    import functools
    import inspect

    import orjson
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(null_exporter()))
    tracer = provider.get_tracer("raw")

    def decorate(func: Callable) -> Callable:
        if inspect.iscoroutinefunction(func):

            @functools.wraps(func)
            async def coroutine(*args: Any) -> Any:
                with tracer.start_as_current_span("grade") as span:
                    span.set_attribute("input", orjson.dumps(args).decode())
                    result = await func(*args)
                    span.set_attribute("output", orjson.dumps(result).decode())
                    return result

            return coroutine

        @functools.wraps(func)
        def wrapper(*args: Any) -> Any:
            with tracer.start_as_current_span("grade") as span:
                span.set_attribute("input", orjson.dumps(args).decode())
                result = func(*args)
                span.set_attribute("output", orjson.dumps(result).decode())
                return result

        return wrapper

    return Variant("raw span + input/output by orjson", decorate, provider.force_flush)


def langfuse_variant() -> Variant:
    from langfuse import Langfuse, observe
    from opentelemetry.sdk.trace import TracerProvider

    client = Langfuse(
        public_key="pk-lf-bench",
        secret_key="sk-lf-bench",
        base_url="http://127.0.0.1:9",
        tracer_provider=TracerProvider(),
        span_exporter=null_exporter(),
    )

    def decorate(func: Callable) -> Callable:
        return observe(func)

    return Variant("langfuse.observe", decorate, client.flush)


def logfire_variant() -> Variant:
    import logfire
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    local = logfire.configure(
        local=True,
        send_to_logfire=False,
        console=False,
        inspect_arguments=False,
        additional_span_processors=[BatchSpanProcessor(null_exporter())],
    )

    def decorate(func: Callable) -> Callable:
        return local.instrument("grade", extract_args=True, record_return=True)(func)

    return Variant("logfire.instrument (scrubbing on)", decorate, local.force_flush)


def certtrace_variants(home: str) -> list[Variant]:
    import certtrace
    from certtrace import assembly

    certtrace.configure(
        home=home,
        destinations=["store"],
        service_name="bench",
        drop_names={"unrecorded"},
        instrument_langfuse=False,
        instrument_httpx=False,
    )

    def flush() -> None:
        certtrace.force_flush(60.0)

    running = assembly.current_running()
    assert running is not None
    return [
        Variant("@traced, recorded", certtrace.traced, flush),
        Variant("@traced, not recorded (drop rule)", certtrace.traced(name="unrecorded")),
    ]


def cpu_per_call(call: Callable[[], Any], number: int) -> float:
    gc.disable()
    start = time.thread_time_ns()
    for _ in range(number):
        call()
    spent = time.thread_time_ns() - start
    gc.enable()
    return spent / number / 1_000


def cpu_per_coroutine(call: Callable[[], Any], number: int) -> float:
    async def run() -> float:
        gc.disable()
        start = time.thread_time_ns()
        for _ in range(number):
            await call()
        spent = time.thread_time_ns() - start
        gc.enable()
        return spent / number / 1_000

    return asyncio.run(run())


def cases(variants: list[Variant], numbers: dict[str, int]) -> dict[str, list[tuple[str, Callable[[], float]]]]:
    table: dict[str, list[tuple[str, Callable[[], float]]]] = {}
    for label, size in SIZES.items():
        answer = text_of(size)
        number = numbers[label]
        nested = {"id": "rubric-7", "criteria": [{"name": "a", "text": answer}, {"name": "b", "text": "short"}]}
        for what, args in ((label, (answer, RUBRIC)), (f"{label} nested", ("x", nested))):
            if what == "200 B nested":
                continue
            rows = [("undecorated", lambda a=args, n=number: cpu_per_call(lambda: grade(*a), n))]
            rows += [(v.name, lambda v=v, a=args, n=number: cpu_per_call(lambda: v.sync(*a), n)) for v in variants]
            table[what] = rows
    args = (text_of(200), RUBRIC)
    number = numbers["200 B"]
    table["200 B async"] = [
        ("undecorated", lambda: cpu_per_coroutine(lambda: grade_async(*args), number)),
        *((v.name, lambda v=v: cpu_per_coroutine(lambda: v.coroutine(*args), number)) for v in variants),
    ]

    def plain(depth: int) -> Any:
        return plain(depth - 1) if depth > 1 else None

    table["tree of 10"] = [
        ("undecorated", lambda: cpu_per_call(lambda: plain(10), number // 10)),
        *((v.name, lambda v=v: cpu_per_call(lambda: v.tree(10), number // 10)) for v in variants),
    ]
    return table


def measure(
    table: dict[str, list[tuple[str, Callable[[], float]]]], variants: list[Variant], samples: int
) -> dict[str, dict[str, list[float]]]:
    after = {v.name: v.after for v in variants}
    results: dict[str, dict[str, list[float]]] = {case: {name: [] for name, _ in rows} for case, rows in table.items()}
    for sample in range(samples + 1):
        for case, rows in table.items():
            for name, run in rows:
                value = run()
                after.get(name, lambda: None)()
                if sample:  # the first round warms up
                    results[case][name].append(value)
    return results


def report(results: dict[str, dict[str, list[float]]]) -> list[dict[str, Any]]:
    rows = []
    for case, by_name in results.items():
        base = statistics.median(by_name["undecorated"])
        net = {name: [max(v - base, 0.0) for v in values] for name, values in by_name.items() if name != "undecorated"}
        raw = statistics.median(net["raw OTel span, no attributes"])
        orjson_raw = statistics.median(net["raw span + input/output by orjson"])
        observe = statistics.median(net["langfuse.observe"])
        print(f"\n{case}: µs per call, median (min), ratios of medians")
        print(f"  {'':36} {'µs':>16} {'× raw':>8} {'× raw+orjson':>13} {'× observe':>10}")
        for name, values in net.items():
            median, low = statistics.median(values), min(values)
            row = {
                "case": case, "variant": name, "microseconds": median, "minimum": low, "of_raw": median / raw,
                "of_raw_orjson": median / orjson_raw, "of_observe": median / observe,
            }  # fmt: skip
            rows.append(row)
            print(
                f"  {name:36} {median:9.2f} ({low:.2f}) {row['of_raw']:8.2f} {row['of_raw_orjson']:13.2f}"
                f" {row['of_observe']:10.3f}"
            )
    return rows


SINK = """
import sys, http.server
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200); self.send_header("content-length", "0"); self.send_header("content-type", "application/x-protobuf")
        self.end_headers()
    def log_message(self, *a): pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
print(s.server_port, flush=True)
s.serve_forever()
"""

PACED = """
import sys, time, os, json, resource
variant, port, seconds, home = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
sys.path.insert(0, os.path.dirname(os.path.abspath({file!r})))
import tracing as bench
url = f"http://127.0.0.1:{{port}}"
os.environ.update(LANGFUSE_BASE_URL=url, LANGFUSE_PUBLIC_KEY="pk-lf-bench", LANGFUSE_SECRET_KEY="sk-lf-bench")
flush = lambda: None
if variant == "@traced":
    import certtrace
    certtrace.configure(
        home=home, destinations=["langfuse"], service_name="bench", instrument_langfuse=False, instrument_httpx=False
    )
    call, flush = certtrace.traced(bench.grade), lambda: certtrace.force_flush(30)
elif variant == "langfuse.observe":
    from langfuse import get_client, observe
    call, flush = observe(bench.grade), lambda: get_client().flush()
elif variant == "undecorated":
    call = bench.grade
else:
    import orjson
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    provider = TracerProvider()
    exporter = OTLPSpanExporter(endpoint=url + "/v1/traces", compression=Compression.Gzip)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("raw")
    def call(answer, rubric):
        with tracer.start_as_current_span("grade") as span:
            span.set_attribute("input", orjson.dumps((answer, rubric)).decode())
            result = bench.grade(answer, rubric)
            span.set_attribute("output", orjson.dumps(result).decode())
            return result
    flush = provider.force_flush
answer = bench.text_of(8192)
for _ in range(50): call(answer, bench.RUBRIC)
flush(); time.sleep(0.3)
walls = []
cpu, begin = time.process_time(), time.perf_counter()
step, n = 1 / 400, 0
while time.perf_counter() - begin < seconds:
    t = time.perf_counter_ns()
    call(answer, bench.RUBRIC)
    walls.append(time.perf_counter_ns() - t)
    n += 1
    rest = begin + n * step - time.perf_counter()
    if rest > 0: time.sleep(rest)
flush()
walls.sort()
p50, p99 = walls[len(walls) // 2] / 1000, walls[int(len(walls) * 0.99)] / 1000
print(json.dumps({{"p50": p50, "p99": p99, "cpu": (time.process_time() - cpu) / n * 1e6, "calls": n}}))
os._exit(0)
"""


def paced(seconds: float, rounds: int) -> list[dict[str, Any]]:
    sink = subprocess.Popen([sys.executable, "-c", SINK], stdout=subprocess.PIPE, text=True)
    assert sink.stdout is not None
    port = sink.stdout.readline().strip()
    results: dict[str, list[dict[str, float]]] = {}
    try:
        for _ in range(rounds):
            for variant in ("undecorated", "raw + orjson", "langfuse.observe", "@traced"):
                with tempfile.TemporaryDirectory() as home:
                    done = subprocess.run(
                        [sys.executable, "-c", PACED.format(file=__file__), variant, port, str(seconds), home],
                        capture_output=True, text=True, check=True, timeout=seconds + 90,
                    )  # fmt: skip
                results.setdefault(variant, []).append(json.loads(done.stdout.splitlines()[-1]))
    finally:
        sink.kill()
        sink.wait()
    base = statistics.median(r["p50"] for r in results["undecorated"])
    base_cpu = statistics.median(r["cpu"] for r in results["undecorated"])
    raw = statistics.median(r["p50"] for r in results["raw + orjson"])
    print("\npaced, 400 calls/s of 8 KB, OTLP + gzip to a local sink: wall p50 of the call, process CPU per span")
    print(f"  (CPU net of {base_cpu:.0f} µs undecorated; undecorated wall {base:.0f} µs)")
    rows = []
    for variant, runs in results.items():
        p50, p99 = statistics.median(r["p50"] for r in runs), statistics.median(r["p99"] for r in runs)
        cpu = statistics.median(r["cpu"] for r in runs) - base_cpu
        rows.append({"case": "paced", "variant": variant, "p50": p50, "p99": p99, "cpu": cpu, "of_raw": p50 / raw})
        timings = f"p50 {p50:8.1f} µs  p99 {p99:8.1f} µs  CPU {cpu:8.1f} µs"
        print(f"  {variant:36} {timings}  {p50 / raw:6.2f} × (raw + orjson)")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few samples: a smoke test, not a measurement")
    parser.add_argument("--json", action="store_true", help="also print the rows as JSON")
    parser.add_argument("--no-paced", action="store_true", help="leave the paced part out")
    options = parser.parse_args()
    samples = 3 if options.quick else 24
    numbers = (
        {"200 B": 200, "8 KB": 200, "200 KB": 50} if options.quick else {"200 B": 1_000, "8 KB": 500, "200 KB": 60}
    )
    with tempfile.TemporaryDirectory() as home:
        variants = [
            raw_variant(),
            raw_orjson_variant(),
            langfuse_variant(),
            logfire_variant(),
            *certtrace_variants(home),
        ]
        rows = report(measure(cases(variants, numbers), variants, samples))
        import certtrace

        certtrace.shutdown(10.0)
    if not options.no_paced:
        rows += paced(2.0 if options.quick else 6.0, 1 if options.quick else 3)
    if options.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
