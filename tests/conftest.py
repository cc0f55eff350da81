"""What every test may rely on: no setting of the machine is seen, and nothing is written outside the tests' folder."""

import os

import pytest

_OURS = ("CERTTRACE_", "LANGFUSE_", "OTEL_")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for variable in list(os.environ):
        if variable.startswith(_OURS):
            monkeypatch.delenv(variable)
    # Where nobody says where the data goes, it goes here and not into the home folder of whoever runs the tests.
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.getbasetemp() / "data"))
