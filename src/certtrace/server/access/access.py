"""Projects, keys and sign-ins: made, known, listed, revoked."""

import hmac
import re
import secrets
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from certtrace.errors import InputError
from certtrace.server.access import keys
from certtrace.server.access.attempts import FailedLogins
from certtrace.server.access.file import AccessFile
from certtrace.server.access.keys import KeyEntry, KnownKey, NewKey, Project
from certtrace.server.access.reads import Reads
from certtrace.server.access.roles import Role

SESSION_SECONDS: Final = 12 * 3_600
_SECOND_NS: Final = 1_000_000_000
_USE_NOTED_NS: Final = 60 * _SECOND_NS
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
_LONGEST_NAME: Final = 60
_LONGEST_NOTE: Final = 500

_KEY: Final = """
SELECT k.id, k.public_key, k.secret_hash, k.roles, k.note, k.used_at_ns, p.id AS project_id, p.name AS project_name
FROM keys AS k JOIN projects AS p ON p.id = k.project
"""
_VALID: Final = "k.revoked_at_ns IS NULL AND (k.expires_at_ns IS NULL OR k.expires_at_ns > ?)"


class Access:
    """The file of projects, keys, sign-ins and reads. Safe between threads and processes.

    Nothing is remembered of a key but when its last use was noted: what one process revokes, all others refuse from
    their next request on.
    """

    def __init__(
        self, path: Path, *, failed_logins: FailedLogins | None = None, clock: Callable[[], int] = time.time_ns
    ) -> None:
        """Take the file; it is made where needed.

        Args:
            path: The file.
            failed_logins: What makes those wait who guess.
            clock: Nanoseconds since 1970.

        Raises:
            StoreError: It cannot be made or read, or is of a newer version.
        """
        self._file = AccessFile(path)
        self._clock = clock
        self._failed_logins = failed_logins or FailedLogins()
        self._noted: dict[str, int] = {}
        self._noting = threading.Lock()
        self._nobody = secrets.token_bytes(32)
        self.reads: Final = Reads(self._file, clock)

    def project(self, name: str) -> Project:
        """Return the project of that name; it is made where needed.

        Raises:
            InputError: The name is empty, too long, or has characters that do not show.
        """
        if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable() or name != name.strip():
            msg = f"A project's name has 1 to {_LONGEST_NAME} characters that show, without blanks at its ends."
            raise InputError(msg)
        known = self._project_named(name)
        if known is not None:
            return known
        made = name if _PLAIN_NAME.fullmatch(name) else f"project-{uuid.uuid4().hex[:12]}"
        with self._file.writing() as connection:
            connection.execute(
                "INSERT INTO projects VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (made, name, self._clock())
            )
        return self._project_named(name) or Project(made, name)

    def projects(self) -> list[Project]:
        """Return all projects, oldest first."""
        with self._file.reading() as connection:
            rows = connection.execute("SELECT id, name FROM projects ORDER BY created_at_ns, id").fetchall()
        return [Project(*row) for row in rows]

    def has_keys(self, project: Project | None = None) -> bool:
        """Tell whether any key, or any of a project, was ever made: also where all are revoked by now."""
        with self._file.reading() as connection:
            found = connection.execute(
                "SELECT 1 FROM keys WHERE ifnull(project = ?, TRUE) LIMIT 1", (project.id if project else None,)
            )
            return found.fetchone() is not None

    def create(
        self,
        project: Project,
        roles: Iterable[Role],
        note: str | None = None,
        *,
        expires_at_ns: int | None = None,
        chosen: tuple[str, str] | None = None,
    ) -> NewKey:
        """Make a key and return it, for the only time with its secret.

        Args:
            project: What it gives access to.
            roles: What it may do; at least one.
            note: Whose it is, or what for.
            expires_at_ns: When it ends by itself, in nanoseconds since 1970.
            chosen: Public and secret key, where they are given from outside.

        Raises:
            InputError: There is no role, the note is too long, or the chosen key is taken or easy to guess.
        """
        public_key, secret_key = chosen or (keys.new_public(), keys.new_secret())
        if chosen is not None and not keys.is_chosen_well(public_key, secret_key):
            msg = "Chosen keys begin with pk-lf- and sk-lf- and have at least 24 ASCII characters. Leave them out."
            raise InputError(msg)
        given = sorted(set(roles))
        if not given or len(note or "") > _LONGEST_NOTE:
            msg = f"A key has at least one role, and a note of at most {_LONGEST_NOTE} characters."
            raise InputError(msg)
        new = NewKey(
            str(uuid.uuid4()), public_key, secret_key, keys.shown(secret_key), self._clock(), expires_at_ns, note
        )
        self._insert(new, project, " ".join(given))
        return new

    def known(self, public_key: str, secret_key: str) -> KnownKey | None:
        """Return the key if both parts belong together and it is neither revoked nor at its end."""
        now = self._clock()
        with self._file.reading() as connection:
            row = connection.execute(f"{_KEY} WHERE k.public_key = ? AND {_VALID}", (public_key, now)).fetchone()
        # Compared even where there is nothing to compare with: time must not tell which public keys there are.
        same = hmac.compare_digest(row["secret_hash"] if row else self._nobody, keys.hashed(secret_key))
        if row is None or not same:
            return None
        self._note_use(row["id"], row["used_at_ns"], now)
        return _known(row)

    def login(self, public_key: str, secret_key: str, address: str) -> KnownKey | None:
        """Return the key as `known` does, unless too many logins from that address failed.

        Raises:
            TooManyFailuresError: They did.
        """
        self._failed_logins.check(address, public_key, secret_key)
        key = self.known(public_key, secret_key)
        if key is None:
            self._failed_logins.failed(address, public_key, secret_key)
        else:
            self._failed_logins.accepted(address, public_key, secret_key)
        return key

    def entries(self, project: Project | None = None) -> list[KeyEntry]:
        """Return the keys of a project, or all, oldest first, revoked ones too."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT k.*, p.name AS project_name FROM keys AS k JOIN projects AS p ON p.id = k.project"
                " WHERE ifnull(k.project = ?, TRUE) ORDER BY k.created_at_ns, k.id",
                (project.id if project else None,),
            ).fetchall()
        return [_entry(row) for row in rows]

    def revoke(self, key: str, project: Project | None = None) -> bool:
        """Revoke a key by its id or its public key, and end its sign-ins; return whether it was valid until now."""
        with self._file.writing() as connection:
            row = connection.execute(
                "UPDATE keys SET revoked_at_ns = ? WHERE ? IN (id, public_key) AND revoked_at_ns IS NULL"
                " AND ifnull(project = ?, TRUE) RETURNING id",
                (self._clock(), key, project.id if project else None),
            ).fetchone()
            if row is not None:
                connection.execute("DELETE FROM sessions WHERE key = ?", (row["id"],))
        return row is not None

    def sign_in(self, public_key: str, secret_key: str, *, address: str = "") -> str | None:
        """Return a token that stands for the key for 12 hours, or `None` if there is no such key.

        Raises:
            TooManyFailuresError: Too many logins from that address failed.
        """
        key = self.login(public_key, secret_key, address)
        if key is None:
            return None
        token, now = secrets.token_urlsafe(32), self._clock()
        with self._file.writing() as connection:
            connection.execute("DELETE FROM sessions WHERE expires_at_ns <= ?", (now,))
            row = (keys.hashed(token), key.id, now, now + SESSION_SECONDS * _SECOND_NS)
            connection.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", row)
        return token

    def session(self, token: str) -> KnownKey | None:
        """Return the key that a token stands for, while the sign-in holds and the key is valid."""
        now = self._clock()
        with self._file.reading() as connection:
            row = connection.execute(
                f"{_KEY} JOIN sessions AS s ON s.key = k.id"
                f" WHERE s.token_hash = ? AND s.expires_at_ns > ? AND {_VALID}",
                (keys.hashed(token), now, now),
            ).fetchone()
        if row is None:
            return None
        self._note_use(row["id"], row["used_at_ns"], now)
        return _known(row)

    def sign_out(self, token: str) -> None:
        """End a sign-in; one that is not there is no error."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM sessions WHERE token_hash = ?", (keys.hashed(token),))

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._file.close()

    def _project_named(self, name: str) -> Project | None:
        with self._file.reading() as connection:
            row = connection.execute("SELECT id, name FROM projects WHERE name = ?", (name,)).fetchone()
        return Project(*row) if row else None

    def _insert(self, new: NewKey, project: Project, roles: str) -> None:
        row = (
            new.id, project.id, new.public_key, keys.hashed(new.secret_key), new.shown_secret, roles, new.note,
            new.created_at_ns, new.expires_at_ns,
        )  # fmt: skip
        with self._file.writing() as connection:
            taken = connection.execute("SELECT 1 FROM keys WHERE public_key = ?", (new.public_key,)).fetchone()
            if taken is None:
                connection.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)", row)
        if taken is not None:
            msg = "There is a key with this public key already. Choose another, or let one be made."
            raise InputError(msg)

    def _note_use(self, key_id: str, used_at_ns: int | None, now: int) -> None:
        """Write when a key was last used, at most once a minute: not every request is to wait for the disk."""
        with self._noting:
            last = max(used_at_ns or 0, self._noted.get(key_id, 0))
            if now - last < _USE_NOTED_NS:
                return
            self._noted[key_id] = now
        with self._file.writing() as connection:
            connection.execute("UPDATE keys SET used_at_ns = ? WHERE id = ?", (now, key_id))


def _known(row: sqlite3.Row) -> KnownKey:
    project = Project(row["project_id"], row["project_name"])
    return KnownKey(row["id"], row["public_key"], project, frozenset(map(Role, row["roles"].split())), row["note"])


def _entry(row: sqlite3.Row) -> KeyEntry:
    return KeyEntry(
        id=row["id"],
        public_key=row["public_key"],
        shown_secret=row["shown_secret"],
        project=Project(row["project"], row["project_name"]),
        roles=frozenset(map(Role, row["roles"].split())),
        note=row["note"],
        created_at_ns=row["created_at_ns"],
        expires_at_ns=row["expires_at_ns"],
        used_at_ns=row["used_at_ns"],
        revoked_at_ns=row["revoked_at_ns"],
    )
