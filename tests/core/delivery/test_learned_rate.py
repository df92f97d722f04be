"""What a lane learns of a receiver's limit, shown with receivers of every kind in simulated time.

After 30 s of learning (or two of its spans, where they are long) a receiver gets 85 % and more of
what it admits, and refuses at most one request in twenty. One that has no limit is never slowed.
"""

from itertools import product

import pytest

from tests.core.delivery.lanes.jobs import job, lane_of
from tests.core.delivery.limited import (
    KINDS,
    Changing,
    Fixed,
    Limiter,
    Manner,
    Random,
    Sliding,
    limiter,
    run,
)
from tests.depth import crossed
from tests.depth import share as share_of
from tidings.core.delivery.learned_rate import RATE_MIN, LearnedRate
from tidings.core.delivery.rate_limit import RateLimit

LEAST, REFUSED = 0.85, 0.05

QUIET = Manner(retry_after=None)
UNAVAILABLE = Manner(status=503)
UNAVAILABLE_QUIET = Manner(status=503, retry_after=None)
FAR = Manner(latency_s=0.2)


@pytest.mark.parametrize(
    ("kind", "rate", "cap", "manner"),
    crossed(KINDS, [5, 30], [10, 64], [Manner(), QUIET, UNAVAILABLE, UNAVAILABLE_QUIET, FAR]),
)
def test_a_receiver_gets_what_it_admits(kind: str, rate: int, cap: int, manner: Manner) -> None:
    came = run(limiter(kind, rate), manner, cap=cap, seconds=60.0)
    assert came.rate >= 0.8 * rate if kind == "small bucket" else came.rate >= LEAST * rate, came
    assert came.refused_share <= REFUSED and not came.early, came


@pytest.mark.parametrize(("kind", "cap"), [("fixed", 10), ("sliding", 64), ("large bucket", 10)])
def test_fast_ones_do_too(kind: str, cap: int) -> None:
    came = run(
        limiter(kind, 500), FAR if cap == 64 else Manner(latency_s=0.01), cap=cap, seconds=45
    )
    able = min(500.0, 0.9 * cap / (0.2 if cap == 64 else 0.01))
    assert came.rate >= LEAST * able and came.refused_share <= REFUSED, came


@pytest.mark.parametrize(
    ("limit", "kind", "manner"),
    crossed(
        [(50, 10), (200, 10), (300, 60)],
        [Fixed, Sliding],
        [Manner(), QUIET, Manner(retry_after="exact"), UNAVAILABLE],
    ),
)
def test_limits_over_long_spans_are_spread_over_them(
    limit: tuple[int, int], kind: type[Fixed | Sliding], manner: Manner
) -> None:
    most, span_s = limit
    came = run(kind(most, span_s), manner, seconds=2 * span_s + 210, from_s=max(60.0, 2 * span_s))
    assert came.rate >= LEAST * most / span_s and came.refused_share <= REFUSED, came
    assert not came.early


@pytest.mark.parametrize(("before", "after"), [(30, 60), (60, 30), (60, 10), (10, 30)])
@pytest.mark.parametrize("manner", [Manner(), UNAVAILABLE_QUIET])
def test_a_limit_that_changes_is_followed(before: int, after: int, manner: Manner) -> None:
    limiter = Changing(Fixed(before), 40.0, Fixed(after))
    came = run(limiter, manner, cap=20, seconds=110, from_s=70)
    assert came.rate >= LEAST * after and came.refused_share <= REFUSED, came


@pytest.mark.parametrize(
    ("share", "manner"),
    share_of(
        [*product([0.03, 0.05, 0.15, 0.3], [Manner(), QUIET, UNAVAILABLE, UNAVAILABLE_QUIET])], 1, 3
    ),
)
def test_one_that_refuses_at_random_is_not_slowed_for_it(share: float, manner: Manner) -> None:
    came = run(Random(share), manner, offered=lambda now_s: 60 * now_s, seconds=150)
    assert came.rate >= 0.9 * 60 * (1 - share) and not came.opened, came


@pytest.mark.parametrize(
    ("manner", "share", "seed"),
    share_of(
        [
            (manner, *drawn)
            for manner in (Manner(), UNAVAILABLE_QUIET)
            for drawn in [(0.15, 3), (0.15, 8), (0.15, 9), (0.3, 1), (0.3, 4)]
        ],
        0,
        3,
    ),
)
def test_one_that_refuses_at_random_from_the_first_request_on_is_found_out(
    share: float, seed: int, manner: Manner
) -> None:
    """A refusal before much was sent makes for a low rate; there a while without one is chance."""
    offered, limiter = (lambda now_s: 60 * now_s), Random(share)
    came = run(limiter, manner, offered=offered, seconds=240, from_s=120, seed=seed)
    assert came.rate >= 0.9 * 60 * (1 - share) and not came.opened, came


@pytest.mark.parametrize(("cap", "latency_s"), [(1, 0.1), (10, 0.5), (64, 1.0)])
def test_one_that_is_only_slow_is_bounded_by_its_connections(cap: int, latency_s: float) -> None:
    came = run(Limiter(), Manner(latency_s=latency_s), cap=cap, seconds=60)
    assert came.rate >= 0.95 * cap / latency_s and not came.refused


def test_traffic_below_the_limit_is_not_held_back() -> None:
    came = run(Fixed(30), offered=lambda now_s: 20 * now_s)
    assert came.rate >= 19.5 and not came.refused
    bursts = run(Fixed(30), offered=lambda now_s: 100 * (now_s // 10))
    assert bursts.rate >= 9.9 and bursts.refused_share <= REFUSED


def test_little_traffic_before_does_not_count_for_what_it_takes() -> None:
    came = run(
        Fixed(30),
        offered=lambda now_s: 5 * now_s + (600 if now_s > 100 else 0),
        seconds=118,
        from_s=100,
    )
    assert came.admitted >= 0.8 * 18 * 30 and came.refused_share <= REFUSED, came


def test_a_refused_one_comes_again_no_sooner_than_told_and_the_others_go_on() -> None:
    lane = lane_of(cap=64)
    learned = lane.learned
    for n in range(30):
        learned.admitted(10 + n / 30, 10 + n / 30)
    learned.refused(11.0, 10.99, 2.0)
    assert learned.rate is not None and 25 <= learned.rate <= 31
    lane.offer(job(1))
    assert learned.wait_s(11.0) < 0.1 and lane.start(11.1) is not None


def test_what_is_refused_among_the_first_few_sets_no_rate_before_a_second_is_over() -> None:
    learned = LearnedRate()
    for n in range(3):
        learned.admitted(10 + n / 100, 10.0)
    learned.refused(10.04, 10.0, 2.0)
    assert learned.rate is None and not learned.shut
    for n in range(10):
        learned.admitted(11 + n / 100, 11.0)
    learned.refused(11.2, 11.0, 2.0)
    assert learned.rate is not None and learned.rate > 9


def test_one_that_admits_nothing_holds_the_lane_for_as_long_as_it_says() -> None:
    lane = lane_of(cap=64)
    lane.learned.refused(10.0, 9.99, 30.0)
    lane.offer(job(1))
    assert lane.start(39.9) is None and lane.wait_s(10.0) == 30.0
    assert lane.start(40.0) is not None


def test_one_that_is_shut_is_asked_more_and_more_seldom_and_heard_the_second_time() -> None:
    learned = LearnedRate()
    learned.admitted(10.0, 10.0)
    for n in range(5):
        learned.refused(10.1 + n / 100, 10.1 + n / 100, 20.0)
    assert learned.shut and learned.wait_s(10.14) <= 0.3
    at = learned.until_s
    assert learned.take(at) and not learned.take(at)
    learned.refused(at, at, 20.0)
    assert learned.wait_s(at) < 1.0
    at = learned.until_s
    assert learned.take(at)
    learned.refused(at, at, 20.0)
    assert learned.wait_s(at) == pytest.approx(20.0)


def test_ten_minutes_without_a_refusal_forget_the_rate() -> None:
    learned = LearnedRate()
    for n in range(20):
        learned.admitted(10 + n / 20, 10 + n / 20)
    learned.refused(11.0, 11.0, 0.0)
    assert learned.rate is not None and learned.rate >= RATE_MIN
    for minute in range(1, 12):
        learned.admitted(11.0 + 60 * minute, 11.0 + 60 * minute)
    assert learned.rate is None


def test_the_webhooks_own_limit_holds_beside_what_is_learned() -> None:
    lane = lane_of(cap=64)
    lane.rate_limit = RateLimit(10)
    lane.learned.admitted(0.0, 0.0)
    lane.learned.refused(0.0, 0.0, 0.0)
    for delivery in range(1, 200):
        lane.offer(job(delivery))
    started = [n for n in range(10_000) if lane.start(5 + n / 1000) is not None]
    assert 1 <= len(started) <= 101
