"""Measure redaction: recall and precision on labelled text, false alarms on exam answers, speed, and the GIL.

Run from the repository: `python benchmarks/redaction.py [recall] [alarms] [people] [speed] [gil] [--show TYPE]`.
The labelled data and the real answers are read from `../shared/data`; without them only synthetic text is measured.
"""

import gzip
import json
import sys
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path

from certtrace import semconv
from certtrace.ports import SpanRecord, Structured
from certtrace.redaction import RedactionPolicy, Redactor
from certtrace.redaction.detect.detectors import Detectors
from certtrace.redaction.policy.model import FORMATS, PROFILES
from certtrace.redaction.text.views import views

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
JUDGED = ("EMAIL", "CREDIT_CARD", "IBAN", "PHONE", "SSN", "SECRET", "IP", "MAC", "DOB")


def rows(name: str) -> list[dict]:
    path = DATA / f"{name}.jsonl.gz"
    if not path.exists():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def spans_of(detectors: Detectors, text: str) -> list[tuple[int, int, str]]:
    found = []
    for view in views(text):
        for finding in detectors.find(view):
            found.append((*view.to_source(finding.start, finding.end), finding.type))
    return found


def recall(show: str | None) -> None:
    detectors = Detectors(FORMATS)
    gold, hit = Counter(), Counter()
    predicted, right = Counter(), Counter()
    for row in rows("pii_dev"):
        text = row["text"]
        found = spans_of(detectors, text)
        for span in row["spans"]:
            kind = span["type"]
            if kind not in JUDGED:
                continue
            signs = {i for i in range(span["start"], span["end"]) if text[i].isalnum()}
            covered = {i for start, end, _ in found for i in range(start, end)} & signs
            gold[kind] += 1
            if len(covered) >= 0.9 * len(signs):
                hit[kind] += 1
            elif show in {kind, "ALL"}:
                print(f"  missed {kind}: {text[span['start'] : span['end']]!r} in {text[:160]!r}")
        for start, end, kind in found:
            if row["annotated"] != ["*"] and kind not in row["annotated"]:
                continue
            predicted[kind] += 1
            if any(span["start"] < end and start < span["end"] for span in row["spans"]):
                right[kind] += 1
            elif show in {f"-{kind}", "-ALL"}:
                print(
                    f"  false {kind}: {text[start:end]!r} in {text[max(0, start - 60) : end + 60]!r} [{row['source']}]"
                )
    print(f"{'type':12} {'gold':>5} {'recall':>7} {'precision':>9}")
    for kind in JUDGED:
        precision = right[kind] / predicted[kind] if predicted[kind] else 1.0
        print(f"{kind:12} {gold[kind]:5} {hit[kind] / max(1, gold[kind]):7.3f} {precision:9.3f}")


def alarms() -> None:
    detectors = Detectors(PROFILES["standard"])
    for name, keys in (
        ("shortanswers", ("question", "reference_answer", "student_answer", "expert_feedback")),
        ("casestudies", ("text",)),
    ):
        found, characters = [], 0
        for text in {row[key] for row in rows(name) for key in keys}:
            characters += len(text)
            found += [(kind, text[max(0, s - 30) : e + 30]) for s, e, kind in spans_of(detectors, text)]
        rate = 10_000 * len(found) / max(1, characters)
        print(f"{name}: {len(found)} findings in {characters} characters = {rate:.3f} per 10,000")
        for kind, context in found[:40]:
            print(f"  {kind}: {context!r}")


def _grading_span(answer: str) -> SpanRecord:
    prompt = (
        f"Grade this answer from 0 to 5.\nAnswer: {answer}\n" + "Criterion: names two reasons and explains them. " * 20
    )
    return SpanRecord(
        1, 2, 0, "grade.pass", 1, 0, 1, 1, "",
        {
            semconv.OBSERVATION_TYPE: "span",
            semconv.OBSERVATION_INPUT: Structured({"prompt": prompt, "pass": 1, "temperature": 0.7}),
            semconv.OBSERVATION_OUTPUT: Structured({"grade": 3.5, "confidence": 0.8, "rationale": answer[:300]}),
            semconv.SUBMISSION_ID: "<id:0123456789>",
            semconv.CONFIDENCE: 0.8,
            "cert.pass.index": 1,
            "cert.rubric.sha": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        },
    )  # fmt: skip


def speed() -> None:
    answers = [row["student_answer"] for row in rows("shortanswers")] or ["TCP is reliable. " * 30] * 500
    identity = {"name": "Björn Lindqvist", "email": "bjorn.lindqvist@example.com", "phone": "+49 171 1234567"}
    for native in (True, False):
        redactor = Redactor(RedactionPolicy(), b"k" * 32, native=native)
        engine = "re2" if native else "re"
        for label, who in (("nobody known", []), ("one person known", [identity])):
            spans = [_grading_span(answer) for answer in answers[:500]]
            redactor.redact_unit(spans[:20], who)
            begin = time.thread_time()
            redactor.redact_unit(spans, who)
            spent = time.thread_time() - begin
            print(f"{engine:3} unit of spans of 2 KB, {label}: {spent / len(spans) * 1e6:.0f} µs per span")
        size = sum(len(answer.encode()) for answer in answers)
        begin = time.thread_time()
        for answer in answers:
            redactor.redact_text(answer)
        spent = time.thread_time() - begin
        print(f"{engine:3} answers one by one: {size / spent / 1e6:.1f} MB/s, {spent / len(answers) * 1e6:.0f} µs each")
        blob = " ".join(answers)[:200_000]
        begin = time.thread_time()
        for _ in range(10):
            redactor.redact_text(blob)
        spent = (time.thread_time() - begin) / 10
        print(f"{engine:3} one text of 200 KB: {len(blob) / spent / 1e6:.1f} MB/s")


def _waited(thread_id: int) -> float:
    """Return the seconds for which a thread was ready but the machine ran something else."""
    with open(f"/proc/self/task/{thread_id}/schedstat") as file:  # noqa: PTH123 - read a thousand times a second
        return int(file.read().split()[1]) / 1e9


def _longest_gap(work, seconds: float) -> list[float]:
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
            # Other processes share the machine: what they took, from either thread, is not the redactor's.
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


def gil() -> None:
    """Print how long a second thread waited for the interpreter while 200 KB texts were redacted."""
    answers = [row["student_answer"] for row in rows("shortanswers")] or ["TCP is reliable. " * 30] * 500
    plain = " ".join(answers)[:200_000]
    personal = "Björn’s answer – mail bjorn.lindqvist@example.com or 4111 1111 1111 1111. " + plain[:300]
    texts = {
        "idle": None,
        "plain answers": plain,
        "full of personal data": (personal * 700)[:200_000],
        "JSON-escaped": json.dumps(plain.replace(".", ".\n") + "ö" * 2000)[:200_000],
        "other script": "Кандидат написал ответ. " * 8_000,
    }
    identity = [{"name": "Björn Lindqvist", "email": "bjorn.lindqvist@example.com"}]
    for native in (True, False):
        redactor = Redactor(RedactionPolicy(), b"k" * 32, native=native)
        for label, text in texts.items():
            work = partial(time.sleep, 0.01) if text is None else partial(redactor.redact_value, {"t": text}, identity)
            median, high, worst = _longest_gap(work, 2.0)
            engine = "re2" if native else "re"
            print(f"{engine:3} {label:22} median {median:5.2f} ms, 99 % {high:5.2f} ms, longest {worst:6.2f} ms")


def people() -> None:
    """Print how often a known person is seen where nobody is named: real answers know none of these people."""
    texts = [row["student_answer"] for row in rows("shortanswers")] + [row["text"] for row in rows("casestudies")]
    given = [
        "Bj\u00f6rn",
        "Wanda",
        "Mark",
        "Grace",
        "Ann",
        "Li",
        "Jos\u00e9",
        "Frank",
        "Sofia",
        "Will",
        "Ada",
        "Martin",
        "Priya",
        "Tom",
    ]
    family = [
        "Lindqvist",
        "Fowler",
        "Page",
        "Garc\u00eda",
        "Ng",
        "Conway",
        "Baker",
        "M\u00fcller",
        "King",
        "Chen",
        "Dijkstra",
        "Okafor",
    ]
    characters = sum(map(len, texts))
    redactor = Redactor(RedactionPolicy(detectors=frozenset()), b"k" * 32)
    total, seen = 0, Counter()
    pairs = [(first, last) for first in given for last in family][::3]
    for first, last in pairs:
        receipt = redactor.redact_value(
            texts, [{"name": f"{first} {last}", "email": f"{first}.{last}@example.com".lower()}]
        )[1]
        count = receipt.counts.get("PERSON", 0) + receipt.counts.get("USERNAME", 0)
        total += count
        seen[f"{first} {last}"] += count
    print(
        f"{len(pairs)} people, {characters} characters: "
        f"{total / len(pairs) / characters * 1e5:.3f} false alarms per person and 100,000 characters"
    )
    print("  most:", seen.most_common(6))


def main() -> None:
    wanted = [word for word in sys.argv[1:] if not word.startswith("--")] or [
        "recall",
        "alarms",
        "people",
        "speed",
        "gil",
    ]
    show = sys.argv[sys.argv.index("--show") + 1] if "--show" in sys.argv else None
    for name in wanted:
        if name in {"alarms", "people", "speed", "gil"}:
            print(f"== {name}")
            {"alarms": alarms, "people": people, "speed": speed, "gil": gil}[name]()
        elif name == "recall":
            print("== recall")
            recall(show)


if __name__ == "__main__":
    main()
