"""What cannot be examined in time is withheld from there on; what is shown was examined."""

import re

import pytest
from hypothesis import given, settings

from certtrace.redaction import RedactionPolicy, Redactor
from certtrace.redaction.detect.detectors import Detectors
from certtrace.redaction.policy.kinds import FORMATS
from certtrace.redaction.text import fairness
from certtrace.redaction.text.fairness import Deadline
from certtrace.redaction.text.views import View

from .fragments import texts

_MARK = re.compile("<(?:secret|email:[0-9a-f]+)>")
EMAIL = "jane.doe@example.com"


class _Clock:
    """Time that passes with each question for it."""

    def __init__(self, step: float) -> None:
        self.now = 0.0
        self.step = step

    def monotonic(self) -> float:
        self.now += self.step
        return self.now

    def sleep(self, _seconds: float) -> None:
        self.now += self.step


def _of(detectors: Detectors, text: str, deadline: Deadline) -> tuple[list[object], int]:
    examined = detectors.examine(View(text), deadline)
    return list(examined.findings), examined.end


def test_nothing_is_examined_when_no_time_is_left() -> None:
    assert _of(Detectors(FORMATS), EMAIL, Deadline(0.0)) == ([], 0)


@pytest.mark.parametrize("seconds", [3, 8, 20, 60], ids=str)
def test_what_is_found_before_the_end_does_not_depend_on_the_time(
    seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"{EMAIL} wrote: 4111 1111 1111 1111; " * 40
    detectors = Detectors(FORMATS, segment_bytes=64)
    everything = list(detectors.find(View(text)))
    monkeypatch.setattr(fairness, "time", _Clock(1.0))
    found, end = _of(detectors, text, Deadline(float(seconds)))
    assert 0 <= end < len(text)
    assert end % 64 == 0
    assert found == everything[: len(found)]
    assert all(finding in found for finding in everything if finding.end <= end - 64)


@given(texts)
@settings(max_examples=100, deadline=None)
def test_time_enough_changes_nothing(text: str) -> None:
    detectors = Detectors(FORMATS, segment_bytes=64)
    assert _of(detectors, text, Deadline(3600.0)) == (list(detectors.find(View(text))), len(text))


@pytest.mark.parametrize("native", [True, False], ids=["re2", "re"])
@pytest.mark.parametrize("step", [0.0005, 0.002, 0.01, 0.05], ids=str)
@pytest.mark.parametrize(
    "piece",
    [f"Dear {EMAIL}, or 4111 1111 1111 1111: ", "jane.doe%40example.com \\u0041 ", "amFuZS5kb2VAZXhhbXBsZS5jb20g "],
    ids=["plain", "escaped", "base64"],
)
def test_a_text_that_takes_too_long_is_withheld_from_the_tail_on(
    piece: str, step: float, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    redactor = Redactor(RedactionPolicy(max_value_seconds=1.0), b"k" * 32, native=native)
    text = piece * 600
    whole = redactor.redact_text(text)
    monkeypatch.setattr(fairness, "time", _Clock(step))
    redacted = redactor.redact_text(text)
    monkeypatch.undo()
    shown, cut, _ = redacted.partition("<cut: ")
    # What a run of base64 holds is not known when there is no time to look: it is withheld as a secret.
    assert _MARK.sub("<>", whole).startswith(_MARK.sub("<>", shown)) or not cut
    assert "jane" not in redacted
    assert "4111" not in redacted
    assert "amFu" not in redacted
    if cut:
        assert re.search(rf"<cut: {len(text)} characters in all, [0-9a-f]{{10}}>$", redacted)
    if step == 0.05:
        assert cut
