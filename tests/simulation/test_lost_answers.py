"""A commit is written and answered StoreDown: what it held is delivered, without a restart."""

import asyncio
from collections.abc import Callable

import pytest

from tests.simulation.loop import simulate
from tests.simulation.world import World
from tidings.core.webhooks.webhook import Ordering
from tidings.store import port

Written = Callable[[port.Batch, port.Receipt], bool]
HEALED_S = 2 * 24 * 3600
LOST = 3  # answers, one after the other

PARTS: dict[str, Written] = {
    "events": lambda batch, _: bool(batch.events),
    "outcomes that free the next of a key": lambda _, receipt: bool(receipt.freed),
    "retries that were taken": lambda _, receipt: bool(receipt.claimed),
    "a slice of what is owed": lambda _, receipt: bool(receipt.fanned_out),
}


async def scenario(part: Written, seed: int) -> None:
    """Receivers that fail, so that there are retries; then a store that never says what it did."""
    world = World(seed, asyncio.get_running_loop())
    main = asyncio.current_task()
    assert main is not None
    world.own.add(main)
    world.per_event_max = 2
    await world.start()
    for ordering in (*Ordering, Ordering.NONE):
        await world.create_webhook(ordering=ordering)
    world.faults.failing = 0.5
    await world.produce(20)
    lost = 0

    def unsaid(batch: port.Batch, receipt: port.Receipt) -> bool:
        nonlocal lost
        if lost == LOST or not part(batch, receipt):
            return False
        lost += 1
        return True

    world.store.unsaid = unsaid
    for _ in range(LOST + 2):
        await world.produce(10)
        await asyncio.sleep(20)
    world.faults.heal()
    await asyncio.sleep(HEALED_S)
    assert lost == LOST, "too few of these commits"
    world.disk.check_owners()
    world.check_events()
    world.check_matching()
    world.check_deliveries()
    world.check_requests()
    await world.stop()


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS.keys())
def test_what_was_written_without_an_answer_is_delivered(part: Written) -> None:
    simulate(1, scenario(part, 1))
