"""The lease of an owner: it counts from before a renewal, ends early, and never goes backwards."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.running.lease import EARLY_S, LEASE_S, EndlessLease, Lease

HELD_S = LEASE_S - EARLY_S


class Boot:
    """A clock that is set by the test."""

    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def test_it_is_over_until_it_is_renewed_for_the_first_time() -> None:
    lease = Lease(Boot())
    assert not lease.holds() and lease.left_s() == 0.0


def test_it_counts_from_before_the_renewal_was_sent() -> None:
    clock = Boot()
    lease = Lease(clock)
    asked_at_s = clock()
    clock.now_s += 3.0  # so long the commit took
    lease.renewed(asked_at_s)
    assert lease.left_s() == HELD_S - 3.0


@pytest.mark.parametrize(("after_s", "holds"), [(0.0, True), (7.999, True), (8.0, False)])
def test_it_ends_two_seconds_early(after_s: float, holds: bool) -> None:
    clock = Boot(0.0)
    lease = Lease(clock)
    lease.renewed(clock())
    clock.now_s = after_s
    assert lease.holds() is holds and (lease.left_s() > 0) is holds


def test_a_process_that_was_frozen_finds_it_over_at_its_first_look() -> None:
    clock = Boot()
    lease = Lease(clock)
    lease.renewed(clock())
    assert lease.holds()
    clock.now_s += 60.0
    assert not lease.holds()


def test_a_renewal_that_was_sent_before_the_freeze_does_not_begin_it_anew() -> None:
    clock = Boot()
    lease = Lease(clock)
    asked_at_s = clock()
    clock.now_s += 60.0  # frozen between the question and its answer
    lease.renewed(asked_at_s)
    assert not lease.holds()


def test_it_goes_on_when_it_is_renewed_after_its_end() -> None:
    clock = Boot()
    lease = Lease(clock)
    lease.renewed(clock())
    clock.now_s += LEASE_S
    assert not lease.holds()
    lease.renewed(clock())
    assert lease.holds() and lease.left_s() == HELD_S


def test_that_of_a_store_which_nobody_else_opens_has_no_end() -> None:
    assert EndlessLease().holds() and EndlessLease().left_s() == math.inf


EIGHTHS = st.integers(0, 320).map(lambda eighths: eighths / 8)  # of a second: no rounding
STEPS = st.lists(
    st.tuples(
        EIGHTHS,  # passes
        EIGHTHS,  # so long ago a renewal was sent that now succeeds
        st.booleans(),  # whether one does
    ),
    max_size=30,
)


@given(STEPS)
def test_it_holds_only_within_a_lease_of_the_latest_renewal(
    steps: list[tuple[float, float, bool]],
) -> None:
    """What a waiting process relies on: the owner is done before a lease is over since any renewal
    that it could have seen, in whichever order the answers come."""
    clock = Boot()
    lease, latest_s = Lease(clock), -math.inf
    for passes_s, ago_s, renews in steps:
        clock.now_s += passes_s
        if renews:
            before_s = lease.left_s()
            lease.renewed(clock.now_s - ago_s)
            latest_s = max(latest_s, clock.now_s - ago_s)
            assert lease.left_s() >= before_s, "it went backwards"
        assert lease.holds() is (clock.now_s < latest_s + HELD_S)
        assert lease.left_s() <= HELD_S and lease.holds() is (lease.left_s() > 0)


@given(EIGHTHS)
def test_a_renewal_of_the_future_is_one_of_now(ahead_s: float) -> None:
    clock = Boot()
    lease = Lease(clock)
    lease.renewed(clock() + ahead_s)
    assert lease.left_s() == HELD_S
