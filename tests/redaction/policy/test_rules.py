"""What rules do: by marker, key path, detector, attribute, kind of span, class and destination."""

import json
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from certtrace import ExamSecret, Pii, semconv
from certtrace.ports import ModelValue, SpanRecord, Structured
from certtrace.redaction import RedactionPolicy, Redactor

KEY = b"k" * 32


@dataclass
class Candidate:
    name: Annotated[str, Pii.PERSON]
    email: Annotated[str, Pii.EMAIL]


@dataclass
class Task:
    question: Annotated[str, ExamSecret]


def span(attributes: dict[str, Any], kind: int = 1) -> SpanRecord:
    return SpanRecord(1, 2, 0, "grade", kind, 0, 1, 1, "", attributes)


def redacted(policy: RedactionPolicy, attributes: dict[str, Any], kind: int = 1) -> dict[str, Any]:
    return Redactor(policy, KEY).redact_unit([span(attributes, kind)], [])[0].attributes


def policy(*rules: dict[str, str], **more: Any) -> RedactionPolicy:
    return RedactionPolicy.model_validate({"rules": rules, **more})


TEXT = "write to jane@example.org or call +49 171 1234567"


def test_a_detector_rule_changes_the_operator_of_its_type_only():
    clean = redacted(policy({"detector": "EMAIL", "operator": "drop"}), {"note": TEXT})["note"]
    assert clean.startswith("write to <email> or call <phone:")


def test_a_rule_for_an_attribute_holds_for_that_attribute_only():
    rules = policy({"detector": "EMAIL", "attribute": "app.*", "operator": "keep"})
    clean = redacted(rules, {"app.contact": TEXT, "note": TEXT})
    assert "jane@example.org" in clean["app.contact"]
    assert "+49 171" not in clean["app.contact"]
    assert "jane@" not in clean["note"]


def test_a_text_that_was_kept_in_one_attribute_is_not_taken_for_clean_in_another():
    rules = policy({"detector": "EMAIL", "attribute": "app.*", "operator": "keep"})
    redactor = Redactor(rules, KEY)
    short = "jane@example.org"
    for _ in range(2):
        clean = redactor.redact_unit([span({"app.contact": short, "note": short})], [])[0].attributes
        assert clean["app.contact"] == short
        assert "jane" not in clean["note"]


def test_a_rule_for_a_kind_of_span_holds_for_that_kind_only():
    rules = policy({"span": "generation", "attribute": semconv.OBSERVATION_INPUT, "operator": "hash"})
    generation = {semconv.OBSERVATION_TYPE: "generation", semconv.OBSERVATION_INPUT: "the prompt"}
    assert redacted(rules, generation)[semconv.OBSERVATION_INPUT].startswith("<value:")
    assert redacted(rules, {semconv.OBSERVATION_INPUT: "the prompt"})[semconv.OBSERVATION_INPUT] == "the prompt"
    client = policy({"span": "client", "attribute": "note", "operator": "drop"})
    assert redacted(client, {"note": "x"}, kind=3)["note"] == "<dropped>"
    assert redacted(client, {"note": "x"}, kind=1)["note"] == "x"


def test_a_class_rule_takes_candidate_content_and_leaves_operational_data():
    rules = policy({"class": "C", "operator": "hash"})
    clean = redacted(
        rules,
        {
            semconv.OBSERVATION_INPUT: Structured({"answer": "TCP"}),
            semconv.GEN_AI_REQUEST_MODEL: "claude",
            semconv.USER_ID: "u-1",
            semconv.CONFIDENCE: 0.5,
        },
    )
    assert clean[semconv.OBSERVATION_INPUT].startswith("<value:")
    assert clean[semconv.GEN_AI_REQUEST_MODEL] == "claude"
    assert clean[semconv.CONFIDENCE] == 0.5
    assert clean[semconv.USER_ID] == "u-1"


def test_pseudonymous_ids_can_be_pseudonymised():
    rules = policy({"class": "P", "operator": "pseudonymise"})
    clean = redacted(rules, {semconv.USER_ID: "u-1", semconv.SESSION_ID: "s-9"})
    assert clean[semconv.USER_ID].startswith("<id:")
    assert clean[semconv.USER_ID] != clean[semconv.SESSION_ID]
    assert clean[semconv.USER_ID] == redacted(rules, {semconv.USER_ID: "u-1"})[semconv.USER_ID]


def test_classes_of_findings_take_what_is_marked():
    rules = policy({"class": "X", "operator": "drop"}, {"class": "D", "operator": "hash"})
    value = [
        ModelValue(Task, {"question": "Why is TCP reliable?"}),
        ModelValue(Candidate, {"name": "Jane", "email": ""}),
    ]
    clean = json.loads(redacted(rules, {semconv.OBSERVATION_INPUT: Structured(value)})[semconv.OBSERVATION_INPUT])
    assert clean[0]["question"] == "<exam-secret>"
    assert clean[1]["name"].startswith("<person:")
    assert clean[1]["name"].endswith(" len=4>")


def test_the_first_rule_that_fits_decides():
    rules = policy({"detector": "EMAIL", "operator": "keep"}, {"class": "D", "operator": "drop"})
    clean = redacted(rules, {"note": TEXT})["note"]
    assert clean == "write to jane@example.org or call <phone>"


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("drop", "<dropped>"), ("mask", "**** ***"), ("mask:2", "**** *oe"), ("keep", "Jane Doe")],
)
def test_a_key_path_takes_the_whole_value(operator, expected):
    rules = policy({"key_path": "input.candidate.name", "operator": operator}, identity_keys=False)
    value = Structured({"candidate": {"name": "Jane Doe", "age": 3}})
    clean = json.loads(redacted(rules, {semconv.OBSERVATION_INPUT: value})[semconv.OBSERVATION_INPUT])
    assert clean == {"candidate": {"name": expected, "age": 3}}


def test_what_is_kept_is_still_searched_for_known_people():
    rules = policy({"attribute": "note", "operator": "keep"})
    record = span({"note": "Jane Doe wrote to mail@example.org"})
    clean = Redactor(rules, KEY).redact_unit([record], [{"name": "Jane Doe"}])[0].attributes["note"]
    assert "Jane" not in clean
    assert "mail@example.org" in clean


def test_a_rule_for_a_destination_holds_there_only():
    rules = policy({"class": "C", "operator": "hash", "destination": "langfuse"})
    attributes = {semconv.OBSERVATION_INPUT: "an answer"}
    assert redacted(rules.for_destination("langfuse"), attributes)[semconv.OBSERVATION_INPUT].startswith("<value:")
    assert redacted(rules.for_destination("store"), attributes)[semconv.OBSERVATION_INPUT] == "an answer"
    assert rules.for_destination("store").version == rules.for_destination("others").version
    assert rules.for_destination("langfuse").version != rules.for_destination("store").version


def test_a_class_rule_takes_comments_of_scores_and_inputs_of_dataset_items():
    redactor = Redactor(policy({"class": "C", "operator": "hash"}), KEY)
    clean, receipt = redactor.redact_value(
        {"name": "correct", "comment": "a good answer", "value": 1.0, "metadata": None}
    )
    assert list(clean) == ["name", "comment", "value", "metadata"]
    assert (clean["name"], clean["value"], clean["metadata"]) == ("correct", 1.0, None)
    assert clean["comment"].startswith("<value:")
    assert receipt.counts == {"VALUE": 1}
    item, _ = redactor.redact_value({"input": {"answer": "TCP"}, "datasetName": "golden"})
    assert item["input"].startswith("<value:")
    assert item["datasetName"] == "golden"


def test_the_receipt_tells_types_and_operators():
    record = span({"note": TEXT, "password": "hunter22"})
    clean = Redactor(RedactionPolicy(operators={"PHONE": "mask"}), KEY).redact_unit([record], [])[0]
    receipt = json.loads(clean.attributes[semconv.REDACTION_RECEIPT])
    assert receipt["counts"] == {"EMAIL": 1, "PHONE": 1, "SECRET": 1}
    assert receipt["operators"] == {"drop": 1, "mask": 1, "pseudonymise": 1}
    assert receipt["policy"] == RedactionPolicy(operators={"PHONE": "mask"}).version
