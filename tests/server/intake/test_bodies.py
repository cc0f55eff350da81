"""What the bodies of many requests may take together."""

import gzip

import pytest

from certtrace.server.intake.bodies import BodyError, Held, safe_json, unpacked


def test_bodies_beyond_the_common_bound_are_refused_for_now() -> None:
    held = Held(100)
    held.take(60)
    held.take(40)
    with pytest.raises(BodyError) as refused:
        held.take(1)
    assert refused.value.status_code == 503
    assert refused.value.headers == {"Connection": "close", "Retry-After": "1"}
    held.give(60)
    held.take(60)


def test_a_body_that_shrinks_is_always_taken() -> None:
    held = Held(10)
    held.take(10)
    held.take(-5)
    held.take(5)


@pytest.mark.parametrize(("levels", "fine"), [(10, True), (11, False), (2000, False)])
def test_json_as_deep_as_the_limit_is_read(levels: int, fine: bool) -> None:
    body = b"[" * levels + b"]" * levels
    if fine:
        assert safe_json(body, 10) == body
    else:
        with pytest.raises(BodyError):
            safe_json(body, 10)


def test_many_shallow_brackets_are_no_depth() -> None:
    body = b"[" + b"[]," * 500 + b'"[[[[["]'
    assert safe_json(body, 3) == body


def test_only_numbers_beyond_64_bits_are_written_anew() -> None:
    assert safe_json(b'{"a": 18446744073709551615}', 5) == b'{"a":1.8446744073709552e+19}'
    assert safe_json(b'{"a": 9223372036854775807}', 5) == b'{"a":9223372036854775807}'
    assert safe_json(b'{"a": "18446744073709551615"}', 5) == b'{"a": "18446744073709551615"}'


def test_what_is_unpacked_is_bounded() -> None:
    packed = gzip.compress(bytes(1000))
    assert unpacked(packed, 1000) == bytes(1000)
    with pytest.raises(BodyError) as refused:
        unpacked(packed, 999)
    assert refused.value.status_code == 413
