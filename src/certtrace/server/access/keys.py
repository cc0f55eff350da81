"""What a project and its keys are."""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from typing import Final

from certtrace.server.access.roles import Permission, Role, allowed

PUBLIC_PREFIX: Final = "pk-lf-"
SECRET_PREFIX: Final = "sk-lf-"  # noqa: S105 - what every secret begins with
_SHORTEST_CHOSEN: Final = 24


@dataclass(frozen=True, slots=True)
class Project:
    """A project: everything stored belongs to one."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that was accepted."""

    id: str
    public_key: str
    project: Project
    roles: frozenset[Role]
    note: str | None = None

    @property
    def permissions(self) -> frozenset[Permission]:
        """Return what it may do."""
        return allowed(self.roles)


@dataclass(frozen=True, slots=True, repr=False)
class NewKey:
    """A key at the only moment its secret is known."""

    id: str
    public_key: str
    secret_key: str
    shown_secret: str
    created_at_ns: int
    expires_at_ns: int | None = None
    note: str | None = None

    def __repr__(self) -> str:
        """Show the public part only."""
        return f"<NewKey {self.public_key}>"


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """What is kept of a key: everything but its secret."""

    id: str
    public_key: str
    shown_secret: str
    """First and last characters of the secret."""
    project: Project
    roles: frozenset[Role]
    note: str | None
    created_at_ns: int
    expires_at_ns: int | None
    used_at_ns: int | None
    """When it was last accepted, to the minute."""
    revoked_at_ns: int | None


def new_public() -> str:
    """Return a public key."""
    return f"{PUBLIC_PREFIX}{uuid.uuid4()}"


def new_secret() -> str:
    """Return a secret key: 256 random bits."""
    return f"{SECRET_PREFIX}{secrets.token_urlsafe(32)}"


def hashed(secret: str) -> bytes:
    """Return what is kept of a secret. One of 256 random bits is as hard to find after one round as after many."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def shown(secret: str) -> str:
    """Return what is shown of a secret later: enough to recognise it."""
    return f"{secret[:6]}...{secret[-4:]}"


def is_chosen_well(public_key: str, secret_key: str) -> bool:
    """Tell whether a key that somebody chose has the right form, and is long enough not to be guessed."""
    return (
        public_key.startswith(PUBLIC_PREFIX)
        and secret_key.startswith(SECRET_PREFIX)
        and min(len(public_key), len(secret_key)) >= _SHORTEST_CHOSEN
        and (public_key + secret_key).isascii()
        and ":" not in public_key
    )
