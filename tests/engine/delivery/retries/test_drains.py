"""A receiver is back: one delivery shows it, and all that waits is sent now. One that is not back
finds everything as it was."""

import asyncio

import pytest

from tests.engine.delivery.scenes.left_alone import EVENTS, left_alone, query
from tests.engine.notice_world import ORG, NoticeWorld, in_world, in_worlds
from tidings.core.delivery.drain import DrainState
from tidings.core.delivery.learned_rate import AskedWait
from tidings.core.delivery.states import State
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.delivery.retries.open_drains import Drain
from tidings.errors import Conflict
from tidings.store.port import OldestRetry, StoredDelivery, StoreDown


async def deliveries(world: NoticeWorld, crm: Webhook) -> list[StoredDelivery]:
    return list((await world.store.log_deliveries(query(crm))).deliveries)


async def states(world: NoticeWorld, crm: Webhook) -> list[int]:
    return [row.state for row in await deliveries(world, crm)]


async def drained(world: NoticeWorld, crm: Webhook) -> Drain:
    """A drain that is asked for, and over."""
    drain = await world.parts.delivery.drains.begin(crm, "me")
    async with asyncio.timeout(300):
        while not (drain.state.final and drain.ended_ms):
            await asyncio.sleep(0.01)
    return drain


async def waits_for_hours(world: NoticeWorld) -> Webhook:
    """A webhook behind an open breaker whose retries are all due later."""
    crm = await left_alone(world)
    assert {State.RETRYING} <= set(await states(world, crm)) <= {State.RETRYING, State.PENDING}
    return crm


def test_what_waits_for_a_receiver_that_is_back_is_sent_now() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await waits_for_hours(world)
        world.receivers.status["/crm"] = 200
        began_s = asyncio.get_running_loop().time()
        drain = await drained(world, crm)
        assert asyncio.get_running_loop().time() - began_s < 2
        assert (drain.state, drain.delivered, drain.failed, drain.left) == ("done", EVENTS, 0, 0)
        assert drain.answer is not None and drain.answer.status == 200
        assert drain.text == f"{EVENTS} delivered, 0 failed, 0 left."
        assert await states(world, crm) == [State.DELIVERED] * EVENTS
        assert world.engine.healths.shown(crm.number) is None

    in_world(scenario)


def test_a_count_of_a_moment_before_is_not_what_a_drain_ends_with() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await waits_for_hours(world)
        world.receivers.status["/crm"] = 200
        drains, old = world.parts.delivery.drains, [EVENTS] * 4  # one before, three behind it
        fresh = drains._count

        async def count(webhook: Webhook, now_ms: int) -> int:
            return old.pop() if old else await fresh(webhook, now_ms)

        drains._count = count  # type: ignore[method-assign]
        drain = await drained(world, crm)
        assert not old
        assert (drain.state, drain.total, drain.left, drain.why) == ("done", EVENTS, 0, "")

    in_world(scenario)


def test_a_receiver_that_still_fails_finds_everything_as_it_was() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await waits_for_hours(world)
        lane = world.engine.dispatcher.runners.at_work[crm.number].lane
        before, tries = await deliveries(world, crm), world.receivers.tries["/crm"]
        until_s = lane.breaker.until_s
        drain = await drained(world, crm)
        assert drain.state is DrainState.REFUSED and drain.left == EVENTS
        assert drain.answer is not None and drain.answer.status == 503
        assert drain.text.startswith("The receiver answered 503 ")
        assert drain.text.endswith(f" Nothing was changed: {EVENTS} queued.")
        assert world.receivers.tries["/crm"] == tries + 1, "one delivery, and no more"
        assert lane.breaker.until_s == until_s
        await asyncio.sleep(0.5)
        after = await deliveries(world, crm)
        tried = drain.answer.delivery
        moved = [now for was, now in zip(before, after, strict=True) if was.due_ms != now.due_ms]
        assert tried in {row.id for row in moved}, "its next attempt follows the schedule"
        claimed = [row for row in moved if row.id != tried]
        assert len(claimed) <= 1, "what the next probe is to be"
        assert all(row.due_ms is None for row in claimed)
        left = [[row.state for row in rows if row.id != tried] for rows in (before, after)]
        assert left[0] == left[1]

    in_world(scenario)


async def looks_for_work(world: NoticeWorld) -> Webhook:
    """A webhook all of whose deliveries wait for retries, and whose lane may have more to read."""
    crm = await world.webhook("crm", "groupCreated")
    world.receivers.status["/crm"] = 500
    for _ in range(EVENTS):
        await world.event()
    async with asyncio.timeout(60):
        while await states(world, crm) != [State.RETRYING] * EVENTS:
            await asyncio.sleep(0.05)
    world.engine.dispatcher.runners.at_work[crm.number].lane.behind = True
    return crm


def test_a_lane_that_looks_for_work_and_finds_none_is_no_reason_to_wait() -> None:
    """A lane knows only that there may be more in the store than it holds: where all of that
    waits for retries, its look shows nothing, and the drain has one of them tried."""

    async def scenario(world: NoticeWorld) -> None:
        crm = await looks_for_work(world)
        world.receivers.status["/crm"] = 200
        began_s = asyncio.get_running_loop().time()
        drain = await drained(world, crm)
        assert asyncio.get_running_loop().time() - began_s < 2
        assert (drain.state, drain.delivered, drain.left) == ("done", EVENTS, 0)

    in_world(scenario)


def test_what_the_receiver_had_asked_for_holds_again_after_a_lane_has_looked() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await looks_for_work(world)
        lanes = world.parts.delivery.drains._lanes
        ask, waits, held = lanes.ask, [AskedWait(9e9, True)], list[AskedWait]()

        def ask_once_shut(webhook: int) -> AskedWait | None:
            ask(webhook)
            return waits.pop() if waits else None

        def go_on_waiting(webhook: int, waited: AskedWait) -> None:
            held.append(waited)

        lanes.ask = ask_once_shut  # type: ignore[method-assign]
        lanes.go_on_waiting = go_on_waiting  # type: ignore[method-assign]
        drain = await drained(world, crm)
        assert drain.state is DrainState.REFUSED and held == [AskedWait(9e9, True)]

    in_world(scenario)


def test_a_drain_that_begins_beside_others_has_one_delivery_tried() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await looks_for_work(world)
        world.engine.dispatcher.runners.at_work[crm.number].lane.behind = False
        drains, woken = world.parts.delivery.drains, list[int]()
        store = drains._store
        wake = store.wake_oldest

        async def wake_slowly(webhook: int) -> OldestRetry | None:
            woken.append(webhook)
            await asyncio.sleep(1)  # those who carry drains on have looked at it often meanwhile
            return await wake(webhook)

        store.wake_oldest = wake_slowly  # type: ignore[method-assign]
        drains._wake.set()
        tries = world.receivers.tries["/crm"]
        drain = await drained(world, crm)
        assert drain.state is DrainState.REFUSED and woken == [crm.number]
        assert world.receivers.tries["/crm"] == tries + 1

    in_world(scenario)


def test_a_breaker_that_is_closed_is_no_reason_to_wait_for_hours() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated")
        world.receivers.status["/crm"] = 500
        for _ in range(3):
            await world.event()
        await asyncio.sleep(700)
        before = await deliveries(world, crm)
        drain = await drained(world, crm)
        assert drain.state is DrainState.REFUSED and await states(world, crm) == [2, 2, 2]
        await asyncio.sleep(0.5)
        for was, now in zip(before, await deliveries(world, crm), strict=True):
            assert was.due_ms is not None and was.due_ms > drain.begun_ms
            assert now.due_ms == pytest.approx(was.due_ms, abs=100)
        world.receivers.status["/crm"] = 200
        drain = await drained(world, crm)
        assert (drain.state, drain.delivered) == ("done", 3)
        assert await states(world, crm) == [State.DELIVERED] * 3

    in_world(scenario)


def test_a_second_call_joins_the_first_and_a_third_finds_nothing() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await waits_for_hours(world)
        world.receivers.status["/crm"] = 200
        drains = world.parts.delivery.drains
        first, second = await asyncio.gather(drains.begin(crm, "me"), drains.begin(crm, "you"))
        assert first is second
        assert (await drained(world, crm)) is first
        again = await drained(world, crm)
        assert again is not first and again is drains.of(crm)
        assert (again.state, again.text) == (
            "done",
            "Nothing was queued. 0 delivered, 0 failed, 0 left.",
        )

    in_world(scenario)


@pytest.mark.parametrize("how", ["pause", "disable", "stop", "delete"])
def test_a_webhook_that_is_not_sent_to_is_not_drained_and_one_under_way_is_left(how: str) -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await waits_for_hours(world)
        drain = await world.parts.delivery.drains.begin(crm, "me")
        if how == "stop":
            await world.parts.delivery.stops.stop(ORG, "me")
        elif how == "delete":
            await world.webhooks.delete(ORG, crm.id, "me")
        else:
            await world.webhooks.change_status(ORG, crm.id, how, "me")  # type: ignore[arg-type]
        async with asyncio.timeout(60):
            while drain.ended_ms is None:
                await asyncio.sleep(0.01)
        assert drain.state in (DrainState.ENDED, DrainState.REFUSED) and not drain.delivered
        if how == "delete":
            return
        record = world.webhooks.get(ORG, crm.id)
        with pytest.raises(Conflict) as refused:
            await world.parts.delivery.drains.begin(record.webhook, "me")
        code = {"stop": "sending_stopped", "pause": "webhook_paused", "disable": "webhook_disabled"}
        assert refused.value.reason.code == code[how]

    in_world(scenario)


def test_a_store_that_refuses_leaves_nothing_half_begun() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await waits_for_hours(world)
        tries = world.receivers.tries["/crm"]
        world.store.down = True
        with pytest.raises(StoreDown):
            await world.parts.delivery.drains.begin(crm, "me")
        world.store.down = False
        assert world.parts.delivery.drains.of(crm) is None
        assert world.receivers.tries["/crm"] == tries
        world.receivers.status["/crm"] = 200
        drain = await world.parts.delivery.drains.begin(crm, "me")
        while drain.state is DrainState.PROBING:
            await asyncio.sleep(0.001)
        world.store.down = True
        await asyncio.sleep(1)
        world.store.down = False
        async with asyncio.timeout(300):
            while drain.ended_ms is None:
                await asyncio.sleep(0.01)
        assert await states(world, crm) == [State.DELIVERED] * EVENTS

    in_world(scenario)


def test_after_a_kill_midway_what_is_due_goes_on_and_a_repeat_sends_the_rest() -> None:
    async def scenario(world: NoticeWorld) -> NoticeWorld:
        crm = await waits_for_hours(world)
        world.receivers.status["/crm"] = 200
        drain = await world.parts.delivery.drains.begin(crm, "me")
        while not drain.delivered:
            await asyncio.sleep(0.001)
        again = await world.restarted(killed=True)
        assert State.RETRYING in set(await states(again, crm)), "it was midway"
        crm = again.webhooks.get(ORG, crm.id).webhook
        await drained(again, crm)
        assert await states(again, crm) == [State.DELIVERED] * EVENTS
        return again

    in_worlds(scenario)
