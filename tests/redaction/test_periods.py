"""Pseudonyms that last for a period."""

import calendar

import pytest

from certtrace.ports import SpanRecord
from certtrace.redaction import RedactionPolicy, Redactor
from certtrace.redaction.periods import PeriodicRedactor, period_label

KEY = b"k" * 32


def at(*moment: int) -> float:
    return float(calendar.timegm((*moment, 0, 0, 0)))


@pytest.mark.parametrize(
    ("period", "label"), [("month", "2026-11"), ("quarter", "2026-Q4"), ("year", "2026"), ("none", "")]
)
def test_a_period_has_a_name(period, label):
    assert period_label(period, at(2026, 11, 22)) == label


@pytest.mark.parametrize("seconds", [-1e18, 1e18, float(2**63)])
def test_a_span_that_claims_an_impossible_time_has_a_period_too(seconds):
    assert period_label("year", seconds) == "1970"


def redactor(key: bytes = KEY, now: float = 0.0) -> PeriodicRedactor:
    policy = RedactionPolicy(period="quarter", names="off")
    return PeriodicRedactor(lambda k: Redactor(policy, k), key, "quarter", clock=lambda: now)


def unit(seconds: float) -> list[SpanRecord]:
    start = int(seconds * 1e9)
    return [SpanRecord(1, 2, 0, "s", 1, start, start + 1, 1, "", {"note": "Jane Doe"})]


def pseudonym(of: PeriodicRedactor, seconds: float) -> str:
    return str(of.redact_unit(unit(seconds), [{"name": "Jane Doe"}])[0].attributes["note"])


def test_a_person_keeps_a_pseudonym_within_a_period_and_gets_another_in_the_next():
    first = redactor()
    october, november, january = (pseudonym(first, at(*day)) for day in ((2026, 10, 1), (2026, 11, 30), (2027, 1, 1)))
    assert october == november
    assert january != october
    assert pseudonym(first, at(2026, 12, 31)) == october


def test_services_that_share_a_key_share_the_periods_pseudonyms():
    assert pseudonym(redactor(), at(2026, 5, 1)) == pseudonym(redactor(), at(2026, 6, 1))
    assert pseudonym(redactor(b"x" * 32), at(2026, 5, 1)) != pseudonym(redactor(), at(2026, 5, 1))


def test_what_has_no_time_of_its_own_is_of_the_present_period():
    now = redactor(now=at(2026, 11, 22))
    value, _ = now.redact_value("Jane Doe", [{"name": "Jane Doe"}])
    assert value == pseudonym(redactor(), at(2026, 12, 1))
    assert now.pseudonym("Jane Doe") == value
