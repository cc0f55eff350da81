"""What the encoder writes is read back with the generated OTLP classes."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from certtrace import semconv
from certtrace.delivery.otlp import concat_units, encode_unit
from certtrace.delivery.parting import halve_unit
from certtrace.ports import EventRecord, LinkRecord, ScopeRecord, SpanRecord

FOREIGN = ScopeRecord("opentelemetry.instrumentation.httpx", "0.66")
OWN = ScopeRecord(semconv.SCOPE_NAME, "0.1.0")


def span(name: str = "grade", **changes: Any) -> SpanRecord:
    facts: dict[str, Any] = {
        "trace_id": 0x0123456789ABCDEF0123456789ABCDEF,
        "span_id": 0x1122334455667788,
        "parent_span_id": 0,
        "kind": 1,
        "start_time_ns": 1_000,
        "end_time_ns": 2_000,
        "status_code": 0,
        "status_message": "",
        "attributes": {},
        "scope": FOREIGN,
    }
    return SpanRecord(name=name, **{**facts, **changes})


def decode(*spans: SpanRecord, resource: dict[str, object] | None = None) -> ResourceSpans:
    return ResourceSpans.FromString(encode_unit(spans, resource or {}))


def only(record: SpanRecord) -> Span:
    return decode(record).scope_spans[0].spans[0]


def value_of(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(element) for element in value.array_value.values]
    return getattr(value, kind) if kind else None


def attributes(span: Span) -> dict[str, object]:
    return {pair.key: value_of(pair.value) for pair in span.attributes}


def test_every_field_of_a_span_arrives() -> None:
    record = span(
        parent_span_id=9,
        kind=3,
        status_code=2,
        status_message="no rubric",
        attributes={"s": "text", "b": True, "i": -5, "f": 0.5, "l": ["a", "b"], "n": None},
        events=[EventRecord("exception", 1_500, {"exception.type": "ValueError"})],
        links=[LinkRecord(7, 8, "ot=th:c", {"why": "queue"})],
        trace_state="ot=th:8",
        parent_is_remote=True,
        dropped_attributes=3,
        dropped_events=4,
        dropped_links=5,
    )
    found = only(record)

    assert found.trace_id.hex() == "0123456789abcdef0123456789abcdef"
    assert found.span_id.hex() == "1122334455667788"
    assert int.from_bytes(found.parent_span_id, "big") == 9
    assert (found.name, found.kind, found.trace_state) == ("grade", 3, "ot=th:8")
    assert (found.start_time_unix_nano, found.end_time_unix_nano) == (1_000, 2_000)
    assert (found.status.code, found.status.message) == (2, "no rubric")
    assert found.flags == 0x301
    dropped = (found.dropped_attributes_count, found.dropped_events_count, found.dropped_links_count)
    assert dropped == (3, 4, 5)
    assert attributes(found) == {"s": "text", "b": True, "i": -5, "f": 0.5, "l": ["a", "b"]}
    event = found.events[0]
    assert (event.name, event.time_unix_nano, event.attributes[0].key) == ("exception", 1_500, "exception.type")
    link = found.links[0]
    assert (int.from_bytes(link.trace_id, "big"), int.from_bytes(link.span_id, "big")) == (7, 8)
    assert (link.trace_state, value_of(link.attributes[0].value)) == ("ot=th:c", "queue")


def test_a_root_has_no_parent_and_a_local_parent_is_not_remote() -> None:
    found = only(span())

    assert found.parent_span_id == b""
    assert found.flags == 0x101


def test_spans_are_grouped_by_scope_under_one_resource() -> None:
    unit = decode(span("a"), span("b", scope=OWN), span("c"), resource={"service.name": "grader", "n": 1})

    names = {scope.scope.name: [s.name for s in scope.spans] for scope in unit.scope_spans}
    assert names == {FOREIGN.name: ["a", "c"], OWN.name: ["b"]}
    assert {p.key: value_of(p.value) for p in unit.resource.attributes} == {"service.name": "grader", "n": 1}


def test_our_own_attributes_become_metadata_that_langfuse_shows() -> None:
    found = attributes(
        only(
            span(
                scope=OWN,
                attributes={
                    "langfuse.observation.input": "plain",
                    "user.id": "u1",
                    "session.id": "s1",
                    "cert.confidence": 0.4,
                    "cert.submission.id": "acme",
                    "langfuse.trace.tags": ["a"],
                },
            )
        )
    )

    assert found == {
        "langfuse.observation.input": "plain",
        "user.id": "u1",
        "session.id": "s1",
        "langfuse.observation.metadata.cert.confidence": "0.4",
        "langfuse.observation.metadata.cert.submission.id": '"acme"',
        "langfuse.trace.tags": ["a"],
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("acme", '"acme"'),
        ("5", '"5"'),
        ('"acme"', '"acme"'),
        ('{"a":1}', '{"a":1}'),
        ("[1, 2]", "[1, 2]"),
        ("[draft", '"[draft"'),
        (5, "5"),
        (True, "true"),
        ([1, "a"], '[1,"a"]'),
        ("\ud800x", '"\ufffdx"'),
        (2**70, f'"{2**70}"'),
        (float("nan"), '"nan"'),
    ],
)
def test_metadata_is_json_encoded_exactly_once(value: object, expected: str) -> None:
    given_under_prefix = only(span(scope=OWN, attributes={semconv.metadata("k"): value}))
    renamed = only(span(scope=OWN, attributes={"k": value}))

    assert attributes(given_under_prefix) == {semconv.metadata("k"): expected}
    assert attributes(renamed) == {semconv.metadata("k"): expected}


def test_third_party_scopes_keep_their_attributes() -> None:
    found = only(span(attributes={"http.request.method": "GET", "retries": 2}))

    assert attributes(found) == {"http.request.method": "GET", "retries": 2}


class Hostile(str):
    __slots__ = ()

    def encode(self, *_: object, **__: object) -> bytes:
        raise RuntimeError


def cycle() -> list[object]:
    value: list[object] = []
    value.append(value)
    return value


@pytest.mark.parametrize("scope", [OWN, FOREIGN])
@pytest.mark.parametrize(
    "bad",
    [object(), cycle(), Hostile("x"), b"\xff", {"a": 1}, 2**80, "\udfff"],
    ids=["object", "cycle", "subclass", "bytes", "dict", "large", "surrogate"],
)
def test_one_bad_value_does_not_cost_the_others(bad: object, scope: ScopeRecord) -> None:
    found = attributes(only(span(scope=scope, attributes={"bad": bad, "good": "yes"})))

    assert len(found) == 2
    assert any("yes" in str(value) for value in found.values())


def test_a_span_that_cannot_be_encoded_goes_out_bare() -> None:
    broken = span("broken", attributes={Hostile("key"): 1})
    found = [s for scope in decode(broken, span("fine", attributes={"a": 1})).scope_spans for s in scope.spans]

    assert [s.name for s in found] == ["broken", "fine"]
    assert found[0].dropped_attributes_count == 1
    assert attributes(found[1]) == {"a": 1}


def test_an_unrepresentable_value_is_named_by_its_type_only() -> None:
    class Candidate:
        def __repr__(self) -> str:
            return "Erika Mustermann"

    data = encode_unit([span(attributes={"who": Candidate()})], {})

    assert b"<unrepresentable Candidate>" in data
    assert b"Mustermann" not in data


def test_surrogate_pairs_are_joined_and_lone_ones_replaced() -> None:
    found = only(span("\ud83d\ude00 \ud83d", status_message="\udc80", status_code=2))

    assert found.name == "\U0001f600 \ufffd"
    assert found.status.message == "\ufffd"


def test_impossible_ids_are_forced_into_their_fields() -> None:
    found = only(span(trace_id=2**200 + 1, span_id=2**90 + 2))

    assert (len(found.trace_id), len(found.span_id)) == (16, 8)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (10, 5, (10, 10)),
        (0, 7, (7, 7)),
        (-5, 7, (7, 7)),
        (7, -5, (7, 7)),
        (7, 0, (7, 7)),
        (7, 2**64 + 3, (7, 7)),
        (2**63, 7, (7, 7)),
    ],
)
def test_impossible_times_are_repaired_and_the_span_says_so(start: int, end: int, expected: tuple[int, int]) -> None:
    found = only(span(start_time_ns=start, end_time_ns=end, attributes={"a": 1}))

    assert (found.start_time_unix_nano, found.end_time_unix_nano) == expected
    assert attributes(found) == {"a": 1, semconv.TIMES_REPAIRED: True}


@pytest.mark.parametrize(("start", "end"), [(0, 0), (-5, -9), (2**70, 2**70)])
def test_a_span_without_any_possible_time_gets_that_of_its_encoding(start: int, end: int) -> None:
    before = time.time_ns()
    found = only(span(start_time_ns=start, end_time_ns=end))

    assert before <= found.start_time_unix_nano == found.end_time_unix_nano <= time.time_ns()


def test_possible_times_stay_unmarked() -> None:
    found = only(span(start_time_ns=5, end_time_ns=5))

    assert (found.start_time_unix_nano, found.end_time_unix_nano) == (5, 5)
    assert attributes(found) == {}


VALUES = st.recursive(
    st.text(st.characters(exclude_categories=())) | st.booleans() | st.integers() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(max_size=20), VALUES, max_size=6), st.text(st.characters(exclude_categories=())))
def test_whatever_is_encoded_can_be_decoded(values: dict[str, object], name: str) -> None:
    foreign = only(span(name, attributes=values))
    own = only(span(name, attributes=values, scope=OWN))

    assert len(foreign.attributes) == len(values)
    for key, value in attributes(own).items():
        if key.startswith(semconv.OBSERVATION_METADATA):
            assert isinstance(value, str)
            json.loads(value)


def test_units_are_joined_to_a_request_without_decoding() -> None:
    units = [encode_unit([span(f"s{n}", attributes={"pad": "x" * n * 100})], {"n": n}) for n in range(5)]

    request = ExportTraceServiceRequest.FromString(concat_units(units))

    assert [r.scope_spans[0].spans[0].name for r in request.resource_spans] == [f"s{n}" for n in range(5)]


def test_a_unit_is_halved_by_spans_until_one_is_left() -> None:
    unit = encode_unit([span("a"), span("b", scope=OWN), span("c")], {"service.name": "x"})

    halves = halve_unit(unit)

    assert halves is not None
    decoded = [ResourceSpans.FromString(half) for half in halves]
    names = [[s.name for scope in half.scope_spans for s in scope.spans] for half in decoded]
    assert sorted(name for half in names for name in half) == ["a", "b", "c"]
    assert all(half.resource == decoded[0].resource for half in decoded)
    assert halve_unit(encode_unit([span()], {})) is None
    assert halve_unit(b"\xff\xff not protobuf") is None


def test_a_resource_that_changed_is_encoded_as_it_is_now() -> None:
    growing: list[object] = ["a"]
    one, lists = {"n": 1}, {"l": growing}
    for resource in (one, {"n": True}, {"n": 1.0}, one, {"m": 1}, lists, lists, {}, one):
        growing.append("b")
        whole = decode(span(), resource=resource)
        fresh = decode(span(), resource={**resource, "other": None})
        assert whole == fresh
        assert len(whole.resource.attributes) == len(resource)
