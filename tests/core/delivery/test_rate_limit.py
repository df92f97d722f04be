"""No second holds more starts than the rate, and nothing is held back for longer than that."""

import math
from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from tidings.core.delivery.rate_limit import CATCH_UP_S, ROUNDING_S, RateLimit

RATES = st.one_of(st.floats(0.01, 3), st.floats(0.01, 5000), st.integers(1, 1500).map(float))


def most_in_a_second(starts: list[float]) -> int:
    """The greatest number of starts in any second, its end excluded."""
    ends = (bisect_left(starts, start + 1 - 2 * ROUNDING_S) for start in starts)
    return max((end - at for at, end in enumerate(ends)), default=0)


@given(
    rate=RATES,
    steps=st.lists(st.one_of(st.floats(0, 0.3), st.floats(0, 3)), min_size=1, max_size=80),
    start=st.floats(0, 1e6),
)
def test_no_second_holds_more_than_the_rate(rate: float, steps: list[float], start: float) -> None:
    """However it is asked: at once, at odd times, after long silence."""
    limit, now = RateLimit(rate), start
    starts: list[float] = []
    for step in steps:
        now += step
        while len(starts) < 20_000 and limit.take(now):
            starts.append(now)
    parts = math.ceil(rate / 1000)  # above 1,000 a second, one more for each part of a second
    assert most_in_a_second(starts) <= math.ceil(rate / parts) * parts


@given(rate=st.floats(0.5, 800), late=st.floats(0, CATCH_UP_S / 2), start=st.floats(0, 1e6))
def test_who_waits_as_told_gets_the_rate_even_if_timers_ring_late(
    rate: float, late: float, start: float
) -> None:
    limit, now, given_ = RateLimit(rate), start, 0
    while now < start + 4:
        if limit.take(now):
            given_ += 1
        else:
            now += limit.wait_s(now) + late
    # A start that came late is made up for, unless its second was full.
    assert given_ >= 4 * rate * (1 - 1.5 * late) - 2


@given(rate=RATES, start=st.floats(0, 1e7))
def test_starts_are_spread_and_after_the_wait_there_is_one(rate: float, start: float) -> None:
    """Else a pacing timer would ring in vain, and for ever where time is virtual."""
    limit, now = RateLimit(rate), start
    at_once = 0
    while limit.take(now):
        at_once += 1
    assert at_once <= 1 + math.ceil(CATCH_UP_S * rate)
    for _ in range(50):
        wait = limit.wait_s(now)
        assert 0 < wait <= 1 / rate + 1
        now += wait
        assert limit.take(now)
        while limit.take(now):
            pass


def test_a_changed_limit_counts_what_was_started_before() -> None:
    limit = RateLimit(10.0)
    starts = [at / 100 for at in range(100) if limit.take(at / 100)]
    assert len(starts) == 10
    slower = limit.changed(5.0)
    assert not slower.take(1.0) and not slower.take(1.2), "the last second holds five already"
    assert slower.take(starts[5] + 1.0)
    slow = RateLimit(1.0)
    assert slow.take(0.0)
    faster = slow.changed(10.0)
    assert not faster.take(0.0) and faster.take(0.1), "its distance is kept, too"


@given(rate=st.floats(1, 1000), start=st.floats(0, 1e6), idle=st.floats(1.5, 100))
def test_what_follows_a_silence_is_spread_too(rate: float, start: float, idle: float) -> None:
    limit = RateLimit(rate)
    assert limit.take(start)
    at_once = 0
    while limit.take(start + idle):
        at_once += 1
    assert 1 <= at_once <= 1 + math.ceil(CATCH_UP_S * rate)
