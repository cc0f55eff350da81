"""Prompts within prompts: tags in a prompt's content that stand for other text prompts.

A tag is `@@@langfusePrompt:name=…|version=…@@@` or `…|label=…@@@`. As in Langfuse it is looked for in the JSON text of
the content, and its name ends at an equals sign.
"""

import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from certtrace.records.catalog.json_values import json_value
from certtrace.records.catalog.refusals import RefusedError

DEEPEST: Final = 5
"""How many prompts may stand within each other."""
_MOST_VISITS: Final = 2_000
_MOST_CHARACTERS: Final = 8 << 20
_TAG: Final = re.compile(r"@@@langfusePrompt:(.*?)@@@")
_PARTS: Final = 2


@dataclass(frozen=True, slots=True)
class Node:
    """One version of a prompt in the graph."""

    id: str
    name: str
    version: int

    def json(self) -> dict[str, Any]:
        """Return it as the graph shows it."""
        return {"id": self.id, "name": self.name, "version": self.version}


@dataclass(frozen=True, slots=True)
class Dependency:
    """What a tag stands for: a version, or else a label."""

    name: str
    version: int | None = None
    label: str | None = None

    def __str__(self) -> str:
        """Name it as Langfuse's messages do."""
        return f"{self.name} - " + (f"label {self.label}" if self.version is None else f"version {self.version}")


def dependencies(content: Any) -> tuple[Dependency, ...]:
    """Return what the tags in a prompt's content stand for; malformed tags are text."""
    return tuple(found for match in _TAG.finditer(_json(content)) if (found := _dependency(match[1])))


def resolve(
    connection: sqlite3.Connection,
    project: str,
    root: Node,
    content: Any,
    depends_on: Sequence[Dependency] | None = None,
) -> tuple[Any, dict[str, Any] | None]:
    """Return the content with its dependencies put in, and the graph; no graph where nothing depends on anything.

    Args:
        connection: An open store.
        project: The project.
        root: The prompt itself.
        content: Its content.
        depends_on: Its dependencies; None: those that are stored.

    Raises:
        RefusedError: A dependency is missing, is no text, or leads back; or the graph is too deep or too large.
    """
    resolving = _Resolving(connection, project, root)
    whole = resolving.content_of(root, content, depends_on, 0)
    if not resolving.edges:
        return whole, None
    return whole, {"root": root.json(), "dependencies": resolving.edges}


def check_undepended(
    connection: sqlite3.Connection, project: str, name: str, versions: set[int], labels_left: set[str]
) -> None:
    """Check that no other prompt needs some versions of a prompt that are to be deleted.

    Raises:
        RefusedError: Naming the prompts that do.
    """
    found = connection.execute(
        "SELECT parent_name, parent_version, child_version, child_label FROM prompt_dependencies"
        " WHERE project = ? AND child_name = ? ORDER BY parent_name, parent_version, position",
        (project, name),
    )
    blocking = [
        f"{row['parent_name']} v{row['parent_version']} depends on {name} "
        + (f"v{row['child_version']}" if row["child_version"] else row["child_label"])
        for row in found
        if row["child_version"] in versions or (row["child_label"] and row["child_label"] not in labels_left)
    ]
    if blocking:
        msg = (
            "Other prompts are depending on prompt versions you are trying to delete:\n\n"
            + "\n".join(blocking)
            + "\n\nPlease delete the dependent prompts first."
        )
        raise RefusedError(msg)


@dataclass(slots=True)
class _Resolving:
    """One resolution on its way: where it is, and what it has cost."""

    connection: sqlite3.Connection
    project: str
    root: Node
    edges: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    above: set[str] = field(default_factory=set)
    visits: int = 0

    def content_of(self, node: Node, content: Any, depends_on: Sequence[Dependency] | None, level: int) -> Any:
        self._enter(node, level)
        text = None
        for each in self._stored_dependencies(node) if depends_on is None else depends_on:
            text = _json(content) if text is None else text
            child, child_content, labels = self._child(each)
            self.edges.setdefault(node.id, []).append(child.json())
            inner = self.content_of(child, child_content, None, level + 1)
            text = _put_in(text, child, labels, _json(inner)[1:-1])
        self.above.discard(node.id)
        return content if text is None else json.loads(text)

    def _enter(self, node: Node, level: int) -> None:
        self.visits += 1
        if level >= DEEPEST:
            msg = f"Maximum nesting depth exceeded ({DEEPEST})"
            raise RefusedError(msg)
        if node.id in self.above or (node.name == self.root.name and node.id != self.root.id):
            msg = f"Circular dependency detected involving prompt '{node.name}' version {node.version}"
            raise RefusedError(msg)
        if self.visits > _MOST_VISITS:
            msg = f"The prompt depends on too many others (more than {_MOST_VISITS})"
            raise RefusedError(msg)
        self.above.add(node.id)

    def _stored_dependencies(self, node: Node) -> list[Dependency]:
        found = self.connection.execute(
            "SELECT child_name, child_version, child_label FROM prompt_dependencies"
            " WHERE project = ? AND parent_name = ? AND parent_version = ? ORDER BY position",
            (self.project, node.name, node.version),
        )
        return [Dependency(row["child_name"], row["child_version"], row["child_label"]) for row in found]

    def _child(self, wanted: Dependency) -> tuple[Node, Any, list[str]]:
        row = self.connection.execute(
            "SELECT id, name, version, type, prompt FROM prompts WHERE project = ? AND name = ? AND version ="
            " coalesce(?, (SELECT version FROM prompt_labels WHERE project = ? AND name = ? AND label = ?))",
            (self.project, wanted.name, wanted.version, self.project, wanted.name, wanted.label),
        ).fetchone()
        if row is None:
            msg = f"Prompt dependency not found: {wanted}"
            raise RefusedError(msg)
        if row["type"] != "text":
            msg = f"Prompt dependency is not a text prompt: {wanted}"
            raise RefusedError(msg)
        labels = self.connection.execute(
            "SELECT label FROM prompt_labels WHERE project = ? AND name = ? AND version = ?",
            (self.project, row["name"], row["version"]),
        )
        child = Node(row["id"], row["name"], row["version"])
        return child, json_value(row["prompt"]), [each["label"] for each in labels]


def _put_in(text: str, child: Node, labels: Sequence[str], inner: str) -> str:
    """Put a prompt's content in the place of every tag that means that version, by number or by label."""
    tag = f"@@@langfusePrompt:name={child.name}|"
    meanings = (f"{tag}version={child.version}@@@", *(f"{tag}label={label}@@@" for label in labels))
    places = re.compile("|".join(map(re.escape, meanings)))
    count = sum(1 for _ in places.finditer(text))
    if len(text) + count * len(inner) > _MOST_CHARACTERS:
        msg = f"The prompt with all it depends on is too long (more than {_MOST_CHARACTERS} characters)"
        raise RefusedError(msg)
    return places.sub(lambda _: inner, text)


def _dependency(inner: str) -> Dependency | None:
    parts = inner.split("|")
    if len(parts) != _PARTS or not parts[0].startswith("name="):
        return None
    given = {key: value for key, value in (_pair(part) for part in parts) if value is not None}
    if not given.get("name"):
        return None
    if given.get("version"):
        number = _whole_number(given["version"])
        return Dependency(given["name"], version=number) if number is not None else None
    return Dependency(given["name"], label=given["label"]) if "label" in given else None


def _pair(part: str) -> tuple[str, str | None]:
    key, *rest = part.split("=")
    return key, rest[0] if rest else None


def _whole_number(text: str) -> int | None:
    """Return a version's number; there is none beyond 32 bits."""
    stripped = text.strip()
    if not (stripped.isascii() and stripped.isdigit()) or len(stripped) > 10:
        return None
    return int(stripped)


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
