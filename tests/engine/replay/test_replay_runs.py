"""A job over a store that fails it: nothing is skipped, nothing made twice."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.api.control_client import Service, service
from tests.api.v1.replay_calls import ORG, events, hook, until
from tidings.core.delivery.states import State
from tidings.store import port

Commit = Callable[[port.Batch], Awaitable[port.Receipt]]


async def begun(made: Service, **body: Any) -> tuple[str, str, int]:
    """A replay of twelve failed deliveries; its credential, id and webhook."""
    auth = await made.add_org(ORG)
    shown, number = await hook(made, auth)
    await events(made, number, [State.FAILED] * 12)
    made.lanes.room = 5
    wanted = {"webHookId": shown["webHookId"], "ratePerSecond": 5000} | body
    told = await made.call("POST", "/v1/replays", wanted, auth)
    return auth, told.json["id"], number


async def all_made(made: Service, auth: str, id: str) -> None:
    """Until it has made all of them."""
    while (await until(made, auth, id, "running", "counting"))["made"] < 12:
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("written", [True, False])
async def test_a_slice_whose_answer_is_lost_is_neither_repeated_nor_skipped(written: bool) -> None:
    async with service() as made:
        commit: Commit = made.store.commit
        lost = 0

        async def losing(batch: port.Batch) -> port.Receipt:
            nonlocal lost
            if not batch.replays or lost == 2:
                return await commit(batch)
            lost += 1
            if written:
                await commit(batch)
            raise port.StoreDown("no answer")

        made.store.commit = losing  # type: ignore[method-assign]
        auth, id, number = await begun(made)
        await all_made(made, auth, id)
        pending = await made.store.page(number, 0, 100)
        assert [job.event_id for job in pending] == [f"e{i}" for i in range(12)]
        assert lost == 2 <= made.lanes.reads, "the lane looks for what it was not told of"


async def test_what_goes_wrong_in_a_slice_fails_its_job_and_no_event() -> None:
    async with service() as made:
        commit: Commit = made.store.commit

        async def wrong(batch: port.Batch) -> port.Receipt:
            if batch.replays:
                raise RuntimeError("a bad row")
            return await commit(batch)

        made.store.commit = wrong  # type: ignore[method-assign]
        auth, id, _ = await begun(made)
        failed = await until(made, auth, id, "failed")
        assert "fault of Tidings" in failed["reason"] and failed["made"] == 0
        assert not made.parts.delivery.engine.commits.halted


async def test_no_more_is_made_than_the_lane_has_room_for() -> None:
    async with service() as made:
        made.lanes.room = 0
        auth, id, number = await begun(made)
        made.lanes.room = 0
        await until(made, auth, id, "running")
        await asyncio.sleep(0.1)
        assert await made.store.page(number, 0, 100) == []
        made.lanes.room = 5
        await all_made(made, auth, id)


async def test_a_new_owner_goes_on_where_the_old_one_was() -> None:
    async with service() as made:
        auth, id, number = await begun(made, ratePerSecond=40)
        while not (await until(made, auth, id, "running", "counting"))["made"]:
            await asyncio.sleep(0.01)
        await made.replays.stop()
        assert made.replays._tasks == {}
        made.replays._runs.clear()
        await made.replays.start()
        await all_made(made, auth, id)
        assert len(await made.store.page(number, 0, 100)) == 12
