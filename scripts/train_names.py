"""Train the recognizer of names that the package ships, and print how good it is.

    pip install "torch==2.13.0" "numpy>=2" "Faker==40.54.0" "names==0.3.0"
    python scripts/train_names.py --data ../shared/data            # trains on everything and writes the model
    python scripts/train_names.py --data ../shared/data --folds 3 --report folds.txt   # cross-validation only
    python scripts/train_names.py --data ../shared/data --measured folds.txt           # with those measures in it
    python scripts/train_names.py --measured folds.txt                                 # the same for a trained model

The same data, seed and library versions give the same weights.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from naming import corpora, people, words
from naming.corpora import Sample, Writer
from naming.measure import Measure, measure
from naming.sources import CHANGES, REPEATS, SOURCES, WEIGHTS
from naming.trainer import Network, Plan, Types, gather, quantised, train

from certtrace.redaction.recognize import weights as model
from certtrace.redaction.recognize.features import Lists, hashed, plain
from certtrace.redaction.recognize.shipped import ShippedNames
from certtrace.redaction.recognize.tokens import pieces

WRITTEN = 36_000
"""Texts written from our own templates."""


def common_words(samples: Iterable[Sample]) -> set[str]:
    """Return the words that texts write in lower case, and that are hardly ever a name or capitalised."""
    lower: Counter[str] = Counter()
    upper: Counter[str] = Counter()
    for sample in samples:
        inside = {place for start, end in sample.spans for place in range(start, end)}
        place = 0
        for piece in pieces(sample.text):
            for token in piece:
                word = token.strip()
                start = place + len(token) - len(word)
                place += len(token)
                if word[:1].isalpha():
                    for part in plain(word).split("-"):
                        (lower if word.islower() and start not in inside else upper)[part] += 1
    return {word for word, count in lower.items() if count >= 2 and count * 2 >= upper[word] and len(word) > 1}


def word_lists(everyone: people.People, samples: list[Sample]) -> Lists:
    """Build the lists that go into the model."""

    def listed(entries: Iterable[str]) -> set[int]:
        return {hashed(plain(entry)) for entry in entries}

    given = {
        part
        for names in everyone.given.values()
        for name in names
        for part in [name, *name.split("-")]
        if " " not in part
    }
    family = {
        part
        for names in everyone.family.values()
        for name in names
        for part in [name, *name.split("-"), *name.split()]
        if " " not in part and len(part) > 1
    }
    technical = set(words.PRODUCTS) | {
        word for phrase in words.LAWS + words.PATTERNS for word in phrase.replace("'s", "").split()
    }
    common = common_words(samples) | {word.lower() for word in templates_words()}
    return Lists(
        given=listed(given | set(everyone.census_given)),
        family=listed(family | set(everyone.census_family[:25_000])),
        common=listed(common),
        technical=listed(technical),
        places=listed(words.CITIES + words.PLACES),
    )  # fmt: skip


def templates_words() -> list[str]:
    """Return the ordinary words that the list of sentence starters holds."""
    return [word for word in words.STARTERS[: words.STARTERS.index("Will")] if word.isascii()]


def written(everyone: people.People, ordinary: list[str], seed: int, count: int) -> tuple[list[Sample], Writer]:
    """Write texts from our own templates."""
    chance = random.Random(seed)
    writer = Writer(people.Crowd(everyone, chance), chance, ordinary)
    return [writer.sample(number) for number in range(count)], writer


def enlarged(samples: list[Sample], writer: Writer) -> list[Sample]:
    """Repeat samples as their kind deserves, the repetitions with other people."""
    result = []
    for sample in samples:
        kind = sample.kind.removesuffix("-dev").removesuffix("17")
        sample.weight = WEIGHTS.get(kind, 1.0)
        result.append(sample)
        for _ in range(REPEATS.get(kind, 1) - 1):
            again = writer.peopled(writer.renewed(sample) if sample.spans else sample)
            result.append(corpora.changed(again, random.Random(len(result))))
    return result


def fit(samples: list[Sample], everyone: people.People, arguments: argparse.Namespace) -> tuple[Network, Lists]:
    """Train on samples and on what we write ourselves."""
    begin = time.monotonic()
    lists = word_lists(everyone, samples)
    given = {name.casefold() for names in everyone.given.values() for name in names}
    ordinary = sorted(word for word in common_words(samples) if word not in given and word.isascii() and len(word) > 2)
    own, writer = written(everyone, ordinary, arguments.seed, arguments.written)
    types = Types(lists)
    places = gather(enlarged(samples, writer) + own, types)
    print(f"  {len(places.labels)} candidates, {places.labels.mean():.3f} of them people, {len(types.readings)} types, "
          f"{time.monotonic() - begin:.0f} s", flush=True)  # fmt: skip
    plan = Plan(seed=arguments.seed, epochs=arguments.epochs, width=arguments.width, hidden=arguments.hidden)
    network = train(places, types, plan, lambda line: print(line, time.monotonic() - begin, flush=True))
    return network, lists


def recognizer(
    network: Network, lists: Lists, provenance: dict, path: Path, sensitivity: str = "standard"
) -> ShippedNames:
    """Store a network as a model file and open it as the package does."""
    model.store(quantised(network, lists, provenance), path)
    return ShippedNames(path=path, sensitivity=sensitivity)


def cross_validate(samples: list[Sample], everyone: people.People, arguments: argparse.Namespace) -> dict[str, Measure]:
    """Measure each sample with a model that saw nothing of its group."""
    results: dict[str, Measure] = {}
    for number in range(arguments.folds):
        if arguments.only is not None and number != arguments.only:
            continue
        print(f"fold {number + 1} of {arguments.folds}", flush=True)
        here = [sample for sample in samples if corpora.fold(sample.group, arguments.folds) == number]
        rest = [sample for sample in samples if corpora.fold(sample.group, arguments.folds) != number]
        network, lists = fit(rest, everyone, arguments)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(arguments.keep or folder) / f"fold{number}.model"
            for sensitivity in ("standard", "high"):
                names = recognizer(network, lists, {}, path, sensitivity)
                measure(here, names, results, sensitivity)
    return results


def report(results: dict[str, Measure], path: Path | None) -> None:
    """Print the measures, and write them where the next training finds them."""
    lines = [results[key].line(key) for key in sorted(results)]
    print("\n".join(lines))
    if path:
        path.write_text("\n".join(lines) + "\n")


def annotate(path: Path, measured: list[str]) -> None:
    """Write measures into a model that is already trained."""
    trained = model.load(path)
    model.store(replace(trained, provenance={**trained.provenance, "measured": measured}), path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of person_train, pii_dev, shortanswers, casestudies")
    parser.add_argument("--out", type=Path, default=model.SHIPPED, help="model file to write")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--written", type=int, default=WRITTEN)
    parser.add_argument(
        "--folds", type=int, default=0, help="cross-validate by template, document and question instead"
    )
    parser.add_argument("--only", type=int, help="one fold of the cross-validation only")
    parser.add_argument("--keep", help="folder that keeps the models of the folds")
    parser.add_argument("--report", type=Path, help="file for the measures of the cross-validation")
    parser.add_argument("--measured", type=Path, help="such a file, to go into the model's provenance")
    arguments = parser.parse_args()
    measured = arguments.measured.read_text().splitlines() if arguments.measured else []
    if not arguments.data:
        annotate(arguments.out, measured)
        return 0
    everyone = people.load()
    samples = [*corpora.prose(arguments.data), *corpora.development(arguments.data), *corpora.answers(arguments.data)]
    if arguments.folds:
        report(cross_validate(samples, everyone, arguments), arguments.report)
        return 0
    network, lists = fit(samples, everyone, arguments)
    provenance = {
        "name": "certtrace names",
        "trained": datetime.now(UTC).date().isoformat(),
        "command": " ".join(["python scripts/train_names.py", *sys.argv[1:]]),
        "seed": arguments.seed,
        "versions": {name: version(name) for name in ("torch", "numpy", "Faker", "names")},
        "sources": SOURCES,
        "changes": CHANGES,
        "measured": measured,
    }
    names = recognizer(network, lists, provenance, arguments.out)
    results: dict[str, Measure] = {}
    measure(samples, names, results, "training data")
    report(results, None)
    print(f"{arguments.out.name}: {arguments.out.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
