import pytest
from opentelemetry.context import get_current

from certtrace import traced
from certtrace.assembly import current_running
from certtrace.testing import recording
from certtrace.tracing.active import ACTIVE

pytest.register_assert_rewrite("tests.tracing.twins")

from tests.tracing.twins import NAME, State  # noqa: E402 - its assertions are rewritten first


@pytest.fixture(autouse=True)
def _context_stays_clean():
    """Whatever a traced call did, the caller's OpenTelemetry context is what it was."""
    before = dict(get_current())
    yield
    assert dict(get_current()) == before


def faults(running):
    """Our own faults; where the stack ends, ours ends too, and says so."""
    return [cause for cause in running.tracer.fault.counts() if not cause.endswith("RecursionError")]


@pytest.fixture(params=["unconfigured", "recorded", "dropped"])
def state(request):
    trace = traced(name=NAME)
    if request.param == "unconfigured":
        assert ACTIVE.runtime is None
        yield State(request.param, trace)
        return
    dropped = request.param == "dropped"
    with recording(drop_names={NAME} if dropped else set()) as recorder:
        running = current_running()
        made = State(request.param, trace, None if dropped else recorder)
        yield made
        assert made.may_fault or faults(running) == []
        assert not dropped or recorder.named(NAME) == []


@pytest.fixture
def spans(certtrace_spans):
    """The recorder of a test that looks at what was recorded; our own faults fail the test."""
    running = current_running()
    yield certtrace_spans
    assert faults(running) == []
