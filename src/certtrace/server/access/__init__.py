"""Who may do what: projects, keys, sign-in, and the record of who read which trace."""

from certtrace.server.access.access import Access
from certtrace.server.access.attempts import FailedLogins
from certtrace.server.access.callers import Auditing, Caller, Deleting, Editing, Ingesting, Managing, Reading, seen
from certtrace.server.access.keys import KeyEntry, KnownKey, NewKey, Project
from certtrace.server.access.roles import Permission, Role

__all__ = [
    "Access", "Auditing", "Caller", "Deleting", "Editing", "FailedLogins", "Ingesting", "KeyEntry", "KnownKey",
    "Managing", "NewKey", "Permission", "Project", "Reading", "Role", "seen",
]  # fmt: skip
