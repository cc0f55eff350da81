"""What the import contracts cannot say about the package."""

import ast
from pathlib import Path

import pytest

import certtrace

PACKAGE = Path(certtrace.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))


ENVIRONMENT = {"environ", "environb", "getenv", "getenvb"}


def reads_environment(tree: ast.AST) -> bool:
    nodes = list(ast.walk(tree))
    from_os = (node for node in nodes if isinstance(node, ast.ImportFrom) and node.module == "os")
    of_os = (node for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name))
    return any(alias.name in ENVIRONMENT for node in from_os for alias in node.names) or any(
        node.value.id == "os" and node.attr in ENVIRONMENT for node in of_os
    )


def test_only_the_settings_read_the_environment():
    readers = [path for path in MODULES if reads_environment(ast.parse(path.read_text(encoding="utf-8")))]
    assert [path.relative_to(PACKAGE).as_posix() for path in readers] == ["settings.py"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_module_says_what_it_is(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree) or not tree.body


def test_the_package_is_typed_and_ships_the_samples_of_the_demo():
    assert (PACKAGE / "py.typed").exists()
    assert list((PACKAGE / "demo" / "data").glob("*.jsonl"))
