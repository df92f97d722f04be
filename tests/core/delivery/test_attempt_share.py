"""Attempts are counted, and what fails is judged over a window whose two bounds lie apart."""

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidings.core.delivery.receivers.attempt_share import (
    BUCKET_S,
    BUCKETS,
    LEAVES_MIN,
    RUN_MIN,
    WINDOW_S,
    AttemptShare,
    Past,
    Share,
    window_from_ms,
)

MS = 1_800_000_000_000


def played(
    percent: int, seconds: int, per_s: int, seed: int, began_s: float = 1000.0
) -> list[bool]:
    """Whether it was failing after each attempt of a receiver that fails so many at random."""
    rng, attempts, seen = random.Random(seed), AttemptShare(), []
    for at in range(seconds * per_s):
        now_s = began_s + at / per_s
        if rng.random() * 100 < percent:
            attempts.bad(now_s, MS + at * 1000 // per_s, "503")
        else:
            attempts.good(now_s)
        seen.append(attempts.failing(now_s) is not None)
    return seen


def flips(seen: list[bool]) -> int:
    return sum(element != other for element, other in zip(seen, seen[1:], strict=False))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("percent", [15, 30, 60, 100])
@pytest.mark.parametrize("per_s", [1, 20])
def test_what_fails_in_part_is_failing_and_does_not_flip(
    percent: int, per_s: int, seed: int
) -> None:
    seen = played(percent, 400, per_s, seed)
    assert seen[-1] and flips(seen) <= 3
    settled = seen[300 * per_s :]  # one whole window and more
    assert all(settled)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("percent", [0, 1])
def test_what_hardly_ever_fails_is_well(percent: int, seed: int) -> None:
    seen = played(percent, 300, 20, seed)
    assert not any(seen[400:])


def test_it_says_how_much_with_what_and_since_when() -> None:
    attempts = AttemptShare()
    for at in range(100):
        if at % 20 in (3, 9, 15):
            attempts.bad(1000.0 + at, MS + at * 1000, "timeout" if at == 3 else "503")
        else:
            attempts.good(1000.0 + at)
    share = attempts.failing(1100.0)
    assert share == Share(100, 15, "503", MS + 3000)
    assert share.percent == 15.0


def test_it_is_well_again_when_the_failures_are_forgotten_or_drowned() -> None:
    attempts = AttemptShare()
    for _ in range(20):
        attempts.good(1000.0)
        attempts.bad(1000.0, MS, "503")
    for at in range(100):
        attempts.good(1010.0 + at)
    assert attempts.failing(1110.0) is not None, "20 of 140"
    assert attempts.failing(1000.0 + WINDOW_S + 30) is None
    assert not attempts.only_fails(1110.0)


def test_it_is_well_below_one_in_twenty_and_not_at_it() -> None:
    attempts = AttemptShare()
    for _ in range(10):
        attempts.good(1000.0)
        attempts.bad(1000.0, MS, "503")
    for _ in range(180):
        attempts.good(1000.0)
    assert attempts.failing(1000.0) is not None, "10 of 200"
    attempts.good(1000.0)
    assert attempts.failing(1000.0) is None
    for _ in range(5):
        attempts.bad(1000.0, MS, "503")
    assert attempts.failing(1000.0) is None, "failing again only from one in ten"


def test_causes_and_successes_are_forgotten_with_their_time() -> None:
    attempts = AttemptShare()
    for _ in range(50):
        attempts.good(1000.0)
        attempts.bad(1000.0, MS, "timeout")
    assert not attempts.only_fails(1000.0)
    later_s = 1000.0 + WINDOW_S + 30
    assert attempts.only_fails(later_s), "it is a window ago"
    for _ in range(10):
        attempts.bad(later_s, MS + 330_000, "503")
    assert attempts.failing(later_s) == Share(10, 10, "503", MS + 330_000)


def test_what_is_no_longer_tried_is_not_failing_for_ever() -> None:
    attempts = AttemptShare()
    for _ in range(20):
        attempts.bad(1000.0, MS, "503")
    assert attempts.only_fails(1000.0) and attempts.failing(1000.0) is not None
    assert attempts.failing(1000.0 + 10 * WINDOW_S) is None


def test_a_single_failure_or_a_few_attempts_are_no_share() -> None:
    attempts = AttemptShare()
    attempts.good(5.0)
    attempts.bad(5.0, MS, "503")
    for _ in range(7):
        attempts.good(5.0)
    assert attempts.failing(5.0) is None
    attempts.bad(5.0, MS, "503")
    assert attempts.failing(5.0) is not None


def test_one_failure_of_ten_attempts_is_no_share_and_two_of_twenty_are() -> None:
    attempts = AttemptShare()
    attempts.good(5.0)
    attempts.bad(5.0, MS, "503")
    for _ in range(8):
        attempts.good(5.0)
    assert attempts.failing(5.0) is None, "a single one is chance"
    for _ in range(9):
        attempts.good(40.0)
    attempts.bad(100.0, MS + 95_000, "503")
    share = attempts.failing(100.0)
    assert share == Share(20, 2, "503", MS), "since the first of both"


@given(st.lists(st.tuples(st.floats(0, 400), st.booleans()), max_size=60))
def test_it_never_counts_more_than_there_was(steps: list[tuple[float, bool]]) -> None:
    attempts, now_s, bad = AttemptShare(), 0.0, 0
    for passes_s, good in steps:
        now_s += passes_s
        if good:
            attempts.good(now_s)
        else:
            attempts.bad(now_s, MS, "503")
            bad += 1
        share = attempts.failing(now_s)
        assert share is None or 0 < share.failed <= min(bad, share.attempts)


def count(attempts: AttemptShare, now_ms: int, good: bool) -> None:
    """An attempt that ended then, by a clock that begins with the epoch."""
    if good:
        attempts.good(now_ms / 1000)
    else:
        attempts.bad(now_ms / 1000, now_ms, "503")


@pytest.mark.parametrize("failures", [1, 2, 4, 5, 9, 36, 500])
@pytest.mark.parametrize("successes", [0, 3, 20, 400])
def test_a_total_failure_ends_at_the_first_success(failures: int, successes: int) -> None:
    """Whatever came before it, and for good: nothing of it counts later."""
    attempts = AttemptShare()
    for at in range(successes):
        attempts.good(1000.0 + at / 10)
    for _ in range(failures):
        attempts.bad(1060.0, MS, "503")
    attempts.good(1070.0)
    few = successes and failures < 5  # among successes a few are the part that fails
    assert attempts.attempts[1] == (failures if few else 0)
    for at in range(40):
        now_s = 1070.0 + at * 10
        assert attempts.failing(now_s) is None or few
        assert not attempts.only_fails(now_s)
        attempts.good(now_s)


def test_what_fails_in_part_is_not_well_after_a_long_run_of_failures() -> None:
    attempts = AttemptShare()
    for _ in range(40):
        attempts.good(1000.0)
        attempts.bad(1000.0, MS, "503")
    for _ in range(200):
        attempts.bad(1030.0, MS, "503")
    attempts.good(1040.0)
    assert attempts.failing(1040.0) is not None


@pytest.mark.parametrize("per_s", [1, 5, 20])
def test_no_flaps_in_200_looks_at_a_receiver_that_fails_15_percent(per_s: int) -> None:
    """A look each second, after the first ten attempts, with twenty seeds."""
    for seed in range(20):
        seen = played(15, 220, per_s, seed)[10 * max(2, per_s) :: per_s][:200]
        assert flips(seen) <= 1 and seen[-1], seed


@given(
    st.lists(st.tuples(st.integers(0, 60_000), st.booleans()), min_size=1, max_size=60),
    st.integers(0, 400_000),
    st.integers(0, 5_000_000),
)
@example([(0, False)] * 10, 300_000, 29_999)  # what failed has left the window
def test_who_goes_on_after_another_one_judges_as_that_would_have(
    steps: list[tuple[int, bool]], stood_ms: int, began_ms: int
) -> None:
    """By the rows of a store alone, as it groups them, and by the row of its health. Where one had
    forgotten failures that the store still knows, the other is at least not failing where it was
    well."""
    before, now_ms, rows = AttemptShare(), began_ms, list[tuple[int, bool]]()
    run = 0
    forgot = False

    for passes_ms, good in steps:
        now_ms += passes_ms
        bad_before = before.attempts[1]
        count(before, now_ms, good)
        forgot = forgot or (good and before.attempts[1] < bad_before)
        run = 0 if good else run + 1
        rows.append((now_ms, good))
    since_ms = before.since_ms
    from_ms, after = window_from_ms((now_ms + stood_ms) / 1000, now_ms + stood_ms), AttemptShare()
    now_ms += stood_ms
    after.resume(
        now_ms / 1000,
        since_ms,
        [
            Past(1, min(BUCKETS - 1, (at - from_ms) // round(BUCKET_S * 1000)), 1, cause, at)
            for at, good in rows
            if at >= from_ms
            for cause in ["" if good else "503"]
        ],
        run,
    )
    assert after.only_fails(now_ms / 1000) == before.only_fails(now_ms / 1000)
    was = before.failing(now_ms / 1000)
    if forgot:
        assert was is not None or since_ms is not None or after.failing(now_ms / 1000) is None
        return
    assert_judged_alike(after, before, now_ms)
    for more_ms in (0, 40_000, 200_000):
        now_ms += more_ms
        assert_judged_alike(after, before, now_ms)
        for attempts in (before, after):
            count(attempts, now_ms, good=False)
        assert_judged_alike(after, before, now_ms)


def assert_judged_alike(after: AttemptShare, before: AttemptShare, now_ms: int) -> None:
    """Assert the same judgement, and the same share where that is of the window alone, which is all
    that a store knows."""
    share, former = after.failing(now_ms / 1000), before.failing(now_ms / 1000)
    assert (share is None) == (former is None)
    if share is not None and former is not None:
        if former.attempts == sum(before.attempts):
            assert share == former
        assert share.since_ms == former.since_ms
        assert after.attempts == before.attempts


RATES_A_MINUTE = [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 10, 15, 20, 30, 60, 300]


class Unsteady:
    """A receiver that fails 15 % at random, and not so often in a row that it is an outage."""

    def __init__(self, seed: object) -> None:
        self.random = random.Random(str(seed))
        self.attempts = AttemptShare()
        self._run = 0

    def fails_at(self, now_s: float) -> bool:
        """Make an attempt, and return whether it is judged as failing then."""
        self._run = self._run + 1 if self.random.random() < 0.15 and self._run < RUN_MIN - 1 else 0
        if self._run:
            self.attempts.bad(now_s, MS, "503")
        else:
            self.attempts.good(now_s)
        return self.attempts.failing(now_s) is not None


@pytest.mark.parametrize("a_minute", RATES_A_MINUTE)
def test_no_flaps_in_200_looks_at_any_rate_of_attempts(a_minute: float) -> None:
    """Looks after each attempt and before the next, twenty receivers."""
    for seed in range(20):
        receiver, now_s, seen = Unsteady(f"{a_minute} {seed}"), 1000.0, list[bool]()
        for _ in range(200):
            now_s += 60 / a_minute * receiver.random.uniform(0.5, 1.5)
            seen.append(receiver.attempts.failing(now_s - 0.001) is not None)
            seen.append(receiver.fails_at(now_s))
        assert flips(seen) <= 1, seed


@pytest.mark.parametrize("seed", range(30))
def test_no_flaps_where_the_rate_of_attempts_changes(seed: int) -> None:
    """Rates that rise and fall, down to one a minute, and attempts that come in heaps."""
    receiver, now_s, seen = Unsteady(seed), 1000.0, list[bool]()
    for _ in range(8):
        a_minute = receiver.random.choice((1, 2, 3, 4, 10, 100, 600))
        for _ in range(25):
            now_s += 60 / a_minute
            for _ in range(receiver.random.choice((1, 1, 1, 20))):
                seen.append(receiver.fails_at(now_s))
    assert seen[-1] and flips(seen) <= 1


@pytest.mark.parametrize("a_minute", [2.5, 4, 10, 60])
def test_what_is_mended_is_well_again_at_any_rate_of_attempts(a_minute: float) -> None:
    attempts, now_s = AttemptShare(), 1000.0
    for at in range(200):
        now_s += 60 / a_minute
        attempts.bad(now_s, MS, "503") if at % 3 == 0 else attempts.good(now_s)
    assert attempts.failing(now_s) is not None
    good = 0
    while (share := attempts.failing(now_s)) is not None:
        assert 0 < share.failed < share.attempts, "what it says of itself holds"
        now_s += 60 / a_minute
        attempts.good(now_s)
        good += 1
    assert good <= max(LEAVES_MIN + 5 * a_minute / 10, WINDOW_S * a_minute / 60)


def test_a_few_good_ones_are_not_enough_and_eighty_are() -> None:
    attempts = AttemptShare()
    for at in range(10):
        attempts.good(1000.0 + at) if at < 8 else attempts.bad(1010.0, MS, "503")
    for at in range(79):
        attempts.good(1100.0 + 20 * at)
        assert attempts.failing(1100.0 + 20 * at) is not None, at
    attempts.good(2680.0)
    assert attempts.failing(2680.0) is None


@pytest.mark.parametrize(("failed", "attempts_of"), [(0, 80), (1, 92), (2, 104), (5, 140)])
def test_so_many_attempts_are_enough_for_so_many_that_failed(failed: int, attempts_of: int) -> None:
    attempts = AttemptShare()
    for _ in range(10):
        attempts.good(900.0)
        attempts.bad(900.0, MS, "503")
    attempts.good(1100.0)  # what was before the window is remembered
    for _ in range(failed):
        attempts.bad(1290.0, MS, "503")
        attempts.good(1290.0)
    for _ in range(attempts_of - 2 * failed - 2):
        attempts.good(1290.0)
    assert attempts.failing(1290.0) is not None
    attempts.good(1290.0)
    assert attempts.failing(1290.0) is None
