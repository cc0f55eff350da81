"""Lists of prompts: one row per name, over the versions that match."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from certtrace.records.catalog.json_values import json_value
from certtrace.records.catalog.prompt_filters import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSummary:
    """What a list shows of one prompt; versions, labels, time and config are those of the versions that match."""

    name: str
    type: str
    versions: tuple[int, ...]
    labels: tuple[str, ...]
    tags: tuple[str, ...]
    last_updated_at_ns: int
    last_config: Any


def page(
    connection: sqlite3.Connection, project: str, conditions: Sequence[Condition], *, limit: int, offset: int
) -> tuple[list[PromptSummary], int]:
    """Return some of the prompts with a version that matches every condition, by name, and how many there are."""
    where = " AND ".join(("p.project = ?", *(each.sql for each in conditions)))
    values = (project, *(value for each in conditions for value in each.values))
    total = connection.execute(f"SELECT count(DISTINCT p.name) FROM prompts AS p WHERE {where}", values)  # noqa: S608 - conditions
    names = connection.execute(
        f"SELECT DISTINCT p.name FROM prompts AS p WHERE {where} ORDER BY p.name LIMIT ? OFFSET ?",  # noqa: S608 - conditions
        (*values, limit, offset),
    ).fetchall()
    found = [_summary(connection, project, row["name"], where, values) for row in names]
    return found, int(total.fetchone()[0])


def _summary(
    connection: sqlite3.Connection, project: str, name: str, where: str, values: Sequence[Any]
) -> PromptSummary:
    rows = connection.execute(
        f"SELECT p.version, p.type, p.tags, p.updated_at_ns FROM prompts AS p WHERE {where} AND p.name = ?"  # noqa: S608 - conditions
        " ORDER BY p.version",
        (*values, name),
    ).fetchall()
    config = connection.execute(
        "SELECT config FROM prompts WHERE project = ? AND name = ? AND version = ?",
        (project, name, rows[-1]["version"]),
    ).fetchone()
    versions = {row["version"] for row in rows}
    labelled = connection.execute(
        "SELECT label, version FROM prompt_labels WHERE project = ? AND name = ? ORDER BY label", (project, name)
    )
    return PromptSummary(
        name=name,
        type=rows[-1]["type"],
        versions=tuple(sorted(versions)),
        labels=tuple(row["label"] for row in labelled if row["version"] in versions),
        tags=tuple(json_value(rows[-1]["tags"])),
        last_updated_at_ns=max(row["updated_at_ns"] for row in rows),
        last_config=json_value(config["config"]),
    )
