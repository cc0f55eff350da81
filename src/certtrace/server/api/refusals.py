"""The catalog's noes as the API's errors."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from certtrace.records.catalog.refusals import MissingError, RefusedError
from certtrace.server.box import Box
from certtrace.server.errors import invalid, not_found


@contextmanager
def reading(box: Box) -> Iterator[sqlite3.Connection]:
    """Give a connection that reads the store; what the catalog refuses becomes the answer."""
    with refusals(), box.store.reading() as connection:
        yield connection


@contextmanager
def writing(box: Box) -> Iterator[sqlite3.Connection]:
    """Give the connection that writes to the store; what the catalog refuses becomes the answer, unwritten."""
    with refusals(), box.store.writing() as connection:
        yield connection


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the catalog refuses into the answer."""
    try:
        yield
    except RefusedError as error:
        raise invalid(str(error)) from error
    except MissingError as error:
        raise not_found(str(error)) from error
