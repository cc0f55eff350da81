"""What failed in a trace: the observations where an error began, not those that passed it on."""

from collections.abc import Sequence

from certtrace.server.pages.trace.tree import Row


def failures_in(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of errors that did not come from below; where there is none, those of warnings."""
    errors = [row for row in rows if row.tone == "bad" and not row.is_passed_on]
    return errors or [row for row in rows if row.tone == "warn"]
