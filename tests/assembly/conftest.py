import os
from pathlib import Path

import pytest
from tests.delivery.conftest import sink  # noqa: F401 - the real HTTP sink is a fixture here too

import certtrace
from certtrace import assembly


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def configured(home):
    """Configure certtrace on a real home folder; shut down afterwards."""

    def configure(**settings):
        settings.setdefault("instrument_langfuse", False)
        certtrace.configure(home=home, service_name="svc", **settings)
        return assembly.current_running()

    yield configure
    certtrace.shutdown(5.0)


def bytes_of(folder):
    """Every byte below a folder, keys left out: they are random."""
    found = []
    for parent, _, names in os.walk(folder):
        for name in names:
            if not name.endswith(".key"):
                found.append((Path(parent) / name).read_bytes())
    return b"\n".join(found)
