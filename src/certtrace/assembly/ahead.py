"""Units that wait for the worker are made known to the redactors together: looks at many texts at once cost less."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Final, Protocol, runtime_checkable

from certtrace.assembly.redaction import Route
from certtrace.ports import SpanRecord
from certtrace.tracing.records import records_of
from certtrace.tracing.units import Unit

_BYTES: Final = 524_288
"""Estimated memory of the units that are looked at together; the first is looked at whatever its size."""


@runtime_checkable
class LooksAhead(Protocol):
    """What a redactor may have beside the methods of `ports.UnitRedactor`."""

    def look_ahead(self, units: Sequence[Sequence[SpanRecord]], go_on: Callable[[], bool] | None = None) -> None:
        """Look at units that are redacted next, together, and forget those before; none at all: only forget."""
        ...


class Ahead:
    """The records of the next units, and who has looked at them. For one worker at a time."""

    def __init__(self, routes: Callable[[], Sequence[Route]]) -> None:
        """Take what returns the routes whose redactors the units pass."""
        self._routes = routes
        self._looked: list[LooksAhead] = []
        """Redactors that remember texts."""
        self._records: dict[int, tuple[Unit, list[SpanRecord]]] = {}

    def knows(self, unit: Unit) -> bool:
        """Tell whether a unit was looked at."""
        return id(unit) in self._records

    def look(self, units: Sequence[Unit], go_on: Callable[[], bool]) -> None:
        """Look at units together. Never raises.

        Args:
            units: The unit that is redacted next, and others that are likely to follow.
            go_on: Asked from time to time; False breaks it off.
        """
        self.forget()
        with contextlib.suppress(Exception):  # a span that cannot be read: the unit's own turn tells
            self._take(units)
        records = [records for _, records in self._records.values()]
        if sum(map(len, records)) < 2:
            return
        for route in self._routes():
            with contextlib.suppress(Exception):  # redaction meets it again
                if isinstance(route.redactor, LooksAhead):
                    self._looked.append(route.redactor)
                    route.redactor.look_ahead(records, go_on)

    def _take(self, units: Sequence[Unit]) -> None:
        size = 0
        for unit in units:
            size += unit.bytes
            if size > _BYTES and self._records:
                return
            self._records[id(unit)] = unit, records_of(unit)

    def records_of(self, unit: Unit) -> list[SpanRecord]:
        """Return the records of a unit."""
        known = self._records.pop(id(unit), None)
        return known[1] if known is not None and known[0] is unit else records_of(unit)

    def forget(self) -> None:
        """Forget all texts."""
        self._records.clear()
        while self._looked:
            with contextlib.suppress(Exception):
                self._looked.pop().look_ahead(())
