"""Processes that fork, are forked, recycled and daemonised: every trace a child accepted is found, none twice."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.processes import LIMIT_SECONDS, Found, deliver, environment, read_out, run

CONFIGURE = """
import json, os, signal, sys, threading, time
import certtrace

def configure(home):
    # Nobody answers at this address: all that was accepted stays on disk, where the test counts it.
    certtrace.configure(
        home=home, service_name="svc", destinations=["langfuse"], langfuse_base_url="http://127.0.0.1:9",
        langfuse_public_key="pk-lf-test", langfuse_secret_key="sk-lf-0123456789abcdef", instrument_langfuse=False,
    )

@certtrace.traced
def grade(value):
    return certtrace.current_span().trace_id

def note(path, trace_id):
    with open(path, "a") as file:
        file.write(f"{trace_id}\\n")
"""


def script(code: str) -> str:
    return CONFIGURE + textwrap.dedent(code)


def noted(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def check(home: Path, traces: list[str]) -> Found:
    """Fail unless everything that was noted is found once and nothing is left over."""
    assert len(set(traces)) == len(traces)
    found = read_out(home, "langfuse")
    assert set(traces) - found.traces.keys() == set()
    assert found.duplicates == []
    assert found.left == []
    assert found.corrupt == 0
    return found


# --- os.fork ---------------------------------------------------------------------------------------------------------

FORKS = script(
    """
    home, notes, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
    configure(home)
    stop = threading.Event()
    own = []

    def busy():
        while not stop.is_set():
            own.append(grade("in a thread of the parent"))
            time.sleep(0.02)

    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads:
        thread.start()

    @certtrace.traced
    def outer(number):
        # A span is open, others are queued, threads hold whatever lock they need just now.
        pid = os.fork()
        if pid == 0:
            signal.alarm(20)
            note(notes, grade(f"below the open span of the parent {number}"))
            return None
        _, status = os.waitpid(pid, 0)
        assert status == 0, status
        return certtrace.current_span().trace_id

    for number in range(times):
        trace_id = outer(number)
        if trace_id is None:
            note(notes, grade("in the child"))
            if number % 10 == 0:
                certtrace.force_flush(0.1)
            if number % 20 == 1:
                certtrace.shutdown(0.2)
            os._exit(0)
        own.append(trace_id)
    stop.set()
    for thread in threads:
        thread.join()
    certtrace.shutdown(5)
    print(json.dumps(own))
    """
)


@pytest.mark.parametrize("times", [15, pytest.param(1_000, marks=pytest.mark.slow)])
def test_a_fork_with_spans_open_and_queued_loses_and_doubles_nothing(tmp_path, times):
    notes = tmp_path / "notes"
    result = run(FORKS, tmp_path, notes, times, timeout=30 + times / 2)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    own = json.loads(result.stdout)
    children = noted(notes)
    assert len(children) == 2 * times
    # The span of the child below the parent's continues the parent's trace, in a unit of its own.
    check(tmp_path, sorted({*own, *children}))
    assert len(set(children) & set(own)) == times


HELD = script(
    """
    from certtrace import assembly
    configure(sys.argv[1])
    running = assembly.current_running()
    note(sys.argv[2], grade("queued"))
    locks = [
        value
        for owner in (
            running.spool, running.spool._output, running.spool._output.backlog, running.spool._output.ring,
            running.pipeline, running.pipeline.account, running.ledger, running.tracer.units, assembly._Process,
        )
        for name in (*getattr(owner, "__dict__", ()), *getattr(type(owner), "__slots__", ()))
        if hasattr(value := getattr(owner, name, None), "acquire")
    ]
    assert len({id(lock) for lock in locks}) > 5
    held, done = threading.Event(), threading.Event()

    def hold():
        for lock in {id(lock): lock for lock in locks}.values():
            lock.acquire()
        held.set()
        done.wait()
        for lock in {id(lock): lock for lock in locks}.values():
            lock.release()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        note(sys.argv[2], grade("in the child"))
        certtrace.force_flush(0.5)
        certtrace.shutdown(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    done.set()
    holder.join()
    assert status == 0, status
    note(sys.argv[2], grade("in the parent"))
    certtrace.shutdown(5)
    """
)


def test_a_child_forked_while_a_thread_holds_every_lock_works(tmp_path):
    result = run(HELD, tmp_path, tmp_path / "notes")
    assert (result.returncode, "Traceback" in result.stderr) == (0, False), result.stderr

    assert len(check(tmp_path, noted(tmp_path / "notes")).traces) == 3


OTHER_THREAD = script(
    """
    configure(sys.argv[1])

    def work():
        pid = os.fork()
        if pid == 0:
            signal.alarm(20)
            note(sys.argv[2], grade("in the child of a thread"))
            certtrace.shutdown(1)
            os._exit(0)
        os.waitpid(pid, 0)
        note(sys.argv[2], grade("in the thread"))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    """
)

DAEMON = script(
    """
    if sys.argv[3] == "before":
        configure(sys.argv[1])
        note(sys.argv[2], grade("before"))
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.closerange(3, 1024)
    if sys.argv[3] == "after":
        configure(sys.argv[1])
    note(sys.argv[2], grade("in the daemon"))
    certtrace.force_flush(0.2)
    note(sys.argv[2], grade("in the daemon again"))
    sys.exit(0)
    """
)


@pytest.mark.slow
def test_a_child_forked_by_another_thread_is_a_process_of_its_own(tmp_path):
    result = run(OTHER_THREAD, tmp_path, tmp_path / "notes")
    assert (result.returncode, "Traceback" in result.stderr) == (0, False), result.stderr

    assert len(check(tmp_path, noted(tmp_path / "notes")).traces) == 2


@pytest.mark.parametrize(("when", "traces"), [("before", 3), pytest.param("after", 2, marks=pytest.mark.slow)])
def test_a_process_that_turns_itself_into_a_daemon_goes_on(tmp_path, when, traces):
    # The pipe of stderr is closed when the last process that has it has ended.
    result = run(DAEMON, tmp_path, tmp_path / "notes", when)
    assert "Traceback" not in result.stderr

    assert len(check(tmp_path, noted(tmp_path / "notes")).traces) == traces


# --- multiprocessing -------------------------------------------------------------------------------------------------

POOL = script(
    """
    import multiprocessing

    def work(arguments):
        home, notes, when = arguments
        if when == "after":
            configure(home)
        note(notes, grade("in a worker"))

    if __name__ == "__main__":
        home, notes, when, method = sys.argv[1:]
        if when == "before":
            configure(home)
            note(notes, grade("in the parent"))
        with multiprocessing.get_context(method).Pool(2, maxtasksperchild=1) as pool:
            pool.map(work, [(home, notes, when)] * 6, chunksize=1)
            pool.close()
            pool.join()
    """
)


@pytest.mark.parametrize(
    ("method", "when"),
    [
        ("fork", "before"),
        pytest.param("fork", "after", marks=pytest.mark.slow),
        pytest.param("spawn", "after", marks=pytest.mark.slow),
    ],
)
def test_workers_of_a_pool_that_live_for_one_task_lose_nothing(tmp_path, method, when):
    program = tmp_path / "program.py"
    program.write_text(POOL)
    result = subprocess.run(
        [sys.executable, str(program), str(tmp_path), str(tmp_path / "notes"), when, method],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    traces = noted(tmp_path / "notes")

    assert len(traces) == 6 + (when == "before")
    check(tmp_path, traces)


# --- servers ---------------------------------------------------------------------------------------------------------

WSGI = script(
    """
    home = os.environ["APP_HOME"]
    if os.environ["APP_WHEN"] == "before":
        configure(home)

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"{os.getpid()} {grade(environ['PATH_INFO'])}".encode()]
    """
)
GUNICORN_AFTER = """
def post_fork(server, worker):
    import app
    app.configure(app.home)
"""
ASGI = script(
    """
    configure(os.environ["APP_HOME"])

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        body = f"{os.getpid()} {grade(scope['path'])}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
    """
)


@contextlib.contextmanager
def serving(home: Path, command: list[str], **variables: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a server that takes a listening socket by its number; yield the process and the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fd = listener.fileno()
        with (home / "server.log").open("w") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", *(part.replace("FD", str(fd)) for part in command)],
                cwd=home,
                env=environment(APP_HOME=str(home), **variables),
                pass_fds=[fd],
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        port = listener.getsockname()[1]
        try:
            yield server, port
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait(LIMIT_SECONDS)


def ask(port: int, home: Path) -> tuple[int, str]:
    """Send one request over a connection of its own; return the worker's process id and the trace id."""
    until = time.monotonic() + LIMIT_SECONDS
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/grade")
            worker, trace_id = connection.getresponse().read().decode().split()
            return int(worker), trace_id
        except (OSError, ValueError, http.client.HTTPException):
            if time.monotonic() > until:
                raise AssertionError((home / "server.log").read_text()) from None
        finally:
            connection.close()


@pytest.mark.parametrize("when", ["before", pytest.param("after", marks=pytest.mark.slow)])
def test_workers_of_a_preloaded_gunicorn_lose_nothing(tmp_path, when):
    (tmp_path / "app.py").write_text(WSGI)
    (tmp_path / "conf.py").write_text(GUNICORN_AFTER if when == "after" else "")
    command = ["gunicorn", "--preload", "--config", "conf.py", "--workers", "2", "--max-requests", "4", "--bind",
               "fd://FD", "--graceful-timeout", "5", "app:app"]  # fmt: skip
    with serving(tmp_path, command, APP_WHEN=when) as (server, port):
        answers = [ask(port, tmp_path) for _ in range(16)]
        os.kill(answers[-1][0], signal.SIGKILL)
        answers += [ask(port, tmp_path) for _ in range(3)]
        server.terminate()
        assert server.wait(LIMIT_SECONDS) == 0
    assert "Traceback" not in (tmp_path / "server.log").read_text()

    assert len({worker for worker, _ in answers}) > 2  # they were recycled
    check(tmp_path, [trace_id for _, trace_id in answers])


@pytest.mark.slow
def test_workers_of_uvicorn_lose_nothing(tmp_path):
    (tmp_path / "app.py").write_text(ASGI)
    command = ["uvicorn", "--workers", "2", "--fd", "FD", "--timeout-graceful-shutdown", "5", "app:app"]
    with serving(tmp_path, command) as (server, port):
        answers = [ask(port, tmp_path) for _ in range(10)]
        os.kill(answers[-1][0], signal.SIGKILL)
        answers += [ask(port, tmp_path) for _ in range(6)]
        server.terminate()
        server.wait(LIMIT_SECONDS)
    log = (tmp_path / "server.log").read_text()
    assert "Traceback" not in log

    check(tmp_path, [trace_id for _, trace_id in answers])


CELERY = script(
    """
    from celery import Celery, signals
    home = os.environ["APP_HOME"]
    queue = os.path.join(home, "queue")
    os.makedirs(queue, exist_ok=True)
    app = Celery("app", broker="filesystem://")
    app.conf.update(
        broker_transport_options={
            "data_folder_in": queue, "data_folder_out": queue, "control_folder": os.path.join(home, "control"),
        },
        task_ignore_result=True,
        worker_hijack_root_logger=False,
    )
    if os.environ["APP_WHEN"] == "before":
        configure(home)
    else:
        signals.worker_process_init.connect(lambda **_: configure(home), weak=False)

    @app.task
    def work(number):
        note(os.path.join(home, "notes"), grade(number))
    """
)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_celery_workers_that_live_for_one_task_lose_nothing(tmp_path, when):
    (tmp_path / "app.py").write_text(CELERY)
    variables = environment(APP_HOME=str(tmp_path), APP_WHEN="sender")
    send = "import app\nfor n in range(6): app.work.delay(n)"
    subprocess.run([sys.executable, "-c", send], cwd=tmp_path, env=variables, check=True, timeout=LIMIT_SECONDS)
    command = ["celery", "-A", "app", "worker", "--pool", "prefork", "--concurrency", "2", "--max-tasks-per-child", "1",
               "--without-gossip", "--without-mingle", "--without-heartbeat"]  # fmt: skip
    with serving(tmp_path, command, APP_WHEN=when) as (server, _):
        until = time.monotonic() + LIMIT_SECONDS
        while len(noted(tmp_path / "notes")) < 6 and server.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        server.terminate()
        server.wait(LIMIT_SECONDS)
    log = (tmp_path / "server.log").read_text()
    assert "Traceback" not in log, log

    traces = noted(tmp_path / "notes")
    assert len(traces) == 6, log
    check(tmp_path, traces)


@pytest.mark.slow
def test_what_a_pool_left_is_delivered_by_the_next_service(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(POOL.replace('["langfuse"]', '["store"]'))
    command = [sys.executable, str(program), str(tmp_path), str(tmp_path / "notes"), "before", "fork"]
    subprocess.run(command, env=environment(), capture_output=True, timeout=LIMIT_SECONDS, check=True)

    assert deliver(tmp_path).keys() == set(noted(tmp_path / "notes"))
