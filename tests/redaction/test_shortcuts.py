"""Every shortcut of the redactor gives what the long way gives, on text rich in near-misses."""

import random

from hypothesis import given
from hypothesis import strategies as st

from certtrace.redaction.folding import fold_bytes

LETTERS = st.text(st.sampled_from("ab z0-–—№ßéêøπжЖ答\u0301\u200b\ud800😀'’“½²µ´İ"), max_size=300)


@given(st.one_of(st.text(max_size=200), LETTERS))
def test_folding_a_text_is_folding_each_of_its_characters(text: str) -> None:
    assert fold_bytes(text) == b"".join(map(fold_bytes, text))


def test_folding_many_alphabets_at_once_is_folding_each_character() -> None:
    source = random.Random(7)
    for different in (10, 47, 48, 49, 300):
        letters = [chr(source.randrange(0x80, 0x11000)) for _ in range(different)]
        text = "".join(source.choice(letters) for _ in range(9_000))
        assert fold_bytes(text) == b"".join(map(fold_bytes, text))
