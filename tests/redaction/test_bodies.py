"""JSON bodies: ids arrive as they are, everything else is redacted."""

from typing import Any

import pytest

from certtrace.ports import Receipt
from certtrace.redaction import RedactionPolicy, Redactor
from certtrace.redaction.bodies import redacted_fields

EMAIL = "who@example.com"


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor(RedactionPolicy(), bytes(32))


def test_fields_that_identify_records_arrive_as_they_are(redactor: Redactor) -> None:
    body = {"id": EMAIL, "traceId": EMAIL, "timestamp": "2026-11-23T10:00:00Z", "dataType": "NUMERIC", "version": 3}
    clean, receipt = redacted_fields(redactor, body)
    assert clean == body
    assert receipt.counts == {}


def test_everything_else_is_redacted_in_the_order_given(redactor: Redactor) -> None:
    body = {"name": EMAIL, "id": "x", "comment": f"to {EMAIL}", EMAIL: [1], "metadata": {EMAIL: EMAIL}}
    clean, receipt = redacted_fields(redactor, body)
    hidden = redactor.redact_text(EMAIL)
    assert list(clean) == ["name", "id", "comment", hidden, "metadata"]
    assert clean["metadata"] == {hidden: hidden}
    assert EMAIL not in str(clean)
    assert receipt.counts == {"EMAIL": 5}


def test_an_id_field_that_holds_a_structure_is_none(redactor: Redactor) -> None:
    clean, _ = redacted_fields(redactor, {"source": {"who": EMAIL}, "id": [EMAIL]})
    assert EMAIL not in str(clean)


@pytest.mark.parametrize("key", ["userId", "sessionId"])
def test_who_a_span_names_too_is_redacted_as_there(redactor: Redactor, key: str) -> None:
    clean, _ = redacted_fields(redactor, {key: EMAIL})
    assert clean == {key: redactor.redact_text(EMAIL)}


@pytest.mark.parametrize("key", ["userId", "sessionId", "comment"])
def test_whom_the_trace_knows_is_found(redactor: Redactor, key: str) -> None:
    def known_in(trace_id: str) -> list[object]:
        return [{"name": "Zdenka Kvapilova"}] if trace_id == "ab" * 16 else []

    clean, _ = redacted_fields(redactor, {"traceId": "ab" * 16, key: "by Zdenka Kvapilova"}, known_in)
    assert "Kvapilova" not in clean[key]


def test_where_redaction_fails_nothing_but_ids_is_left(redactor: Redactor) -> None:
    class Failing:
        def redact_value(self, _value: object, _identities: object = ()) -> tuple[Any, Receipt]:
            return "<withheld>", Receipt(withheld=1)

    body = {"id": "x", "name": EMAIL, "sessionId": EMAIL, "metadata": {"a": EMAIL}}
    clean, receipt = redacted_fields(Failing(), body)  # type: ignore[arg-type]  # only what is asked for here
    assert clean == {"id": "x", "name": "<withheld>", "sessionId": "<withheld>", "metadata": "<withheld>"}
    assert receipt.withheld == 1
