import subprocess
import sys
from pathlib import Path

from certtrace.records.source import StoreSource

WRITER = """
import sys, time
from pathlib import Path
from certtrace.records.store import StoreDestination
from tests.records.spans import payload, span
path, worker, units = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
destination = StoreDestination(path)
print("ready", flush=True)
sys.stdin.readline()
for unit in range(units):
    own, shared = f"{worker + 1:016x}{unit + 1:016x}", f"{0xfff:016x}{unit + 1:016x}"
    spans = [span("own", trace_id=own), span("shared", trace_id=shared, span_id=f"{worker + 1:016x}")]
    destination.deliver([payload([each]) for each in spans], time.monotonic() + 30)
destination.close()
"""


def test_several_processes_write_one_new_store_without_loss(tmp_path):
    path = tmp_path / "home" / "store.sqlite3"
    root = Path(__file__).parents[2]
    processes, units = 4, 25
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(worker), str(units)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=root,
            text=True,
        )
        for worker in range(processes)
    ]
    for process in running:
        assert process.stdout.readline() == "ready\n"
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")
    found = StoreSource(path).list_traces(limit=1000).traces
    assert len(found) == processes * units + units
    shared = [each for each in found if each.trace_id.startswith(f"{0xFFF:016x}")]
    assert {each.observation_count for each in shared} == {processes}
