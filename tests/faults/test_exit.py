"""How a process ends: whatever way it takes, what it accepted is on disk, and the end is not held up."""

import signal

import pytest
from tests.faults.exits import BACKENDS, LOADS, Load, end_of
from tests.faults.exits import SERVICE as BUSY_SERVICE
from tests.faults.processes import CONTENT_LOST, deliver, read_out, run

SERVICE = """
    import atexit, ctypes, os, signal, sys, threading, time
    import certtrace
    certtrace.configure(
        home=sys.argv[1], service_name="svc", destinations=["langfuse"], langfuse_base_url="http://127.0.0.1:9",
        langfuse_public_key="pk-lf-test", langfuse_secret_key="sk-lf-0123456789abcdef", instrument_langfuse=False,
    )

    @certtrace.traced
    def grade(value):
        return certtrace.current_span().trace_id

    for number in range(20):
        print(grade("Anna Schmidt"), flush=True)
"""

WAYS = {
    "sys.exit": ("sys.exit(3)", 3),
    "return": ("", 0),
    "unhandled exception": ("raise RuntimeError('the host failed')", 1),
    "os._exit": ("os._exit(4)", 4),
    "abort": ("os.abort()", -signal.SIGABRT),
    "SIGKILL": ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
    "SIGINT": ("os.kill(os.getpid(), signal.SIGINT); time.sleep(10)", 1),  # as Python does for `-c`
    "SIGTERM handled": (
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5)); os.kill(os.getpid(), signal.SIGTERM); time.sleep(10)",
        5,
    ),
    "segmentation fault": ("ctypes.string_at(0)", -signal.SIGSEGV),
    "exec": ("os.execv(sys.executable, [sys.executable, '-c', 'raise SystemExit(6)'])", 6),
}


@pytest.mark.parametrize("way", [
    pytest.param(way, marks=[] if way in ("sys.exit", "SIGTERM") else pytest.mark.slow)
    for way in WAYS
])  # fmt: skip
def test_what_was_accepted_is_on_disk_however_the_process_ends(tmp_path, way):
    last_words, code = WAYS[way]
    result = run(SERVICE + f"\n    {last_words}\n", tmp_path)
    assert result.returncode == code, result.stderr
    assert result.stderr.count("Traceback") == (way in ("unhandled exception", "SIGINT"))
    traces = result.stdout.split()
    assert len(traces) == 20
    found = read_out(tmp_path, "langfuse")

    assert found.traces.keys() == set(traces)
    assert (found.duplicates, found.corrupt, found.left) == ([], 0, [])
    if code > 0 and way not in ("os._exit", "exec"):
        assert CONTENT_LOST not in found.names  # twenty units are redacted before the end


@pytest.mark.slow
def test_the_hosts_signal_handlers_are_left_alone(tmp_path):
    look = "[signal.getsignal(number) for number in (2, 15)]"
    code = SERVICE.replace("import certtrace\n", f"before = {look}\n    import certtrace\n", 1)
    result = run(code + f"\n    print({look} == before)\n", tmp_path)

    assert result.stdout.split()[-1] == "True"


@pytest.mark.slow
def test_the_next_start_delivers_what_an_abort_left(tmp_path):
    code = SERVICE.replace('["langfuse"]', '["store"]') + "\n    os.abort()\n"
    result = run(code, tmp_path)
    assert result.returncode == -signal.SIGABRT

    assert deliver(tmp_path).keys() == set(result.stdout.split())


# --- the time it takes -----------------------------------------------------------------------------------------------


def test_a_process_with_a_full_queue_and_no_backend_ends_in_time_and_loses_no_trace(tmp_path):
    _ends_in_time(tmp_path, "hanging", LOADS[1])


@pytest.mark.slow
@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.name)
@pytest.mark.parametrize("kind", BACKENDS)
def test_a_process_with_any_queue_and_no_backend_ends_in_time_and_loses_no_trace(tmp_path, kind, load):
    _ends_in_time(tmp_path, kind, load)


@pytest.mark.slow
def test_one_very_large_unit_does_not_hold_up_the_end(tmp_path):
    _ends_in_time(tmp_path, "refused", Load("1 x 3000 long", 1, 3_000, 3_000))


@pytest.mark.slow
def test_a_process_that_can_start_no_thread_ends_in_time(tmp_path):
    code = BUSY_SERVICE.replace("certtrace.configure(", WITHOUT_THREADS, 1).replace(
        "    print(json", "    started = time.monotonic()\n    certtrace.force_flush(0.3)\n"
        "    assert time.monotonic() - started < 1.0\n    print(json"
    )  # fmt: skip
    _ends_in_time(tmp_path, "refused", LOADS[0], code)


def _ends_in_time(folder, kind, load, code=BUSY_SERVICE):
    """Fail unless the process ends within two seconds.

    A machine that is busy otherwise gets three attempts, and what it takes for the interpreter's own end is not ours.
    """
    seen = []
    for attempt in range(3):
        ended = end_of(folder / str(attempt), kind, load, code)
        assert ended.returncode == 0
        assert ended.missing == []
        assert ended.whole + ended.without_text == load.units
        assert "Traceback" not in ended.stderr
        seen.append((ended.own_seconds, ended.seconds))
        if ended.seconds <= 2.0 or (ended.own_seconds <= 1.6 and ended.seconds - ended.own_seconds > 0.4):
            return
    pytest.fail(f"our own end, and the process's, took {seen} s")


# --- the interpreter's end -------------------------------------------------------------------------------------------

LATE = (
    SERVICE.replace("for number in range(20)", "for number in range(0)")
    + """
    @certtrace.traced
    def late(value):
        return certtrace.current_span().trace_id

    class Held:
        def __del__(self):
            late("del")
            with certtrace.span("in del"):
                pass

    def tail():
        while True:
            late("thread")

    def leave():
        os.write(1, (late("atexit") + "\\n").encode())
        threading.Thread(target=late, args=("thread of atexit",)) # only made: none can be started any more
        try:
            thread = threading.Thread(target=late, args=("thread of atexit",))
            thread.start()
            thread.join()
        except RuntimeError:
            pass

    atexit.register(leave)  # runs before our own end: later registered, earlier called
    threading.Thread(target=tail, daemon=True).start()
    kept = Held()
    kept.itself = kept
    other = Held()
    print(grade("main"), flush=True)
    time.sleep(0.05)
"""
)

EARLIER = SERVICE.replace(
    "import certtrace\n",
    """import certtrace
    def after():
        # Registered before `configure`: runs when we have shut down already.
        with certtrace.span("after the end"):
            pass
        certtrace.force_flush(1)
        certtrace.shutdown(1)
        certtrace.shutdown(1)
    atexit.register(after)
""",
    1,
)

IN_CHILD = (
    SERVICE
    + """
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        print(grade("in the child"), flush=True)
        started = time.monotonic()
        certtrace.force_flush(0.3)
        certtrace.shutdown(0.3)
        certtrace.force_flush(0.3)
        assert time.monotonic() - started < 3
        sys.exit(7)  # the handlers of the parent run in the child as well
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 7
"""
)

WITHOUT_THREADS = """from certtrace import assembly
    import threading

    def refuse(*_):
        raise RuntimeError("can't start new thread")

    threading._start_new_thread = refuse  # what the kernel does at the limit of a container's tasks
    certtrace.configure("""
NO_THREADS = SERVICE.replace("certtrace.configure(", WITHOUT_THREADS, 1)


@pytest.mark.parametrize(("code", "traces"), [
    pytest.param(LATE, 2, id="spans of atexit, of daemon threads and of del"),
    pytest.param(EARLIER, 20, id="after our own end", marks=pytest.mark.slow),
    pytest.param(IN_CHILD, 21, id="in a forked child"),
    pytest.param(NO_THREADS, 20, id="no thread can be started"),
])  # fmt: skip
def test_the_end_of_the_interpreter_is_quiet(tmp_path, code, traces):
    result = run(code, tmp_path, timeout=30)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr
    told = result.stdout.split()
    assert len(told) == traces
    found = read_out(tmp_path, "langfuse")

    assert set(told) <= found.traces.keys()
    assert found.duplicates == []
