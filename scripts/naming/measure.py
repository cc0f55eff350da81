"""The measure of the project: covered people, right predictions, false alarms per 10,000 characters."""

from dataclasses import dataclass

from certtrace.ports import Recognizer
from naming.corpora import Sample


@dataclass
class Measure:
    """Counts over many texts."""

    gold: int = 0
    covered: int = 0
    predicted: int = 0
    right: int = 0
    characters: int = 0

    def line(self, key: str) -> str:
        recall = self.covered / self.gold if self.gold else 1.0
        precision = self.right / self.predicted if self.predicted else 1.0
        f2 = 5 * precision * recall / (4 * precision + recall) if precision + recall else 0.0
        alarms = 10_000 * (self.predicted - self.right) / max(1, self.characters)
        return (
            f"{key:32} gold {self.gold:5}  recall {recall:.3f}  precision {precision:.3f}  F2 {f2:.3f}"
            f"  alarms/10k chars {alarms:6.2f}"
        )


def measure(samples: list[Sample], names: Recognizer, results: dict[str, Measure], label: str) -> None:
    """Add the counts of the samples to `results`, by kind of text."""
    for sample, found in zip(samples, names.recognize([sample.text for sample in samples]), strict=True):
        counts = results.setdefault(f"{label}/{sample.kind}", Measure())
        counts.characters += len(sample.text)
        covered = {place for place_ in found for place in range(place_.start, place_.end)}
        for start, end in sample.spans:
            signs = [place for place in range(start, end) if sample.text[place].isalnum()]
            counts.gold += 1
            counts.covered += sum(place in covered for place in signs) >= 0.9 * len(signs)
        for place in found:
            if any(start < place.end and place.start < end for start, end in sample.hidden):
                continue
            counts.predicted += 1
            counts.right += any(start < place.end and place.start < end for start, end in sample.spans + sample.others)
