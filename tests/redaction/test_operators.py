"""Operators: what takes the place of what was found."""

import pytest

from certtrace.redaction.operators import Operators, masked
from certtrace.redaction.pseudonyms import Pseudonymizer

OPERATORS = Operators(Pseudonymizer(b"k" * 32))


@pytest.mark.parametrize(
    ("kind", "text", "coarse"),
    [
        ("DOB", "3 May 1990", "<dob 1990>"),
        ("DOB", "03.05.90", "<dob>"),
        ("IP", "203.0.113.77", "<ip 203.0.113.0/24>"),
        ("IP", "2001:db8:1:2::7", "<ip 2001:db8:1::/48>"),
        ("IP", "not an address", "<ip>"),
        ("PHONE", "+49 171 1234567", "<phone +49>"),
        ("PHONE", "+1 (415) 555-0100", "<phone +1>"),
        ("PHONE", "+353 1 234 5678", "<phone +353>"),
        ("PHONE", "0171 1234567", "<phone>"),
        ("IBAN", "DE89 3704 0044 0532 0130 00", "<iban DE>"),
        ("MAC", "00-1A-2B-3C-4D-5E", "<mac 00:1a:2b>"),
        ("EMAIL", "jane@doe.example", "<email>"),
    ],
)
def test_generalise_keeps_the_coarse_part(kind, text, coarse):
    assert OPERATORS.replacement("generalise", kind, text) == coarse


@pytest.mark.parametrize(
    ("text", "keep_last", "expected"),
    [
        ("4111 1111 1111 1234", 4, "**** **** **** 1234"),
        ("+49 (171) 123-4567", 0, "+** (***) ***-****"),
        ("1234", 4, "****"),
        ("Jörg", 0, "****"),
        ("", 3, ""),
    ],
)
def test_mask_keeps_the_form(text, keep_last, expected):
    assert masked(text, keep_last) == expected


def test_a_pseudonym_is_the_same_for_the_same_person_and_another_under_another_key():
    again = Operators(Pseudonymizer(b"k" * 32)).replacement("pseudonymise", "PERSON", "DOE, Jane")
    assert OPERATORS.replacement("pseudonymise", "PERSON", "Jane Doe") == again
    assert Operators(Pseudonymizer(b"x" * 32)).replacement("pseudonymise", "PERSON", "Jane Doe") != again


def test_a_hash_tells_length_and_equality_and_nothing_else():
    first, second = (OPERATORS.replacement("hash", "EMAIL", text) for text in ("a@b.org", "a@c.org"))
    assert first != second
    assert first.endswith(" len=7>")
    assert "a@b" not in first
