"""Metadata on one level, and the functions that filters call."""

from typing import Any

import pytest

from certtrace.records.queries.flat import (
    SHOWN_CHARACTERS,
    flat_metadata,
    has_words,
    has_words_folded,
    metadata_number,
    metadata_text,
    shortened,
)


@pytest.mark.parametrize(
    ("metadata", "flat"),
    [
        ({}, {}),
        ({"a": 1, "b": [1, {"c": 2}]}, {"a": 1, "b": [1, {"c": 2}]}),
        ({"a": {"b": {"c": None}}, "d": {}}, {"a.b.c": None, "d": {}}),
        ({"a": {"b": 1}, "a.b": 2}, {"a.b": 1}),
        ({"a.b": 2, "a": {"b": 1}}, {"a.b": 2}),
    ],
)
def test_paths_become_keys(metadata: dict[str, Any], flat: dict[str, Any]) -> None:
    assert flat_metadata(metadata) == flat
    assert list(flat_metadata(metadata)) == list(flat)


def test_depth_costs_no_stack() -> None:
    deep: dict[str, Any] = {"leaf": 1}
    for _ in range(5000):
        deep = {"a": deep}
    assert list(flat_metadata(deep).values()) == [1]


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
    assert metadata_number(metadata, "a.n") == 3
    assert metadata_number(metadata, "digits") == 7
    assert metadata_number(metadata, "flag") is None
    assert metadata_number(metadata, "a.b") is None


def test_words_are_found_whole() -> None:
    assert has_words("a needle in hay", "needle in")
    assert not has_words("a needle in hay", "need")
    assert not has_words("needle, hay", "needle hay")
    assert not has_words("A Needle", "needle")
    assert has_words_folded("Über ALLEN Gipfeln", "über allen")
    assert not has_words_folded(None, "x")
