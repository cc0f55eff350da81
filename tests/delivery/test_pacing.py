"""When a destination is asked next, and for how much."""

import time

import pytest

from certtrace.delivery.pacing import CONFIG, NETWORK, Pace


def waits(failure: str, times: int = 20, retry_after: float | None = None) -> list[float]:
    pace, found = Pace(), []
    for _ in range(times):
        pace.failed("No.", failure, retry_after)
        found.append(pace.retry_at - time.monotonic())
    return found


@pytest.mark.parametrize(("failure", "first", "last"), [(NETWORK, 0.5, 60.0), (CONFIG, 5.0, 300.0)])
def test_waits_grow_to_a_bound_with_some_spread(failure: str, first: float, last: float) -> None:
    found = waits(failure)

    assert first * 0.99 < found[0] <= first * 1.25
    assert found[:5] == sorted(found[:5])
    assert last * 0.99 < min(found[-8:]) <= max(found[-8:]) <= last * 1.25
    assert len(set(found)) == len(found)


def test_what_the_other_side_asks_for_is_a_lower_bound() -> None:
    assert min(waits(NETWORK, retry_after=3_600.0)) > 3_599
    assert max(waits(NETWORK, times=1, retry_after=0.0)) > 0.49


def test_batches_shrink_with_failures_and_grow_with_successes() -> None:
    pace = Pace()
    assert (pace.batch_units, pace.batch_bytes) == (512, 4 << 20)
    for _ in range(3):
        pace.failed("No.", NETWORK, None)
    assert (pace.batch_units, pace.batch_bytes) == (64, 512 << 10)
    pace.failed("No.", CONFIG, None)
    assert pace.batch_units == 1
    for _ in range(20):
        pace.succeeded()
    assert pace.batch_units == 512


def test_waiting_is_cut_short_only_where_nobody_asked_for_it_or_somebody_insists() -> None:
    for failure, retry_after, cut in ((NETWORK, None, True), (NETWORK, 30.0, False), (CONFIG, None, False)):
        pace = Pace()
        pace.failed("No.", failure, retry_after)
        pace.retry_now()
        assert (pace.retry_at == 0.0) is cut
        pace.retry_now(even_if_asked_to_wait=True)
        assert pace.retry_at == 0.0
