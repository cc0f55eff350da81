import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from certtrace.records.safe_text import json_line, lines, one_line

HOSTILE = "a\x1b[31m\n\r\t\x00\x7f\x9b2J\u202eb\u2066\u200e\u200b\ufeff\U000e0041\u2028c"


def steers(character):
    return unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs") and character not in "\u200c\u200d"


def test_what_steers_a_terminal_shows_as_an_escape():
    shown = one_line(HOSTILE)
    assert shown.isprintable()
    assert shown.startswith(r"a\x1b[31m\n\r\t\x00\x7f\x9b2J\u202eb")
    assert r"\U000e0041" in shown


def test_ordinary_text_of_any_language_stays_as_it_is():
    text = "Größe 答案 مرحبا 👩‍🔬 [bold] naïve\u00a0space"
    assert one_line(text) == text


def test_lines_keep_line_breaks_and_nothing_else():
    assert lines("a\r\nb\n\x1b[2Jc\rd") == ["a", "b", r"\x1b[2Jc\rd"]


@given(st.text())
def test_no_text_gets_through_that_steers(text):
    assert not any(map(steers, one_line(text)))


@given(st.text())
def test_json_is_the_same_value_in_harmless_characters(text):
    line = json_line({"t": text})
    assert json.loads(line) == {"t": text}
    assert not any(steers(each) and each not in "\xad\u0600" for each in line if each in HOSTILE)
    assert "\n" not in line
