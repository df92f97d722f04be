"""Once the lease of the store is over nothing leaves; what waited goes on when it is renewed."""

import asyncio
from typing import Any

import pytest

from tests.core.running.leases import EndingLease
from tests.engine.delivery.scenes.slow_line import SlowLine, desk_of
from tests.engine.shaping.sending_desk import Desk, job
from tidings.core.delivery.states import State
from tidings.engine.delivery.guards import lease_watch
from tidings.engine.delivery.message import MessageHeaders

PAUSE_S = lease_watch.LOOK_S * 3


def noted(desk: Desk) -> list[tuple[int, int]]:
    return desk.noted.attempts  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("refuses", [False, True])
async def test_what_waits_for_its_connection_does_not_leave_and_is_charged_to_nobody(
    refuses: bool,
) -> None:
    line, lease = SlowLine(200, refuses=refuses), EndingLease()
    desk = desk_of(line, lease=lease)
    assert await desk.work(job()) == [] and desk.dispatcher.attempts_running == 1
    lease.end()
    line.connected.set()
    assert await desk.work() == [] and line.sent == []
    assert noted(desk) == [] and desk.dispatcher.attempts_running == 0
    line.refuses = False
    lease.renew()
    await asyncio.sleep(PAUSE_S)
    [delivered] = desk.quiet.settled
    assert (delivered.state, delivered.attempt) == (State.DELIVERED, 2), "its number is kept"
    assert noted(desk) == [(5, 2)] and len(line.sent) == 1


async def test_the_lease_may_end_while_a_message_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    line, lease = SlowLine(200), EndingLease()
    line.connected.set()
    sign = MessageHeaders.of

    def slow(*args: Any) -> Any:
        lease.end()
        return sign(*args)

    monkeypatch.setattr(MessageHeaders, "of", slow)
    desk = desk_of(line, lease=lease)
    assert await desk.work(job()) == [] and line.sent == [] and noted(desk) == []
    monkeypatch.undo()
    lease.renew()
    await asyncio.sleep(PAUSE_S)
    [delivered] = desk.quiet.settled
    assert (delivered.state, delivered.attempt) == (State.DELIVERED, 2)


async def test_nothing_starts_without_the_lease_and_nothing_spins_meanwhile() -> None:
    line, lease = SlowLine(200), EndingLease(0)
    line.connected.set()
    desk = desk_of(line, lease=lease)
    assert await desk.work(job()) == [] and desk.dispatcher.attempts_running == 0
    looked = lease.looked
    assert await desk.work() == [] and lease.looked == looked, "it is looked at by a timer"
    lease.renew()
    await asyncio.sleep(PAUSE_S)
    assert [settled.state for settled in desk.quiet.settled] == [State.DELIVERED]


async def test_a_service_that_stops_looks_no_more() -> None:
    lease = EndingLease(0)
    desk = desk_of(SlowLine(200), lease=lease)
    assert await desk.work(job()) == []
    await desk.dispatcher.stop(0.01)
    await asyncio.sleep(PAUSE_S)
    looked = lease.looked
    await asyncio.sleep(PAUSE_S)
    assert lease.looked == looked and desk.quiet.settled == []
