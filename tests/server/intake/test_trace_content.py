"""What older SDKs say of a trace itself."""

from tests.server.intake.exports import JSON, PATH, PROTOBUF, export, json_export, span
from tests.server.serving import Serving


def trace_of(box: Serving, trace_id: str) -> dict[str, object]:
    answer = box.client().get(f"/api/public/traces/{trace_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_the_input_and_output_of_a_trace_stand_before_those_of_its_root(box):
    told = {
        "langfuse__trace__input": '{"asked":1}',
        "langfuse__trace__output": "said",
        "langfuse__observation__input": "x",
    }
    message = export(span(trace=901, number=1, **told))
    assert box.client().post(PATH, content=message.SerializeToString(), headers=PROTOBUF).status_code == 200
    found = trace_of(box, f"{901:032x}")
    assert (found["input"], found["output"]) == ({"asked": 1}, "said")


def test_a_span_below_the_root_may_say_it_too_and_in_json(box):
    attributes = [{"key": "langfuse.trace.output", "value": {"stringValue": "from below"}}]
    given = json_export(traceId=f"{902:032x}", attributes=attributes)
    assert box.client().post(PATH, json=given, headers=JSON).status_code == 200
    assert trace_of(box, f"{902:032x}")["output"] == "from below"


def test_what_is_said_of_a_trace_is_redacted(box):
    message = export(span(trace=903, langfuse__trace__input="mail to ada.zimmermann@example.org"))
    assert box.client().post(PATH, content=message.SerializeToString(), headers=PROTOBUF).status_code == 200
    assert str(trace_of(box, f"{903:032x}")["input"]).startswith("mail to <email:")
