"""Refusals by chance and those of a limit, told apart by what comes of a greater rate."""

import itertools
import random

import pytest

from tidings.core.delivery.receivers.random_failures import REST_S, RandomFailureDetector, Stage


def suspected(good: int = 9, rate: float = 10.0, now_s: float = 0.0) -> RandomFailureDetector:
    """One of ten refused, until that is tried."""
    chance = RandomFailureDetector()
    suspect(chance, good, rate, now_s)
    return chance


def stage_of(chance: RandomFailureDetector) -> Stage:
    """It moves, which a checker of types cannot see."""
    return chance.stage


def suspect(
    chance: RandomFailureDetector, good: int = 9, rate: float = 10.0, now_s: float = 0.0
) -> None:
    for _ in range(20):
        for _ in range(good):
            chance.admitted()
        if chance.refused(now_s, rate):
            return


def send(
    chance: RandomFailureDetector,
    rate: float,
    share: float,
    seconds: float,
    from_s: float,
    seed: int = 1,
) -> tuple[int, int]:
    """Send so many a second, as long as it is not a limit; how many were sent, and refused."""
    rng = random.Random(seed)
    sent = refused = 0
    while sent < rate * seconds and chance.stage is not Stage.LIMIT:
        at_s = from_s + sent / rate
        bad = rng.random() < share
        sent, refused = sent + 1, refused + bad
        chance.seen(at_s, at_s, not bad)
    return sent, refused


def test_what_a_rate_costs_that_is_about_right_is_not_suspected() -> None:
    assert suspected(good=49).stage is Stage.LIMIT


def test_refusals_that_go_on_are_tried_unless_most_are_refused() -> None:
    assert suspected(good=9).stage is Stage.TRIAL
    assert suspected(good=1).stage is Stage.LIMIT


@pytest.mark.parametrize("seed", range(1, 13))
def test_a_limit_is_found_out_for_a_few_refusals(seed: int) -> None:
    chance = suspected()
    _, refused = send(chance, rate=20.0, share=0.55, seconds=60, from_s=0.0, seed=seed)
    assert stage_of(chance) is Stage.LIMIT and refused <= 12


def test_the_same_share_at_a_greater_rate_is_chance() -> None:
    stages = []
    for seed in range(1, 25):
        chance = suspected()
        from_s = itertools.count()
        for step in range(1, 6):
            send(chance, 10.0 * 2**step, 0.1, 1.1, 1.1 * next(from_s), seed)
        stages.append(chance.stage)
    assert stages.count(Stage.CHANCE) >= 22, stages


def test_where_the_rate_cannot_be_raised_nothing_is_learned() -> None:
    chance = suspected()
    sent, _ = send(chance, rate=10.0, share=0.1, seconds=60, from_s=0.0)
    assert stage_of(chance) is Stage.LIMIT and sent < 60


def test_what_was_taken_for_chance_is_found_out_within_two_steps() -> None:
    chance = suspected()
    for step in range(1, 6):
        send(chance, 10.0 * 2**step, 0.1, 1.1, 1.1 * step)
    assert stage_of(chance) is Stage.CHANCE
    send(chance, 60.0, 0.1, 60.0, 10.0)
    assert stage_of(chance) is Stage.CHANCE
    sent, _ = send(chance, 60.0, 0.5, 60.0, 80.0)
    assert stage_of(chance) is Stage.LIMIT and sent <= 130


def test_after_a_trial_in_vain_there_is_a_rest_and_then_a_longer_one() -> None:
    chance = suspected()
    chance.disprove(0.0)
    suspect(chance, now_s=REST_S - 0.1)
    assert stage_of(chance) is Stage.LIMIT
    suspect(chance, now_s=REST_S)
    assert stage_of(chance) is Stage.TRIAL
    chance.disprove(10.0)
    suspect(chance, now_s=10.0 + 2 * REST_S - 0.1)
    assert stage_of(chance) is Stage.LIMIT
    suspect(chance, now_s=10.0 + 2 * REST_S)
    assert stage_of(chance) is Stage.TRIAL


@pytest.mark.parametrize("good", [0, 60])
def test_forty_refusals_of_a_hundred_may_be_chance_and_no_more(good: int) -> None:
    assert RandomFailureDetector()._keep(good, 40)
    assert not RandomFailureDetector()._keep(good - good // 60, 41)
