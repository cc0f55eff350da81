"""`certtrace keys`: making, listing and revoking keys, and who read what."""

import json

import pytest

from certtrace.server.access import Access, Role

SECRET = "sk-lf-"


@pytest.fixture
def access(home):
    made = Access(home / "access.db")
    yield made
    made.close()


def made(run, *arguments):
    result = run("keys", "create", "--json", *arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_key_is_shown_once_as_lines_to_copy(run, access):
    result = run("keys", "create", "--note", "grading worker")
    lines = result.stdout.splitlines()
    assert [line.partition("=")[0] for line in lines] == ["export LANGFUSE_PUBLIC_KEY", "export LANGFUSE_SECRET_KEY"]
    public, secret = (line.partition("=")[2] for line in lines)
    known = access.known(public, secret)
    assert known is not None
    assert (known.project.name, known.roles, known.note) == ("default", {Role.WRITER, Role.READER}, "grading worker")
    listed = run("keys", "list").output + run("keys", "list", "--json").output
    assert public in listed
    assert secret not in listed
    assert f"{secret[:6]}...{secret[-4:]}" in listed


def test_projects_and_several_roles_are_given(run, access):
    key = made(run, "--project", "appeals", "--role", "auditor", "--role", "writer")
    assert key["project"] == "appeals"
    assert key["roles"] == ["auditor", "writer"]
    known = access.known(key["public_key"], key["secret_key"])
    assert known is not None
    assert known.roles == {Role.AUDITOR, Role.WRITER}
    assert [entry.project.name for entry in access.entries(access.project("appeals"))] == ["appeals"]
    assert json.loads(run("keys", "list", "--project", "appeals", "--json").stdout)["id"] == key["id"]


def test_a_key_may_end_by_itself(run):
    key = made(run, "--expires", "90d")
    (listed,) = map(json.loads, run("keys", "list", "--json").stdout.splitlines())
    assert listed["id"] == key["id"]
    assert listed["expires_at"] > listed["created_at"]
    assert "valid until" in run("keys", "list").stdout
    for wrong in ("2020-01-01", "soon"):
        result = run("keys", "create", "--expires", wrong)
        assert result.exit_code == 2
        assert wrong in result.output


@pytest.mark.parametrize("by", ["id", "public_key"])
def test_a_revoked_key_is_refused_and_still_listed(run, access, by):
    key = made(run)
    assert run("keys", "revoke", key[by]).exit_code == 0
    assert access.known(key["public_key"], key["secret_key"]) is None
    assert "revoked 20" in run("keys", "list").stdout
    again = run("keys", "revoke", key[by])
    assert (again.exit_code, "before" in again.output) == (0, True)


def test_a_secret_that_is_given_by_mistake_is_not_repeated(run):
    key = made(run)
    result = run("keys", "revoke", key["secret_key"])
    assert result.exit_code == 1
    assert key["secret_key"] not in result.output


@pytest.mark.parametrize(
    "wrong",
    [["--role", "owner"], ["--project", ""], ["--project", "a\nb"], ["--note", "x" * 501]],
    ids=["role", "no-name", "line-break", "long-note"],
)
def test_what_cannot_be_a_key_is_refused(run, wrong):
    result = run("keys", "create", *wrong)
    assert result.exit_code == 2
    assert SECRET not in result.output


def test_an_unknown_project_names_those_there_are(run):
    made(run)
    result = run("keys", "list", "--project", "nope")
    assert result.exit_code == 2
    assert "default" in result.output


def test_who_read_which_trace_is_shown(run, access):
    key = made(run, "--note", "on-call\x1b[31m")
    known = access.known(key["public_key"], key["secret_key"])
    access.reads.record(known, "/api/public/traces/{trace_id}", ["a" * 32], whole=True)
    access.reads.record(known, "/api/public/traces", ["a" * 32, "b" * 32], whole=False)
    of_one = [json.loads(line) for line in run("keys", "reads", "--trace", "a" * 32, "--json").stdout.splitlines()]
    assert {(read["how"], read["public_key"]) for read in of_one} == {
        ("whole", key["public_key"]),
        ("listed", key["public_key"]),
    }
    shown = run("keys", "reads").stdout
    assert len(shown.splitlines()) == 2 * 3
    assert "\x1b" not in shown
    assert key["public_key"][:14] in shown
    assert len(run("keys", "reads", "--limit", "1").stdout.splitlines()) == 2
    assert run("keys", "reads", "--before", "1d").stdout == ""


def test_lists_for_people_fit_a_terminal_of_eighty_columns(run, access):
    key = made(run, "--note", "grading worker", "--expires", "90d")
    known = access.known(key["public_key"], key["secret_key"])
    access.reads.record(known, "/api/public/traces/{trace_id}", ["a" * 32], whole=True)
    access.reads.record(known, "/api/public/traces/{trace_id}", ["a" * 32], whole=True)
    lines = [*run("keys", "list").stdout.splitlines(), *run("keys", "reads").stdout.splitlines()]
    assert len(lines) == 3 + 2
    assert [line for line in lines if len(line) > 80] == []
