"""Crashes, late knowledge and races: where redaction meets what it does not expect, nothing slips through."""

import contextlib
import gzip
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from tests.leaks.plants import CANDIDATE, CONTROL, EMAIL, EVERYTHING, FORMS_TEXT, IDENTITY, NAME, PERSONAL_TEXT, PHONE

import certtrace
from certtrace import current_span, span, traced
from certtrace.testing import find_leaks


@traced
def take(*args, **kwargs):
    return None


class Raising(str):
    """A text whose every method fails, quoting the text."""

    def _fail(self, *args, **kwargs):
        raise RuntimeError(str.__str__(self))

    __str__ = __repr__ = __format__ = encode = lower = casefold = isascii = split = find = __contains__ = _fail


class Twisted(dict):
    def items(self):
        raise RuntimeError(PERSONAL_TEXT)

    __iter__ = keys = values = __len__ = items


class Asks(Mapping):
    def __getitem__(self, key):
        raise RuntimeError(PERSONAL_TEXT)

    def __iter__(self):
        raise RuntimeError(PERSONAL_TEXT)

    def __len__(self):
        return 3


@dataclass
class Unfinished:
    name: str

    def __post_init__(self):
        del self.name


class Liar:
    """An object that answers for every other class."""

    @property
    def __class__(self):
        return str

    def __str__(self):
        return PERSONAL_TEXT

    __repr__ = __str__


HOSTILE = {
    "text with methods of its own": lambda: Raising(PERSONAL_TEXT),
    "mapping that raises": Twisted,
    "abstract mapping that raises": Asks,
    "dataclass without its field": lambda: Unfinished(NAME),
    "liar": Liar,
    "lone surrogates": lambda: f"\ud800 {PERSONAL_TEXT} \udfff",
    "nul characters": lambda: PERSONAL_TEXT.replace(" ", " \0"),
    "zero-width characters": lambda: PERSONAL_TEXT.replace("a", "a\u200b"),
    "soft hyphens": lambda: PERSONAL_TEXT.replace("i", "i\u00ad"),
    "bidirectional marks": lambda: "\u202e" + PERSONAL_TEXT + "\u202c",
    "wide letters": lambda: PERSONAL_TEXT.replace("Zdenka", "".join(chr(ord(c) + 0xFEE0) for c in "Zdenka")),
    "broken JSON": lambda: '{"answer": "' + PERSONAL_TEXT + '", "more": ',
    "JSON with a key twice": lambda: json.dumps({"a": PERSONAL_TEXT})[:-1] + ', "a": "x"}',
    "JSON lines": lambda: "\n".join(json.dumps({"a": PERSONAL_TEXT}) for _ in range(3)),
    "JSON5": lambda: "{answer: '" + PERSONAL_TEXT.replace("(", "").replace(")", "") + "', // note\n}",
    "many characters before": lambda: "layers isolate change. " * 5_000 + PERSONAL_TEXT,
    "many characters behind": lambda: PERSONAL_TEXT + " layers isolate change." * 5_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_values_show_nobody(way_out, name):
    way_out.sent()
    with span("unit", input=CONTROL):
        certtrace.identify(**IDENTITY)
        value = HOSTILE[name]()
        take(value)
        current_span().set_attribute("hostile", value)
        current_span().update(metadata={"who": value}, output=[value])
        with contextlib.suppress(Exception):
            current_span().score("s", 0.5, comment=value)
    way_out.check()


def test_what_lies_across_the_size_bound_shows_nobody(way_out):
    way_out.sent()
    text = "layers isolate change. " * 45_587  # 1 MB less a few characters
    with span("unit", input=CONTROL):
        certtrace.identify(**IDENTITY)
        for shift in range(1, 90, 29):
            take(text[: (1 << 20) - shift] + PERSONAL_TEXT)
    sent = b"".join(gzip.decompress(data) for data in way_out.sent().values() if data.startswith(b"\x1f\x8b"))
    assert CONTROL.encode() in sent
    # Not the whole is searched in every form, which would take a minute: only what stands around the cuts.
    cuts = [sent[max(match.start() - 500, 0) : match.end() + 200] for match in re.finditer(b"<cut: ", sent)]
    assert len(cuts) == 4
    assert find_leaks(EVERYTHING, cuts) == []


@pytest.mark.parametrize(
    "identity",
    [
        {"name": Raising(NAME)},
        {"name": [NAME, {"family": "Kvapilov\u00e1"}], "email": EMAIL},
        {"candidate": CANDIDATE},
        {"name": NAME.encode()},
        {"email": EMAIL, "name": 7},
    ],
    ids=["raising", "nested", "model", "bytes", "number"],
)
def test_an_identity_of_an_odd_shape_does_not_open_the_gate(way_out, identity):
    way_out.sent()
    with span("unit"):
        certtrace.identify(**identity)
        take(f"mail {EMAIL}")
    sent = way_out.sent()
    assert find_leaks({"email": EMAIL}, sent) == []


def test_who_is_known_only_after_the_unit_ended_is_known_to_the_rest_of_the_trace(way_out):
    headers = {}
    way_out.sent()
    with span("consumer"):
        certtrace.inject(headers)
    with certtrace.continue_trace(headers), span("first", input=CONTROL):
        certtrace.identify(**IDENTITY)
        take(PERSONAL_TEXT)
    with certtrace.continue_trace(headers), span("second"):
        take(PERSONAL_TEXT)
        certtrace.identify(**IDENTITY)
    way_out.check()


def test_a_child_that_outlives_its_unit_shows_nobody(way_out):
    way_out.sent()
    opened, may_end = threading.Event(), threading.Event()

    def work():
        with span("late child", input=CONTROL) as late:
            opened.set()
            may_end.wait(10)
            late.update(output=PERSONAL_TEXT)
            late.score("s", 1, comment=PERSONAL_TEXT)

    with span("unit"):
        certtrace.identify(**IDENTITY)
        worker = threading.Thread(target=certtrace.in_context(work))
        worker.start()
        assert opened.wait(10)
    certtrace.force_flush(10)
    may_end.set()
    worker.join(10)
    way_out.check()


class Keeping(SpanExporter):
    def __init__(self):
        self.texts = []

    def export(self, spans):
        self.texts += [one.to_json() for one in spans]
        return SpanExportResult.SUCCESS


class Curious(SpanProcessor):
    """Writes what it sees at the start, and fails at the end with it."""

    def on_start(self, span, parent_context=None):
        span.set_attribute("copied", f"{span.name} {dict(span.attributes or {})}")

    def on_end(self, span):
        raise RuntimeError(span.name)


def test_processors_of_others_get_nothing_personal(way_out):
    exporter = Keeping()
    provider = trace.get_tracer_provider()
    guests = provider.gate.guests
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.add_span_processor(Curious())
    way_out.sent()
    try:
        with span(PERSONAL_TEXT, attributes={"who": PERSONAL_TEXT}):
            certtrace.identify(**IDENTITY)
            take(FORMS_TEXT)
        way_out.flush()
    finally:
        provider.gate.remove(lambda guest: guest in guests)
    way_out.check()
    assert CONTROL in "".join(exporter.texts)
    assert find_leaks(EVERYTHING, "\n".join(exporter.texts)) == []


def test_spans_of_many_threads_while_it_shuts_down_show_nobody(fresh):
    opened = fresh(shutdown_timeout_seconds=5)
    stop = threading.Event()

    def work():
        while not stop.is_set():
            with span("unit", input=FORMS_TEXT):
                certtrace.identify(**IDENTITY)
                take(PERSONAL_TEXT)
                current_span().score("s", 1, comment=PERSONAL_TEXT)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    certtrace.force_flush(0.05)
    certtrace.shutdown(0.05)
    stop.set()
    for worker in workers:
        worker.join(10)
    sent = [data for request in opened.sink.requests for _, data in request.parts()]
    assert find_leaks(EVERYTHING, sent, opened.on_disk()) == []
    assert find_leaks({"control": CONTROL}, opened.home)


def test_what_a_destination_refuses_for_good_lies_redacted_on_disk(fresh):
    opened = fresh()
    opened.sink.status = 400
    with span(PERSONAL_TEXT, input=FORMS_TEXT):
        certtrace.identify(**IDENTITY)
        take(PERSONAL_TEXT, {PHONE: EMAIL})
    certtrace.force_flush(5)
    certtrace.shutdown(5)
    letters = list((opened.home / "spool").rglob(".dead-letters/*"))
    assert letters
    assert find_leaks({"control": CONTROL}, *letters)
    assert find_leaks(EVERYTHING, opened.on_disk()) == []


def test_nothing_personal_was_written(way_out):
    way_out.check_disk()
