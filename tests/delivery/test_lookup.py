"""Name lookup: bounded in time, also where no thread can be started. Silent name servers: `tests/faults`."""

import threading
import time

import pytest

from certtrace.delivery.lookup import Lookup


def hosts(lookup: Lookup) -> set[str]:
    return {str(address[4][0]) for address in lookup.addresses(time.monotonic() + 5)}


def test_an_address_needs_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: threading.Thread) -> None:
        pytest.fail("A thread was started.")

    monkeypatch.setattr(threading.Thread, "start", refuse)

    assert hosts(Lookup("127.0.0.1", 80)) == {"127.0.0.1"}
    assert hosts(Lookup("::1", 80)) == {"::1"}


def test_a_name_is_looked_up_again_each_time_and_leaves_no_thread() -> None:
    lookup = Lookup("localhost", 80)

    for _ in range(3):
        assert hosts(lookup) & {"127.0.0.1", "::1"}
    deadline = time.monotonic() + 5
    while any(thread.name == "certtrace-lookup" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_at_the_interpreters_end_a_name_is_looked_up_without_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: threading.Thread) -> None:
        msg = "can't create new thread at interpreter shutdown"
        raise RuntimeError(msg)

    monkeypatch.setattr(threading.Thread, "start", refuse)

    assert hosts(Lookup("localhost", 80)) & {"127.0.0.1", "::1"}


@pytest.mark.parametrize("name", ["nowhere.invalid", "x" * 70 + ".example", "a..b"])
def test_a_name_without_address_is_an_error(name: str) -> None:
    with pytest.raises(OSError) as raised:
        Lookup(name, 80).addresses(time.monotonic() + 30)
    assert raised.value.strerror


def test_a_deadline_that_has_passed_is_an_error() -> None:
    with pytest.raises(TimeoutError):
        Lookup("langfuse.invalid", 80).addresses(time.monotonic() - 1)
