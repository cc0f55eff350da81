"""The end of the process is the host's: its exit code, its output, its traceback."""

import subprocess
import sys
import textwrap

import pytest

PRELUDE = """
import sys
import certtrace
from certtrace import traced

certtrace.configure(home=sys.argv[1], shutdown_timeout_seconds=0.1)

@traced
def work(*args):
    return args

@traced
def fails():
    raise ValueError("no")
"""
ENDS = {
    "returns": ("work(1)", 0, ""),
    "exits": ("work(1); sys.exit(3)", 3, ""),
    "raises": ("fails()", 1, "ValueError: no"),
    "leaves the unit open": ("g = traced(lambda: (yield 1))(); next(g)", 0, ""),
    # More than can be redacted in time, by an engine in C++: its thread must not be running when Python ends.
    "leaves a backlog": (
        '[work({"t": "Ann Lee, ann@example.org, +49 151 2345678. " * 60}) for _ in range(4000)]',
        0,
        "",
    ),
    "leaves a thread": ("import threading; threading.Thread(target=work, args=(2,), daemon=True).start()", 0, ""),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_process_ends_as_it_would_untraced(end, tmp_path):
    line, code, last = ENDS[end]
    script = tmp_path / "main.py"
    script.write_text(textwrap.dedent(PRELUDE) + line + "\n")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "home")], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.strip().rpartition("\n")[2] == last
