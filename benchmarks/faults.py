"""What is left after bad ends: kills at random moments, and how long a process takes to end behind a dead backend.

python benchmarks/faults.py kill --times 1000
python benchmarks/faults.py exit --runs 10
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests.faults.exits import BACKENDS, LOADS, Ended, end_of  # noqa: E402 - the tests are found by the line above
from tests.faults.processes import environment  # noqa: E402 - as above


def kill(times: int, seed: int) -> bool:
    """Kill services at random moments; print what was acknowledged, found and wrong."""
    started = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-m", "tests.faults.kills", "--times", str(times), "--seed", str(seed)],
        cwd=REPOSITORY,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    found = json.loads(result.stdout)
    wrong = found.pop("wrong")
    for name, number in found.items():
        print(f"{name:13s} {number:8d}")
    print(f"{'seconds':13s} {time.monotonic() - started:8.0f}")
    print(f"{'wrong':13s} {len(wrong):8d}")
    for each in wrong:
        print(f"  {each}")
    return not wrong


def exits(runs: int) -> bool:
    """Measure the time from the end of main to the end of the process with a queue full of spans."""
    print(
        "backend   load             end of main to end of process, s       units of the last run, in the next process"
    )
    print("                            min   median      max                 with content   without text   missing")
    good = True
    for backend in BACKENDS:
        for load in LOADS:
            with tempfile.TemporaryDirectory() as folder:
                ends = [end_of(Path(folder) / str(n), backend, load) for n in range(runs)]
            good = good and all(not end.missing for end in ends)
            print(f"{backend:9s} {load.name:15s} {_spread(ends)}   {_own(ends)}   {_forms(ends[-1])}", flush=True)
    return good


def _spread(ends: list[Ended]) -> str:
    seconds = [end.seconds for end in ends]
    return f"{min(seconds):6.2f}   {statistics.median(seconds):6.2f}   {max(seconds):6.2f}"


def _own(ends: list[Ended]) -> str:
    return f"{statistics.median(end.own_seconds for end in ends):17.2f}"


def _forms(end: Ended) -> str:
    return f"{end.whole:12d}   {end.without_text:12d}   {len(end.missing):7d}"


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    killing = commands.add_parser("kill")
    killing.add_argument("--times", type=int, default=100)
    killing.add_argument("--seed", type=int, default=1)
    exiting = commands.add_parser("exit")
    exiting.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    good = kill(chosen.times, chosen.seed) if chosen.command == "kill" else exits(chosen.runs)
    sys.exit(not good)


if __name__ == "__main__":
    main()
