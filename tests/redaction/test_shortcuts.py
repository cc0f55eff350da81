"""Every shortcut of the redactor gives what the long way gives, on text rich in near-misses."""

import random
from base64 import b64encode

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace import semconv
from certtrace.ports import SpanRecord, Structured
from certtrace.redaction import RedactionPolicy, Redactor
from certtrace.redaction.structure import jsontext
from certtrace.redaction.structure.plain import PlainData
from certtrace.redaction.structure.walker import Rules
from certtrace.redaction.text.clean import CleanTexts
from certtrace.redaction.text.folding import fold_bytes

LETTERS = st.text(st.sampled_from("ab z0-–—№ßéêøπжЖ答\u0301\u200b\ud800😀'’“½²µ´İ"), max_size=300)


@given(st.one_of(st.text(max_size=200), LETTERS))
def test_folding_a_text_is_folding_each_of_its_characters(text: str) -> None:
    assert fold_bytes(text) == b"".join(map(fold_bytes, text))


def test_folding_many_alphabets_at_once_is_folding_each_character() -> None:
    source = random.Random(7)
    for different in (10, 47, 48, 49, 300):
        letters = [chr(source.randrange(0x80, 0x11000)) for _ in range(different)]
        text = "".join(source.choice(letters) for _ in range(9_000))
        assert fold_bytes(text) == b"".join(map(fold_bytes, text))


NEAR_MISSES = (
    "grade",
    "answer",
    "grade.pass",
    "langfuse.observation.type",
    "Björn",
    "Lindqvist",
    "B. Lindqvist",
    "bjorn@",
    "@example",
    "bjorn.lindqvist@example.com",
    "+49 171 1234567",
    "171 123456",
    "4111 1111 1111 1111",
    "4111 1111 1111 1112",
    "4111111111111111",
    "password=hunter22",
    "password",
    "token: 12",
    "token",
    "192.168.0.1",
    "::1",
    "user@",
    "a:b@c",
    "https://u:p4ss@host/x",
    "?token=abc",
    "DE89 3704 0044 0532 0130 00",
    "%62jorn.lindqvist%40example.com",
    "\\u0042j\\u00f6rn Lindqvist",
    "Mark",
    "mark",
    "Will",
    "–",
    "№ 7",
    '{"password": "hunter22"}',
    '{"grade": 2}',
    "[1, 2]",
    "{",
    "sk-abcdefghijklmnopqrstuvwx",
    "<person:0123456789>",
    "&ouml;",
    "\0",
    "\ud800",
    b64encode("Björn Lindqvist wrote this".encode()).decode(),
    b64encode(b"nobody wrote this at all").decode(),
    "9f86d081884c7d659a2feaa0c55ad015",
)
TEXTS = st.lists(st.one_of(st.sampled_from(NEAR_MISSES), st.text(max_size=12)), max_size=5).map(" ".join)
PEOPLE = st.sampled_from(
    [
        [],
        [{"name": "Björn Lindqvist", "email": "bjorn.lindqvist@example.com", "phone": "+49 171 1234567"}],
        [{"name": "Mark Will"}, {"name": "Björn Lindqvist"}],
    ]
)
VALUES = st.recursive(
    st.one_of(
        TEXTS, st.integers(), st.integers(-2_000_000, 2_000_000), st.booleans(), st.none(), st.floats(allow_nan=False)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.sampled_from(("name", "email", "token", "password", "answer")), TEXTS), inner, max_size=3
        ),
    ),
    max_leaves=6,
)


def span(number: int, value: object, text: str) -> SpanRecord:
    attributes = {semconv.OBSERVATION_TYPE: "span", semconv.OBSERVATION_INPUT: Structured(value), "note": text, text: 1}
    return SpanRecord(1, number, 0, text, 1, 0, 1, 1, text, attributes)


def fields(record: SpanRecord) -> tuple[object, ...]:
    attributes = dict(record.attributes)
    receipt = orjson.loads(str(attributes.pop(semconv.REDACTION_RECEIPT)))
    return record.name, record.status_message, attributes, receipt["counts"], receipt["withheld"]


WARM = {native: Redactor(RedactionPolicy(), b"k" * 32, native=native) for native in (True, False)}


@pytest.mark.parametrize("native", [True, False])
@given(values=st.lists(st.tuples(VALUES, TEXTS), min_size=1, max_size=3), people=PEOPLE)
@settings(deadline=None)
def test_a_redactor_that_remembers_gives_what_a_new_one_gives(native: bool, values: list, people: list) -> None:
    spans = [span(number, value, text) for number, (value, text) in enumerate(values)]
    again = [span(number + 9, value, text) for number, (value, text) in enumerate(values)]
    fresh = [Redactor(RedactionPolicy(), b"k" * 32, native=native).redact_unit([*spans, *again], people)]
    fresh.append(WARM[native].redact_unit([*spans, *again], people))
    fresh.append(WARM[native].redact_unit([*spans, *again], people))
    first, *others = [[fields(record) for record in records] for records in fresh]
    assert all(other == first for other in others)
    assert first[: len(spans)] == first[len(spans) :]


def test_what_is_clean_for_one_trace_is_looked_into_again_where_somebody_is_known() -> None:
    redactor = Redactor(RedactionPolicy(), b"k" * 32)
    encoded = b64encode(b"written by Wanda Okafor").decode()
    for text in ("Wanda Okafor", encoded):
        assert redactor.redact_value(text)[0] == text
        assert redactor.redact_value(text)[0] == text
        assert text not in redactor.redact_value(text, [{"name": "Wanda Okafor"}])[0]
        assert redactor.redact_value(text)[0] == text


def test_clean_texts_forget_what_was_not_seen_for_long() -> None:
    clean = CleanTexts()
    clean.add("kept")
    clean.add("forgotten")
    for number in range(20_000):
        clean.add(str(number))
        assert "kept" in clean
    assert "forgotten" not in clean
    assert sum(str(number) in clean for number in range(20_000)) < 5_000


def test_a_structured_value_is_json_and_a_plain_one_is_not() -> None:
    redactor = Redactor(RedactionPolicy(), b"k" * 32)
    attributes: dict[str, object] = {
        "plain": True,
        "structured": Structured(True),
        "text": Structured("grade"),
        "a": "grade",
    }
    for _ in range(2):
        record = redactor.redact_unit([SpanRecord(1, 2, 0, "grade", 1, 0, 1, 1, "", attributes)], [])[0]
        assert record.attributes["plain"] is True
        assert record.attributes["structured"] == "true"
        assert record.attributes["text"] == record.attributes["a"] == "grade"


def test_json_found_in_a_known_text_is_still_read_by_its_keys() -> None:
    redactor = Redactor(RedactionPolicy(), b"k" * 32)
    text = '{"api_key": "ab1"}'
    for _ in range(2):
        redactor.redact_text(text)
        record = redactor.redact_unit([SpanRecord(1, 2, 0, "grade", 1, 0, 1, 1, "", {"note": text})], [])[0]
        assert "ab1" not in str(record.attributes["note"])


@given(value=VALUES, people=PEOPLE)
@settings(deadline=None)
def test_the_quick_look_at_plain_data_gives_what_the_walk_gives(value: object, people: list) -> None:
    redactor = WARM[True]
    record = redactor.redact_unit([SpanRecord(1, 2, 0, "a", 1, 0, 1, 1, "", {"input": Structured(value)})], people)[0]
    walked, receipt = redactor.redact_value(value, people)
    told = orjson.loads(str(record.attributes[semconv.REDACTION_RECEIPT]))
    assert record.attributes["input"] == (walked if isinstance(walked, str) else jsontext.dumps(walked))
    assert (told["counts"], told["withheld"]) == (receipt.counts, receipt.withheld)


@pytest.mark.parametrize(
    "value",
    [
        {"password": "x1"},
        {"email": "x"},
        {"a": {"date_of_birth": "x"}},
        {"a": '{"b": 1}'},
        {"a": " [1]"},
        {"a": 4111111111111111},
        {"a": float("nan")},
        {"a": b"x"},
        {1: "a"},
        {"k" * 65: "a"},
        "text",
        7,
    ],
)
def test_what_needs_a_walk_is_not_taken_for_plain_data(value: object) -> None:
    assert PlainData(Rules(RedactionPolicy())).texts(value) is None


def test_endless_and_widely_shared_data_is_not_taken_for_plain_data() -> None:
    plain = PlainData(Rules(RedactionPolicy()))
    endless: list[object] = []
    endless.append(endless)
    shared: list[object] = [1]
    for _ in range(11):
        shared = [shared] * 8
    assert plain.texts(endless) is None
    assert plain.texts(shared) is None
    assert plain.texts({"answer": "text", "n": [1, 2.5, None, True]}) is not None
