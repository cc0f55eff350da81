"""Personal data that streams cut into pieces."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace.ports import ModelValue
from certtrace.redaction import RedactionPolicy, Redactor
from certtrace.redaction.structure.pieces import mended
from certtrace.redaction.structure.walker import Walk
from certtrace.redaction.unit import Unit

KEY = b"k" * 32
NAME = "Bj\u00f6rn Lindqvist"
WHO = {"name": NAME, "email": "bjorn.lindqvist@example.com"}


def shown(value, *identities):
    redactor = Redactor(RedactionPolicy(), KEY)
    unit = Unit(redactor, list(identities), [("value", value)])
    walk = Walk(redactor.rules, unit.text, unit.operator, unit.tally, lambda whole, _: whole, find=unit.changes)
    return walk.redact(value, "value"), unit.tally


def test_a_name_cut_into_pieces_stands_in_the_first():
    value, tally = shown(["Dear Bj", "\u00f6rn Lind", "qvist, hello"], WHO)
    assert len(value) == 3
    assert value[0].startswith("Dear <person:")
    assert value[1:] == ["", ", hello"]
    assert tally.counts == {"PERSON": 1}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda piece: {"delta": {"content": piece}},
        lambda piece: {"choices": [{"index": 0, "delta": {"content": piece, "role": "assistant"}}]},
        lambda piece: {"type": "content_block_delta", "delta": {"type": "text_delta", "text": piece}},
        lambda piece: ModelValue(dict, {"content": piece}),
        lambda piece: [piece],
        lambda piece: (1, {"text": piece}),
    ],
    ids=["delta", "chunk", "block", "model", "list", "tuple"],
)
def test_pieces_at_the_same_place_are_put_together(wrap):
    value, _ = shown([wrap(piece) for piece in ("Dear Bj", "\u00f6rn Lind", "qvist", ", hello")], WHO)
    text = json.dumps(value, ensure_ascii=False)
    assert text.count("<person:") == 1
    assert not any(part in text for part in ("Bj", "\u00f6rn", "Lind", "qvist"))
    assert "hello" in text


@pytest.mark.parametrize(
    "secret",
    ["jane.doe@example.com", "4111 1111 1111 1111", NAME, "DE89370400440532013000"],
    ids=["email", "card", "name", "iban"],
)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_whatever_is_cut_anywhere_is_found(secret, data):
    text = f"The answer is by {secret} and it is good."
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=12)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    value, _ = shown(pieces, WHO)
    joined = "".join(value)
    assert joined.startswith("The answer is by ")
    assert joined.endswith(" and it is good.")
    # A piece that is found by itself keeps what little its neighbours hold of it.
    left = joined.removeprefix("The answer is by ").removesuffix(" and it is good.")
    assert not any(secret[at : at + 8] in left for at in range(len(secret) - 7))


def test_one_character_at_a_time_is_found():
    value, _ = shown(list(f"by {NAME}!"), WHO)
    assert "".join(value).startswith("by <person:")
    assert "qvist" not in "".join(value)


def test_two_findings_may_meet_in_one_piece():
    value, tally = shown(["a jane@exam", "ple.com b joe@exam", "ple.org c"])
    joined = "".join(value)
    assert tally.counts == {"EMAIL": 2}
    assert "exam" not in joined
    assert joined.startswith("a <email:")
    assert joined.endswith("> c")


def test_only_the_edges_of_long_pieces_are_put_together():
    value, _ = shown(["x. " * 300 + "by Bj", "\u00f6rn Lindqvist" + " y." * 300], WHO)
    assert value[0].startswith("x. x. ")
    assert value[1] == " y." * 300
    assert "<person:" in value[0]


@pytest.mark.parametrize(
    "items",
    [
        ["Stockholm", "jane@example.com", "senior"],
        ["jane@example.com", "joe@example.org"],
        ["mail jane@example.com", "joe@example.org writes"],
        ["Bj\u00f6rn", "Lindqvist"],
        ["4111", "1111", "1111", "1111"],
        ["redis", "postgres", "kafka"],
        [{"role": "system", "content": "Grade."}, {"role": "user", "content": "An answer."}],
        ["9f86d081884c7d65", "9a2feaa0c55ad015"],
        [1, None, 2.5, True],
        [],
    ],
    ids=["row", "addresses", "sentences", "names", "numbers", "words", "messages", "digests", "no-text", "empty"],
)
def test_neighbours_that_are_no_pieces_stay_apart(items):
    alone = [Redactor(RedactionPolicy(), KEY).redact_value(item, [WHO])[0] for item in items]
    assert shown(items, WHO)[0] == alone


def test_the_bound_of_a_text_does_not_cut_pieces():
    items = ["x" * 200, "y" * 200, "Bj", "\u00f6rn Lindqvist"]
    redactor = Redactor(RedactionPolicy(max_value_bytes=256), KEY)
    unit = Unit(redactor, [WHO], ())
    assert list(mended(items, unit.changes, unit.tally.count))[:2] == items[:2]


def test_the_given_items_are_not_changed():
    items = [{"t": "Bj"}, {"t": "\u00f6rn Lindqvist"}]
    shown(items, WHO)
    assert items == [{"t": "Bj"}, {"t": "\u00f6rn Lindqvist"}]


def test_an_exam_secret_told_in_pieces_is_found_whole():
    question = "Explain why a queue helps with load"
    redactor = Redactor(RedactionPolicy(key_paths={"value.q": "exam_secret"}), KEY)
    value = {"q": question, "stream": ["Explain why a ", "queue helps ", "with load now"]}
    unit = Unit(redactor, [], [("value", value)])
    walk = Walk(redactor.rules, unit.text, unit.operator, unit.tally, lambda whole, _: whole, find=unit.changes)
    out = walk.redact(value, "value")
    assert out["stream"][0].startswith("<exam-secret:")
    assert out["stream"][1:] == ["", " now"]


def test_a_sentence_after_one_that_ends_in_an_address_loses_no_word():
    redactor = Redactor(RedactionPolicy(), bytes(32))
    first, second = redactor.redact_value(["asked by max@example.org", "Please write to max@example.org today"])[0]
    assert second.startswith("Please write to <email:")
    assert first.removeprefix("asked by ") == second.removeprefix("Please write to ").removesuffix(" today")


def test_an_address_cut_within_its_domain_is_found_whole():
    redactor = Redactor(RedactionPolicy(), bytes(32))
    clean = "".join(redactor.redact_value(["asked by max.must", "ermann@example.co", "m today"])[0])
    assert "ermann" not in clean
    assert "example" not in clean
