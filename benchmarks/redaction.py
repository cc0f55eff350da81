"""Measure redaction beside its peers: recall, precision and F2 by type, false alarms, MB/s.

Run from the repository: `python benchmarks/redaction.py [--show TYPE] [--only NAME ...]`.
Peers that are installed take part (dependency group `peers` in pyproject.toml); the others are named as absent.
The labelled data and the real answers are read from `../shared/data`. See also `redaction_speed.py` (speed of each path,
stalls), `known_people.py` (known identity) and `names.py` (names in free text).
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from labelled import TYPES, Score, Span, Tool, clean_texts, rows, scored
from peers import PEERS

from certtrace.assembly.redaction import redactor_of
from certtrace.redaction import RedactionPolicy
from certtrace.redaction.policy.kinds import FORMATS

KEY = b"benchmark key of 32 characters.."


def certtrace(policy: RedactionPolicy) -> Tool:
    redactor = redactor_of(policy, KEY)

    def find(text: str) -> list[Span]:
        return [(change.start, change.end, _common(change.type)) for change in redactor.explain(text).changes]

    return find


def _common(kind: str) -> str:
    return {"IP_NETWORK": "IP", "MAC_NETWORK": "MAC", "ID": "CANDIDATE_ID"}.get(kind, kind)


OURS: dict[str, Callable[[], Tool]] = {
    "certtrace standard": lambda: certtrace(RedactionPolicy()),
    "certtrace all types": lambda: certtrace(RedactionPolicy(detectors=FORMATS)),
    "certtrace, no names": lambda: certtrace(RedactionPolicy(names="off")),
}


def show_misses(wanted: str | None) -> Callable[[str, str, str, str], None]:
    def show(what: str, kind: str, part: str, text: str) -> None:
        if wanted in {kind, "ALL"}:
            at = max(text.find(part) - 60, 0)
            print(f"    {what} {kind}: {part!r} in {text[at : at + len(part) + 120]!r}")

    return show


def table(name: str, score: Score) -> None:
    cells = [f"{name:22}"]
    for kind in TYPES:
        known = score.predicted[kind] or score.found[kind]
        cells.append(
            f"{score.recall(kind):4.2f}/{score.precision(kind):4.2f}/{score.f2(kind):4.2f}" if known else f"{'-':>14}"
        )
    print(" ".join(cells).replace("nan", "  - "))


def alarms(tool: Tool) -> str:
    """False alarms per 10,000 characters on texts that name nobody, structured types and names apart."""
    parts = []
    for name, texts in clean_texts().items():
        found = Counter("names" if kind == "PERSON" else "forms" for text in texts for _, _, kind in tool(text))
        size = sum(map(len, texts)) / 10_000
        parts.append(f"{name}: forms {found['forms'] / size:.2f}, names {found['names'] / size:.2f}")
    return "; ".join(parts)


def speed(tool: Tool) -> str:
    """MB/s over short rows one by one, and over documents of 4 KB."""
    answers = [text for text in clean_texts()["shortanswers"] if text][:1_500]
    whole = " ".join(answers)
    documents = [whole[at : at + 4_000] for at in range(0, len(whole), 4_000)]
    measured = []
    for texts in (answers, documents):
        size, spent, begin = 0, 0.0, time.thread_time()
        for text in texts:
            for _ in tool(text):
                pass
            size += len(text.encode())
            spent = time.thread_time() - begin
            if spent > 5.0:
                break
        measured.append(f"{size / max(spent, 1e-9) / 1e6:.2f}")
    return " / ".join(measured)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", metavar="TYPE", help="print what certtrace misses and what it finds wrongly; ALL")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="tools whose name begins so")
    options = parser.parse_args()
    texts = rows("pii_dev")
    if not texts:
        print("No labelled data: ../shared/data/pii_dev.jsonl.gz is not there.")
        return
    tools: dict[str, Callable[[], Tool]] = {**OURS, **PEERS}
    if options.only:
        tools = {name: make for name, make in tools.items() if name.startswith(tuple(options.only))}
    print(f"{len(texts)} labelled texts; recall/precision/F2 by type")
    print(f"{'':22} " + " ".join(f"{kind:>14}" for kind in TYPES))
    ready: dict[str, Tool] = {}
    for name, make in tools.items():
        try:
            ready[name] = make()
        except ImportError as error:
            print(f"{name:22} not installed ({error.name})")
            continue
        ours = name.startswith("certtrace")
        table(name, scored(ready[name], texts, show_misses(options.show if ours else None)))
    print("\nfalse alarms per 10,000 characters; MB/s on short texts / on documents of 4 KB, one by one, one core")
    for name, tool in ready.items():
        print(f"{name:22} {alarms(tool)}; MB/s {speed(tool)}")


if __name__ == "__main__":
    main()
