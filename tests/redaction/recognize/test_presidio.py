"""The adapter for Presidio, against the real package with pattern recognizers and a pipeline without a model."""

import warnings

import pytest

from certtrace.ports import Recognized
from certtrace.redaction.recognize.presidio import PresidioRecognizer


@pytest.fixture(scope="module")
def analyzer():
    with warnings.catch_warnings():
        # Importing the package and its NLP engine warns of things that are not ours to mend.
        warnings.simplefilter("ignore")
        presidio = pytest.importorskip("presidio_analyzer", reason="the extra `presidio` is not installed")
        spacy = pytest.importorskip("spacy", reason="Presidio's engine needs spaCy")
        from presidio_analyzer.nlp_engine import SpacyNlpEngine

        engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "blank"}])
        engine.nlp = {"en": spacy.blank("en")}
        registry = presidio.RecognizerRegistry(supported_languages=["en"])
        pattern = presidio.Pattern
        registry.add_recognizer(
            presidio.PatternRecognizer("PERSON", patterns=[pattern("names", r"Ingrid Solheim", 0.8)])
        )
        registry.add_recognizer(presidio.PatternRecognizer("LOCATION", patterns=[pattern("cities", r"Oslo", 0.3)]))
        registry.add_recognizer(presidio.PatternRecognizer("UK_NHS", patterns=[pattern("nhs", r"\d{10}", 0.6)]))
        registry.add_recognizer(presidio.PatternRecognizer("BADGE", patterns=[pattern("badge", r"B-\d+", 0.6)]))
        return presidio.AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])


def test_what_presidio_finds_is_found_text_by_text(analyzer) -> None:
    recognizer = PresidioRecognizer(analyzer)
    texts = ["Graded by Ingrid Solheim.", "nothing", "Ingrid Solheim and Ingrid Solheim"]
    assert recognizer.recognize(texts) == [
        [Recognized(10, 24, "PERSON")],
        [],
        [Recognized(0, 14, "PERSON"), Recognized(19, 33, "PERSON")],
    ]


def test_results_below_the_least_score_are_left(analyzer) -> None:
    assert PresidioRecognizer(analyzer).recognize(["in Oslo"]) == [[]]
    assert PresidioRecognizer(analyzer, min_score=0.2).recognize(["in Oslo"]) == [[Recognized(3, 7, "ADDRESS")]]


def test_entities_get_our_types(analyzer) -> None:
    recognizer = PresidioRecognizer(analyzer, entities=("UK_NHS", "BADGE"))
    assert recognizer.recognize(["9434765919 B-77"]) == [
        [Recognized(0, 10, "NATIONAL_ID"), Recognized(11, 15, "OTHER")]
    ]


def test_an_entity_that_nobody_recognizes_is_refused(analyzer) -> None:
    with pytest.raises(ValueError, match="US_SSN"):
        PresidioRecognizer(analyzer, entities=("PERSON", "US_SSN"))
    with pytest.raises(ValueError, match="entities must be known"):
        PresidioRecognizer(analyzer, entities=())
