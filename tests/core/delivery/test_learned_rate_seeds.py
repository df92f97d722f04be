"""The promises of test_learned_rate.py, kept with one seed after the other: none may hang on luck.

Which answers come first, what the network adds, and which requests one refuses that refuses at
random: that is the seed. The manner of the receiver and the connections go round with it.
"""

import random
from collections.abc import Sequence
from functools import partial

import pytest

from tests.core.delivery.limited import (
    KINDS,
    PLAIN,
    Changing,
    Dead,
    Fixed,
    Limiter,
    Manner,
    Random,
    Sliding,
    Verdict,
    _World,
    limiter,
    run,
)
from tests.depth import crossed, depth
from tests.depth import share as share_of
from tidings.core.delivery.exchange import (
    AttemptResult,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
    of_fault,
)
from tidings.core.delivery.job import Job
from tidings.core.delivery.outcome import Retry, classify
from tidings.core.delivery.receivers.breaker import Position
from tidings.core.delivery.retry_policy import DEFAULT_POLICY
from tidings.destinations.http.verdicts import judge

LEAST, LEAST_SMALL, REFUSED = 0.85, 0.8, 0.05
RATE, BACK_S = 30, 30.0  # of receivers with outages: what they get from then on
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


@pytest.mark.parametrize(("kind", "rate", "seed"), crossed(KINDS, [5, 30], SEEDS))
def test_a_receiver_gets_what_it_admits(kind: str, rate: int, seed: int) -> None:
    manner, cap = turn(seed)
    one = limiter(kind, rate, phase_s=random.Random(seed).random())
    came = run(one, manner, cap=cap, seconds=60.0, seed=seed)
    assert came.rate >= rate * (LEAST_SMALL if kind == "small bucket" else LEAST), came
    assert came.refused_share <= REFUSED and not came.early, came


@pytest.mark.parametrize(
    ("stalls", "latency_s", "cap"),
    crossed([[], [0.3], [0.5, 0.5, 0.5], [1.0], [1.5]], [0.002, 0.02], [10, 64]),
)
def test_a_sender_that_stood_still_has_learned_no_less_for_it(
    stalls: list[float], latency_s: float, cap: int
) -> None:
    """It knows of no receiver that was shut meanwhile: a few seconds later that one gets what it
    takes, wherever in its span the first request came."""
    for seed in range(depth(10, 150)):
        rng = random.Random(seed)
        when = [(rng.choice([rng.uniform(0, 0.05), rng.uniform(0, 3)]), lasts) for lasts in stalls]
        receiver = Fixed(RATE, phase_s=rng.random())
        manner = Manner(latency_s=latency_s)
        came = run(receiver, manner, cap=cap, seconds=19.0, from_s=11.0, seed=seed, stalls=when)
        assert came.rate >= LEAST * RATE and came.refused_share <= REFUSED, (seed, when, came)


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


@pytest.mark.parametrize("seed", SEEDS[: depth(1, 24)])
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


class OutageWorld(_World):
    """Its receiver answers nobody, or everybody alike, in some spans."""

    def __init__(self, limiter: Limiter, how: str, spans: list[tuple[float, float]]) -> None:
        super().__init__(limiter, PLAIN, 10, None, 0.0, 1)
        self.how, self.spans = how, spans
        self.taken_s: list[float] = []
        self.refused_s: list[float] = []

    def _arrive(self, one: Job, started_s: float, now_s: float) -> None:
        if any(begin_s <= now_s < end_s for begin_s, end_s in self.spans):
            took_s = {"timeout": 5.0}.get(self.how, 0.01)
            self.at(now_s + took_s, partial(self._fails, one, started_s))
            return
        verdict = self.limiter.ask(now_s)
        (self.taken_s if verdict is None else self.refused_s).append(now_s)
        self.at(now_s + 0.02, partial(self._end, one, started_s, verdict))

    def _fails(self, one: Job, started_s: float, now_s: float) -> None:
        if self.how in ("refused", "timeout"):
            fault = TransportFault(FaultKind(self.how), False, "", 10.0)
            self._judged(one, started_s, of_fault(fault), now_s)
        else:
            self._answered(one, started_s, int(self.how), (), now_s)

    def _end(self, one: Job, started_s: float, verdict: Verdict, now_s: float) -> None:
        headers = () if verdict is None else (("retry-after", "2"),)
        self._answered(one, started_s, 200 if verdict is None else 429, headers, now_s)

    def _answered(
        self,
        one: Job,
        started_s: float,
        status: int,
        headers: tuple[tuple[str, str], ...],
        now_s: float,
    ) -> None:
        answer = ReceiverAnswer(status, headers, b"", truncated=False, duration_ms=20.0)
        self._judged(one, started_s, judge(answer, DEFAULT_POLICY, lambda: now_s), now_s)

    def _judged(self, one: Job, started_s: float, result: AttemptResult, now_s: float) -> None:
        lane = self.lane
        came = classify(result, DEFAULT_POLICY, one.attempt, now_s, self.rng)
        moved = lane.judge(result, came, now_s, started_s, self.rng)
        again = isinstance(came, Retry)
        slow = isinstance(came, Retry) and came.slow
        lane.ended(one.delivery, slow=slow, delivered=not again)
        lane.settled(one.delivery, one.attempt)
        if moved and lane.breaker.position is Position.OPEN:
            lane.sleep()
            self.at(lane.breaker.until_s, lambda _: lane.wake())
        elif moved and lane.breaker.position is Position.CLOSED:
            lane.ramp()


@pytest.mark.parametrize(
    ("how", "kind", "times_s"),
    share_of(
        crossed(
            ["503", "429", "502", "500", "refused", "timeout"],
            ["fixed", "sliding", "large bucket"],
            [(30, 10), (90, 10), (90, 60)],
        ),
        0,
        2,
    ),
)
def test_after_each_outage_a_receiver_gets_what_it_admits(
    how: str, kind: str, times_s: tuple[int, int]
) -> None:
    learns_s, lasts_s = times_s
    every_s = lasts_s + BACK_S + 60
    spans = [(learns_s + n * every_s, learns_s + n * every_s + lasts_s) for n in range(3)]
    world = OutageWorld(limiter(kind, RATE), how, spans)
    world.run(spans[-1][0] + every_s)
    for _, end_s in spans:
        from_s, to_s = end_s + BACK_S, end_s + BACK_S + 60
        taken = sum(from_s <= at_s < to_s for at_s in world.taken_s)
        refused = sum(end_s <= at_s < to_s for at_s in world.refused_s)
        assert taken >= LEAST * RATE * 60, (taken, end_s)
        assert refused <= REFUSED * (taken + refused), (refused, end_s)


def test_one_that_takes_less_from_then_on_is_found_out() -> None:
    class Less(Fixed):
        """Three hundred a minute, once it has been out."""

        def ask(self, now_s: float) -> Verdict:
            if now_s > 100 and self.span_s == 1.0:
                self.most, self.span_s = 300, 60.0
            return super().ask(now_s)

    came = run(Less(RATE), seconds=520, from_s=400)
    assert came.rate >= LEAST * 5 and came.refused_share <= REFUSED, came


@pytest.mark.parametrize(
    ("how", "kind", "lasts_s", "times"),
    share_of(
        [
            ("503", "fixed", 5, 3),
            ("429", "sliding", 5, 3),
            ("timeout", "large bucket", 5, 3),
            ("503", "large bucket", 120, 2),
            ("timeout", "fixed", 120, 2),
            ("503", "sliding", 10, 5),
            ("429", "fixed", 10, 5),
            ("timeout", "sliding", 10, 5),
        ],
        0,
        2,
    ),
)
def test_short_and_long_outages_and_five_in_a_row_are_forgotten(
    how: str, kind: str, lasts_s: int, times: int
) -> None:
    every_s = lasts_s + BACK_S + 60
    spans = [(60 + n * every_s, 60 + n * every_s + lasts_s) for n in range(times)]
    world = OutageWorld(limiter(kind, RATE), how, spans)
    world.run(spans[-1][0] + every_s)
    for _, end_s in spans:
        from_s, to_s = end_s + BACK_S, end_s + BACK_S + 60
        taken = sum(from_s <= at_s < to_s for at_s in world.taken_s)
        refused = sum(end_s <= at_s < to_s for at_s in world.refused_s)
        assert taken >= LEAST * RATE * 60, (taken, end_s)
        assert refused <= REFUSED * (taken + refused), (refused, end_s)


class StallingWorld(OutageWorld):
    """Its sender stands still now and then, and then sends what has become due meanwhile."""

    def __init__(
        self,
        limiter: Limiter,
        how: str,
        spans: list[tuple[float, float]],
        stalls: Sequence[tuple[float, float]],
    ) -> None:
        super().__init__(limiter, how, spans)
        self.stalls = stalls

    def _arrive(self, one: Job, started_s: float, now_s: float) -> None:
        if now_s < (end_s := self.stalls_until_s(now_s)):
            self.at(end_s, partial(super()._arrive, one, started_s))
        else:
            super()._arrive(one, started_s, now_s)


@pytest.mark.parametrize(
    ("how", "kind", "phase_s", "before"),
    crossed(
        ["503", "429", "refused"],
        ["fixed", "sliding", "large bucket"],
        [0.37, 0.9],
        [
            ([], 15),
            ([(4, 0.5)], 17),
            ([(5, 0.6), (9, 0.6)], 22),
            ([(4, 1.0), (7, 1.0), (10, 0.7)], 25),
        ],
    ),
)
def test_an_outage_soon_after_refusals_of_other_causes_is_none_the_less_forgotten(
    how: str, kind: str, phase_s: float, before: tuple[Sequence[tuple[float, float]], int]
) -> None:
    """Bursts that are refused before an outage are no outages, and make of it no limit."""
    stalls, learns_s = before
    every_s = 10 + BACK_S + 15
    spans = [(learns_s + n * every_s, learns_s + n * every_s + 10) for n in range(2)]
    world = StallingWorld(limiter(kind, RATE, phase_s), how, spans, stalls)
    world.run(spans[-1][0] + every_s)
    for _, end_s in spans:
        from_s, to_s = end_s + BACK_S, end_s + BACK_S + 15
        taken = sum(from_s <= at_s < to_s for at_s in world.taken_s)
        assert taken >= LEAST * RATE * 15, (taken, end_s)
