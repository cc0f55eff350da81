"""Values of a host: huge, malformed, cyclic, raising, changing. The call is as untraced, the trace arrives."""

import json
import math
import re
import threading
import time

import pytest
from opentelemetry import trace
from tests.faults.service import attributes_of, resident_bytes

import certtrace
from certtrace import current_span, semconv, span, traced

MEGABYTE = 1 << 20


@traced(name="echo")
def echo(value):
    return value


# --- 30: huge ---------------------------------------------------------------------------------------------------------

LINE = "jane.doe@example.com wrote: layers isolate change. "


def huge_text():
    return LINE * (50_000_000 // len(LINE))


def as_attribute(text):
    with span("huge") as handle:
        handle.set_attribute("text", text)


def as_argument(text):
    traced(name="huge")(len)(text)


def as_exception(text):
    error = ValueError(text)
    with pytest.raises(ValueError) as raised, span("huge"):
        raise error
    assert raised.value is error


def as_foreign(text):
    with trace.get_tracer("other").start_as_current_span("huge") as other:
        other.set_attribute("text", text)


def as_many_values(text):
    with span("huge") as handle:
        for number in range(60):
            handle.set_attribute(f"key{number}", text)


@pytest.mark.slow
@pytest.mark.parametrize("use", [as_attribute, as_argument, as_exception, as_foreign, as_many_values])
def test_fifty_megabytes_are_cut_and_say_how_much_there_was(service, use):
    running = service(recognizers=())
    echo("warm")
    running.settle()
    text = huge_text()
    before, began, caller = resident_bytes(), time.process_time(), time.thread_time()
    use(text)
    assert time.thread_time() - caller < 1.0
    running.settle(120)
    assert time.process_time() - began < 60
    assert resident_bytes() - before < 150 * MEGABYTE
    (request,) = [r for r in running.sink.taken if len(r.body) > 100_000]
    assert len(request.body) < 10 * MEGABYTE
    assert re.search(rb"<cut: (500|499)\d{5} characters( in all, [0-9a-f]{10})?>", request.body)
    assert b"jane.doe" not in request.body


def test_ten_thousand_attributes_are_bounded_and_the_rest_is_counted(service):
    running = service()
    with span("many") as handle:
        for number in range(10_000):
            handle.set_attribute(f"key{number}", f"value {number}")
    running.settle()
    found = running.one("many")
    assert 1_000 <= len(found.attributes) < 1_020
    assert found.dropped_attributes_count == 9_000


@pytest.mark.slow
def test_a_million_events_are_bounded_and_the_rest_is_counted(service):
    running = service()
    echo("warm")
    running.settle()
    before, began = resident_bytes(), time.thread_time()
    with span("many") as handle:
        for number in range(1_000_000):
            handle.add_event(f"event {number}", {"n": number})
    assert time.thread_time() - began < 10
    assert resident_bytes() - before < 20 * MEGABYTE
    running.settle()
    found = running.one("many")
    assert len(found.events) == 1_000
    assert found.dropped_events_count == 999_000


# --- 31: malformed ----------------------------------------------------------------------------------------------------

POISON = {
    "lone surrogate": "before \ud800 behind",
    "surrogateescape": b"caf\xe9 \xff".decode("utf-8", "surrogateescape"),
    "nul": "before \x00 behind",
    "controls": "".join(map(chr, range(32))),
    "bidi": "before \u202e\u2066 behind \u2069\u202c",
    "noncharacters": "\ufffe\uffff\U0010ffff",
    "line separators": "before \u2028\u2029\x85 behind",
}
NUMBERS = {"2**70": 2**70, "-2**63-1": -(2**63) - 1, "nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def in_name(poison):
    with span(f"{poison}") as handle:
        handle.set_attribute("here", True)


def in_key(poison):
    with span("poisoned") as handle:
        handle.set_attribute(str(poison), True)


def in_value(poison):
    with span("poisoned", input=poison) as handle:
        handle.set_attribute("a", poison)
        handle.set_attribute(semconv.CONFIDENCE, poison)
        handle.update(metadata={"m": poison}, usage_details={"input": poison}, model=poison, level=poison)


def in_structure(poison):
    echo({"list": [poison, {poison: poison}], "tuple": (poison,)})


def in_status(poison):
    with span("poisoned") as handle:
        handle.fail(str(poison), str(poison))


def in_exception(poison):
    with pytest.raises(ValueError), span("poisoned"):
        raise ValueError(poison)


def in_event(poison):
    with span("poisoned") as handle:
        handle.add_event(str(poison), {str(poison): poison})


def in_score(poison):
    with span("poisoned") as handle:
        handle.score(str(poison), 0.5, comment=str(poison), metadata={str(poison): poison})
        handle.score("number", poison if isinstance(poison, float) else 0.5)


def in_people(poison):
    with span("poisoned"):
        certtrace.identify(name=poison, email=str(poison))


def in_propagated(poison):
    with certtrace.propagate_attributes(user_id=str(poison), session_id=str(poison), metadata={"m": poison}), span("x"):
        echo(poison)


def in_foreign(poison):
    tracer = trace.get_tracer(str(poison))
    with tracer.start_as_current_span(str(poison)) as other:
        if isinstance(poison, str | float):
            other.set_attribute("a", poison)
            other.set_attribute("list", [poison, poison])
        other.add_event(str(poison), {"a": str(poison)})


PLACES = [in_name, in_key, in_value, in_structure, in_status, in_exception, in_event, in_score, in_people]
PLACES += [in_propagated, in_foreign]


@pytest.mark.parametrize("place", PLACES)
def test_one_poisoned_field_costs_neither_its_batch_nor_its_span(service, place):
    running = service()
    values = [*POISON.values(), *NUMBERS.values()]
    for number, poison in enumerate(values):
        echo(f"neighbour {number}")
        place(poison)
    status = running.settle()  # decodes what the server took, and compares it with the store
    assert status.account.kept == 2 * len(values)
    assert status.faults == {}
    assert status.withheld == 0
    assert sum(span.name == "echo" for span in running.sent()) >= len(values)
    for found in running.sent():
        for text in (found.name, found.status.message, *map(str, attributes_of(found).values())):
            text.encode()  # no surrogate is left
    for trace_id in {found.trace_id.hex() for found in running.sent()}:
        assert running.trace(trace_id).observations
    scores = running.scores()
    assert len(scores) == (2 * len(values) if place is in_score else 0)
    json.dumps(scores, allow_nan=False)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_that_json_does_not_know_is_shown_as_text(service, number):
    running = service()
    result = echo(NUMBERS[number])
    assert result is NUMBERS[number]
    running.settle()
    shown = json.loads(attributes_of(running.one("echo"))[semconv.OBSERVATION_INPUT])["value"]
    assert shown == (result if isinstance(result, int) else str(result))


# --- 32: cyclic, deep, lazy -------------------------------------------------------------------------------------------


def deep(levels):
    value = "bottom"
    for _ in range(levels):
        value = {"in": [value]}
    return value


def cyclic():
    value = {"list": []}
    value["list"].append(value)
    return value


class Lazy:
    """A sequence that fails when it is asked for anything."""

    def __len__(self):
        raise RuntimeError("len")

    def __getitem__(self, index):
        raise RuntimeError("item")

    def __iter__(self):
        raise RuntimeError("iter")


def test_cyclic_deep_and_lazy_values_arrive_and_generators_are_not_consumed(service):
    running = service()
    consumed = []

    def generate():
        for number in range(3):
            consumed.append(number)
            yield number

    generator, lazy, cycle, pit = generate(), Lazy(), cyclic(), deep(10_000)
    for value in (generator, lazy, cycle, pit):
        assert echo(value) is value
        with span("set", input=value) as handle:
            handle.set_attribute("value", value)
            handle.add_event("event", {"value": value})
            handle.score("score", 1.0, metadata=value)
    assert consumed == []
    assert list(generator) == [0, 1, 2]
    status = running.settle()
    assert (status.account.kept, status.faults) == (8, {})
    shown = [attributes_of(found)[semconv.OBSERVATION_INPUT] for found in running.sent()]
    assert sum("<generator>" in text for text in shown) == 2
    assert sum("Lazy" in text for text in shown) == 2
    assert sum("cut" in text for text in shown) == 4
    assert len(running.scores()) == 4


# --- 33: raising ------------------------------------------------------------------------------------------------------


def refuse(*_):
    raise RuntimeError("asked")


SPECIAL = ("__str__", "__repr__", "__eq__", "__hash__", "__len__", "__bool__", "__iter__", "__getattr__", "__format__")


def raising(where):
    return type("Raising", (), {where: refuse})()


def lying(where, answer):
    return type("Lying", (), {where: lambda *_: answer})()


HOSTILE = {
    **{where: lambda where=where: raising(where) for where in SPECIAL},
    "str of 5": lambda: lying("__str__", 5),
    "repr of None": lambda: lying("__repr__", None),
    "class": lambda: type("Class", (), {"__class__": property(refuse)})(),
    "text": lambda: type("Text", (str,), dict.fromkeys(("__str__", "__repr__", "encode", "__len__"), refuse))("text"),
    "mapping": lambda: type("Map", (dict,), dict.fromkeys(("items", "keys", "__iter__", "__len__"), refuse))(a=1),
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_value_whose_methods_raise_is_named_and_its_span_arrives(service, hostile):
    running = service()
    value = HOSTILE[hostile]()
    assert echo([value])[0] is value
    with span("set", input=value) as handle:
        handle.set_attribute("value", value)
        handle.update(output=value, metadata={"m": value}, model=value)
        handle.add_event("event", {"value": value})
        handle.score("score", 1.0, metadata={"m": value})
        certtrace.identify(name=value)
    status = running.settle()
    assert (status.account.kept, status.faults) == (2, {})
    assert running.stored() == {"echo": 1, "set": 1}
    assert len(running.scores()) == 1


class Unspeakable(Exception):
    __str__ = __repr__ = refuse


class Wrong(Exception):
    def __str__(self):
        return 5


class Missing(Exception):
    @property
    def __notes__(self):
        raise RuntimeError("asked")


@pytest.mark.parametrize("kind", [Unspeakable, Wrong, Missing])
def test_an_exception_that_cannot_be_shown_reaches_the_host_as_the_same_object(service, kind):
    running = service()
    error = kind("told")

    @traced(name="inner")
    def inner():
        raise error

    @traced(name="outer")
    def outer():
        current_span().set_attribute("error", error)
        inner()

    with pytest.raises(kind) as raised:
        outer()
    assert raised.value is error
    status = running.settle()
    assert status.account.kept_by_rule == {"error": 1}
    assert status.faults == {}
    assert kind.__name__ in running.one("inner").status.message
    assert running.one("outer").status.code == 2


# --- 34: changing -----------------------------------------------------------------------------------------------------


def test_values_that_another_thread_changes_meanwhile_arrive_as_some_snapshot(service):
    running = service()
    shared = {"list": [], "dict": {}, "set": set()}
    stop = threading.Event()

    def churn():
        number = 0
        while not stop.is_set():
            number += 1
            shared["list"].append([number])
            shared["dict"][number] = {"n": number}
            shared["set"].add(number)
            if number % 50 == 0:
                for each in shared.values():
                    each.clear()

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(300):
            assert echo(shared) is shared
            with span("set", input=shared) as handle:
                handle.set_attribute("value", shared)
                handle.add_event("event", shared)
    finally:
        stop.set()
        thread.join()
    status = running.settle()
    assert (status.account.kept, status.withheld, status.faults) == (600, 0, {})
    assert running.stored() == {"echo": 300, "set": 300}
    shown = "".join(attributes_of(found)[semconv.OBSERVATION_INPUT] for found in running.sent())
    assert "unreadable" not in shown
