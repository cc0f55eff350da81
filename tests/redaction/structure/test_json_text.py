"""JSON inside texts: redacted value by value where it stands, in the form it has."""

import json
import time

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace.redaction import RedactionPolicy, Redactor
from certtrace.redaction.structure import jsonedit, jsontext
from certtrace.redaction.structure.jsonleaves import leaves
from certtrace.redaction.structure.jsonscan import MAX_DEPTH, documents, scan

KEY = b"k" * 32
NAME = "Bj\u00f6rn Lindqvist"
WHO = [{"name": NAME, "email": "bjorn.lindqvist@example.com"}]


def shown(value, identities=(), **policy):
    return Redactor(RedactionPolicy(**policy), KEY).redact_value(value, list(identities))[0]


def with_edits(text, redact):
    """Apply `redact` to every string value of a document, by the editor."""

    def value(item):
        if isinstance(item, str):
            return redact(item)
        if isinstance(item, list):
            return [value(inner) for inner in item]
        return {key: value(inner) for key, inner in item.items()} if isinstance(item, dict) else item

    return jsonedit.by_structure(text, value, redact)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
).filter(lambda value: isinstance(value, dict | list))
SPELLING = st.sampled_from([
    {}, {"indent": 2}, {"ensure_ascii": False}, {"separators": (",", ":")}, {"indent": "\t", "ensure_ascii": False},
])  # fmt: skip


@settings(deadline=None)
@given(value=JSON, spelling=SPELLING)
def test_json_without_findings_stays_as_it_is_spelled(value, spelling):
    text = json.dumps(value, **spelling)
    assert with_edits(text, lambda item: item) == text


@settings(deadline=None)
@given(value=JSON, spelling=SPELLING)
def test_every_string_can_be_replaced_where_it_stands(value, spelling):
    text = json.dumps(value, **spelling)
    new = with_edits(text, lambda item: f'<{len(item)}> \u00e4\n"')

    def expected(item):
        if isinstance(item, str):
            return f'<{len(item)}> \u00e4\n"'
        if isinstance(item, list):
            return [expected(inner) for inner in item]
        return {key: expected(inner) for key, inner in item.items()} if isinstance(item, dict) else item

    assert json.loads(new) == expected(value)


@settings(deadline=None)
@given(value=JSON, spelling=SPELLING, cut=st.integers(min_value=1, max_value=60))
def test_a_text_cut_off_anywhere_reads_as_a_beginning_or_as_no_json(value, spelling, cut):
    text = json.dumps(value, **spelling)[:cut]
    whole = jsontext.loads(text) is not None
    found = documents(text)
    if found and not whole:
        assert not found[-1].complete
        assert json.loads(text[: (closed := found[-1].closed('"x"'))[0]] + closed[1]) is not None
    assert with_edits(text, lambda item: item) in (text, None)


@settings(deadline=None)
@given(text=st.text(alphabet='{}[]",:\\ntrue01 .e-\u00e9', max_size=40))
def test_what_the_scanner_takes_for_whole_json_is_json(text):
    document = scan(text)
    if document is not None and document.complete:
        json.loads(text[: document.end], strict=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{\n  "a": 1.0,\n  "b": 1e5, "who": "NAME" }\n', '{\n  "a": 1.0,\n  "b": 1e5, "who": "<P>" }\n'),
        ('{"n": 123456789012345678901234567890, "w": "NAME"}', '{"n": 123456789012345678901234567890, "w": "<P>"}'),
        ('{"w": "Bj\\u00f6rn Lindqvist \\u00e9", "k": "a\\/b"}', '{"w": "<P> \\u00e9", "k": "a\\/b"}'),
        ('["NAME", "NAME"] ', '["<P>", "<P>"] '),
        ('{"b": 1}\n{"a": "NAME"}\n', '{"b": 1}\n{"a": "<P>"}\n'),
        ('```json\n{"a": "NAME"}\n```', '```json\n{"a": "<P>"}\n```'),
        ('{"a": "x", "b": {"c": "NAME", "d": [1, "by NAM', '{"a": "x", "b": {"c": "<P>", "d": [1, "by NAM'),
        ("[NaN, \"NAME\"]", '["nan", "<P>"]'),
    ],
    ids=["form", "long-number", "escapes", "list", "lines", "fence", "cut-off", "nan"],
)  # fmt: skip
def test_only_what_is_personal_changes(text, expected):
    redactor = Redactor(RedactionPolicy(), KEY)
    out = redactor.redact_value(text.replace("NAME", NAME), WHO)[0]
    assert out == expected.replace("<P>", redactor.pseudonym(NAME))


def test_json_in_json_in_json_stays_json_in_its_own_form():
    inner = json.dumps({"who": NAME, "n": 2.50}, indent=1)
    text = json.dumps({"args": json.dumps({"deep": inner, "k": [1, 2]})})
    value = json.loads(json.loads(json.loads(shown(text, WHO))["args"])["deep"])
    assert value["n"] == 2.5
    assert value["who"].startswith("<person:")


@pytest.mark.parametrize(
    "text",
    [
        '{"password": "hunter2secret", "password": ""}',
        '{"a": {"date_of_birth": "1990-01-02", "date_of_birth": null}}',
        '{"surname": "Zettel", "surna\\u006de": "x"}',
        '{"q": "\\u0022", "password": "hunter2secret", "password": 1}',
    ],
    ids=["secret", "nested", "escaped-key", "escaped-quote"],
)
def test_a_key_that_occurs_twice_hides_nothing(text):
    out = shown(text)
    assert not any(part in out for part in ("hunter2", "1990", "Zettel"))
    assert len(json.loads(out, object_pairs_hook=list)) == len(json.loads(text, object_pairs_hook=list))


def test_path_rules_reach_into_json_that_was_cut_off_or_fenced():
    policy = {"key_paths": {"value.candidate.*": "person"}}
    assert "Zed" not in shown('{"candidate": {"alias": "Zed", "n": "Zed', **policy)
    assert "Zed" not in shown('```json\n{"candidate": {"alias": "Zed"}}\n```', **policy)


@pytest.mark.parametrize("text", ["[1,]", "[Note] fine", '{"a": foo}', "{x: 1}", "[1] and [2]", "```\ncode\n```"])
def test_what_only_looks_like_json_is_text(text):
    assert shown(text) == text
    assert documents(text) == []


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000], ids=["open", "closed", "objects"]
)
def test_depth_is_bounded(text):
    out = shown(text)
    assert len(out) < 2_000
    assert documents("[" * (MAX_DEPTH + 5) + "]" * (MAX_DEPTH + 5))[0].complete


def test_time_is_linear_in_the_text():
    def spent(size):
        text = '{"a": [1, {"b": "x\\u00e9"}, ' * size
        begin = time.thread_time()
        documents(text)
        return time.thread_time() - begin

    spent(2_000)
    assert spent(40_000) < 40 * max(spent(4_000), 0.001)


@pytest.mark.parametrize("limit", [4_096, 1 << 15], ids=["short", "long"])
@pytest.mark.parametrize("between", [",", "}\n{"], ids=["one", "lines"])
def test_json_beyond_the_bound_is_cut_and_stays_json(limit, between):
    row = f'"rows": [{{"n": 1, "who": "Zettel", "surname": "Ott"}}{", 1" * 20}]'
    text = f"{{{between.join([row] * 30_000)}}}"
    assert len(text) > jsontext.MAX_CHARACTERS
    out = shown(text, [{"name": "Wanda Zettel"}], max_value_bytes=limit)
    assert "Zettel" not in out
    assert "Ott" not in out
    assert f"{len(text)} characters in all" in out
    assert [json.loads(line) for line in out.splitlines()]


def test_a_list_of_too_many_items_beyond_the_bound_does_not_leave_as_it_is():
    text = f'{{"rows": [{", ".join(["1234567", chr(34) + "Zettel" + chr(34)] * 130_000)}]}}'
    out = shown(text, [{"name": "Wanda Zettel"}])
    assert "Zettel" not in out
    assert "more items" in json.dumps(json.loads(out))


def test_leaves_know_their_path_and_where_their_characters_are_spelled():
    text = '{"a": [{"b": "x\\u00f6\\n\\ud83d\\ude00y"}, 2], "c": null}'
    document = scan(text)
    found = [(leaf.path, leaf.is_key, leaf.value()) for leaf in leaves(text, document, "input")]
    assert found == [
        ("input", True, "a"), ("input.a", True, "b"), ("input.a.b", False, "x\u00f6\n\U0001f600y"),
        ("input.a", False, 2), ("input", True, "c"), ("input.c", False, None),
    ]  # fmt: skip
    leaf = next(leaf for leaf in leaves(text, document) if leaf.path == "a.b" and not leaf.is_key)
    assert [text[slice(*leaf.to_source(place, place + 1))] for place in range(5)] == [
        "x", "\\u00f6", "\\n", "\\ud83d\\ude00", "y",
    ]  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(value=st.text(max_size=12))
def test_offsets_of_any_string_lead_back_to_it(value):
    text = json.dumps([value])
    leaf = next(iter(leaves(text, scan(text))))
    parts = [json.loads(f'"{text[slice(*leaf.to_source(at, at + 1))]}"') for at in range(len(value))]
    assert "".join(parts) == value


def test_everything_in_a_text_of_json_lines_is_seen():
    assert jsontext.everything('{"a": 1}\n[2]') == [{"a": 1}, [2]]
    assert jsontext.everything('{"a": 1, "a": 2}') == [{"a": 2}]
    assert jsontext.everything('{"a": 1}\n{"a": 1, "a": [2') == [{"a": 1}, [{"a": 1}, {"a": [2]}]]
    assert jsontext.everything("no json") == []
    assert orjson.loads(jsontext.dumps({"a": 1})) == {"a": 1}
