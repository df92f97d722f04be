"""What is due at a time is due then, however often the service was restarted in between: retries,
probes, what receivers and mail servers have asked for, letters, and what retention drops."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.api.control_client import Clock
from tests.engine.delivery.scenes.stops import stops_over
from tests.engine.notice_world import ORG, NoticeWorld
from tests.simulation.loop import simulate
from tests.simulation.parts import EPOCH_MS
from tests.store.in_process import MemoryStore
from tests.store.rows import event, new, settled
from tidings.core.delivery.schedule import WINDOW_S
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.core.notices.operational_events import FAILING
from tidings.core.orgs.retention import DAY_MS, RetentionDays
from tidings.egress.port import MailFailed
from tidings.engine.delivery.stops import EVERYTHING, HOLD
from tidings.engine.events.intake import Draft
from tidings.engine.retention import FIRST_AFTER_S, Retention
from tidings.store import port

NEAR_MS = 150  # a commit, an attempt's length, and turns of the loop
MINUTE = 60
HOUR = 3600


def in_worlds(scenario: Callable[[NoticeWorld], Awaitable[NoticeWorld]]) -> None:
    """Run a scenario that returns the last of its worlds, which is stopped then."""

    async def main() -> None:
        first = NoticeWorld()
        await first.start()
        await (await scenario(first)).stop()

    simulate(1, main())


def rows(world: NoticeWorld, query: str) -> Any:
    return world.store.half.connection.execute(query).fetchall()


async def until_ms(at_ms: int) -> None:
    """Wait until so many milliseconds of the run have passed."""
    await asyncio.sleep(at_ms / 1000 - asyncio.get_running_loop().time())


async def restart_before(world: NoticeWorld, due_ms: int, restarts: int) -> NoticeWorld:
    """So many restarts, spread over the time up to then."""
    began_ms = asyncio.get_running_loop().time() * 1000
    for at in range(1, restarts + 1):
        await until_ms(round(began_ms + (due_ms - began_ms) * at / (restarts + 1)))
        world = await world.restarted(killed=at == restarts)
    await until_ms(due_ms - NEAR_MS)
    return world


@pytest.mark.parametrize("restarts", [0, 2])
def test_a_retry_comes_when_it_is_due(restarts: int) -> None:
    async def scenario(world: NoticeWorld) -> NoticeWorld:
        await world.webhook("crm", "groupCreated", status=500)
        await world.event()
        tries = 1
        for _ in range(4):
            await asyncio.sleep(1)
            [(due,)] = rows(world, "SELECT due_ms - 1800000000000 FROM delivery")
            world = await restart_before(world, due, restarts)
            assert len(world.receivers.tried_ms) == tries, "not sooner"
            await until_ms(due + 2 * NEAR_MS)
            tries += 1
            assert len(world.receivers.tried_ms) == tries, "and not later"
        return world

    in_worlds(scenario)


def test_the_last_attempt_is_at_the_end_of_168_hours_of_whoever_is_there() -> None:
    async def scenario(world: NoticeWorld) -> NoticeWorld:
        await world.webhook("crm", "groupCreated", status=500)
        await world.event()
        await asyncio.sleep(1)
        for hour in (40, 167, 167.9):
            await world.stop()
            await until_ms(round(hour * HOUR * 1000))  # nothing runs meanwhile
            world = NoticeWorld(world)
            await world.start()
            await asyncio.sleep(1)
        [(state, due)] = rows(world, "SELECT state, due_ms - 1800000000000 FROM delivery")
        assert state == State.RETRYING and abs(due - WINDOW_S * 1000) <= NEAR_MS
        tries = len(world.receivers.tried_ms)
        world = await restart_before(world, due, 1)
        assert len(world.receivers.tried_ms) == tries
        await until_ms(due + 2 * NEAR_MS)
        assert len(world.receivers.tried_ms) == tries + 1
        assert rows(world, "SELECT state FROM delivery") == [(State.FAILED,)]
        return world

    in_worlds(scenario)


@pytest.mark.parametrize("restarts", [0, 2])
def test_an_open_breaker_asks_when_its_pause_is_over(restarts: int) -> None:
    async def scenario(world: NoticeWorld) -> NoticeWorld:
        crm = await world.webhook("crm", "groupCreated", status=500)
        for _ in range(16):
            await world.event()
        for _ in range(4):
            await asyncio.sleep(2.5)
            known = world.engine.healths.of(crm.number)
            assert known is not None and known.opens
            due = known.until_ms - EPOCH_MS
            if due < asyncio.get_running_loop().time() * 1000 + 2 * NEAR_MS:
                await until_ms(due + 2 * NEAR_MS)
                continue
            tries = len(world.receivers.tried_ms)
            world = await restart_before(world, due, restarts)
            assert len(world.receivers.tried_ms) == tries, "not sooner"
            await until_ms(due + 2 * NEAR_MS)
            assert len(world.receivers.tried_ms) == tries + 1, "and not later"
        return world

    in_worlds(scenario)


@pytest.mark.parametrize("restarts", [0, 2])
def test_a_receiver_that_said_when_to_come_back_is_left_alone_until_then(restarts: int) -> None:
    """Not the delivery that it refused alone: nothing is sent to it."""

    async def scenario(world: NoticeWorld) -> NoticeWorld:
        world.receivers.headers = (("retry-after", "120"),)
        crm = await world.webhook("crm", "groupCreated", status=429, maxAllowedConnections=1)
        for _ in range(3):
            await world.event()
        await asyncio.sleep(3)
        assert len(world.receivers.tried_ms) == 1
        due = world.receivers.tried_ms[0] + 120_000
        world.receivers.status["/crm"] = 200
        world = await restart_before(world, due, restarts)
        assert len(world.receivers.tried_ms) == 1, "not sooner"
        await until_ms(due + 10_000)
        assert len(world.receivers.tried_ms) == 4, "and then all that has waited"
        assert world.engine.healths.of(crm.number) is None, "nothing is left of it"
        return world

    in_worlds(scenario)


def test_another_receiver_is_not_left_alone_for_what_the_former_one_said() -> None:
    async def scenario(world: NoticeWorld) -> NoticeWorld:
        world.receivers.headers = (("retry-after", "300"),)
        crm = await world.webhook("crm", "groupCreated", status=429, maxAllowedConnections=1)
        for _ in range(2):
            await world.event()
        await asyncio.sleep(3)
        moved = {"webHookUrl": "https://sim.example/other"}
        await world.webhooks.replace(ORG, crm.id, moved, "test")
        await asyncio.sleep(3)
        world = await world.restarted()
        await asyncio.sleep(3)
        await world.event()
        await asyncio.sleep(3)
        assert world.receivers.tries["/other"] == 2
        return world

    in_worlds(scenario)


@pytest.mark.parametrize("killed", [False, True])
def test_its_owner_hears_after_a_quarter_of_an_hour_of_failing(killed: bool) -> None:
    async def scenario(world: NoticeWorld) -> NoticeWorld:
        world.addresses[ORG] = ("ops@example.test",)
        await world.webhook("crm", "groupCreated", status=500)
        for _ in range(3):
            await world.event()
        for minute in (4, 8, 12):
            await until_ms(minute * MINUTE * 1000)
            world = await world.restarted(killed=killed)
            await world.event()
        await until_ms(round(14.8 * MINUTE * 1000))
        assert not world.told(FAILING)
        # A kill forgets half a minute at most, and looks are half a minute apart.
        await until_ms(round((17.2 if killed else 15.7) * MINUTE * 1000))
        assert len(world.told(FAILING)) == len(world.post.sent) == 1
        world = await world.restarted(killed=killed)
        await asyncio.sleep(20 * MINUTE)
        assert len(world.told(FAILING)) == len(world.post.sent) == 1
        return world

    in_worlds(scenario)


def test_restarts_begin_no_new_hour_for_letters_about_ended_deliveries() -> None:
    async def scenario(world: NoticeWorld) -> NoticeWorld:
        world.addresses[ORG] = ("ops@example.test",)
        await world.webhook("crm", "groupCreated", status=400)
        for _ in range(6):
            await world.event()
            await asyncio.sleep(10)
            world = await world.restarted()
        ended = [subject for _, _, subject, _ in world.post.sent if "ended without" in subject]
        assert ended == ["Webhook crm: 1 delivery has ended without success"]
        world = await restart_before(world, HOUR * 1000, 2)
        assert len(world.post.sent) == 1
        await until_ms((HOUR + 1) * 1000)
        ended = [subject for _, _, subject, _ in world.post.sent if "ended without" in subject]
        assert ended[1:] == ["Webhook crm: 5 deliveries have ended without success"]
        await asyncio.sleep(2 * HOUR)
        await world.event()
        await asyncio.sleep(61)
        ended = [subject for _, _, subject, _ in world.post.sent if "ended without" in subject]
        assert len(ended) == 3
        assert rows(world, "SELECT count(*) FROM letter") == [(1,)], "of the last one alone"
        return world

    in_worlds(scenario)


@pytest.mark.parametrize("restarts", [0, 2])
def test_a_letter_is_tried_again_when_it_is_due(restarts: int) -> None:
    async def scenario(world: NoticeWorld) -> NoticeWorld:
        world.addresses[ORG] = ("ops@example.test",)
        world.post.fail = MailFailed("the mail server answers 451")
        crm = await world.webhook("crm", "groupCreated")
        world.failing(crm, port.StoredHealth(crm.number, 5, 12, "503", notified=50))
        for tries in (1, 2, 3):
            await asyncio.sleep(1)
            [(due,)] = rows(world, "SELECT due_ms - 1800000000000 FROM letter")
            world = await restart_before(world, due, restarts)
            assert world.post.tries == tries, "not sooner"
            await until_ms(due + NEAR_MS)
            assert world.post.tries == tries + 1, "and not later"
        return world

    in_worlds(scenario)


@pytest.mark.parametrize("restarts", [0, 2])
def test_what_waits_behind_another_one_goes_once_that_one_has_ended(restarts: int) -> None:
    async def scenario(world: NoticeWorld) -> NoticeWorld:
        await world.webhook("crm", "groupCreated", status=500, ordering="strict")
        for _ in range(3):
            await world.event()
        await asyncio.sleep(1)
        [(due,)] = rows(world, "SELECT due_ms - 1800000000000 FROM delivery WHERE state = 2")
        assert len(world.receivers.tried_ms) == 1
        world.receivers.status["/crm"] = 200
        world = await restart_before(world, due, restarts)
        assert len(world.receivers.tried_ms) == 1
        await until_ms(due + 1000)
        got = [row["data"]["groupId"] for row in world.receivers.got["/crm"]]
        assert got == [1, 1, 2, 3]
        return world

    in_worlds(scenario)


def test_a_hold_has_no_end_of_its_own_and_a_restart_is_none() -> None:
    async def scenario() -> None:
        clock = Clock()
        store: Any = MemoryStore(clock)
        await stops_over(store, clock).stop(OrgId(7), "ops")
        await stops_over(store, clock).stop(EVERYTHING, HOLD)
        since = clock.ms
        for _ in range(3):
            clock.ms += DAY_MS
            stops = stops_over(store, clock)
            await stops.load()
            assert stops.is_stopped(OrgId(7)) and stops.is_stopped(OrgId(8))
            stop = stops.of(OrgId(7))
            assert stop is not None and stop.since_ms == since
        await stops.start(EVERYTHING)
        stops = stops_over(store, clock)
        await stops.load()
        assert stops.is_stopped(OrgId(7)) and not stops.is_stopped(OrgId(8))

    simulate(1, scenario())


def test_retention_drops_in_time_in_a_service_that_is_restarted_every_hour() -> None:
    """No restart begins its rhythm anew so that it never comes, nor drops anything sooner."""

    async def scenario() -> None:
        clock: Any = Clock()
        store: Any = MemoryStore(clock)
        began_ms = clock.ms
        firsts = store.half.commit(port.Batch(1, [event("e1", new(1), org=1)])).firsts
        store.half.commit(port.Batch(0, settled=[settled(firsts[0])]))
        dropped_h = None
        for hour in range(27):
            clock.ms = began_ms + hour * HOUR * 1000
            keeps = Retention(
                store=store,
                clock=clock,
                retentions=lambda: {OrgId(1): RetentionDays(payload_days=1)},
            )
            job = asyncio.ensure_future(keeps.run())
            for _ in range(6):
                await asyncio.sleep(600)
                clock.ms += 599_000
                [(bodies,)] = store.half.connection.execute("SELECT count(*) FROM body").fetchall()
                if not bodies and dropped_h is None:
                    dropped_h = hour
            job.cancel()
            await asyncio.gather(job, return_exceptions=True)
        assert dropped_h == 24
        assert FIRST_AFTER_S < 60

    simulate(1, scenario())


async def sent(world: NoticeWorld, id: str, name: str) -> str:
    """What somebody is told who sends an event, perhaps once more."""
    fact = {"eventName": name, "data": {"groupId": 7}}
    [verdict] = await world.parts.events.acceptor.accept(
        [Draft(ORG, name, id, json.dumps(fact).encode(), fact)]
    )
    return verdict.status


@pytest.mark.parametrize("restarts", [0, 3])
@pytest.mark.parametrize("status", [200, 500], ids=["delivered", "unfinished"])
def test_an_event_is_a_duplicate_until_retention_has_dropped_it(status: int, restarts: int) -> None:
    """Also one that nobody subscribes to; what is unfinished is kept, and so is its id."""
    days = {ORG: RetentionDays(payload_days=1, metadata_days=1)}

    async def again(world: NoticeWorld) -> tuple[str, str]:
        return await sent(world, "a", "groupCreated"), await sent(world, "b", "groupDeleted")

    async def kept(world: NoticeWorld, to_ms: int) -> None:
        """Until then retention is at work, as a part of this process."""
        store: Any = world.store
        keeps = Retention(store=store, clock=world.clock, retentions=lambda: days)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(to_ms / 1000):
                await keeps.run()

    async def scenario(world: NoticeWorld) -> NoticeWorld:
        await world.webhook("crm", "groupCreated", status=status)
        assert await again(world) == ("accepted", "accepted")
        whose = {200: "accepted", 500: "duplicate"}[status]
        began_ms = 0
        for minutes, told in {
            1: ("duplicate", "duplicate"),
            720: ("duplicate", "duplicate"),
            1439: ("duplicate", "duplicate"),
            1490: (whose, "accepted"),
            2160: ("duplicate", "duplicate"),  # of the new ones
        }.items():
            ended_ms = minutes * 60_000
            for part in range(1, restarts + 1):
                await kept(world, began_ms + (ended_ms - began_ms) * part // (restarts + 1))
                world = await world.restarted(killed=part == 1)
            await kept(world, ended_ms)
            began_ms = ended_ms
            assert await again(world) == told, minutes
        return world

    in_worlds(scenario)
