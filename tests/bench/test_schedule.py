"""When the events of an open loop are due."""

import pytest

from bench.schedule import due_times

START, SECOND = 5_000_000_000, 1_000_000_000


@pytest.mark.parametrize("even", [True, False])
def test_as_many_are_due_as_the_rate_says(even: bool) -> None:
    times = due_times(START, 20.0, 100.0, 7, even=even)
    assert times == sorted(times) and START <= times[0] and times[-1] < START + 20 * SECOND
    assert abs(len(times) - 2000) < 200


@pytest.mark.parametrize("even", [True, False])
def test_one_is_due_at_least(even: bool) -> None:
    for seed in range(50):
        times = due_times(START, 0.2, 0.5, seed, even=even)
        assert times and all(START <= due < START + SECOND // 5 for due in times)
