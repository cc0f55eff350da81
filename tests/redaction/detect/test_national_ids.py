"""National identifiers: published specimens are found, damaged ones and the numbers of machines are not."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certtrace.redaction.detect.detectors import Detectors
from certtrace.redaction.detect.national_ids.shapes import IDENTIFIERS, candidates, shape_of
from certtrace.redaction.text.views import View

BOTH = [Detectors({"NATIONAL_ID"}, native=native) for native in (True, False)]

SPECIMENS = {
    "de-tax": ("Steuernummer", "86095742719"),
    "de-vat": ("", "DE136695976"),
    "de-insurance": ("", "15070649C103"),
    "de-health": ("KVNR", "A123456780"),
    "de-passport": ("Reisepass", "C01X00T41"),
    "de-licence": ("Fuehrerschein, driving licence", "B072RRE2I55"),
    "de-register": ("Amtsgericht Bonn", "HRB 12345"),
    "at-insurance": ("SVNR", "1237 010180"),
    "ch-social": ("", "756.1234.5678.97"),
    "nl-citizen": ("BSN", "111222333"),
    "be-national": ("", "85.07.30-033.28"),
    "fi-identity": ("", "131052-308T"),
    "se-person": ("", "811228-9874"),
    "is-person": ("", "120174-3399"),
    "es-nif": ("", "12345678Z"),
    "es-nie": ("", "X1234567L"),
    "es-company": ("", "A58818501"),
    "it-fiscal": ("", "RSSMRA85T10A562S"),
    "it-vat": ("partita IVA", "07643520567"),
    "fr-social": ("", "255081416802538"),
    "pt-nif": ("NIF", "501964843"),
    "ro-cnp": ("CNP", "1800101221144"),
    "pl-pesel": ("PESEL", "44051401359"),
    "cz-birth": ("", "780123/3540"),
    "bg-egn": ("EGN", "7523169263"),
    "hr-oib": ("OIB", "69435151530"),
    "ee-person": ("isikukood", "37605030299"),
    "tr-citizen": ("TC kimlik no", "10000000146"),
    "ru-snils": ("", "112-233-445 95"),
    "uk-nhs": ("NHS number", "943 476 5919"),
    "uk-insurance": ("", "AB 12 34 56 C"),
    "uk-licence": ("", "MORGA657054SM9IJ"),
    "ie-pps": ("PPS", "1234567T"),
    "us-npi": ("NPI", "1234567893"),
    "us-medicare": ("", "1EG4-TE5-MK73"),
    "us-routing": ("routing number", "021000021"),
    "us-itin": ("", "900-70-0000"),
    "ca-insurance": ("SIN", "130 692 544"),
    "br-cpf": ("", "529.982.247-25"),
    "br-cnpj": ("", "11.444.777/0001-61"),
    "ar-cuit": ("", "20-05536168-2"),
    "cl-rut": ("", "12.345.678-5"),
    "in-aadhaar": ("Aadhaar", "2341 2341 2346"),
    "in-pan": ("", "AAAPL1234C"),
    "in-gstin": ("", "27AAPFU0939F1ZV"),
    "sg-nric": ("", "S1234567D"),
    "hk-card": ("", "A123456(3)"),
    "tw-citizen": ("national ID", "A123456789"),
    "kr-business": ("", "104-82-13138"),
    "jp-individual": ("My Number", "123456789018"),
    "cn-resident": ("", "11010519491231002X"),
    "th-citizen": ("Thai ID", "1234567890121"),
    "au-abn": ("", "51 824 753 556"),
    "au-tfn": ("TFN", "123 456 782"),
    "nz-ird": ("IRD", "49-091-850"),
    "za-citizen": ("RSA ID", "8001015009087"),
}
"""A word that names it, where one is needed, and a specimen from public documents."""
EXACT = frozenset(
    [
        "de.vat",
        "de.insurance",
        "ch.social",
        "be.national",
        "fi.identity",
        "es.nif",
        "es.nie",
        "se.person",
        "pl.nip",
        "cz.birth",
        "hr.oib",
        "uk.nhs",
        "us.npi",
        "us.routing",
        "ca.insurance",
        "br.cpf",
        "br.cnpj",
        "ar.cuit",
        "cl.rut",
        "in.aadhaar",
        "sg.nric",
        "kr.business",
        "au.abn",
        "au.tfn",
        "za.citizen",
        "tr.citizen",
        "pl.pesel",
        "nl.citizen",
        "no.birth",
        "ng.nin",
        "ee.person",
        "ru.snils",
    ]
)
"""Kinds whose check digit tells every single wrong digit."""


def found(text: str) -> list[str]:
    """Return the parts of a text that both engines find."""
    sides = [[text[f.start : f.end] for f in detectors.find(View(text))] for detectors in BOTH]
    assert sides[0] == sides[1]
    return list(dict.fromkeys(sides[0]))


def filled(shape: str, dice: random.Random) -> str:
    """Return a shape with random digits and letters."""
    signs = {"9": string.digits, "A": string.ascii_uppercase}
    return "".join(dice.choice(signs.get(sign, sign)) for sign in shape)


@pytest.mark.parametrize(("word", "number"), SPECIMENS.values(), ids=list(SPECIMENS))
def test_a_specimen_is_found_in_a_sentence(word, number):
    assert number in found(f"As agreed, the {word} {number} was noted by the clerk.")


@pytest.mark.parametrize(
    "number", ["130 692 544", "1245319599", "8001015009087", "AB1234567", "34 ABC 123", "AB51 ABC"]
)
def test_a_text_that_is_nothing_but_an_identifier_is_found(number):
    assert found(number) == [number]
    assert found(f' "{number}" ') == [number]


@pytest.mark.parametrize("text", ["130 692 544", "1245319599", "8001015009087", "AB1234567", "34 ABC 123", "AB51 ABC"])
def test_the_same_in_a_sentence_needs_a_word(text):
    assert found(f"The value was {text} then and the rest of the log says nothing more about it at all.") == []


def test_several_identifiers_and_nothing_else_are_all_found():
    assert found("53125226D 201434292D, S57TU0392K") == ["53125226D", "201434292D", "S57TU0392K"]


@pytest.mark.parametrize("identifier", [i for i in IDENTIFIERS if i.rule in EXACT], ids=lambda i: i.rule)
def test_valid_numbers_are_found_and_one_wrong_digit_is_not(identifier):
    dice = random.Random(identifier.rule)
    word = next(word for word in sorted(identifier.names) if word != "?")
    shape = identifier.shapes()[0][0]
    tried = (filled(shape, dice) for _ in range(200_000))
    valid = [n for n, _ in zip((n for n in tried if identifier.check(compact(n))), range(5), strict=False)]
    assert len(valid) == 5
    for number in valid:
        assert number in found(f"{word}: {number}")
        place = dice.choice([i for i, sign in enumerate(number) if sign.isdigit()])
        wrong = number[:place] + dice.choice([d for d in string.digits if d != number[place]]) + number[place + 1 :]
        assert not identifier.check(compact(wrong))


def compact(number: str) -> str:
    """Return the letters and digits only."""
    return "".join(filter(str.isalnum, number))


@pytest.mark.parametrize("identifier", IDENTIFIERS, ids=lambda i: i.rule)
def test_no_check_fails_on_what_has_its_shape(identifier):
    dice = random.Random(identifier.rule)
    for shape, _ in identifier.shapes():
        for _ in range(20):
            signs = string.ascii_uppercase + string.digits
            text = "".join(dice.choices(signs, k=int(shape[1:]))) if shape[0] == "*" else filled(shape, dice)
            rows = candidates(shape_of(text.encode()))
            assert all(row.check(compact(text)) in {True, False} for row, _ in rows)


@pytest.mark.parametrize(
    "text",
    [
        '{"ts": 1732312489123, "offset": 1234567890, "port": 8080, "tokens": 12345678903}',
        "trace 4bf92f3577b34da6a3ce929d0e0e4736 span 00f067aa0ba902b7",
        "request 3fa85f64-5717-4562-b3fc-2c963f66afa6 took 812 ms at 2026-11-22T10:22:33.123456Z",
        "order 1245319599 was shipped, ISBN 978-3-16-148410-0, version 10.4.1122",
        "a public license of 12345678 bytes",
        "1 000 000 000 packets at 100000000 bit/s, 4294967296 addresses",
        "11111111.11111111.11111111.00000000",
        "RFC1918",
        "AS64512",
        "1732312489",
        "1732312489123",
        "1000000000",
        "12 MAY 2024",
    ],
    ids=lambda text: text[:24],
)
def test_the_numbers_of_machines_are_not_identifiers(text):
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ('{"passportNumber": "X1234567"}', "X1234567"),
        ("passport_no=X1234567", "X1234567"),
        ("X1234567 is my passport", "X1234567"),
        ("driver's license D1234567", "D1234567"),
        ("เลขประจำตัวประชาชน: 3456789012347", "3456789012347"),
        ("여권번호는 M789C1234입니다", "M789C1234"),
    ],
    ids=["camel-case", "underscore", "behind", "apostrophe", "thai", "korean"],
)
def test_the_word_may_be_written_in_many_ways(text, number):
    assert found(text) == [number]


def test_a_word_far_away_names_nothing():
    assert found("passport " + "and so on " * 12 + "X1234567 was logged by the server in the night") == []


def test_only_a_whole_word_names_something():
    assert found("the public key D1234567 and the rest of a longer sentence about keys and servers") == []


@given(st.text(alphabet=string.ascii_letters + string.digits + " -./():;\n?", max_size=300))
def test_both_engines_agree_and_spans_lie_in_the_text(text):
    for finding in found(text):
        assert any(sign.isdigit() for sign in finding)
