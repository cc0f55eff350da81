"""E-mail addresses, handles, numbers, dates and addresses of known people."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace.redaction.known.dates import birth_dates
from certtrace.redaction.known.identity import KnownPeople
from certtrace.redaction.known.people import merged, people_in
from certtrace.redaction.pseudonyms import Pseudonymizer
from certtrace.redaction.text.views import views

_known = {native: KnownPeople(Pseudonymizer(b"k" * 32), native=native) for native in (True, False)}


def left(text, identity, native=True):
    """What of a text no finding covers."""
    signs = list(text)
    for one in _known[native].compiled(merged(people_in(identity))):
        for view in views(text, native=native):
            for finding in one.find(view):
                start, end = view.to_source(finding.start, finding.end)
                signs[start:end] = [""] * (end - start)
    return "".join(signs)


FOUND = [
    ({"email": "wanda.z@example.org"}, "wanda.z@example.org"),
    ({"email": "wanda.z@example.org"}, "WANDA.Z+exam@Example.org"),
    ({"email": "wanda.z@example.org"}, "wanda.z (at) example.org"),
    ({"email": "wanda.z@example.org"}, "wanda.z%40example.org"),
    ({"email": "wanda.z@example.org"}, "wanda.z"),
    ({"email": "wanda.zettersten@example.org"}, "Zettersten, Wanda"),
    ({"email": "wanda.zettersten@example.org"}, "W. Zettersten"),
    ({"username": "wz_1988"}, "WZ-1988"),
    ({"username": "wz_1988"}, "wz1988"),
    ({"candidate_id": "C-2026-0042"}, "c/2026/0042"),
    ({"candidate_id": "C-2026-0042"}, "C20260042"),
    ({"candidate_id": 20260042}, "20260042"),
    ({"phone": "+49 171 1234567"}, "+49 (0)171-123 45 67"),
    ({"phone": "+49 171 1234567"}, "00491711234567"),
    ({"phone": "+49 171 1234567"}, "0171.123.4567"),
    ({"phone": "+49 171 1234567"}, "1234567"),
    ({"phone": "(415) 555-2671"}, "+1 415 555 2671"),
    ({"dob": "1990-05-03"}, "03.05.1990"),
    ({"dob": "1990-05-03"}, "3.5.90"),
    ({"dob": "1990-05-03"}, "05/03/1990"),
    ({"dob": "1990-05-03"}, "19900503"),
    ({"dob": "1990-05-03"}, "3rd of May 1990"),
    ({"dob": "1990-05-03"}, "May 3rd, 1990"),
    ({"dob": "1990-05-03"}, "3. Mai 1990"),
    ({"dob": "1990-05-03"}, "3 de mayo de 1990"),
    ({"dob": "3 May 1990"}, "1990-05-03"),
    ({"dob": "03/05/1990"}, "3 May 1990"),
    ({"address": "12 Low Road, Leeds LS1 4AB"}, "12 low rd., Leeds LS1 4AB"),
    ({"address": "12 Low Road, Leeds LS1 4AB"}, "12, Low Road\nLeeds"),
    ({"address": "Lindenstra\u00dfe 5, 10969 Berlin"}, "Lindenstr. 5, 10969 Berlin"),
    ({"address": "Lindenstra\u00dfe 5, 10969 Berlin"}, "Lindenstrasse Nr. 5"),
    ({"iban": "DE89 3704 0044 0532 0130 00"}, "DE89370400440532013000"),
    ({"ssn": "078-05-1120"}, "078 05 1120"),
]


@pytest.mark.parametrize("native", [True, False], ids=["re2", "re"])
@pytest.mark.parametrize(("identity", "text"), FOUND, ids=[text for _, text in FOUND])
def test_a_value_is_covered_however_it_is_written(identity, text, native):
    assert left(f"see {text}; next", identity, native) == "see ; next"


@pytest.mark.parametrize(
    ("identity", "text"),
    [
        ({"name": "Wanda Zett", "id": "7"}, "7 packets and port 7"),
        ({"name": "Wanda Zett", "username": "admin"}, "the admin logs in"),
        ({"name": "Wanda Zett", "email": "info@example.org"}, "more info follows"),
        ({"name": "Wanda Zett", "city": "Leeds", "role": "expert", "team": "backend"}, "an expert in Leeds, backend"),
        ({"phone": "+49 171 1234567"}, "id 991234567 and 12345678"),
        ({"dob": "1990-05-03"}, "in 1990, on 03.05.1991 or 5 May"),
        ({"address": "12 Low Road, Leeds"}, "a low road to Leeds, 12 packets"),
        ({"email": "mark.page@example.org"}, "mark page as dirty"),
        ({"username": "wz_1988"}, "1988 and wz_19885"),
    ],
)
def test_a_value_that_says_nothing_is_left(identity, text):
    assert left(text, identity) == text


def test_what_is_no_date_is_none():
    assert birth_dates("2026-13-40") == []
    assert birth_dates("soon") == []
    assert len(birth_dates("03/05/1990")) == 2


@given(st.text("0123456789-./ abMay+()@", max_size=40))
@settings(max_examples=300, deadline=None)
def test_numbers_are_found_alike_by_both_engines(text):
    identity = {"phone": "+49 171 1234567", "dob": "1990-05-03", "id": "ab-12-34", "email": "ab.12@ab.de"}
    assert left(text, identity) == left(text, identity, native=False)


def test_descriptions_of_one_person_are_joined_over_a_detour():
    name, mail = {"name": "Wanda Zett", "email": "w@example.org"}, {"email": "z@example.org", "username": "wz88"}
    both = {"email": ["w@example.org", "z@example.org"]}
    people = merged(person for identity in (name, mail, both) for person in people_in(identity))
    assert [sorted(person.values) for person in people] == [["EMAIL", "PERSON", "USERNAME"]]


def test_an_address_that_spells_the_name_is_of_the_same_person():
    people = merged(
        person
        for identity in ({"email": "wanda.zett@example.org"}, {"name": "Wanda Zett"}, {"name": "Wanda Zettl"})
        for person in people_in(identity)
    )
    assert [person.full_name() for person in people] == ["Wanda Zett", "Wanda Zettl"]
