"""Values that keys declare in text no parser reads."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace.redaction.structure.keyed import KeyedValues
from certtrace.redaction.structure.secret_keys import SECRET_KEYS
from certtrace.redaction.text.views import View, views

KEYED = KeyedValues(SECRET_KEYS)


def found(text, keyed=KEYED):
    """Return what the views of a text show, the outermost of what overlaps."""
    places = {
        (*view.to_source(finding.start, finding.end), finding.type)
        for view in views(text)
        for finding in keyed.find(view)
    }
    outer = [p for p in places if not any(q[0] <= p[0] and p[1] <= q[1] and q[:2] != p[:2] for q in places)]
    return [(text[start:end], kind) for start, end, kind in sorted(outer)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Result: {"email": "a@b.de", "score": 3}', [("a@b.de", "EMAIL")]),
        ('Result: {"email": "a@b.de", "name": "Zed"} ok', [("a@b.de", "EMAIL"), ("Zed", "PERSON")]),
        ("{'date_of_birth': datetime.date(1990, 1, 2)}", [("datetime.date(1990, 1, 2)", "DOB")]),
        ("Candidate(first_name='Zed', score=3)", [("Zed", "PERSON")]),
        ('{"c": {"date_of_birth": "1990-0', [("1990-0", "DOB")]),
        ('{\\"surname\\": \\"Zed\\"}', [("Zed", "PERSON")]),
        ("/find?first_name=Zed&last_name=Ott&x=1", [("Zed", "PERSON"), ("Ott", "PERSON")]),
        ('{surname: "Zed"}', [("Zed", "PERSON")]),
        ("{:surname=>'Zed'}", [("Zed", "PERSON")]),
        ("{'surname' => 'Zed'}", [("Zed", "PERSON")]),
        ('x = {"password": "hunter2", "n": 1}', [("hunter2", "SECRET")]),
        ('{"credentials": {"user": "a", "pw": "b"}, "x": 1}', [('{"user": "a", "pw": "b"}', "SECRET")]),
        ('{"surname": "O\\"Neil", "x": 1}', [('O\\"Neil', "PERSON")]),
        ('{"surname": "Zed\nnext line', [("Zed", "PERSON")]),
        ('"ssn": 123456789', [("123456789", "SSN")]),
    ],
    ids=[
        "prose", "beside", "call", "repr", "cut", "escaped", "query", "bare", "symbol", "ruby", "secret", "mapping",
        "quote", "line", "number",
    ],
)  # fmt: skip
def test_a_key_declares_its_value(text, expected):
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        '{"email": "string", "surname": "varchar(40)", "phone": "optional"}',
        'first_name = input("x")',
        "f(first_name=first_name, surname=row.surname)",
        '{"surname": "<person:7f3a91c04d>", "email": "{email}"}',
        'Subject of the email: "Hello @ you"',
        '"token": "Hello world", "token": 5',
        '{"name": "orders", "id": "x"}',
        '{"surname": "", "email": null}',
        '<input type="password" name="email">',
        "a: b = c == d := e",
        '{"date_of_birth": "unknown"}',
        '{"name": "orders"} {"email": "a@b.de"}'[:18],
    ],
    ids=[
        "types", "code", "arguments", "templates", "prose", "words", "doubtful", "empty", "html", "signs", "no-digits",
        "other-object",
    ],
)  # fmt: skip
def test_what_declares_nobody_stays(text):
    assert found(text) == []


def test_a_doubtful_key_counts_only_in_the_same_object():
    assert found('[{"name": "orders"}, {"email": "a@b.de"}]') == [("a@b.de", "EMAIL")]


def test_identity_keys_can_be_switched_off_and_secret_keys_chosen():
    keyed = KeyedValues(frozenset({"pin"}), identity_keys=False)
    assert found('{"email": "a@b.de", "pin": "12345", "password": "abcdef"}', keyed) == [("12345", "SECRET")]


def test_a_finding_names_its_key():
    assert [finding.rule for finding in KEYED.find(View('{"lastName": "Zed"}'))] == ["key.last_name"]


@settings(deadline=None)
@given(before=st.text(max_size=20), name=st.sampled_from(["Zed", "\u00c5sa-Li", "van Dam"]), rounds=st.integers(0, 2))
def test_a_planted_value_is_found_behind_any_text_and_escaping(before, name, rounds):
    inner = f'{{"surname": "{name}", "n": 1}}'
    for _ in range(rounds):
        inner = json.dumps(inner)[1:-1]
    text = before.replace('"', "").replace("'", "").replace("\\", "") + inner
    covered = {place for view in views(text) for finding in KEYED.find(view)
               for place in range(*view.to_source(finding.start, finding.end))}  # fmt: skip
    spelled = name
    for _ in range(rounds):
        spelled = json.dumps(spelled)[1:-1]
    start = text.rindex(spelled)
    assert covered.issuperset(range(start, start + len(spelled)))


@pytest.mark.parametrize("unit", ['"surname":', "surname='", "password=(", "' :", "a=", "{surname: '", '"'])
def test_time_is_linear_in_the_text(unit):
    def spent(size):
        view = View(unit * size)
        begin = time.thread_time()
        list(KEYED.find(view))
        return time.thread_time() - begin

    spent(100)
    assert spent(20_000) < 50 * max(spent(2_000), 0.002)
