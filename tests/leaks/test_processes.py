"""Processes that are killed, fork or end; what the environment says; what the commands print."""

import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.leaks.plants import CARD, CONTROL, EVERYTHING, FORMS_TEXT, OTHER_EMAIL, STRUCTURED, TOKEN

import certtrace
from certtrace.cli import root
from certtrace.testing import find_leaks
from certtrace.testing.sink import Sink

ROOT = Path(__file__).resolve().parents[2]

PRELUDE = """
import os, signal, sys, threading
import certtrace
from certtrace import span, traced, current_span
from tests.leaks.plants import CONTROL, FORMS_TEXT, IDENTITY, PERSONAL_TEXT

@traced
def take(*values):
    current_span().score("s", 0.5, comment=str(values))
    return values

def unit():
    with span("unit", input=PERSONAL_TEXT):
        certtrace.identify(**IDENTITY)
        take(PERSONAL_TEXT, FORMS_TEXT)
        try:
            with span("broken"):
                raise ValueError(PERSONAL_TEXT)
        except ValueError:
            pass

certtrace.configure(service_name="leaks")
"""


@pytest.fixture
def sink():
    with Sink() as opened:
        yield opened


@pytest.fixture
def run(sink, tmp_path):
    """Run a program after the prelude, as its own process; give what it printed."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
        "CERTTRACE_HOME": str(tmp_path / "home"),
        "CERTTRACE_DESTINATIONS": "store,langfuse",
        "LANGFUSE_BASE_URL": sink.url,
        "LANGFUSE_PUBLIC_KEY": "pk-lf-leaks",
        "LANGFUSE_SECRET_KEY": "sk-lf-leaks",
    }

    def start(program, *arguments, status=0, **variables):
        command = [sys.executable, "-c", PRELUDE + textwrap.dedent(program)] if program else arguments
        done = subprocess.run(
            command,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == status, done.stderr
        return done.stdout + done.stderr

    return start


def proved(sink, home, printed, *, sent=True):
    requests = [data for request in sink.requests for _, data in request.parts()]
    assert find_leaks(EVERYTHING, {"sent": requests, "home": home, "printed": printed}) == []
    assert bool(find_leaks({"control": CONTROL}, requests)) == sent
    assert find_leaks({"control": CONTROL}, home)


def test_a_process_that_ends_shows_nobody(run, sink, tmp_path):
    printed = run("unit()\n")
    proved(sink, tmp_path / "home", printed)


def test_a_process_that_dies_of_an_exception_shows_nobody_in_what_it_exports(run, sink, tmp_path):
    run("unit()\nwith span('last', input=FORMS_TEXT):\n    raise SystemExit(3)\n", status=3)
    proved(sink, tmp_path / "home", "")


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "moment", ["in a span", pytest.param("at once", marks=SLOW), pytest.param("after a flush", marks=SLOW)]
)
def test_a_killed_process_leaves_nothing_personal_on_disk(run, sink, tmp_path, moment):
    kill = "os.kill(os.getpid(), signal.SIGKILL)"
    inside = {
        "at once": f"unit()\n{kill}\n",
        "in a span": f"""
            unit()
            with span("open", input=PERSONAL_TEXT):
                certtrace.identify(**IDENTITY)
                take(PERSONAL_TEXT)
                certtrace.force_flush(10)
                {kill}
            """,
        "after a flush": f"unit()\ncerttrace.force_flush(10)\nunit()\n{kill}\n",
    }[moment]
    run(textwrap.dedent(inside), status=-signal.SIGKILL)
    home = tmp_path / "home"
    assert find_leaks(EVERYTHING, home) == []
    printed = run("unit()\n")  # delivers what the other one left
    proved(sink, home, printed)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_shows_nobody(run, sink, tmp_path):
    printed = run(
        """
        import warnings
        warnings.simplefilter("ignore")
        with span("parent", input=PERSONAL_TEXT):
            certtrace.identify(**IDENTITY)
            take(PERSONAL_TEXT)
            pid = os.fork()
            if pid == 0:
                take(PERSONAL_TEXT)
                unit()
                certtrace.shutdown(10)
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        """
    )
    proved(sink, tmp_path / "home", printed)


def test_service_resource_and_release_are_redacted(run, sink, tmp_path):
    printed = run(
        """
        certtrace.configure(service_name=FORMS_TEXT, release=FORMS_TEXT,
                            resource_attributes={"owner": FORMS_TEXT, FORMS_TEXT: "x"})
        unit()
        """,
        OTEL_RESOURCE_ATTRIBUTES=f"owner={OTHER_EMAIL},host.name={TOKEN}",
        OTEL_SERVICE_NAME=f"grader of {OTHER_EMAIL} {CARD}",
        LANGFUSE_RELEASE=f"built by {OTHER_EMAIL}",
    )
    proved(sink, tmp_path / "home", printed)


def test_what_the_environment_says_of_the_service_is_redacted(run, sink, tmp_path):
    printed = run(
        "unit()\n",
        OTEL_RESOURCE_ATTRIBUTES=f"owner={OTHER_EMAIL},host.name={TOKEN},{CONTROL}=1",
        OTEL_SERVICE_NAME=f"grader of {OTHER_EMAIL} {CARD}",
        LANGFUSE_RELEASE=f"built by {OTHER_EMAIL}",
    )
    proved(sink, tmp_path / "home", printed)


def test_the_commands_print_nothing_personal(run, tmp_path, monkeypatch):
    run("unit()\n")
    monkeypatch.setenv("CERTTRACE_HOME", str(tmp_path / "home"))

    def printed(*arguments):
        result = CliRunner().invoke(root, arguments)
        assert result.exit_code == 0, result.output
        return result.output

    listed = printed("traces", "--json")
    trace_id = re.search(r"[0-9a-f]{32}", listed)[0]
    outputs = [listed, printed("traces"), printed("show", trace_id), printed("show", trace_id, "--json")]
    assert find_leaks(EVERYTHING, outputs) == []
    assert find_leaks({"control": CONTROL}, outputs)


WRONG = {
    "short key": {"redaction_key": TOKEN[:12]},
    "address with credentials": {"langfuse_base_url": f"nonsense://user:{TOKEN}@host"},
    "key for an address": {"langfuse_base_url": TOKEN},
    "wrong keys": {"langfuse_secret_key": 7, "langfuse_public_key": [TOKEN]},
    "unknown argument": {"redactionkey": TOKEN},
}


@pytest.mark.parametrize("case", WRONG)
def test_no_error_of_configuration_shows_a_secret(tmp_path, case):
    try:
        certtrace.configure(home=tmp_path / "home", **WRONG[case])
    except certtrace.CerttraceError as error:
        message = f"{error} {error!r}"
    else:
        certtrace.shutdown(1)
        pytest.fail("the setting was taken")
    assert find_leaks({"token": TOKEN}, message) == []
    if case == "short key":
        assert TOKEN[:12] not in message


@pytest.mark.parametrize(
    ("variable", "secret"),
    [
        ("CERTTRACE_REDACTION_KEY", "4kQz9"), ("LANGFUSE_BASE_URL", f"x:{TOKEN}@h"), ("LANGFUSE_HOST", f"x:{TOKEN}@h"),
        ("CERTTRACE_REDACTION_KEYS", TOKEN),
    ],
    ids=["short key", "address", "host", "unknown"],
)  # fmt: skip
def test_no_variable_with_a_secret_is_shown(monkeypatch, variable, secret):
    monkeypatch.setenv(variable, secret)
    with pytest.raises(certtrace.ConfigurationError) as raised:
        certtrace.configure()
    assert variable in str(raised.value)
    assert secret not in str(raised.value)


def test_the_values_that_this_module_plants_would_be_found():
    assert {leak.canary for leak in find_leaks(STRUCTURED, FORMS_TEXT)} == set(STRUCTURED)
