"""What `certtrace spool export` writes."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import orjson

from certtrace.delivery.otlp import concat_units
from certtrace.delivery.otlp_json import unit_json
from certtrace.delivery.replaying import Wanted, wanted_letters
from certtrace.delivery.survey import is_there, owed_payloads
from certtrace.errors import InputError
from certtrace.ports import Payload

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Export:
    """What to write."""

    root: Path
    destination: str | None
    dead_letters: bool
    scores: bool
    form: str
    """`jsonl` or `protobuf`."""

    def payloads(self) -> Iterator[Payload]:
        """Yield the content that is meant, of both kinds."""
        if not is_there(self.root):
            return iter(())
        if self.dead_letters:
            return (letter.payload for letter in wanted_letters(self.root, Wanted(self.destination)))
        return owed_payloads(self.root, self.destination)


class Written(NamedTuple):
    """What was done with the payloads."""

    written: int
    others: int
    """Of the other kind."""
    unreadable: int


def write(wanted: Export, file: Path | None) -> Written:
    """Write to a new file or to stdout.

    Raises:
        InputError: The file exists, cannot be written, or binary data would go to a terminal.
        SpoolError: There is something else in the spool's place.
    """
    if file is None:
        if wanted.form == "protobuf" and sys.stdout.isatty():
            msg = "Protobuf is binary and stdout is a terminal. Give a file with --output, or a pipe."
            raise InputError(msg)
        return _write(wanted, sys.stdout.buffer)
    try:
        with os.fdopen(os.open(file, _FLAGS, 0o600), "wb") as stream:
            return _write(wanted, stream)
    except FileExistsError:
        msg = f"The file {file} exists. Name a new one: nothing is overwritten."
        raise InputError(msg) from None
    except OSError as error:
        msg = f"The file {file} cannot be written: {error.strerror}. Choose another place."
        raise InputError(msg) from None


def _write(wanted: Export, stream: BinaryIO) -> Written:
    kind = "scores" if wanted.scores else "spans"
    written = others = unreadable = 0
    for payload in wanted.payloads():
        if payload.kind != kind:
            others += 1
            continue
        try:
            stream.write(_encoded(wanted, payload))
            written += 1
        except ValueError:
            unreadable += 1
    stream.flush()
    return Written(written, others, unreadable)


def _encoded(wanted: Export, payload: Payload) -> bytes:
    if wanted.scores:
        return payload.data.strip() + b"\n"
    if wanted.form == "protobuf":
        return concat_units([payload.data])
    return orjson.dumps(unit_json(payload.data)) + b"\n"
