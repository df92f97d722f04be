"""A quota: what it lets through on average, what it says of itself, and debts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.access.quota import Quota


def test_all_of_it_can_be_taken_at_once_and_then_it_comes_back_evenly() -> None:
    quota = Quota("calls", 60, 60.0, 0.0)
    assert [quota.take(0.0) for _ in range(61)] == [True] * 60 + [False]
    assert quota.wait_s(0.0) == pytest.approx(1.0)
    assert not quota.take(0.9)
    assert quota.take(1.0) and not quota.take(1.0)


def test_after_the_wait_that_was_told_there_is_one() -> None:
    quota = Quota("calls", 7, 60.0, 0.0)
    for _ in range(7):
        quota.take(0.0)
    wait_s = quota.wait_s(0.0)
    assert quota.take(wait_s)


def test_a_debt_is_waited_for() -> None:
    quota = Quota("events", 50, 1.0, 0.0)
    assert quota.take(0.0)
    quota.charge(999)
    assert quota.wait_s(0.0) == pytest.approx((1000 - 50 + 1) / 50)
    assert not quota.take(18.9) and quota.take(19.1)


def test_less_than_one_in_a_window_is_one_in_a_longer_window() -> None:
    quota = Quota("events", 0.1, 1.0, 0.0)
    assert quota.take(0.0) and not quota.take(9.9) and quota.take(10.0)
    assert quota.policy == '"events";q=1;w=10'
    assert quota.asked == (0.1, 1.0)


def test_it_says_what_is_left_and_when_all_of_it_is_back() -> None:
    quota = Quota("calls", 1000, 60.0, 0.0)
    assert (quota.policy, quota.state) == ('"calls";q=1000;w=60', '"calls";r=1000;t=0')
    quota.take(0.0)
    assert quota.state == '"calls";r=999;t=1'
    quota.charge(2000)
    assert quota.state == '"calls";r=0;t=121'
    quota.wait_s(200.0)
    assert quota.full


@given(
    st.floats(0.1, 500),
    st.lists(st.floats(0, 3), min_size=1, max_size=200),
    st.integers(0, 5),
)
def test_never_more_than_the_rate_and_one_burst(rate: float, gaps: list[float], more: int) -> None:
    quota, now_s, taken = Quota("events", rate, 1.0, 0.0), 0.0, 0.0
    for gap in gaps:
        now_s += gap
        if quota.take(now_s):
            quota.charge(more)
            taken += 1 + more
    assert taken <= max(1.0, rate) + now_s * rate + more + 1e-3


def test_a_clock_that_goes_back_gives_nothing() -> None:
    quota = Quota("calls", 1, 1.0, 100.0)
    assert quota.take(100.0) and not quota.take(0.0) and not quota.take(0.5)


def test_what_is_given_back_is_never_more_than_all_of_it() -> None:
    quota = Quota("calls", 3, 60.0, 0.0)
    quota.give_back()
    assert quota.full and [quota.take(0.0) for _ in range(4)] == [True] * 3 + [False]
    quota.give_back()
    assert quota.take(0.0) and not quota.take(0.0)
