"""Whether a store is whole: its file, its references, its summaries, its search index."""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from certtrace.errors import StoreError
from certtrace.records.schema import SUPPORTED_VERSION, open_any_version, version_of
from certtrace.records.search.documents import KINDS, Kind
from certtrace.records.search.entries import BITS, WITHIN, places_of
from certtrace.records.search.words import LONGEST_WORD, distinct_words

_BUSY_SECONDS: Final = 5.0
_SHOWN: Final = 20
_SAMPLED_CHUNKS: Final = 8
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    name: str
    is_right: bool
    text: str
    """What is there, or what is wrong; names no content."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What all checks found."""

    path: Path
    version: int
    findings: tuple[Finding, ...]

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing is wrong."""
        return all(finding.is_right for finding in self.findings)


def check(path: Path, *, thorough: bool = False) -> Checked:
    """Check a store as it is at one moment; others may write meanwhile, nothing is changed.

    Args:
        path: The store file.
        thorough: Whether to compare the whole search index with what is stored, not a sample of it.

    Raises:
        StoreError: There is no store, or it cannot be opened.
    """
    try:
        opened = open_any_version(path, _BUSY_SECONDS)
    except StoreError as error:
        if getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF not in _DAMAGED:
            raise
        text = f"the file cannot be read: {_symbol(error.__cause__)}"
        return Checked(path, 0, (Finding("file", is_right=False, text=text),))
    with closing(opened) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        version = version_of(connection)
        checks: list[Callable[[], Finding]] = [
            lambda: _version(version),
            lambda: _integrity(connection),
            lambda: _references(connection),
        ]
        if version == SUPPORTED_VERSION:
            checks += [
                lambda: _counts(connection),
                lambda: _summaries(connection),
                lambda: _search(connection, thorough=thorough),
            ]
        return Checked(path, version, tuple(_found(checks)))


def _found(checks: list[Callable[[], Finding]]) -> Iterator[Finding]:
    for each in checks:
        try:
            yield each()
        except sqlite3.DatabaseError as error:
            yield Finding("file", is_right=False, text=f"the file cannot be read: {_symbol(error)}")
            return


def _version(version: int) -> Finding:
    if version == SUPPORTED_VERSION:
        return Finding("version", is_right=True, text=f"{version}, as this certtrace writes it")
    text = f"{version}; `certtrace serve`, or a service with this certtrace, migrates it to {SUPPORTED_VERSION}"
    return Finding("version", is_right=True, text=text)


def _integrity(connection: sqlite3.Connection) -> Finding:
    found = [row[0] for row in connection.execute(f"PRAGMA integrity_check({_SHOWN})")]
    is_right = found == ["ok"]
    text = "every page and index is in order" if is_right else f"{len(found)} faults or more; the first: {found[0]}"
    return Finding("file", is_right, text)


def _references(connection: sqlite3.Connection) -> Finding:
    tables: dict[str, int] = defaultdict(int)
    for row in connection.execute("PRAGMA foreign_key_check"):
        tables[row[0]] += 1
    found = ", ".join(f"{count:,} rows of {table}" for table, count in sorted(tables.items()))
    return Finding("references", not tables, f"{found} refer to nothing" if tables else "every row finds its trace")


def _counts(connection: sqlite3.Connection) -> Finding:
    wrong = []
    total = {}
    for table in ("traces", "observations", "scores"):
        counted = {
            row[0]: row[1]
            for row in connection.execute(f"SELECT project, count(*) FROM {table} GROUP BY project")  # noqa: S608 - constants
        }
        kept = {row[0]: row[1] for row in connection.execute(f"SELECT project, {table} FROM counts WHERE {table} <> 0")}  # noqa: S608 - as above
        total[table] = sum(counted.values())
        if counted != kept:
            wrong.append(f"{table}: {sum(kept.values()):,} were counted, {total[table]:,} are there")
    right = ", ".join(f"{count:,} {table}" for table, count in total.items())
    return Finding("counts", not wrong, "; ".join(wrong) or right)


def _summaries(connection: sqlite3.Connection) -> Finding:
    (wrong,) = connection.execute(
        "SELECT count(*) FROM traces AS t LEFT JOIN "
        "(SELECT project, trace_id, count(*) AS found FROM observations GROUP BY project, trace_id) AS o "
        "USING (project, trace_id) WHERE t.observation_count <> coalesce(o.found, 0)"
    ).fetchone()
    (pending,) = connection.execute(
        "SELECT count(*) FROM traces INDEXED BY traces_pending WHERE pending > 0"
    ).fetchone()
    if wrong:
        return Finding("summaries", is_right=False, text=f"{wrong:,} traces count other observations than they have")
    waiting = f"; {pending:,} wait for their details" if pending else ""
    return Finding("summaries", is_right=True, text=f"every trace counts the observations it has{waiting}")


def _search(connection: sqlite3.Connection, *, thorough: bool) -> Finding:
    wrong, compared, behind = [], 0, 0
    for kind in KINDS:
        (mark,) = connection.execute("SELECT number FROM search_marks WHERE kind = ?", (kind.code,)).fetchone()
        queued = {row[0] for row in connection.execute("SELECT number FROM search_queue WHERE kind = ?", (kind.code,))}
        (new,) = connection.execute(f"SELECT count(*) FROM {kind.table} WHERE number > ?", (mark,)).fetchone()  # noqa: S608 - constants
        behind += new + len(queued)
        chunks = [
            (row["project"], row["chunk"])
            for row in connection.execute("SELECT * FROM search_chunks WHERE kind = ? ORDER BY chunk", (kind.code,))
        ]
        sample = chunks if thorough else chunks[:: max(len(chunks) // _SAMPLED_CHUNKS, 1)]
        compared += len(sample)
        wrong += [
            f"{kind.table} {chunk << BITS:,} and after"
            for project, chunk in sample
            if _indexed(connection, kind, project, chunk) != _stored(connection, kind, project, chunk, mark, queued)
        ]
    if wrong:
        text = f"{len(wrong):,} of {compared:,} parts differ from what is stored; the first: {wrong[0]}"
        return Finding("search", is_right=False, text=text)
    waiting = f"; {behind:,} records wait to be indexed" if behind else ""
    return Finding("search", is_right=True, text=f"{compared:,} parts compared with what is stored{waiting}")


def _indexed(connection: sqlite3.Connection, kind: Kind, project: str, chunk: int) -> dict[str, set[int]]:
    rows = connection.execute(
        "SELECT word, places FROM search_words WHERE project = ? AND kind = ? AND chunk = ?",
        (project, kind.code, chunk),
    )
    return {row["word"]: set(places_of(row["places"])) for row in rows}


def _stored(
    connection: sqlite3.Connection, kind: Kind, project: str, chunk: int, mark: int, queued: set[int]
) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    rows = connection.execute(
        f"SELECT {kind.columns} FROM {kind.table} WHERE project = ? AND number BETWEEN ? AND ?",  # noqa: S608 - constants
        (project, chunk << BITS, min(chunk << BITS | WITHIN, mark)),
    )
    for row in rows:
        if row["number"] not in queued:
            for word in distinct_words(kind.texts_of(row)):
                found[word[:LONGEST_WORD]].add(row["number"] & WITHIN)
    return dict(found)


def _symbol(error: BaseException | None) -> str:
    return getattr(error, "sqlite_errorname", type(error).__name__)


def whole_or_raise(path: Path) -> None:
    """Check a store's file and references.

    Raises:
        StoreError: Something is wrong with it.
    """
    with closing(open_any_version(path, _BUSY_SECONDS)) as connection:
        connection.row_factory = sqlite3.Row
        wrong = [
            each
            for each in _found([lambda: _integrity(connection), lambda: _references(connection)])
            if not each.is_right
        ]
    if wrong:
        msg = f"The store {path} is not whole: {wrong[0].text}. See all with: certtrace store check"
        raise StoreError(msg)
