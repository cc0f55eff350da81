"""How many observations a second the embedded store takes, and how quickly the on-call lists come back.

python benchmarks/store.py --observations 1000000
"""

import argparse
import json
import os
import random
import tempfile
import time
from pathlib import Path
from statistics import median

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from certtrace import semconv
from certtrace.ports import Payload
from certtrace.records.source import StoreSource, TraceFilter
from certtrace.records.store import StoreDestination

SPANS = 10
SERVICES = [f"service-{number}" for number in range(8)]
FAILURES = ["llm_timeout", "rate_limited", "malformed_json", "low_confidence"]


def unit(number: int, start_ns: int, content: str) -> Payload:
    made = ResourceSpans()
    made.resource.attributes.add(key="service.name").value.string_value = SERVICES[number % len(SERVICES)]
    scope = made.scope_spans.add()
    scope.scope.name = semconv.SCOPE_NAME
    trace_id, root = os.urandom(16), os.urandom(8)
    failed = number % 50 == 0
    for index in range(SPANS):
        span = scope.spans.add(
            trace_id=trace_id,
            span_id=os.urandom(8) if index else root,
            parent_span_id=root if index else b"",
            name="grade.pass" if index else "answer.grade",
            start_time_unix_nano=start_ns + index * 1_000_000,
            end_time_unix_nano=start_ns + 2_000_000_000 - index,
        )
        facts = {
            semconv.SUBMISSION_ID: f"sub-{number}",
            semconv.CANDIDATE: f"<person:{number // 30:06x}>",
            semconv.CONFIDENCE: random.random(),
            semconv.REDACTION_RECEIPT: {"policy": "ab12", "counts": {"PERSON": 2}, "withheld": 0, "microseconds": 30},
        }
        if failed:
            span.status.code = 2
            facts[semconv.FAILURE_CLASS] = random.choice(FAILURES)
        for key, value in facts.items():
            span.attributes.add(key=semconv.metadata(key)).value.string_value = json.dumps(value)
        span.attributes.add(key=semconv.OBSERVATION_INPUT).value.string_value = content
        span.attributes.add(key=semconv.SESSION_ID).value.string_value = f"attempt-{number // 30}"
    return Payload("spans", made.SerializeToString(), trace_id.hex())


def fill(path: Path, observations: int, batch_units: int, content_bytes: int) -> None:
    destination = StoreDestination(path)
    content = "The transport layer multiplexes. " * (content_bytes // 33 + 1)
    units = observations // SPANS
    wall = cpu = 0.0
    for first in range(0, units, batch_units):
        batch = [
            unit(n, 1_795_000_000_000_000_000 + n * 10**9, content)
            for n in range(first, min(first + batch_units, units))
        ]
        before, before_cpu = time.perf_counter(), time.process_time()
        destination.deliver(batch, time.monotonic() + 60)
        wall += time.perf_counter() - before
        cpu += time.process_time() - before_cpu
    destination.close()
    size = path.stat().st_size
    print(
        f"{units * SPANS:,} observations of {content_bytes} B, {batch_units} units a transaction: "
        f"{units * SPANS / wall:,.0f}/s wall, {cpu / units / SPANS * 1e6:.0f} us CPU each, "
        f"{size / units / SPANS:,.0f} B each on disk"
    )


def ask(path: Path, units: int) -> None:
    source = StoreSource(path)
    newest = source.list_traces(limit=1).traces[0]
    questions = {
        "newest 50": TraceFilter(),
        "failed": TraceFilter(failed=True),
        "failed of one service": TraceFilter(failed=True, service=SERVICES[0]),
        "failed since an hour": TraceFilter(failed=True, since_ns=newest.start_time_ns - 3_600 * 10**9),
        "one candidate": TraceFilter(candidate=f"person:{units // 60:06x}"),
        "one submission": TraceFilter(submission_id=f"sub-{units // 2}"),
        "step name and session": TraceFilter(name="grade.pass", session_id=f"attempt-{units // 60}"),
        "no such service": TraceFilter(service="none"),
    }
    for label, question in questions.items():
        times = []
        for _ in range(5):
            before = time.perf_counter()
            found = source.list_traces(question, limit=50)
            times.append(time.perf_counter() - before)
        print(f"  list {label:<24} {median(times) * 1e3:8.1f} ms  ({len(found.traces)} found)")
    for label, call in {
        "resolve a prefix": lambda: source.resolve(newest.trace_id[:12]),
        "get one trace": lambda: source.get_trace(newest.trace_id),
    }.items():
        before = time.perf_counter()
        call()
        print(f"  {label:<29} {(time.perf_counter() - before) * 1e3:8.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--observations", type=int, default=50_000)
    parser.add_argument("--batch-units", type=int, default=20, help="units in one transaction")
    parser.add_argument("--content-bytes", type=int, default=500)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite3"
        fill(path, given.observations, given.batch_units, given.content_bytes)
        ask(path, given.observations // SPANS)


if __name__ == "__main__":
    main()
