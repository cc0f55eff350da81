"""What `import certtrace` costs, beside the OpenTelemetry API that every traced library imports anyway.

    python benchmarks/imports.py [--quick] [--json] [--modules]

CPU of a fresh process (user and system) that runs one import statement, minus that of a process that runs none; the
variants take turns, medians over the processes. `--modules` lists what `import certtrace` loads besides the API. Exit
code 1 when the ratio is above the limit.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from typing import Final

LIMIT: Final = 1.5
"""How much `import certtrace` may cost, as a multiple of the API alone."""
VARIANTS: Final = {
    "nothing": "pass",
    "opentelemetry.trace": "import opentelemetry.trace",
    "certtrace": "import certtrace",
}
_LOADED: Final = "import sys; before = set(sys.modules); {}; print(*sorted(set(sys.modules) - before))"


def cpu_ms(statement: str) -> float:
    """Return the CPU milliseconds of a fresh process that runs `statement`."""
    # Isolated: the PYTHON* variables and user packages of whoever measures are not what is measured.
    process = subprocess.Popen([sys.executable, "-I", "-c", statement])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"`{statement}` failed in a fresh process; is certtrace installed for {sys.executable}?")
    return (usage.ru_utime + usage.ru_stime) * 1000


def measure(processes: int) -> dict[str, list[float]]:
    """Return CPU milliseconds by variant, the variants taking turns."""
    for statement in VARIANTS.values():
        cpu_ms(statement)  # writes the bytecode and warms the file cache
    taken: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for _ in range(processes):
        for name, statement in VARIANTS.items():
            taken[name].append(cpu_ms(statement))
    return taken


def loaded_by(statement: str) -> set[str]:
    """Return the modules that a statement loads in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", _LOADED.format(statement)], check=True, capture_output=True, text=True
    )
    return set(done.stdout.split())


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=10, help="fresh processes of each kind")
    parser.add_argument("--quick", action="store_true", help="two processes of each kind, no verdict")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--modules", action="store_true", help="list what is loaded besides the API")
    options = parser.parse_args()

    medians = {
        name: statistics.median(taken) for name, taken in measure(2 if options.quick else options.processes).items()
    }
    api, ours = (medians[name] - medians["nothing"] for name in ("opentelemetry.trace", "certtrace"))
    ratio = ours / api
    if options.json:
        print(json.dumps({"api_ms": api, "certtrace_ms": ours, "ratio": ratio, "limit": LIMIT}))
    else:
        print(f"an empty process          {medians['nothing']:7.1f} ms CPU")
        print(f"import opentelemetry.trace{api:7.1f} ms more")
        print(f"import certtrace          {ours:7.1f} ms more: {ratio:.2f} x the API alone (limit {LIMIT})")
    if options.modules:
        print(*sorted(loaded_by(VARIANTS["certtrace"]) - loaded_by(VARIANTS["opentelemetry.trace"])), sep="\n")
    return int(ratio > LIMIT and not options.quick)


if __name__ == "__main__":
    sys.exit(main())
