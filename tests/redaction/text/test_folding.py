"""Folding keeps a character a byte, and a capital a capital."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certtrace.redaction.text.folding import fold, fold_bytes

_FOLDED = {
    "Łódź": "Lodz",
    "łódź": "lodz",
    "Øystein Ås": "Oystein As",
    "Đorđe": "Dorde",
    "Þórður": "Tordur",
    "Ærø": "Aro",
    "Œuvre, œuvre": "Ouvre, ouvre",
    "Ħaż-Żebbuġ": "Haz-Zebbug",
    "STRAẞE, Straße": "STRASE, Strase",
    "Isparta, \u0131rmak": "Isparta, irmak",
}


@pytest.mark.parametrize(("text", "folded"), _FOLDED.items(), ids=_FOLDED.values())
def test_letters_that_unicode_does_not_take_apart_lose_their_stroke_and_keep_their_case(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold_bytes(text) == folded.encode()


@given(st.text())
def test_a_character_becomes_a_byte(text: str) -> None:
    assert len(fold(text)) == len(text)
    assert len(fold_bytes(text)) == len(text)


@given(st.text(alphabet="łŁøØæÆœŒđĐðÐþÞħĦéÉčČñÑåÅ"))
def test_capitals_fold_to_capitals_and_small_letters_to_small_ones(text: str) -> None:
    folded = fold(text)
    assert [sign.isupper() for sign in folded] == [sign.isupper() for sign in text]
    assert folded.isascii()
