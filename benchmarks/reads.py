"""How quickly the server's reading routes answer over a large store.

python benchmarks/reads.py --observations 1000000 --home some/folder

Fills a store through the records, starts `certtrace serve` over it and asks over HTTP. A folder with a store, filled
before or by store.py, is used as it is. The last lines say for each requirement whether it is met.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx

from certtrace.records.database import Database
from certtrace.records.model import Observation, Score
from certtrace.records.search import SearchIndex
from certtrace.records.store import StoreWriter

PER_TRACE = 10
LARGE_TRACE = "e" * 32
LARGE = 500
START_NS = 1_795_000_000_000_000_000
TEXT = "The transport layer multiplexes. " * 30
PROJECT = "default"
MOST_MS = 50.0
PAGE = "traces page"
ONE = "trace of 500 observations"


def trace(number: int, trace_id: str, size: int) -> list[Observation]:
    start = START_NS + number * 10**9
    ids = [os.urandom(8).hex() for _ in range(size)]
    common = {
        "trace_id": trace_id,
        "environment": "production",
        "user_id": f"user-{number % 5000}",
        "session_id": f"session-{number // 20}",
        "version": "1",
        "tags": ("essay", f"class-{number % 40}"),
    }
    return [
        Observation(
            id=identifier,
            parent_observation_id=ids[(index - 1) // 4] if index else None,
            type="GENERATION" if index % 3 else "SPAN",
            name=f"step-{index % 7}" if index else f"grade-{number % 12}",
            level="ERROR" if random.random() < 0.01 else "DEFAULT",
            start_time_ns=start + index * 1_000_000,
            end_time_ns=start + 10**9 + index,
            model="model-a" if index % 3 else None,
            usage_details={"input": 100, "output": 20, "total": 120} if index % 3 else {},
            cost_details={"input": 0.001, "output": 0.002, "total": 0.003} if index % 3 else {},
            input=TEXT,
            output=TEXT,
            metadata={"resourceAttributes": {"service.name": f"service-{number % 8}"}, "attempt": number % 3},
            **common,
        )
        for index, identifier in enumerate(ids)
    ]


def fill(path: Path, observations: int) -> None:
    database = Database(path)
    writer = StoreWriter(database)
    began = time.perf_counter()
    traces = observations // PER_TRACE
    batch: list[Observation] = []
    scores: list[Score] = []
    for number in range(traces):
        made = trace(number, os.urandom(16).hex(), PER_TRACE)
        batch += made
        if number % 5 == 0:
            scores.append(
                Score(
                    id=os.urandom(16).hex(), name="accuracy", value=random.random(), data_type="NUMERIC",
                    timestamp_ns=made[-1].end_time_ns, trace_id=made[0].trace_id,
                )
            )  # fmt: skip
        if len(batch) >= 2000 or number == traces - 1:
            writer.write(PROJECT, batch, scores)
            batch, scores = [], []
    writer.write(PROJECT, trace(traces // 2, LARGE_TRACE, LARGE))
    while SearchIndex(database).catch_up(60.0):
        pass
    database.close()
    took = time.perf_counter() - began
    print(f"filled with {observations + LARGE:,} observations in {took:.0f} s; {path.stat().st_size / 1e9:.2f} GB")


@contextmanager
def served(home: Path) -> Iterator[tuple[httpx.Client, int]]:
    program = str(Path(sys.executable).with_name("certtrace"))
    command = [program, "--home", str(home), "serve", "--port", "0", "--json"]
    create = [program, "--home", str(home), "keys", "create", "--role", "admin", "--json"]
    key = json.loads(subprocess.run(create, check=True, capture_output=True, text=True).stdout)
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        ready = json.loads(server.stdout.readline())
        with httpx.Client(base_url=ready["url"], auth=(key["public_key"], key["secret_key"]), timeout=60) as client:
            yield client, server.pid
    finally:
        server.terminate()
        server.wait(20)


def _known(client: httpx.Client) -> dict[str, str]:
    """Return values that the store has, whoever filled it."""
    deep = client.get("/api/public/v2/observations", params={"limit": 1000}).json()["meta"]["cursor"]
    params: dict[str, str | int] = {"limit": 1, "cursor": deep, "fields": "basic,trace_context"}
    one = client.get("/api/public/v2/observations", params=params).json()["data"][0]
    trace = client.get(f"/api/public/traces/{one['traceId']}").json()
    return {
        "deep": deep,
        "id": one["id"],
        "trace": one["traceId"],
        "user": quote(trace["userId"]),
        "session": quote(trace["sessionId"]),
        "name": quote(trace["name"]),
        "tag": quote(trace["tags"][-1]) if trace["tags"] else "",
        "filter": quote(
            json.dumps([{"type": "string", "column": "userId", "operator": "=", "value": trace["userId"]}])
        ),
    }


def routes(client: httpx.Client, traces: int, large: str) -> dict[str, str]:
    known = _known(client)
    slow = json.dumps([{"type": "number", "column": "totalTokens", "operator": ">", "value": 100}])
    found = {
        PAGE: "/traces",
        "traces page, core only": "/traces?fields=core",
        "traces, last page": f"/traces?page={max(traces // 50, 1)}",
        "traces of a user": f"/traces?userId={known['user']}",
        "traces of a tag": f"/traces?tags={known['tag']}",
        "traces by name": f"/traces?name={known['name']}",
        "traces by filter (user)": f"/traces?filter={known['filter']}",
        ONE: f"/traces/{large}",
        "trace of 10 observations": f"/traces/{known['trace']}",
        "observations v2": "/v2/observations",
        "observations v2, all fields": "/v2/observations?fields=basic,time,io,metadata,model,usage,prompt,metrics,trace_context",
        "observations v2, cursor": f"/v2/observations?cursor={known['deep']}",
        "observations v2, 1000": "/v2/observations?limit=1000",
        "observations v2 of a trace": f"/v2/observations?traceId={large}&limit=500",
        "observations v2, errors": "/v2/observations?level=ERROR",
        "observations v2, tokens > 100": f"/v2/observations?filter={slow}",
        "observations page": "/observations",
        "one observation": f"/observations/{known['id']}",
        "scores v3": "/v3/scores",
        "scores v2 page": "/v2/scores",
        "sessions page": "/sessions",
        "one session": f"/sessions/{known['session']}",
    }
    return {label: route for label, route in found.items() if not route.endswith("=")}


def extent(path: Path) -> tuple[int, str]:
    """Return how many traces a store has, and one of 500 observations, or that which has most."""
    database = Database(path)
    with database.reading() as connection:
        statement = "SELECT trace_id FROM traces ORDER BY observation_count = ? DESC, observation_count DESC LIMIT 1"
        large = connection.execute(statement, (LARGE,)).fetchone()["trace_id"]
        traces = connection.execute("SELECT sum(traces) FROM counts").fetchone()[0]
    database.close()
    return int(traces), str(large)


def cpu_ms(pid: int) -> float:
    """Return what a process used: unlike wall time it says something on a busy machine, too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def measure(client: httpx.Client, pid: int, path: str, seconds: float) -> tuple[int, float, float, float, int]:
    times: list[float] = []
    size = 0
    used = cpu_ms(pid)
    until = time.perf_counter() + seconds
    while len(times) < 5 or (time.perf_counter() < until and len(times) < 200):
        before = time.perf_counter()
        answer = client.get(f"/api/public{path}")
        times.append((time.perf_counter() - before) * 1000)
        answer.raise_for_status()
        size = len(answer.content)
    used = (cpu_ms(pid) - used) / len(times)
    times.sort()
    return len(times), times[len(times) // 2], times[min(int(len(times) * 0.95), len(times) - 1)], used, size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--observations", type=int, default=200_000)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each route")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = given.home or Path(folder)
        path = home / "store.db"
        if not path.exists():
            fill(path, given.observations)
        with served(home) as (client, pid):
            print(f"{'route':32} {'asked':>5} {'p50 ms':>8} {'p95 ms':>8} {'CPU ms':>8} {'bytes':>10}")
            found: dict[str, tuple[float, float]] = {}
            traces, large = extent(path)
            for name, route in routes(client, traces, large).items():
                asked, middle, high, used, size = measure(client, pid, route, given.seconds)
                found[name] = high, used
                print(f"{name:32} {asked:5} {middle:8.1f} {high:8.1f} {used:8.1f} {size:10,}", flush=True)
        for name in (PAGE, ONE):
            high, used = found[name]
            met = "met  " if high < MOST_MS else "SHORT"
            print(f"{met}  {name} in under {MOST_MS:.0f} ms, p95: {high:.1f} ms by the clock, {used:.1f} ms by CPU")


if __name__ == "__main__":
    main()
