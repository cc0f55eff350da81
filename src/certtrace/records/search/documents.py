"""What is indexed: which records, and which of their texts."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_BEFORE_TEXTS: Final = ("number", "project", "trace_id", "updated_at_ns")


@dataclass(frozen=True, slots=True)
class Kind:
    """One table whose rows can be searched; a row is named by its number and read with `columns`."""

    code: int
    table: str
    texts: Sequence[str]
    """Columns with text, short or wide."""

    @property
    def columns(self) -> str:
        """Return what to select of a row."""
        return ", ".join((*_BEFORE_TEXTS, *(f'"{each}"' for each in self.texts)))

    @staticmethod
    def texts_of(row: sqlite3.Row) -> list[str]:
        """Return the texts of a row."""
        # By position: a row looks for a name among all of its columns.
        return [text for text in row[len(_BEFORE_TEXTS) :] if isinstance(text, str)]


OBSERVATIONS: Final = Kind(
    0,
    "observations",
    (
        "id",
        "trace_id",
        "name",
        "trace_name",
        "user_id",
        "session_id",
        "tags",
        "model",
        "status_message",
        "metadata",
        "input",
        "output",
    ),
)
SCORES: Final = Kind(1, "scores", ("id", "name", "value", "comment", "metadata"))
BODIES: Final = Kind(
    2, "trace_bodies", ("trace_id", "name", "user_id", "session_id", "tags", "metadata", "input", "output")
)
KINDS: Final = (OBSERVATIONS, SCORES, BODIES)
