"""The ledger on real files: what was written verifies; what was altered, removed, moved or cut shows."""

import hashlib
import hmac
import json
import os
import stat
import subprocess
import sys
import textwrap
import threading

import pytest

from certtrace.errors import InputError
from certtrace.ledger import Ledger, verify
from certtrace.ports import Decision

KEY = b"0123456789abcdef"
KEPT = Decision(keep=True, rule="error", threshold=0)


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger", KEY)
    yield ledger
    ledger.close()


def append(ledger: Ledger, number: int = 1, **changes: object) -> bool:
    facts = {
        "trace_id": f"{number:032x}",
        "root_span_id": f"{number:016x}",
        "decision": KEPT,
        "span_count": 3,
        "content": b"redacted unit %d" % number,
        "redactions": {"EMAIL": 2},
    }
    return ledger.append(**{**facts, **changes})


@pytest.fixture
def written(ledger):
    for number in range(1, 6):
        append(ledger, number)
    ledger.close()
    return ledger.path


def test_an_entry_says_what_was_decided_and_nothing_of_the_content(ledger):
    assert append(ledger, 7, decision=Decision(keep=False, rule="baseline", threshold=2**55), time_ns=123)
    entry = json.loads(ledger.path.read_text().splitlines()[1])

    assert {key: entry[key] for key in entry if key not in {"prev", "hash"}} == {
        "n": 1,
        "trace_id": f"{7:032x}",
        "root": f"{7:016x}",
        "time_ns": 123,
        "keep": False,
        "rule": "baseline",
        "threshold": 2**55,
        "spans": 3,
        "digest": hmac.new(KEY, b"redacted unit 7", hashlib.sha256).hexdigest(),
        "redactions": {"EMAIL": 2},
    }


def test_the_opening_line_names_the_service_and_an_entry_what_was_kept_for_context_only(tmp_path):
    ledger = Ledger(tmp_path / "ledger", KEY, service="grading")
    append(ledger, 1)
    append(ledger, 2, decision=Decision(keep=True, rule="context", threshold=2**56, counts=False))
    ledger.close()
    opening, kept, context, _closing = map(json.loads, ledger.path.read_text().splitlines())
    assert opening["service"] == "grading"
    assert "counts" not in kept
    assert context["counts"] is False
    assert verify(ledger.path).whole


def test_a_dropped_unit_has_no_digest(ledger):
    append(ledger, content=b"")

    assert json.loads(ledger.path.read_text().splitlines()[1])["digest"] == ""


def test_a_rule_with_any_name_has_its_entry(ledger):
    for rule in ("Prüfung – №1", "half \ud800"):
        assert append(ledger, decision=Decision(keep=True, rule=rule))
    ledger.close()

    entries = [json.loads(line) for line in ledger.path.read_bytes().splitlines()]
    assert [entry["rule"] for entry in entries if "rule" in entry] == ["Prüfung – №1", "half \ud800"]
    assert verify(ledger.path).whole


def test_a_written_file_verifies(written):
    result = verify(written)

    assert (result.whole, result.entries, result.closed, result.torn_tail, result.missed) == (True, 5, True, False, 0)


def test_a_growing_file_verifies_and_is_not_closed(ledger):
    append(ledger)

    result = verify(ledger.path)
    assert (result.whole, result.entries, result.closed) == (True, 1, False)


def lines_of(path):
    return path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("line", range(1, 6))
def test_an_altered_entry_breaks_the_chain_at_its_line(written, line):
    lines = lines_of(written)
    lines[line] = lines[line].replace(b'"keep":true', b'"keep":false')
    written.write_bytes(b"".join(lines))

    assert verify(written).broken_line == line + 1


def test_an_altered_entry_with_a_new_hash_breaks_the_chain_at_the_next_line(written):
    lines = lines_of(written)
    entry = json.loads(lines[3])
    entry["keep"] = False
    del entry["hash"]
    body = json.dumps(entry, separators=(",", ":")).encode()
    lines[3] = body[:-1] + b',"hash":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'
    written.write_bytes(b"".join(lines))

    result = verify(written)
    assert (result.whole, result.broken_line, result.entries) == (False, 5, 3)


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:2] + lines[3:],
        lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]],
        lambda lines: [*lines[:3], lines[2], *lines[3:]],
        lambda lines: lines[1:],
        lambda lines: [*lines[:3], b"\n", *lines[3:]],
        lambda lines: [*lines, lines[-2]],
        lambda lines: [*lines[:3], b"\xff\xfe[1]\n", *lines[3:]],
        lambda _lines: [],
    ],
    ids=["removed", "moved", "doubled", "beheaded", "blank", "after the end", "garbage", "emptied"],
)
def test_removing_moving_and_inserting_lines_shows(written, change):
    written.write_bytes(b"".join(change(lines_of(written))))

    result = verify(written)
    assert not result.whole
    assert result.reason


def test_a_cut_between_two_lines_shows_as_not_closed(written):
    written.write_bytes(b"".join(lines_of(written)[:4]))

    result = verify(written)
    assert (result.whole, result.entries, result.closed) == (True, 3, False)


def test_a_torn_tail_is_told_from_a_break(written):
    data = written.read_bytes()
    written.write_bytes(data[:-20])

    result = verify(written)
    assert (result.whole, result.torn_tail, result.closed, result.entries) == (True, True, False, 5)


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        verify(tmp_path / "none.jsonl")


def test_threads_share_one_chain(ledger):
    threads = [threading.Thread(target=lambda: [append(ledger, n) for n in range(1, 101)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ledger.appended == 600
    assert (verify(ledger.path).whole, verify(ledger.path).entries) == (True, 600)


def test_files_are_private_and_never_shared(tmp_path):
    first, second = Ledger(tmp_path / "ledger", KEY), Ledger(tmp_path / "ledger", KEY)
    append(first)
    append(second)

    assert first.path != second.path
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(first.path.parent.stat().st_mode) == 0o700
    first.close()
    second.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_has_a_chain_of_its_own(ledger):
    append(ledger)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            append(ledger, 2)
            ledger.close()
            os.write(write, str(ledger.path).encode())
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    child = os.read(read, 1_000).decode()
    os.close(read)
    os.close(write)
    append(ledger, 3)

    assert child != str(ledger.path)
    assert (verify(ledger.path).whole, verify(ledger.path).entries) == (True, 2)
    result = verify(ledger.path.with_name(child.rpartition("/")[2]))
    assert (result.whole, result.entries, result.closed) == (True, 1, True)


def test_a_disk_that_refuses_is_counted_and_the_chain_stays_whole(tmp_path):
    code = """
        import json, resource, sys
        from pathlib import Path
        from certtrace.ledger import Ledger, verify
        from certtrace.ports import Decision
        ledger = Ledger(Path(sys.argv[1]), b"key")
        def append(n):
            ids = {"trace_id": f"{n:032x}", "root_span_id": f"{n:016x}"}
            return ledger.append(**ids, decision=Decision(True, "all"), span_count=1)
        append(1)
        resource.setrlimit(resource.RLIMIT_FSIZE, (ledger.path.stat().st_size + 100, resource.RLIM_INFINITY))
        refused = [append(2), append(3)]
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        append(4)
        ledger.close()
        result = verify(ledger.path)
        print(json.dumps([refused, ledger.failures, result.whole, result.entries, result.missed, result.closed]))
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], capture_output=True, text=True, timeout=30
    )

    assert json.loads(result.stdout) == [[False, False], 2, True, 2, 2, True]


def test_nothing_it_is_given_makes_it_raise(ledger, tmp_path):
    assert append(ledger, content="not bytes") is False
    assert append(ledger, redactions={"EMAIL": object()}) is False
    assert append(ledger)
    assert ledger.failures == 2
    assert verify(ledger.path).missed == 2

    blocked = tmp_path / "file"
    blocked.write_text("")
    assert append(Ledger(blocked, KEY)) is False


def test_a_closed_ledger_takes_nothing(ledger):
    append(ledger)
    ledger.close()
    ledger.close()

    assert append(ledger) is False
    assert verify(ledger.path).closed


def test_a_killed_writer_leaves_a_chain_that_holds(tmp_path):
    code = """
        import sys
        from pathlib import Path
        from certtrace.ledger import Ledger
        from certtrace.ports import Decision
        ledger = Ledger(Path(sys.argv[1]), b"key")
        n = 0
        while True:
            n += 1
            ledger.append(trace_id=f"{n:032x}", root_span_id=f"{n:016x}", decision=Decision(True, "all"), span_count=1)
            sys.stdout.write(f"{n}\\n")
            sys.stdout.flush()
    """
    for attempt in range(5):
        folder = tmp_path / str(attempt)
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), str(folder)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(30 + attempt * 17):
            child.stdout.readline()
        child.kill()
        rest = child.communicate()[0].splitlines(keepends=True)
        result = verify(next(folder.iterdir()))
        acknowledged = 30 + attempt * 17 + len([line for line in rest if line.endswith("\n")])
        assert result.whole
        assert result.entries >= acknowledged
