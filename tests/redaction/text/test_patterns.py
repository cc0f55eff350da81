"""What is read off a pattern holds for every match of it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace.redaction.detect.table import PATTERNS
from certtrace.redaction.text import shapes
from certtrace.redaction.text.engine import NATIVE, matcher, pattern_set
from certtrace.redaction.text.extent import extent
from certtrace.redaction.text.factors import rarest
from certtrace.redaction.text.locating import locator, written
from certtrace.redaction.text.python_engine import lowered

_ENGINES = [True, False] if NATIVE else [False]
_SETS = {
    native: pattern_set([p.expression for p in PATTERNS], [p.literals for p in PATTERNS], native=native)
    for native in _ENGINES
}


class _Text:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.low = data.lower()


def test_every_pattern_of_the_table_can_be_read_and_told_from_a_few_bytes() -> None:
    for pattern in PATTERNS:
        assert shapes.read(pattern.expression)
        decides = extent(pattern.expression).decides
        assert decides is not None, pattern.rule
        assert decides <= 512, pattern.rule


@pytest.mark.parametrize("index", range(len(PATTERNS)), ids=[f"{n}-{p.rule}" for n, p in enumerate(PATTERNS)])
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_a_match_holds_what_is_read_off_its_pattern(index: int, data: st.DataObject) -> None:
    expression = PATTERNS[index].expression
    found = data.draw(st.from_regex(re.compile(expression), fullmatch=True))
    far = extent(expression)
    assert far.decides is not None
    assert re.compile(expression).match(found[: far.decides])
    if far.slack < 0:
        assert len(found) <= far.window
    before = data.draw(st.sampled_from([b"", b" ", b"x", b"0 ", b"-- "]))
    whole = before + found + data.draw(st.sampled_from([b"", b" ", b"x", b"0"]))
    for native in _ENGINES:
        assert index in _SETS[native].hits(_Text(whole), 0, len(whole))
        assert index in _SETS[native].hits(_Text(b"\n" + whole), 1, len(before) + 1 + far.decides)


@pytest.mark.parametrize("index", range(len(PATTERNS)), ids=[f"{n}-{p.rule}" for n, p in enumerate(PATTERNS)])
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_a_search_in_windows_finds_what_one_search_finds(index: int, data: st.DataObject) -> None:
    expression = PATTERNS[index].expression
    found = data.draw(st.from_regex(re.compile(expression), fullmatch=True))
    text = data.draw(st.sampled_from([b"", b" a 1", b"@-:/ "])) + found + data.draw(st.sampled_from([b"", b" ", found]))
    plain = lowered(expression)
    once = re.compile(expression).search(text)
    assert once is not None
    for native in _ENGINES:
        assert matcher(expression, native=native).next(text, 0) == once.regs
        assert matcher(expression, native=native).next(text, 0, once.start() + 1) == once.regs
        assert matcher(expression, native=native).next(text, 0, once.start()) is None
    if plain is not None:
        assert matcher(plain, native=False).next(text.lower(), 0) == once.regs


@pytest.mark.parametrize("index", range(len(PATTERNS)), ids=[f"{n}-{p.rule}" for n, p in enumerate(PATTERNS)])
@given(data=st.data())
@settings(max_examples=6, deadline=None)
def test_a_part_of_a_pattern_stands_where_it_is_said_to(index: int, data: st.DataObject) -> None:
    expression = lowered(PATTERNS[index].expression) or PATTERNS[index].expression
    found = data.draw(st.from_regex(re.compile(expression), fullmatch=True))
    node = shapes.read(expression)
    assert re.compile(written(node)).fullmatch(found)
    factor, part = rarest(node), locator(node)
    if factor is not None and factor.farthest is not None:
        places = range(factor.nearest, factor.farthest + 1)
        assert any(found.startswith(word, place) for word in factor.words for place in places)
    if part is not None:
        rest = re.compile(part.expression)
        assert any(rest.match(found, place) for place in range(part.nearest, part.farthest + 1))


@pytest.mark.parametrize(
    "expression",
    [rb"^a", rb"a$", rb"\bword", rb"\d+", rb"(?=a)b", rb"(a)\1", rb"a+?", rb"[[:alpha:]]", rb"(?P<n>a)", rb"a{1001}"],
    ids=lambda expression: expression.decode(),
)
def test_what_the_engines_do_not_share_cannot_be_read(expression: bytes) -> None:
    with pytest.raises(shapes.UnreadableError):
        shapes.read(expression)
    assert extent(expression).decides is None
