"""Backends that cannot be reached, hang, drip, break off or are somebody else: entries 1 to 3 and 12 to 14."""

import itertools
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.delivery.conftest import Sink, encode
from tests.faults.network import authority, free_port, quick, raw_server, send  # noqa: F401 - fixtures
from tests.faults.service import wait_until

from certtrace.delivery import pacing, wire

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("quick")


# --- 1 ---------------------------------------------------------------------------------------------------------------


def test_a_backend_refused_from_boot_on_costs_nothing_but_disk(send, caplog, monkeypatch):  # noqa: F811
    monkeypatch.setattr(pacing, "_LAST_BACKOFF_SECONDS", 0.02)  # as many attempts as a day has, in seconds
    port = free_port()
    sending = send(f"http://127.0.0.1:{port}", max_bytes=400_000)
    accepted = []
    for number in range(1, 1_000):
        taken = sending.spool.accept(number, number, 1_000, 2_000)
        if not taken:
            break
        assert sending.spool.content(taken, encode(f"unit{number}", number, 2_000))
        accepted.append(f"unit{number}")
        sending.delivery.wake()
    assert 100 < len(accepted) < 400  # the budget is full: what is new is refused, what was accepted stays
    assert sending.failed(40)

    status = sending.status
    assert (status.failure, status.pending_units, status.delivered) == ("network", len(accepted), 0)
    assert "refused" in status.last_error
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == 1
    sink = Sink(port)
    try:
        assert wait_until(lambda: sending.status.pending_units == 0)
        assert sink.names() == accepted
        assert sending.status.last_success_ns is not None
    finally:
        sink.close()


# --- 2 and 3 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", ["hang", "drip", "drip_head"])
def test_a_backend_that_does_not_come_to_an_end_is_left_at_the_deadline(send, sink, behaviour):  # noqa: F811
    sink.drip_seconds = 1.0 if behaviour != "hang" else 0.1
    sink.answer = lambda _: sink.Answer(behaviour=behaviour)
    sending = send(sink.url, timeout_seconds=1.5)
    started = time.monotonic()
    sending.write("unit")
    assert sending.failed()

    assert 1.4 < time.monotonic() - started < 3.0
    assert "timed out while" in sending.status.last_error
    assert sending.status.pending_units == 1
    sink.answer = lambda _: sink.Answer()
    assert sending.delivery.flush(5).complete
    assert sink.names() == ["unit"]


def test_a_backend_that_accepts_and_never_reads_is_left_at_the_deadline(send):  # noqa: F811
    with raw_server(lambda _connection: None) as where:
        sending = send(f"http://{where}", timeout_seconds=0.5)
        for _ in range(4):
            sending.write("unit", pad=3_000_000)  # more than the sockets' buffers hold, if it were not compressed
        assert sending.failed(2)
        assert "timed out while" in sending.status.last_error


def test_a_backlog_of_connections_that_nobody_accepts_is_left_at_the_deadline(send):  # noqa: F811
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(4):  # the kernel answers these; the next ones get no answer at all
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            waiting.append(filler)
        sending = send(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_seconds=0.5)
        sending.write("unit")
        assert sending.failed(2)
        assert sending.status.last_error == "No answer: timed out while connecting."
        for filler in waiting:
            filler.close()


@pytest.mark.parametrize("behaviour", ["hang", "drip_head"])
def test_a_hanging_backend_holds_up_neither_the_host_nor_the_end(send, sink, behaviour):  # noqa: F811
    sink.answer = lambda _: sink.Answer(behaviour=behaviour)
    sending = send(sink.url, timeout_seconds=30)
    sending.write("unit")
    assert wait_until(lambda: sink.seen)
    started = time.monotonic()
    report = sending.delivery.close(0.4)

    assert dict(report.undelivered) == {"langfuse": 1}
    assert time.monotonic() - started < 0.9
    assert wait_until(lambda: not any(t.name == "certtrace-langfuse" for t in threading.enumerate()), 5)


def test_headers_without_end_are_not_read_to_their_end(send, sink):  # noqa: F811
    sink.answer = lambda _: sink.Answer(behaviour="endless")
    sending = send(sink.url, timeout_seconds=20)
    started = time.monotonic()
    sending.write("unit")
    assert sending.failed()

    assert time.monotonic() - started < 5
    assert wire._MAX_RECEIVED_BYTES < 256 * 1024


# --- 12 --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", ["reset", "reset_body", "cut_body", "cut_head", "take_reset"])
def test_what_a_broken_connection_left_open_is_sent_again_and_stored_once(send, sink, behaviour):  # noqa: F811
    calls = itertools.count()
    sink.answer = lambda _: sink.Answer(behaviour=behaviour if next(calls) < 2 else "")
    sending = send(sink.url)
    names = [f"unit{number}" for number in range(1, 21)]
    sending.write(*names)

    assert sending.delivery.flush(10).complete
    assert set(sink.names()) == set(names)
    assert len(sink.copies()) == 20
    assert len(sink.seen) == 3
    if behaviour == "take_reset":
        assert max(sink.copies().values()) > 1  # the backend had them, and nobody knew: its key makes them one


# --- 13 --------------------------------------------------------------------------------------------------------------

_RESOLVER = r"""
import ctypes, fcntl, json, os, socket, struct, subprocess, sys, threading, time
from pathlib import Path

folder, mode = Path(sys.argv[1]), sys.argv[2]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:  # loopback is down in a new network namespace
    fcntl.ioctl(s, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))
conf = folder / "resolv.conf"
conf.write_text("nameserver 127.0.0.1\noptions timeout:2 attempts:20\n")
subprocess.run(["mount", "--bind", conf, "/etc/resolv.conf"], check=True)

says = mode
asked = 0
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))


def resolve():
    global asked
    while True:
        query, peer = server.recvfrom(512)
        asked += 1
        question = query[12:]
        if says == "silence":
            continue
        if says == "nothing":
            server.sendto(query[:2] + struct.pack(">HHHHH", 0x8183, 1, 0, 0, 0) + question, peer)
            continue
        kind = struct.unpack(">H", question[-4:-2])[0]
        answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + socket.inet_aton("127.0.0.1") if kind == 1 else b""
        server.sendto(query[:2] + struct.pack(">HHHHH", 0x8180, 1, 1 if answer else 0, 0, 0) + question + answer, peer)


threading.Thread(target=resolve, daemon=True).start()

from certtrace.delivery import pacing
pacing._FIRST_BACKOFF_SECONDS = 0.02
pacing._LAST_BACKOFF_SECONDS = 0.2
from tests.delivery.conftest import Sink
from tests.faults.network import Sending
from tests.faults.service import wait_until

sink = Sink()
sending = Sending(folder / "spool", f"http://backend.example:{sink.server.server_address[1]}", 0.3, 1 << 30)
started = time.monotonic()
sending.write("unit")
wrote = time.monotonic() - started
failed = sending.failed(4)
error = sending.status.last_error
started = time.monotonic()
complete = sending.delivery.flush(0.5).complete
flushed = time.monotonic() - started
lookups = sum(t.name == "certtrace-lookup" for t in threading.enumerate())
told = {"wrote": wrote, "failed": failed, "error": error, "failure": sending.status.failure, "complete": complete,
        "flushed": flushed, "lookups": lookups, "asked": asked}
if sys.argv[3] == "mend":
    says = "address"
    told["delivered"] = wait_until(lambda: sink.names() == ["unit"])
    told["left"] = wait_until(lambda: not any(t.name == "certtrace-lookup" for t in threading.enumerate()), 10)
    sink.close()
else:
    # The one request in flight has longer than we wait.
    sending.destination._timeout_seconds = 30.0
started = time.monotonic()
sending.delivery.close(0.3)
told["closed"] = time.monotonic() - started
print(json.dumps(told), flush=True)
"""


def resolver(tmp_path, mode, then):
    """Run a delivery in a network of its own, whose name server is ours; return what it says and its seconds."""
    unshare = shutil.which("unshare")
    isolate = [unshare, "--net", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if unshare is None or subprocess.run([*isolate, "mount", "--bind", "/dev/null", "/etc/resolv.conf"]).returncode:
        pytest.skip("A name server of our own needs `unshare` with network and mount namespaces.")
    script = tmp_path / "resolver.py"
    script.write_text(_RESOLVER)
    paths = os.pathsep.join([str(ROOT), str(Path(wire.__file__).parents[2])])
    done = subprocess.run(
        [*isolate, sys.executable, "-c", "import runpy, sys, time; sys.argv = sys.argv[1:]; "
         "runpy.run_path(sys.argv[0]); print(time.time())", str(script), str(tmp_path), mode, then],
        capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    ended = time.time()
    assert done.returncode == 0, done.stderr
    told, at_exit = done.stdout.splitlines()
    return json.loads(told), ended - float(at_exit)


@pytest.mark.slow
def test_a_name_server_that_knows_nothing_is_tried_again_until_it_does(tmp_path):
    told, _ = resolver(tmp_path, "nothing", "mend")

    assert told["error"] == "No answer: Name or service not known."
    assert told["failure"] == "network"
    assert told["delivered"]


@pytest.mark.slow
def test_a_name_server_that_is_silent_holds_up_nobody(tmp_path):
    told, _ = resolver(tmp_path, "silence", "mend")

    assert told["error"] == "No answer: timed out while looking up the host."
    assert (told["failed"], told["complete"]) == (True, False)
    assert told["wrote"] < 0.5
    assert told["flushed"] < 2.0
    assert told["lookups"] == 1  # after four attempts and more
    assert told["delivered"]
    assert told["left"]  # no thread stays behind
    assert told["closed"] < 2.0


@pytest.mark.slow
def test_the_process_ends_while_a_name_server_is_silent(tmp_path):
    told, seconds = resolver(tmp_path, "silence", "end")

    assert told["closed"] < 2.0  # the resolver is silent for 80 s; the room is for a loaded machine
    assert seconds < 5.0


# --- 14 --------------------------------------------------------------------------------------------------------------


def test_an_expired_certificate_pauses(send, sink, authority):  # noqa: F811
    sending = send(authority.secure(sink, days=-1))
    sending.write("unit")
    assert sending.failed(2)

    assert (sending.status.paused, sending.status.failure) == (True, "config")
    assert "certificate has expired" in sending.status.last_error
    assert (sink.seen, sending.status.pending_units) == ([], 1)


def test_a_certificate_for_another_host_pauses(send, sink, authority):  # noqa: F811
    sending = send(authority.secure(sink, "langfuse.example"))
    sending.write("unit")
    assert sending.failed(2)

    assert sending.status.paused
    assert "mismatch" in sending.status.last_error
    assert sink.seen == []


def test_a_certificate_of_an_unknown_authority_pauses(send, sink, authority, monkeypatch):  # noqa: F811
    address = authority.secure(sink)
    monkeypatch.delenv("SSL_CERT_FILE")
    sending = send(address)
    sending.write("unit")
    assert sending.failed(2)

    assert sending.status.paused
    assert "not trusted" in sending.status.last_error
    assert sink.seen == []


def test_a_plaintext_port_pauses_and_nothing_is_sent_in_the_clear(send):  # noqa: F811
    received = []

    def handle(connection):
        received.append(connection.recv(65_536))
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with raw_server(handle) as where:
        sending = send(f"https://{where}")
        sending.write("unit")
        assert sending.failed(2)
        assert sending.status.paused
        assert "No TLS at the other side" in sending.status.last_error
    assert received
    assert all(data.startswith(b"\x16\x03") for data in received)  # a TLS greeting each time, never a request


def test_a_handshake_that_is_broken_off_is_no_business_of_an_operator(send):  # noqa: F811
    with raw_server(lambda connection: (connection.recv(100), connection.close())) as where:
        sending = send(f"https://{where}")
        sending.write("unit")
        assert sending.failed(2)
        assert (sending.status.paused, sending.status.failure) == (False, "network")


def test_a_handshake_that_hangs_is_left_at_the_deadline(send):  # noqa: F811
    with raw_server(lambda connection: connection.recv(100)) as where:
        sending = send(f"https://{where}", timeout_seconds=0.4)
        sending.write("unit")
        assert sending.failed(2)
        assert sending.status.last_error == "No answer: timed out while agreeing on TLS."


def test_delivery_goes_on_by_itself_once_the_certificate_is_renewed(send, sink, authority):  # noqa: F811
    sending = send(authority.secure(sink, days=-1))
    sending.write("unit")
    assert sending.failed(2)
    authority.issue()

    assert wait_until(lambda: not sending.status.paused)
    assert sink.names() == ["unit"]
