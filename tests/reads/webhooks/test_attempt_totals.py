"""A share of attempts is one of attempts, and never hides a failure by rounding."""

import pytest

from tidings.reads.webhooks.attempt_totals import AttemptTotals


@pytest.mark.parametrize(
    ("ended", "succeeded", "unsent", "good", "bad"),
    [
        (0, 0, 0, None, None),
        (100, 85, 0, 85.0, 15.0),
        (85, 85, 0, 100.0, 0.0),
        (3, 0, 0, 0.0, 100.0),
        (10, 10, 30, 25.0, 75.0),
        (1_000_000, 999_999, 0, 99.99, 0.0),
    ],
)
def test_the_shares_are_those_of_attempts(
    ended: int, succeeded: int, unsent: int, good: float | None, bad: float | None
) -> None:
    totals = AttemptTotals(ended, succeeded, unsent)
    assert (totals.percent_succeeded, totals.percent_failed) == (good, bad)
    assert totals.counted == ended + unsent
