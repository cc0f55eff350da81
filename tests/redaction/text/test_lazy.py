"""Expressions that are compiled when they are first used."""

import re

import pytest

from certtrace.redaction.text.lazy import lazy


def test_a_lazy_expression_does_what_a_compiled_one_does():
    given = (r"(?P<word>[a-z]+)-(\d+)", re.IGNORECASE)
    late, early = lazy(*given), re.compile(*given)
    text = "A-1 bc-22 D-"
    assert [match.span() for match in late.finditer(text)] == [match.span() for match in early.finditer(text)]
    assert late.sub("x", text) == early.sub("x", text)
    assert late.match(text)["word"] == "A"
    assert (late.groups, late.pattern, late.flags) == (early.groups, early.pattern, early.flags)
    assert lazy(rb"[0-9]").search(b"a1").start() == 1


def test_a_wrong_expression_is_an_error_at_its_first_use():
    wrong = lazy("(")
    with pytest.raises(re.error):
        wrong.search("text")
    with pytest.raises(AttributeError):
        lazy("a").no_such_method
