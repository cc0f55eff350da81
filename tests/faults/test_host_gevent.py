"""Hosts that patch the standard library for greenlets, early or late: no deadlock, and every trace is delivered.

Not tried: a patch while native threads of the process run, in which gevent itself comes to a standstill, whoever's
threads they are; and eventlet, whose own maintainers advise against new use of it and are retiring it.
"""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest
from tests.faults.service import KEYS, Service

pytest.importorskip("gevent", reason="gevent is not installed")

SECONDS = 60

PROGRAM = """
import json, logging, os, sys, time, warnings

warnings.simplefilter("ignore")  # gevent warns that it should patch earlier: that is what is tried here
told = json.loads(sys.argv[1])
when = told["when"]


def patch():
    from gevent import monkey

    monkey.patch_all()


if when == "first":
    patch()

import certtrace

if when == "after import":
    patch()


class Traced(logging.Handler):
    @certtrace.traced(name="emit")
    def emit(self, record):
        time.sleep(0)


def work(number):
    with certtrace.span("unit"):
        logging.getLogger("host").warning("line")
        time.sleep(0.001)
        with certtrace.span("inner"):
            time.sleep(0)
    return number


def configure():
    certtrace.configure(home=told["home"], service_name="svc", instrument_langfuse=False, **told["settings"])


def serve():
    import gevent

    jobs = [gevent.spawn(work, number) for number in range(200)]
    gevent.joinall(jobs, timeout=30)
    assert [job.value for job in jobs] == list(range(200))
    result = certtrace.force_flush(30)
    status = certtrace.assembly.status()
    began = time.monotonic()
    certtrace.shutdown(5)
    print(json.dumps({
        "delivered": result.delivered, "balanced": status.account.balanced, "kept": status.account.kept,
        "faults": dict(status.faults), "shutdown": time.monotonic() - began,
    }))


logging.getLogger("host").addHandler(Traced())
configure()
if when == "after fork":  # gunicorn with gevent workers and --preload
    with certtrace.span("before the fork"):
        pass
    certtrace.force_flush(10)
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) % 256)
    patch()
serve()
if when == "after fork":
    sys.stdout.flush()
    os._exit(0)
"""


@pytest.mark.parametrize("when", ["first", "after import", "after fork"])
def test_greenlets_are_traced_and_delivered_whenever_the_host_patches(tmp_path, sink, when):
    home = tmp_path / "home"
    settings = {"destinations": ["store", "langfuse"], "langfuse_base_url": sink.url, **KEYS}
    told = {"when": when, "home": str(home), "settings": settings}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(told)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["shutdown"] < 6
    assert (result["delivered"], result["balanced"], result["faults"]) == (True, True, {})
    assert result["kept"] == 200
    expected = Counter({"unit": 200, "inner": 200, "emit": 200})
    if when == "after fork":
        expected["before the fork"] = 1
    running = Service(home, sink)
    assert running.stored() == expected
    assert Counter(span.name for span in running.sent()) == expected
    for span in running.sent():
        if span.name in ("inner", "emit"):
            assert span.parent_span_id
