"""How commands print: for people through `rich`, for programs as JSON lines."""

import shutil
import sys
from collections.abc import Iterable
from typing import Any, Final

import click
from rich.console import Console, RenderableType

from certtrace.records.safe_text import json_line

_WIDTH_WITHOUT_TERMINAL: Final = 100


def output() -> Console:
    """Return the console for results: no colour when piped or with `NO_COLOR`, nothing interpreted as markup."""
    return Console(
        file=sys.stdout,
        width=shutil.get_terminal_size((_WIDTH_WITHOUT_TERMINAL, 24)).columns,
        markup=False,
        highlight=False,
        emoji=False,
    )


def print_lines(console: Console, lines: Iterable[RenderableType]) -> None:
    """Print lines that were made to fit; a line that does not is left to the terminal, not wrapped twice."""
    for line in lines:
        console.print(line, soft_wrap=True)


def print_json(value: Any) -> None:
    """Print one value as one line of JSON."""
    click.echo(json_line(value))


def remark(text: str) -> None:
    """Say something to the person that is no result: on stderr, so that a pipe stays clean."""
    click.echo(text, err=True)
