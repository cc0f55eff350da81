"""Names found by a spaCy pipeline that the application already has."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

from certtrace.ports import Recognized

LABELS: Final[Mapping[str, str]] = MappingProxyType({"PERSON": "PERSON", "PER": "PERSON"})
"""Our types for the labels of spaCy's English and multilingual pipelines."""


class Entity(Protocol):
    """What is read of spaCy's `Span`."""

    start_char: int
    end_char: int
    label_: str


class Document(Protocol):
    """What is read of spaCy's `Doc`."""

    @property
    def ents(self) -> Sequence[Entity]:
        """The entities in the text, in order."""
        ...


class Pipeline(Protocol):
    """What is called of spaCy's `Language`."""

    def pipe(self, texts: Iterable[str]) -> Iterable[Document]:
        """Yield the texts analysed, in order."""
        ...


class SpacyRecognizer:
    """Asks a spaCy pipeline (`spacy.load(...)`, or `spacy.blank(...)` with an entity ruler)."""

    name = "spacy"

    def __init__(self, nlp: Pipeline, labels: Mapping[str, str] = LABELS) -> None:
        """Take a pipeline.

        Args:
            nlp: The pipeline. A text longer than its `max_length` makes it raise, and the value is then withheld.
            labels: Our type for each label of the pipeline; entities with other labels are left alone.
        """
        self._nlp = nlp
        self._labels = dict(labels)

    def recognize(self, texts: Sequence[str]) -> list[list[Recognized]]:
        """Return what the pipeline finds in each text, in order."""
        return [
            [
                Recognized(entity.start_char, entity.end_char, self._labels[entity.label_])
                for entity in document.ents
                if entity.label_ in self._labels
            ]
            for document in self._nlp.pipe(texts)
        ]
