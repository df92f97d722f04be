"""51: what ends a delivery or a webhook is time that has passed, however the wall clock leaps.

Receivers are down while the clock leaps ahead and back, or back and ahead, for seconds or hours,
once or again and again, also while the process is dead. Nothing is exhausted or parked before its
168 hours have passed, nothing disabled before eight days have; what was retried meanwhile comes in
time when its receiver is well again; and one that stays down is disabled all the same.
"""

import asyncio
import os
import random
from typing import Any

import pytest

from tests.depth import depth
from tests.simulation.loop import SimulatedLoop
from tests.simulation.parts import Disk, SimulatedClock
from tests.simulation.world import ORG, World
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.steady_clock import SteadyClock
from tidings.engine.delivery import health_tracker
from tidings.engine.events.intake import Draft

SEEDS = depth(1, 16, "TIDINGS_SIMULATION_SEEDS")
FIRST = int(os.environ.get("TIDINGS_SIMULATION_FIRST", "0"))
DAY_S = 86_400.0
DAY_MS = 86_400_000
DOWN = 2  # receivers that are down, and come back
FOR_EVER = 2  # one that does not
LASTS_S = (10.0, 120.0, 1_200.0, 4 * 3600.0)
CALM_REVIEW_S = 600.0  # who fails is looked at so seldom on days without a leap: it is their cost
REVIEW_EVERY_S = health_tracker.REVIEW_EVERY_S


class StoreDates:
    """The dates that the store writes."""

    def __init__(self, disk: Disk) -> None:
        self.now_ms = disk.half.clock_ms


class LeapWorld(World):
    """A world whose wall clock can be set while it runs."""

    def __init__(self, seed: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(seed, loop)
        self.wall = SimulatedClock()
        self.disk = Disk(self.wall, loop.time)
        self.clock: Any = StoreDates(self.disk)
        self.events = 0

    def dates(self) -> SteadyClock:
        return SteadyClock(self.wall.now_ms, self.loop.time)

    async def leap(self, by_ms: int, lasts_s: float) -> None:
        """The clock is elsewhere for a while, and right again."""
        self.wall.skew_ms += by_ms
        await asyncio.sleep(lasts_s)
        self.wall.skew_ms -= by_ms

    async def event(self) -> None:
        self.events += 1
        event_id = f"ev-{self.events}"
        body = b'{"id":"%s","key":"k0","data":{"key":"k0"}}' % event_id.encode()
        self.submitted.setdefault(event_id, set()).add(body)
        await self.post(
            [Draft(ORG, "a", event_id, body, {"data": {"key": "k0"}, "eventName": "a"})]
        )

    def standings(self) -> list[WebhookStatus]:
        return [
            self.webhooks.get(ORG, self.known[number].id).webhook.status for number in self.known
        ]

    def check_ends(self) -> None:
        """51: nothing has ended that had time left."""
        now_s = self.loop.time()
        if now_s < 8 * DAY_S:
            ended = [
                standing for standing in self.standings() if standing is WebhookStatus.DISABLED
            ]
            assert not ended, "51 nothing is disabled before eight days have passed"
        for event_id, state in self.disk.ask(
            "SELECT e.id, d.state FROM delivery d JOIN event e ON e.seq = d.event"
            " WHERE d.state IN (?, ?)",
            State.FAILED,
            State.PARKED,
        ):
            left_s = 168 * 3600 - (now_s - self.accepted[event_id][2])
            disabled = now_s >= 8 * DAY_S and state == State.PARKED
            assert left_s <= 1 or disabled, (
                "51 nothing ends early",
                event_id,
                State(state),
                left_s,
            )


async def days(world: LeapWorld, until_days: float, rng: random.Random) -> None:
    """Events come in, and the ends are looked at."""
    while world.loop.time() < until_days * DAY_S:
        await world.event()
        await asyncio.sleep(rng.random() * 4 * 3600)
        world.check_ends()


async def run(seed: int, loop: SimulatedLoop) -> None:
    rng = random.Random(seed * 49_979_687)
    world = LeapWorld(seed, loop)
    main = asyncio.current_task()
    assert main is not None
    world.own.add(main)
    await world.start()
    while len(world.known) < DOWN + 2:
        await world.create_webhook(ordering="none", may_filter=False)
    world.network.broken |= {*range(DOWN), FOR_EVER}
    await days(world, 1.5, rng)
    for _ in range(rng.choice((1, 1, 3))):
        health_tracker.REVIEW_EVERY_S = REVIEW_EVERY_S
        await asyncio.sleep(CALM_REVIEW_S)  # from now on as often as it runs
        by_ms = rng.choice((8, -8, 30)) * DAY_MS
        lasts_s = rng.choice(LASTS_S)
        leaping = world.spawn(world.leap(by_ms, lasts_s))
        if rng.random() < 0.3:
            await asyncio.sleep(rng.random() * lasts_s)
            await world.kill()
            await world.start()
        while not leaping.done():
            await world.event()
            await asyncio.sleep(min(lasts_s / 5, 600.0))
            world.check_ends()
        await asyncio.sleep(CALM_REVIEW_S)
        world.check_ends()
        health_tracker.REVIEW_EVERY_S = CALM_REVIEW_S
        await days(world, loop.time() / DAY_S + rng.random() / 2, rng)
    await days(world, 4, rng)

    world.network.broken -= set(range(DOWN))  # they are well again
    unfinished = {
        int(id)
        for (id,) in world.disk.ask(
            "SELECT id FROM delivery WHERE state NOT IN (3, 4, 5, 6) AND webhook <> ?",
            world.known[FOR_EVER].number,
        )
    }
    assert unfinished
    await days(world, 5, rng)
    world.check_arrived(unfinished)

    await days(world, 8.7, rng)
    standings = world.standings()
    assert standings[FOR_EVER] is WebhookStatus.DISABLED, "51 eight days that passed disable"
    assert standings.count(WebhookStatus.DISABLED) == 1
    await world.stop()
    world.disk.check_moves()


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_nothing_ends_by_a_leap_of_the_clock(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_tracker, "REVIEW_EVERY_S", CALM_REVIEW_S)
    loop = SimulatedLoop(seed)
    try:
        loop.run_until_complete(run(seed, loop))
    finally:
        loop.close()
