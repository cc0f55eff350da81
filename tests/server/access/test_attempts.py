"""Failed logins: whoever guesses has to wait, and nobody else."""

import httpx
import pytest
from tests.server.serving import Serving

from certtrace.server.access import FailedLogins, Role
from certtrace.server.access.access import Access
from certtrace.server.access.attempts import WINDOW_SECONDS, TooManyFailuresError


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def fail(logins: FailedLogins, times: int, address: str = "192.0.2.1", key: str = "pk-lf-a") -> None:
    for number in range(times):
        logins.check(address, key, f"guess {number}")
        logins.failed(address, key, f"guess {number}")


def test_the_wait_begins_at_the_limit_and_ends_when_failures_leave_the_window(clock: Clock) -> None:
    logins = FailedLogins(3, clock)
    fail(logins, 2)
    clock.now += 10
    fail(logins, 1)
    with pytest.raises(TooManyFailuresError) as caught:
        logins.check("192.0.2.1", "pk-lf-a", "x")
    assert caught.value.status == 429
    assert caught.value.headers == {"Retry-After": str(int(WINDOW_SECONDS) - 10 + 1)}
    clock.now += WINDOW_SECONDS - 10
    fail(logins, 1)  # the oldest has left the window, and one more may be tried
    clock.now += 1
    fail(logins, 1)
    with pytest.raises(TooManyFailuresError):
        logins.check("192.0.2.1", "pk-lf-a", "x")


def test_many_keys_from_one_address_wait_as_well(clock: Clock) -> None:
    logins = FailedLogins(3, clock)
    for key in "abcdef":
        fail(logins, 1, key=f"pk-lf-{key}")
    with pytest.raises(TooManyFailuresError):
        logins.check("192.0.2.1", "pk-lf-new", "x")
    logins.check("192.0.2.2", "pk-lf-new", "x")


def test_a_key_is_not_locked_out_elsewhere_nor_where_it_was_accepted_before(clock: Clock) -> None:
    logins = FailedLogins(3, clock)
    logins.accepted("127.0.0.1", "pk-lf-a", "right")
    fail(logins, 3, address="127.0.0.1")
    logins.check("127.0.0.1", "pk-lf-a", "right")
    logins.check("192.0.2.9", "pk-lf-a", "right")
    with pytest.raises(TooManyFailuresError):
        logins.check("127.0.0.1", "pk-lf-a", "wrong")


def test_what_was_accepted_and_then_refused_is_a_guess_like_others(clock: Clock) -> None:
    logins = FailedLogins(3, clock)
    logins.accepted("127.0.0.1", "pk-lf-a", "right")
    for _ in range(3):
        logins.failed("127.0.0.1", "pk-lf-a", "right")
    with pytest.raises(TooManyFailuresError):
        logins.check("127.0.0.1", "pk-lf-a", "right")


def test_memory_is_bounded_whoever_guesses(clock: Clock) -> None:
    logins = FailedLogins(3, clock)
    for number in range(10_000):
        logins.failed(f"address {number}", f"key {number}", "x")
        logins.accepted(f"address {number}", f"key {number}", "x")
    assert len(logins._failures) <= 4_096
    assert len(logins._accepted) <= 4_096
    assert all(len(times) <= 6 for times in logins._failures.values())


def test_no_secret_is_kept_in_memory(clock: Clock) -> None:
    logins = FailedLogins(3, clock)
    logins.accepted("a", "pk-lf-a", "sk-lf-precious")
    logins.failed("a", "pk-lf-a", "sk-lf-guessed")
    assert "precious" not in repr(vars(logins))
    assert "guessed" not in repr(vars(logins))


def test_over_http_guesses_are_told_when_to_come_back(box: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(box.box.access, "_failed_logins", FailedLogins(3, clock))
    key = box.keys[Role.READER]
    url = f"{box.url}/api/public/projects"
    statuses = [httpx.get(url, auth=(key.public_key, f"sk-lf-wrong-{number}")).status_code for number in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    answer = httpx.get(url, auth=(key.public_key, "sk-lf-wrong"))
    assert int(answer.headers["retry-after"]) == int(WINDOW_SECONDS) + 1
    assert "sk-lf" not in answer.text
    assert httpx.get(url, auth=(key.public_key, key.secret_key)).status_code == 429
    clock.now += WINDOW_SECONDS
    assert httpx.get(url, auth=(key.public_key, key.secret_key)).status_code == 200


def test_signing_in_counts_as_well(tmp_path, clock: Clock) -> None:
    access = Access(tmp_path / "access.db", failed_logins=FailedLogins(2, clock))
    key = access.create(access.project("default"), [Role.READER])
    for _ in range(2):
        assert access.sign_in(key.public_key, "sk-lf-wrong", address="192.0.2.1") is None
    with pytest.raises(TooManyFailuresError):
        access.sign_in(key.public_key, key.secret_key, address="192.0.2.1")
    assert access.sign_in(key.public_key, key.secret_key, address="192.0.2.2") is not None
    access.close()
