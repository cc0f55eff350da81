"""SIGKILL at random moments: what was acknowledged is found, whole or as a stand-in, and never twice."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.faults.processes import CONTENT_LOST, deliver, environment, read_out, run, start

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("times", "seed"), [(20, 1), pytest.param(1_000, 1_000, marks=pytest.mark.slow)], ids=["some", "thousand"]
)
def test_what_was_acknowledged_is_recovered_after_kills_at_random_moments(times, seed, tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "tests.faults.kills", "--times", str(times), "--seed", str(seed)],
        cwd=REPOSITORY,
        env=environment(TMPDIR=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=60 + times,
    )
    assert result.stdout, result.stderr
    found = json.loads(result.stdout)

    assert found["wrong"] == []
    assert found["kills"] >= times
    assert found["recovered"] >= found["acknowledged"] > 10 * found["attempts"]
    assert found["stored"] > 0
    assert found["stand_ins"] > 0


SERVICE = """
    import os, sys, time, certtrace
    certtrace.configure(home=sys.argv[1], service_name="svc", destinations=["store"])
    @certtrace.traced
    def grade(value):
        return certtrace.current_span().trace_id
    print(grade("one"), flush=True)
    time.sleep(60)
"""


def test_a_killed_service_is_delivered_by_the_next_one(tmp_path):
    service = start(SERVICE, tmp_path)
    trace_id = service.stdout.readline().strip()
    service.kill()
    service.communicate()
    assert service.returncode == -signal.SIGKILL

    assert trace_id in deliver(tmp_path)
    assert read_out(tmp_path).spans == []


ADOPTER = """
    import sys
    from pathlib import Path
    from certtrace.delivery.spool import Spool
    spool = Spool(Path(sys.argv[1]) / "spool")
    spool.owe(["store"])
    print("ready", flush=True)
    sys.stdin.readline()
    spool.maintain()
    adopted = found = 0
    for source in spool.sources("store")[2:]:
        adopted += 1
        while batch := source.read("store", 1 << 20, 10):
            for item in batch:
                print(item.payload.trace_id)
            source.ack("store", batch)
    print("adopted", adopted, spool.counters().content_lost, flush=True)
    sys.stdin.readline()
    spool.close()
"""

ORPHAN = """
    import os, sys
    from pathlib import Path
    from certtrace.delivery.spool import Spool
    from certtrace.delivery.otlp import encode_unit
    from certtrace.ports import Payload, SpanRecord
    spool = Spool(Path(sys.argv[1]) / "spool")
    spool.owe(["store"])
    first = int(sys.argv[2])
    for n in range(first, first + 40):
        sequence = spool.accept(n, n, 1_000, 2_000)
        if n % 3:
            span = SpanRecord(n, n, 0, f"unit{n}", 1, 1_000, 2_000, 0, "", {})
            spool.content(sequence, Payload("spans", encode_unit([span], {}), f"{n:032x}"))
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize(
    ("adopters", "orphans"),
    [pytest.param(2, 1, marks=pytest.mark.slow), (8, 1), pytest.param(8, 3, marks=pytest.mark.slow)],
)
def test_an_orphan_has_exactly_one_adopter(tmp_path, adopters, orphans):
    for number in range(orphans):
        assert run(ORPHAN, tmp_path, 1 + number * 40).returncode == -signal.SIGKILL
    started = [start(ADOPTER, tmp_path, stdin=subprocess.PIPE) for _ in range(adopters)]
    for each in started:
        assert each.stdout.readline() == "ready\n"
    for each in started:
        each.stdin.write("go\n")
        each.stdin.flush()
    traces, directories, lost = [], 0, 0
    for each in started:
        while not (line := each.stdout.readline()).startswith("adopted"):
            assert line, each.communicate()[1]
            traces.append(int(line, 16))
        directories += int(line.split()[1])
        lost += int(line.split()[2])
    for each in started:
        _, err = each.communicate("end\n", timeout=20)
        assert (each.returncode, err) == (0, "")

    assert directories == orphans
    assert sorted(traces) == list(range(1, orphans * 40 + 1))
    assert lost == sum(n % 3 == 0 for n in range(1, orphans * 40 + 1))
    assert list((tmp_path / "spool").iterdir()) == []


def test_an_adopter_that_is_killed_passes_on_what_it_took_over(tmp_path):
    assert run(ORPHAN, tmp_path, 1).returncode == -signal.SIGKILL
    adopter = start(ADOPTER.replace('source.ack("store", batch)', "os = __import__('os'); os.kill(os.getpid(), 9)"),
                    tmp_path, stdin=subprocess.PIPE)  # fmt: skip
    adopter.communicate("go\n", timeout=20)
    assert adopter.returncode == -signal.SIGKILL
    found = read_out(tmp_path)

    assert len(found.traces) == 40
    assert found.duplicates == []
    assert found.names.count(CONTENT_LOST) == 13
    assert found.content_lost == 0  # the first adopter had noted it
    assert found.left == []
