"""`certtrace store` on real files, whole and damaged, while others write."""

import json
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import FAILED, store_of

from certtrace.records.database import Database
from certtrace.records.migrations import MIGRATIONS
from certtrace.records.schema import SUPPORTED_VERSION
from certtrace.records.search import SearchIndex
from certtrace.records.source import StoreSource

WRITER = """
import itertools, sys
from pathlib import Path
from certtrace.records.database import Database
from certtrace.records.store import StoreWriter
from tests.records.filling import observation
writer = StoreWriter(Database(Path(sys.argv[1]), busy_seconds=60))
for number in itertools.count(1000):
    writer.write("default", [observation(number, input="some text " * 200)])
    print(number, flush=True)
"""


@pytest.fixture
def path(home):
    """The store of the data folder, its search index made."""
    found = store_of(home)
    database = Database(found)
    SearchIndex(database).catch_up(10)
    database.close()
    return found


@pytest.fixture
def writing(path):
    """A process that writes all the time; its standard output names what is committed."""
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "1000\n"
    yield process
    process.kill()
    process.communicate(timeout=20)


def change(path, *statements):
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_a_whole_store_is_said_to_be_whole(run, path):
    result = run("store", "check")
    assert result.exit_code == 0, result.output
    assert f"The store {path} is whole." in result.output
    assert "WRONG" not in result.output
    found = json.loads(run("store", "check", "--thorough", "--json").output)
    assert (found["whole"], found["version"], found["store"]) == (True, SUPPORTED_VERSION, str(path))
    names = [each["name"] for each in found["checks"]]
    assert names == ["version", "file", "references", "counts", "summaries", "search"]
    assert all(each["ok"] for each in found["checks"])


@pytest.mark.parametrize(
    ("damage", "name"),
    [
        ("UPDATE counts SET traces = traces + 1", "counts"),
        ("DELETE FROM observations", "summaries"),
        ("DELETE FROM search_words WHERE word = 'reply'", "search"),
        ("UPDATE search_words SET places = x'0900' WHERE word = 'reply'", "search"),
        ("UPDATE observations SET input = 'other words'", "search"),
        ("DELETE FROM traces", "references"),
    ],
)
def test_what_is_wrong_is_named_and_ends_with_1(run, path, damage, name):
    change(path, damage)
    result = run("store", "check", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["whole"] is False
    assert name in [each["name"] for each in found["checks"] if not each["ok"]]
    assert "not whole" in run("store", "check").stdout


def test_a_damaged_file_is_not_whole(run, path):
    change(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[-8000:] = b"\xff" * 8000
    path.write_bytes(content)
    result = run("store", "check")
    assert result.exit_code == 1
    assert "WRONG  file" in result.output


@pytest.mark.parametrize("command", [("check",), ("backup", "copy.db"), ("compact",)])
def test_without_a_store_there_is_nothing_to_do(run, tmp_path, command):
    result = run("store", *command, home=tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "There is no store at" in result.output
    assert not (tmp_path / "nowhere").exists()


def test_an_older_store_is_checked_and_told_how_to_be_migrated(run, tmp_path):
    home = tmp_path / "older"
    path = store_of(home)
    path.parent.mkdir(parents=True)
    change(path, *MIGRATIONS[0].split(";\n"), "PRAGMA user_version = 1")
    result = run("store", "check", home=home)
    assert result.exit_code == 0, result.output
    assert "`certtrace serve`, or a service with this certtrace, migrates it" in result.output


def test_a_newer_store_is_wrong_input(run, path):
    change(path, f"PRAGMA user_version = {SUPPORTED_VERSION + 1}")
    for command in (("check",), ("compact",), ("backup", "copy.db")):
        result = run("store", *command)
        assert result.exit_code == 2
        assert "Upgrade certtrace" in result.output


def test_a_backup_made_while_others_write_is_a_store_of_its_own(run, path, writing, tmp_path):
    target = tmp_path / "copy.db"
    committed = int(writing.stdout.readline())
    result = run("store", "backup", str(target), "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["bytes"] == target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    source = StoreSource(target)
    assert source.get_trace(FAILED).observations
    assert source.get_trace(f"{committed:032x}").observations
    assert int(writing.stdout.readline()) > committed
    assert [each.name for each in tmp_path.iterdir() if "part" in each.name] == []


def test_a_backup_never_replaces_a_file_unasked(run, path, tmp_path):
    target = tmp_path / "copy.db"
    target.write_text("precious")
    result = run("store", "backup", str(target))
    assert result.exit_code == 2
    assert "--force" in result.output
    assert target.read_text() == "precious"
    assert run("store", "backup", str(target), "--force").exit_code == 0
    assert StoreSource(target).get_trace(FAILED).trace_id == FAILED


def test_a_backup_of_a_damaged_store_is_refused_and_leaves_nothing(run, path, tmp_path):
    change(path, "DELETE FROM traces", "PRAGMA wal_checkpoint(TRUNCATE)")
    result = run("store", "backup", str(tmp_path / "copy.db"))
    assert result.exit_code == 2
    assert "not whole" in result.output
    assert not [each for each in tmp_path.iterdir() if "copy.db" in each.name]


def test_a_backup_needs_a_folder(run, path, tmp_path):
    result = run("store", "backup", str(tmp_path / "no" / "copy.db"))
    assert result.exit_code == 2
    assert "is not there" in result.output


def test_compacting_gives_space_back_while_others_write(run, path, writing):
    while int(writing.stdout.readline()) < 1200:
        pass
    change(path, "PRAGMA foreign_keys = ON", "PRAGMA busy_timeout = 20000", "DELETE FROM traces WHERE trace_id < 'f'")
    result = run("store", "compact", "--json")
    assert result.exit_code == 0, result.output
    assert writing.poll() is None
    writing.kill()
    writing.wait(20)
    first = json.loads(run("store", "compact", "--json").output)
    assert first["bytes_after"] <= first["bytes_before"]
    assert "before" in run("store", "compact").output
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_compacting_needs_room(run, path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("usage", (), {"free": 10})())
    result = run("store", "compact")
    assert result.exit_code == 2
    assert "TMPDIR" in result.output


def test_compacting_a_busy_store_says_so_and_changes_nothing(run, path, monkeypatch):
    monkeypatch.setattr("certtrace.records.copying._BUSY_SECONDS", 0.2)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    result = run("store", "compact")
    blocker.close()
    assert result.exit_code == 2
    assert "busy" in result.output
