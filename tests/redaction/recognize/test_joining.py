"""From scored words to names."""

import re

import pytest

from certtrace.redaction.recognize.features import Lists, hashed, plain
from certtrace.redaction.recognize.joining import HIGH, STANDARD, UNIT, Word, join

NO_LISTS = Lists(*[frozenset()] * 5)


def found(text: str, scores: dict[str, float], limits=STANDARD) -> list[str]:
    """Join the words of a text that have a score."""
    words = [
        Word(match.start(), match.end(), int(scores[match[0]] * UNIT), plain(match[0]))
        for match in re.finditer(r"[^\W\d_]+(?:-[^\W\d_]+)*", text)
        if match[0] in scores
    ]
    return [text[name.start : name.end] for name in join(text, words, limits, NO_LISTS)]


@pytest.mark.parametrize(
    ("text", "scores", "expected"),
    [
        ("Anna Berg came", {"Anna": 4, "Berg": 4}, ["Anna Berg"]),
        ("Anna van der Berg came", {"Anna": 4, "Berg": 4}, ["Anna van der Berg"]),
        ("ask van Berg", {"Berg": 4}, ["van Berg"]),
        ("J. R. Berg", {"J": 1, "R": 1, "Berg": 4}, ["J. R. Berg"]),
        ("Berg, Anna", {"Anna": 4, "Berg": 4}, ["Berg", "Anna"]),
        ("Anna and Berg", {"Anna": 4, "Berg": 4}, ["Anna", "Berg"]),
        ("Anna\nBerg", {"Anna": 4, "Berg": 4}, ["Anna", "Berg"]),
        ("Dr. Berg", {"Dr": 4, "Berg": 4}, ["Berg"]),
    ],
    ids=["two-words", "particles", "leading-particle", "initials", "comma", "two-people", "two-lines", "title"],
)
def test_words_of_one_name_become_one_place(text: str, scores: dict[str, float], expected: list[str]) -> None:
    assert found(text, scores) == expected


def test_a_weak_word_counts_beside_a_strong_one_only() -> None:
    assert found("Anna Hope", {"Anna": 4, "Hope": -1}) == ["Anna Hope"]
    assert found("Hope, Anna", {"Anna": 4, "Hope": -1.4}) == ["Anna"]
    assert found("Anna hope", {"Anna": 4, "hope": -1}) == ["Anna"]


def test_a_weak_word_counts_where_it_is_a_name_elsewhere_in_the_text() -> None:
    text = "Anna Berg writes well. The Berg answer is better."
    words = [Word(0, 4, 4 * UNIT, "anna"), Word(5, 9, 4 * UNIT, "berg"), Word(27, 31, -UNIT, "berg")]
    assert [text[name.start : name.end] for name in join(text, words, STANDARD, NO_LISTS)] == ["Anna Berg", "Berg"]
    assert join(text, [Word(27, 31, -UNIT, "berg")], STANDARD, NO_LISTS) == []


@pytest.mark.parametrize(
    "text",
    ["node A drops", "the FK of", "x7Anna", "Anna_id", "/Anna"],
    ids=["letter", "short", "digit", "underscore", "path"],
)
def test_letters_abbreviations_and_identifiers_are_no_names_by_themselves(text: str) -> None:
    assert found(text, {"A": 9, "FK": 9, "Anna": 9}) == []


def test_lower_case_needs_more_in_a_text_that_uses_capitals() -> None:
    assert found("The word anna here", {"anna": 1.5}) == []
    assert found("the word anna here", {"anna": 1.5}) == ["anna"]


def test_quoted_authors_stay_in_the_standard_sensitivity() -> None:
    scores = {"Martin": 4.0, "Fowler": 4.0}
    assert found("As Martin Fowler says; Fowler is right", scores) == []
    assert found("As Martin Fowler says; Fowler is right", scores, HIGH) == ["Martin Fowler", "Fowler"]
    assert found("candidate Martin Fowler says", scores) == ["Martin Fowler"]
    assert found("name: Martin Fowler", scores) == ["Martin Fowler"]


def test_a_value_of_one_listed_word_is_no_name_unless_it_is_a_given_name() -> None:
    lists = Lists(
        given=frozenset({hashed("ruby")}),
        family=frozenset(),
        common=frozenset(),
        technical=frozenset({hashed("ruby"), hashed("jenkins")}),
        places=frozenset({hashed("houston")}),
    )
    for text, expected in (("Jenkins", 0), ("Houston.", 0), ("Ruby", 1), ("Solheim", 1)):
        word = Word(0, len(text.rstrip(".")), 4 * UNIT, text.rstrip(".").lower())
        assert len(join(text, [word], STANDARD, lists)) == expected
        assert len(join(text, [word], HIGH, lists)) == 1


def test_a_given_name_lifts_the_unlikely_word_behind_it() -> None:
    lists = Lists(frozenset({hashed("gary")}), frozenset(), frozenset(), frozenset(), frozenset())
    text = "elected were Gary Chan of the party"
    words = [Word(13, 17, -2 * UNIT, "gary"), Word(18, 22, -3 * UNIT, "chan")]
    assert [text[name.start : name.end] for name in join(text, words, STANDARD, lists)] == ["Gary Chan"]
    assert join(text, words, STANDARD, NO_LISTS) == []


def test_a_text_about_people_needs_less() -> None:
    assert found("He met Marner there", {"Marner": -1.2}) == ["Marner"]
    assert found("The queue Marner there", {"Marner": -1.2}) == []
