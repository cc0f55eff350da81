"""Clocks that jump while delivery waits, and spans whose times cannot be: entries 16 and 17 of the catalogue."""

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.faults.network import quick, send  # noqa: F401 - fixtures
from tests.faults.service import attributes_of, wait_until

from certtrace import semconv
from certtrace.delivery import pacing
from certtrace.delivery.otlp import encode_unit
from certtrace.ports import Payload, SpanRecord

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(pacing.__file__).parents[2]

# --- 16 --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [3_600, -3_600])
def test_a_clock_that_jumps_during_backoff_changes_no_wait(send, sink, monkeypatch, step):  # noqa: F811
    monkeypatch.setattr(pacing, "_FIRST_BACKOFF_SECONDS", 0.2)
    moments = []
    sink.answer = lambda _: moments.append(time.monotonic()) or sink.Answer(503 if len(moments) < 4 else 200)
    sending = send(sink.url)
    told = []
    sending.delivery._lanes[0]._on_delivered = lambda name, seconds: told.append(seconds)
    sending.write("unit")
    assert sending.failed()
    real, real_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: real() + step)
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + step * 10**9)

    assert wait_until(lambda: sink.names() == ["unit"], 10)
    waits = [later - earlier for earlier, later in itertools.pairwise(moments)]
    for number, wait in enumerate(waits):
        assert 0.2 * 2**number <= wait < 0.2 * 2**number * 1.25 + 1.0
    assert wait_until(lambda: told)
    assert told[0] >= 0.0
    age = sending.status.oldest_age_seconds
    assert age is None or age >= 0.0


_WALL_CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static volatile long long *offset;

__attribute__((constructor)) static void prepare(void) {
    int file = open(getenv("WALL_CLOCK_OFFSET"), O_RDONLY);
    offset = mmap(0, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (!result && clock == CLOCK_REALTIME) now->tv_sec += *offset;
    return result;
}
"""
"""The wall clock of one process, moved as a time server moves a machine's: the monotonic clock and all waits stay.
libfaketime would move waits too, wrongly: `time.sleep` fails under it."""

_STEPPED = r"""
import itertools, json, struct, sys, time
from pathlib import Path

folder, clock, steps = Path(sys.argv[1]), Path(sys.argv[2]), [int(step) for step in sys.argv[3].split(",")]
before = time.time()


def step(seconds):
    with clock.open("r+b") as file:
        file.write(struct.pack("<q", seconds))


import certtrace
from certtrace import assembly
from certtrace.delivery import pacing
from tests.delivery.conftest import Sink
from tests.faults.service import wait_until

pacing._FIRST_BACKOFF_SECONDS = 0.2
sink = Sink()
moments = []


def answer(_request):
    moments.append(time.monotonic())
    if len(moments) <= len(steps):
        step(steps[len(moments) - 1])  # the clock jumps while the lane waits
        return sink.Answer(503)
    return sink.Answer()


sink.answer = answer
certtrace.configure(home=folder / "home", destinations=["langfuse"], langfuse_base_url=sink.url,
                    langfuse_public_key="pk", langfuse_secret_key="sk", instrument_langfuse=False)


@certtrace.traced
def grade(number):
    started = time.monotonic()
    if number == 1:
        step(-3600)  # the clock is set back while a span runs
    while time.monotonic() < started + 0.05:
        pass
    return number


for number in range(3):
    grade(number)
delivered = wait_until(lambda: len(sink.copies()) == 3, 20)
spans = [span for request in sink.taken for span in request.spans]
jump = time.time()
told = {
    "delivered": delivered,
    "copies": sorted(sink.copies().values()),
    "waits": [b - a for a, b in itertools.pairwise(moments)],
    "durations": [span.end_time_unix_nano - span.start_time_unix_nano for span in spans],
    "jumped": jump - before,
}
started = time.monotonic()
told["shutdown"] = [bool(certtrace.shutdown(2.0)), time.monotonic() - started]
print(json.dumps(told), flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("steps", ["3600,3600,3600", "-3600,3600,-3600"])
def test_a_real_clock_that_jumps_under_a_whole_pipeline_changes_nothing(tmp_path, steps):
    source, library = tmp_path / "clock.c", tmp_path / "clock.so"
    script, offset = tmp_path / "stepped.py", tmp_path / "offset"
    source.write_text(_WALL_CLOCK)
    script.write_text(_STEPPED)
    offset.write_bytes(bytes(8))
    compiler = shutil.which("cc")
    build = [compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    if compiler is None or sys.platform != "linux" or subprocess.run(build, capture_output=True).returncode:
        pytest.skip("To move the clock of one process, a C compiler has to build what stands before the C library.")
    environment = {
        **os.environ,
        "LD_PRELOAD": str(library),
        "WALL_CLOCK_OFFSET": str(offset),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(PACKAGE)]),
    }
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), str(offset), steps],
        capture_output=True, text=True, timeout=60, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)

    assert abs(told["jumped"]) > 3_000  # the clock of that process did move
    assert told["delivered"]
    assert told["copies"] == [1, 1, 1]
    for number, wait in enumerate(told["waits"]):
        assert 0.2 * 2**number <= wait < 0.2 * 2**number * 1.25 + 1.5
    assert all(0 <= duration < 5 * 10**9 for duration in told["durations"])
    assert told["shutdown"][0]
    assert told["shutdown"][1] < 2.5


# --- 17 --------------------------------------------------------------------------------------------------------------


def test_impossible_times_are_repaired_and_their_batch_survives(send, sink):  # noqa: F811
    """A backend refuses a whole batch for one span that lies in 1970 or ends before it starts; ours gets none."""
    now = time.time_ns()
    times = [(0, 0), (-5, -1), (0, now), (now, 0), (now, now - 10**9), (2**70, 2**71), (now, now + 10)]

    def answer(request):
        good = all(now - 10**9 < s.start_time_unix_nano <= s.end_time_unix_nano < 2**63 for s in request.spans)
        return sink.Answer(200 if good else 400)

    sink.answer = answer
    sending = send(sink.url)
    spans = [
        SpanRecord(1, number, 0, f"s{number}", 1, start, end, 0, "", {})
        for number, (start, end) in enumerate(times, start=1)
    ]
    sequence = sending.spool.accept(1, 1, 0, -1 & (2**64 - 1))
    sending.spool.content(sequence, Payload("spans", encode_unit(spans, {}), f"{1:032x}"))

    assert sending.delivery.flush(10).complete
    assert (len(sink.seen), len(sink.taken), sending.status.dead_lettered) == (1, 1, 0)
    marked = {s.name for s in sink.taken[0].spans if attributes_of(s).get(semconv.TIMES_REPAIRED)}
    assert marked == {f"s{number}" for number in range(1, len(times))}


@pytest.mark.parametrize(("start", "end"), [(0, 0), (-5, -9), (10**18, -1), (2**70, 2**70)])
def test_a_span_of_the_host_with_impossible_times_costs_neither_host_nor_batch(service, start, end):
    from opentelemetry import trace

    running = service()
    tracer = trace.get_tracer("host")
    with tracer.start_as_current_span("before"):
        pass
    span = tracer.start_span("impossible", start_time=start)
    span.end(end_time=end)
    with tracer.start_as_current_span("after"):
        pass

    import certtrace

    assert certtrace.force_flush(10).delivered
    found = {s.name: s for s in running.sent()}
    assert set(found) == {"before", "impossible", "after"}
    assert 0 < found["impossible"].start_time_unix_nano <= found["impossible"].end_time_unix_nano < 2**63
