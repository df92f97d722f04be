"""What others take of the machine is not counted, and all that a service does or waits for is."""

import os
import time

import pytest

from .given_time import LATE_S, TICK_S, GivenTime, given_time


class Machine:
    """One whose clock and whose other users are set, and at which nobody looks by himself."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 100.0
        self.others_s = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now_s)
        monkeypatch.setattr(GivenTime, "_others", lambda _: self.others_s)
        monkeypatch.setattr(GivenTime, "_watch", lambda _: None)

    def passes(self, given: GivenTime, seconds: float, others_s: float = 0.0) -> None:
        self.now_s += seconds
        self.others_s += others_s
        given._look()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_time_in_which_every_tick_came_counts_in_full(machine: Machine) -> None:
    given = GivenTime()
    for _ in range(500):
        machine.passes(given, TICK_S)
    assert given.between(100.0, machine.now_s) == pytest.approx(5.0)


def test_a_tick_that_came_late_and_what_others_took_are_left_out_where_they_were(
    machine: Machine,
) -> None:
    given = GivenTime(1)
    machine.passes(given, TICK_S)
    machine.passes(given, 3.0)  # stood still
    machine.passes(given, TICK_S)
    machine.passes(given, LATE_S, others_s=0.03)
    machine.passes(given, TICK_S, others_s=40.0)  # of many cores: no more than has passed
    assert given.between(100.0, 100.01) == pytest.approx(0.01)
    assert given.between(100.01, 103.01) == pytest.approx(TICK_S)
    assert given.between(101.51, 103.01) == pytest.approx(TICK_S / 2)
    assert given.between(103.02, 103.07) == pytest.approx(0.02)
    assert given.between(103.07, machine.now_s) == pytest.approx(0.0)
    assert given.between(90.0, 100.0) == 10.0 and given.since(machine.now_s) == 0.0


def test_a_wait_counts_on_this_machine_as_far_as_it_was_given() -> None:
    with given_time(os.getpid()) as given:
        began_s = time.monotonic()
        time.sleep(0.5)
        ended_s = time.monotonic()
    assert 0 < given.between(began_s, ended_s) <= ended_s - began_s
