"""How known people are written, and what only looks like them."""

import base64
import json
import unicodedata
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace.redaction.known.identity import KnownPeople
from certtrace.redaction.known.people import merged, people_in
from certtrace.redaction.pseudonyms import Pseudonymizer
from certtrace.redaction.text.views import views

_known = {native: KnownPeople(Pseudonymizer(b"k" * 32), native=native) for native in (True, False)}
BJORN = {"name": "Bj\u00f6rn Lindqvist"}


def findings(text, *identities, native=True):
    people = merged(person for identity in identities for person in people_in(identity))
    return [
        (*view.to_source(finding.start, finding.end), finding)
        for one in _known[native].compiled(people)
        for view in views(text, native=native)
        for finding in one.find(view)
    ]


def left(text, *identities, native=True):
    """What of a text no finding covers."""
    signs = list(text)
    for start, end, _ in findings(text, *identities, native=native):
        signs[start:end] = [""] * (end - start)
    return "".join(signs)


WRITTEN = {
    "exact": "Bj\u00f6rn Lindqvist", "lower": "bj\u00f6rn lindqvist", "upper": "BJ\u00d6RN LINDQVIST",
    "initial": "B. Lindqvist", "initial-no-point": "B Lindqvist", "initial-no-space": "B.Lindqvist",
    "surname-initial": "Bj\u00f6rn L.", "reversed": "Lindqvist, Bj\u00f6rn", "reversed-initial": "Lindqvist, B.",
    "surname": "Lindqvist", "given": "Bj\u00f6rn", "plain": "Bjorn Lindqvist", "two-letters": "Bjoern Lindqvist",
    "monogram": "B.L.", "middle-initial": "Bj\u00f6rn K. Lindqvist", "middle-name": "Bj\u00f6rn Karl Lindqvist",
    "genitive": "Lindqvists", "czech": "Lindqvistova", "finnish": "Lindqvistin", "turkish": "Lindqvist'in",
    "dropped-letter": "Bj\u00f6rn Lindqist", "swapped-letters": "Bj\u00f6rn Lindqvits",
    "doubled": "Bj\u00f6rn Linndqvist", "wrong-given": "Bjirn Lindqvist", "both-wrong": "Bjrn Lindqvost",
    "wrong-alone": "Lindqvost",
    "camel": "getBjornLindqvistAnswer", "snake": "bjorn_lindqvist", "joined": "bjornlindqvist", "login": "blindqvist",
    "login-behind": "lindqvistb", "digits": "blindqvist92", "spaced-out": "B j \u00f6 r n  L i n d q v i s t",
    "line-break": "Bj\u00f6rn\n  Lindqvist", "broken": "Bj\u00f6rn Lindq-\nvist", "array": '"Bj\u00f6rn", "Lindqvist"',
    "hex": "Bj\u00f6rn Lindqvist".encode().hex(), "touched": "Bj\u00f6rn Lindqvistthe",
}  # fmt: skip
KEPT = {"camel": "getAnswer", "touched": "the", "array": '""'}


@pytest.mark.parametrize("native", [True, False], ids=["re2", "re"])
@pytest.mark.parametrize("way", WRITTEN)
def test_a_name_is_covered_however_it_is_written(way, native):
    rest = left(f"it was {WRITTEN[way]} who did it", BJORN, native=native)
    assert rest == f"it was {KEPT.get(way, '')} who did it"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Jan van der Berg", "van der Berg"),
        ("Jan van der Berg", "J. van der Berg"),
        ("Sin\u00e9ad O\u2019Neill", "Sinead ONeill"),
        ("Sin\u00e9ad O\u2019Neill", "S. O Neill"),
        ("Ian McDonald", "Ian Mc Donald"),
        ("Mar\u00eda de la Cruz", "Cruz, Mar\u00eda"),
        ("Omar al-Rashid", "Omar Rashid"),
        ("Anne-Marie M\u00fcller-L\u00fcdenscheidt", "Anne M\u00fcller"),
        ("Anne-Marie M\u00fcller-L\u00fcdenscheidt", "Annemarie Mueller L\u00fcdenscheidt"),
        ("Ana Ib\u00e1\u00f1ez N\u00fa\u00f1ez", "aibaneznunez"),
        ("\u0141ukasz W\u00f3jcik", "Lukasz Wojcik"),
        ("J\u00fcrgen Gr\u00f6\u00dfner", "Juergen Groessner"),
        ("S\u00f8ren Kj\u00e6r", "Soeren Kjaer"),
        ("Robert Zettersten", "Bob Zettersten"),
        ("Zosia Kowalska", "Zosi\u0119 Kowalskiej"),
        ("\u0418\u0432\u0430\u043d \u041f\u0435\u0442\u0440\u043e\u0432", "Ivan Petrov"),
        (
            "\u0418\u0432\u0430\u043d \u041f\u0435\u0442\u0440\u043e\u0432",
            "\u041f\u0435\u0442\u0440\u043e\u0432\u0443",
        ),
        ("\uae40\uc218\ube48", unicodedata.normalize("NFD", "\uae40\uc218\ube48")),
    ],
)
def test_names_of_many_languages_are_covered(name, written):
    assert left(f"by {written}; done", {"name": name}) == "by ; done"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Mark Will", "Will the server mark packets? I will mark it. Mark the header."),
        ("Rich Text", "Rich text is richer than text."),
        ("Grace May", "It arrives in May, in the grace period."),
        ("Bill Page", "Page 3 lists the bill; Page faults; Section B Page 4; a page."),
        ("Art Long", "The state of the art; Long polling takes a long time."),
        ("Bill Young", "The Young generation is collected before the old."),
        ("Frank Conway", "To be frank, Conway's law holds."),
        ("Per Said", "PER cent, as said, per node"),
        ("Ana Ivanova", "AI and I/O, e.g. A/B tests, a.k.a."),
        ("Bob Lindqvist", "bob up and down"),
        ("Peter Checkland", "check the radio, checkpoint"),
        ("\uae40\uc218\ube48", "\uac15\uc11c\ubc14"),
        ("Adam Smart", "a smart card"),
        ("Tom Inning", "The running winnings"),
    ],
)
@pytest.mark.parametrize("native", [True, False], ids=["re2", "re"])
def test_words_that_are_names_do_not_blacken_the_text(name, text, native):
    assert left(text, {"name": name}, native=native) == text


@pytest.mark.parametrize(
    ("name", "text", "rest"),
    [
        ("Mark Will", "Dear Mark, ", "Dear , "),
        ("Robert Cooper", "Cooper's answer", " answer"),
        ("Robert Cooper", "Cooper argues", " argues"),
        ("Bill Page", "Page", ""),
        ("Guy Peron", '{"first": "Guy"}', '{"first": ""}'),
        ("Heather Hale", "heather hale wrote", " wrote"),
        ("Mark Lindqvist", "Mark met Lindqvist", " met "),
    ],
)
def test_words_that_are_names_count_where_a_person_is_meant(name, text, rest):
    assert left(text, {"name": name}) == rest


def test_nicknames_count_beside_the_surname_only():
    assert left("Bob and Bob Zettersten", {"name": "Robert Zettersten"}) == "Bob and "


@pytest.mark.parametrize(
    ("identity", "text", "rule"),
    [
        (BJORN, "Bj\u00f6rn Lindqvist", "known.name"),
        (BJORN, "B. Lindqvist", "known.initials"),
        (BJORN, "Bj\u00f6rn Lindqist", "known.typo"),
        ({"email": "w.z@example.org"}, "w.z+tag@example.org", "known.email"),
        ({"username": "wz_1988"}, "@wz-1988", "known.username"),
        ({"phone": "+49 171 1234567"}, "0171/1234567", "known.phone"),
        ({"date_of_birth": "1990-05-03"}, "3 May 1990", "known.dob"),
        ({"address": "12 Low Road, Leeds"}, "12 Low Rd.", "known.address"),
        ({"candidate_id": "C-2026-0042"}, "C20260042", "known.id"),
    ],
)
def test_a_finding_names_its_layer_and_rule(identity, text, rule):
    found = [finding for _, _, finding in findings(text, identity)]
    assert {finding.layer for finding in found} == {"known"}
    assert rule in {finding.rule for finding in found}


def test_a_shared_surname_belongs_to_whoever_the_text_names_or_to_a_stable_nobody():
    people = ({"name": "Anna Lindqvist"}, {"name": "Bj\u00f6rn Lindqvist"})

    def subjects(text):
        return {text[start:end]: finding.subject for start, end, finding in findings(text, *people)}

    named = subjects("Anna Lindqvist wrote. Then Lindqvist signed.")
    assert named["Lindqvist"] == named["Anna Lindqvist"]
    anna = named["Anna Lindqvist"]
    bjorn = subjects("Bj\u00f6rn Lindqvist")["Bj\u00f6rn Lindqvist"]
    shared = subjects("it was Lindqvist")["Lindqvist"]
    assert len({anna, bjorn, shared}) == 3
    assert subjects("and LINDQVIST again")["LINDQVIST"] == shared


def test_a_crowd_is_searched_like_each_of_its_people():
    people = [{"name": f"Wanda{a} Zetter{b}"} for a in "abcdefgh" for b in ("holm", "berg", "lund", "gren")]
    text = "Wandaa Zetterholm met W. Zettergren, and Wandah zetterlund the Zetterbreg."
    assert left(text, *people) == left(text, *people, native=False)
    assert "Zetter" not in left(text, *people)


ENCODERS = [
    str,
    str.upper,
    str.lower,
    quote,
    quote_plus,
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(json.dumps(text))[3:-3],
    lambda text: "".join(f"&#{ord(sign)};" for sign in text),
    lambda text: "\u200b".join(text),
    lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
]
NAMES = st.sampled_from(
    ["Bj\u00f6rn Lindqvist", "Mar\u00eda Jos\u00e9 Garc\u00eda M\u00e1rquez", "Jan van der Bergen", "Sinead O'Neill"]
)
OTHER = st.text(
    st.characters(codec="utf-8", exclude_categories=["Lu", "Ll", "Lt", "Lm", "Nd", "Nl", "No", "Cs", "Mn", "Me", "Cf"]),
    max_size=12,
).filter(lambda text: not set(text) & set("\\%&+/=-_\0"))


@given(NAMES, st.sampled_from(ENCODERS), OTHER, OTHER)
@settings(max_examples=300, deadline=None)
def test_a_name_is_covered_between_any_signs(name, write, before, behind):
    text = f"{before} {write(name)} {behind}"
    spans = [(start, end) for start, end, _ in findings(text, {"name": name})]
    start, end = len(before) + 1, len(before) + 1 + len(write(name))
    bare = [at for at in range(start, end) if text[at].isalpha() and not any(a <= at < b for a, b in spans)]
    assert not bare


PIECES = st.sampled_from(
    [
        "Bj\u00f6rn", "Lindqvist", "bjorn", "lindqvist", "B.", "L.", "b_", "Karl", "Lindqvits", "Lindq-", "vist,",
        "\n", "Mark",
        "mark", "Page", "page", ".", ",", "'", '"', "(", "\u4e2d", "\u0144", "K.", "1990-05-03", "3", "May", "1990",
        "0171",
        "123", "45", "67", "bjorn.l@example.com", "example", "%20", "\\u00f6", "&ouml;", "getBjorn", "QUJD", "a",
        "e", "'s",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=24), st.sampled_from(["", " ", "  ", "\n", "."]))
@settings(max_examples=400, deadline=None)
def test_both_engines_find_the_same(pieces, gap):
    text = gap.join(pieces)
    people = (
        {"name": "Bj\u00f6rn Lindqvist", "email": "bjorn.l@example.com", "phone": "+49 171 1234567"},
        {"name": "Mark Page", "date_of_birth": "1990-05-03"},
    )
    assert findings(text, *people) == findings(text, *people, native=False)
    assert findings(text, people[0]) == findings(text, people[0], native=False)
