"""SIGKILL at random moments: a nursery that forks services, kills them, and compares what they acknowledged with what
is found afterwards.

    python -m tests.faults.kills --times 40 --seed 1

Every attempt has a home folder of its own. A writer (the real pipeline, several threads, small segments and journals)
puts the trace id of each unit on a pipe as soon as its root has ended. It is killed at a random moment; so are other
services that start on the same folder meanwhile or afterwards, adopt and deliver.
"""

import argparse
import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.processes import (
    CONTENT_LOST,
    LIMIT_SECONDS,
    faults_in,
    files_of,
    ledgers_hold,
    read_out,
    stored,
)

import certtrace
from certtrace import assembly
from certtrace.delivery import lane, output, spool
from certtrace.testing import recording

_SPANS = 4
_THREADS = 3
_CHILD_LIFE_SECONDS = 20.0
_PAUSES = (0.001, 0.005, 0.005, 0.01, 0.02)


def warm_up() -> None:
    """Load here what every service would load for itself, so that redaction keeps up with the short lives to come."""
    with recording() as recorder:
        _root([], "x" * 700)
        assert len(recorder.spans) == _SPANS


def hurry_everything() -> None:
    """Make rotation, acknowledgement, deletion and adoption happen all the time instead of now and then."""
    spool.Spool.__init__.__kwdefaults__["segment_bytes"] = 30_000
    spool._ADOPT_SECONDS = 0.02
    output._JOURNAL_RECORDS = 40
    lane._IDLE_SECONDS = 0.01
    lane._BATCH_UNITS = 16


@certtrace.traced
def _leaf(value: str) -> str:
    return value


@certtrace.traced
def _root(acknowledge: list[str], value: str) -> str:
    acknowledge.append(certtrace.current_span().trace_id)
    for _ in range(_SPANS - 1):
        _leaf(value)
    return value


def _configure(home: Path, destinations: list[str]) -> None:
    certtrace.configure(
        home=home,
        destinations=destinations,
        service_name="grader",
        langfuse_base_url="http://127.0.0.1:9",
        langfuse_public_key="pk-lf-test",
        langfuse_secret_key="sk-lf-0123456789abcdef",
        instrument_langfuse=False,
        instrument_httpx=False,
    )
    running = assembly.current_running()
    for each in running.delivery._lanes:
        each._linger_seconds = 0.005


def _writer(home: Path, pipe: int, seed: int) -> None:
    """Trace from several threads until killed; acknowledge every unit once its root has ended."""
    _configure(home, ["store"])
    pauses = random.Random(seed)

    def work(pause: float) -> None:
        while True:
            told: list[str] = []
            _root(told, "x" * 700)
            os.write(pipe, told[0].encode() + b"\n")
            time.sleep(pause)

    for _ in range(_THREADS):
        threading.Thread(target=work, args=(pauses.choice(_PAUSES),), daemon=True).start()
    time.sleep(_CHILD_LIFE_SECONDS)


def _adopter(home: Path, pipe: int, seed: int) -> None:
    """Start as the next service does, and deliver what others left."""
    _configure(home, ["store"])
    os.write(pipe, b"up\n")
    time.sleep(_CHILD_LIFE_SECONDS)


class Child:
    """A forked service and the reading end of its pipe."""

    def __init__(self, work: Callable[[Path, int, int], None], home: Path, seed: int) -> None:
        reading, writing = os.pipe()
        self.fd = reading
        self.said = b""
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reading)
            log = os.open(home / "stderr.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 2)
            try:
                work(home, writing, seed)
            except BaseException as error:
                os.write(2, f"Traceback of a child: {type(error).__name__} {error}\n".encode())
            os._exit(3)
        os.close(writing)

    def listen(self, seconds: float, *, until_first: bool = False) -> None:
        """Take what the child says for so long, or until its first line."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.fd], [], [], left)[0]:
                part = os.read(self.fd, 65_536)
                if not part:
                    return
                self.said += part
                if until_first:
                    return

    def kill(self) -> None:
        """Kill it this very moment, then take what is left in the pipe."""
        os.kill(self.pid, signal.SIGKILL)
        while part := os.read(self.fd, 65_536):
            self.said += part
        os.close(self.fd)
        _, status = os.waitpid(self.pid, 0)
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            raise AssertionError(f"a child ended by itself: {status}")

    @property
    def lines(self) -> list[str]:
        """Whole lines only: the last one may be cut."""
        return [line.decode() for line in self.said.split(b"\n")[:-1]]


def attempt(home: Path, seed: int) -> dict[str, object]:
    """Run one attempt; return its counts, and under `wrong` what must not be."""
    chance = random.Random(seed)
    home.mkdir()
    writer = Child(_writer, home, seed)
    others: list[Child] = []
    early = chance.random() < 0.15  # while the service starts
    if not early:
        writer.listen(LIMIT_SECONDS, until_first=True)
    if chance.random() < 0.4:
        others.append(Child(_adopter, home, seed))
    writer.listen(chance.uniform(0.0, 0.06) if early else chance.uniform(0.0, 0.7))
    writer.kill()
    acknowledged = set(writer.lines)

    kills = 1
    for _ in range(chance.choice([0, 1, 1, 2])):
        others.append(Child(_adopter, home, seed))
        if chance.random() < 0.7:
            others[-1].listen(LIMIT_SECONDS, until_first=True)
        others[-1].listen(chance.uniform(0.0, 0.08))
        if chance.random() < 0.5:
            others.pop(0).kill()
            kills += 1
    for other in others:
        other.kill()
        kills += 1
    return {"kills": kills, "acknowledged": len(acknowledged), **compare(home, acknowledged)}


def compare(home: Path, acknowledged: set[str]) -> dict[str, object]:
    """Return what is wrong, and how much was found in which form."""
    wrong: list[str] = []
    torn = 0
    for path in files_of(home):
        found = faults_in(path)
        torn += found.get("torn", 0)
        if set(found) - {"torn"} or found.get("torn", 0) > 1:
            wrong.append(f"{path.name}: {dict(found)}")
    wrong += [f"ledger: {reason}" for reason in ledgers_hold(home)]
    before = stored(home)
    rest = read_out(home)
    if rest.left:
        wrong.append(f"left in the spool: {rest.left}")
    if rest.duplicates:
        wrong.append(f"twice in the spool: {len(rest.duplicates)}")
    recovered: dict[str, dict[str, str]] = {trace_id: dict(spans) for trace_id, spans in before.items()}
    for trace_id, span_id, name in rest.spans:
        spans = recovered.setdefault(trace_id, {})
        if name != CONTENT_LOST or span_id not in spans:
            spans[span_id] = name
    missing = acknowledged - recovered.keys()
    if missing:
        wrong.append(f"missing: {len(missing)} of {len(acknowledged)}")
    lost = [spans for spans in recovered.values() if CONTENT_LOST in spans.values()]
    parts = [s for s in recovered.values() if len(s) != (1 if CONTENT_LOST in s.values() else _SPANS)]
    if parts:
        wrong.append(f"incomplete: {len(parts)}, such as {sorted(parts[0].values())}")
    log = (home / "stderr.log").read_text() if (home / "stderr.log").exists() else ""
    if "Traceback" in log:
        wrong.append(log[-2_000:])
    return {
        "recovered": len(recovered),
        "stored": len(before),
        "stand_ins": len(lost),
        "torn": torn,
        "wrong": wrong,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="leave the folders of attempts in which something is wrong")
    chosen = parser.parse_args()
    warm_up()
    hurry_everything()
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    total = {"kills": 0, "attempts": 0, "acknowledged": 0, "recovered": 0, "stored": 0, "stand_ins": 0, "torn": 0}
    wrong: list[str] = []
    seed = chosen.seed
    while total["kills"] < chosen.times:
        home = folder / str(seed)
        found = attempt(home, seed)
        total["attempts"] += 1
        for name in total.keys() & found.keys():
            total[name] += int(str(found[name]))
        for each in found["wrong"]:  # type: ignore[attr-defined]  # a list of texts
            wrong.append(f"seed {seed}: {each}")
        if not (found["wrong"] and chosen.keep):
            shutil.rmtree(home)
        seed += 1
    if not (wrong and chosen.keep):
        shutil.rmtree(folder)
    sys.stdout.write(json.dumps({**total, "wrong": wrong}) + "\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
