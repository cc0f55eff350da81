"""What a text reads as when its escapes are undone, and the way back to the text."""

import base64
import json
import time
from urllib.parse import quote, quote_plus

import pytest

from certtrace.redaction.text.batch import Batch
from certtrace.redaction.text.folding import fold
from certtrace.redaction.text.rereading import reread
from certtrace.redaction.text.views import views

NAME = "Jörg Müller"


def nested(text, depth):
    for _ in range(depth):
        text = json.dumps(text)
    return text


def readings(text):
    return [view.text for view in views(text)]


def places(text, wanted):
    """Return what stands in a text where a reading of it holds something."""
    found = []
    for view in views(text):
        start = view.text.find(wanted)
        if start >= 0:
            first, last = view.to_source(start, start + len(wanted))
            found.append(text[first:last])
    return found


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_json_in_json_takes_one_round_whatever_its_depth(depth):
    text = nested(f"by {NAME}, there", depth)
    assert NAME in readings(text)[1]
    (found,) = places(text, NAME)
    assert found.startswith("J")
    assert found.endswith("ller")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(quote(NAME), id="URL"),
        pytest.param(quote(quote(NAME)), id="URL in URL"),
        pytest.param(nested(quote(NAME), 3), id="URL in JSON"),
        pytest.param("J&ouml;rg M&#252;ller", id="HTML"),
        pytest.param("J&#xf6rg M&#252ller", id="HTML without semicolons"),
        pytest.param("J&amp;ouml;rg M&amp;ouml;ller".replace("M&amp;o", "M&amp;u"), id="HTML in HTML"),
        pytest.param(r"J\xc3\xb6rg M\xc3\xbcller", id="bytes"),
        pytest.param(r"J\xf6rg M\xfcller", id="Latin-1 bytes"),
        pytest.param(r"J\303\266rg M\303\274ller", id="octal digits"),
        pytest.param(r"J\u{f6}rg M\U000000fcller", id="code points"),
        pytest.param("=?utf-8?B?" + base64.b64encode(NAME.encode()).decode() + "?= <x>", id="mail header"),
        pytest.param("=?iso-8859-1?Q?J=F6rg_M=FCller?= <x>", id="mail header, quoted"),
        pytest.param("who=" + quote_plus(NAME), id="form"),
        pytest.param("https://a.example/?q=1&who=" + quote_plus(NAME), id="query"),
        pytest.param("u=" + quote_plus("https://a.example/?who=" + quote_plus(NAME)), id="query in a form"),
        pytest.param(nested("a=1&who=" + quote_plus(NAME), 2), id="form in JSON"),
        pytest.param("J\u00adörg\u200b M\u2060üller", id="unseen"),
    ],
)
def test_a_name_is_read_in_every_encoding(text):
    assert any(NAME in reading for reading in readings(text))
    again = [text]
    for _ in range(3):
        again += [plain for one in again for _, plain in reread(Batch([one]))]
    assert any(NAME in reading for reading in again)


def test_an_encoded_word_is_found_whole():
    word = "=?utf-8?B?" + base64.b64encode(f"Dr. {NAME}, Ulm".encode()).decode() + "?="
    assert places(f"From: {word} <x@y.example>", NAME) == [word]


@pytest.mark.parametrize("path", [r"C:\\Users\\n\u00f6vak", r"C:\\Users\\t\u00f6vak"])
def test_a_backslash_of_a_path_is_no_line_break_at_first(path):
    assert "öva" in readings(path)[1]
    assert "\n" not in readings(path)[1]
    assert "\t" not in readings(path)[1]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("v=%2B49+171+2345678", "v=+49 171 2345678"),
        ("see https://a.example/?v=4111+1111+1111+1111&z=1 there", "?v=4111 1111 1111 1111&z=1"),
        ("a=1&b=12+Main+Street", "b=12 Main Street"),
        ("paid with 4111+1111+1111+1111 today", "4111 1111 1111 1111"),
        ("DE89+3704+0044+0532+0130+00", "DE89 3704 0044 0532 0130 00"),
        ("call 0171+2345678", "0171 2345678"),
        ("v=x+%2B49+171", "v=x +49 171"),
    ],
)
def test_a_plus_of_a_form_is_a_space(text, form):
    assert form in readings(text)[-1]


@pytest.mark.parametrize(
    "text",
    [
        "total = 45+120+30+15",
        "joe+tag@example.org",
        "C++ and a+b, 1+1=2",
        "call +49 171 2345678, +49 172 1234567",
        "tel:+1-816-555-1212;ext=42",
    ],
)
def test_other_plus_signs_stay(text):
    assert readings(text) == [text]


def test_an_address_with_a_plus_that_was_not_escaped_stays_readable():
    assert places("/?mail=joe+tag%40example.org&x=1", "joe+tag@example.org") == ["joe+tag%40example.org"]


@pytest.mark.parametrize(
    "unit", ["\\", "\\n", '\\\\\\"', "%", "%25", "\\u00e1", "&amp;", "&", "=?", "+", "a=b+c ", "1+", "\u200b", "\\303"]
)
def test_many_signs_of_escapes_cost_what_other_signs_do(unit):
    text = unit * (65_536 // len(unit))
    began = time.process_time()
    assert fold(readings(text)[0]) == fold(text)
    list(reread(Batch([text])))
    assert time.process_time() - began < 2.5  # a second call per sign would take minutes
