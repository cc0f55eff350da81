"""Recorded values made fit to be seen."""

import html
import re
import time

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace.redaction.policy.kinds import TYPES
from certtrace.server.pages.content.block import block_of
from certtrace.server.pages.content.json_text import json_html
from certtrace.server.pages.content.visible import visible, visible_line

_TAG = re.compile(r"<[^<>]*>")


def plain(markup: str) -> str:
    return html.unescape(_TAG.sub("", markup))


@settings(max_examples=60)
@given(st.text())
def test_only_own_tags_come_out_of_any_text(text: str) -> None:
    tags = set(_TAG.findall(str(visible(text))))
    assert all(
        re.fullmatch(r'</span>|<span class="(esc|mark (who|gone|held|lost))"( title="[^"<>]*")?>', tag) for tag in tags
    )


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_text_that_is_seen_stays_as_it_was(text: str) -> None:
    assert plain(str(visible(text))) == text


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_mark_of_the_redactor_is_shown_as_one(kind: str) -> None:
    name = "exam-secret" if kind == "EXAM_SECRET" else kind.lower()
    for mark in (f"<{name}>", f"<{name}:7f3a91c204>", f"<{name}:7f3a91c204 len=38>", f"[{kind}]"):
        assert f'">{html.escape(mark)}</span>' in str(visible(f"a {mark} b")), mark


@pytest.mark.parametrize(
    "mark",
    [
        "<withheld: redaction failed>",
        "<cut: 40000 characters in all, 19c3a0be21>",
        "<dropped>",
        "<personal>",
        "<ip 10.1.0.0/24>",
        "<person:7f3a91>",
        "<data uri image/png, 812 bytes>",
        "[REDACTED]",
        "<PERSON>",
    ],
)
def test_what_is_withheld_or_cut_is_marked(mark: str) -> None:
    assert 'class="mark ' in str(visible(mark))


@pytest.mark.parametrize("text", ["<div>", "[INFO]", "<persons:abc>", "a < b > c", "[x]", "<person:xyz>", "x[0]"])
def test_what_only_looks_like_a_mark_is_none(text: str) -> None:
    assert "mark" not in str(visible(text))
    assert plain(str(visible(text))) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", r"\u202e"),
        ("a\x00b", r"\x00"),
        ("\u200b", r"\u200b"),
        ("\ufeff", r"\ufeff"),
        ("\ud800", r"\ud800"),
        ("\x1b[31m", r"\x1b"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_characters_that_nobody_sees_show_as_escapes(text: str, shown: str) -> None:
    assert f'<span class="esc">{shown}</span>' in str(visible(text))


def test_breaks_stay_in_text_and_show_in_a_line() -> None:
    assert str(visible("a\r\nb\tc")) == "a\nb\tc"
    assert plain(str(visible_line("a\nb"))) == r"a\nb"


def test_json_keeps_order_doubled_keys_and_numbers() -> None:
    found = json_html('{"b":1.10,"a":12345678901234567890123,"b":[1, 2],"e":{},"f":[]}', 1000)
    assert found is not None
    assert (
        plain(found[0]) == '{\n  "b": 1.10,\n  "a": 12345678901234567890123,\n  "b": [1, 2],\n  "e": {},\n  "f": []\n}'
    )
    assert not found[1]


seen = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | seen,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(seen, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=60)
@given(st.lists(json_values, max_size=4))
def test_json_laid_out_is_the_same_json(value: list[object]) -> None:
    found = json_html(orjson.dumps(value).decode(), 1_000_000)
    assert found is not None
    assert orjson.loads(plain(found[0])) == value


def test_letters_that_a_serializer_escaped_are_read_as_letters() -> None:
    found = json_html(r'{"a":"caf\u00e9 \u202e \n next"}', 1000)
    assert found is not None
    assert "café" in found[0]
    assert r'<span class="esc">\u202e</span>' in found[0]
    assert '<span class="esc">\\n</span>\n' in found[0]


@pytest.mark.parametrize("text", ["{", "[1,", '{"a":}', "[" * 5000, "plain", "", '{"a":"\\ud800"}', "12"])
def test_what_is_no_json_object_or_list_is_text(text: str) -> None:
    assert json_html(text, 100) is None


def test_messages_show_as_messages_and_their_json_as_json() -> None:
    messages = [
        {"role": "user", "content": '{"a": 1}'},
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "hello"}, {"type": "image_url", "image_url": {"url": "x"}}],
            "tool_calls": [{"id": "t1"}],
        },
    ]
    for value in (messages, {"messages": messages, "temperature": 0.1}):
        block = block_of(orjson.dumps(value).decode())
        assert block is not None
        assert [message.role for message in block.messages] == ["user", "assistant"]
        assert block.messages[0].parts[0].is_json
        assert [plain(part.html)[:5] for part in block.messages[1].parts] == ["hello", '{\n  "', '{\n  "']
    assert block.parts


@pytest.mark.parametrize(
    "value", [[], [{"role": "user"}], [{"content": "x"}], [1], {"role": 1, "content": "x"}, {"messages": []}]
)
def test_what_only_resembles_messages_is_json(value: object) -> None:
    block = block_of(orjson.dumps(value).decode())
    assert block is not None
    assert not block.messages


def test_long_values_are_cut_and_say_how_long_they_are() -> None:
    for text in (
        "x" * 1_000_000,
        orjson.dumps(["x" * 10] * 100_000).decode(),
        orjson.dumps([{"role": "user", "content": "y" * 900_000}] * 2).decode(),
    ):
        block = block_of(text, 1000)
        assert block is not None
        assert block.is_cut
        assert block.characters == len(text)
        shown = "".join(
            part.html for part in (*block.parts, *(each for message in block.messages for each in message.parts))
        )
        assert len(shown) < 10_000


def test_a_megabyte_is_laid_out_in_no_time() -> None:
    for text in (
        orjson.dumps({"a": "é\u202e<person:7f3a91c204>" * 20_000}).decode(),
        orjson.dumps([[1, {"k": "v"}]] * 12_000).decode(),
        '{"a":' * 900 + "1" + "}" * 900,
        "<" * 1_000_000,
        "[EMAIL " * 150_000,
    ):
        started = time.process_time()
        assert block_of(text, 4_000_000) is not None
        assert time.process_time() - started < 2
