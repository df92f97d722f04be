"""Dates go on through leaps of the wall clock, and follow those that last."""

import pytest

from tidings.core.steady_clock import LEAP_MS, SURE_AFTER_S, SteadyClock

START_MS = 1_800_000_000_000
DAY_MS = 86_400_000


class Machine:
    """Two clocks: one that can be set, and one that cannot."""

    def __init__(self) -> None:
        self.passed_s = 500.0
        self.set_ms = 0
        self.steady = SteadyClock(self.wall_ms, lambda: self.passed_s)

    def wall_ms(self) -> int:
        return START_MS + round(self.passed_s * 1000) + self.set_ms

    def wait(self, seconds: float) -> None:
        self.passed_s += seconds

    @property
    def apart_ms(self) -> int:
        """By how much its dates are not those of the wall clock as it was at the start."""
        return self.steady.now_ms() - (START_MS + round(self.passed_s * 1000))


@pytest.mark.parametrize("by_ms", [8 * DAY_MS, -8 * DAY_MS, LEAP_MS, -LEAP_MS, 400 * DAY_MS])
def test_a_leap_that_is_taken_back_never_was(by_ms: int) -> None:
    machine = Machine()
    machine.wait(1000)
    assert machine.steady.sure
    machine.set_ms = by_ms
    for _ in range(5):
        machine.wait(2)
        assert machine.apart_ms == 0 and not machine.steady.sure and not machine.steady.leap_ms
    machine.set_ms = 0
    machine.wait(SURE_AFTER_S * 2)
    assert machine.apart_ms == 0 and not machine.steady.leap_ms
    assert machine.steady.sure


@pytest.mark.parametrize("by_ms", [8 * DAY_MS, -8 * DAY_MS])
def test_a_leap_that_lasts_is_followed_when_its_owner_says_so(by_ms: int) -> None:
    machine = Machine()
    machine.set_ms = by_ms
    assert machine.apart_ms == 0
    machine.wait(SURE_AFTER_S - 1)
    assert machine.steady.leap_ms == 0
    machine.wait(1)
    assert machine.steady.leap_ms == by_ms and machine.apart_ms == 0
    machine.steady.follow(by_ms)
    assert machine.apart_ms == by_ms and machine.steady.leap_ms == 0 and machine.steady.sure


def test_a_leap_from_a_leap_begins_anew() -> None:
    machine = Machine()
    machine.set_ms = DAY_MS
    machine.steady.now_ms()
    machine.wait(SURE_AFTER_S - 1)
    machine.set_ms = 2 * DAY_MS
    machine.steady.now_ms()
    machine.wait(SURE_AFTER_S - 1)
    assert machine.steady.leap_ms == 0
    machine.wait(1)
    assert machine.steady.leap_ms == 2 * DAY_MS


def test_small_steps_and_drift_are_followed_at_once() -> None:
    machine = Machine()
    for step in range(1, 100):
        machine.wait(60)
        machine.set_ms = step * 1500
        assert machine.apart_ms == step * 1500
    assert machine.steady.sure and machine.steady.leap_ms == 0


def test_the_first_date_is_not_relied_on_at_once() -> None:
    machine = Machine()
    assert not machine.steady.sure
    machine.wait(SURE_AFTER_S)
    assert machine.steady.sure


def test_who_does_not_own_the_data_follows_who_does() -> None:
    owner, other = Machine(), Machine()
    for machine in (owner, other):
        machine.set_ms = DAY_MS
        machine.steady.now_ms()
        machine.wait(SURE_AFTER_S)
    assert other.steady.apart_ms(owner.steady.now_ms()) == 0
    owner.steady.follow(owner.steady.leap_ms)
    apart_ms = other.steady.apart_ms(owner.steady.now_ms() - 20)  # the receipt took a moment
    other.steady.follow(apart_ms)
    assert other.apart_ms == owner.apart_ms == DAY_MS


def test_less_than_a_leap_apart_nobody_follows() -> None:
    machine = Machine()
    now_ms = machine.steady.now_ms()
    for sign in (1, -1):
        assert machine.steady.apart_ms(now_ms + sign * (LEAP_MS - 1)) == 0
        assert machine.steady.apart_ms(now_ms + sign * LEAP_MS) == sign * LEAP_MS


@pytest.mark.parametrize("by_ms", [8 * DAY_MS, -8 * DAY_MS])
def test_around_a_leap_dates_may_be_by_either_clock(by_ms: int) -> None:
    """From when it is seen until a while after it was followed, and at no other time."""
    machine = Machine()
    assert not machine.steady.leaping
    machine.set_ms = by_ms
    assert machine.steady.leaping
    machine.wait(SURE_AFTER_S)
    assert machine.steady.leaping
    machine.steady.follow(machine.steady.leap_ms)
    machine.wait(SURE_AFTER_S - 1)
    assert machine.steady.leaping
    machine.wait(2)
    assert not machine.steady.leaping
