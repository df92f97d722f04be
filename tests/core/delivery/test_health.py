"""Its owner is told after 15 minutes; eight days of failing attempts disable it, nothing less."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.core.delivery.exchange import NOT_THE_RECEIVERS, FaultKind
from tidings.core.delivery.receivers.health import (
    DAY_MS,
    DEFAULT_POLICY,
    FIRST,
    OK,
    STEPS,
    Disable,
    Failing,
    HealthPolicy,
    does,
    judge,
    to_tell,
)

SINCE = 1_800_000_000_000
MANY = DEFAULT_POLICY.failures_min
HOUR_MS = 3_600_000
MINUTE_MS = 60_000
TIMES = st.integers(0, 4_000_000_000_000)


@pytest.mark.parametrize(
    ("days", "percent"),
    [
        (0, None),
        (0.01, None),
        (0.011, FIRST),
        (3.99, FIRST),
        (4, 50),
        (5.59, 50),
        (5.6, 70),
        (7.19, 70),
        (7.2, 90),
        (7.99, 90),
    ],
)
def test_the_owner_is_told_after_15_minutes_at_half_at_seven_tenths_and_at_nine(
    days: float, percent: int | None
) -> None:
    verdict = judge(SINCE, MANY, SINCE + round(days * DAY_MS))
    assert verdict == (OK if percent is None else Failing(percent, SINCE + 8 * DAY_MS))


@pytest.mark.parametrize("later", [0, 1, 30 * DAY_MS])
def test_after_eight_days_without_a_success_it_is_disabled(later: int) -> None:
    assert judge(SINCE, MANY, SINCE + 8 * DAY_MS + later) == Disable(SINCE)
    assert judge(SINCE, MANY, SINCE + 8 * DAY_MS - 1) != Disable(SINCE)


def test_one_that_has_not_failed_since_its_last_success_is_well() -> None:
    assert judge(None, 0, SINCE) == OK
    assert judge(None, 500, SINCE) == OK


def test_a_few_failures_far_apart_are_no_proof() -> None:
    assert judge(SINCE, MANY - 1, SINCE + 300 * DAY_MS) == Failing(FIRST, SINCE + 8 * DAY_MS)
    assert judge(SINCE, 2, SINCE + 300 * DAY_MS) == OK
    assert judge(SINCE, MANY, SINCE + 300 * DAY_MS) == Disable(SINCE)


@given(since=TIMES, failures=st.integers(0, 10**9), now=TIMES)
def test_it_is_disabled_exactly_when_all_of_the_way_is_gone(
    since: int, failures: int, now: int
) -> None:
    gone = now - since >= 8 * DAY_MS and failures >= MANY
    assert isinstance(judge(since, failures, now), Disable) == gone


@given(since=TIMES, hours=st.lists(st.integers(0, 240), min_size=2, max_size=20))
def test_it_never_turns_back_without_a_success(since: int, hours: list[int]) -> None:
    def rank(hour: int) -> int:
        verdict = judge(since, MANY, since + hour * HOUR_MS)
        return 100 if isinstance(verdict, Disable) else getattr(verdict, "percent", 0)

    ranks = [rank(hour) for hour in sorted(hours)]
    assert ranks == sorted(ranks)


@given(since=TIMES, hours=st.lists(st.integers(0, 191), max_size=60))
def test_each_step_is_told_at_most_once_between_two_successes(since: int, hours: list[int]) -> None:
    told, said = 0, []
    for failures, hour in enumerate(sorted(hours), start=MANY):
        step = to_tell(judge(since, failures, since + hour * HOUR_MS), told)
        if step is not None:
            said.append(step)
            told = step
    assert said == sorted(set(said)) and set(said) <= {FIRST, *STEPS}


@given(since=TIMES, back=st.integers(0, 400 * DAY_MS))
def test_a_clock_that_was_set_back_says_nothing(since: int, back: int) -> None:
    assert judge(since, 10**6, since - back) == OK


@given(st.integers(1, 100), st.integers(1, 60))
def test_a_policy_of_ones_own_is_followed(percent: int, days: int) -> None:
    policy = HealthPolicy(days * DAY_MS, (percent,), 1, first_after_ms=days * DAY_MS)
    at = SINCE + -(-percent * days * DAY_MS // 100)  # rounded up: the step is reached there
    verdict = judge(SINCE, 1, at, policy)
    assert verdict == (
        Disable(SINCE) if percent == 100 else Failing(percent, SINCE + days * DAY_MS)
    )
    assert judge(SINCE, 1, at - 1, policy) == OK


@pytest.mark.parametrize("minutes", [1, 15, 60, 24 * 60])
def test_the_first_word_comes_when_the_setting_says_and_not_a_moment_before(minutes: int) -> None:
    policy = HealthPolicy(first_after_ms=minutes * MINUTE_MS)
    at = SINCE + minutes * MINUTE_MS
    assert judge(SINCE, 3, at - 1, policy) == OK
    assert judge(SINCE, 3, at, policy) == Failing(FIRST, SINCE + 8 * DAY_MS)
    assert judge(SINCE, 2, at, policy) == OK


def test_what_is_well_or_disabled_is_no_step() -> None:
    assert to_tell(OK, 0) is None
    assert to_tell(Disable(SINCE), 0) is None
    assert to_tell(Failing(70, SINCE), 70) is None
    assert to_tell(Failing(90, SINCE), 50) == 90
    assert to_tell(Failing(FIRST, SINCE), 0) == FIRST
    assert to_tell(Failing(50, SINCE), FIRST) == 50
    assert to_tell(Failing(FIRST, SINCE), FIRST) is None


@pytest.mark.parametrize("kind", sorted(set(FaultKind) - NOT_THE_RECEIVERS))
def test_what_is_charged_to_a_receiver_has_words(kind: FaultKind) -> None:
    assert does(kind) != "fails" and "policy" not in does(FaultKind.RECIPIENTS)
