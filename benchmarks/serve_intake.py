"""How many observations a second the server takes, and where the time goes: spans that are trusted, and foreign ones.

python benchmarks/serve_intake.py --requests 50
"""

import argparse
import cProfile
import json
import pstats
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.server.intake.exports import PATH, PROTOBUF, export, span
from tests.server.serving import Serving, serving

from certtrace import semconv
from certtrace.records.mapping import observations_of
from certtrace.server.access import Role
from certtrace.server.intake.receiving import receive_protobuf
from certtrace.server.intake.redacting import redact_spans

SPANS = 200
WORDS = [
    "the",
    "context",
    "map",
    "shows",
    "which",
    "bounded",
    "context",
    "owns",
    "a",
    "term",
    "and",
    "where",
    "an",
    "anticorruption",
    "layer",
    "is",
    "worth",
    "its",
    "price",
    "because",
    "events",
    "that",
    "cross",
    "a",
    "boundary",
    "outlive",
    "the",
    "model",
    "they",
    "came",
    "from",
]


def text(choose: random.Random, length: int) -> str:
    """Return words of about a length; no two alike."""
    words: list[str] = []
    while sum(map(len, words)) + len(words) < length:
        words.append(choose.choice(WORDS))
    return " ".join(words) + f" {choose.random():.6f}"


def request(box: Serving, choose: random.Random, *, trusted: bool) -> bytes:
    """Return an export of 200 spans of 2 KB in two traces."""
    (policy,) = box.box.trusted_policies
    receipt = json.dumps({"policy": policy, "counts": {}, "withheld": 0, "operators": {}, "microseconds": 9})
    own = {semconv.REDACTION_RECEIPT: receipt} if trusted else {}
    traces = [choose.getrandbits(127) + 1 for _ in range(2)]
    spans = [
        span(
            traces[number % 2],
            choose.getrandbits(62) + 1,
            f"step {number % 7}",
            **{
                semconv.OBSERVATION_TYPE: "generation",
                semconv.OBSERVATION_INPUT: text(choose, 800),
                semconv.OBSERVATION_OUTPUT: text(choose, 800),
                semconv.OBSERVATION_MODEL: "gpt-4o",
                semconv.metadata("question"): json.dumps({"id": choose.randint(1, 9), "part": "b"}),
                semconv.SESSION_ID: f"session-{choose.randint(1, 99)}",
                **own,
            },
        )
        for number in range(SPANS)
    ]
    return export(*spans, scope="langfuse-sdk").SerializeToString()


def over_http(box: Serving, bodies: list[bytes]) -> float:
    """Return observations for each second of one core, those of the client included: what else runs does not count."""
    client = box.client(Role.WRITER)
    started = time.process_time()
    for body in bodies:
        answer = client.post(PATH, content=body, headers=PROTOBUF)
        answer.raise_for_status()
    return len(bodies) * SPANS / (time.process_time() - started)


def shares(box: Serving, body: bytes) -> dict[str, float]:
    """Return milliseconds of processor time for one request, as a whole and for each part of its way."""
    started = time.thread_time()
    message = ExportTraceServiceRequest.FromString(body)
    parsed = time.thread_time()
    redact_spans(box.box, message)
    redacted = time.thread_time()
    for group in message.resource_spans:
        list(observations_of(group))
    mapped = time.thread_time()
    receive_protobuf(box.box, "shares", body)
    whole = time.thread_time() - mapped
    told = {"whole": whole, "parse": parsed - started, "redact": redacted - parsed, "map": mapped - redacted}
    return {name: spent * 1000 for name, spent in told.items()}


def main() -> None:
    """Measure both kinds; print the parts of the way, in milliseconds for a request of 200 spans."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=50)
    parser.add_argument("--profile", action="store_true", help="show the functions that take most")
    given = parser.parse_args()
    for trusted in (True, False):
        with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as box:
            choose = random.Random(1)
            bodies = [request(box, choose, trusted=trusted) for _ in range(given.requests)]
            over_http(box, bodies[:3])
            rate = over_http(box, bodies[3:])
            parts = [shares(box, request(box, choose, trusted=trusted)) for _ in range(8)]
            best = {name: min(each[name] for each in parts) for name in parts[0]}
            best["write"] = 2 * best["whole"] - sum(best.values())  # what is left of the whole
            told = ", ".join(f"{name} {spent:.1f}" for name, spent in best.items())
            size = len(bodies[0]) / SPANS
            print(
                f"{'trusted' if trusted else 'foreign'}: {rate:.0f} observations/s on one core, of {size:.0f} bytes; ms a request: {told}"
            )
            if given.profile:
                body = request(box, choose, trusted=trusted)
                with cProfile.Profile() as profile:
                    receive_protobuf(box.box, "profiled", body)
                pstats.Stats(profile).sort_stats("tottime").print_stats(18)


if __name__ == "__main__":
    main()
