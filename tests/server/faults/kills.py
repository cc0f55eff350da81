"""Kill a server under load at random moments: what it acknowledged is stored, and nothing is half."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tests.server.intake.exports import JSON, PATH, PROTOBUF, export, span

_READY_SECONDS = 60.0
_LONGEST_LIFE_SECONDS = 0.8
_TEXT = "The quick brown fox jumps over the lazy dog. " * 12
_OURS = ("CERTTRACE_", "LANGFUSE_", "OTEL_")


@dataclass
class Sent:
    """One request: what has to be in the store if it was acknowledged."""

    trace_id: str
    observations: set[str] = field(default_factory=set)
    scores: set[str] = field(default_factory=set)
    acknowledged: bool = False


@dataclass
class Found:
    """What all rounds together found."""

    kills: int = 0
    requests: int = 0
    acknowledged_requests: int = 0
    acknowledged_observations: int = 0
    acknowledged_scores: int = 0
    unacknowledged_but_whole: int = 0
    wrong: list[str] = field(default_factory=list)


class Server:
    """`certtrace serve` in a process of its own."""

    def __init__(self, home: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        command = [sys.executable, "-m", "certtrace", "--home", str(home), "serve", "--port", "0", "--json"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self._process.stdout is not None
        timer = threading.Timer(_READY_SECONDS, self._process.kill)
        timer.start()
        line = self._process.stdout.readline()
        timer.cancel()
        if not line:
            self.kill()
            msg = "the server did not start"
            raise RuntimeError(msg)
        self.told: dict[str, Any] = json.loads(line)

    @property
    def url(self) -> str:
        return str(self.told["url"])

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(20)
        assert self._process.stdout is not None
        self._process.stdout.close()


def kill_often(home: Path, times: int, seed: int, say: Callable[[str], None] = lambda _line: None) -> Found:
    """Start, load and kill a server `times` times on one data folder."""
    choose = random.Random(seed)
    found = Found()
    key: tuple[str, str] | None = None
    everything: list[Sent] = []
    for number in range(times):
        server = Server(home)
        try:
            key = key or (server.told["public_key"], server.told["secret_key"])
            sent = _load(server, key, choose, number)
        finally:
            server.kill()
        found.kills += 1
        everything += sent
        _check(home, sent, found, f"kill {number}")
        say(
            f"{number + 1} kills, {found.acknowledged_observations} observations acknowledged, {len(found.wrong)} wrong"
        )
    _check_all(home, everything, found)
    return found


def _load(server: Server, key: tuple[str, str], choose: random.Random, number: int) -> list[Sent]:
    """Send from several clients until the server is killed; return what was sent."""
    sent: list[Sent] = []
    first = threading.Event()
    makers = (_spans, _spans, _scores, _events)
    threads = [
        threading.Thread(target=_client, args=(server.url, key, make, (number << 16) + place, sent, first))
        for place, make in enumerate(makers)
    ]
    for thread in threads:
        thread.start()
    first.wait(10)
    time.sleep(choose.uniform(0, _LONGEST_LIFE_SECONDS))  # not to wait for something: the moment is the experiment
    server.kill()
    for thread in threads:
        thread.join(30)
    return sent


def _client(
    url: str,
    key: tuple[str, str],
    make: Callable[[random.Random, int], tuple[Sent, str, dict[str, Any]]],
    own: int,
    sent: list[Sent],
    first: threading.Event,
) -> None:
    choose = random.Random(own)
    with httpx.Client(base_url=url, auth=key, timeout=20) as client:
        while True:
            record, path, request = make(choose, own)
            sent.append(record)
            try:
                answer = client.post(path, **request)
            except httpx.TransportError:
                return
            record.acknowledged = answer.status_code in (200, 202, 207)
            if not record.acknowledged:
                record.trace_id = f"refused with {answer.status_code}"
            first.set()


def _spans(choose: random.Random, _own: int) -> tuple[Sent, str, dict[str, Any]]:
    trace = choose.getrandbits(127) + 1
    numbers = [choose.getrandbits(62) + 1 for _ in range(choose.randint(1, 40))]
    spans = [span(trace, number, langfuse__observation__input=f"{_TEXT}{number}") for number in numbers]
    content = export(*spans).SerializeToString()
    record = Sent(f"{trace:032x}", {f"{number:016x}" for number in numbers})
    return record, PATH, {"content": content, "headers": PROTOBUF}


def _scores(choose: random.Random, _own: int) -> tuple[Sent, str, dict[str, Any]]:
    trace_id = f"{choose.getrandbits(127) + 1:032x}"
    ids = [f"score-{choose.getrandbits(64):x}" for _ in range(choose.randint(1, 10))]
    body = [{"id": own, "traceId": trace_id, "name": "quality", "value": 0.5, "comment": _TEXT} for own in ids]
    return Sent(trace_id, scores=set(ids)), "/api/public/scores", {"content": json.dumps(body), "headers": JSON}


def _events(choose: random.Random, _own: int) -> tuple[Sent, str, dict[str, Any]]:
    trace_id = f"{choose.getrandbits(127) + 1:032x}"
    ids = [f"span-{choose.getrandbits(64):x}" for _ in range(choose.randint(1, 10))]
    moment = "2026-11-23T10:00:00.000Z"
    batch: list[dict[str, Any]] = [
        {"id": f"event {own}", "type": "span-create", "timestamp": moment,
         "body": {"id": own, "traceId": trace_id, "name": "step", "input": _TEXT}}
        for own in ids
    ]  # fmt: skip
    batch.append({"id": "t", "type": "trace-create", "timestamp": moment, "body": {"id": trace_id, "name": "whole"}})
    request = {"content": json.dumps({"batch": batch}), "headers": JSON}
    return Sent(trace_id, set(ids)), "/api/public/ingestion", request


def _check(home: Path, sent: list[Sent], found: Found, when: str) -> None:
    with closing(sqlite3.connect(_store(home))) as connection:
        (state,) = connection.execute("PRAGMA integrity_check").fetchone()
        if state != "ok":
            found.wrong.append(f"{when}: the database is damaged: {state}")
        if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
            found.wrong.append(f"{when}: a row points to none")
        for each in sent:
            _check_one(connection, each, found, when)


def _check_one(connection: sqlite3.Connection, sent: Sent, found: Found, when: str) -> None:
    found.requests += 1
    observations = _ids(connection, "observations", sent.trace_id)
    scores = _ids(connection, "scores", sent.trace_id)
    if sent.trace_id.startswith("refused"):
        found.wrong.append(f"{when}: {sent.trace_id}")
    elif sent.acknowledged:
        found.acknowledged_requests += 1
        found.acknowledged_observations += len(sent.observations)
        found.acknowledged_scores += len(sent.scores)
        if (observations, scores) != (sent.observations, sent.scores):
            found.wrong.append(f"{when}: an acknowledged request is lost, or a part of it")
    elif observations or scores:
        found.unacknowledged_but_whole += 1
        if (observations, scores) != (sent.observations, sent.scores):
            found.wrong.append(f"{when}: half a request is stored")
    counted = connection.execute("SELECT observation_count FROM traces WHERE trace_id = ?", (sent.trace_id,)).fetchone()
    if (counted[0] if counted else 0) != len(observations):
        found.wrong.append(f"{when}: a trace counts other observations than it has")


def _check_all(home: Path, everything: list[Sent], found: Found) -> None:
    """Look once more, at the end, whether all that was ever acknowledged is still there."""
    with closing(sqlite3.connect(_store(home))) as connection:
        for each in everything:
            if each.acknowledged and _ids(connection, "observations", each.trace_id) != each.observations:
                found.wrong.append("at the end: acknowledged observations are gone")


def _ids(connection: sqlite3.Connection, table: str, trace_id: str) -> set[str]:
    rows = connection.execute(f"SELECT id FROM {table} WHERE trace_id = ? AND project = 'default'", (trace_id,))
    return {row[0] for row in rows}


def _store(home: Path) -> Path:
    (path,) = home.rglob("store.db")
    return path
