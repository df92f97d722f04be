"""On its way to being disabled a webhook's owner is told at each step, once and in time, however
often the service is restarted on that way: only time that it ran counts."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.engine.notice_world import ORG, NoticeWorld
from tests.simulation.loop import simulate
from tests.simulation.parts import EPOCH_MS
from tidings.core.delivery.receivers.health import HealthPolicy
from tidings.core.notices.operational_events import DISABLED, FAILING, RECOVERED
from tidings.engine.events.intake import Acceptance, Draft, Overloaded

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
WAY_MS = 5 * HOUR_MS  # eight days are the same way, and a longer run
POLICY = HealthPolicy(disable_after_ms=WAY_MS)
EVENTS_EVERY_MS = 4 * MINUTE_MS
LATE_MS = 10 * MINUTE_MS  # a probe of an open breaker comes every five and a half, if there is one
KILL_MS = 11 * MINUTE_MS  # the time of failing that a kill forgets, and a look at it

Scenario = Callable[[NoticeWorld], Awaitable[NoticeWorld]]


def in_worlds(scenario: Scenario) -> None:
    """Run a scenario that returns the last of its worlds, which is stopped then."""

    async def main() -> None:
        first = NoticeWorld(health=POLICY)
        await first.start()
        await (await scenario(first)).stop()

    simulate(1, main())


async def failing(world: NoticeWorld) -> None:
    """A webhook that fails from now on."""
    world.addresses[ORG] = ("ops@example.test",)
    await world.webhook("crm", "groupCreated", status=500)
    await world.event()
    await asyncio.sleep(1)


async def until_ms(world: NoticeWorld, at_ms: int) -> None:
    """Wait until so many milliseconds of the run have passed, with an event from time to time."""
    while (left_ms := at_ms - asyncio.get_running_loop().time() * 1000) > 0:
        await asyncio.sleep(min(left_ms, EVENTS_EVERY_MS) / 1000)
        if left_ms > EVENTS_EVERY_MS:
            with contextlib.suppress(Overloaded):
                await world.event()


async def for_ms(world: NoticeWorld, ms: int) -> None:
    await until_ms(world, round(asyncio.get_running_loop().time() * 1000) + ms)


def steps(world: NoticeWorld) -> list[tuple[int, int]]:
    """Which were told, and when."""
    return [(row["data"]["percent"], row["createdAt"] - EPOCH_MS) for row in world.told(FAILING)]


def emails(world: NoticeWorld) -> list[str]:
    return [subject for _, _, subject, _ in world.post.sent if "fails" in subject]


LETTERS = [
    "Webhook crm fails",
    *(f"Webhook crm fails: {step} % of the way to being disabled" for step in (50, 70, 90)),
]


def of_the_way(percent: int) -> int:
    return WAY_MS * percent // 100


def check_steps(world: NoticeWorld, late_ms: int = LATE_MS, stood_ms: int = 0) -> None:
    """Each of them once, not sooner than its time and soon after it."""
    told = steps(world)
    assert [percent for percent, _ in told] == [0, 50, 70, 90]
    for percent, at_ms in told[1:]:
        assert 0 <= at_ms - of_the_way(percent) - stood_ms <= late_ms, (percent, at_ms)
    assert emails(world) == LETTERS
    [end] = world.told(DISABLED)
    assert 0 <= end["createdAt"] - EPOCH_MS - WAY_MS - stood_ms <= late_ms


CLOSE = (49.9, 50.6, 69.9, 70.6, 89.9, 90.6)


@pytest.mark.parametrize(
    ("percents", "killed"),
    [((), False), ((30, 60, 80, 95), False), (CLOSE, False), (CLOSE, True)],
)
def test_each_step_is_told_once_and_in_time(percents: Sequence[float], killed: bool) -> None:
    async def scenario(world: NoticeWorld) -> NoticeWorld:
        await failing(world)
        for percent in percents:
            await until_ms(world, round(WAY_MS * percent / 100))
            world = await world.restarted(killed=killed)
        await until_ms(world, of_the_way(130))
        check_steps(world, LATE_MS + (KILL_MS * len(percents) if killed else 0))
        return world

    in_worlds(scenario)


@pytest.mark.parametrize("killed", [False, True])
def test_a_service_that_is_down_while_a_step_passes_tells_it_after_as_long_a_way(
    killed: bool,
) -> None:
    async def scenario(world: NoticeWorld) -> NoticeWorld:
        await failing(world)
        await until_ms(world, of_the_way(45))
        if killed:
            world.engine.healths.close = _nothing  # type: ignore[method-assign]
        await world.stop()
        stood_ms = of_the_way(15)
        await asyncio.sleep(stood_ms / 1000)
        world = NoticeWorld(world)
        await world.start()
        await for_ms(world, LATE_MS)
        assert [percent for percent, _ in steps(world)] == [0], "it was not tried meanwhile"
        await until_ms(world, of_the_way(130))
        check_steps(world, LATE_MS + (KILL_MS if killed else 0), stood_ms)
        return world

    in_worlds(scenario)


def test_what_is_said_of_the_end_is_when_it_comes() -> None:
    """Also after the service stood still: letters name that time."""

    async def scenario(world: NoticeWorld) -> NoticeWorld:
        await failing(world)
        for percent in (30, 80):
            await until_ms(world, of_the_way(percent))
            await world.stop()
            await asyncio.sleep(HOUR_MS / 1000)
            world = NoticeWorld(world)
            await world.start()
        await until_ms(world, of_the_way(150))
        facts = [row["data"] for row in world.told(FAILING)]
        assert [fact["percent"] for fact in facts] == [0, 50, 70, 90]
        ends = [fact["disabledAt"] - fact["failingSince"] for fact in facts]
        assert ends == [WAY_MS, WAY_MS + HOUR_MS, *[WAY_MS + 2 * HOUR_MS] * 2]
        [end] = world.told(DISABLED)
        assert 0 <= end["createdAt"] - facts[-1]["disabledAt"] <= LATE_MS
        return world

    in_worlds(scenario)


@pytest.mark.parametrize(("step", "killed"), [(50, False), (50, True), (70, False), (90, True)])
def test_a_step_that_could_not_be_told_before_a_stop_is_told_after_it(
    step: int, killed: bool
) -> None:
    """Commits took too long for events, and not for what is known of receivers."""

    async def scenario(world: NoticeWorld) -> NoticeWorld:
        await failing(world)
        await until_ms(world, of_the_way(step) - MINUTE_MS)
        world.notices._intake = cast(Any, SimpleNamespace(accept=_full))
        await until_ms(world, of_the_way(step) + LATE_MS + MINUTE_MS)
        assert world.notices._queue, "it waits"
        world = await world.restarted(killed=killed)
        await until_ms(world, of_the_way(130))
        assert [percent for percent, _ in steps(world)] == [0, 50, 70, 90]
        assert emails(world) == LETTERS
        return world

    in_worlds(scenario)


@pytest.mark.parametrize("killed", [False, True])
def test_a_recovery_that_could_not_be_told_before_a_stop_is_told_after_it(killed: bool) -> None:
    async def scenario(world: NoticeWorld) -> NoticeWorld:
        await failing(world)
        await until_ms(world, of_the_way(60))
        world.notices._intake = cast(Any, SimpleNamespace(accept=_full))
        world.receivers.status["/crm"] = 200
        await for_ms(world, LATE_MS)
        assert world.notices._queue, "it waits"
        world = await world.restarted(killed=killed)
        await for_ms(world, HOUR_MS)
        world = await world.restarted(killed=killed)
        await until_ms(world, of_the_way(130))
        [fact] = (row["data"] for row in world.told(RECOVERED))
        assert fact["failingSince"] == world.told(FAILING)[0]["data"]["failingSince"]
        assert [percent for percent, _ in steps(world)] == [0, 50]
        return world

    in_worlds(scenario)


def test_a_success_begins_the_way_anew_also_over_restarts() -> None:
    async def scenario(world: NoticeWorld) -> NoticeWorld:
        await failing(world)
        await until_ms(world, of_the_way(60))
        world.receivers.status["/crm"] = 200
        await for_ms(world, LATE_MS)
        world = await world.restarted()
        world.receivers.status["/crm"] = 500
        await for_ms(world, LATE_MS)
        world = await world.restarted()
        await for_ms(world, of_the_way(55))
        assert [percent for percent, _ in steps(world)] == [0, 50, 0, 50]
        assert len(world.told(RECOVERED)) == 1
        return world

    in_worlds(scenario)


async def _nothing() -> None:
    pass


async def _full(drafts: list[Draft]) -> list[Acceptance]:
    raise Overloaded("commits take too long")
