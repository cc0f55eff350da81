"""The file of projects, keys and sign-ins."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from certtrace.errors import InputError, StoreError
from certtrace.server.access import Access, Role
from certtrace.server.access.access import SESSION_SECONDS

SECOND_NS = 1_000_000_000


class Clock:
    """A clock that is set by hand, in nanoseconds."""

    def __init__(self) -> None:
        self.now = 1_795_400_000 * SECOND_NS

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "access.db"


@pytest.fixture
def access(path: Path, clock: Clock) -> Iterator[Access]:
    made = Access(path, clock=clock)
    yield made
    made.close()


def test_the_file_is_its_owners_alone(access: Access, path: Path) -> None:
    access.create(access.project("default"), [Role.ADMIN])
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}


def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    path.chmod(0o644)
    Access(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_secret_is_in_the_file(access: Access, path: Path) -> None:
    key = access.create(access.project("default"), [Role.ADMIN])
    token = access.sign_in(key.public_key, key.secret_key)
    assert token is not None
    access.close()
    written = b"".join(each.read_bytes() for each in path.parent.iterdir())
    assert key.public_key.encode() in written
    assert key.secret_key.removeprefix("sk-lf-").encode() not in written
    assert token.encode() not in written


def test_no_secret_is_in_a_repr(access: Access) -> None:
    key = access.create(access.project("default"), [Role.ADMIN])
    known = access.known(key.public_key, key.secret_key)
    assert key.secret_key not in f"{key!r} {key} {known!r} {access.entries()!r}"


def test_a_key_is_known_by_both_its_parts_only(access: Access) -> None:
    project = access.project("default")
    one, other = access.create(project, [Role.WRITER]), access.create(project, [Role.READER, Role.WRITER])
    known = access.known(other.public_key, other.secret_key)
    assert known is not None
    assert (known.project, known.roles) == (project, {Role.READER, Role.WRITER})
    for pair in (
        (one.public_key, other.secret_key),
        (one.secret_key, one.public_key),
        (one.public_key, ""),
        ("", one.secret_key),
        (one.public_key, one.secret_key + " "),
        (one.public_key.upper(), one.secret_key),
    ):
        assert access.known(*pair) is None


def test_a_key_ends_when_it_was_to(access: Access, clock: Clock) -> None:
    key = access.create(access.project("default"), [Role.READER], expires_at_ns=clock.now + 60 * SECOND_NS)
    token = access.sign_in(key.public_key, key.secret_key)
    assert token is not None
    clock.now += 59 * SECOND_NS
    assert access.known(key.public_key, key.secret_key) is not None
    clock.now += SECOND_NS
    assert access.known(key.public_key, key.secret_key) is None
    assert access.session(token) is None


def test_the_last_use_is_noted_to_the_minute(access: Access, clock: Clock) -> None:
    key = access.create(access.project("default"), [Role.READER])
    assert access.entries()[0].used_at_ns is None
    first = clock.now
    for _ in range(3):
        access.known(key.public_key, key.secret_key)
        clock.now += 20 * SECOND_NS
    assert access.entries()[0].used_at_ns == first
    access.known(key.public_key, key.secret_key)
    assert access.entries()[0].used_at_ns == first + 60 * SECOND_NS


def test_a_revoked_key_is_refused_by_other_processes_at_once(access: Access, path: Path) -> None:
    key = access.create(access.project("default"), [Role.READER])
    token = access.sign_in(key.public_key, key.secret_key)
    assert token is not None
    assert access.session(token) is not None
    revoke = (
        "import sys; from pathlib import Path; from certtrace.server.access import Access;"
        "access = Access(Path(sys.argv[1])); print(access.revoke(sys.argv[2]), access.revoke(sys.argv[2]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", revoke, str(path), key.public_key],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["True", "False"]
    assert access.known(key.public_key, key.secret_key) is None
    assert access.session(token) is None
    assert access.entries()[0].revoked_at_ns is not None


def test_a_sign_in_ends_by_itself_and_on_request(access: Access, clock: Clock) -> None:
    key = access.create(access.project("default"), [Role.READER], "on-call")
    first, second = (access.sign_in(key.public_key, key.secret_key) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first != second
    assert len(first) >= 43  # 256 bits
    known = access.session(first)
    assert known is not None
    assert (known.public_key, known.note) == (key.public_key, "on-call")
    access.sign_out(first)
    access.sign_out("never given")
    assert access.session(first) is None
    clock.now += SESSION_SECONDS * SECOND_NS - 1
    assert access.session(second) is not None
    clock.now += 1
    assert access.session(second) is None
    assert access.session("") is None


def test_signing_in_clears_away_what_has_ended(access: Access, clock: Clock, path: Path) -> None:
    key = access.create(access.project("default"), [Role.READER])
    for _ in range(5):
        access.sign_in(key.public_key, key.secret_key)
    clock.now += SESSION_SECONDS * SECOND_NS
    access.sign_in(key.public_key, key.secret_key)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (1,)
    connection.close()


def test_a_chosen_key_is_taken_if_it_is_no_easy_guess_and_new(access: Access) -> None:
    project = access.project("default")
    chosen = ("pk-lf-" + "a" * 36, "sk-lf-" + "b" * 36)
    access.create(project, [Role.ADMIN], chosen=chosen)
    assert access.known(*chosen) is not None
    for wrong in (
        chosen,
        ("pk-lf-1", chosen[1]),
        ("pk-lf-" + "c" * 36, "sk-lf-short"),
        (chosen[1], chosen[0]),
        ("pk-lf-a:b" + "c" * 36, chosen[1]),
    ):
        with pytest.raises(InputError) as caught:
            access.create(project, [Role.ADMIN], chosen=wrong)
        assert wrong[1] not in str(caught.value)


def test_a_project_keeps_its_id_and_needs_a_name_that_shows(access: Access) -> None:
    plain, odd = access.project("exams"), access.project("Prüfungen / Herbst")
    assert (plain.id, plain.name) == ("exams", "exams")
    assert odd.id.isascii()
    assert "/" not in odd.id
    assert [access.project("exams"), access.project("Prüfungen / Herbst")] == [plain, odd]
    assert access.projects() == [plain, odd]
    for name in ("", " a", "a\nb", "x" * 61, "\ud800"):
        with pytest.raises(InputError):
            access.project(name)


def test_a_key_needs_a_role_and_no_novel_for_a_note(access: Access) -> None:
    project = access.project("default")
    for roles, note in (([], None), ([Role.READER], "x" * 501)):
        with pytest.raises(InputError):
            access.create(project, roles, note)


def test_a_newer_file_is_left_alone(path: Path) -> None:
    Access(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match=r"version 99.*Upgrade certtrace"):
        Access(path)


def test_a_file_that_is_no_database_is_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something else entirely, and long enough to be a header of something" * 20)
    with pytest.raises(StoreError, match=r"access\.db cannot be used"):
        Access(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="--home"):
        Access(tmp_path / "new" / "access.db")


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(StoreError, match="--home"):
        Access(tmp_path / "home" / "access.db")


def test_many_threads_and_instances_share_the_file(path: Path) -> None:
    accesses = [Access(path) for _ in range(3)]
    project = accesses[0].project("default")
    made: list[str] = []

    def work(access: Access) -> None:
        for _ in range(15):
            key = access.create(project, [Role.READER])
            known = accesses[0].known(key.public_key, key.secret_key)
            assert known is not None
            access.reads.record(known, "/x", ["t"], whole=True)
            made.append(key.public_key)

    threads = [threading.Thread(target=work, args=(access,)) for access in accesses for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(made) == len(set(made)) == 90
    assert len(accesses[1].entries(project)) == 90
    for access in accesses:
        access.close()
