"""Who may do what: projects, keys, sign-in, and the record of who read which trace."""

from certtrace.server.access.callers import Caller, Deleting, Editing, Ingesting, Reading, seen
from certtrace.server.access.keys import Access, NewKey, Project
from certtrace.server.access.roles import Permission, Role

__all__ = [
    "Access", "Caller", "Deleting", "Editing", "Ingesting", "NewKey", "Permission", "Project", "Reading", "Role",
    "seen",
]  # fmt: skip
