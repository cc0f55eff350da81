"""The server under the contract, whichever it is, and the few ways in which the suite talks to it."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from langfuse import Langfuse

Json = Any
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Target:
    """A Langfuse-compatible server: its address, one project's key, and clients for both."""

    url: str
    public_key: str
    secret_key: str
    http: httpx.Client
    langfuse: Langfuse
    project_id: str
    foreign: bool = False

    def get(self, path: str, expect: int = 200, **params: Json) -> Json:
        """GET below /api/public; lists become repeated parameters; return the body's JSON."""
        return self.send("GET", path, expect, params=params)

    def post(self, path: str, body: Json, expect: int = 200) -> Json:
        return self.send("POST", path, expect, json=body)

    def patch(self, path: str, body: Json, expect: int = 200) -> Json:
        return self.send("PATCH", path, expect, json=body)

    def put(self, path: str, body: Json, expect: int = 200) -> Json:
        return self.send("PUT", path, expect, json=body)

    def delete(self, path: str, expect: int = 200, **options: Json) -> Json:
        return self.send("DELETE", path, expect, **options)

    def send(self, method: str, path: str, expect: int, **options: Json) -> Json:
        answer = self.http.request(method, f"/api/public/{path}", **options)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text[:600]}"
        return answer.json() if answer.content else None

    def filtered(self, path: str, *conditions: Json, expect: int = 200, **params: Json) -> Json:
        """GET a listing with the `filter` parameter."""
        return self.get(path, expect, filter=json.dumps(list(conditions)), **params)

    def ingest(self, *events: Json) -> Json:
        """POST a batch of events (type, body) and return the answer; all must be accepted."""
        answer = self.post("ingestion", {"batch": [event(*one) for one in events]}, expect=207)
        assert answer["errors"] == [], answer
        return answer

    def eventually(self, read: Callable[[], Json], ready: Callable[[Json], bool]) -> Json:
        """Read until it is ready: the real server stores what it accepted a moment later."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                value = read()
                if ready(value) or time.monotonic() > deadline:
                    return value
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.05 if self.is_ours else 0.5)

    @property
    def is_ours(self) -> bool:
        """Whether the server stores before it answers, so that one read is enough."""
        return not self.foreign


def event(kind: str, body: Json, **envelope: Json) -> Json:
    """Return an event of POST /ingestion."""
    return {"id": unique(), "type": kind, "timestamp": now(), "body": body} | envelope


def unique(prefix: str = "") -> str:
    """Return a name that nothing else in the project has."""
    return f"{prefix}{uuid.uuid4()}"


def now() -> str:
    return iso(datetime.now(UTC))


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def condition(kind: str, column: str, operator: str, value: Json, **more: Json) -> Json:
    """Return one condition of a `filter` parameter."""
    return {"type": kind, "column": column, "operator": operator, "value": value} | more


def ids(answer: Json) -> list[str]:
    return [row["id"] for row in answer["data"]]
