"""What is left of `certtrace serve` when it is killed under load: everything acknowledged, nothing half.

python benchmarks/serve_kill.py --times 200
"""

import argparse
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.server.faults.kills import kill_often


def main() -> int:
    """Kill a server as often as asked; print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = asdict(kill_often(Path(folder), given.times, given.seed, say=lambda line: print(line, file=sys.stderr)))
    wrong = found.pop("wrong")
    for name, number in found.items():
        print(f"{name:26s} {number:8d}")
    print(f"{'seconds':26s} {time.monotonic() - started:8.0f}")
    print(f"{'wrong':26s} {len(wrong):8d}")
    for each in wrong[:20]:
        print(f"  {each}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
