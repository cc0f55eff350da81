"""A real server on a real port, for tests."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from certtrace.records.database import Database
from certtrace.redaction import RedactionPolicy, Redactor
from certtrace.server.access import Access, FailedLogins, NewKey, Project, Role
from certtrace.server.app import create_app
from certtrace.server.box import Box, Limits
from certtrace.server.running import listen, server_of


@dataclass(frozen=True)
class Serving:
    """A running server and one key of each role."""

    url: str
    home: Path
    box: Box
    project: Project
    keys: dict[Role, NewKey]
    clients: dict[Role, httpx.Client] = field(default_factory=dict)

    def client(self, role: Role = Role.ADMIN) -> httpx.Client:
        """Return the HTTP client with the key of a role; it is closed at the end."""
        key = self.keys[role]
        if role not in self.clients:
            auth = (key.public_key, key.secret_key)
            self.clients[role] = httpx.Client(base_url=self.url, auth=auth, timeout=20)
        return self.clients[role]


@contextmanager
def serving(home: Path, project: str = "default", *, requests: int = 64) -> Iterator[Serving]:
    """Serve a box over a store of its own until the end of the block, `requests` of them at once."""
    policy = RedactionPolicy()
    # The tests of one module come from one address, and many try wrong keys.
    access = Access(home / "access.db", failed_logins=FailedLogins(per_minute=10_000))
    made = access.project(project)
    keys = {role: access.create(made, [role]) for role in Role}
    with listen("127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        box = Box(
            store=Database(home / "store.db"),
            access=access,
            redactor=Redactor(policy, bytes(32)),
            trusted_policies=frozenset({policy.version}),
            media_folder=home / "media",
            base_url=url,
            limits=Limits(requests=requests),
        )
        server = server_of(create_app(box))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        running = Serving(url, home, box, made, keys)
        try:
            yield running
        finally:
            for client in running.clients.values():
                client.close()
            server.should_exit = True
            thread.join(20)
            box.store.close()
            access.close()
