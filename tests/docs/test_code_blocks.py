"""Every code block of the README and of `docs/` works, in the order in which a reader meets it.

A Python block is run as a program of its own; one that begins with a comment such as `# grading.py` is saved under that
name for the blocks after it, as is TOML that begins with one such as `# policy.toml`. Of a shell block the lines that
call `certtrace`, `python` or `pytest` are run, `export` sets a variable for what follows, and lines that begin with
`echo` or `printf` are given to a shell. A `certtrace` line with `&` at its end goes on until the end of the page; the
`export` lines that it prints are taken over, as its reader would copy them. All blocks of a page share one folder and
one data folder. A trace id of 8 hex digits in a command stands for the newest trace. A Langfuse address stands for a
server of the test.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[a-z]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# ([a-z_]+\.(?:py|toml))\n")
_TRACE_ID = re.compile(r"\b[0-9a-f]{8}\b")
_RUN = {
    "python": ["-W", "error"],
    "certtrace": ["-W", "error", "-m", "certtrace"],
    "pytest": ["-m", "pytest", "-p", "no:cacheprovider"],
}
"""Options of this Python that stand for each program. Warnings are errors; pytest has filters of its own for that."""
_FOR_THE_READER = ("git clone ", "cd ", "pip install ", "./scripts/", ". .venv/bin/activate", "#")
"""Lines that set up what the test has already."""
_WITH_A_SHELL = ("echo ", "printf ")
"""Beginnings of lines with a pipe or a file in them; `certtrace` is on the path."""
_TIMEOUT_SECONDS = 120


class Block(NamedTuple):
    language: str
    text: str
    line: int


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        indent = len(match["indent"])
        lines = "".join(line[indent:] for line in match["text"].splitlines(keepends=True))
        found.append(Block(match["language"], lines, text.count("\n", 0, match.start()) + 1))
    return found


class Sink(BaseHTTPRequestHandler):
    """Takes whatever it is sent, as Langfuse's ingestion does."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.received.append((self.path, dict(self.headers), body))  # type: ignore[attr-defined]  # set below
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def sink() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    server.received = []  # type: ignore[attr-defined]  # where the handler puts what comes
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


class Reader:
    """Somebody who types what the page says."""

    def __init__(self, page: Path, folder: Path, langfuse: str) -> None:
        self._page = page
        self._folder = folder
        self._langfuse = langfuse
        self._served: list[subprocess.Popen[str]] = []
        self._printed: set[str] = set()
        self._environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder / "user"),
            "CERTTRACE_HOME": str(folder / "data"),
            "COLUMNS": "100",
        }

    def follow(self, block: Block) -> None:
        if block.language == "python":
            self._python(block)
        elif block.language == "bash":
            for line in block.text.replace("\\\n", " ").splitlines():
                self._shell(line.strip(), block)
        elif block.language == "json":
            json.loads(block.text)
        elif block.language == "toml":
            tomllib.loads(block.text)
            if named := _FILE.match(block.text):
                (self._folder / named[1]).write_text(block.text, encoding="utf-8")
        else:
            assert block.language == "text", f"{self._page.name}:{block.line} has a block in {block.language!r}"

    def _python(self, block: Block) -> None:
        named = _FILE.match(block.text)
        path = self._folder / (named[1] if named else f"block_{block.line}.py")
        path.write_text(block.text, encoding="utf-8")
        if named:
            compile(block.text, named[1], "exec")
        else:
            self._run([sys.executable, "-W", "error", path.name], block)

    def _shell(self, line: str, block: Block) -> None:
        if not line or line.startswith(_FOR_THE_READER):
            return
        if line.startswith(_WITH_A_SHELL):
            self._run(["bash", "-o", "pipefail", "-c", line], block)
            return
        words = shlex.split(line, comments=True)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            if name in self._printed:
                return  # the page shows an example of what was printed; the reader has the real one
            is_address = name in ("LANGFUSE_BASE_URL", "LANGFUSE_HOST")
            self._environment[name] = self._langfuse if is_address else value.replace("$PWD", str(self._folder))
            return
        if words[-1] == "&":
            self._serve(words[1:-1], block)
            return
        assert words[0] in _RUN, f"{self._page.name}:{block.line}: the test does not know how to run {line!r}"
        if words[0] == "certtrace":
            words = [self._newest() if _TRACE_ID.fullmatch(word) else word for word in words]
        self._run([sys.executable, *_RUN[words[0]], *words[1:]], block)

    def _serve(self, arguments: list[str], block: Block) -> None:
        """Start a program of ours that goes on, and take over the variables that it tells its user to set."""
        if "--port" in arguments:
            arguments[arguments.index("--port") + 1] = "0"  # the page's port may be taken here
        elif arguments[0] == "serve":
            arguments += ["--port", "0"]
        program = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "certtrace", *arguments],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._served.append(program)
        assert program.stdout is not None
        for printed in program.stdout:
            if printed.startswith("export "):
                name, _, value = shlex.split(printed)[1].partition("=")
                self._environment[name] = value
                self._printed.add(name)
            if "Ctrl-C" in printed:
                return
        pytest.fail(f"{self._page.name}:{block.line}: {' '.join(arguments)} ended with {program.wait(10)}")

    def end(self) -> None:
        """Stop what still runs, as Ctrl-C does."""
        for program in reversed(self._served):
            program.send_signal(signal.SIGINT)
            program.communicate(timeout=_TIMEOUT_SECONDS)
            assert program.returncode == 0, f"{self._page.name}: {program.args} ended with {program.returncode}"

    def _newest(self) -> str:
        listed = self._run([sys.executable, "-m", "certtrace", "traces", "--json", "--limit", "1"], None)
        return str(json.loads(listed)["trace_id"])[:12]

    def _run(self, command: list[str], block: Block | None) -> str:
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        where = f"{self._page.name}:{block.line if block else ''}"
        assert done.returncode == 0, f"{where} {' '.join(command[1:])}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, f"{where} {' '.join(command[1:])}\n{done.stderr}"
        return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_code_block_works(page, tmp_path, sink):
    blocks = blocks_of(page)
    assert page.read_text(encoding="utf-8").count("```") == 2 * len(blocks), (
        "a code fence is not closed or not indented alike"
    )
    reader = Reader(page, tmp_path, f"http://127.0.0.1:{sink.server_port}")
    try:
        for block in blocks:
            reader.follow(block)
    finally:
        reader.end()
    if page.stem == "send-to-langfuse":
        paths = {path for path, _, _ in sink.received}
        assert "/api/public/otel/v1/traces" in paths


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors_of(found), f"{page.name} links to {target}"


def test_every_page_is_reached_from_the_readme():
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in reached:
            continue
        reached.add(page)
        targets = re.findall(r"\]\(([^)#\s]+\.md)[)#]", page.read_text(encoding="utf-8"))
        todo += [(page.parent / target).resolve() for target in targets]
    assert not set(PAGES) - reached
