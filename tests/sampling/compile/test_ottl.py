"""Literals and expressions mean in the collector what they mean here."""

import fnmatch

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st
from tests.sampling.compile.ottl_reader import read, unquoted

from certtrace.sampling.compile import ottl

GLOBS = st.text("ab-!*?[]^\\.$ \né", max_size=8)
NAMES = st.text("ab-!*?[]^\\.$ \né", max_size=6)


@given(GLOBS, NAMES)
def test_a_glob_accepts_the_same_names_as_an_expression(glob, name):
    accepted = re2.search(ottl.glob_expression(glob), name) is not None
    assert accepted == fnmatch.fnmatchcase(name, glob)


@pytest.mark.parametrize(
    ("glob", "name"),
    [
        ("a*c", "abc"),
        ("[a-c]x", "bx"),
        ("[!a]x", "bx"),
        ("[]]", "]"),
        ("[!]]", "a"),
        ("[[]?]", "[x]"),
        ("a\nb*", "a\nbc"),
    ],
)
def test_a_glob_accepts(glob, name):
    assert fnmatch.fnmatchcase(name, glob)
    assert re2.search(ottl.glob_expression(glob), name)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_a_text_literal_is_read_back(text):
    assert unquoted(ottl.text(text)) == text


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e20, max_value=1e20))
def test_a_number_literal_is_read_back(number):
    assert "e" not in ottl.decimal(number)
    assert float(ottl.decimal(number)) == number


def test_a_number_that_is_none_is_refused():
    with pytest.raises(ValueError, match="finite"):
        ottl.decimal(float("nan"))


def test_words_bind_as_they_are_joined():
    joined = ottl.both([ottl.either(["true", "false"]), "false"])
    assert read(joined)(None) is False
    assert read(ottl.either([ottl.both(["true", "false"]), "true"]))(None) is True
