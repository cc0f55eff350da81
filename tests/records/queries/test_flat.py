"""Metadata values as lists cut them, and the functions that filters call."""

from certtrace.records.queries.flat import (
    SHOWN_CHARACTERS,
    has_words,
    has_words_folded,
    metadata_number,
    metadata_text,
    shortened,
)


def test_what_is_long_is_cut() -> None:
    assert shortened("x" * SHOWN_CHARACTERS) == "x" * SHOWN_CHARACTERS
    assert shortened("x" * (SHOWN_CHARACTERS + 1)) == "x" * SHOWN_CHARACTERS
    assert shortened(list(range(5))) == [0, 1, 2, 3, 4]
    assert shortened(list(range(200))) == f"[{','.join(map(str, range(200)))}]"[:SHOWN_CHARACTERS]


def test_a_value_is_found_as_text_and_as_number() -> None:
    metadata = '{"a":{"b":"text","n":2.5},"flag":true,"digits":"7","none":null,"a.n":3}'
    assert metadata_text(metadata, "a.b") == "text"
    assert metadata_text(metadata, "flag") == "true"
    assert metadata_text(metadata, "none") == "null"
    assert metadata_text(metadata, "missing") is None
    assert metadata_text(None, "a") is None
    assert metadata_number(metadata, "a.n") == 2.5
    assert metadata_number(metadata, "digits") == 7
    assert metadata_number(metadata, "flag") is None
    assert metadata_number(metadata, "a.b") is None


def test_metadata_that_is_no_object_is_one_value() -> None:
    assert metadata_text('["a"]', "metadata") == '["a"]'
    assert metadata_text("5", "metadata") == "5"
    assert metadata_text("null", "a") is None


def test_words_are_found_whole() -> None:
    assert has_words("a needle in hay", "needle in")
    assert not has_words("a needle in hay", "need")
    assert not has_words("needle, hay", "needle hay")
    assert not has_words("A Needle", "needle")
    assert has_words_folded("Über ALLEN Gipfeln", "über allen")
    assert not has_words_folded(None, "x")
