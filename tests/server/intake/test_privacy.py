"""Nothing personal that comes from elsewhere reaches the disk, whichever field brings it."""

import gzip
import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from tests.leaks.plants import CONTROL, STRUCTURED
from tests.server.intake.exports import (
    PATH,
    export,
    json_export,
    observation,
    send,
    span,
    stored,
    text,
)  # fmt: skip
from tests.server.serving import Serving, serving

from certtrace import semconv
from certtrace.server.access import Role
from certtrace.testing import find_leaks

MOMENT = "2026-11-23T10:00:00.000Z"
LABELLED = Path(__file__).parents[4] / "shared" / "data" / "pii_dev.jsonl.gz"
PLANT = f"{CONTROL} " + " ; ".join(STRUCTURED.values())


@pytest.fixture
def writer(box: Serving) -> httpx.Client:
    return box.client(Role.ADMIN)


@pytest.fixture(scope="module")
def log() -> Iterator[io.StringIO]:
    kept = io.StringIO()
    handler = logging.StreamHandler(kept)
    root = logging.getLogger()
    root.addHandler(handler)
    yield kept
    root.removeHandler(handler)


def _check(box: Serving, log: io.StringIO) -> None:
    assert find_leaks(STRUCTURED, {"home": box.home, "log": log.getvalue() or "nothing"}) == []
    assert find_leaks({"control": CONTROL}, box.home)


def test_no_field_of_a_span_in_protobuf_keeps_it(box: Serving, writer: httpx.Client, log: io.StringIO) -> None:
    planted = span(1, 1, PLANT, **{PLANT: "a key", "langfuse.observation.input": PLANT, "free": PLANT})
    planted.status.code, planted.status.message = Status.STATUS_CODE_ERROR, PLANT
    planted.trace_state = f"vendor={CONTROL}-4111111111111111"
    planted.events[0].name = PLANT
    planted.events[0].attributes.append(text(PLANT, PLANT))
    planted.events.add(name="exception").attributes.append(text("exception.stacktrace", PLANT))
    planted.events.add(name="gen_ai.content.prompt").attributes.append(text("gen_ai.prompt", PLANT))
    link = planted.links.add(trace_id=bytes(16), span_id=bytes(8), trace_state=f"vendor={CONTROL}")
    link.attributes.append(text("why", PLANT))
    value = AnyValue(string_value=PLANT)
    pairs = KeyValueList(values=[KeyValue(key=PLANT, value=value)])
    for key, nested in {
        "list": AnyValue(array_value=ArrayValue(values=[value, AnyValue(kvlist_value=pairs)])),
        "pairs": AnyValue(kvlist_value=pairs),
        "bytes": AnyValue(bytes_value=PLANT.encode()),
    }.items():
        planted.attributes.append(KeyValue(key=key, value=nested))
    for key in ("user.id", "session.id", "langfuse.trace.name", "langfuse.trace.tags", "langfuse.version",
                "langfuse.observation.model.name", "langfuse.observation.model.parameters", "langfuse.release",
                "langfuse.observation.metadata", "langfuse.observation.metadata.k", "langfuse.trace.metadata.k",
                "langfuse.observation.usage_details", "langfuse.observation.prompt.name", "gen_ai.tool.name",
                "langfuse.experiment.name", "langfuse.experiment.item.expected_output"):  # fmt: skip
        planted.attributes.append(
            text(key, json.dumps({"who": PLANT}) if key.endswith(("metadata", "details")) else PLANT)
        )
    message = export(planted, scope=PLANT, **{"service__name": PLANT, "host.name": PLANT, PLANT: "a key"})
    group = message.resource_spans[0]
    group.schema_url = f"http://example.com/{STRUCTURED['token']}"
    group.scope_spans[0].schema_url = group.schema_url
    group.scope_spans[0].scope.version = PLANT
    group.scope_spans[0].scope.attributes.append(text(PLANT, PLANT))
    assert send(writer, message).status_code == 200
    _check(box, log)


def test_no_field_of_a_span_in_json_keeps_it(box: Serving, writer: httpx.Client, log: io.StringIO) -> None:
    attributes = [{"key": "langfuse.observation.output", "value": {"stringValue": PLANT}}]
    body = json_export(
        name=PLANT, attributes=attributes, status={"code": 2, "message": PLANT},
        events=[{"name": PLANT, "attributes": attributes}], links=[{"attributes": attributes}],
    )  # fmt: skip
    assert writer.post(PATH, json=body).status_code == 200
    _check(box, log)


@pytest.mark.parametrize("wrong", [{"spanId": "abcd"}, {"attributes": {"a": PLANT}}, {"startTimeUnixNano": PLANT}])
def test_a_refusal_repeats_nothing(box: Serving, writer: httpx.Client, log: io.StringIO, wrong: dict[str, Any]) -> None:
    answer = writer.post(PATH, json=json_export(name=PLANT, **wrong))
    assert answer.status_code == 400
    assert find_leaks({**STRUCTURED, "control": CONTROL}, {"answer": answer.text}) == []
    assert find_leaks(STRUCTURED, {"log": log.getvalue() or "nothing"}) == []


@pytest.mark.parametrize("as_list", [True, False])
def test_no_field_of_a_score_keeps_it(box: Serving, writer: httpx.Client, log: io.StringIO, as_list: bool) -> None:
    score = {"name": PLANT, "value": PLANT, "comment": PLANT, "metadata": {PLANT: [PLANT]}, "sessionId": PLANT}
    answer = writer.post("/api/public/scores", json=[score] if as_list else score)
    assert answer.status_code in (200, 202)
    _check(box, log)
    assert find_leaks({"control": CONTROL}, {"scores": str(stored(box, "scores"))})


def test_no_field_of_an_event_keeps_it(box: Serving, writer: httpx.Client, log: io.StringIO) -> None:
    deep = {"who": [PLANT, {PLANT: PLANT}]}
    trace = {
        "id": "t", "name": PLANT[:900], "userId": PLANT, "sessionId": PLANT, "tags": [PLANT], "release": PLANT,
        "version": PLANT, "metadata": deep, "input": deep, "output": PLANT,
    }  # fmt: skip
    step = {
        "id": "s", "traceId": "t", "name": PLANT, "statusMessage": PLANT, "model": PLANT, "version": PLANT,
        "modelParameters": {PLANT: PLANT}, "usageDetails": {PLANT: 1}, "costDetails": {PLANT: 1}, "promptName": PLANT,
        "promptVersion": 1, "metadata": deep, "input": deep, "output": PLANT,
    }  # fmt: skip
    score = {"name": PLANT, "value": PLANT, "traceId": "t", "comment": PLANT, "metadata": deep}
    kinds = {"trace-create": trace, "generation-create": step, "generation-update": step, "score-create": score,
             "sdk-log": {"log": PLANT}}  # fmt: skip
    batch = [{"id": kind, "type": kind, "timestamp": MOMENT, "body": body} for kind, body in kinds.items()]
    answer = writer.post("/api/public/ingestion", json={"batch": batch, "metadata": deep})
    assert answer.status_code == 207
    assert answer.json()["errors"] == []
    _check(box, log)


OTHERS: dict[str, dict[str, Any]] = {
    "/api/public/v2/prompts": {
        "name": "greeting", "type": "text", "prompt": PLANT, "config": {PLANT: PLANT}, "tags": [PLANT],
        "labels": [], "commitMessage": PLANT,
    },
    "/api/public/v2/datasets": {"name": PLANT, "description": PLANT, "metadata": {PLANT: PLANT}},
    "/api/public/comments": {"objectType": "TRACE", "objectId": f"{1:032x}", "content": PLANT, "projectId": "default"},
    "/api/public/score-configs": {"name": "config", "dataType": "NUMERIC", "description": PLANT},
    "/api/public/annotation-queues": {"name": PLANT, "description": PLANT},
}  # fmt: skip


@pytest.mark.parametrize("path", OTHERS)
def test_no_other_record_keeps_it(tmp_path: Path, log: io.StringIO, path: str) -> None:
    with serving(tmp_path) as own:
        assert send(own.client(), export(span(1, 1))).status_code == 200
        config = own.client().post("/api/public/score-configs", json={"name": "c", "dataType": "NUMERIC"}).json()
        given = OTHERS[path] | ({"scoreConfigIds": [config["id"]]} if "queues" in path else {})
        answer = own.client().post(path, json=given)
        assert answer.status_code < 300, answer.text
        assert find_leaks(STRUCTURED, {"home": tmp_path, "log": log.getvalue() or "nothing"}) == []


def test_a_session_of_a_score_is_found_by_that_of_its_spans(box: Serving, writer: httpx.Client) -> None:
    session = STRUCTURED["other e-mail"]
    assert send(writer, export(span(2, 2, session__id=session))).status_code == 200
    assert writer.post("/api/public/scores", json={"name": "a", "value": 1, "sessionId": session}).status_code == 200
    (found,) = [row for row in stored(box, "scores") if row["name"] == "a"]
    assert found["session_id"] == observation(box, f"{2:016x}")["session_id"]
    assert session not in found["session_id"]


# --- receipts ---------------------------------------------------------------------------------------------------------


def _receipt(box: Serving, policy: str) -> str:
    return json.dumps({"policy": policy, "counts": {}, "withheld": 0, "operators": {}, "microseconds": 1})


@pytest.mark.parametrize("key", [semconv.REDACTION_RECEIPT, semconv.metadata(semconv.REDACTION_RECEIPT)])
def test_a_span_with_the_receipt_of_a_trusted_policy_stays_as_it_is(
    box: Serving, writer: httpx.Client, key: str
) -> None:
    (policy,) = box.box.trusted_policies
    trusted = span(3, 3, "kept@example.com", **{key: _receipt(box, policy)})
    assert send(writer, export(trusted)).status_code == 200
    assert observation(box, f"{3:016x}")["name"] == "kept@example.com"


@pytest.mark.parametrize(
    "receipt", ["{}", "no JSON", '"text"', "[]", '{"policy": ["0"]}', '{"policy": "0123456789ab"}']
)
def test_any_other_receipt_is_worth_nothing(box: Serving, writer: httpx.Client, receipt: str) -> None:
    foreign = span(4, 4, "who@example.com", **{semconv.REDACTION_RECEIPT: receipt})
    assert send(writer, export(foreign)).status_code == 200
    found = observation(box, f"{4:016x}")
    assert "who@example.com" not in str(found)
    told = found["metadata"]["cert.redaction"]
    assert told["policy"] in box.box.trusted_policies
    assert told["counts"] == {"EMAIL": 1}


def test_a_receipt_covers_its_own_span_only(box: Serving, writer: httpx.Client) -> None:
    (policy,) = box.box.trusted_policies
    trusted = span(5, 5, "kept@example.com", **{semconv.REDACTION_RECEIPT: _receipt(box, policy)})
    assert send(writer, export(trusted, span(5, 6, "who@example.com"))).status_code == 200
    assert observation(box, f"{5:016x}")["name"] == "kept@example.com"
    assert "who@example.com" not in str(observation(box, f"{6:016x}"))


def test_a_body_without_anything_personal_stays_as_it_is(box: Serving, writer: httpx.Client) -> None:
    score = {"id": "plain", "name": "tone", "value": "calm", "traceId": "t", "comment": "fine", "metadata": {"k": [1]}}
    assert writer.post("/api/public/scores", json=score).status_code == 200
    (found,) = [row for row in stored(box, "scores") if row["id"] == "plain"]
    assert (found["name"], found["value"], found["comment"]) == ("tone", "calm", "fine")
    assert json.loads(found["metadata"]) == {"k": [1]}


# --- labelled data ----------------------------------------------------------------------------------------------------


def _labelled(redact: Callable[[str], str]) -> dict[str, str]:
    """Return labelled texts by a value in them that the redactor finds where the text stands alone."""
    found: dict[str, str] = {}
    with gzip.open(LABELLED, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            clean = redact(row["text"])
            for label in row["spans"]:
                value = row["text"][label["start"] : label["end"]]
                if sum(map(str.isalnum, value)) >= 10 and value.isascii() and value not in clean:
                    found[value] = row["text"]
            if len(found) >= 400:
                break
    return found


@pytest.mark.slow
@pytest.mark.skipif(not LABELLED.exists(), reason="the labelled data is not here")
def test_labelled_data_is_found_in_every_field_as_in_a_text(box: Serving, writer: httpx.Client) -> None:
    planted = _labelled(box.box.redactor.redact_text)
    assert len(planted) >= 200
    for number, value in enumerate(planted.values(), 1000):
        made = span(number, number, value, langfuse__observation__input=value, user__id=value, free=value)
        made.status.message = value
        made.events[0].attributes.append(text("exception.message", value))
        assert send(writer, export(made, service__name=value)).status_code == 200
    scores = [{"name": "n", "value": 1, "traceId": "t", "comment": value} for value in planted.values()]
    assert writer.post("/api/public/scores", json=scores).status_code == 202
    assert find_leaks(list(planted), box.home) == []
