"""OTLP in JSON becomes the message that the same in protobuf is."""

from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from tests.server.intake.exports import START_NS, export, json_export, span

from certtrace.server.intake.otlp_json import JsonRequest
from certtrace.server.intake.refusing import Malformed


def message_of(value: Any) -> AnyValue:
    """Return an attribute's value as it stands in the message."""
    message = JsonRequest(json_export(attributes=[{"key": "given", "value": value}])).message
    return message.resource_spans[0].scope_spans[0].spans[0].attributes[0].value


def test_json_and_protobuf_of_one_span_are_one_message() -> None:
    expected = span(7, 8)
    expected.kind = 2  # type: ignore[assignment]  # an enum is an int
    expected.parent_span_id = (9).to_bytes(8)
    expected.status.code = 2  # type: ignore[assignment]  # an enum is an int
    expected.status.message = "bad"
    body = json_export(
        traceId=f"{7:032x}",
        spanId=f"{8:016x}",
        parentSpanId=f"{9:016x}",
        kind="SPAN_KIND_SERVER",
        startTimeUnixNano=START_NS,
        status={"code": "STATUS_CODE_ERROR", "message": "bad"},
        events=[
            {
                "name": "happened",
                "timeUnixNano": str(START_NS),
                "attributes": [{"key": "detail", "value": {"stringValue": "a cat"}}],
            }
        ],
        attributes=[],
        unknownField={"ignored": True},
    )
    assert JsonRequest(body).message == export(expected, service__name="svc")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"stringValue": "x", "intValue": 1}, AnyValue(string_value="x")),
        ({"intValue": "7"}, AnyValue(int_value=7)),
        ({"intValue": {"low": 7, "high": 1}}, AnyValue(int_value=2**32 + 7)),
        ({"intValue": {"low": -1, "high": -1}}, AnyValue(int_value=-1)),
        ({"doubleValue": "Infinity"}, AnyValue(double_value=float("inf"))),
        ({"boolValue": False}, AnyValue(bool_value=False)),
        ({"bytesValue": "AQI="}, AnyValue(bytes_value=b"\x01\x02")),
        ({"arrayValue": {}}, AnyValue(array_value=ArrayValue())),
        (
            {"kvlistValue": {"values": [{"key": "k", "value": {"intValue": 3}}]}},
            AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="k", value=AnyValue(int_value=3))])),
        ),
        ({}, AnyValue()),
    ],
)
def test_values_become_those_of_protobuf(value: Any, expected: AnyValue) -> None:
    assert message_of(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        {"intValue": "seven"},
        {"intValue": {"low": 1}},
        {"intValue": {"low": "1", "high": 0}},
        {"intValue": {"low": 0, "high": 2**31}},
        {"intValue": True},
        {"stringValue": 5},
        {"boolValue": "true"},
        {"bytesValue": "?"},
        {"arrayValue": {"values": 5}},
    ],
)
def test_values_of_a_wrong_type_are_refused(value: Any) -> None:
    with pytest.raises(Malformed):
        message_of(value)


def test_a_time_may_come_in_two_halves() -> None:
    high, low = divmod(START_NS, 1 << 32)
    body = json_export(startTimeUnixNano={"high": high, "low": low - (1 << 32 if low >= 1 << 31 else 0)})
    (made,) = JsonRequest(body).message.resource_spans[0].scope_spans[0].spans
    assert made.start_time_unix_nano == START_NS
