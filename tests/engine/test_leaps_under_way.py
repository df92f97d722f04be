"""The age of a delivery whose attempt is under way while a leap of the clock is followed."""

import asyncio
from typing import Any

import msgspec
import pytest

from tests.engine.delivery.scenes.slow_line import SlowLine, changed, desk_of
from tests.engine.shaping.sending_desk import HOOK, Desk, Shaping, job
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.store import port

LEAP_MS = 8 * 86_400_000


def leap(desk: Desk) -> None:
    """The store has followed one, and the dispatcher is told."""
    clock: Any = desk.dispatcher._clock
    now_ms = clock.now_ms()
    clock.now_ms = lambda: now_ms + LEAP_MS
    desk.dispatcher.leapt(LEAP_MS)


@pytest.mark.parametrize("moment", ["before", "shaping", "connecting", "put back"])
async def test_a_leap_while_an_attempt_is_under_way_is_no_age(moment: str) -> None:
    line, shaper = SlowLine(503), Shaping()
    desk = desk_of(line, HOOK, shaper)
    if moment == "shaping":
        shaper.do = lambda: leap(desk) if shaper.asked == 1 else None
    desk.dispatcher.handover.take(port.Receipt(now_ms=1_000, claimed=(job(),)), [], [])
    if moment == "before":
        leap(desk)
    for _ in range(50):
        await asyncio.sleep(0)
    if moment in ("connecting", "put back"):
        leap(desk)
    if moment == "put back":
        changed(desk, HOOK, status=WebhookStatus.PAUSED)
    line.connected.set()
    await desk.work()
    if moment == "put back":
        assert desk.quiet.settled == []
        desk.dispatcher.changes.changed(msgspec.structs.replace(HOOK, version=3))
    [failed] = await desk.work()
    assert failed.state is State.RETRYING, "it is a second old"
