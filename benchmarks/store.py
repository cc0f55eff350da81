"""How many observations a second the embedded store takes, from OTLP bytes to committed rows, and how quickly it reads.

python benchmarks/store.py                    # a million observations: some minutes, 5 GB of disk
python benchmarks/store.py --home some/folder # the same, and the filled store is kept there, to be used again
python benchmarks/store.py --quick

One thread does everything. Rates are given by the clock and, for a machine that others use too, by CPU time. The last
lines say for each requirement whether it is met.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from certtrace import semconv
from certtrace.records.database import Database
from certtrace.records.mapping import observations_of
from certtrace.records.model import Observation
from certtrace.records.search import SearchIndex
from certtrace.records.source import StoreSource, TraceFilter
from certtrace.records.store import StoreWriter

PROJECT = "default"
SPANS = 10
TRACES_A_REQUEST = 50
MEASURED_REQUESTS = 40
LARGE_TRACE = 500
START_NS = 1_795_000_000_000_000_000
RATE_REQUIRED = 5_000
MOST_MS = 50.0
RANDOM = random.Random(7)


class Language:
    """Text with a vocabulary like that of people: few words are frequent, many are rare."""

    def __init__(self) -> None:
        syllables = [first + last for first in "bdkhlmnprstv" for last in "aeiou"]
        self.words = ["".join(RANDOM.choices(syllables, k=RANDOM.randint(1, 5))) for _ in range(30_000)]
        self._weights = list(accumulate(1 / (rank + 3) for rank in range(len(self.words))))
        self._pool = [" ".join(RANDOM.choices(self.words, cum_weights=self._weights, k=900))[:6000] for _ in range(400)]

    def text(self, size: int) -> str:
        start = RANDOM.randrange(6000 - size)
        return RANDOM.choice(self._pool)[start : start + size]


LANGUAGE = Language()
RANDOM.seed()  # the words are always the same, ids never: a store that is used again takes new ones


def facts(number: int, index: int) -> dict[str, object]:
    metadata = {
        semconv.SUBMISSION_ID: f"sub-{number}",
        semconv.CANDIDATE: f"<person:{number // 30:06x}>",
        semconv.CONFIDENCE: round(RANDOM.random(), 3),
        semconv.REDACTION_RECEIPT: {"policy": "ab12", "counts": {"PERSON": 2}, "withheld": 0, "microseconds": 30},
    }
    attributes: dict[str, object] = {
        semconv.OBSERVATION_INPUT: json.dumps({"question": LANGUAGE.text(700), "answer": LANGUAGE.text(500)}),
        semconv.OBSERVATION_OUTPUT: json.dumps({"grade": 7, "rationale": LANGUAGE.text(500)}),
        semconv.OBSERVATION_TYPE: "generation" if index % 3 == 1 else "span",
        semconv.SESSION_ID: f"attempt-{number // 30}",
        semconv.USER_ID: f"<person:{number // 30:06x}>",
    }
    if index % 3 == 1:
        attributes[semconv.OBSERVATION_MODEL] = "gpt-5-mini"
        attributes[semconv.OBSERVATION_USAGE_DETAILS] = '{"input":812,"output":144,"total":956}'
        attributes[semconv.OBSERVATION_MODEL_PARAMETERS] = '{"temperature":0.2,"max_tokens":800}'
    return attributes | {semconv.metadata(key): json.dumps(value) for key, value in metadata.items()}


def request(first: int, traces: int = TRACES_A_REQUEST, spans: int = SPANS) -> bytes:
    """Make an OTLP request of some traces."""
    made = ExportTraceServiceRequest()
    resource_spans = made.resource_spans.add()
    resource = {"service.name": f"service-{first % 8}", "service.version": "1.4.2", "telemetry.sdk.language": "python"}
    for key, text in resource.items():
        resource_spans.resource.attributes.add(key=key).value.string_value = text
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = semconv.SCOPE_NAME
    for number in range(first, first + traces):
        trace_id, root = RANDOM.randbytes(16), RANDOM.randbytes(8)
        start = START_NS + number * 10**9
        for index in range(spans):
            span = scope_spans.spans.add(
                trace_id=trace_id,
                span_id=RANDOM.randbytes(8) if index else root,
                parent_span_id=root if index else b"",
                name=("llm.call" if index % 3 == 1 else "grade.pass") if index else "answer.grade",
                start_time_unix_nano=start + index * 1_000_000,
                end_time_unix_nano=start + 2_000_000_000 - index,
            )
            for key, value in facts(number, index).items():
                span.attributes.add(key=key).value.string_value = str(value)
            if number % 50 == 0 and not index:
                span.status.code = 2
    return made.SerializeToString()


def observations_in(body: bytes) -> list[Observation]:
    parsed = ExportTraceServiceRequest.FromString(body)
    return [each for resource_spans in parsed.resource_spans for each in observations_of(resource_spans)]


class Filler:
    """Fills a store quickly: mapped observations with new ids and times."""

    def __init__(self) -> None:
        self._templates = [observations_in(request(number * TRACES_A_REQUEST)) for number in range(40)]

    def batches(self, observations: int) -> Iterator[list[Observation]]:
        size = SPANS * TRACES_A_REQUEST
        for number in range(observations // size):
            yield self._renewed(self._templates[number % len(self._templates)], number)

    @staticmethod
    def _renewed(template: Sequence[Observation], number: int) -> list[Observation]:
        ids: dict[str | None, str | None] = {None: None}
        shift = number * TRACES_A_REQUEST * 10**9
        made = []
        for each in template:
            trace_id = ids.setdefault(each.trace_id, RANDOM.randbytes(16).hex())
            own = ids.setdefault(each.id, RANDOM.randbytes(8).hex())
            made.append(
                replace(
                    each,
                    id=str(own),
                    trace_id=str(trace_id),
                    parent_observation_id=ids.get(each.parent_observation_id),
                    start_time_ns=each.start_time_ns + shift,
                    end_time_ns=each.end_time_ns + shift,
                    session_id=f"attempt-{number * 2}",
                    user_id=f"<person:{number // 4:06x}>",
                    metadata={**each.metadata, semconv.SUBMISSION_ID: f"sub-{number}-{str(trace_id)[:6]}"},
                )
            )
        return made


@dataclass
class Clock:
    """Time spent, by the clock and by the CPU."""

    wall: float = 0.0
    cpu: float = 0.0

    def __enter__(self) -> Self:
        self.wall -= time.perf_counter()
        self.cpu -= time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall += time.perf_counter()
        self.cpu += time.process_time()

    def rate(self, count: int) -> str:
        return f"{count / self.wall:7,.0f}/s by the clock, {count / self.cpu:7,.0f}/s by CPU ({self.cpu / count * 1e6:.0f} us each)"


def verdict(requirement: str, measured: str, *, met: bool) -> str:
    return f"{'met  ' if met else 'SHORT'}  {requirement}: {measured}"


def ingest(database: Database, label: str, first: int, requests: int) -> str:
    """Measure from OTLP bytes to committed rows, without and with what the search index costs afterwards."""
    writer, index = StoreWriter(database), SearchIndex(database)
    index.catch_up(3600)
    bodies = [request(first + number * TRACES_A_REQUEST) for number in range(requests)]
    count = requests * TRACES_A_REQUEST * SPANS
    taking, indexing = Clock(), Clock()
    for body in bodies:
        with taking:
            writer.write(PROJECT, observations_in(body))
    with indexing:
        index.catch_up(3600)
    both = Clock(taking.wall + indexing.wall, taking.cpu + indexing.cpu)
    size = sum(map(len, bodies)) / count
    print(f"{label}: OTLP requests of {TRACES_A_REQUEST * SPANS} observations of {size:,.0f} B")
    print(f"  request to committed row   {taking.rate(count)}")
    print(f"  and searchable             {both.rate(count)}", flush=True)
    requirement = f"{RATE_REQUIRED:,} observations of 2 KB a second, {label}"
    return verdict(requirement, taking.rate(count).strip(), met=count / taking.cpu >= RATE_REQUIRED)


def fill(database: Database, observations: int) -> None:
    writer, index = StoreWriter(database), SearchIndex(database)
    taking, indexing = Clock(), Clock()
    filler = Filler()
    for number, batch in enumerate(filler.batches(observations)):
        with taking:
            writer.write(PROJECT, batch)
        if number % 40 == 0:
            with indexing:
                index.catch_up(3600)
    with indexing:
        index.catch_up(3600)
    print(f"filled with {observations:,}: rows {taking.rate(observations)}")
    print(f"  search index             {indexing.rate(observations)}", flush=True)


@dataclass(frozen=True)
class Percentile:
    """The 95th percentile of some answers, in milliseconds."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:8.1f} ms by the clock {self.cpu:8.1f} ms by CPU"


def p95(call: Callable[[int], object], times: int = 40) -> Percentile:
    call(times)
    clocks = []
    for number in range(times):
        with Clock() as clock:
            call(number)
        clocks.append(clock)
    at = int(times * 0.95) - 1
    return Percentile(sorted(each.wall for each in clocks)[at] * 1e3, sorted(each.cpu for each in clocks)[at] * 1e3)


def ask(database: Database, large: Sequence[str], units: int) -> list[str]:
    """Measure what a page, a search and a trace take, each time another one."""
    source = StoreSource(database, PROJECT)
    cursors: list[str | None] = [None]
    for _ in range(40):
        cursors.append(source.list_traces(limit=50, cursor=cursors[-1]).cursor or cursors[-1])
    some = [each.trace_id for each in source.list_traces(limit=50).traces]
    rare = LANGUAGE.words[-400:]

    def listing(**conditions: str | bool | int) -> Callable[[int], object]:
        return lambda _: source.list_traces(TraceFilter(**conditions), limit=50)  # type: ignore[arg-type]  # by name

    def searching(text: Callable[[int], str], **conditions: bool) -> Callable[[int], object]:
        return lambda number: source.list_traces(TraceFilter(text=text(number), **conditions), limit=50)

    questions: dict[str, Callable[[int], object]] = {
        "list, newest first, 40 pages": lambda number: source.list_traces(limit=50, cursor=cursors[number]),
        "list, failed first": lambda _: source.list_traces(limit=50, failed_first=True),
        "list, failed": listing(failed=True),
        "list, one user": lambda number: source.list_traces(TraceFilter(user_id=f"<person:{number:06x}>")),
        "list, one step and session": listing(name="grade.pass", session_id="attempt-0"),
        "count, at most 1000": lambda _: source.count_traces(),
        "search, a frequent word": searching(lambda number: LANGUAGE.words[number]),
        "search, a rare word": searching(lambda number: rare[number]),
        "search, two words": searching(lambda number: f"{LANGUAGE.words[number]} {LANGUAGE.words[300 + number]}"),
        "search, a phrase": searching(lambda number: f'"{LANGUAGE.words[number]} {LANGUAGE.words[0]}"'),
        "search, failed with a word": searching(lambda number: LANGUAGE.words[50 + number], failed=True),
        "search, an id": searching(lambda number: some[number]),
        f"one trace of {SPANS}": lambda number: source.get_trace(some[number]),
        f"one trace of {LARGE_TRACE}": lambda number: source.get_trace(large[number % len(large)]),
    }
    print(f"reading, p95 of 40 each, {units:,} traces in the store:")
    found = {label: p95(call) for label, call in questions.items()}
    for label, took in found.items():
        print(f"  {label:<32}{took}")
    required = {"a page of traces": "list, newest first, 40 pages", "one trace of 500": f"one trace of {LARGE_TRACE}"}
    return [
        verdict(f"{name} in under {MOST_MS:.0f} ms, p95", str(found[label]).strip(), met=found[label].cpu < MOST_MS)
        for name, label in required.items()
    ]


def store_large_traces(database: Database, observations: int) -> None:
    """Store some large traces among the others, each in parts as an exporter would send it."""
    for number in range(10):
        first = number * max(observations // SPANS // 10, 1)
        made = observations_in(request(first, traces=1, spans=LARGE_TRACE))
        for start in range(0, LARGE_TRACE, 50):
            StoreWriter(database).write(PROJECT, made[start : start + 50])
    SearchIndex(database).catch_up(3600)


def large_traces(database: Database) -> list[str]:
    with database.reading() as connection:
        rows = connection.execute("SELECT trace_id FROM traces WHERE observation_count = ?", (LARGE_TRACE,))
        return [row["trace_id"] for row in rows]


def counts(database: Database) -> tuple[int, int]:
    """Return how many traces and observations there are."""
    with database.reading() as connection:
        row = connection.execute("SELECT sum(traces), sum(observations) FROM counts").fetchone()
    return int(row[0] or 0), int(row[1] or 0)


def on_disk(database: Database) -> str:
    database.empty_log()
    stored = counts(database)[1]
    with database.reading() as connection:
        words = connection.execute("SELECT sum(length(word) + length(places)) FROM search_words").fetchone()[0]
    size = database.path.stat().st_size
    return f"on disk: {size / stored:,.0f} B for each of {stored:,} observations (words and places {words / stored:,.0f} B)"


def measure(home: Path, observations: int) -> None:
    home.mkdir(parents=True, exist_ok=True)
    requests = min(MEASURED_REQUESTS, max(observations // (SPANS * TRACES_A_REQUEST) // 2, 1))
    with tempfile.TemporaryDirectory(dir=home) as folder:
        empty = Database(Path(folder) / "store.db")
        verdicts = [ingest(empty, "an empty store", 0, requests)]
        empty.close()
    database = Database(home / "store.db")
    if counts(database)[1] < observations:
        fill(database, observations)
        store_large_traces(database, observations)
    stored = counts(database)[1]
    # Later than all that is there: a store that is used again has those of the times before.
    verdicts.append(ingest(database, f"a store of {stored:,}", 10_000_000 + stored, requests))
    verdicts += ask(database, large_traces(database), counts(database)[0])
    print(on_disk(database))
    database.close()
    print(*verdicts, sep="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--observations", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="20,000 observations")
    parser.add_argument("--home", type=Path, help="a folder for the store; one that was filled before is used again")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(given.home or Path(folder), 20_000 if given.quick else given.observations)


if __name__ == "__main__":
    main()
