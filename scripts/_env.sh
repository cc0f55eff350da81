# Shared by the scripts beside it: makes `.venv` at the root of the repository and keeps it up to date.
#
#   . "$(dirname -- "${BASH_SOURCE[0]}")/_env.sh"
#   prepare_venv runtime    # or dev, or bench: what is to be installed besides the package
#
# Afterwards the working folder is the repository, and the environment's programs come first on PATH.

set -euo pipefail

ROOT="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)"
VENV="$ROOT/.venv"

die() {
    printf '%s\n' "$@" >&2
    exit 2
}

# The first Python that is new enough. PYTHON=... is tried before the usual names.
find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    die "certtrace needs Python 3.11 or later; python3 here is: $(python3 --version 2>&1 || true)." \
        "Install a newer one, or name it: PYTHON=/path/to/python3.12 $0"
}

# A text that changes when the environment has to be made anew: another interpreter, folder or list of requirements.
fingerprint() {
    "$1" - "$ROOT" <<'PY'
import hashlib, json, platform, sys, tomllib
with open(f"{sys.argv[1]}/pyproject.toml", "rb") as file:
    told = tomllib.load(file)
parts = [told.get(table) for table in ("build-system", "project", "dependency-groups")]
parts += [sys.argv[1], platform.python_version(), platform.machine(), sys.base_prefix]
print(hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest())
PY
}

is_ready() {
    local level
    for level in "$@"; do
        if [[ "$(cat "$VENV/.ready-$level" 2>/dev/null || true)" == "$WANTED" ]]; then
            return 0
        fi
    done
    return 1
}

make_venv() {
    "$FOUND" -c 'import ensurepip, venv' 2>/dev/null ||
        die "$FOUND cannot make virtual environments: its module venv or ensurepip is missing." \
            "On Debian and Ubuntu: apt-get install python3-venv"
    "$FOUND" -m venv --clear "$VENV" ||
        die "The virtual environment $VENV could not be made with $FOUND." "Look at what it said above."
}

pip_install() {
    "$VENV/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --no-warn-script-location "$@"
}

install() {
    local level=$1 log="$VENV/install.log"
    shift
    printf 'Installing into .venv; this takes a minute ...\n' >&2
    # pip knows dependency groups since 25.1.
    if ! { pip_install 'pip>=25.1' && pip_install --editable ".[names,server]" "$@"; } >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        die "The installation failed. What pip said is above and in $log."
    fi
    printf '%s\n' "$WANTED" >"$VENV/.ready-$level"
}

renew() {
    is_ready runtime dev bench || make_venv # something to build on is kept, anything else is made anew
    install "$@"
}

prepare_venv() {
    unset PYTHONHOME PYTHONPATH PIP_USER PIP_TARGET PIP_PREFIX
    cd -- "$ROOT"
    FOUND="$(find_python)"
    WANTED="$(fingerprint "$FOUND")"
    if command -v flock >/dev/null; then
        exec 9<"$ROOT" # two scripts that start together install once
        flock 9
    fi
    case $1 in
    runtime) is_ready runtime dev bench || renew runtime ;;
    dev) is_ready dev bench || renew dev --group dev ;;
    bench) is_ready bench || renew bench --group dev --group bench ;;
    esac
    exec 9<&-
    export PATH="$VENV/bin:$PATH" VIRTUAL_ENV="$VENV"
}
