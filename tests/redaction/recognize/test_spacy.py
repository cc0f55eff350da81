"""The adapter for spaCy, against the real package with an entity ruler."""

import warnings

import pytest

from certtrace.ports import Recognized
from certtrace.redaction.recognize.spacy import SpacyRecognizer


@pytest.fixture(scope="module")
def nlp():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # importing the package warns of things that are not ours to mend
        spacy = pytest.importorskip("spacy", reason="the extra `spacy` is not installed")
        pipeline = spacy.blank("en")
        pipeline.add_pipe("entity_ruler").add_patterns(
            [
                {"label": "PERSON", "pattern": "Ingrid Solheim"},
                {"label": "PER", "pattern": "Tomasz"},
                {"label": "GPE", "pattern": "Oslo"},
            ]
        )
        return pipeline


def test_people_are_found_text_by_text(nlp) -> None:
    texts = ["Graded by Ingrid Solheim in Oslo.", "", "Tomasz agreed."]
    assert SpacyRecognizer(nlp).recognize(texts) == [[Recognized(10, 24, "PERSON")], [], [Recognized(0, 6, "PERSON")]]


def test_labels_map_to_our_types(nlp) -> None:
    found = SpacyRecognizer(nlp, {"GPE": "ADDRESS"}).recognize(["Ingrid Solheim in Oslo"])
    assert found == [[Recognized(18, 22, "ADDRESS")]]


def test_offsets_count_characters(nlp) -> None:
    text = "\U0001f600 \u00e9 Tomasz"
    found = SpacyRecognizer(nlp).recognize([text])[0]
    assert [text[place.start : place.end] for place in found] == ["Tomasz"]
