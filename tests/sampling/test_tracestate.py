"""The tracestate: R and T are read from it and written to it; whatever else it holds survives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certtrace.sampling import NEVER, randomness_of, threshold_for, threshold_hex, threshold_of, tracestate_with

_FOREIGN = "vendor=abc;x:1,rojo=00f067aa0ba902b7,tenant@dd=s:2"


def test_r_comes_from_rv_and_else_from_the_trace_id() -> None:
    trace_id = 0xAAAAAAAAAAAAAAAA_FF00000000000007
    assert randomness_of(trace_id, "") == 0x7
    assert randomness_of(trace_id, "ot=rv:00000000000abc") == 0xABC
    assert randomness_of(trace_id, f"{_FOREIGN},ot=th:8;rv:ffffffffffffff") == NEVER - 1


@pytest.mark.parametrize(
    "malformed", ["ot=rv:xyz", "ot=rv:123", "ot=rv:FFFFFFFFFFFFFF", "ot=", "ot", "other=rv:1", ";;,,="]
)
def test_a_malformed_rv_is_as_none(malformed: str) -> None:
    assert randomness_of(5, malformed) == 5


@pytest.mark.parametrize("probability", [1.0, 0.75, 0.5, 0.25, 0.1, 1e-9])
def test_t_is_read_as_it_was_written(probability: float) -> None:
    threshold = threshold_for(probability)
    assert threshold_of(tracestate_with(_FOREIGN, threshold)) == threshold


def test_t_is_written_without_trailing_zeros() -> None:
    assert [threshold_hex(threshold_for(share)) for share in (1.0, 0.5, 0.25)] == ["0", "8", "c"]


@pytest.mark.parametrize("malformed", ["ot=th:", "ot=th:xyz", "ot=th:123456789abcdef", "ot=TH:8", "xx=th:8", "", "ot"])
def test_a_malformed_th_says_nothing(malformed: str) -> None:
    assert threshold_of(malformed) is None


def test_none_and_never_erase_th_and_leave_the_rest() -> None:
    for threshold in (None, NEVER):
        assert tracestate_with("a=1,ot=th:8;rv:00000000000abc,b=2", threshold) == "ot=rv:00000000000abc,a=1,b=2"
        assert tracestate_with("a=1,ot=th:8,b=2", threshold) == "a=1,b=2"


def test_a_malformed_th_is_replaced_and_unknown_parts_stay() -> None:
    assert tracestate_with("ot=th:zz;future:7;rv:00000000000abc", 0) == "ot=th:0;future:7;rv:00000000000abc"


def test_a_tracestate_of_512_characters_survives_whole() -> None:
    foreign = ",".join(f"v{number}={'x' * 45}" for number in range(10)) + ",last=" + "y" * 17
    assert len(foreign) >= 512
    written = tracestate_with(foreign, threshold_for(0.5))
    assert written == f"ot=th:8,{foreign}"
    assert tracestate_with(written, None) == foreign


def test_no_more_than_32_entries_leave_because_others_would_throw_all_away() -> None:
    full = ",".join(f"v{number}=1" for number in range(32))
    members = tracestate_with(full, 0).split(",")
    assert members == ["ot=th:0", *full.split(",")[:31]]


@given(st.text(max_size=600), st.one_of(st.none(), st.integers(0, NEVER)))
def test_any_text_is_taken_and_foreign_entries_keep_their_order(state: str, threshold: int | None) -> None:
    written = tracestate_with(state, threshold)
    foreign = [member for each in state.split(",") if (member := each.strip()) and _key(member) != "ot"]
    left = [member for member in written.split(",") if member and _key(member) != "ot"]
    assert left == foreign[: len(left)]
    assert len(left) >= min(len(foreign), 31)
    said = threshold_of(written)
    assert said == (threshold if threshold is not None and threshold < NEVER else None)
    assert 0 <= randomness_of(1, state) < NEVER


def _key(member: str) -> str:
    return member.partition("=")[0].strip()
