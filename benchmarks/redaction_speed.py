"""Measure how fast redaction is, and how long it makes other threads wait.

Run from the repository: `python benchmarks/redaction_speed.py [texts] [spans] [units] [long] [waits] [hostile]`.
The answers are read from `../shared/data`; without them synthetic text stands in. All times are of one thread on one
core, the best of several runs; `waits` subtracts what other processes took.
"""

import gzip
import json
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from certtrace import semconv
from certtrace.ports import SpanRecord, Structured
from certtrace.redaction import RedactionPolicy, Redactor
from certtrace.redaction.detect.detectors import Detectors
from certtrace.redaction.policy.kinds import FORMATS
from certtrace.redaction.recognize.shipped import load
from certtrace.redaction.text.engine import NATIVE
from certtrace.redaction.text.views import views

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "shortanswers.jsonl.gz"
IDENTITY = {"name": "Björn Lindqvist", "email": "bjorn.lindqvist@example.com", "phone": "+49 171 1234567"}
ENGINES = ((True, "re2"), (False, "re ")) if NATIVE else ((False, "re "),)

sys.path.insert(0, str(ROOT / "tests" / "redaction" / "text"))


def answers() -> list[str]:
    if not DATA.exists():
        return [f"TCP is reliable because it numbers {n} segments and repeats what was lost. " * 4 for n in range(800)]
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["student_answer"] for line in lines]


def trace_texts() -> list[str]:
    """Return strings of 50 to 400 characters as traces hold them: answers, and values such as a service writes."""
    texts = [answer[:400] for answer in answers() if len(answer) >= 50]
    for number, answer in enumerate(texts[::4]):
        texts += [
            json.dumps({"grade": number % 6 / 2, "rationale": answer[:150], "model": "grader-large-2", "pass": number % 3}),
            f"criterion {number % 7}: names two reasons and explains each of them; weight {number % 10 / 10}",
            f"grading.pass finished: pass {number % 3} of 3, latency {number * 7 % 4000} ms, queue grading-{number % 5}",
            'Traceback (most recent call last): File "/srv/app/grading.py", line 42, in grade: score out of range',
        ]  # fmt: skip
    return texts


def best(work: Callable[[], object], seconds: float = 1.0) -> float:
    """Return the least time that one call takes, in seconds of this thread."""
    end = time.perf_counter() + seconds
    least = float("inf")
    while time.perf_counter() < end or least == float("inf"):
        begin = time.thread_time()
        work()
        least = min(least, time.thread_time() - begin)
    return least


def _one_by_one(detectors: Detectors, texts: list[str]) -> None:
    for text in texts:
        for view in views(text):
            list(detectors.find(view))


def texts() -> None:
    strings = trace_texts()
    size = sum(len(text.encode()) for text in strings)
    print(f"{len(strings)} strings, {size / len(strings):.0f} bytes each on average")
    for native, name in ENGINES:
        detectors = Detectors(FORMATS, native=native)
        detectors.suspects(strings)
        spent = best(partial(detectors.suspects, strings), 2.0)
        print(f"{name} joined:     {size / spent / 1e6:6.1f} MB/s")
        for count in (4, 16, 64):
            parts = [strings[at : at + count] for at in range(0, len(strings), count)]
            spent = best(lambda parts=parts, detectors=detectors: [detectors.suspects(part) for part in parts])
            print(f"{name} {count:3} by {count:3}:  {size / spent / 1e6:6.1f} MB/s")
        print(f"{name} one by one: {size / best(partial(_one_by_one, detectors, strings[:800])) / 1e6 * sum(len(t.encode()) for t in strings[:800]) / size:6.1f} MB/s")  # fmt: skip


def _grading_span(answer: str, number: int) -> SpanRecord:
    prompt = (
        f"Grade this answer from 0 to 5.\nAnswer: {answer}\n" + "Criterion: names two reasons, explains both. " * 22
    )
    return SpanRecord(
        1, number + 1, 0, "grade.pass", 1, 0, 1, 1, "",
        {
            semconv.OBSERVATION_TYPE: "span",
            semconv.OBSERVATION_INPUT: Structured({"prompt": prompt[:1_600], "pass": 1, "temperature": 0.7}),
            semconv.OBSERVATION_OUTPUT: Structured({"grade": 3.5, "confidence": 0.8, "rationale": answer[:300]}),
            semconv.SUBMISSION_ID: f"<id:{number:010x}>",
            semconv.CONFIDENCE: 0.8,
            "cert.pass.index": 1,
            "cert.rubric.sha": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        },
    )  # fmt: skip


def spans() -> None:
    texts = answers()
    fresh = iter(f"{text} ({number})" for number in range(10_000) for text in texts)
    for native, name in ENGINES:
        for who, identities in (("nobody known    ", []), ("one person known", [IDENTITY])):
            redactor = Redactor(RedactionPolicy(), b"k" * 32, native=native)
            for count in (1, 8):
                least = float("inf")
                for _ in range(200 if native else 40):
                    unit = [_grading_span(next(fresh), number) for number in range(count)]
                    begin = time.thread_time()
                    redactor.redact_unit(unit, identities)
                    least = min(least, (time.thread_time() - begin) / count)
                print(f"{name} {who}, {count} spans of 2 KB in a unit: {least * 1e6:5.0f} µs a span")


def _waiting(count: int, words: int, number: int) -> list[list[SpanRecord]]:
    """Return 64 units of so many spans, whose inputs are texts of so many words that nobody has seen."""
    source = random.Random(number)
    vocabulary = " ".join(answers()[:200]).split()
    return [
        [
            SpanRecord(
                1, span + 1, 0, "grade.pass", 1, 0, 1, 1, "",
                {
                    semconv.OBSERVATION_TYPE: "span",
                    semconv.OBSERVATION_INPUT: Structured({"answer": " ".join(source.choices(vocabulary, k=words))}),
                    semconv.OBSERVATION_OUTPUT: Structured({"grade": 1.5, "why": f"pass {source.random()}"}),
                },
            )
            for span in range(count)
        ]
        for _ in range(64)
    ]  # fmt: skip


def units() -> None:
    """Print what a span costs in units that wait together, each redacted alone and after a look ahead, by turns.

    It is the time of all threads of this process: the recognizer of names works with numpy.
    """
    recognizer = load()
    for who, identities in (("nobody known", []), ("one person known", [IDENTITY])):
        for count in (1, 2, 10):
            for words in (30, 300):
                spent: dict[bool, list[float]] = {False: [], True: []}
                for number in range(8):
                    for ahead in (False, True):
                        redactor = Redactor(RedactionPolicy(), b"k" * 32, own=[recognizer])
                        waiting = _waiting(count, words, number + 8 * ahead)
                        begin = time.process_time()
                        size = max(1, 64 // count)  # as many as the worker takes at once, about
                        for at in range(0, len(waiting), size):
                            if ahead:
                                redactor.look_ahead(waiting[at : at + size])
                            for unit in waiting[at : at + size]:
                                redactor.redact_unit(unit, identities)
                        spent[ahead].append((time.process_time() - begin) / count / len(waiting))
                alone, together = (min(spent[ahead]) * 1e6 for ahead in (False, True))
                label = f"{who}, {count:2} spans of {words:3} words in a unit"
                print(f"{label:52} {alone:5.0f} µs a span alone, {together:5.0f} ahead: ×{alone / together:.1f}")


def long() -> None:
    plain = " ".join(answers())[:200_000]
    personal = f"Björn’s answer: mail bjorn.lindqvist@example.com or 4111 1111 1111 1111. {plain[:300]}" * 600
    for native, name in ENGINES:
        detectors = Detectors(FORMATS, native=native)
        for label, text in (("nearly clean", plain), ("full of personal data", personal[:200_000])):
            spent = best(partial(_one_by_one, detectors, [text]))
            print(f"{name} 200 KB, {label:21}: {len(text) / spent / 1e6:6.1f} MB/s")


def _waited(thread_id: int) -> float:
    """Return the seconds for which a thread was ready but the machine ran something else."""
    with open(f"/proc/self/task/{thread_id}/schedstat") as file:  # noqa: PTH123 - read a thousand times a second
        return int(file.read().split()[1]) / 1e9


def longest_waits(work: Callable[[], object], seconds: float) -> list[float]:
    """Return the median, 99 % and maximum, in ms, that a second thread waited for the interpreter alone."""
    gaps: list[float] = []
    stop = threading.Event()
    worker = threading.get_native_id()

    def watch() -> None:
        own = threading.get_native_id()
        while not stop.is_set():
            before, begin = _waited(own) + _waited(worker), time.perf_counter()
            time.sleep(0.0005)
            spent = time.perf_counter() - begin
            gaps.append(max(0.0, spent - 0.0005 - (_waited(own) + _waited(worker) - before)))

    thread = threading.Thread(target=watch)
    thread.start()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        work()
    stop.set()
    thread.join()
    gaps.sort()
    return [gaps[len(gaps) // 2] * 1e3, gaps[int(len(gaps) * 0.99)] * 1e3, gaps[-1] * 1e3]


def _long_texts() -> Iterator[tuple[str, str | None]]:
    plain = " ".join(answers())[:200_000]
    personal = "Björn’s answer – mail bjorn.lindqvist@example.com or 4111 1111 1111 1111. " + plain[:300]
    yield "idle", None
    yield "plain answers", plain
    yield "full of personal data", (personal * 700)[:200_000]
    yield "JSON-escaped", json.dumps(plain.replace(".", ".\n") + "ö" * 2000)[:200_000]
    yield "other script", "Кандидат написал ответ. " * 8_000


def waits() -> None:
    """Print how long a second thread waited for the interpreter while 200 KB texts were redacted."""
    for native, name in ENGINES:
        redactor = Redactor(RedactionPolicy(), b"k" * 32, native=native)
        for label, text in _long_texts():
            work = (
                partial(time.sleep, 0.01) if text is None else partial(redactor.redact_value, {"t": text}, [IDENTITY])
            )
            _print_waits(f"{name} {label}", work, 2.0)
    redactor = Redactor(RedactionPolicy(), b"k" * 32, own=[load()])
    for words in (30, 300):
        waiting = _waiting(1, words, words)
        for ahead, label in ((False, "each alone"), (True, "after a look ahead")):

            def work(waiting: list[list[SpanRecord]] = waiting, ahead: bool = ahead) -> None:
                redactor.look_ahead(waiting if ahead else ())
                for unit in waiting:
                    redactor.redact_unit(unit, ())

            _print_waits(f"units of {words} words, {label}", work, 2.0)


def hostile() -> None:
    """Print, for each kind of hostile text, the time for 256 KB and for twice as much, and the longest wait of others."""
    from hostile import KINDS

    for native, name in ENGINES:
        redactor = Redactor(RedactionPolicy(max_value_bytes=4 << 20), b"k" * 32, native=native)
        for kind, make in KINDS.items():
            once = best(partial(redactor.redact_value, make(256 << 10)), 0.0)
            twice = best(partial(redactor.redact_value, make(512 << 10)), 0.0)
            work = partial(redactor.redact_value, make(256 << 10))
            _print_waits(f"{name} {kind}: {once * 1e3:6.0f} ms, ×{twice / once:.1f}", work, 0.2)


def _print_waits(label: str, work: Callable[[], object], seconds: float) -> None:
    median, high, worst = longest_waits(work, seconds)
    print(f"{label:48} median {median:5.2f} ms, 99 % {high:5.2f} ms, longest {worst:6.2f} ms")


SECTIONS = {"texts": texts, "spans": spans, "units": units, "long": long, "waits": waits, "hostile": hostile}


def main() -> None:
    for name in sys.argv[1:] or list(SECTIONS):
        print(f"== {name}")
        SECTIONS[name]()


if __name__ == "__main__":
    main()
