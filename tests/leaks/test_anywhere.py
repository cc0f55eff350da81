"""Values that hypothesis makes, with somebody planted at any place of them, through channels that it chooses."""

import json
import unicodedata
from base64 import b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.leaks.plants import (
    CANDIDATE,
    CARD,
    EMAIL,
    IBAN,
    IDENTITY,
    NAME,
    OTHER_PHONE,
    PERSON,
    PHONE,
    STRUCTURED,
    USERNAME,
)

import certtrace
from certtrace import current_span, span, traced
from certtrace.testing import find_leaks

LETTERS = st.text(st.characters(codec="utf-8", categories=["L", "Zs", "Po", "Sm"]), max_size=30)
WORDS = st.lists(
    st.sampled_from(["the", "layers", "isolate", "change;", "API", "42", "\u2013", "caf\u00e9", "(see", "ADR-7)", "\n"])
)

PERSONAL = st.sampled_from([
    NAME, NAME.upper(), NAME.lower(), "Kvapilov\u00e1, Zdenka", "Z. Kvapilov\u00e1", "Zdenka_Kvapilov\u00e1", EMAIL,
    EMAIL.upper(), PHONE, PHONE.replace(" ", ""), USERNAME, unicodedata.normalize("NFD", NAME), "Kvapilova",
])  # fmt: skip
FORM = st.sampled_from(sorted(STRUCTURED.values()))

WRITTEN = st.sampled_from([
    str, str, str, quote, quote_plus, json.dumps, lambda text: quote(quote(text)),
    lambda text: "".join(f"&#{ord(character)};" for character in text), lambda text: json.dumps(json.dumps(text)),
    lambda text: f"=?utf-8?B?{b64encode(text.encode()).decode()}?=", lambda text: text.replace(" ", "\u00a0"),
])  # fmt: skip


@st.composite
def texts(draw, planted):
    """Return a text with somebody in it, set apart from what stands around as words are."""
    before, behind = (" ".join(draw(WORDS)) for _ in range(2))
    opened, closed = draw(
        st.sampled_from([(" ", " "), ("\n", "\n"), (" (", ") "), (' "', '" '), (": ", ", "), (" <", "> ")])
    )
    return f"{before}{opened}{draw(WRITTEN)(draw(planted))}{closed}{behind}"


def values(planted):
    leaf = texts(planted)
    noise = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | LETTERS
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner | noise, min_size=1, max_size=3),
            st.dictionaries(LETTERS | leaf, inner | noise, min_size=1, max_size=3),
            st.tuples(inner, noise),
            inner.map(json.dumps),
        ),
        max_leaves=3,
    )


@traced
def take(value):
    return value


def fail(value):
    with pytest.raises(ValueError), span("fails"):
        raise ValueError(value)


def items(value):
    @traced
    def produce():
        yield value
        yield [value]

    list(produce())


def text_of(value):
    return value if isinstance(value, str) else json.dumps(value, default=str)


CHANNELS = st.sampled_from([
    take, fail, items,
    lambda value: current_span().update(input=value, output=value, metadata={"m": value}),
    lambda value: current_span().set_attribute("a", value),
    lambda value: current_span().set_attribute(text_of(value), 1),
    lambda value: current_span().add_event(text_of(value), {"e": value}),
    lambda value: current_span().score("s", 0.5, comment=text_of(value), metadata={"m": value}),
    lambda value: current_span().fail("E", text_of(value)),
    lambda value: traced(name=text_of(value))(lambda: None)(),
])  # fmt: skip

SLOWLY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
MORE = settings(SLOWLY, max_examples=3_000)


def someone_is_identified(way_out, value, channel, early):
    way_out.sent()
    with span("unit"):
        if early:
            certtrace.identify(**IDENTITY)
        channel(value)
        if not early:
            take(CANDIDATE)
    sent = way_out.sent()
    assert sent
    assert find_leaks(PERSON, sent) == []


def forms_stand_anywhere(way_out, value, channel):
    way_out.sent()
    with span("unit"):
        channel(value)
    sent = way_out.sent()
    assert sent
    assert find_leaks(STRUCTURED, sent) == []


@given(value=values(PERSONAL), channel=CHANNELS, early=st.booleans())
@SLOWLY
def test_someone_identified_leaves_nowhere(way_out, value, channel, early):
    someone_is_identified(way_out, value, channel, early)


@given(value=values(FORM), channel=CHANNELS)
@SLOWLY
def test_what_has_a_form_leaves_nowhere(way_out, value, channel):
    forms_stand_anywhere(way_out, value, channel)


SPACED = {"card": CARD, "IBAN": IBAN, "other phone": OTHER_PHONE, "phone": PHONE}


@pytest.mark.parametrize("name", STRUCTURED)
def test_a_number_before_hides_no_other(way_out, name):
    forms_stand_anywhere(way_out, f"see 7 {STRUCTURED[name]} there", take)


@pytest.mark.parametrize("name", SPACED)
def test_plus_for_a_space_hides_nothing(way_out, name):
    way_out.sent()
    with span("unit"):
        certtrace.identify(**IDENTITY)
        take(f"https://exam.example/form?q=1&value={quote_plus(SPACED[name])}&z=1")
    assert find_leaks(SPACED, way_out.sent()) == []


def test_plus_for_a_space_hides_no_name(way_out):
    someone_is_identified(way_out, f"https://exam.example/form?who={quote_plus(NAME)}&z=1", take, early=True)


@pytest.mark.slow
@given(value=values(PERSONAL), channel=CHANNELS, early=st.booleans())
@MORE
def test_someone_identified_leaves_nowhere_in_many_more(way_out, value, channel, early):
    someone_is_identified(way_out, value, channel, early)


@pytest.mark.slow
@given(value=values(FORM), channel=CHANNELS)
@MORE
def test_what_has_a_form_leaves_nowhere_in_many_more(way_out, value, channel):
    forms_stand_anywhere(way_out, value, channel)
