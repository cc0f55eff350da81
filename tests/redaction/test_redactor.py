import base64
import json
import logging
import math
import threading
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace import semconv
from certtrace.errors import ConfigurationError
from certtrace.ports import EventRecord, LinkRecord, ModelValue, ScopeRecord, SpanRecord, Structured
from certtrace.redaction import WITHHELD, ExamSecret, Pii, RedactionPolicy, Redactor
from certtrace.redaction.detect.detectors import Detectors

KEY = b"k" * 32
NAME = "Bj\u00f6rn Lindqvist"
EMAIL = "bjorn.lindqvist@example.com"
PHONE = "+49 171 1234567"
CARD = "4111 1111 1111 1111"
RUSSIAN = "\u0418\u0432\u0430\u043d \u041f\u0435\u0442\u0440\u043e\u0432"
IBAN = "DE89370400440532013000"


@dataclass
class Candidate:
    name: Annotated[str, Pii.PERSON]
    email: Annotated[str, Pii.EMAIL]
    phone: Annotated[int, Pii.PHONE]
    level: str


@dataclass
class Question:
    text: Annotated[str, ExamSecret]
    points: int


def candidate(**fields):
    known = {"name": NAME, "email": EMAIL, "phone": 491711234567, "level": "senior"}
    return ModelValue(Candidate, known | fields)


def redactor(native=True, **policy):
    return Redactor(RedactionPolicy(**policy), KEY, native=native)


def span(attributes=None, **fields):
    base = {
        "trace_id": 1, "span_id": 2, "parent_span_id": 0, "name": "grade.pass", "kind": 1, "start_time_ns": 1,
        "end_time_ns": 2, "status_code": 0, "status_message": "", "attributes": attributes or {},
    }  # fmt: skip
    return SpanRecord(**(base | fields))


def redacted(attributes=None, identities=(), policy=None, **fields):
    return redactor(**(policy or {})).redact_unit([span(attributes, **fields)], list(identities))[0]


def everything(record):
    return repr(record)


def shown(value, identities=(), **policy):
    return redactor(**policy).redact_value(value, list(identities))[0]


# --- every field ---


def test_every_field_of_a_span_is_redacted():
    record = redacted(
        {
            f"key {EMAIL}": 1,
            "plain": f"by {EMAIL}",
            "many": [EMAIL, "ok"],
            semconv.OBSERVATION_INPUT: Structured([EMAIL]),
        },
        name=f"grade {EMAIL}",
        status_message=f"failed for {EMAIL}",
        events=[
            EventRecord(f"seen {EMAIL}", 1, {"exception.message": EMAIL, "exception.stacktrace": f"line 1: {EMAIL}"})
        ],
        links=[LinkRecord(1, 2, f"v={EMAIL},ot=th:8", {"to": EMAIL})],
        trace_state=f"ot=th:8;rv:9b8233f7e3a151,vendor=ok,mail={EMAIL},broken",
        scope=ScopeRecord(f"lib {EMAIL}", EMAIL, {"a": EMAIL}),
    )
    text = everything(record)
    assert "example.com" not in text
    assert record.trace_state == "ot=th:8;rv:9b8233f7e3a151,vendor=ok"
    assert record.links[0].trace_state == "ot=th:8"


def test_the_given_spans_are_not_changed():
    original = span({"a": Structured({"x": [EMAIL]})}, events=[EventRecord(EMAIL, 1, {"m": EMAIL})])
    before = repr(original), original.attributes["a"].value["x"]
    redactor().redact_unit([original], [])
    assert (repr(original), original.attributes["a"].value["x"]) == before
    assert original.attributes["a"].value == {"x": [EMAIL]}


def test_a_receipt_says_policy_and_counts_and_no_value():
    record = redacted({"a": f"{EMAIL} and {CARD}"})
    receipt = json.loads(record.attributes[semconv.REDACTION_RECEIPT])
    assert receipt["policy"] == RedactionPolicy().version
    assert receipt["counts"] == {"CREDIT_CARD": 1, "EMAIL": 1}
    assert receipt["withheld"] == 0
    assert receipt["microseconds"] >= 0


# --- declared ---


def test_marked_fields_become_pseudonyms_of_one_person():
    value = shown(candidate())
    assert value["level"] == "senior"
    digest = value["name"].removeprefix("<person:").rstrip(">")
    assert len(digest) == 10
    assert value == {
        "name": f"<person:{digest}>",
        "email": f"<email:{digest}>",
        "phone": f"<phone:{digest}>",
        "level": "senior",
    }
    assert value["name"] == redactor().pseudonym("lindqvist, bjorn")


def test_exam_secrets_are_replaced_wherever_a_prompt_quotes_them():
    text = 'Explain why "sessions" in Redis\n survive a crash.'
    question = ModelValue(Question, {"text": text, "points": 3})
    prompt = 'Grade. EXPLAIN why "sessions" in   Redis survive a crash. Answer: they don\'t'
    value = shown({"q": question, "prompt": prompt, "raw": json.dumps({"p": prompt}), "tail": f"x{json.dumps(text)}y"})
    placeholder = value["q"]["text"]
    assert placeholder.startswith("<exam-secret:")
    assert placeholder.endswith(f" len={len(text)}>")
    assert value["q"]["points"] == 3
    assert value["prompt"] == f"Grade. {placeholder} Answer: they don't"
    assert "Redis" not in json.dumps(value)


def test_a_whole_rubric_under_an_exam_secret_is_withheld():
    @dataclass
    class Task:
        rubric: Annotated[dict[str, str], ExamSecret]

    value = shown(
        [
            ModelValue(Task, {"rubric": {"criterion one": "names two trade-offs of caching"}}),
            "it names two trade-offs of caching",
        ]
    )
    assert "caching" not in json.dumps(value)
    assert "criterion" not in json.dumps(value)


def test_a_class_with_unreadable_markers_is_withheld_whole(monkeypatch):
    from certtrace.redaction.markers import ClassMarks
    from certtrace.redaction.structure import walker

    monkeypatch.setattr(walker, "class_marks", lambda cls: ClassMarks({}, unreadable=True))
    value = shown(ModelValue(Question, {"text": "what is it", "points": 1}))
    assert value == {"text": "<withheld: markers unreadable>", "points": "<withheld: markers unreadable>"}


def test_path_rules_declare_data_without_models():
    policy = {"key_paths": {"input.candidate.*": "person", "input.rubric": "exam_secret"}}
    record = redacted(
        {
            semconv.OBSERVATION_INPUT: Structured(
                {"candidate": {"x": "Wanda Zett"}, "rubric": "The answer names both."}
            ),
            "t": "Wanda Zett",
        },
        policy=policy,
    )
    assert "Zett" not in everything(record)
    assert "names both" not in everything(record)


def test_plain_mappings_with_identity_keys_are_understood():
    value = shown(
        {
            "first_name": "Wanda",
            "lastName": "Zettersten",
            "email": "w.z@example.org",
            "address": "1 Low Road",
            "note": "Zettersten wrote",
        }
    )
    assert "Zett" not in json.dumps(value)
    assert "Road" not in json.dumps(value)
    assert value["note"].endswith(" wrote")


def test_a_json_schema_is_no_identity():
    schema = {
        "type": "object",
        "properties": {"email": {"type": "string"}, "first_name": {"type": "string"}},
        "required": ["email"],
    }
    assert shown(schema) == schema


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("password", "hunter2"),
        ("apiKey", "abc"),
        ("http.request.header.authorization", ["Bearer x"]),
        ("Set-Cookie", "a=b"),
        ("token", "abcdefgh"),
    ],
)
def test_keys_that_say_secret_drop_the_value(key, value):
    assert shown({key: value}) == {key: "<secret>"}
    assert redacted({key: value}).attributes[key] == "<secret>"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_tokens", 5),
        ("token", "Hello"),
        ("token", 7),
        ("session", "in Redis"),
        ("auth", "none"),
        ("password", None),
        ("secret", False),
    ],
)
def test_keys_that_only_look_secret_keep_the_value(key, value):
    assert shown({key: value}) == {key: value}


# --- known people ---


@pytest.mark.parametrize(
    "text",
    [
        "Bj\u00f6rn Lindqvist", "BJORN LINDQVIST", "Lindqvist, Bj\u00f6rn", "B. Lindqvist", "B Lindqvist",
        "bjorn lindqvist", "Lindqvist's", "Lindqvists", "bjorn.lindqvist", "bjorn_lindqvist",
        "Bj%C3%B6rn%20Lindqvist", "Bj%c3%b6rn+Lindqvist", "Bj\\u00f6rn Lindqvist", "Bjo\u0308rn Lindqvist",
        "Bj\u00f6rn\u200bLindqvist", "Bjoern Lindqvist", "Lind\u00adqvist", "Bj\u00f6rn", "Lindqvist B.",
        "blindqvist", "Bj\u00f6rn K. Lindqvist", "Bj&ouml;rn Lindqvist", "BjornLindqvist",
        "bjorn.lindqvist@example.com", "BJORN.LINDQVIST%40EXAMPLE.COM", "0171-1234567", "+49 (0) 171 123 45 67",
        "00491711234567",
    ],
)  # fmt: skip
@pytest.mark.parametrize("native", [True, False], ids=["re2", "re"])
def test_a_known_person_is_found_however_written(text, native):
    identity = {"name": NAME, "email": EMAIL, "phone": PHONE}
    value, receipt = redactor(native).redact_value(f"the answer of {text} is good", [identity])
    letters = value.replace("the answer of ", "").replace(" is good", "")
    assert letters.startswith("<"), value
    assert letters.endswith(">"), value
    assert sum(receipt.counts.values()) == 1
    assert redactor().pseudonym(NAME)[8:-1] in value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Mark Will", "I will mark the packet. Will it be in the queue? Mark the header."),
        ("Grace May", "It may arrive in May; the grace period ends."),
        ("Edsger Dijkstra", "Dijkstra's algorithm and Dijkstra algorithm"),
        ("Frank Conway", "To be frank, Conway's law holds."),
        ("Kim Lee", "lee side, kim"),
        ("Art Summers", "state of the art, in summers"),
        ("Session Redis", "a session in redis"),
    ],
)
def test_names_that_are_words_do_not_blacken_the_text(name, text):
    assert shown(text, [{"name": name}]) == text


def test_names_that_are_words_are_found_beside_a_sign_of_the_person():
    value = shown("Dear Mark, this is Mark Will. I told Mark so.", [{"name": "Mark Will"}])
    assert "Mark" not in value
    assert "Will" not in value


@pytest.mark.parametrize(
    ("identity", "text"),
    [
        ({"name": "Anne-Marie O\u2019Brien-Smythe"}, "Anne Marie O'Brien Smythe"),
        ({"name": "Anne-Marie O\u2019Brien-Smythe"}, "mrs OBrien-Smythe"),
        ({"given_name": "Jos\u00e9", "family_name": "Garc\u00eda M\u00e1rquez"}, "Garcia Marquez, Jose"),
        ({"name": "Dr. Ursula von der Leyen"}, "U. von der Leyen"),
        ({"name": "Jens M\u00fcller-Stra\u00df"}, "Jens Mueller-Strass"),
        ({"name": "\u738b\u4f1f"}, "\u7b54\u6848\u738b\u4f1f\u5199"),
        ({"name": RUSSIAN}, f"\u043e\u0442 {RUSSIAN.split()[1]}"),
        ({"handle": "wz_1988"}, "github.com/WZ_1988"),
        ({"candidate_id": "C-2026-0042"}, "row c-2026-0042"),
        ({"address": "12 Low Road, Leeds"}, "lives at 12 low road"),
    ],
)
def test_other_names_and_signs_are_found(identity, text):
    value = shown(text, [identity])
    assert "<" in value
    parts = (
        "Marie",
        "Brien",
        "Smythe",
        "Garcia",
        "Marquez",
        "Jose",
        "Leyen",
        "Mueller",
        "Strass",
        "WZ",
        "0042",
        "road",
    )
    assert not [part for part in (*parts, "\u738b", RUSSIAN.split()[1]) if part in value], value


def test_the_role_of_a_person_is_not_searched_for():
    assert shown("the expert decides", [{"name": "Wanda Zett", "role": "expert"}]) == "the expert decides"


def test_two_people_keep_their_own_pseudonyms():
    people = [{"name": "Wanda Zett", "email": "wanda@example.org"}, {"name": NAME}]
    value = shown("Wanda Zett grades Lindqvist (wanda@example.org)", people)
    wanda, bjorn = redactor().pseudonym("Wanda Zett"), redactor().pseudonym(NAME)
    assert value == f"{wanda} grades {bjorn} (<email:{wanda[8:-1]}>)"


def test_people_found_in_one_span_are_known_in_all_spans_of_the_unit():
    spans = [span({"a": "by Lindqvist"}), span({semconv.OBSERVATION_INPUT: Structured(candidate())})]
    first, _ = redactor().redact_unit(spans, [])
    assert "Lindqvist" not in everything(first)


# --- data ---


def test_json_inside_a_text_stays_json():
    inner = {"email": EMAIL, "n": 12345678901234567890123, "x": [1.5, None]}
    value = shown({"body": json.dumps(inner)})
    parsed = json.loads(value["body"])
    assert parsed["n"] == inner["n"]
    assert parsed["x"] == [1.5, None]
    assert parsed["email"].startswith("<email:")


def test_json_without_findings_stays_character_by_character():
    text = '{"a": 1.10, "b" : [ "x" ]}'
    assert shown(text) == text


def test_equal_keys_in_json_hide_nothing():
    assert "example.com" not in shown('{"a": "jane@example.com", "a": "ok"}')


def test_structured_values_are_json_and_plain_text_stays_text():
    record = redacted(
        {
            "a": Structured("plain"),
            "b": Structured({1: float("nan"), None: b"\x00\x01", "big": 2**70}),
            "c": Structured(None),
        }
    )
    assert record.attributes["a"] == "plain"
    assert json.loads(record.attributes["b"]) == {"1": "nan", "None": "<bytes 2>", "big": 2**70}
    assert record.attributes["c"] == "null"


def test_data_uris_and_bytes_show_only_their_size():
    uri = "data:image/png;base64," + "iVBORw0K" * 300
    assert shown(f"see {uri} end") == "see <data uri image/png, 1800 bytes> end"


def test_cycles_depth_and_length_are_bounded():
    cycle = []
    cycle.append(cycle)
    deep = current = []
    for _ in range(50_000):
        current.append([])
        current = current[0]
    value, receipt = redactor(max_items=3).redact_value({"c": cycle, "d": deep, "l": list(range(9))})
    assert value["c"] == ["<cycle>"]
    assert value["l"] == [0, 1, 2, "<cut: 6 more items>"]
    assert receipt.withheld == 2


def test_a_value_too_large_is_cut_and_nothing_is_halved():
    text = "x " * 120 + EMAIL + " y" * 4_000
    value, receipt = redactor(max_value_bytes=256).redact_value(text)
    assert "bjorn" not in value
    assert "<cut: 8267 characters in all, " in value
    assert len(value) < 400
    assert receipt.withheld == 1


def test_a_card_number_as_an_integer_is_replaced():
    assert shown({"n": 4111111111111111, "t": 1763838475123456789, "p": 65535}) == {
        "n": "<credit_card>", "t": 1763838475123456789, "p": 65535,
    }  # fmt: skip


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_of_personal_data_is_replaced_and_other_base64_stays(encode):
    identities = [{"name": NAME}]
    personal, other = (
        encode(text.encode()).decode() for text in (f"Bj\u00f6rn Lindqvist's answer {CARD}", "a session lives in Redis")
    )
    assert shown(f"x {personal} y", identities).startswith("x <")
    assert personal not in shown({"a": personal}, identities)["a"]
    assert shown(f"x {other} y", identities) == f"x {other} y"


def test_the_texts_of_one_structure_share_the_bound():
    value, receipt = redactor(max_value_bytes=256).redact_value(["x" * 200, "y" * 200, "z" * 200])
    assert value == ["x" * 200, "y" * 200, "<cut: 200 characters beyond the bound>"]
    assert receipt.withheld == 1


def test_placeholders_survive_a_second_redaction():
    once = shown(f"call {PHONE} or {EMAIL}, {NAME}", [{"name": NAME}])
    assert shown(once, [{"name": NAME}]) == once
    assert shown("phone: <phone:0123456789>") == "phone: <phone:0123456789>"


# --- policy ---


def test_the_policy_version_changes_with_the_policy():
    assert RedactionPolicy().version == RedactionPolicy().version
    assert (
        len({p.version for p in (RedactionPolicy(), RedactionPolicy(profile="strict"), RedactionPolicy(max_items=5))})
        == 3
    )


def test_profiles_differ_in_addresses_forms_and_free_text():
    text = f"host 10.0.0.1 {EMAIL}"
    assert shown(text).startswith("host 10.0.0.1 <email:")
    assert shown(text, profile="open") == text
    assert shown(text, profile="strict").startswith("<text:")
    assert shown("10.0.0.1", profile="strict").startswith("<ip:")


def test_allowed_texts_stay():
    assert shown("write to help@example.com", allow={"HELP@example.com"}) == "write to help@example.com"


def test_an_unknown_detector_or_marker_is_refused():
    with pytest.raises(ValueError, match="Unknown detectors"):
        RedactionPolicy(detectors={"FACE"})
    with pytest.raises(ValueError, match="Unknown marker"):
        RedactionPolicy(key_paths={"a": "nothing"})


def test_a_short_key_is_refused():
    with pytest.raises(ConfigurationError, match="16"):
        Redactor(RedactionPolicy(), b"short")


def test_another_key_gives_other_pseudonyms():
    assert redactor().pseudonym(NAME) != Redactor(RedactionPolicy(), b"j" * 32).pseudonym(NAME)


# --- failure ---


def test_a_failing_detector_withholds_the_value_and_the_span_goes_out(monkeypatch, caplog):
    def fail(*_):
        raise ValueError(EMAIL)

    monkeypatch.setattr(Detectors, "examine", fail)
    monkeypatch.setattr(Detectors, "suspects", fail)
    broken = redactor()
    with caplog.at_level(logging.ERROR):
        records = broken.redact_unit([span({"a": f"by {EMAIL}", "n": 5}), span({"a": EMAIL})], [])
    assert len(records) == 2
    assert WITHHELD in records[0].attributes.values()
    assert 5 in records[0].attributes.values()
    assert "example.com" not in everything(records)
    assert broken.failures > 2
    assert json.loads(records[0].attributes[semconv.REDACTION_RECEIPT])["withheld"] > 0
    assert len(caplog.records) == 1
    assert "example.com" not in caplog.text
    assert broken.redact_text(EMAIL) == WITHHELD


def test_when_a_known_person_cannot_be_compiled_all_text_is_withheld(monkeypatch):
    from certtrace.redaction.known.identity import KnownPeople

    def fail(self, people):
        raise RuntimeError(NAME)

    monkeypatch.setattr(KnownPeople, "compiled", fail)
    value, receipt = redactor().redact_value({"a": "by Lindqvist", "n": 1}, [{"name": NAME}])
    assert "Lindqvist" not in repr(value)
    assert receipt.withheld


def test_a_mapping_that_raises_is_withheld():
    class Hostile(dict):
        def items(self):
            raise RuntimeError(EMAIL)

    record = redacted({"a": Structured(Hostile(a=1)), "b": "fine"})
    assert record.attributes["a"] == WITHHELD
    assert "example.com" not in everything(record)


def test_one_redactor_serves_many_threads():
    shared, wrong = redactor(), []

    def work(number):
        name = f"Wanda{number} Zettersten{number}"
        for _ in range(20):
            value, _ = shared.redact_value(f"by {name} ({EMAIL})", [{"name": name}])
            if value != f"by {shared.pseudonym(name)} ({shared.pseudonym(EMAIL, 'email')})":
                wrong.append(value)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# --- properties ---


def _plain(text):
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).lower()


WRITTEN = [
    str,
    lambda text: base64.b64encode(text.encode()).decode(),
    str.upper,
    lambda text: "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)),
    lambda text: unicodedata.normalize("NFD", text),
    quote,
    quote_plus,
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(json.dumps(text))[3:-3],
]
ENCODED = st.builds(
    lambda value, write: write(value), st.sampled_from([NAME, EMAIL, CARD, IBAN]), st.sampled_from(WRITTEN)
)
AROUND = st.sampled_from(
    ["", " ", "\n", "(", '"', "the answer of ", "x=", ", ", "{", "[1, ", "\u00e4 ", "\u4e2d ", " 100% ", "\\"]
)
PLANTED = st.builds(lambda before, value, after: before + value + after, AROUND, ENCODED, AROUND)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.binary(max_size=8) | PLANTED
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=6) | PLANTED, inner, max_size=4)
        | inner.map(lambda value: ModelValue(Question, {"text": "what is it all about", "points": value}))
        | st.dictionaries(st.text(max_size=4), st.text(max_size=6) | PLANTED, max_size=3).map(json.dumps)
    ),
    max_leaves=12,
)
SIGNS = ("lindqvist", "bjorn", "41111111", "4111 1111", "370400440532", "bjorn.lindqvist")


def otlp_clean(value):
    if isinstance(value, list):
        return len({type(item) for item in value}) <= 1 and all(
            otlp_clean(item) and not isinstance(item, list) for item in value
        )
    if isinstance(value, str):
        value.encode("utf-8")
        return "\0" not in value
    if isinstance(value, bool | float):
        return True
    return isinstance(value, int) and -(2**63) <= value < 2**63


@pytest.mark.parametrize("native", [True, False], ids=["re2", "re"])
@given(VALUES)
@settings(max_examples=250, deadline=None)
def test_planted_data_never_survives_and_the_output_is_clean(native, value):
    shared = _shared(native)
    planted = span(
        {"plain": value, semconv.OBSERVATION_INPUT: Structured(value)},
        status_message=str(value)[:500] if isinstance(value, str) else "",
    )
    record = shared.redact_unit([planted], [{"name": NAME, "email": EMAIL}])[0]
    out = json.dumps(record.attributes, ensure_ascii=False) + record.status_message
    for part in (NAME, EMAIL, CARD, IBAN):
        assert base64.b64encode(part.encode()).decode() not in out
    out = _plain(out)
    for sign in SIGNS:
        assert sign not in out, out
    assert shared.failures == 0
    assert all(otlp_clean(key) and otlp_clean(item) for key, item in record.attributes.items())
    if isinstance(value, Mapping | list | ModelValue):
        json.loads(record.attributes[semconv.OBSERVATION_INPUT])


_redactors = {native: redactor(native) for native in (True, False)}


def _shared(native):
    return _redactors[native]


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_both_engines_redact_alike(value):
    identities = [{"name": NAME, "email": EMAIL}]
    assert repr(_shared(True).redact_value(value, identities)[0]) == repr(
        _shared(False).redact_value(value, identities)[0]
    )


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_redacted_text_can_be_stored_anywhere(text):
    out = _shared(True).redact_text(text)
    assert otlp_clean(out)
    assert not math.isnan(len(out))
