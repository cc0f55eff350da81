"""What `import certtrace` loads. A structure test: times are in `benchmarks/imports.py`."""

import subprocess
import sys

import pytest

ALLOWED = {"certtrace", "opentelemetry", "typing_extensions"}
"""Top-level packages besides the standard library; `typing_extensions` comes with the OpenTelemetry API."""


def loaded_after(statement: str) -> set[str]:
    code = f"import sys; before = set(sys.modules); {statement}; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_the_import_loads_the_standard_library_and_the_opentelemetry_api_only():
    tops = {name.partition(".")[0] for name in loaded_after("import certtrace")}
    assert tops - set(sys.stdlib_module_names) <= ALLOWED
    assert "certtrace" in tops


@pytest.mark.parametrize(
    "package", ["opentelemetry.sdk", "pydantic", "langfuse", "httpx", "wrapt", "orjson", "asyncio", "sqlite3", "email"]
)
def test_the_import_does_not_load(package):
    loaded = loaded_after("import certtrace")
    assert not {name for name in loaded if name == package or name.startswith(f"{package}.")}


def test_tracing_a_function_without_configure_loads_nothing_more():
    before = loaded_after("import certtrace")
    after = loaded_after("import certtrace; certtrace.traced(lambda answer: answer)('x')")
    assert {name for name in after - before if name.startswith(("certtrace", "opentelemetry"))} == set()


def test_the_pytest_plugin_costs_a_project_that_does_not_use_it_no_sdk():
    loaded = loaded_after("import certtrace.pytest_plugin")
    assert not {name for name in loaded if name.startswith(("opentelemetry.sdk", "pydantic", "langfuse"))}


def test_help_of_the_command_line_loads_no_sdk_and_no_pydantic():
    statement = "from certtrace.cli import root; root(['--help'], prog_name='certtrace', standalone_mode=False)"
    loaded = loaded_after(statement)
    assert not {name for name in loaded if name.startswith(("opentelemetry.sdk", "pydantic", "langfuse"))}
