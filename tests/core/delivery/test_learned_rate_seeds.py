"""The promises of test_learned_rate.py, kept with one seed after the other: none may hang on luck.

Which answers come first, what the network adds, and which requests one refuses that refuses at
random: that is the seed. The manner of the receiver and the connections go round with it.
"""

import random

import pytest

from tests.core.delivery.limited import (
    KINDS,
    Changing,
    Dead,
    Fixed,
    Limiter,
    Manner,
    Random,
    Sliding,
    limiter,
    run,
)
from tests.depth import depth

LEAST, LEAST_SMALL, REFUSED = 0.85, 0.8, 0.05
MANNERS = [
    Manner(),
    Manner(retry_after=None),
    Manner(status=503),
    Manner(status=503, retry_after=None),
    Manner(latency_s=0.2),
]
SEEDS = range(5, 5 + depth(2, 24))
FEW = SEEDS[: depth(1, 12)]


def turn(seed: int) -> tuple[Manner, int]:
    """How the receiver answers, and over how many connections, in this seed."""
    return MANNERS[seed % 5], 10 if seed % 2 else 64


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rate", [5, 30])
@pytest.mark.parametrize("kind", KINDS)
def test_a_receiver_gets_what_it_admits(kind: str, rate: int, seed: int) -> None:
    manner, cap = turn(seed)
    one = limiter(kind, rate, phase_s=random.Random(seed).random())
    came = run(one, manner, cap=cap, seconds=60.0, seed=seed)
    assert came.rate >= rate * (LEAST_SMALL if kind == "small bucket" else LEAST), came
    assert came.refused_share <= REFUSED and not came.early, came


@pytest.mark.parametrize("seed", FEW)
@pytest.mark.parametrize("kind", [Fixed, Sliding])
@pytest.mark.parametrize(("most", "span_s"), [(50, 10), (200, 10), (300, 60)])
def test_limits_over_long_spans_are_spread_over_them(
    most: int, span_s: int, kind: type[Fixed | Sliding], seed: int
) -> None:
    """After four of them: what is learned of one is tried in the next, and corrected after it."""
    one = kind(most, span_s)
    if isinstance(one, Fixed):
        one.phase_s = random.Random(seed).random() * span_s
    from_s = max(60.0, 4 * span_s)
    came = run(one, MANNERS[seed % 4], seconds=from_s + 150, from_s=from_s, seed=seed)
    assert came.rate >= LEAST * most / span_s and came.refused_share <= REFUSED, came


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("share", [0.03, 0.05, 0.15, 0.3])
def test_one_that_refuses_at_random_is_not_slowed_for_it(share: float, seed: int) -> None:
    one, manner = Random(share, seed), MANNERS[seed % 4]
    came = run(one, manner, offered=lambda now_s: 60 * now_s, seconds=150, seed=seed)
    assert came.rate >= 0.9 * 60 * (1 - share) and not came.opened, came


@pytest.mark.parametrize("seed", FEW)
@pytest.mark.parametrize("share", [0.05, 0.3])
@pytest.mark.parametrize(("kind", "rate"), [("sliding", 5), ("large bucket", 30)])
def test_who_was_taken_for_chance_and_has_a_limit_is_found_out_in_twenty_seconds(
    kind: str, rate: int, share: float, seed: int
) -> None:
    one = Changing(Random(share, seed), 60.0, limiter(kind, rate))
    came = run(one, offered=lambda now_s: 60 * now_s, seconds=140, from_s=80, seed=seed)
    assert came.rate >= LEAST * rate and came.refused_share <= REFUSED, came


@pytest.mark.parametrize("seed", FEW)
@pytest.mark.parametrize("share", [0.05, 0.3])
@pytest.mark.parametrize(("kind", "rate"), [("fixed", 5), ("large bucket", 30)])
def test_who_had_a_limit_and_refuses_at_random_gets_all_again(
    kind: str, rate: int, share: float, seed: int
) -> None:
    one = Changing(limiter(kind, rate), 60.0, Random(share, seed))
    came = run(
        one, offered=lambda now_s: 60 * max(100.0, now_s), seconds=160, from_s=100, seed=seed
    )
    assert came.rate >= 0.9 * 60 * (1 - share), came


@pytest.mark.parametrize("seed", FEW)
@pytest.mark.parametrize("before", ["all", "at random", "limited"])
def test_one_that_dies_is_left_alone_whatever_was_thought_of_it(before: str, seed: int) -> None:
    alive = {"all": Limiter(), "at random": Random(0.3, seed), "limited": Fixed(30)}
    one, manner = Changing(alive[before], 60.0, Dead()), Manner(status=503)
    came = run(
        one, manner, cap=64, offered=lambda now_s: 60 * now_s, seconds=120, from_s=60, seed=seed
    )
    assert came.refused <= 100 and not came.admitted, came
