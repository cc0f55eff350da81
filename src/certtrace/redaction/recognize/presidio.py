"""Names found by a Presidio analyzer that the application already has."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from certtrace.ports import Recognized

TYPES: Final[Mapping[str, str]] = {
    "CREDIT_CARD": "CREDIT_CARD",
    "EMAIL_ADDRESS": "EMAIL",
    "IBAN_CODE": "IBAN",
    "IP_ADDRESS": "IP",
    "LOCATION": "ADDRESS",
    "MAC_ADDRESS": "MAC",
    "PERSON": "PERSON",
    "PHONE_NUMBER": "PHONE",
    "US_SSN": "SSN",
}
"""Our types for Presidio's entities; any other entity is `NATIONAL_ID` if it begins with a country, else `OTHER`."""


class Result(Protocol):
    """What is read of Presidio's `RecognizerResult`."""

    start: int
    end: int
    entity_type: str


class Analyzer(Protocol):
    """What is called of Presidio's `AnalyzerEngine`."""

    def analyze(
        self, text: str, language: str, entities: list[str] | None = None, *, score_threshold: float | None = None
    ) -> Sequence[Result]:
        """Return the entities in one text."""
        ...

    def get_supported_entities(self, language: str | None = None) -> Sequence[str]:
        """Return the entities that the recognizers of this analyzer know."""
        ...


class PresidioRecognizer:
    """Asks a `presidio_analyzer.AnalyzerEngine`; its recognizers, models and languages stay the application's."""

    name = "presidio"

    def __init__(
        self,
        analyzer: Analyzer,
        entities: Sequence[str] = ("PERSON", "LOCATION"),
        language: str = "en",
        min_score: float = 0.4,
        types: Mapping[str, str] = TYPES,
    ) -> None:
        """Take an analyzer.

        Args:
            analyzer: The engine, ready to use.
            entities: Presidio's entities to look for.
            language: The language of the texts, as the analyzer knows it.
            min_score: Results below are left alone, 0.0 to 1.0; Presidio's weak patterns score under 0.4.
            types: Our type for each entity.

        Raises:
            ValueError: No recognizer of the analyzer knows one of the entities: it would find nothing, silently.
        """
        unknown = sorted(set(entities) - set(analyzer.get_supported_entities(language)))
        if unknown or not entities:
            msg = (
                f"entities must be known to the analyzer in language {language!r}, got {unknown or list(entities)}."
                " Add a recognizer for them to its registry, or leave them out."
            )
            raise ValueError(msg)
        self._analyzer = analyzer
        self._entities = list(entities)
        self._language = language
        self._min_score = min_score
        self._types = dict(types)

    def recognize(self, texts: Sequence[str]) -> list[list[Recognized]]:
        """Return what the analyzer finds in each text, in order."""
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> list[Recognized]:
        results = self._analyzer.analyze(text, self._language, self._entities, score_threshold=self._min_score)
        found = {Recognized(result.start, result.end, self._type(result.entity_type)) for result in results}
        return sorted(found, key=lambda place: (place.start, place.end, place.type))

    def _type(self, entity: str) -> str:
        known = self._types.get(entity)
        if known is not None:
            return known
        return "NATIONAL_ID" if entity[2:3] == "_" else "OTHER"
