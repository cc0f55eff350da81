"""Items of datasets. Nothing is overwritten: each change is a new row that is valid from its time on.

Times of validity are whole milliseconds, as they are shown, and no two changes within a dataset share one: a read as of
a time that was shown sees exactly what was there.
"""

import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from certtrace.records.catalog.datasets import Dataset
from certtrace.records.catalog.json_values import NULL, json_text, json_value, plain_text
from certtrace.records.catalog.refusals import MissingError

ACTIVE: Final = "ACTIVE"
ARCHIVED: Final = "ARCHIVED"
_NS_PER_MS: Final = 1_000_000
_SELECT: Final = (
    "SELECT i.id, i.status, i.input, i.expected_output, i.metadata, i.source_trace_id, i.source_observation_id,"
    " i.dataset_id, d.name AS dataset_name, i.created_at_ns, i.valid_from_ns"
    " FROM dataset_items AS i JOIN datasets AS d ON d.project = i.project AND d.id = i.dataset_id"
)
_JSON: Final = ("input", "expected_output", "metadata")
_VALUES: Final = (*_JSON, "source_trace_id", "source_observation_id", "status")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetItem:
    """One version of an item."""

    id: str
    status: str
    """`ACTIVE` or `ARCHIVED`."""
    input: Any
    expected_output: Any
    metadata: Any
    source_trace_id: str | None
    source_observation_id: str | None
    dataset_id: str
    dataset_name: str
    created_at_ns: int
    """When the item was first made."""
    valid_from_ns: int
    """When this version was made."""

    def __repr__(self) -> str:
        """Show the id only: a repr ends up in logs, content must not."""
        return f"<DatasetItem {self.id}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFilter:
    """Which items to list; what is None does not filter. Archived items are never listed."""

    dataset_id: str | None = None
    source_trace_id: str | None = None
    source_observation_id: str | None = None
    as_of_ns: int | None = None
    """The moment to look at; None: now."""

    def condition(self) -> tuple[str, list[Any]]:
        """Return it as SQL, and the values of its marks."""
        parts, values = _valid(self.as_of_ns)
        given = {
            "i.dataset_id = ?": self.dataset_id,
            "i.source_trace_id = ?": self.source_trace_id,
            "i.source_observation_id = ?": self.source_observation_id,
        }
        told = {part: value for part, value in given.items() if value is not None}
        return " AND ".join((f"i.status = '{ACTIVE}'", parts, *told)), [*values, *told.values()]


def find(
    connection: sqlite3.Connection, project: str, item_id: str, *, as_of_ns: int | None = None
) -> DatasetItem | None:
    """Return an item as it is, or as it was."""
    valid, values = _valid(as_of_ns)
    row = connection.execute(
        f"{_SELECT} WHERE i.project = ? AND i.id = ? AND {valid} LIMIT 1", (project, item_id, *values)
    ).fetchone()
    return _item(row) if row else None


def page(
    connection: sqlite3.Connection, project: str, wanted: ItemFilter, *, limit: int, offset: int
) -> tuple[list[DatasetItem], int]:
    """Return some of the items, the last changed first, and how many there are."""
    condition, values = wanted.condition()
    rows = connection.execute(
        f"{_SELECT} WHERE i.project = ? AND {condition} ORDER BY i.valid_from_ns DESC, i.id LIMIT ? OFFSET ?",
        (project, *values, limit, offset),
    )
    total = connection.execute(
        f"SELECT count(*) FROM dataset_items AS i WHERE i.project = ? AND {condition}",  # noqa: S608 - constants
        (project, *values),
    ).fetchone()[0]
    return [_item(row) for row in rows], total


def current(connection: sqlite3.Connection, project: str, dataset_id: str) -> Iterator[DatasetItem]:
    """Iterate over all items of a dataset as they are, archived ones too."""
    rows = connection.execute(
        f"{_SELECT} WHERE i.project = ? AND i.dataset_id = ? AND i.valid_to_ns IS NULL AND i.is_deleted = 0"
        " ORDER BY i.valid_from_ns DESC",
        (project, dataset_id),
    )
    return map(_item, rows)


def active_ids(connection: sqlite3.Connection, project: str, dataset_ids: Iterable[str]) -> dict[str, list[str]]:
    """Return the ids of the active items of some datasets, the last changed first."""
    found: dict[str, list[str]] = {each: [] for each in dataset_ids}
    for dataset_id, ids in found.items():
        rows = connection.execute(
            "SELECT id FROM dataset_items WHERE project = ? AND dataset_id = ? AND valid_to_ns IS NULL"
            " AND is_deleted = 0 AND status = ? ORDER BY valid_from_ns DESC",
            (project, dataset_id, ACTIVE),
        )
        ids += [row["id"] for row in rows]
    return found


def put(
    connection: sqlite3.Connection,
    project: str,
    dataset: Dataset,
    item_id: str | None,
    values: Mapping[str, Any],
    check: Callable[[Mapping[str, Any]], None],
) -> DatasetItem:
    """Make an item, or a new version of the item of that id.

    Args:
        connection: The connection that writes.
        project: The project.
        dataset: Where the item belongs.
        item_id: Its id; None: a new one.
        values: `input`, `expected_output`, `metadata`, `source_trace_id`, `source_observation_id`, `status`; what is
            None or left out stays as it is.
        check: Is shown the whole item before it is written; raises where it may not be.

    Raises:
        MissingError: The id belongs to an item of another dataset.
    """
    chosen = plain_text(item_id) if item_id else str(uuid.uuid4())
    known = find(connection, project, chosen)
    if known is not None and known.dataset_id != dataset.id:
        raise _missing(project, chosen)
    given = {key: value for key, value in values.items() if value is not None}
    earlier = {key: getattr(known, key) for key in _VALUES} if known else {}
    whole = dict.fromkeys(_VALUES) | {"status": ACTIVE} | earlier | given
    check(whole)
    now_ns = _next_ns(connection, project, dataset.id, chosen)
    _retire(connection, project, chosen, now_ns)
    created_ns = known.created_at_ns if known else now_ns
    _insert(connection, project, (dataset.id, chosen), whole, (now_ns, created_ns, False))
    written = find(connection, project, chosen)
    assert written is not None  # noqa: S101 - written in the same transaction
    return written


def delete(connection: sqlite3.Connection, project: str, item_id: str) -> None:
    """Delete an item: from now on it is not there; it still is as of earlier times.

    Raises:
        MissingError: There is none.
    """
    known = find(connection, project, item_id)
    if known is None:
        raise _missing(project, item_id)
    now_ns = _next_ns(connection, project, known.dataset_id, item_id)
    _retire(connection, project, item_id, now_ns)
    nothing = dict.fromkeys(_VALUES) | {"status": ACTIVE}
    _insert(connection, project, (known.dataset_id, item_id), nothing, (now_ns, known.created_at_ns, True))


def _insert(
    connection: sqlite3.Connection,
    project: str,
    ids: tuple[str, str],
    values: Mapping[str, Any],
    state: tuple[int, int, bool],
) -> None:
    dataset_id, item_id = ids
    valid_from_ns, created_at_ns, is_deleted = state
    texts = [NULL if values[key] is None else json_text(values[key]) for key in _JSON]
    sources: Sequence[str | None] = [
        None if values[key] is None else plain_text(values[key]) for key in ("source_trace_id", "source_observation_id")
    ]
    connection.execute(
        "INSERT INTO dataset_items VALUES (?, ?, ?, NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (project, item_id, valid_from_ns, dataset_id, values["status"], is_deleted, *sources, created_at_ns, *texts),
    )


def _retire(connection: sqlite3.Connection, project: str, item_id: str, now_ns: int) -> None:
    connection.execute(
        "UPDATE dataset_items SET valid_to_ns = ? WHERE project = ? AND id = ? AND valid_to_ns IS NULL",
        (now_ns, project, item_id),
    )


def _next_ns(connection: sqlite3.Connection, project: str, dataset_id: str, item_id: str) -> int:
    """Return the moment of a change: now, but after every earlier change, whatever the clock says."""
    last = connection.execute(
        "SELECT max((SELECT coalesce(max(valid_from_ns), 0) FROM dataset_items WHERE project = ? AND dataset_id = ?),"
        " (SELECT coalesce(max(valid_from_ns), 0) FROM dataset_items WHERE project = ? AND id = ?))",
        (project, dataset_id, project, item_id),
    ).fetchone()[0]
    return max(time.time_ns() // _NS_PER_MS * _NS_PER_MS, int(last) + _NS_PER_MS)


def _valid(as_of_ns: int | None) -> tuple[str, list[int]]:
    if as_of_ns is None:
        return "i.is_deleted = 0 AND i.valid_to_ns IS NULL", []
    valid = "i.is_deleted = 0 AND i.valid_from_ns <= ? AND (i.valid_to_ns IS NULL OR i.valid_to_ns > ?)"
    return valid, [as_of_ns, as_of_ns]


def _missing(project: str, item_id: str) -> MissingError:
    return MissingError(f"Dataset item with id {item_id} not found for project {project}")


def _item(row: sqlite3.Row) -> DatasetItem:
    given = {key: json_value(row[key]) if key in _JSON else row[key] for key in row.keys()}  # noqa: SIM118 - a Row
    return DatasetItem(**given)
