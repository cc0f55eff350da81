"""Nothing that users can write is missing from `docs/reference/`."""

import importlib
from pathlib import Path
from typing import Any

import click
import pytest
from pydantic import AliasChoices

from certtrace import semconv
from certtrace.cli import COMMANDS, root
from certtrace.grading import FailureClass
from certtrace.settings import Settings

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"

NO_ATTRIBUTES = {"INGESTION_VERSION", "INGESTION_VERSION_HEADER", "SCOPE_NAME"}
"""Constants of `semconv` that are values, not keys."""


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


def row(name: str, first: str) -> str:
    """Return the table row whose first cell is `first`."""
    found = [line for line in page(name).splitlines() if line.startswith(f"| `{first}` |")]
    assert len(found) == 1, f"docs/reference/{name}.md has {len(found)} rows for {first}"
    return found[0]


@pytest.mark.parametrize("module", ["certtrace", "certtrace.grading", "certtrace.testing"])
def test_every_public_name_is_described(module):
    text = page("public-names")
    _, _, rest = text.partition(f"\n## `{module}`\n")
    section = rest.partition("\n## ")[0]
    missing = [name for name in importlib.import_module(module).__all__ if f"`{name}`" not in section]
    assert section, f"docs/reference/public-names.md has no section on {module}"
    assert not missing


@pytest.mark.parametrize("module", ["certtrace", "certtrace.grading", "certtrace.testing"])
def test_no_name_is_described_that_does_not_exist(module):
    _, _, rest = page("public-names").partition(f"\n## `{module}`\n")
    section = rest.partition("\n## ")[0]
    described = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
    public = importlib.import_module(module).__all__
    assert not [name for name in described if name.partition("(")[0] not in public]


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_is_described_with_its_variables_and_its_default(name):
    described = row("settings", name)
    alias = Settings.model_fields[name].validation_alias
    assert isinstance(alias, AliasChoices)
    assert all(f"`{variable}`" in described for variable in alias.choices)
    default = Settings.model_fields[name].default
    if isinstance(default, bool | int | float | str):
        written = str(default).lower() if isinstance(default, bool) else str(default)
        assert f"`{written}`" in described


def test_no_setting_is_described_that_does_not_exist():
    rows = [line.split("`")[1] for line in page("settings").splitlines() if line.startswith("| `")]
    assert set(rows) == set(Settings.model_fields)


def constants() -> dict[str, str]:
    return {
        name: value
        for name, value in vars(semconv).items()
        if name.isupper() and isinstance(value, str) and name not in NO_ATTRIBUTES
    }


@pytest.mark.parametrize(("name", "key"), constants().items())
def test_every_attribute_is_described(name, key):
    row("attributes", key)


def test_no_attribute_is_described_that_does_not_exist():
    rows = [line.split("`")[1] for line in page("attributes").splitlines() if line.startswith("| `")]
    assert set(rows) == set(constants().values())


@pytest.mark.parametrize("failure", list(FailureClass))
def test_every_failure_class_is_described(failure):
    assert f"`{failure}`" in page("failure-classes")


def parameters(command: click.Command) -> list[str]:
    return [
        option
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
        for option in parameter.opts
        if option.startswith("--")
    ]


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_is_described_with_every_option(name):
    context: Any = click.Context(root)
    command = root.get_command(context, name)
    assert command is not None
    _, _, rest = page("commands").partition(f"\n## `certtrace {name}")
    section = rest.partition("\n## ")[0]
    assert section, f"docs/reference/commands.md has no section on {name}"
    assert not [option for option in parameters(command) if f"`{option}" not in section]


def test_the_options_before_a_command_are_described():
    assert not [option for option in parameters(root) if f"`{option}" not in page("commands")]


def test_every_exit_code_is_described():
    assert all(f"| {code} |" in page("exit-codes") for code in (0, 1, 2))
