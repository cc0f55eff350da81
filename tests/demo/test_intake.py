"""Reading input files: what is wrong is said with its line, and the rest is read."""

import gzip
from pathlib import Path

import orjson
import pytest

from certtrace.demo.intake import BadLine, read_answers, read_case_studies
from certtrace.errors import InputError

GOOD = {
    "id": "a-1",
    "question_id": "q-1",
    "question": "Why?",
    "reference_answer": "Because of reasons.",
    "student_answer": "Reasons.",
    "max_score": 1.0,
    "gold_score": 0.5,
}


def _write(path: Path, *lines: bytes | dict) -> Path:
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else orjson.dumps(line) for line in lines) + b"\n")
    return path


def _read(path: Path) -> tuple[list, list[BadLine]]:
    bad: list[BadLine] = []
    return list(read_answers(path, bad.append)), bad


def test_plain_and_gzip_files_give_the_same_rows(tmp_path: Path):
    plain = _write(tmp_path / "a.jsonl", GOOD)
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    (row,), bad = _read(plain)
    assert _read(packed) == ([row], bad) == ([row], [])
    assert (row.answer.text, row.question.model_answer, row.human_score) == ("Reasons.", "Because of reasons.", 0.5)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{not json", "Not JSON"),
        (b'"text"', "Not a JSON object"),
        (b"\xff\xfe{}", "Not JSON"),
        ({key: value for key, value in GOOD.items() if key != "question"}, "`question` is missing"),
        ({**GOOD, "id": "a-2", "max_score": "ten"}, "`max_score` has the wrong type"),
        ({**GOOD, "id": "a-2", "max_score": 0}, "`max_score` has the wrong type or value"),
        ({**GOOD, "id": "a-2", "student_answer": None}, "`student_answer` has the wrong type"),
        ({**GOOD, "id": ""}, "`id` is empty"),
        (GOOD, "same id"),
        ({**GOOD, "id": "a-2", "candidate": "Jane Secret"}, "`candidate` has the wrong type"),
    ],
)
def test_a_bad_line_is_reported_with_its_number_and_the_rest_is_read(tmp_path: Path, line: bytes | dict, reason: str):
    path = _write(tmp_path / "a.jsonl", GOOD, line, b"", {**GOOD, "id": "a-9"})
    rows, bad = _read(path)
    assert [row.answer.id for row in rows] == ["a-1", "a-9"]
    assert [(each.line, reason in each.reason) for each in bad] == [(2, True)], bad
    assert "Secret" not in str(bad[0])


def test_a_line_beyond_all_bounds_is_skipped_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("certtrace.demo.intake.MAX_LINE_BYTES", 1_000)
    path = _write(
        tmp_path / "a.jsonl", GOOD, {**GOOD, "id": "a-2", "student_answer": "x" * 5_000}, {**GOOD, "id": "a-3"}
    )
    rows, bad = _read(path)
    assert [row.answer.id for row in rows] == ["a-1", "a-3"]
    assert [each.line for each in bad] == [2]


def test_a_cut_gzip_file_gives_what_came_before_the_cut(tmp_path: Path):
    lines = b"".join(
        orjson.dumps({**GOOD, "id": f"a-{n}", "student_answer": f"{n * n}" * 50}) + b"\n" for n in range(500)
    )
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(lines)[:-2_000])
    rows, bad = _read(path)
    assert 0 < len(rows) < 500
    assert "damaged or cut off" in bad[-1].reason


@pytest.mark.parametrize("name", ["missing.jsonl", "folder", "empty.jsonl", "fake.jsonl.gz", "hopeless.jsonl"])
def test_a_file_that_cannot_be_used_is_an_input_error(tmp_path: Path, name: str):
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.jsonl").touch()
    _write(tmp_path / "fake.jsonl.gz", GOOD)
    _write(tmp_path / "hopeless.jsonl", b"{", b"[]")
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        read_answers(tmp_path / name, lambda line: None)


def test_a_case_study_is_cut_into_its_files(tmp_path: Path):
    text = "intro\n<!-- file: README.md -->\n# A\n![d](d.png)\n<!-- file: adr/1.md -->\r\nStatus: accepted\n"
    (row,) = read_case_studies(_write(tmp_path / "c.jsonl", {"id": "c-1", "text": text}), lambda line: None)
    assert [part.name for part in row.submission.parts] == ["preface.md", "README.md", "adr/1.md"]
    assert row.submission.diagrams == 1
    assert "Status" in row.submission.parts[2].text


def test_rows_are_read_while_they_are_used(tmp_path: Path):
    bad: list[BadLine] = []
    rows = read_answers(_write(tmp_path / "a.jsonl", GOOD, b"{", {**GOOD, "id": "a-2"}), bad.append)
    assert next(rows).answer.id == "a-1"
    assert bad == []
    assert next(rows).answer.id == "a-2"
    assert len(bad) == 1
