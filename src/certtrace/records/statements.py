"""SQL that is put together from constants."""

from collections.abc import Sequence


def insert(table: str, columns: Sequence[str]) -> str:
    """Return the statement that inserts one row."""
    names = ", ".join(f'"{column}"' for column in columns)
    return f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - all constants


def upsert(table: str, columns: Sequence[str], key: Sequence[str], kept: Sequence[str] = ()) -> str:
    """Return the statement that inserts one row, or replaces what is stored under its key but for columns to keep."""
    changes = ", ".join(f'"{column}" = excluded."{column}"' for column in columns if column not in (*key, *kept))
    return f"{insert(table, columns)} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
