"""What is told of many texts side by side is what is told of each alone."""

from functools import cache

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace.ports import Receipt
from certtrace.redaction import RedactionPolicy, Redactor
from certtrace.redaction.detect.table import PATTERNS
from certtrace.redaction.known.identity import KnownPeople
from certtrace.redaction.known.people import merged, people_in
from certtrace.redaction.pseudonyms import Pseudonymizer
from certtrace.redaction.receipts import receipt_text
from certtrace.redaction.shortcuts import told
from certtrace.redaction.structure.keyed import KeyedValues
from certtrace.redaction.text.batch import Batch
from certtrace.redaction.text.engine import NATIVE, PatternSet, pattern_set
from certtrace.redaction.text.views import View

PIECES = (
    "Björn", "Lindqvist", "B. Lindqvist", "b", "l", ".", "lind", "qvist", "171", "1234567", "bjorn.lind",
    "qvist@example.com",
    "Иван Петров", "Ива", "нов", "mark", "Mark Will", "password", "=", ":", '"', "'", " ", "name", "email", "hunter22",
    '"token": "abcdefgh"', "{", "}", "answer: it's", "date_of_birth='3 May 1990'", "=>", "?key=abcdefgh12", "\n",
)  # fmt: skip
TEXTS = st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), min_size=1, max_size=6)
PEOPLE = [
    {"name": "Björn Lindqvist", "email": "bjorn.lindqvist@example.com", "phone": "+49 171 1234567"},
    {"name": "Mark Will", "username": "mwill77"},
    {"name": "Иван Петров"},
]


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("count", [1, 2, 3])
@given(texts=TEXTS)
@settings(deadline=None)
def test_people_are_in_the_texts_in_which_each_is_found_alone(native: bool, count: int, texts: list[str]) -> None:
    people = merged(person for identity in PEOPLE[-count:] for person in people_in(identity))
    (crowd,) = KnownPeople(Pseudonymizer(b"k" * 32), native=native).compiled(people)
    together: set[int] = set()
    crowd.suspects(Batch(texts), together)
    assert together == {index for index, text in enumerate(texts) if any(True for _ in crowd.find(View(text)))}


@given(texts=TEXTS)
def test_keys_declare_in_the_texts_in_which_they_do_so_alone(texts: list[str]) -> None:
    keyed = KeyedValues(RedactionPolicy().secret_keys)
    together: set[int] = set()
    keyed.suspects(Batch(texts), together)
    assert together == {index for index, text in enumerate(texts) if any(True for _ in keyed.find(View(text)))}


@pytest.mark.skipif(not NATIVE, reason="google-re2 is not installed")
@given(text=st.one_of(st.text(max_size=120), TEXTS.map("".join)))
def test_several_automata_tell_what_one_tells(text: str) -> None:
    one, several = _sets()
    view = View(text)
    for end in (len(view.data), len(view.data) // 2):
        assert list(one.hits(view, 0, end)) == list(several.hits(view, 0, end))


@cache
def _sets() -> list[PatternSet]:
    expressions = [pattern.expression for pattern in PATTERNS]
    literals = [pattern.literals for pattern in PATTERNS]
    kinds = [pattern.detector for pattern in PATTERNS]
    return [pattern_set(expressions, literals), pattern_set(expressions, literals, kinds=kinds)]


@given(
    counts=st.dictionaries(st.sampled_from(["EMAIL", "PERSON"]), st.integers(1, 9)),
    operators=st.dictionaries(st.sampled_from(["drop", "hash"]), st.integers(1, 9)),
    withheld=st.integers(0, 20),
    policy=st.text(max_size=8),
)
def test_a_receipt_travels_whole(counts: dict, operators: dict, withheld: int, policy: str) -> None:
    try:
        policy.encode()
    except UnicodeEncodeError:
        policy = "plain"
    receipt = Receipt(policy, counts, withheld, 77, operators)
    assert orjson.loads(receipt_text(receipt)) == {
        "policy": policy,
        "counts": counts,
        "withheld": withheld,
        "operators": operators,
        "microseconds": 77,
    }


@pytest.mark.parametrize("identity", [{"age": 7}, {1: "a"}, ["a"], {"name": {"given": "a"}}])
def test_only_texts_are_compared_to_recall_who_is_known(identity: object) -> None:
    assert told([identity]) is None
    assert told([{"name": "a"}, identity]) is None


def test_what_was_told_in_another_order_or_to_another_trace_is_not_confused() -> None:
    redactor = Redactor(RedactionPolicy(names="off"), b"k" * 32)
    text = "Wanda Okafor met Björn Lindqvist"
    wanda, bjorn = {"name": "Wanda Okafor"}, {"name": "Björn Lindqvist"}
    for identities, hidden, shown in (([wanda], "Wanda", "Björn"), ([bjorn], "Björn", "Wanda")) * 2:
        redacted = redactor.redact_value(text, identities)[0]
        assert hidden not in redacted
        assert shown in redacted
    for identities in ([wanda, bjorn], [bjorn, wanda]):
        redacted = redactor.redact_value(text, identities)[0]
        assert "Wanda" not in redacted
        assert "Björn" not in redacted
    assert redactor.redact_value(text)[0] == text
