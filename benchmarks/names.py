"""Measure the shipped recognizer of names: quality by kind of text, false alarms, speed and time to load.

Run from the repository: `python benchmarks/names.py [quality] [alarms] [speed] [load] [--sensitivity high] [--model FILE]`.
The shipped model was trained on the texts of `../shared/data`, so here they show that it works, not how good it is: that
is what its provenance says (cross-validated; printed by `quality`) and what a file of rows that it never saw shows:
`quality --rows FILE.jsonl.gz`, in the form of `pii_dev.jsonl.gz`.
"""

import argparse
import gzip
import json
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from certtrace.redaction.recognize import weights
from certtrace.redaction.recognize.shipped import ShippedNames

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

LOADING = """
import sys, time
if sys.argv[1] == "numpy":
    import numpy
begin = time.perf_counter()
from certtrace.redaction.recognize.shipped import ShippedNames
middle = time.perf_counter()
ShippedNames(arrays=sys.argv[1] == "numpy")
print(f"{(middle - begin) * 1e3:.0f} {(time.perf_counter() - middle) * 1e3:.0f}")
"""


@dataclass
class Counts:
    gold: int = 0
    covered: int = 0
    predicted: int = 0
    right: int = 0
    characters: int = 0


def rows(path: Path) -> list[dict]:
    if not path.exists():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def count(row: dict, found: list, counts: Counts) -> None:
    """A person counts as found if 90 % of its letters are covered; a finding is right if it meets any personal data."""
    text = row["text"]
    counts.characters += len(text)
    covered = {place for name in found for place in range(name.start, name.end)}
    for span in row["spans"]:
        if span["type"] == "PERSON":
            signs = [place for place in range(span["start"], span["end"]) if text[place].isalnum()]
            counts.gold += 1
            counts.covered += sum(place in covered for place in signs) >= 0.9 * len(signs)
    if row["annotated"] == ["*"] or "PERSON" in row["annotated"]:
        counts.predicted += len(found)
        counts.right += sum(
            any(span["start"] < name.end and name.start < span["end"] for span in row["spans"]) for name in found
        )


def quality(names: ShippedNames, path: Path) -> None:
    sources: dict[str, Counts] = defaultdict(Counts)
    labelled = rows(path)
    for row, found in zip(labelled, names.recognize([row["text"] for row in labelled]), strict=True):
        count(row, found, sources[row["source"].split()[0]])
    print(f"{'source':38} {'gold':>5} {'recall':>7} {'precision':>9} {'F2':>6} {'alarms/10,000':>13}")
    for source, counts in sorted(sources.items()):
        recall = counts.covered / counts.gold if counts.gold else 1.0
        precision = counts.right / counts.predicted if counts.predicted else 1.0
        f2 = 5 * precision * recall / (4 * precision + recall) if precision + recall else 0.0
        alarms = 10_000 * (counts.predicted - counts.right) / counts.characters
        print(f"{source:38} {counts.gold:5} {recall:7.3f} {precision:9.3f} {f2:6.3f} {alarms:13.2f}")
    for line in names.provenance.get("measured", []):
        print("  measured in training:", line)


def exam_texts() -> dict[str, list[str]]:
    keys = ("question", "reference_answer", "student_answer", "expert_feedback")
    answers = {row[key] for row in rows(DATA / "shortanswers.jsonl.gz") for key in keys if row[key]}
    return {
        "short answers": sorted(answers) or ["TCP is reliable, UDP is not. " * 12] * 500,
        "case studies": [row["text"] for row in rows(DATA / "casestudies.jsonl.gz")] or ["Kafka decouples. " * 4_000],
    }


def alarms(names: ShippedNames) -> None:
    for label, texts in exam_texts().items():
        found = [
            text[max(0, name.start - 30) : name.end + 30]
            for text, places in zip(texts, names.recognize(texts), strict=True)
            for name in places
        ]
        size = sum(map(len, texts))
        print(f"{label}: {len(found)} findings in {size} characters = {10_000 * len(found) / size:.2f} per 10,000")
        for context in found[:20]:
            print(f"  {context!r}")


def speed(sensitivity: str, model: Path) -> None:
    for arrays in (True, False):
        label = "numpy" if arrays else "no numpy"
        names = ShippedNames(sensitivity=sensitivity, path=model, arrays=arrays)
        for kind, texts in exam_texts().items():
            size = sum(len(text.encode()) for text in texts)
            for state in ("cold", "warm"):
                begin = time.thread_time()
                names.recognize(texts)
                print(f"{label:9} {kind:14} {state}: {size / (time.thread_time() - begin) / 1e6:5.2f} MB/s")
        texts = exam_texts()["short answers"]
        begin = time.thread_time()
        for text in texts:
            names.recognize([text])
        spent = time.thread_time() - begin
        print(f"{label:9} short answers one by one, warm: {spent / len(texts) * 1e6:.0f} µs each")


def load(model: Path) -> None:
    print(f"model file: {model.stat().st_size / 1e6:.2f} MB")
    for engine in ("numpy", "none"):
        times = [
            [int(part) for part in subprocess.check_output([sys.executable, "-c", LOADING, engine]).split()]
            for _ in range(5)
        ]
        imported, loaded = min(first for first, _ in times), min(second for _, second in times)
        print(
            f"engine {engine}: import of the package {imported} ms (numpy's own excluded), load of the model {loaded} ms"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=["quality", "alarms", "speed", "load", []], default=[])
    parser.add_argument("--sensitivity", choices=["standard", "high"], default="standard")
    parser.add_argument("--model", type=Path, default=weights.SHIPPED)
    parser.add_argument("--rows", type=Path, default=DATA / "pii_dev.jsonl.gz")
    arguments = parser.parse_args()
    parts = arguments.parts or ["quality", "alarms", "speed", "load"]
    names = ShippedNames(sensitivity=arguments.sensitivity, path=arguments.model)
    if "quality" in parts:
        quality(names, arguments.rows)
    if "alarms" in parts:
        alarms(names)
    if "speed" in parts:
        speed(arguments.sensitivity, arguments.model)
    if "load" in parts:
        load(arguments.model)


if __name__ == "__main__":
    main()
