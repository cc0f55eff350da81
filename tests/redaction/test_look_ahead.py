"""What is found in the texts of units that wait together is what is found in each unit alone."""

from collections.abc import Callable, Sequence

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace import semconv
from certtrace.ports import Recognized, SpanRecord, Structured
from certtrace.redaction import RedactionPolicy, Redactor
from certtrace.redaction.periods import PeriodicRedactor
from certtrace.redaction.recognize.shipped import load

KEY = b"k" * 32
PIECES = (
    "Wanda Okafor", "Björn Lindqvist", "B. Lindqvist", "Björn", "wrote that", "the layer isolates change", "grade",
    "Bj%C3%B6rn Lindqvist", "\\u0057anda Okafor", "V2FuZGEgT2thZm9yIHdyb3RlIHRoaXM=", "password=hunter22",
    "9f86d081884c7d659a2feaa0c55ad015", "bjorn.lindqvist@example.com", "+49 171 1234567", "171 1234567", "a", "+", "%",
    "4111 1111 1111 1111", '{"email": "x"}', "data:text/plain;base64,V2FuZGE=", "\ud800", "\0", "&ouml;",
    "<person:0123456789>",
    "a queue decouples the producer from the consumer because it holds what the consumer cannot yet take",
)  # fmt: skip
TEXTS = st.one_of(st.lists(st.sampled_from(PIECES), max_size=4).map(" ".join), st.text(max_size=8))
KEYS = st.sampled_from(("answer", "grade", "name", "email", "password", "rationale"))
VALUES = st.one_of(
    TEXTS, st.dictionaries(KEYS, st.one_of(TEXTS, st.lists(TEXTS, max_size=2), st.integers()), max_size=3)
)
PEOPLE = st.sampled_from(
    [
        [],
        [{"name": "Björn Lindqvist", "email": "bjorn.lindqvist@example.com", "phone": "+49 171 1234567"}],
        [{"name": "Wanda Okafor"}],
    ]
)
UNITS = st.lists(st.tuples(st.lists(st.tuples(VALUES, TEXTS), min_size=1, max_size=2), PEOPLE), min_size=1, max_size=4)


def span(value: object, text: str = "note", number: int = 1) -> SpanRecord:
    attributes = {
        semconv.OBSERVATION_TYPE: "span",
        semconv.OBSERVATION_INPUT: Structured(value) if isinstance(value, dict) else value,
        semconv.OBSERVATION_OUTPUT: text,
        "note": text,
        semconv.SUBMISSION_ID: text,
    }
    return SpanRecord(1, number, 0, text, 1, 0, 1, 1, text, attributes)


def fields(record: SpanRecord) -> tuple[object, ...]:
    attributes = dict(record.attributes)
    receipt = orjson.loads(str(attributes.pop(semconv.REDACTION_RECEIPT)))
    return record.name, record.status_message, attributes, receipt["counts"], receipt["withheld"]


def redacted(redactor: Redactor | PeriodicRedactor, units: Sequence[Sequence[SpanRecord]]) -> list[object]:
    return [[fields(record) for record in redactor.redact_unit(unit, ())] for unit in units]


WARM = {native: Redactor(RedactionPolicy(), KEY, native=native, own=[load()]) for native in (True, False)}


@pytest.mark.parametrize("native", [True, False])
@given(units=UNITS)
@settings(deadline=None, max_examples=50)
def test_units_looked_at_together_are_redacted_as_each_alone(native: bool, units: list) -> None:
    made = [([span(*each, number) for number, each in enumerate(values)], people) for values, people in units]
    alone = Redactor(RedactionPolicy(), KEY, native=native, own=[load()])
    expected = [[fields(record) for record in alone.redact_unit(spans, people)] for spans, people in made]
    for together in (Redactor(RedactionPolicy(), KEY, native=native, own=[load()]), WARM[native]):
        together.look_ahead([spans for spans, _ in made])
        found = [[fields(record) for record in together.redact_unit(spans, people)] for spans, people in made]
        together.look_ahead(())
        assert found == expected


class Asked:
    """The shipped recognizer, which notes what it is asked and fails at one word."""

    name = "names"

    def __init__(self, fails_at: str = "\0", answer: Callable[[str], list[Recognized]] | None = None) -> None:
        self.calls: list[list[str]] = []
        self._fails_at = fails_at
        self._answer = answer
        self._shipped = load()

    def recognize(self, texts: Sequence[str]) -> Sequence[Sequence[Recognized]]:
        self.calls.append(list(texts))
        failing = [self._fails_at in text for text in texts]
        if self._answer is not None:
            return [self._answer(text) if fails else [] for text, fails in zip(texts, failing, strict=True)]
        if any(failing):
            raise ValueError
        return self._shipped.recognize(texts)


def answers(count: int) -> list[list[SpanRecord]]:
    return [
        [span({"answer": f"The answer number {n} of Wanda Okafor isolates change"}, f"n {n}")] for n in range(count)
    ]


def test_a_recognizer_is_asked_once_for_units_that_wait_together() -> None:
    own = Asked()
    redactor = Redactor(RedactionPolicy(), KEY, own=[own])
    units = answers(20)
    redactor.look_ahead(units)
    (asked,) = own.calls
    assert len(asked) >= 20
    found = redacted(redactor, units)
    assert own.calls == [asked]
    assert found == redacted(Redactor(RedactionPolicy(), KEY, own=[load()]), units)
    assert "Okafor" not in str(found)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        lambda _: [Recognized(0, 10_000)],
        lambda _: [Recognized(0, 1, "NO_SUCH_TYPE")],
        lambda _: 7,
    ],
)
def test_a_recognizer_that_fails_at_one_text_withholds_that_one_alone(answer: Callable[[str], list] | None) -> None:
    units = [*answers(3), [span({"answer": "The poison isolates change"}, "other")], *answers(2)]
    redactor = Redactor(RedactionPolicy(), KEY, own=[Asked("poison", answer)])
    redactor.look_ahead(units)
    found = redacted(redactor, units)
    assert found == redacted(Redactor(RedactionPolicy(), KEY, own=[Asked("poison", answer)]), units)
    withheld = [receipt[4] for unit in found for receipt in unit]
    assert withheld == [0, 0, 0, 1, 0, 0]
    assert redactor.failures == 1


def test_a_recognizer_of_the_host_is_asked_for_the_texts_of_one_unit_at_a_time() -> None:
    foreign = Asked()
    redactor = Redactor(RedactionPolicy(), KEY, own=[load()], foreign=[foreign])
    units = answers(3)
    redactor.look_ahead(units)
    assert foreign.calls == []
    redacted(redactor, units)
    for call in foreign.calls:
        assert len({text.split()[3] for text in call if text.startswith("The answer")}) <= 1
    assert len(foreign.calls) >= 3


def test_nothing_is_remembered_of_units_once_others_are_looked_at() -> None:
    redactor = Redactor(RedactionPolicy(), KEY, own=[load()])
    redactor.look_ahead(answers(4))
    assert any("Okafor" in text for text in redactor.ahead.names)
    redactor.look_ahead([[span({"answer": "nobody wrote this one"})]])
    assert not any("Okafor" in text for text in (*redactor.ahead.names, *redactor.ahead.looked, *redactor.ahead.clean))
    redactor.look_ahead(())
    assert not {*redactor.ahead.names, *redactor.ahead.looked, *redactor.ahead.clean}


def test_a_look_ahead_breaks_off_when_told_and_redaction_goes_on_without() -> None:
    own = Asked()
    redactor = Redactor(RedactionPolicy(), KEY, own=[own])
    units = [[span({"answer": f"Wanda Okafor wrote {n} times. " * 200}, f"n {n}")] for n in range(10)]
    left = iter([True, True])
    redactor.look_ahead(units, lambda: next(left, False))
    assert len(own.calls) < 3
    assert redacted(redactor, units) == redacted(Redactor(RedactionPolicy(), KEY, own=[load()]), units)


def test_memory_is_bounded_however_much_waits() -> None:
    redactor = Redactor(RedactionPolicy(), KEY, own=[Asked()])
    units = [[span({"answer": f"Wanda {n} wrote this. " * 300}, f"n {n}")] for n in range(200)]
    redactor.look_ahead(units)
    assert sum(map(len, redactor.ahead.names)) < 300_000
    redactor.look_ahead([[span({"answer": "long text " * 20_000})]])
    assert sum(map(len, redactor.ahead.names)) < 1_000


def test_a_policy_that_withholds_all_texts_has_nothing_looked_at() -> None:
    own = Asked()
    redactor = Redactor(RedactionPolicy(profile="strict"), KEY, own=[own])
    redactor.look_ahead(answers(3))
    assert own.calls == []


def test_values_that_cannot_be_read_are_left_to_redaction() -> None:
    class Hostile(str):
        __slots__ = ()

        def __hash__(self) -> int:
            raise ValueError

    redactor = Redactor(RedactionPolicy(), KEY, own=[load()])
    units = [[span({"answer": Hostile("Wanda Okafor")}, "first")], *answers(2)]
    units[0][0].attributes["hostile"] = Hostile("Wanda Okafor")
    redactor.look_ahead(units)
    assert "Okafor" not in str(redacted(redactor, units))


def test_units_of_two_periods_have_the_pseudonyms_of_their_own() -> None:
    def periodic() -> PeriodicRedactor:
        return PeriodicRedactor(lambda key: Redactor(RedactionPolicy(), key, own=[load()]), KEY, "year")

    units = answers(4)
    for number, unit in enumerate(units):
        unit[0].start_time_ns = (2_024 + number % 2 - 1_970) * 31_557_600 * 10**9
    together = periodic()
    together.look_ahead(units)
    found = redacted(together, units)
    assert found == redacted(periodic(), units)
    together.look_ahead(())
    assert found == redacted(together, units)


def test_somebody_known_is_found_in_texts_escaped_many_times_over() -> None:
    name = "Wanda Okafor"
    texts = [name]
    for _ in range(5):
        name = name.replace("%", "%25").replace("W", "%57").replace("O", "%4F")
        texts.append(name)
    units = [[span({"answer": f"{text} isolates change"}, f"n {n}")] for n, text in enumerate(texts)]
    people = [{"name": "Wanda Okafor"}]
    together = Redactor(RedactionPolicy(names="off"), KEY)
    alone = Redactor(RedactionPolicy(names="off"), KEY)
    together.look_ahead(units)
    found = [fields(*together.redact_unit(unit, people)) for unit in units]
    assert found == [fields(*alone.redact_unit(unit, people)) for unit in units]
    assert "Okafor" not in str(found[0])
    assert "<person:" in str(found[1])


def test_of_a_wide_structure_that_is_walked_some_texts_are_looked_at() -> None:
    redactor = Redactor(RedactionPolicy(), KEY, own=[load()])
    pairs = [[f"Wanda Okafor wrote {n} times", f"and {n} more"] for n in range(100)]
    units = [[span({"email": "x@example.com", "pairs": pairs})], *answers(1)]
    redactor.look_ahead(units)
    assert 50 < len(redactor.ahead.names) < 150
    assert redacted(redactor, units) == redacted(Redactor(RedactionPolicy(), KEY, own=[load()]), units)
