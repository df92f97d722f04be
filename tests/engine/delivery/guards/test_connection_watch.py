"""What the watch of connections leaves behind when it ends, and how much it tells."""

import asyncio

import pytest

from tests.core.webhooks.hooks import hook
from tests.engine.told_notices import ToldNotices
from tests.simulation.parts import SimulatedClock
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.delivery.guards.connection_watch import NOTICES_MAX, ConnectionWatch
from tidings.engine.listeners import Listeners


class Probes:
    """Probes that end when they are let, or are cancelled."""

    def __init__(self, trouble: str = "nobody listens") -> None:
        self.trouble = trouble
        self.free = asyncio.Event()
        self.begun: list[str] = []
        self.cancelled: list[str] = []

    async def __call__(self, connection: str) -> str:
        self.begun.append(connection)
        try:
            await self.free.wait()
        except asyncio.CancelledError:
            self.cancelled.append(connection)
            raise
        return self.trouble


def name_of(webhook: Webhook) -> str:
    return f"c{webhook.number:02}"


def watching(probes: Probes, count: int) -> tuple[ConnectionWatch, list[Webhook]]:
    registry, webhooks = Registry(), [hook(number, 7) for number in range(1, count + 1)]
    for webhook in webhooks:
        registry.put(webhook)
    watch = ConnectionWatch(
        registry=registry,
        connection_of=name_of,
        probe=probes,
        clock=SimulatedClock(),
        moved=Listeners("a connection is held, or works again"),
        notices=ToldNotices(),
    )
    return watch, webhooks


async def test_a_probe_that_is_under_way_ends_with_the_watch() -> None:
    probes = Probes()
    watch, (webhook,) = watching(probes, 1)
    running = asyncio.create_task(watch.run())
    watch.suspect(webhook, lambda held: None)
    for _ in range(5):
        await asyncio.sleep(0)
    assert (probes.begun, probes.cancelled) == (["c01"], [])
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    for _ in range(5):
        await asyncio.sleep(0)
    assert probes.cancelled == ["c01"]


@pytest.mark.parametrize("more", [0, 1])
async def test_so_many_connections_are_told_one_by_one_and_the_rest_is_counted(more: int) -> None:
    probes = Probes()
    probes.free.set()
    watch, webhooks = watching(probes, NOTICES_MAX + more)
    running = asyncio.create_task(watch.run())
    decided: list[bool] = []
    for webhook in webhooks:
        watch.suspect(webhook, decided.append)
    async with asyncio.timeout(60):
        while len(decided) < len(webhooks):
            await asyncio.sleep(0)
    assert all(decided)
    notices = watch.notices()
    assert len(notices) == NOTICES_MAX + more
    assert ("Further connections" in notices[-1]) is bool(more)
    running.cancel()
