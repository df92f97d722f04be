"""Two rates, each a share of its own, neither of which hides a failure by rounding."""

import pytest

from tidings.reads.webhooks.attempt_totals import ArrivalTotals, AttemptTotals


@pytest.mark.parametrize(
    ("ended", "succeeded", "unsent", "good", "bad"),
    [
        (0, 0, 0, None, None),
        (100, 85, 0, 85.0, 15.0),
        (85, 85, 0, 100.0, 0.0),
        (3, 0, 0, 0.0, 100.0),
        (10, 10, 30, 25.0, 75.0),
        (1_000_000, 999_999, 0, 99.99, 0.01),
    ],
)
def test_the_shares_are_those_of_attempts(
    ended: int, succeeded: int, unsent: int, good: float | None, bad: float | None
) -> None:
    totals = AttemptTotals(ended, succeeded, unsent)
    assert (totals.percent_succeeded, totals.percent_failed) == (good, bad)
    assert totals.counted == ended + unsent


@pytest.mark.parametrize(
    ("arrived", "never", "due", "good", "bad"),
    [
        (0, 0, 0, None, None),
        (85, 0, 0, 100.0, 0.0),
        (85, 15, 0, 85.0, 15.0),
        (2, 1, 1, 50.0, 25.0),
        (999_999, 1, 0, 99.99, 0.01),
        (1, 999_999, 0, 0.01, 99.99),
    ],
)
def test_what_never_arrived_is_a_share_of_what_has_ended_or_is_due(
    arrived: int, never: int, due: int, good: float | None, bad: float | None
) -> None:
    totals = ArrivalTotals(arrived, never, due)
    assert (totals.percent_arrived, totals.percent_never_arrived) == (good, bad)
