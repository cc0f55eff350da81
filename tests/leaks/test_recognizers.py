"""Recognizers of the host that raise, hang or talk nonsense: what they would have looked at is withheld."""

import contextlib
import threading

import pytest
from tests.leaks.plants import EVERYTHING, IDENTITY, PERSONAL_TEXT

import certtrace
from certtrace import assembly, current_span, span, traced
from certtrace.ports import Recognized
from certtrace.testing import find_leaks

UNKNOWN = "gravelwood the seventeenth"
"""Nothing but the recognizer knows that this is somebody; when it fails, the text must not leave as it is."""


@traced
def take(*values):
    return values


class Raises:
    name = "raises"

    def recognize(self, texts):
        raise RuntimeError(f"cannot read {texts!r}")


class RaisesLate(Raises):
    def recognize(self, texts):
        yield [Recognized(0, 1)]
        raise RuntimeError(f"cannot read {texts!r}")


class Answers:
    def __init__(self, name, answer):
        self.name = name
        self._answer = answer

    def recognize(self, texts):
        return self._answer(texts)


class Hangs:
    name = "hangs"

    def __init__(self):
        self.released = threading.Event()

    def recognize(self, texts):
        self.released.wait(30)
        return [[] for _ in texts]


def broken():
    hanging = Hangs()
    yield "raises", Raises(), contextlib.nullcontext()
    yield "raises late", RaisesLate(), contextlib.nullcontext()
    yield "hangs", hanging, contextlib.closing(_Releasing(hanging.released))
    for name, answer in {
        "nothing": lambda texts: None,
        "too few": lambda texts: [],
        "no findings": lambda texts: [None for _ in texts],
        "texts": list,
        "beyond the end": lambda texts: [[Recognized(0, len(text) + 9)] for text in texts],
        "backwards": lambda texts: [[Recognized(9, 2)] for _ in texts],
        "before the beginning": lambda texts: [[Recognized(-5, -1)] for _ in texts],
        "no numbers": lambda texts: [[Recognized("0", None)] for _ in texts],
        "a type that is a text": lambda texts: [[Recognized(0, 3, text)] for text in texts],
    }.items():
        yield name, Answers(name, answer), contextlib.nullcontext()


class _Releasing:
    def __init__(self, event):
        self.close = event.set


BROKEN = {name: (recognizer, cleanup) for name, recognizer, cleanup in broken()}


@pytest.mark.parametrize("name", BROKEN)
def test_what_a_broken_recognizer_was_to_look_at_is_withheld(fresh, tmp_path, name):
    recognizer, cleanup = BROKEN[name]
    policy = tmp_path / "policy.toml"
    policy.write_text("max_value_seconds = 0.3\n")
    with cleanup:
        opened = fresh(recognizers=[recognizer], redaction_policy=policy)
        with span("unit"):
            certtrace.identify(**IDENTITY)
            take(f"by {UNKNOWN}: {PERSONAL_TEXT}", {"a": [UNKNOWN]})
            current_span().score("s", 0.5, comment=f"by {UNKNOWN}")
            with contextlib.suppress(ValueError), span("fails"):
                raise ValueError(f"{UNKNOWN} is unknown")
        sent = opened.sent()
        withheld = assembly.status().withheld
        canaries = {**EVERYTHING, "unknown": UNKNOWN}
        assert find_leaks(canaries, sent) == []
        assert withheld > 0
        assert {path.rpartition("/")[2] for path in (request.path for request in opened.sink.requests)} >= {"traces"}
        assert find_leaks(canaries, opened.on_disk()) == []


def test_a_recognizer_that_works_is_believed(fresh):
    def find(texts):
        return [
            [Recognized(text.find(UNKNOWN), text.find(UNKNOWN) + len(UNKNOWN))] * (UNKNOWN in text) for text in texts
        ]

    opened = fresh(recognizers=[Answers("works", find)])
    with span("unit"):
        take(f"layers isolate change, says {UNKNOWN}, always")
    sent = opened.sent()
    assert find_leaks({"unknown": UNKNOWN}, sent) == []
    assert find_leaks({"rest": "layers isolate change"}, sent)
