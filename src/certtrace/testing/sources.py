"""What can be searched: bytes, text, files, folders, databases, and anything made of these."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from certtrace.errors import ConfigurationError

Sources = Any
"""`bytes`, `str`, a `Path`, a mapping of a name to any of these, a pair of name and source, or an iterable."""

SQLITE: Final = b"SQLite format 3\0"


def named_sources(source: Sources, label: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield every piece of data with a name for it.

    Raises:
        ConfigurationError: A path leads nowhere, or something is neither text nor bytes.
    """
    if isinstance(source, str):
        yield label or "text", source.encode("utf-8", "surrogatepass")
    elif isinstance(source, (bytes, bytearray, memoryview)):
        yield label or "bytes", bytes(source)
    elif isinstance(source, Path):
        yield from _files(source, label or source.name)
    elif isinstance(source, Mapping):
        for name, inner in source.items():
            yield from named_sources(inner, f"{label}, {name}" if label else str(name))
    elif isinstance(source, Iterable):
        yield from _several(source, label)
    else:
        msg = f"{label or 'A source'} is {type(source).__name__}, which cannot be searched. Give bytes, text or a path."
        raise ConfigurationError(msg)


def _several(sources: Iterable[Sources], label: str) -> Iterator[tuple[str, bytes]]:
    given = list(sources)
    for number, inner in enumerate(given, 1):
        if isinstance(inner, tuple) and len(inner) == 2 and isinstance(inner[0], str) and isinstance(inner[1], bytes):
            yield inner
        elif isinstance(inner, (Path, Mapping)) and not label:
            yield from named_sources(inner)
        else:
            yield from named_sources(inner, f"{label or 'source'} {number}" if len(given) > 1 else label)


def _files(path: Path, label: str) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        files = sorted(each for each in path.rglob("*") if each.is_file())
        names = [str(each.relative_to(path)) for each in files]
        yield f"{label}, names of files", "\n".join(names).encode("utf-8", "surrogateescape")
        for name, each in zip(names, files, strict=True):
            with suppress(FileNotFoundError):  # a spool's segment is removed once it is delivered
                yield from _file(each, f"{label}/{name}")
    elif path.is_file():
        yield from _file(path, label)
    else:
        msg = f"The source {path.name!r} is no file and no folder. Give the path of what was exported."
        raise ConfigurationError(msg)


def _file(path: Path, label: str) -> Iterator[tuple[str, bytes]]:
    data = path.read_bytes()
    yield label, data
    if data.startswith(SQLITE):
        # Also cell by cell: on disk a long text is cut at the ends of pages, and the latest rows are in a log beside.
        yield from _rows(path, label)


def _rows(path: Path, label: str) -> Iterator[tuple[str, bytes]]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            database.text_factory = bytes
            tables = [
                name.decode() for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")
            ]
            for table in tables:
                quoted = table.replace('"', '""')
                rows = database.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 - a name from the database itself, quoted
                columns = [column[0] for column in rows.description]
                yield from _columns(rows, columns, f"{label}, table {table}")
    except sqlite3.DatabaseError as error:
        msg = f"The database {label!r} cannot be read ({error}). Close what writes it, or search a copy."
        raise ConfigurationError(msg) from None


def _columns(rows: Iterable[tuple[Any, ...]], columns: list[str], label: str) -> Iterator[tuple[str, bytes]]:
    cells: dict[str, list[bytes]] = {name: [] for name in columns}
    for row in rows:
        for name, cell in zip(columns, row, strict=True):
            if cell is not None:
                cells[name].append(cell if isinstance(cell, bytes) else str(cell).encode())
    yield from ((f"{label}, column {name}", b"\x1e".join(found)) for name, found in cells.items() if found)
