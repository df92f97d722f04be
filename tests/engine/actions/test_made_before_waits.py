"""What was made of an event before a limit put it off is what is done, and once: whatever changes,
ends or is said of it meanwhile."""

import asyncio
from typing import Any

import msgspec
import pytest

from tests.engine.actions.action_world import ORG, ActionWorld, action, call, contact, in_world
from tidings.core.actions.action import PathValue
from tidings.core.delivery.states import State
from tidings.core.delivery.waits import NotYet, WaitReason, WaitsFor
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId

LIMIT = WaitsFor(WaitReason.LIMIT, "The org may write to 3 recipients by limit_per_hour, and has.")
WAITS = NotYet(LIMIT, 1800.0)
ACT = action(
    acts={"": msgspec.structs.replace(call(), json=PathValue("contact.email"))},
    lookups=(contact(),),
)
BEFORE, AFTER = '"before@example.test"', '"after@example.test"'


def look_up(world: ActionWorld, email: str) -> None:
    """Have the look-up find an address, in quotes, from now on."""
    world.contacts.records = {"7": {"email": email.strip('"')}}


def bodies(world: ActionWorld) -> list[str]:
    """Everything that was begun, in order."""
    return [tried.made.act.body for tried in world.doer.tried]  # type: ignore[union-attr]


def row(world: ActionWorld) -> tuple[int, int, State, int, list[tuple[int, str | None]]]:
    """The only delivery: its id and webhook, its state, how many attempts it counts, and its rows
    of attempts: number and fault."""
    [(delivery, webhook, state, attempts)] = rows(
        world, "SELECT id, webhook, state, attempts FROM delivery"
    )
    kept = rows(world, "SELECT number, kind FROM attempt ORDER BY number")
    return delivery, webhook, State(state), attempts, kept


def rows(world: ActionWorld, query: str) -> list[tuple[Any, ...]]:
    return [tuple(found) for found in world.store.half.connection.execute(query)]


@pytest.mark.parametrize("crash", [None, False, True])
def test_what_waited_is_done_once_as_it_was_made_first(crash: bool | None) -> None:
    """Also by the process after this one, whether it was stopped or killed."""

    async def scenario(world: ActionWorld) -> ActionWorld:
        look_up(world, BEFORE)
        world.doer.not_yet = [WAITS, WAITS, WAITS]
        await world.event()
        await asyncio.sleep(1000)
        look_up(world, AFTER)
        assert row(world)[2:] == (State.WAITING, 0, [])
        if crash is not None:
            world = await world.restarted(crash=crash)
        await asyncio.sleep(3 * 1800)
        assert bodies(world) == [BEFORE]
        assert row(world)[2:] == (State.DELIVERED, 1, [(1, None)])
        assert rows(world, "SELECT 1 FROM sent") == [(1,)], "an action keeps what it has done"
        return world

    in_world(scenario, ACT)


def test_what_was_done_and_is_said_to_wait_is_an_attempt_that_counts() -> None:
    """A driver that lies: its act may have been taken, and goes again under a number of its own,
    as it was made."""

    async def scenario(world: ActionWorld) -> None:
        look_up(world, BEFORE)
        world.doer.lies, world.doer.not_yet = True, [WAITS]
        await world.event()
        await asyncio.sleep(0.5)
        look_up(world, AFTER)
        assert row(world)[2:] == (State.RETRYING, 1, [(1, "ours")])
        await asyncio.sleep(60)
        assert bodies(world) == [BEFORE, BEFORE]
        assert row(world)[2:] == (State.DELIVERED, 2, [(1, "ours"), (2, None)])
        assert rows(world, "SELECT 1 FROM waiting") == []

    in_world(scenario, ACT)


def test_what_lies_each_time_ends_with_its_window_and_every_act_is_counted() -> None:
    async def scenario(world: ActionWorld) -> None:
        look_up(world, BEFORE)
        world.doer.lies, world.doer.not_yet = True, [WAITS] * 1000
        await world.event()
        await asyncio.sleep(170 * 3600)
        _, _, state, attempts, kept = row(world)
        assert state is State.FAILED and attempts == len(kept) == len(bodies(world)) > 3
        assert {*bodies(world)} == {BEFORE}

    in_world(scenario, ACT)


@pytest.mark.parametrize("end", ["cancelled", "parked"])
@pytest.mark.parametrize("waited", [False, True])
def test_what_was_taken_after_its_end_is_tried_again_by_hand_with_the_same_bytes(
    waited: bool, end: str
) -> None:
    async def scenario(world: ActionWorld) -> None:
        look_up(world, BEFORE)
        world.doer.not_yet = [WAITS] if waited else []
        world.doer.hangs = True
        await world.event()
        await asyncio.sleep(1801 if waited else 1)
        assert bodies(world) == [BEFORE], "it is under way"
        delivery, webhook, *_ = row(world)
        if end == "cancelled":
            await world.parts.delivery.replay.runs.cancel(ORG, [DeliveryId(delivery)], "brand")
        else:
            await world.parts.webhooks.set_status(webhook, WebhookStatus.DISABLED, "stop", "brand")
        world.doer.hangs = False
        await asyncio.sleep(5)
        ended = State.CANCELLED if end == "cancelled" else State.PARKED
        assert row(world)[2:4] == (ended, 1) and len(world.did()) == 1
        look_up(world, AFTER)
        if end == "parked":
            await world.parts.webhooks.set_status(webhook, WebhookStatus.ACTIVE, None, "brand")
        asked = await world.parts.delivery.manual_retries.ask(ORG, DeliveryId(delivery), webhook)
        assert asked.outcome == "due"
        await asyncio.sleep(5)
        assert bodies(world) == [BEFORE, BEFORE]
        assert row(world)[2:4] == (State.DELIVERED, 2)

    in_world(scenario, ACT)
