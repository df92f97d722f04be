"""Open files are shared out so that nobody takes what somebody else must have."""

from hypothesis import given
from hypothesis import strategies as st

from tidings.app.descriptors import LEAST, LEAST_OF_CELL, OWN, share_out, share_with_door


@given(st.integers(LEAST, 1 << 20), st.integers(64, 100_000), st.integers(1, 10_000))
def test_the_shares_fit_and_nobody_gets_nothing(limit: int, places: int, attempts: int) -> None:
    shares = share_out(limit, places, attempts)
    assert shares.places + shares.spare + shares.outbound + OWN <= limit
    assert 1 <= shares.attempts <= min(attempts, shares.outbound)
    assert min(places, 64) <= shares.places <= places


@given(st.integers(LEAST, 100_000), st.integers(0, 100_000))
def test_who_has_more_gives_nobody_less(limit: int, more: int) -> None:
    few, many = share_out(limit, 4096, 4000), share_out(limit + more, 4096, 4000)
    assert all(a <= b for a, b in zip(few, many, strict=True))


def test_callers_come_first_where_there_is_little() -> None:
    shares = share_out(1024, 4096, 4000)
    assert shares.places >= 800
    assert shares.attempts >= 100


def test_everybody_has_what_was_set_where_there_is_enough() -> None:
    shares = share_out(1 << 20, 4096, 4000)
    assert (shares.places, shares.attempts, shares.outbound) == (4096, 4000, 8000)


@given(st.integers(LEAST_OF_CELL, 1 << 20))
def test_a_door_leaves_the_service_what_it_needs(limit: int) -> None:
    door = share_with_door(limit)
    assert 16 <= door.lines == door.places <= 1024
    shares = share_out(limit - sum(door), 4096, 4000)
    assert sum(door) + shares.places + shares.spare + shares.outbound + OWN <= limit
