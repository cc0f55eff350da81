"""Odd shapes of data: what the walker, the JSON text and the fields of people do with them."""

import json
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from certtrace.ports import ModelValue, SpanRecord
from certtrace.redaction import Pii, RedactionPolicy, Redactor
from certtrace.redaction.structure import jsontext

KEY = b"k" * 32


def shown(value, identities=(), **policy):
    return Redactor(RedactionPolicy(**policy), KEY).redact_value(value, list(identities))[0]


@dataclass
class Team:
    people: Annotated[Any, Pii.PERSON]
    expert_name: Annotated[str, Pii.PERSON]
    expert_email: Annotated[str, Pii.EMAIL]
    room: str = "A1"


def team(people):
    return ModelValue(
        Team, {"people": people, "expert_name": "Olga Nord", "expert_email": "o.n@example.org", "room": "A1"}
    )


@pytest.mark.parametrize(
    "people",
    [
        ["Wanda Zett", "Ivo Brandt"],
        {"lead": "Wanda Zett", "second": {"n": "Ivo Brandt"}},
        ("Wanda Zett", ["Ivo Brandt"]),
    ],
)
def test_a_marker_covers_everything_below_the_field(people):
    value = shown([team(people), "Zett and Brandt met Olga Nord"])
    text = json.dumps(value)
    for part in ("Zett", "Brandt", "Olga", "Nord", "example.org"):
        assert part not in text
    assert value[0]["room"] == "A1"


def test_fields_with_one_prefix_are_one_person():
    value = shown(team([]))
    assert value["expert_name"].removeprefix("<person:") == value["expert_email"].removeprefix("<email:")


def test_nothing_and_truth_stay_under_a_marker():
    assert shown(team(None))["people"] is None
    assert shown(team(True))["people"] is True
    assert shown(team(""))["people"] == ""


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (1, "1"),
        (1.5, "1.5"),
        (True, "True"),
        (None, "None"),
        (("a", 2), "a,2"),
        (b"x", "<bytes>"),
        (4111111111111111, "<credit_card>"),
    ],
)
def test_every_key_becomes_text(key, name):
    assert shown({key: "v"}) == {name: "v"}


def test_keys_that_become_equal_are_told_apart():
    value = shown({"4111111111111111": 1, "5555555555554444": 2, "378282246310005": 3})
    assert value == {"<credit_card>": 1, "<credit_card>#2": 2, "<credit_card>#3": 3}


def test_numbers_beyond_measure_show_only_their_size():
    assert shown([10**60, float("inf"), 2**70]) == ["<integer of 200 bits>", "inf", 2**70]


def test_a_phone_number_given_as_an_integer_is_found_as_an_integer():
    value = shown({"caller": 491711234567, "other": 491719999999}, [{"name": "Wanda Zett", "phone": "+49 171 1234567"}])
    assert value["caller"].startswith("<phone:")
    assert value["other"] == 491719999999


def test_an_object_that_capture_did_not_know_shows_its_type_only():
    class Secretive:
        def __repr__(self):
            return "jane@example.com"

    assert shown([Secretive(), {1, 2}.__class__]) == ["<Secretive>", "<type>"]


def test_too_many_values_are_cut():
    wide = [["x"] * 500 for _ in range(500)]
    value = shown(wide)
    assert json.dumps(value).count("too many values") > 0


def test_a_path_rule_may_name_an_attribute():
    span = SpanRecord(1, 2, 0, "n", 1, 0, 1, 0, "by wanda-zett", {"user.id": "wanda-zett", "n": 1})
    record = Redactor(RedactionPolicy(key_paths={"user.id": "id"}), KEY).redact_unit([span], [])[0]
    assert record.attributes["user.id"].startswith("<id:")
    assert record.attributes["n"] == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1e400]}', None),
        ('["\\ud800"]', ["\ud800"]),
        ("[12345678901234567890123]", [12345678901234567890123]),
        ("[1,]", None),
    ],
)
def test_json_in_a_text_is_read_when_it_can_be(text, value):
    read = jsontext.loads(text)
    assert read == value or (value is None and read in (None, {"a": [float("inf")]}))


def test_json_out_holds_any_integer_and_letters_as_they_are():
    assert jsontext.dumps({"\u00e4": 2**70}) == f'{{"\u00e4":{2**70}}}'
    assert jsontext.clean("a\ud800b\0c\ud83d\ude00") == "a\ufffdb\ufffdc\U0001f600"


def test_lone_surrogates_inside_json_do_not_reach_the_output():
    value = shown('{"a": "\\ud800 jane@example.com"}')
    value.encode("utf-8")
    assert "example.com" not in value


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("Edsger Dijkstra", "Dear Dijkstra, well done", False),
        ("Edsger Dijkstra", "it uses Dijkstra twice", True),
        ("Wanda King", "I asked King about it", False),
        ("Wanda King", "The King Of Queues", True),
        ("Ann Ek", "Ann says", False),
        ("Ann Ek", "ann says", True),
    ],
)
def test_a_single_name_part_counts_where_the_context_speaks_for_a_person(name, text, kept):
    assert (shown(text, [{"name": name}]) == text) is kept
