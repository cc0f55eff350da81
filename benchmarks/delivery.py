"""What delivery costs: accepting on the caller's thread, encoding, spooling, the ledger. Best of many rounds."""

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

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


def main() -> None:
    """Print all figures."""
    folder = Path(tempfile.mkdtemp())
    try:
        spool = Spool(folder / "spool", max_bytes=8 << 30)
        spool.owe(["store"])
        accept = spool.accept
        trace_id = 2**127 + 5
        cost = best(lambda n: accept(trace_id, n, 10**18, 10**18 + 5, 0, 8, 0, 0, 1))
        print(f"accept (skeleton on disk)     {cost:8.2f} us, thread CPU of the caller")
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


if __name__ == "__main__":
    main()
