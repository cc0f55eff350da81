import time

import pytest
from click.testing import CliRunner
from tests.records.spans import START_NS, meta, payload, scores, span

from certtrace import semconv, settings
from certtrace.cli import root
from certtrace.records.store import StoreDestination

FAILED, GRADED, CANCELLED = "fa11ed00" + "0" * 24, "9ad3d000" + "0" * 24, "ca9ce11e" + "0" * 24
HOSTILE = "\x1b[31mred\x1b[0m [bold]x[/bold]\n\u202eevil"


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch, tmp_path):
    import os

    for name in list(os.environ):
        if name.startswith(("CERTTRACE_", "LANGFUSE_", "OTEL_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "100")


def store_of(folder):
    return settings.load(home=folder).store_path


@pytest.fixture
def home(tmp_path):
    """A data folder with a failed, a graded and a cancelled trace; the first two share a submission."""
    folder = tmp_path / "home"
    destination = StoreDestination(store_of(folder))
    destination.deliver([*_failed(), *_graded(), *_cancelled()], time.monotonic() + 5)
    destination.close()
    return folder


def _failed():
    root_id = "a" * 16
    failure = meta(cert__failure__class="malformed_json", error__type="json.JSONDecodeError")
    about = meta(
        cert__submission__id="sub-7",
        cert__candidate="<person:7f3a91>",
        cert__sampling={"rule": "error", "threshold": 0},
    )
    receipt = meta(cert__redaction={"policy": "ab12", "counts": {"EMAIL": 3, "PERSON": 2}, "withheld": 0})
    spans = [
        span(
            "answer.grade",
            trace_id=FAILED,
            span_id=root_id,
            error="The reply is no JSON.",
            attributes={**failure, **about},
        ),
        span(
            HOSTILE,
            trace_id=FAILED,
            parent=root_id,
            error="The reply is no JSON.",
            start_ms=5,
            end_ms=900,
            attributes={
                **failure,
                **receipt,
                semconv.OBSERVATION_INPUT: HOSTILE,
                semconv.OBSERVATION_TYPE: "generation",
            },
        ),
    ]
    return [payload(spans, resource={"service.name": "Grading Worker"})]


def _graded():
    about = meta(cert__submission__id="sub-7", cert__grade=7, cert__grade__max=10, cert__confidence=0.6)
    spans = [
        span(
            "answer.grade", trace_id=GRADED, start_ms=60_000, end_ms=61_500, attributes={**about, "session.id": "att-1"}
        )
    ]
    given = {"id": "s1", "traceId": GRADED, "name": "grade_confidence", "value": 0.6, "dataType": "NUMERIC"}
    return [payload(spans, resource={"service.name": "Grading Worker"}), scores(given)]


def _cancelled():
    spans = [
        span(
            "submission.grade",
            trace_id=CANCELLED,
            start_ms=120_000,
            end_ms=120_002,
            attributes=meta(cert__outcome="cancelled"),
        )
    ]
    return [payload(spans, resource={"service.name": "Solution Worker"})]


@pytest.fixture
def run(home):
    """Call the command in this process: `run("traces", "--json")`."""

    def call(*arguments, home=home):
        chosen = [] if home is None else ["--home", str(home)]
        return CliRunner().invoke(root, [*chosen, *arguments], prog_name="certtrace")

    return call


@pytest.fixture
def since():
    """The moment of the test data's start in ISO 8601."""
    from certtrace.records.langfuse_json import iso

    return lambda seconds: iso(START_NS + seconds * 1_000_000_000)
