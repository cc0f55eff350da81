"""The end of a process behind a backend that is dead or hangs: how long it takes, and what is left."""

import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.processes import CONTENT_LOST, read_out, start

BACKENDS = ("refused", "hanging")


@dataclass(frozen=True)
class Load:
    """What is queued when main ends."""

    name: str
    units: int
    spans: int
    text: int


LOADS = (
    Load("5000 x 1", 5_000, 1, 200),
    Load("500 x 10", 500, 10, 200),
    Load("500 x 10 long", 500, 10, 2_000),
)

SERVICE = """
    import atexit, json, os, sys, time, certtrace
    # Registered first, so it is called last: what comes behind it is the interpreter's own end.
    atexit.register(lambda: os.write(1, f"{time.monotonic()}\\n".encode()))
    home, url, units, size, text = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
    certtrace.configure(
        home=home, service_name="svc", destinations=["langfuse"], langfuse_base_url=url,
        langfuse_public_key="pk-lf-test", langfuse_secret_key="sk-lf-0123456789abcdef",
    )
    sentence = "Das Rechenzentrum von Anna Schmidt, anna.schmidt@example.org, steht in Aufgabe 4. "
    value = (sentence * (text // len(sentence) + 1))[:text]
    @certtrace.traced
    def leaf(value):
        return value
    @certtrace.traced
    def root(value, size):
        for _ in range(size - 1):
            leaf(value)
        return certtrace.current_span().trace_id
    traces = [root(value, size) for _ in range(units)]
    print(json.dumps([traces, time.monotonic()]), flush=True)
"""


@dataclass
class Ended:
    """How a process ended."""

    seconds: float
    """From the end of main to the end of the process."""
    own_seconds: float = 0.0
    """Of that, until our own end was done; the rest is the interpreter's."""
    whole: int = 0
    """Units whose spans are there with their names."""
    without_text: int = 0
    """Units of which only ids, times and status are there."""
    missing: list[str] = field(default_factory=list)
    returncode: int = 0
    stderr: str = ""


@contextmanager
def backend(kind: str) -> Iterator[str]:
    """Yield the address of a backend that refuses connections, or takes them and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        if kind == "refused":
            listener.close()
            yield address
            return
        listener.listen(16)
        kept: list[socket.socket] = []

        def take() -> None:
            try:
                while True:
                    kept.append(listener.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield address
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for each in kept:
            each.close()


def end_of(home: Path, kind: str, load: Load, code: str = SERVICE) -> Ended:
    """Run a service to its end; return how that was, and what the next process finds."""
    with backend(kind) as url:
        service = start(code, home, url, load.units, load.spans, load.text, stderr=subprocess.PIPE)
        line = service.stdout.readline()
        assert line.startswith("["), line + service.communicate()[1]
        traces, end_of_main = json.loads(line)
        service.wait(60)
        ended = Ended(time.monotonic() - end_of_main)
        ended.returncode = service.returncode
        told, ended.stderr = service.communicate()
        ended.own_seconds = float(told) - end_of_main
    found = read_out(home, "langfuse")
    without = {trace_id for trace_id, _, name in found.spans if name in (CONTENT_LOST, "withheld")}
    ended.missing = sorted(set(traces) - found.traces.keys())
    ended.without_text = len(without)
    ended.whole = len(found.traces) - len(without)
    return ended
