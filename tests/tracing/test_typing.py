"""The type checker's word on `@traced`: accepted lines keep their types, rejected lines stay errors."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_types_are_kept_and_mistakes_are_found(monkeypatch):
    api = pytest.importorskip("mypy.api", reason="mypy is not installed")
    monkeypatch.chdir(ROOT)
    found, trouble, status = api.run(
        ["--strict", "--warn-unused-ignores", "tests/typing/accepted.py", "tests/typing/rejected.py"]
    )
    assert (status, trouble) == (0, ""), found


def test_a_line_that_loses_its_type_is_found(monkeypatch, tmp_path):
    api = pytest.importorskip("mypy.api", reason="mypy is not installed")
    monkeypatch.chdir(ROOT)
    text = "from certtrace import traced\n@traced\ndef f(a: int) -> int: return a\nf(1)  # type: ignore[arg-type]\n"
    (tmp_path / "lost.py").write_text(text)
    found, _, status = api.run(["--strict", "--warn-unused-ignores", str(tmp_path / "lost.py")])
    assert status == 1
    assert 'Unused "type: ignore"' in found


def test_the_package_says_that_it_is_typed():
    import certtrace

    assert (Path(certtrace.__file__).parent / "py.typed").is_file()
    assert sys.modules["certtrace"] is certtrace
