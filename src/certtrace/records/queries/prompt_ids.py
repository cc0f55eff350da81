"""The ids of prompts that observations name."""

import sqlite3
from typing import Final

_FIND: Final = "SELECT id FROM prompts WHERE project = ? AND name = ? AND version = ?"


class PromptIds:
    """Looks up prompts of one project by name and version, each once."""

    def __init__(self, connection: sqlite3.Connection, project: str) -> None:
        """Take the connection of one request."""
        self._connection = connection
        self._project = project
        self._found: dict[tuple[str, int], str | None] = {}

    def find(self, name: str | None, version: int | None) -> str | None:
        """Return the id of a version of a prompt; None if either is not given or there is none."""
        if not name or not version:
            return None
        key = name, version
        if key not in self._found:
            row = self._connection.execute(_FIND, (self._project, *key)).fetchone()
            self._found[key] = None if row is None else str(row[0])
        return self._found[key]
