"""`certtrace redact` and `certtrace policy`, as a user calls them."""

import gzip
import json
import subprocess
import sys

import pytest

TEXT = "Jane Doe wrote to jane@example.org.\nCall +49 171 1234567.\n"


@pytest.fixture
def run(tmp_path):
    def run(*arguments: str, given: str | bytes = b"", code: int = 0) -> str:
        data = given.encode() if isinstance(given, str) else given
        command = [sys.executable, "-c", "import certtrace.cli; certtrace.cli.main()", "--home", str(tmp_path / "home")]
        done = subprocess.run([*command, *arguments], input=data, capture_output=True, timeout=60, cwd=tmp_path)
        assert done.returncode == code, done.stderr.decode()
        run.stderr = done.stderr.decode()
        return done.stdout.decode()

    return run


def rows(output: str) -> list[dict]:
    return [json.loads(line) for line in output.splitlines()]


def test_text_comes_out_redacted_and_otherwise_as_it_was(run):
    out = run("redact", given=TEXT)
    assert "jane@example.org" not in out
    assert "171 1234567" not in out
    assert out.count("\n") == 2
    assert "wrote to <email:" in out


def test_explain_names_place_layer_and_rule_and_no_value(run):
    out = run("redact", "--explain", given=TEXT)
    assert "<stdin>:1:19: EMAIL found by detector, rule email" in out
    assert "<stdin>:2:6: PHONE found by detector" in out
    assert "jane@" not in out


def test_jsonl_goes_in_and_out_line_for_line(run):
    given = [
        {"id": 1, "text": "Ask Björn about it", "known": [{"name": "Björn Lindqvist", "email": "b@example.org"}]},
        {"id": 2, "text": "nothing here"},
        {"user": {"email": "x@example.org"}, "n": 3},
    ]
    out = rows(run("redact", "--findings", given="\n".join(map(json.dumps, given)) + "\n"))
    assert len(out) == 3
    first, second, third = out
    assert {key: first[key] for key in given[0]} == given[0]
    (finding,) = first["findings"]
    assert first["text"][finding["start"] : finding["end"]] == "Björn"
    assert (finding["type"], finding["layer"]) == ("PERSON", "known")
    assert finding["rule"]
    assert first["redacted"].startswith("Ask <person:")
    assert (second["redacted"], second["findings"]) == ("nothing here", [])
    assert third["redacted"]["n"] == 3
    assert "x@example.org" not in json.dumps(third["redacted"])


def test_findings_in_json_text_have_offsets_in_the_text(run):
    text = '{"who": "J\\u00f6rg", "mail": "a\\u0040example.org", "password": "hunter22"}'
    (row,) = rows(run("redact", "--findings", given=json.dumps({"text": text})))
    found = {(finding["type"], text[finding["start"] : finding["end"]].strip('"')) for finding in row["findings"]}
    assert ("EMAIL", "a\\u0040example.org") in found
    assert ("SECRET", "hunter22") in found
    assert json.loads(row["redacted"])["password"] == "<secret>"


def test_a_line_that_is_not_json_is_redacted_reported_and_counts_as_wrong_input(run):
    out = rows(run("redact", "--format", "jsonl", given='{"text": "ok"}\nmail a@example.org\n', code=2))
    assert out[0]["redacted"] == "ok"
    assert out[1]["redacted"].startswith("mail <email:")
    assert "<stdin>, line 2" in run.stderr
    assert "a@example.org" not in run.stderr


def test_json_keeps_its_form(run):
    text = '{\n  "mail": "a@example.org",\n  "grade": 1.0\n}\n'
    out = run("redact", given=text)
    assert out.replace(json.loads(out)["mail"], "a@example.org") == text


def test_files_may_be_packed_and_are_told_by_name(run, tmp_path):
    (tmp_path / "in.jsonl.gz").write_bytes(gzip.compress(b'{"text": "a@example.org"}\n'))
    (row,) = rows(run("redact", "in.jsonl.gz"))
    assert row["redacted"].startswith("<email:")
    assert "findings" not in row


def test_a_file_that_is_not_there_is_said_in_three_parts(run):
    run("redact", "nowhere.txt", code=2)
    assert run.stderr.startswith("certtrace: nowhere.txt cannot be read: No such file or directory. Name a file of")


def test_profiles_differ(run):
    text = "The candidate thinks that the mask is 255.255.255.0 and the router 192.0.2.1.\n"
    assert run("redact", given=text) == text
    assert run("redact", "--profile", "strict", given=text).startswith("<text:")
    assert run("redact", "--profile", "open", given=TEXT) == TEXT


def test_a_policy_file_and_known_people_can_be_tried(run, tmp_path):
    (tmp_path / "p.toml").write_text('[operators]\nPERSON = "drop"\nEMAIL = "keep"\n')
    (tmp_path / "known.json").write_text('[{"name": "Jane Doe"}]')
    given = "Jane Doe wrote to support@example.org"
    assert (
        run("redact", "--policy", "p.toml", "--known", "known.json", given=given)
        == "<person> wrote to support@example.org"
    )
    (tmp_path / "bad.json").write_text('{"name": "Jane Doe"}')
    run("redact", "--known", "bad.json", given=TEXT, code=2)
    assert "holds no list" in run.stderr
    assert "Jane" not in run.stderr


def test_a_long_text_is_read_in_pieces_with_offsets_of_the_whole(run, tmp_path):
    (tmp_path / "p.toml").write_text("max_value_bytes = 256\n")
    text = "".join(f"line {number} of the log\n" for number in range(40)) + "mail a@example.org\n"
    out = rows(run("redact", "--policy", "p.toml", "--findings", given=text))
    assert "".join(row["redacted"] for row in out).count("\n") == 41
    (finding,) = [finding for row in out for finding in row["findings"]]
    assert text[finding["start"] : finding["end"]] == "a@example.org"


def test_bytes_that_are_no_text_do_not_stop_it(run):
    assert "<email:" in run("redact", "--format", "text", given=b"\xff\xfe a@example.org \x00\n")


def test_the_policy_in_force_can_be_shown_checked_and_read_again(run, tmp_path):
    shown = run("policy", "show")
    assert shown.startswith("# Redaction policy, version ")
    (tmp_path / "p.toml").write_text(shown)
    version = shown.split("version ")[1].split(".")[0]
    of_redaction, of_sampling = run("policy", "check", "p.toml").splitlines()
    assert of_redaction == f"p.toml: redaction profile standard, 0 rules, version {version}"
    assert of_sampling.startswith("p.toml: sampling baseline 1.0, ")
    assert json.loads(run("policy", "show", "--json"))["version"] == version
    (tmp_path / "bad.toml").write_text('profil = "x"')
    run("policy", "check", "bad.toml", code=2)
    assert "bad.toml, line 1" in run.stderr


def test_keys_are_listed_rotated_and_destroyed_and_never_shown(run, tmp_path):
    assert "no key yet" in run("policy", "keys")
    run("redact", given="x")
    key = (tmp_path / "home" / "keys" / "redaction.key").read_bytes()
    before = run("policy", "pseudonym", given="Jane Doe\n")
    rotated = run("policy", "rotate")
    listed = run("policy", "keys")
    name = listed.splitlines()[1].split()[0]
    assert name in rotated
    after = run("policy", "pseudonym", given="Jane Doe\n").splitlines()
    assert before.split()[1] == after[1].split()[1] != after[0].split()[1]
    run("policy", "destroy", name, given=b"n\n", code=1)
    assert "Destroyed" in run("policy", "destroy", name, "--yes")
    assert len(run("policy", "keys").splitlines()) == 1
    for text in (before, rotated, listed):
        assert key.hex() not in text


def test_a_text_that_is_withheld_still_tells_what_is_in_it(run):
    (row,) = rows(run("redact", "--profile", "strict", "--findings", given=json.dumps({"text": TEXT})))
    assert row["redacted"].startswith("<text:")
    assert {"EMAIL", "PHONE"} < {finding["type"] for finding in row["findings"]}
    last = row["findings"][-1]
    assert (last["layer"], last["start"], last["end"]) == ("default", 0, len(TEXT))
