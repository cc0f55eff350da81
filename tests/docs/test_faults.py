"""The table of faults names, for each of the fifty, tests that exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = range(1, 51)
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
_WITHOUT_TEST = "Cannot be made to happen here: "


def rows() -> dict[int, list[str]]:
    text = (ROOT / "docs" / "reference" / "faults.md").read_text(encoding="utf-8")
    found: dict[int, list[str]] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if cells[0].isdecimal():
            assert int(cells[0]) not in found, f"fault {cells[0]} is there twice"
            found[int(cells[0])] = cells
    return found


@cache
def functions_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_fault_is_there_once_and_in_order():
    assert list(rows()) == list(NUMBERS)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_fault_names_tests_that_exist_or_says_why_there_is_none(number):
    cells = rows()[number]
    assert len(cells) == 4
    _, fault, tests, observed = cells
    assert fault
    assert observed.endswith(".")
    named = _TEST.findall(tests)
    assert named or tests.startswith(_WITHOUT_TEST)
    assert tests.startswith(_WITHOUT_TEST) or ", ".join(f"`{path}::{name}`" for path, name in named) == tests
    for path, name in named:
        assert (ROOT / path).is_file(), path
        assert name in functions_in(path), f"{path} has no {name}"
