"""`certtrace store`: whether the embedded store is whole, a copy of it, and its size."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from certtrace.cli.home import ChosenHome
from certtrace.cli.terminal import print_json, remark

if TYPE_CHECKING:
    from certtrace.records.checking import Checked

_NOT_WHOLE: int = 1


@click.group()
def store() -> None:
    """Check the embedded store, back it up, give free space back."""


@store.command()
@click.option("--thorough", is_flag=True, help="Compare all of the search index with what is stored, not a sample.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def check(context: click.Context, *, thorough: bool, as_json: bool) -> None:
    """Check file, references, counts and search index. Changes nothing; others may write meanwhile.

    Exit code 1 if the store is not whole.
    """
    from certtrace.records.checking import check as checked  # noqa: PLC0415 - help must be quick

    home: ChosenHome = context.obj
    found = checked(home.store, thorough=thorough)
    if as_json:
        print_json(_as_json(found))
    else:
        for finding in found.findings:
            click.echo(f"{'ok   ' if finding.is_right else 'WRONG'}  {finding.name:<10}  {finding.text}")
        click.echo(f"The store {found.path} is {'whole' if found.is_whole else 'not whole'}.")
    if not found.is_whole:
        remark("Copy what can be read with: certtrace store backup FILE; then go on with an earlier backup.")
        context.exit(_NOT_WHOLE)


@store.command()
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def backup(home: ChosenHome, target: Path, *, force: bool, as_json: bool) -> None:
    """Copy the store as it is now to a new FILE, while others write, and check the copy.

    Only you can read the copy; restore it by putting it in the store's place while no service runs.
    """
    from certtrace.records.copying import back_up  # noqa: PLC0415 - help must be quick

    size = back_up(home.store, target, overwrite=force)
    if as_json:
        print_json({"store": str(home.store), "backup": str(target), "bytes": size, "whole": True})
    else:
        click.echo(f"{target}: {_megabytes(size)}, checked.")


@store.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def compact(home: ChosenHome, *, as_json: bool) -> None:
    """Give the space of what was deleted back to the disk. Others wait meanwhile.

    Needs as much free disk as the store is large, twice where temporary files are on the same one.
    """
    from certtrace.records.copying import compact as compacted  # noqa: PLC0415 - help must be quick

    done = compacted(home.store)
    if as_json:
        print_json({"store": str(home.store), "bytes_before": done.bytes_before, "bytes_after": done.bytes_after})
    else:
        click.echo(f"{home.store}: {_megabytes(done.bytes_before)} before, {_megabytes(done.bytes_after)} now.")


def _as_json(found: "Checked") -> dict[str, object]:
    return {
        "store": str(found.path),
        "version": found.version,
        "whole": found.is_whole,
        "checks": [{"name": each.name, "ok": each.is_right, "text": each.text} for each in found.findings],
    }


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
