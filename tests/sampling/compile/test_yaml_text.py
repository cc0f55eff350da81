"""Every value that is written is read back as the same value."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from certtrace.sampling.compile.yaml_text import Environment, to_yaml

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = st.one_of(
    TEXT,
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15),
)
TREES = st.dictionaries(
    TEXT,
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
        max_leaves=12,
    ),
    max_size=4,
)


def collector_reads(value):
    """Read `$$` as the collector does after it has read the YAML."""
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, list):
        return [collector_reads(element) for element in value]
    if isinstance(value, dict):
        return {collector_reads(key): collector_reads(element) for key, element in value.items()}
    return value


@given(TREES)
def test_what_is_written_is_read_back(tree):
    assert collector_reads(yaml.safe_load(to_yaml(tree)) or {}) == tree


@pytest.mark.parametrize(
    "text", ["yes", "no", "1e3", "0x10", "null", "~", "- a", "a: b", "#", "", "'", "2026-11-23", "\u2028"]
)
def test_text_that_looks_like_something_else_stays_text(text):
    assert yaml.safe_load(to_yaml({"key": text, text: "value"})) == {"key": text, text: "value"}


def test_a_dollar_is_escaped_and_a_variable_is_not():
    read = yaml.safe_load(to_yaml({"regex": "^/health$", "secret": Environment("KEY", before="Basic ")}))
    assert read == {"regex": "^/health$$", "secret": "Basic ${env:KEY}"}


def test_a_comment_cannot_become_content():
    assert yaml.safe_load(to_yaml({"a": 1}, ["first\nb: 2"])) == {"a": 1}


def test_a_variable_has_a_name():
    with pytest.raises(ValueError, match="no name"):
        Environment("A}${env:B")
