"""The model file: whole-number weights, word lists and where all of it comes from."""

import json
import zlib
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from certtrace.redaction.recognize.features import BITS, Lists

BEFORE: Final = 5
"""Tokens seen before a candidate."""

AFTER: Final = 4
"""Tokens seen behind it."""

GRID: Final = 64
"""Steps per unit: weights and activations are whole numbers of 1/64."""

LIMIT: Final = 127
"""Largest weight or activation in steps, so that sums of a layer are exact in single precision."""

SHIPPED: Final = Path(__file__).parent / "names.model"
"""The model of this package."""

_MAGIC: Final = b"certtrace names 1\n"


@dataclass(frozen=True, slots=True)
class Weights:
    """A model as it is stored."""

    width: int
    """Numbers per token."""
    hidden: int
    """Units of the hidden layer."""
    table: bytes
    """`2**BITS` rows of `width` signed bytes: what each hashed feature adds to its token."""
    first: bytes
    """`hidden` rows of `(BEFORE + 1 + AFTER) * width` signed bytes."""
    first_bias: tuple[int, ...]
    """In steps of 1/GRID**2."""
    last: tuple[int, ...]
    """`hidden` whole numbers of 1/GRID."""
    last_bias: int
    """In steps of 1/GRID**3, the unit of a score."""
    lists: Lists
    provenance: dict[str, Any]
    """Data, licences, attribution, command, date and measured quality of the training."""


def store(weights: Weights, path: Path) -> None:
    """Write a model file."""
    lists = [array("I", sorted(entries)) for entries in _in_order(weights.lists)]
    head = {
        "width": weights.width,
        "hidden": weights.hidden,
        "bits": BITS,
        "first_bias": weights.first_bias,
        "last": weights.last,
        "last_bias": weights.last_bias,
        "lists": [len(entries) for entries in lists],
        "provenance": weights.provenance,
    }
    body = weights.table + weights.first + b"".join(_little(entries) for entries in lists)
    header = json.dumps(head, ensure_ascii=False, sort_keys=True).encode()
    path.write_bytes(_MAGIC + header + b"\n" + zlib.compress(body, 9))


def load(path: Path = SHIPPED) -> Weights:
    """Read a model file.

    Raises:
        ValueError: The file is no model of this version.
    """
    data = path.read_bytes()
    if not data.startswith(_MAGIC):
        msg = f"{path.name} is no model of this version. Reinstall certtrace, or run scripts/train_names.py."
        raise ValueError(msg)
    end = data.index(b"\n", len(_MAGIC))
    head = json.loads(data[len(_MAGIC) : end])
    if head["bits"] != BITS:
        msg = f"{path.name} was made for {head['bits']} bits of features, this version uses {BITS}. Train it again."
        raise ValueError(msg)
    body = zlib.decompress(data[end + 1 :])
    width, hidden = head["width"], head["hidden"]
    table_end = (1 << BITS) * width
    first_end = table_end + hidden * (BEFORE + 1 + AFTER) * width
    lists, place = [], first_end
    for size in head["lists"]:
        lists.append(frozenset(_from_little(body[place : place + 4 * size])))
        place += 4 * size
    return Weights(
        width=width,
        hidden=hidden,
        table=body[:table_end],
        first=body[table_end:first_end],
        first_bias=tuple(head["first_bias"]),
        last=tuple(head["last"]),
        last_bias=head["last_bias"],
        lists=Lists(*lists),
        provenance=head["provenance"],
    )


def _in_order(lists: Lists) -> tuple[Any, ...]:
    return (lists.given, lists.family, lists.common, lists.technical, lists.places)


def _little(entries: "array[int]") -> bytes:
    return b"".join(entry.to_bytes(4, "little") for entry in entries)


def _from_little(data: bytes) -> "memoryview[int] | array[int]":
    entries = array("I", data)
    if entries.itemsize != 4 or (1).to_bytes(4, "little") != array("I", [1]).tobytes():  # pragma: no cover - big-endian
        return array("Q", [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)])
    return entries
