"""Prompts: versions under one name; labels that point at one version each; tags that all versions share."""

import sqlite3
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from certtrace.records.catalog import prompt_graph
from certtrace.records.catalog.json_values import json_text, json_value, plain_text
from certtrace.records.catalog.refusals import MissingError, RefusedError

LATEST: Final = "latest"
"""The label that the newest version always has, and no other."""
PRODUCTION: Final = "production"
"""The label that is meant when neither a version nor a label is asked for."""

_LARGEST_VERSION: Final = 2**31 - 1
_FIELDS: Final = (
    "id, name, version, type, tags, created_by, created_at_ns, updated_at_ns, commit_message, config, prompt"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One version of a prompt."""

    id: str
    name: str
    version: int
    type: str
    """`text` or `chat`."""
    prompt: Any
    """The text, or the list of messages."""
    config: Any
    labels: tuple[str, ...]
    tags: tuple[str, ...]
    commit_message: str | None
    created_by: str
    created_at_ns: int
    updated_at_ns: int

    def __repr__(self) -> str:
        """Show what identifies it only: a repr ends up in logs, content must not."""
        return f"<Prompt {self.name!r} version {self.version}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPrompt:
    """What a new version of a prompt is made of."""

    name: str
    type: str
    prompt: Any
    config: Any
    labels: Sequence[str] = ()
    tags: Sequence[str] | None = None
    """None: as they are."""
    commit_message: str | None = None
    created_by: str = "API"


def find(
    connection: sqlite3.Connection, project: str, name: str, *, version: int | None = None, label: str = PRODUCTION
) -> Prompt | None:
    """Return one version of a prompt: that of the number, else that of the label."""
    if version is None:
        row = connection.execute(
            "SELECT version FROM prompt_labels WHERE project = ? AND name = ? AND label = ?", (project, name, label)
        ).fetchone()
        return find(connection, project, name, version=row["version"]) if row else None
    if not 0 < version <= _LARGEST_VERSION:
        return None
    row = connection.execute(
        f"SELECT {_FIELDS} FROM prompts WHERE project = ? AND name = ? AND version = ?",  # noqa: S608 - constant columns
        (project, name, version),
    ).fetchone()
    return _prompt(connection, project, row) if row else None


def create(connection: sqlite3.Connection, project: str, new: NewPrompt) -> Prompt:
    """Add a version to a prompt: the newest. Its labels leave the versions that had them.

    Raises:
        RefusedError: Earlier versions are of another type, or what it depends on cannot be resolved.
    """
    last = connection.execute(
        "SELECT version, type, tags FROM prompts WHERE project = ? AND name = ? ORDER BY version DESC LIMIT 1",
        (project, new.name),
    ).fetchone()
    if last and last["type"] != new.type:
        msg = "Previous versions have different prompt type. Create a new prompt with a different name."
        raise RefusedError(msg)
    version = last["version"] + 1 if last else 1
    made = prompt_graph.Node(id=str(uuid.uuid4()), name=new.name, version=version)
    depends_on = prompt_graph.dependencies(new.prompt)
    prompt_graph.resolve(connection, project, made, new.prompt, depends_on)
    tags = _unique(new.tags) if new.tags is not None else tuple(json_value(last["tags"])) if last else ()
    now_ns = _now_ns()
    if last and sorted(tags) != sorted(json_value(last["tags"])):
        connection.execute(
            "UPDATE prompts SET tags = ?, updated_at_ns = ? WHERE project = ? AND name = ?",
            (json_text(tags), now_ns, project, new.name),
        )
    _insert(connection, project, made, new, tags, now_ns)
    _note_dependencies(connection, project, made, depends_on)
    _move_labels(connection, project, made, (*new.labels, LATEST), now_ns)
    return _known(connection, project, new.name, version)


def add_labels(connection: sqlite3.Connection, project: str, name: str, version: int, labels: Iterable[str]) -> Prompt:
    """Give labels to one version; they leave the versions that had them.

    Raises:
        MissingError: There is no such version.
    """
    prompt = find(connection, project, name, version=version)
    if prompt is None:
        msg = f"Prompt '{name}' version {version} not found in project"
        raise MissingError(msg)
    now_ns = _now_ns()
    node = prompt_graph.Node(id=prompt.id, name=name, version=version)
    _move_labels(connection, project, node, _unique((*labels, *prompt.labels)), now_ns)
    _touch(connection, project, name, version, now_ns)
    return _known(connection, project, name, version)


def delete(
    connection: sqlite3.Connection, project: str, name: str, *, version: int | None = None, label: str | None = None
) -> None:
    """Delete versions of a prompt: one, that of a label, or all. The newest that remains becomes `latest`.

    Raises:
        MissingError: There is none.
        RefusedError: Other prompts depend on them.
    """
    versions = {
        row["version"]: tuple(_labels(connection, project, name, row["version"]))
        for row in connection.execute("SELECT version FROM prompts WHERE project = ? AND name = ?", (project, name))
    }
    doomed = [
        number
        for number, labels in versions.items()
        if version in (None, number) and (label is None or label in labels)
    ]
    if not doomed:
        msg = "Prompt not found"
        raise MissingError(msg)
    remaining = {number: labels for number, labels in versions.items() if number not in doomed}
    prompt_graph.check_undepended(
        connection, project, name, set(doomed), {each for labels in remaining.values() for each in labels}
    )
    for number in doomed:
        _delete_version(connection, project, name, number)
    if remaining and all(LATEST not in labels for labels in remaining.values()):
        newest = max(remaining)
        node = prompt_graph.Node(id="", name=name, version=newest)
        now_ns = _now_ns()
        _move_labels(connection, project, node, (*remaining[newest], LATEST), now_ns)
        _touch(connection, project, name, newest, now_ns)


def resolved(connection: sqlite3.Connection, project: str, prompt: Prompt) -> tuple[Any, dict[str, Any] | None]:
    """Return a prompt's content with everything it depends on put in, and the graph of that, if there is one.

    Raises:
        RefusedError: A dependency is gone, or the graph is too deep or too large.
    """
    node = prompt_graph.Node(id=prompt.id, name=prompt.name, version=prompt.version)
    return prompt_graph.resolve(connection, project, node, prompt.prompt)


def _insert(
    connection: sqlite3.Connection,
    project: str,
    made: prompt_graph.Node,
    new: NewPrompt,
    tags: Sequence[str],
    now_ns: int,
) -> None:
    row = (made.id, made.name, made.version, new.type, json_text(tags), new.created_by, now_ns, now_ns)
    message = None if new.commit_message is None else plain_text(new.commit_message)
    connection.execute(
        f"INSERT INTO prompts (project, {_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constant columns
        (project, *row, message, json_text(new.config), json_text(new.prompt)),
    )


def _note_dependencies(
    connection: sqlite3.Connection,
    project: str,
    parent: prompt_graph.Node,
    depends_on: Sequence[prompt_graph.Dependency],
) -> None:
    connection.executemany(
        "INSERT INTO prompt_dependencies VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (project, parent.name, parent.version, position, each.name, each.version, each.label)
            for position, each in enumerate(depends_on)
        ],
    )


def _move_labels(
    connection: sqlite3.Connection, project: str, node: prompt_graph.Node, labels: Iterable[str], now_ns: int
) -> None:
    """Make these the labels of one version, in this order."""
    wanted = _unique(labels)
    connection.execute(
        "UPDATE prompts SET updated_at_ns = ? WHERE project = ? AND name = ? AND version IN"
        " (SELECT version FROM prompt_labels WHERE project = ? AND name = ? AND version != ?"
        " AND label IN (SELECT value FROM json_each(?)))",
        (now_ns, project, node.name, project, node.name, node.version, json_text(wanted)),
    )
    connection.executemany(
        "INSERT OR REPLACE INTO prompt_labels VALUES (?, ?, ?, ?, ?)",
        [(project, node.name, label, node.version, position) for position, label in enumerate(wanted)],
    )


def _touch(connection: sqlite3.Connection, project: str, name: str, version: int, now_ns: int) -> None:
    connection.execute(
        "UPDATE prompts SET updated_at_ns = ? WHERE project = ? AND name = ? AND version = ?",
        (now_ns, project, name, version),
    )


def _delete_version(connection: sqlite3.Connection, project: str, name: str, version: int) -> None:
    key = (project, name, version)
    connection.execute("DELETE FROM prompt_labels WHERE project = ? AND name = ? AND version = ?", key)
    connection.execute(
        "DELETE FROM prompt_dependencies WHERE project = ? AND parent_name = ? AND parent_version = ?", key
    )
    connection.execute("DELETE FROM prompts WHERE project = ? AND name = ? AND version = ?", key)


def _known(connection: sqlite3.Connection, project: str, name: str, version: int) -> Prompt:
    prompt = find(connection, project, name, version=version)
    assert prompt is not None  # noqa: S101 - written in the same transaction
    return prompt


def _prompt(connection: sqlite3.Connection, project: str, row: sqlite3.Row) -> Prompt:
    given = {key: row[key] for key in row.keys() if key not in ("tags", "config", "prompt")}  # noqa: SIM118 - a Row
    return Prompt(
        **given,
        tags=tuple(json_value(row["tags"])),
        config=json_value(row["config"]),
        prompt=json_value(row["prompt"]),
        labels=tuple(_labels(connection, project, row["name"], row["version"])),
    )


def _labels(connection: sqlite3.Connection, project: str, name: str, version: int) -> list[str]:
    found = connection.execute(
        "SELECT label FROM prompt_labels WHERE project = ? AND name = ? AND version = ? ORDER BY position",
        (project, name, version),
    )
    return [row["label"] for row in found]


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(plain_text, values)))


def _now_ns() -> int:
    """Return the time in whole milliseconds, as it is shown: a filter by a time that was shown finds its record."""
    return time.time_ns() // 1_000_000 * 1_000_000
