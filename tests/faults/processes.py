"""Processes that end badly, and what is found on disk afterwards."""

import json
import os
import sqlite3
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from certtrace.delivery import frames
from certtrace.delivery.spool import Spool
from certtrace.ledger import verify

CONTENT_LOST = "content lost"
LIMIT_SECONDS = 60


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a service: nothing of ours, and warnings are errors."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CERTTRACE_", "LANGFUSE_", "OTEL_"))}
    return {**kept, "PYTHONUNBUFFERED": "1", **more}


def start(code: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Start a Python program in a process of its own."""
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    options.setdefault("env", environment())
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], text=True, **options)


def run(
    code: str, *arguments: object, timeout: float = LIMIT_SECONDS, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a Python program to its end, whatever that is."""
    process = start(code, *arguments, **options)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"still running after {timeout} s; said:\n{out}\n{err}") from None
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def run_json(code: str, *arguments: object, **options: Any) -> Any:
    """Run a Python program that prints JSON as its last line and ends well."""
    result = run(code, *arguments, **options)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


@dataclass
class Found:
    """What the spool of a home folder held when it was read out by a process of its own."""

    spans: list[tuple[str, str, str]] = field(default_factory=list)
    """Trace id, span id and name, in the order of delivery, duplicates included."""
    torn: int = 0
    corrupt: int = 0
    unknown: int = 0
    content_lost: int = 0
    left: list[str] = field(default_factory=list)
    """What is still in the spool's folder afterwards."""

    @property
    def traces(self) -> dict[str, set[str]]:
        """Span ids by trace."""
        by_trace: dict[str, set[str]] = {}
        for trace_id, span_id, _ in self.spans:
            by_trace.setdefault(trace_id, set()).add(span_id)
        return by_trace

    @property
    def names(self) -> list[str]:
        return [name for _, _, name in self.spans]

    @property
    def duplicates(self) -> list[tuple[str, str]]:
        """Spans that would be delivered twice."""
        counts = Counter((trace_id, span_id) for trace_id, span_id, _ in self.spans)
        return [key for key, number in counts.items() if number > 1]


def spans_of(data: bytes) -> Iterator[tuple[str, str, str]]:
    for scope in ResourceSpans.FromString(data).scope_spans:
        for span in scope.spans:
            yield span.trace_id.hex(), span.span_id.hex(), span.name


def read_out(home: Path, destination: str = "store") -> Found:
    """Adopt what dead processes left below `home`, read everything that `destination` is owed, and acknowledge it."""
    spool = Spool(home / "spool")
    spool.owe([destination])
    spool.maintain()
    found = Found()
    for source in spool.sources(destination):
        while batch := source.read(destination, 1 << 20, 100):
            for item in batch:
                if item.payload.kind == "spans":
                    found.spans += spans_of(item.payload.data)
            source.ack(destination, batch)
    counters = spool.counters()
    found.torn, found.corrupt, found.unknown = counters.torn, counters.corrupt, counters.unknown
    found.content_lost = counters.content_lost
    spool.close()
    found.left = sorted(entry.name for entry in (home / "spool").iterdir() if not entry.name.startswith("."))
    return found


def stored(home: Path) -> dict[str, dict[str, str]]:
    """Return what is in the store: names by span id by trace id."""
    found: dict[str, dict[str, str]] = {}
    if not (home / "store.db").exists():
        return found
    connection = sqlite3.connect(home / "store.db")
    try:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'observations'").fetchall():
            return found  # killed before the tables were made
        for trace_id, span_id, name in connection.execute("SELECT trace_id, id, name FROM observations"):
            found.setdefault(trace_id, {})[span_id] = name
    finally:
        connection.close()
    return found


def deliver(home: Path, **settings: object) -> dict[str, dict[str, str]]:
    """Start a service on the home folder, as after a crash; return what is in the store when it has delivered."""
    given = {"home": str(home), "destinations": ["store"], "service_name": "next", **settings}
    code = """
        import json, sys, time, certtrace
        from pathlib import Path
        given = json.loads(sys.argv[1])
        certtrace.configure(**given)
        from certtrace import assembly
        spool, own = Path(given["home"]) / "spool", assembly.current_running().spool.path
        until = time.monotonic() + 30
        while any(p != own and p.name[0] != "." for p in spool.iterdir()) and time.monotonic() < until:
            time.sleep(0.01)
        print(sorted(p.name for p in spool.iterdir()))
        certtrace.shutdown(5)
    """
    result = run(code, json.dumps(given))
    assert result.returncode == 0, result.stderr
    return stored(home)


def files_of(home: Path) -> Iterator[Path]:
    """Yield every segment of every process below a home folder."""
    yield from sorted((home / "spool").glob("*/*.spl"))


def faults_in(path: Path) -> Mapping[str, int]:
    """Return what is wrong with a segment, by kind; a torn end is no more than one `torn`."""
    data = path.read_bytes()
    head = frames.FILE_HEADER.size if data.startswith(frames.file_header()) else 0
    return Counter(found.fault for found in frames.scan(data, head) if found.record is None)


def ledgers_hold(home: Path) -> list[str]:
    """Return what is wrong with the ledgers; a torn last line is what a kill leaves, or nothing before the first."""
    results = [verify(path) for path in sorted((home / "ledger").glob("*.jsonl")) if path.stat().st_size]
    return [result.reason for result in results if result.broken_line is not None]
