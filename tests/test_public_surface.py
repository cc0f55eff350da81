"""The public names: a new one is a decision, so the lists are written down here."""

import subprocess
import sys

import pytest

import certtrace
import certtrace.testing

NAMES = [
    "CerttraceError",
    "ConfigurationError",
    "DecorationError",
    "ExamSecret",
    "ObservationType",
    "Pii",
    "StoreError",
    "TraceNotFoundError",
    "configure",
    "continue_trace",
    "current_span",
    "force_flush",
    "identify",
    "in_context",
    "inject",
    "instrument",
    "propagate_attributes",
    "shutdown",
    "span",
    "traced",
]


def test_the_public_names_are_these_and_no_more_than_twenty():
    assert sorted(certtrace.__all__) == NAMES
    assert len(NAMES) <= 20


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_can_be_had_and_is_listed_by_dir(name):
    assert getattr(certtrace, name) is not None
    assert name in dir(certtrace)


def test_a_name_that_does_not_exist_is_named_in_the_error():
    with pytest.raises(AttributeError, match="module 'certtrace' has no attribute 'trace'"):
        _ = certtrace.trace


def test_a_star_import_brings_exactly_the_public_names():
    code = "from certtrace import *; print(*sorted(name for name in dir() if not name.startswith('_')))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == NAMES


def test_testing_offers_these_names():
    assert sorted(certtrace.testing.__all__) == [
        "FinishedSpan",
        "Leak",
        "LeakCheck",
        "Recorder",
        "assert_no_leaks",
        "find_leaks",
        "leak_check",
        "recording",
    ]
