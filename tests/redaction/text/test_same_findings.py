"""Whichever engine searches, and however texts are joined and cut, the findings are the same."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certtrace.redaction.detect.detectors import Detectors
from certtrace.redaction.detect.encoded import base64_text
from certtrace.redaction.policy.kinds import FORMATS
from certtrace.redaction.text.engine import NATIVE
from certtrace.redaction.text.views import View, views

from .fragments import FINDABLE, soup, texts

_ANY = st.one_of(texts, soup)
_WHOLE = Detectors(FORMATS, segment_bytes=1 << 30)
_FALLBACK = Detectors(FORMATS, native=False)
_FINELY = [Detectors(FORMATS, native=native, segment_bytes=size) for native in (True, False) for size in (3, 64)]


def _found(detectors: Detectors, text: str) -> list[tuple[int, int, str, str]]:
    return [(f.start, f.end, f.type, f.rule) for f in detectors.find(View(text))]


def _readings(detectors: Detectors, text: str, *, inside: bool = True) -> Iterator[str]:
    """Yield every reading of a text that redaction looks into."""
    for view in views(text):
        yield view.text
        for finding in detectors.find(view) if inside else ():
            if finding.type == "BASE64":
                yield from _readings(detectors, base64_text(view.data[finding.start : finding.end]), inside=False)


def _is_clean(detectors: Detectors, text: str) -> bool:
    return all(
        finding.type == "BASE64" for reading in _readings(detectors, text) for finding in detectors.find(View(reading))
    )


@pytest.mark.skipif(not NATIVE, reason="google-re2 is not installed")
@given(_ANY)
@settings(max_examples=300, deadline=None)
def test_both_engines_find_the_same(text: str) -> None:
    assert _found(_FALLBACK, text) == _found(_WHOLE, text)


@given(_ANY)
@settings(max_examples=150, deadline=None)
def test_a_text_may_be_cut_into_segments_of_any_size(text: str) -> None:
    expected = _found(_WHOLE, text)
    for detectors in _FINELY:
        assert _found(detectors, text) == expected


@pytest.mark.parametrize("native", [True, False], ids=["re2", "re"])
@given(many=st.lists(_ANY, max_size=8))
@settings(max_examples=200, deadline=None)
def test_exactly_the_texts_with_a_finding_are_suspect_in_a_batch(native: bool, many: list[str]) -> None:
    detectors = _WHOLE if native else _FALLBACK
    expected = [index for index, text in enumerate(many) if not _is_clean(_WHOLE, text)]
    assert detectors.suspects(many) == expected


def test_neighbours_neither_hide_nor_make_a_finding() -> None:
    many = ["4111 1111", "1111 1111", *FINDABLE, "", "jane.doe", "@example.com", "born on", "3 May 1991"]
    expected = [index for index, text in enumerate(many) if not _is_clean(_WHOLE, text)]
    for size in (16, 4096):
        for native in (True, False):
            assert Detectors(FORMATS, native=native, segment_bytes=size).suspects(many) == expected


def test_texts_that_fill_many_batches_are_told_apart() -> None:
    many = [("Reliable transport. " * (index % 90)) + FINDABLE[index % len(FINDABLE)] * (index % 7 == 0)
            for index in range(400)]  # fmt: skip
    expected = [index for index, text in enumerate(many) if not _is_clean(_WHOLE, text)]
    assert _WHOLE.suspects(many) == expected
    assert _FALLBACK.suspects(many) == expected
    assert expected


def test_another_look_sees_every_reading_of_every_text() -> None:
    seen: list[str] = []

    def look(batch: object, suspect: set[int]) -> None:
        texts = getattr(batch, "texts", ())
        seen.extend(texts)
        suspect.update(index for index, text in enumerate(texts) if "Björn" in text)

    many = ["nobody", "Bj\\u00f6rn", "Bj%25C3%25B6rn", "QmrDtnJuIExpbmRxdmlzdCBqb2luZWQ=", "Bj\u00f6rn"]
    assert _WHOLE.suspects(many, look) == [1, 2, 3, 4]
    assert "nobody" in seen


_SCRIPT = """
import sys
from certtrace.redaction import RedactionPolicy, Redactor
native = sys.argv[1] == "native"
text = sys.stdin.buffer.read().decode("utf-8")
print(Redactor(RedactionPolicy(), b"k" * 32, native=native).redact_text(text).encode("unicode_escape").decode())
"""


def test_two_processes_with_one_key_write_the_same_whatever_their_engine() -> None:
    text = "\n".join(FINDABLE).encode()
    written = {
        subprocess.run([sys.executable, "-c", _SCRIPT, engine], input=text, capture_output=True, check=True).stdout
        for engine in ("native", "native", "fallback")
    }
    assert len(written) == 1
    assert b"jane.doe@" not in written.pop()
