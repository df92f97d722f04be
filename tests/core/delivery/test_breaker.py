"""The breaker of a lane: when it opens, how it asks, when it closes, and what never moves it."""

import itertools
import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tidings.core.delivery.receivers.breaker import (
    OUTCOMES_MIN,
    PAUSE_MAX_S,
    PAUSE_S,
    SUCCESSES_TO_CLOSE,
    WINDOW_S,
    Breaker,
    Pause,
    Position,
)


def rng() -> random.Random:
    return random.Random(1)


def failing(breaker: Breaker, now_s: float, count: int = OUTCOMES_MIN) -> None:
    """So many attempts that begin and fail at once."""
    for _ in range(count):
        breaker.started()
        breaker.record(now_s, now_s, False, rng())


def position(breaker: Breaker) -> Position:
    """Its position now; of a field, a type checker remembers what was asserted last."""
    return breaker.position


def test_it_opens_when_enough_have_ended_and_most_of_them_failed() -> None:
    breaker = Breaker()
    failing(breaker, 100.0, OUTCOMES_MIN - 1)
    assert position(breaker) is Position.CLOSED and breaker.admits(100.0)
    failing(breaker, 100.0, 1)
    assert position(breaker) is Position.OPEN and not breaker.admits(100.0)
    assert PAUSE_S * 0.9 <= breaker.wait_s(100.0) <= PAUSE_S * 1.1


def test_it_stays_closed_while_a_fifth_and_more_succeed() -> None:
    breaker = Breaker()
    for at in range(1000):
        breaker.started()
        breaker.record(at / 100, at / 100, at % 4 == 0, rng())
    assert breaker.position is Position.CLOSED


def test_failures_of_long_ago_do_not_count() -> None:
    breaker = Breaker()
    failing(breaker, 100.0, OUTCOMES_MIN - 1)
    failing(breaker, 100.0 + WINDOW_S + 10, 1)
    assert breaker.position is Position.CLOSED


def test_it_lets_one_probe_through_after_its_pause_and_no_second_beside_it() -> None:
    breaker = Breaker()
    failing(breaker, 100.0)
    at = breaker.until_s
    assert not breaker.admits(at - 0.01) and breaker.admits(at)
    breaker.started()
    assert breaker.position is Position.PROBING
    assert not breaker.admits(at + 100)


def test_each_failed_probe_doubles_the_pause_up_to_its_bound() -> None:
    breaker = Breaker()
    failing(breaker, 0.0)
    pauses = [breaker.wait_s(0.0)]
    for _ in range(12):
        at = breaker.until_s
        breaker.started()
        assert breaker.record(at, at, False, rng())
        pauses.append(breaker.wait_s(at))
    assert pauses[1] > 1.5 * pauses[0] and pauses[2] > 1.5 * pauses[1]
    assert pauses[-1] <= PAUSE_MAX_S * 1.1


def test_it_closes_after_successes_in_a_row_and_begins_with_the_shortest_pause_again() -> None:
    breaker = Breaker()
    failing(breaker, 0.0)
    at = breaker.until_s
    for left in reversed(range(SUCCESSES_TO_CLOSE)):
        assert breaker.admits(at)
        breaker.started()
        assert breaker.record(at, at, True, rng()) is (left == 0)
    assert breaker.position is Position.CLOSED and breaker.admits(at)
    failing(breaker, at)
    assert breaker.wait_s(at) <= PAUSE_S * 1.1


def test_a_failed_probe_takes_back_the_successes_before_it() -> None:
    breaker = Breaker()
    failing(breaker, 0.0)
    for ok in [*[True] * (SUCCESSES_TO_CLOSE - 1), False]:
        at = breaker.until_s
        breaker.started()
        breaker.record(at, at, ok, rng())
    assert position(breaker) is Position.OPEN
    at = breaker.until_s
    for left in reversed(range(SUCCESSES_TO_CLOSE)):
        assert position(breaker) is not Position.CLOSED
        breaker.started()
        assert breaker.record(at, at, True, rng()) is (left == 0)
    assert position(breaker) is Position.CLOSED


def test_attempts_from_before_it_opened_do_not_lengthen_its_pause() -> None:
    breaker = Breaker()
    failing(breaker, 100.0)
    until, opens = breaker.until_s, breaker.opens
    breaker.started()  # a probe
    assert not breaker.record(until, 99.0, False, rng())  # a time-out of before
    assert (breaker.opens, breaker.until_s) == (opens, until)


def test_a_fault_of_our_own_frees_the_probe_and_judges_nothing() -> None:
    breaker = Breaker()
    failing(breaker, 100.0)
    at = breaker.until_s
    breaker.started()
    breaker.unproven()
    assert breaker.position is Position.PROBING and breaker.admits(at)


def test_it_takes_up_its_pause_after_a_restart() -> None:
    breaker = Breaker()
    breaker.resume(Pause(opens=3, left_s=7.0), 1000.0)
    assert not breaker.admits(1006.9) and breaker.admits(1007.0)
    breaker.started()
    breaker.record(1007.0, 1007.0, False, rng())
    assert breaker.wait_s(1007.0) >= PAUSE_S * 8 * 0.9


@given(
    steps=st.lists(
        st.tuples(st.floats(0, 30), st.sampled_from(["start", "good", "bad", "ours"])), max_size=80
    )
)
def test_whatever_comes_it_never_stays_shut_for_ever(steps: list[tuple[float, str]]) -> None:
    breaker, now, running = Breaker(), 0.0, 0
    begun: list[float] = []
    for wait, step in steps:
        now += wait
        if step == "start":
            if breaker.admits(now):
                breaker.started()
                begun.append(now)
                running += 1
        elif begun:
            at = begun.pop(0)
            if step == "ours":
                breaker.unproven()
            else:
                breaker.record(now, at, step == "good", rng())
    for at in begun:
        breaker.record(now, at, False, rng())
    later = now + PAUSE_MAX_S * 1.2
    assert breaker.admits(later)
    for _ in range(SUCCESSES_TO_CLOSE):
        if breaker.position is not Position.CLOSED:
            breaker.started()
            breaker.record(later, later, True, rng())
    assert breaker.position is Position.CLOSED


SPEEDS = st.sampled_from([0.5, 5.0, 60.0, 1000.0])
BLOCKS = st.lists(  # so many outcomes, of which so many in a hundred fail, as fast as this
    st.tuples(st.integers(1, 6000), st.integers(0, 40), SPEEDS), max_size=5
)


class Asked:
    """A receiver that is asked by a breaker's leave, so many at a time, at a speed."""

    def __init__(self, breaker: Breaker, random_: random.Random) -> None:
        self.breaker, self.rng = breaker, random_
        self.now_s, self.at_once = 0.0, 1
        self.running: list[tuple[float, bool]] = []
        self.requests = 0

    def ask(self, bad: bool, speed: float) -> None:
        """Start one, if it may; where as many are under way as may be, the oldest ends."""
        self.now_s += 1 / speed
        if self.breaker.admits(self.now_s):
            self.breaker.started()
            self.requests += 1
            self.running.append((self.now_s, bad))
        while len(self.running) >= self.at_once:
            self.end()

    def end(self) -> None:
        """The oldest request is answered."""
        started_s, bad = self.running.pop(0)
        self.breaker.record(self.now_s, started_s, not bad, self.rng)


@given(before=BLOCKS, speed=SPEEDS, at_once=st.integers(1, 64), seed=st.integers(0, 1 << 32))
@settings(max_examples=60, deadline=None)
def test_whatever_came_before_at_most_a_hundred_requests_fail_before_it_opens(
    before: list[tuple[int, int, float]], speed: float, at_once: int, seed: int
) -> None:
    rng = random.Random(seed)
    asked = Asked(Breaker(), rng)
    for count, percent, fast in before:
        for _ in range(count):
            asked.ask(rng.random() * 100 < percent, fast)
    while asked.running:
        asked.end()
    assume(asked.breaker.position is Position.CLOSED)  # chance may have opened it within ten
    asked.requests, asked.at_once = 0, at_once
    for _ in range(120):  # too few to see a pause end at the slowest speed but one
        asked.ask(True, max(speed, 5.0))
        if asked.breaker.position is not Position.CLOSED:
            break
    assert asked.breaker.position is Position.OPEN
    assert asked.requests <= 100


@pytest.mark.parametrize(
    ("speed", "percent", "manner"),
    [
        *itertools.product([5.0, 60.0, 1000.0], [1, 15, 30, 50], ["at random", "in turn"]),
        *itertools.product([0.5], [1, 15, 30], ["at random", "in turn"]),
        *itertools.product([5.0, 60.0, 1000.0], [1, 15, 30, 50], ["in a row"]),
    ],
)  # at 0.5 a second thirty in a row are a minute without an answer: that one is left alone
def test_a_receiver_that_answers_half_and_more_is_not_shut_off(
    speed: float, percent: int, manner: str
) -> None:
    rng = random.Random(percent)
    asked = Asked(Breaker(), rng)
    asked.at_once = 16
    in_a_row = 60 if percent == 50 else 100
    for n in range(20_000):
        if manner == "at random":
            bad = rng.random() * 100 < percent
        elif manner == "in turn":
            bad = n * percent // 100 != (n + 1) * percent // 100
        else:
            bad = n % in_a_row >= in_a_row - percent * in_a_row // 100
        asked.ask(bad, speed)
        assert asked.breaker.position is Position.CLOSED, n
    assert asked.requests == 20_000


def test_one_that_fails_in_nineteen_of_twenty_after_hours_of_good_is_left_alone_soon() -> None:
    breaker, rng = Breaker(), random.Random(7)
    for n in range(60 * 3600):
        breaker.record(n / 60, n / 60, True, rng)
    for n in range(200):
        at = 3600 + n / 60
        if breaker.record(at, at, n % 20 == 19, rng):
            break
    assert breaker.position is Position.OPEN and n < 100


@pytest.mark.parametrize("position", [Position.OPEN, Position.PROBING])
def test_reset_makes_it_as_new(position: Position) -> None:
    breaker = Breaker()
    failing(breaker, 100.0)
    if position is Position.PROBING:
        breaker.started()
    breaker.reset()
    assert breaker.position is Position.CLOSED and breaker.admits(100.0) and not breaker.opens


def test_one_that_is_asked_for_goes_at_once_and_its_failure_leaves_the_pause() -> None:
    breaker = Breaker()
    failing(breaker, 100.0)
    until_s = breaker.until_s
    for _ in range(5):
        assert breaker.ask(101.0) and breaker.admits(101.0)
        breaker.started()
        assert not breaker.ask(101.0), "one at a time"
        breaker.record(101.0, 101.0, False, rng())
        assert position(breaker) is Position.OPEN
        assert (breaker.until_s, breaker.opens) == (until_s, 1)
        assert not breaker.admits(101.0)
    breaker.started()  # its own probe, after the pause
    breaker.record(until_s, until_s, False, rng())
    assert breaker.opens == 2 and breaker.wait_s(until_s) > PAUSE_S


def test_each_success_counts_and_the_next_probe_follows_without_a_pause() -> None:
    breaker = Breaker()
    failing(breaker, 100.0)
    assert breaker.ask(101.0)
    breaker.started()
    breaker.record(101.0, 101.0, True, rng())
    assert breaker.admits(101.0) and breaker.is_recovering
    breaker.succeeded_outside(101.0)
    assert breaker.admits(101.0) and position(breaker) is Position.PROBING
    breaker.started()
    breaker.record(101.0, 101.0, True, rng())
    assert position(breaker) is Position.CLOSED and not breaker.is_recovering


def test_a_success_outside_of_the_lane_ends_the_pause_and_closes_after_three() -> None:
    breaker = Breaker()
    assert not breaker.succeeded_outside(1.0), "nothing to close"
    failing(breaker, 100.0)
    for _ in range(SUCCESSES_TO_CLOSE):
        breaker.succeeded_outside(101.0)
    assert position(breaker) is Position.CLOSED and breaker.admits(101.0)


def test_one_that_is_asked_for_and_proves_nothing_leaves_the_pause() -> None:
    breaker = Breaker()
    failing(breaker, 100.0)
    until_s = breaker.until_s
    breaker.ask(101.0)
    breaker.unproven()  # of one that had begun before: the asked one may still go
    assert breaker.admits(101.0)
    breaker.started()
    breaker.unproven()
    assert breaker.until_s == until_s and not breaker.admits(101.0)


def test_failures_of_attempts_from_before_it_closed_do_not_open_it_again() -> None:
    """Deadlines of a receiver that was silent end half a minute late: it is back by then."""
    breaker = Breaker()
    failing(breaker, 100.0)
    for at in range(SUCCESSES_TO_CLOSE):
        breaker.started()
        breaker.record(110.0 + at, 110.0 + at, True, rng())
    assert position(breaker) is Position.CLOSED
    for _ in range(100):
        assert not breaker.record(129.0, 99.0, False, rng())
    assert position(breaker) is Position.CLOSED
    failing(breaker, 130.0)
    assert position(breaker) is Position.OPEN, "what began since counts"
