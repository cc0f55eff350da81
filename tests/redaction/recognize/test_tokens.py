"""Cutting text into tokens: no character is lost, whatever the text."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certtrace.redaction.recognize.tokens import LONGEST, PIECE, bounded, pieces


def tokens(text: str) -> list[str]:
    return list(chain.from_iterable(pieces(text)))


@given(text=st.text())
def test_tokens_cover_the_text(text: str) -> None:
    assert "".join(tokens(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ada's code", ["Ada", "'", "s", " code"]),
        ("O'Neil, Jean-Luc", ["O'Neil", ",", " Jean-Luc"]),
        ("foo.Bar_x1", ["foo", ".", "Bar", "_", "x", "1"]),
        ("a  b\n\n c", ["a", "  ", "b", "\n\n ", "c"]),
        ("Müller\u00a0&\u00a0Łuk", ["Müller", "\u00a0", "&", "\u00a0", "Łuk"]),
        ("हिन्दी नाम", ["हिन्दी", " नाम"]),
        ("\ud800x", ["\ud800", "x"]),
    ],
    ids=["possessive", "names", "identifier", "white-space", "no-break-space", "vowel-signs", "surrogate"],
)
def test_words_stay_whole(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_pieces_meet_without_a_seam() -> None:
    words = ["O'Brien", " Jean-Luc", " and", " 12345", ".", "\n\n"]
    text = "".join(words) * (3 * PIECE // 30)
    assert len(list(pieces(text))) > 2
    assert tokens(text) == words * (3 * PIECE // 30)


@pytest.mark.parametrize("sign", [" ", "\n", "a", "7", "A-"], ids=["space", "line", "letter", "digit", "hyphen"])
def test_a_token_without_end_is_cut_and_remembered_short(sign: str) -> None:
    text = sign * (2 * PIECE)
    assert "".join(tokens(text)) == text
    assert all(len(bounded(token)) <= LONGEST + 2 for token in tokens(text))
