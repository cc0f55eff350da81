"""`certtrace serve` as a process of its own: first start, options, errors, end."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import trustme

WAIT = 60
SERVE = [sys.executable, "-W", "error", "-m", "certtrace"]


@contextmanager
def served(home, *options: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Start the command and give the process and the line that it prints when it is ready."""
    process = subprocess.Popen(
        [*SERVE, "--home", str(home), "serve", "--port", "0", "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    killer = threading.Timer(WAIT, process.kill)
    killer.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield process, json.loads(line)
    finally:
        killer.cancel()
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str], sign: int) -> tuple[int, str]:
    process.send_signal(sign)
    _, said = process.communicate(timeout=WAIT)
    return process.returncode, said


def refuses(url: httpx.URL) -> bool:
    """Wait until nobody listens there any more."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        try:
            socket.create_connection((url.host, url.port or 80), timeout=WAIT).close()
        except ConnectionRefusedError:
            return True
        time.sleep(0.01)
    return False


def refused(home, *options: str, **environment: str) -> str:
    done = subprocess.run(
        [*SERVE, "--home", str(home), "serve", "--port", "0", *options],
        capture_output=True,
        text=True,
        timeout=WAIT,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


def test_the_first_start_makes_a_key_that_works_and_the_end_is_clean(home):
    with served(home) as (process, ready):
        assert set(ready) == {"url", "project", "project_id", "public_key", "secret_key"}
        auth = (ready["public_key"], ready["secret_key"])
        project = httpx.get(f"{ready['url']}/api/public/projects", auth=auth).json()["data"][0]
        assert project["name"] == ready["project"] == "default"
        assert httpx.get(f"{ready['url']}/api/public/traces", auth=auth).status_code == 200
        code, said = ended(process, signal.SIGTERM)
        assert (code, said) == (0, "")


@pytest.mark.slow
def test_later_starts_make_no_key_but_for_a_new_project(home):
    with served(home) as (process, ready):
        auth = (ready["public_key"], ready["secret_key"])
        assert ended(process, signal.SIGTERM)[0] == 0
    with served(home) as (process, again):
        assert set(again) == {"url", "project", "project_id"}
        assert httpx.get(f"{again['url']}/api/public/projects", auth=auth).status_code == 200
        assert ended(process, signal.SIGINT) == (0, "")
    with served(home, "--project", "appeals") as (_, other):
        assert other["project"] == "appeals"
        mine = (other["public_key"], other["secret_key"])
        assert httpx.get(f"{other['url']}/api/public/projects", auth=mine).json()["data"][0]["id"] == "appeals"


@pytest.mark.slow
def test_a_key_that_the_command_line_revokes_is_refused_at_once(home, run):
    with served(home) as (_, ready):
        auth = (ready["public_key"], ready["secret_key"])
        assert httpx.get(f"{ready['url']}/api/public/projects", auth=auth).status_code == 200
        assert run("keys", "revoke", ready["public_key"]).exit_code == 0
        assert httpx.get(f"{ready['url']}/api/public/projects", auth=auth).status_code == 401


@pytest.mark.slow
def test_a_request_under_way_is_finished(home):
    with served(home) as (process, ready):
        url = httpx.URL(ready["url"])
        with socket.create_connection((url.host, url.port), timeout=WAIT) as connection:
            import base64

            basic = base64.b64encode(f"{ready['public_key']}:{ready['secret_key']}".encode()).decode()
            body = b'{"name": "late", "traceId": "' + b"a" * 32 + b'", "value": 1}'
            head = (
                f"POST /api/public/scores HTTP/1.1\r\nHost: {url.host}\r\nAuthorization: Basic {basic}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
            )
            connection.sendall(head.encode())
            assert connection.recv(65_536).startswith(b"HTTP/1.1 100")  # the route waits for the body now
            process.send_signal(signal.SIGTERM)
            assert refuses(url)
            connection.sendall(body)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        assert process.wait(WAIT) == 0


@pytest.mark.slow
def test_nothing_secret_is_said(home):
    with served(home) as (process, ready):
        secret = ready["secret_key"]
        httpx.get(f"{ready['url']}/api/public/projects", auth=(ready["public_key"], secret))
        httpx.get(f"{ready['url']}/api/public/projects", params={"key": secret})
        httpx.get(f"{ready['url']}/api/public/projects", auth=(ready["public_key"], "sk-lf-wrong"))
        httpx.get(f"{ready['url']}/api/public/nowhere", auth=(ready["public_key"], secret))
        _, said = ended(process, signal.SIGTERM)
        assert said == ""


@pytest.mark.slow
def test_https_is_served_with_a_certificate(home, tmp_path):
    authority = trustme.CA()
    certificate, key, root = (tmp_path / name for name in ("cert.pem", "key.pem", "root.pem"))
    issued = authority.issue_cert("localhost", "127.0.0.1")
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(root)
    options = ("--tls-certificate", str(certificate), "--tls-key", str(key))
    with served(home, *options) as (_, ready):
        assert ready["url"].startswith("https://127.0.0.1:")
        import ssl

        trusted = ssl.create_default_context(cafile=str(root))
        assert httpx.get(f"{ready['url']}/api/public/health", verify=trusted).status_code == 200


@pytest.mark.slow
def test_tls_files_that_cannot_be_used_are_refused_before_a_key_is_made(home, tmp_path):
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate")
    assert "cannot be used" in refused(home, "--tls-certificate", str(wrong), "--tls-key", str(wrong))
    missing = refused(home, "--tls-certificate", str(tmp_path / "none.pem"), "--tls-key", str(wrong))
    assert f"{tmp_path / 'none.pem'}: No such file" in missing
    assert "without --tls-key" in refused(home, "--tls-certificate", str(wrong))
    with served(home) as (_, ready):
        assert "secret_key" in ready


@pytest.mark.slow
def test_other_machines_are_let_in_with_tls_or_on_purpose_only(home):
    said = refused(home, "--host", "0.0.0.0")
    assert "--insecure-http" in said
    assert "--tls-certificate" in said
    with served(home, "--host", "0.0.0.0", "--insecure-http") as (_, ready):
        assert httpx.get(f"{ready['url']}/api/public/health").status_code == 200


def test_a_port_in_use_and_an_address_of_another_machine_are_named(home):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refused(home, "--port", port)
        assert port in said
        assert "in use" in said
        assert "--port" in said
    assert "192.0.2.1" in refused(home, "--host", "192.0.2.1", "--insecure-http")


def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    assert "--home" in refused(tmp_path / "file")


@pytest.mark.slow
def test_the_name_of_the_server_is_taken_and_others_are_refused(home):
    with served(home, "--base-url", "http://traces.example:8080/") as (process, ready):
        assert ready["url"] == "http://traces.example:8080"
        port = _listening_port(process)
        for host, status in (("traces.example", 200), ("127.0.0.1", 200), ("other.example", 421)):
            answer = httpx.get(f"http://127.0.0.1:{port}/api/public/health", headers={"Host": host})
            assert answer.status_code == status


def _listening_port(process: subprocess.Popen[str]) -> int:
    """Return the port that a process listens on, from what Linux says about its sockets."""
    from pathlib import Path

    own = {str(each.readlink()) for each in Path(f"/proc/{process.pid}/fd").iterdir() if each.is_symlink()}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in own:
            return int(fields[1].partition(":")[2], 16)
    raise AssertionError("it listens nowhere")


def test_without_the_extra_the_remedy_is_named(home, tmp_path):
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "fastapi.py").write_text("raise ModuleNotFoundError('no', name='fastapi')\n")
    said = refused(home, PYTHONPATH=str(hidden))
    assert "pip install 'certtrace[server]'" in said
