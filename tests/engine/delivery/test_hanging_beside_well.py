"""Webhooks of an org that hang, are new and are well, in any mixture: who waits for how long.

The lanes, the slots and the admission are the real ones; receivers and time are simulated.
"""

import asyncio
import random
from collections import Counter
from math import ceil
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.core.delivery.lanes.jobs import job
from tests.depth import depth
from tests.simulation.loop import simulate
from tidings.core.delivery.body_memory import WindowBudget
from tidings.core.delivery.job import Job
from tidings.core.delivery.lane import Lane
from tidings.core.delivery.turns import LanePace
from tidings.core.ids import OrgId
from tidings.engine.delivery.admission import Admission
from tidings.engine.delivery.guards.slot import Slot
from tidings.engine.delivery.runner import WebhookRunner
from tidings.engine.delivery.send_slots import SendSlots

DEADLINE_S, QUICK_S, SOON_S = 30.0, 0.05, 1.0
LASTS_S = 240.0
SEEDS = range(depth(6, 60))


class World:
    """One process: webhooks, their receivers, and how long each event waited for its attempt."""

    def __init__(self, slots: int, rng: random.Random) -> None:
        self.rng = rng
        self.loop = asyncio.get_running_loop()
        self.admission = Admission(slots, 1 << 30, self)
        self.sends = SendSlots(
            admission=self.admission,
            attempts=cast(Any, self),
            channels=cast(Any, self),
            lanes=cast(Any, self),
            errors=cast(Any, None),  # nothing fails here
        )
        self.runners: list[WebhookRunner] = []
        self.answers: dict[int, Any] = {}  # seconds until the answer, or None, at a time
        self.offered_s: dict[int, float] = {}
        self.waits: dict[int, list[tuple[float, float]]] = {}  # by webhook: offered, waited
        self.begun: Counter[int] = Counter()
        self.unproven_most = self.most = 0
        self.leapt_ms = 0

    def may_send(self) -> bool:
        return True

    def keep_warm(self, runner: WebhookRunner) -> None:
        pass

    def webhook(self, org: int, answers: Any, at_once: int = 20) -> WebhookRunner:
        """One whose receiver answers after `answers(now_s)` seconds; None: not at all."""
        number = len(self.runners) + 1
        runner: Any = SimpleNamespace(
            webhook=SimpleNamespace(org=OrgId(org), number=number),
            fetched=False,
            lane=Lane(at_once, None, WindowBudget(1 << 30)),
            pace=LanePace(),
            slots={},
            paced=None,
            waiting_since_s=None,
        )
        self.runners.append(runner)
        self.answers[number] = answers
        self.waits[number] = []
        return cast(WebhookRunner, runner)

    def offer(self, runner: WebhookRunner) -> None:
        number = len(self.offered_s) + 1
        self.offered_s[number] = self.loop.time()
        runner.lane.offer(job(number))
        self.pump(runner)

    def pump(self, runner: WebhookRunner) -> None:
        if runner.lane.can_start:
            self.sends.fill(runner)

    async def make(self, slot: Slot, job: Job, leapt_ms: int) -> None:
        """An attempt: see `Attempts.make`."""
        runner, now_s = slot.runner, self.loop.time()
        number = runner.webhook.number
        offered_s = self.offered_s[job.delivery]
        self.waits[number].append((offered_s, now_s - offered_s))
        self.begun[number] += 1
        org = sum(
            webhook_runner.lane.running
            for webhook_runner in self.runners
            if webhook_runner.webhook.org == runner.webhook.org
        )
        self.most = max(self.most, org)
        takes_s = self.answers[number](now_s)
        await asyncio.sleep(DEADLINE_S if takes_s is None else takes_s)
        runner.lane.ended(job.delivery, slow=False, delivered=takes_s is not None)
        slot.free(self.loop.time(), answered=takes_s is not None)
        runner.lane.settled(job.delivery, job.attempt)

    def waited(self, runner: WebhookRunner, from_s: float = 0.0) -> float:
        """The longest wait of what was offered since then; what waits still, too."""
        done = [wait for at_s, wait in self.waits[runner.webhook.number] if at_s >= from_s]
        return max(done, default=0.0) if not runner.lane.queued else self.loop.time()


def quick(now_s: float) -> float | None:
    return QUICK_S


def never(now_s: float) -> float | None:
    return None


async def feed(world: World, runner: WebhookRunner, every_s: float, until_s: float) -> None:
    while world.loop.time() < until_s:
        await asyncio.sleep(every_s * world.rng.uniform(0.5, 1.5))
        world.offer(runner)


def backlog(world: World, runner: WebhookRunner) -> None:
    for _ in range(world.rng.randrange(5, 60)):
        world.offer(runner)


async def mixture(seed: int) -> None:
    rng = random.Random(seed)
    slots = rng.choice([21, 21, 105, 400])
    share = slots // 2
    world = World(slots, rng)
    feeds = []
    well = [world.webhook(1, quick) for _ in range(rng.randrange(1, 4))]
    for runner in well:
        feeds.append(world.loop.create_task(feed(world, runner, 3.0, LASTS_S)))
    await asyncio.sleep(5.0)
    at_once = rng.choice([1, 20, 200])
    hanging = [world.webhook(1, never, at_once) for _ in range(rng.choice([3, 60]))]
    slow = [world.webhook(1, lambda _: 3.0) for _ in range(rng.randrange(3))]
    for runner in (*hanging, *slow):
        backlog(world, runner)
    other = world.webhook(2, quick)
    feeds.append(world.loop.create_task(feed(world, other, 5.0, LASTS_S)))
    begun_s = world.loop.time()
    await asyncio.sleep(rng.uniform(0, 100))
    new = world.webhook(1, quick)
    made_s = world.loop.time()
    world.offer(new)
    feeds.append(world.loop.create_task(feed(world, new, 2.0, LASTS_S)))
    await asyncio.sleep(DEADLINE_S + 1)
    assert world.begun[new.webhook.number], "a new one waits a deadline at most"
    later_s = world.loop.time()
    await asyncio.gather(*feeds)
    await asyncio.sleep(DEADLINE_S)
    for runner in (*well, other):
        assert world.waited(runner, begun_s) <= SOON_S
    assert world.waited(new, made_s) <= DEADLINE_S and world.waited(new, later_s) <= SOON_S
    assert world.most <= share
    assert world.admission.permits.used == sum(runner.lane.running for runner in world.runners)
    rounds = len(hanging) / max(1, share * 3 // 4)
    if world.loop.time() - begun_s > (rounds + 2) * DEADLINE_S * 4 / 3:
        assert all(
            world.begun[webhook_runner.webhook.number] for webhook_runner in (*hanging, *slow)
        ), "nobody starves"


@pytest.mark.parametrize("seed", SEEDS)
def test_one_that_has_answered_waits_a_second_at_most_and_a_new_one_a_deadline(seed: int) -> None:
    simulate(seed, mixture(seed))


async def all_at_once(seed: int) -> None:
    """All have answered, and all but one hang from one event on."""
    rng = random.Random(seed)
    slots, from_s = rng.choice([21, 105, 400]), 20.0
    world, share = World(slots, rng), slots // 2
    runners = [
        world.webhook(1, lambda now_s: QUICK_S if now_s < from_s else None) for _ in range(60)
    ]
    well = world.webhook(1, quick)
    runners.insert(rng.randrange(60), well)
    while world.loop.time() < 3 * LASTS_S:
        for runner in runners:
            world.offer(runner)
        await asyncio.sleep(5.0)
    await asyncio.sleep(DEADLINE_S)
    # So many hang at a time, and every fourth turn is for those that are known to.
    found_out_s = (ceil(len(runners) / (share - share // 8) * 4 / 3) + 1) * DEADLINE_S
    assert world.waited(well, from_s) <= found_out_s + SOON_S
    assert world.waited(well, from_s + found_out_s + SOON_S) <= SOON_S


@pytest.mark.parametrize("seed", SEEDS)
def test_where_all_others_begin_to_hang_at_once_it_waits_until_they_are_found_out(
    seed: int,
) -> None:
    simulate(seed, all_at_once(seed))


async def one_takes_all(seed: int) -> None:
    """One webhook of many connections has answered always, and hangs with all of them."""
    rng = random.Random(seed)
    world = World(rng.choice([21, 105, 400]), rng)
    greedy = world.webhook(1, lambda now_s: QUICK_S if now_s < 10 else None, 1000)
    well = [world.webhook(1, quick) for _ in range(3)]
    feeds = [world.loop.create_task(feed(world, runner, 2.0, LASTS_S)) for runner in well]
    while world.loop.time() < LASTS_S:
        for _ in range(20):
            world.offer(greedy)
        await asyncio.sleep(1.0)
    await asyncio.gather(*feeds)
    assert max(world.waited(runner) for runner in well) <= SOON_S


@pytest.mark.parametrize("seed", SEEDS)
def test_one_with_many_connections_that_begins_to_hang_leaves_room(seed: int) -> None:
    simulate(seed, one_takes_all(seed))


async def slow_ones_alone(seed: int) -> None:
    """Nobody else is there: who is slow has three quarters, and all of them get as much."""
    world = World(105, random.Random(seed))
    runners = [world.webhook(1, lambda _: 3.0) for _ in range(20)]
    for runner in runners:
        for _ in range(200):
            world.offer(runner)
    await asyncio.sleep(120.0)
    begun = [world.begun[runner.webhook.number] for runner in runners]
    assert sum(begun) >= 0.9 * 39 * 120 / 3.0
    assert max(begun) <= 2 * min(begun)


def test_those_that_are_only_slow_share_what_they_may_have() -> None:
    simulate(1, slow_ones_alone(1))
