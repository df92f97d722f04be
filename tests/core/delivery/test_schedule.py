"""The schedule of retries: its arithmetic, its bounds, and the 168 hours."""

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidings.core.delivery.schedule import (
    DEFAULT_SCHEDULE,
    DELAYS_S,
    HOUR_S,
    JITTER,
    RETRY_AFTER_MAX_S,
    WINDOW_S,
    Schedule,
    next_delay_s,
)

EXACT = Schedule(jitter=0.0)
ATTEMPTS = st.integers(1, 100)
AGES = st.floats(0, WINDOW_S, exclude_max=True)
SEEDS = st.integers(0, 1 << 32).map(random.Random)


def walk(schedule: Schedule, rng: random.Random, takes_s: float = 0.0) -> list[float]:
    """When each attempt of a delivery starts that always fails after `takes_s`."""
    starts, age = [0.0], takes_s
    while (delay := next_delay_s(schedule, len(starts), age, rng)) is not None:
        starts.append(age + delay)
        age = starts[-1] + takes_s
        assert len(starts) < 1000
    return starts


@pytest.mark.parametrize(
    ("attempts", "delay_s"),
    [
        (1, 5),
        (2, 30),
        (3, 120),
        (4, 600),
        (5, 1800),
        (6, 3600),
        (7, 7200),
        (8, 14_400),
        (9, 28_800),
        (10, 43_200),
        (11, 43_200),
        (23, 43_200),
        (10_000, 43_200),
    ],
)
def test_each_attempt_has_its_delay_and_the_last_one_repeats(attempts: int, delay_s: int) -> None:
    assert next_delay_s(EXACT, attempts, 0, random.Random(1)) == delay_s


def test_a_delivery_that_always_fails_is_tried_23_times_in_168_hours() -> None:
    # 5 + 30 + 120 + 600 + 1800 + 3600 + 7200 + 14400 + 28800 = 56,555 s after ten attempts; twelve
    # times 43,200 s fit behind it (574,955 s); the next one is moved to the end of the window.
    starts = walk(EXACT, random.Random(1))
    assert starts[:10] == [0, 5, 35, 155, 755, 2555, 6155, 13_355, 27_755, 56_555]
    assert len(starts) == 23
    assert (starts[-2], starts[-1]) == (574_955, 604_800)


@given(rng=SEEDS, takes_s=st.floats(0, 60))
def test_the_last_attempt_starts_at_168_hours_and_none_after(
    rng: random.Random, takes_s: float
) -> None:
    starts = walk(DEFAULT_SCHEDULE, rng, takes_s)
    assert starts == sorted(starts)
    assert starts[-1] <= WINDOW_S + 1e-6
    assert starts[-1] >= WINDOW_S - takes_s - 1e-6  # one still under way at the end is the last
    assert 20 <= len(starts) <= 27


def test_an_attempt_at_the_end_of_the_window_has_no_successor() -> None:
    for age in (WINDOW_S, WINDOW_S + 0.001, WINDOW_S * 100, float("inf")):
        assert next_delay_s(DEFAULT_SCHEDULE, 5, age, random.Random(1)) is None
        assert next_delay_s(DEFAULT_SCHEDULE, 5, age, random.Random(1), 10.0) is None


@given(attempts=ATTEMPTS, age_s=AGES, rng=SEEDS, wait=st.none() | st.floats(0, 1e12))
@example(1, 0.0, random.Random(0), 1e300)
@example(1, WINDOW_S - 1e-6, random.Random(0), None)
def test_a_delay_is_positive_and_ends_within_the_window(
    attempts: int, age_s: float, rng: random.Random, wait: float | None
) -> None:
    delay = next_delay_s(DEFAULT_SCHEDULE, attempts, age_s, rng, wait)
    assert delay is not None and 0 < delay <= WINDOW_S - age_s


@given(attempts=ATTEMPTS, rng=SEEDS)
def test_a_delay_lies_within_its_jitter(attempts: int, rng: random.Random) -> None:
    base = DELAYS_S[min(attempts, len(DELAYS_S)) - 1]
    delay = next_delay_s(DEFAULT_SCHEDULE, attempts, 0, rng)
    assert delay is not None
    assert base * (1 - JITTER) - 1e-9 <= delay <= base * (1 + JITTER) + 1e-9


def test_deliveries_that_fail_together_are_spread_over_the_whole_jitter() -> None:
    rng = random.Random(7)
    delays = [next_delay_s(DEFAULT_SCHEDULE, 4, 0, rng) or 0 for _ in range(4000)]
    buckets = [0] * 24  # 480 s to 720 s, in steps of ten seconds
    for delay in delays:
        buckets[min(23, int((delay - 480) // 10))] += 1
    assert min(buckets) > 0 and max(buckets) < 2 * len(delays) / len(buckets)


@given(attempts=ATTEMPTS, age_s=AGES, later_s=AGES, seed=st.integers(0, 1 << 32))
def test_an_older_delivery_never_waits_longer(
    attempts: int, age_s: float, later_s: float, seed: int
) -> None:
    young, old = sorted((age_s, later_s))
    first = next_delay_s(DEFAULT_SCHEDULE, attempts, young, random.Random(seed))
    second = next_delay_s(DEFAULT_SCHEDULE, attempts, old, random.Random(seed))
    assert first is not None and second is not None and second <= first


@given(attempts=ATTEMPTS, wait=st.floats(0, 1e9), seed=st.integers(0, 1 << 32))
def test_a_receivers_wish_moves_an_attempt_later_but_never_earlier(
    attempts: int, wait: float, seed: int
) -> None:
    without = next_delay_s(DEFAULT_SCHEDULE, attempts, 0, random.Random(seed))
    with_wish = next_delay_s(DEFAULT_SCHEDULE, attempts, 0, random.Random(seed), wait)
    assert without is not None
    assert with_wish == max(without, min(wait, RETRY_AFTER_MAX_S))
    assert RETRY_AFTER_MAX_S == 24 * HOUR_S


def test_a_wish_cannot_push_the_last_attempt_out_of_the_window() -> None:
    age = WINDOW_S - 60
    assert next_delay_s(EXACT, 3, age, random.Random(1), 3600.0) == 60


def test_a_webhooks_own_schedule_is_followed() -> None:
    own = Schedule(delays_s=(1.0, 10.0), window_s=35.0, jitter=0.0)
    assert walk(own, random.Random(1)) == [0, 1, 11, 21, 31, 35]
    assert walk(Schedule(window_s=0.0), random.Random(1)) == [0]
