"""One moment of the store, to answer one request from."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from certtrace.records.queries.conditions import FilterError
from certtrace.server.box import Box
from certtrace.server.errors import invalid


@contextmanager
def asking(box: Box) -> Iterator[sqlite3.Connection]:
    """Give a connection that sees one moment of the store.

    Raises:
        ApiError: 400, a filter asks for what cannot be asked.
    """
    try:
        with box.store.reading() as connection:
            yield connection
    except FilterError as error:
        raise invalid(str(error)) from None
