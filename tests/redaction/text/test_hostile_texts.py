"""No text stalls the redactor: the work grows with its length and not faster, whatever it is made of."""

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Self

import pytest

from certtrace.redaction import RedactionPolicy, Redactor
from certtrace.redaction.detect.detectors import Detectors
from certtrace.redaction.policy.kinds import FORMATS
from certtrace.redaction.text.engine import NATIVE
from certtrace.redaction.text.views import views

from .hostile import KINDS

_TEXTS = sorted(kind for kind, make in KINDS.items() if isinstance(make(64), str))
_NATIVES = [True, False] if NATIVE else [False]
_NAMES = {True: "re2", False: "re"}
_SIZE = 1 << 13
_GROWTH = 2.6
"""Twice the text, at most so many times the work."""
_FEW = 3_000
"""Work that twice the text may cost at any rate: what is done once does not tell how the rest grows."""

redactors = {native: Redactor(RedactionPolicy(), b"k" * 32, native=native) for native in _NATIVES}
detectors = {native: Detectors(FORMATS, native=native) for native in _NATIVES}


class _Counted:
    """Counts calls, of Python and of C, in a block: a measure of work that other processes do not disturb."""

    def __init__(self) -> None:
        self.calls = 0

    def __enter__(self) -> Self:
        sys.setprofile(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _call(self, _frame: object, event: str, _argument: object) -> None:
        if event in {"call", "c_call"}:
            self.calls += 1


def _calls(work: Callable[[], object]) -> int:
    with _Counted() as counted:
        work()
    return counted.calls


def _seconds(work: Callable[[], object]) -> float:
    least = float("inf")
    for _ in range(3):
        begin = time.thread_time()
        work()
        least = min(least, time.thread_time() - begin)
    return least


@pytest.mark.parametrize("native", _NATIVES, ids=_NAMES.get)
@pytest.mark.parametrize("kind", KINDS)
def test_twice_the_text_takes_twice_the_steps(kind: str, native: bool) -> None:
    redact = redactors[native].redact_value
    redact(KINDS[kind](256))
    once = _calls(partial(redact, KINDS[kind](_SIZE)))
    twice = _calls(partial(redact, KINDS[kind](2 * _SIZE)))
    assert twice <= _GROWTH * once + _FEW


@pytest.mark.slow
@pytest.mark.parametrize("native", _NATIVES, ids=_NAMES.get)
@pytest.mark.parametrize("kind", KINDS)
def test_a_long_text_takes_its_time_and_no_more(kind: str, native: bool) -> None:
    redact = redactors[native].redact_value
    once, twice = (_seconds(partial(redact, KINDS[kind](size))) for size in (64 << 10, 128 << 10))
    assert twice <= 3 * once + 0.02
    assert twice < 4.0


@pytest.mark.parametrize("kind", _TEXTS)
def test_both_engines_find_the_same_in_hostile_texts(kind: str) -> None:
    text = str(KINDS[kind](3_000))

    def found(native: bool) -> Iterator[object]:
        for view in views(text, native=native):
            yield from detectors[native].find(view)

    assert list(found(_NATIVES[0])) == list(found(False))


@pytest.mark.slow
@pytest.mark.parametrize("native", _NATIVES, ids=_NAMES.get)
def test_ten_megabytes_of_hostile_texts_pass(native: bool) -> None:
    size = 10_000_000 // len(KINDS)
    begin = time.thread_time()
    for make in KINDS.values():
        _, receipt = redactors[native].redact_value(make(size))
        assert receipt.policy
    assert time.thread_time() - begin < 60


@pytest.mark.slow
@pytest.mark.parametrize("native", _NATIVES, ids=_NAMES.get)
def test_one_line_of_fifty_megabytes_is_cut_and_passes(native: bool) -> None:
    line = "jane.doe@example.com wrote: " + "x1 " * (50_000_000 // 3)
    begin = time.thread_time()
    redacted, receipt = redactors[native].redact_value(line)
    assert time.thread_time() - begin < 10
    assert receipt.withheld == 1
    assert "jane.doe" not in redacted
    assert len(redacted) < 2_000_000
