"""The recognizer of names that the package ships."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, Literal

from certtrace.ports import Recognized
from certtrace.redaction.recognize import joining, weights
from certtrace.redaction.recognize.features import plain
from certtrace.redaction.recognize.integers import IntegerEngine
from certtrace.redaction.recognize.joining import Limits, Word
from certtrace.redaction.recognize.segments import Engine, Segment, segments
from certtrace.redaction.recognize.weights import AFTER, BEFORE, Weights

Sensitivity = Literal["standard", "high"]

_LIMITS: Final[dict[str, Limits]] = {"standard": joining.STANDARD, "high": joining.HIGH}
_AT_ONCE: Final = 8_192
"""Tokens that go to the engine together."""


class ShippedNames:
    """Finds names of people in English text, and less surely in other languages that write with capitals.

    It needs no other package and no download. With numpy (the extra `names`) it is faster and finds the same.
    """

    name = "names"

    def __init__(
        self, *, sensitivity: Sensitivity = "standard", path: Path = weights.SHIPPED, arrays: bool | None = None
    ) -> None:
        """Read the model.

        Args:
            sensitivity: `standard`, or `high` to miss less and to alarm more.
            path: Another model file of the same form, such as one trained on texts of your own.
            arrays: Whether to score with numpy; by default where it is installed.

        Raises:
            ValueError: The sensitivity is unknown, or the file is no model of this version.
            ImportError: `arrays` is True and numpy is not installed.
        """
        if sensitivity not in _LIMITS:
            msg = f"sensitivity must be standard or high, got {sensitivity!r}. Use high to miss less."
            raise ValueError(msg)
        self._limits = _LIMITS[sensitivity]
        model = _model(path)
        self._engine = _engine(model, arrays=arrays)
        self._lists = model.lists
        self.provenance: dict[str, Any] = model.provenance
        """Where the model comes from: data, licences, attribution, command, date and measured quality."""

    def recognize(self, texts: Sequence[str]) -> list[list[Recognized]]:
        """Return the names in each text, in order."""
        words: list[list[Word]] = [[] for _ in texts]
        for batch in _batches(texts):
            for segment, scored in zip(batch, self._engine.score(batch, self._limits.floor), strict=True):
                if scored:
                    words[segment.text] += _words(segment, scored)
        return [
            joining.join(text, found, self._limits, self._lists) if found else []
            for text, found in zip(texts, words, strict=True)
        ]


def load(*, sensitivity: Sensitivity = "standard") -> ShippedNames:
    """Return the shipped recognizer; the model is read once per process."""
    return _loaded(sensitivity)


@cache
def _loaded(sensitivity: Sensitivity) -> ShippedNames:
    return ShippedNames(sensitivity=sensitivity)


def _model(path: Path) -> Weights:
    return _shipped_model() if path == weights.SHIPPED else weights.load(path)


@cache
def _shipped_model() -> Weights:
    return weights.load()


def _engine(model: Weights, *, arrays: bool | None) -> Engine:
    if arrays is False:
        return IntegerEngine(model)
    try:
        from certtrace.redaction.recognize.arrays import ArrayEngine  # noqa: PLC0415 - numpy is an extra
    except ImportError:
        if arrays:
            raise
        return IntegerEngine(model)
    return ArrayEngine(model)


def _batches(texts: Sequence[str]) -> Iterator[list[Segment]]:
    """Yield the segments of all texts in batches of bounded size."""
    batch: list[Segment] = []
    size = 0
    for number, text in enumerate(texts):
        for segment in segments(number, text):
            batch.append(segment)
            size += len(segment.tokens)
            if size >= _AT_ONCE:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def _words(segment: Segment, scored: list[tuple[int, int]]) -> Iterator[Word]:
    """Yield the scored words of a segment at their places in the text."""
    tokens = segment.tokens[BEFORE : len(segment.tokens) - AFTER]
    starts = list(accumulate(map(len, tokens), initial=segment.start))
    for place, score in scored:
        at = place - BEFORE
        word = tokens[at].removeprefix(" ")
        end = starts[at + 1]
        yield Word(end - len(word), end, score, plain(word))
