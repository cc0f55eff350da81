"""What `tomllib` does not do: say on which line of a text a key stands, and write a text as TOML."""

import json
import re
import tomllib
from functools import cache
from typing import Any

Path = tuple[str | int, ...]
"""Where something is in a TOML document: names of tables and keys, indices of arrays of tables from 0."""


def lines_of(text: str) -> dict[Path, int]:
    """Return the line of each key: tables and arrays of tables are followed, inline ones count with their key.

    A key's value stands behind it as a path of its own, for messages that quote the value.
    """
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    prefix: Path = ()
    array, table, assignment = _expressions()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := array.match(line):
            path = _resolved(header[1], counts)
            prefix = (*path, counts.get(path, 0))
            counts[path] = counts.get(path, 0) + 1
            found[prefix] = number
        elif header := table.match(line):
            prefix = _resolved(header[1], counts)
            found.setdefault(prefix, number)
        elif key := assignment.match(line):
            name = _unquoted(key[1])
            found.setdefault((*prefix, name), number)
            found.setdefault((*prefix, name, _value(line)), number)
    return found


def quoted(text: str) -> str:
    """Return a text as TOML writes it: JSON's string, but for what JSON writes as surrogates or leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def line_of(place: Path, lines: dict[Path, int]) -> int:
    """Return the line of a place, else of the nearest place around it; 0 if there is none."""
    while place:
        if place in lines:
            return lines[place]
        place = place[:-1]
    return 0


def line_of_quoted(message: str, place: Path, lines: dict[Path, int]) -> int:
    """Return the line, below a place, of the key or value that a message about the whole of it quotes; else 0."""
    named = re.findall(r"'([^']+)'", message)
    below = (path for path in lines if len(path) > len(place) and path[: len(place)] == place)
    return next((lines[path] for path in below if path[-1] in named[:1]), 0)


@cache
def _expressions() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    return (
        re.compile(r"^\s*\[\[([^\[\]]+)\]\]\s*(?:#.*)?$"),
        re.compile(r"^\s*\[([^\[\]]+)\]\s*(?:#.*)?$"),
        re.compile(r"""^\s*((?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*="""),
    )


def _resolved(header: str, counts: dict[Path, int]) -> Path:
    """Return the path that a header names: what is below an array of tables belongs to its last table."""
    parts = [part.strip().strip("\"'") for part in header.split(".")]
    path: Path = ()
    for position, part in enumerate(parts, start=1):
        path = (*path, part)
        if path in counts and position < len(parts):
            path = (*path, counts[path] - 1)
    return path


def _unquoted(key: str) -> str:
    try:
        parsed: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        return key
    return str(next(iter(parsed)))


def _value(line: str) -> str:
    return line.partition("=")[2].partition("#")[0].strip().strip("\"'")
