"""What a key may do."""

from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    """One kind of thing that a route does."""

    INGEST = "ingest"
    """Send traces, scores and media."""
    EDIT = "edit"
    """Make and change prompts, datasets, score configs, comments, queues, models."""
    READ = "read"
    """See what is stored."""
    AUDIT = "audit"
    """See who read what."""
    DELETE = "delete"
    """Delete what is stored."""
    MANAGE = "manage"
    """Make and revoke keys."""


class Role(StrEnum):
    """What a key was made for. A key may have several roles."""

    WRITER = "writer"
    READER = "reader"
    AUDITOR = "auditor"
    ADMIN = "admin"


_ALLOWED: Final = {
    Role.WRITER: frozenset({Permission.INGEST, Permission.EDIT}),
    Role.READER: frozenset({Permission.READ}),
    Role.AUDITOR: frozenset({Permission.READ, Permission.AUDIT}),
    Role.ADMIN: frozenset(Permission),
}


def allowed(roles: frozenset[Role]) -> frozenset[Permission]:
    """Return everything that the roles allow together."""
    return frozenset().union(*(_ALLOWED[role] for role in roles))
