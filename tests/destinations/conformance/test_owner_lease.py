"""Nothing leaves once the lease of the store is over, whatever carries it.

The lease ends at each look that is taken at it on the way of a message, one after the other, so
also at the last one before its first byte: the real driver of each type, to its real receiver.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.core.running.leases import EndingLease
from tests.destinations.conformance.drivers import DRIVERS, on_trial, served
from tests.destinations.conformance.sending import Sending
from tests.destinations.conformance.subject import Bench, Driver
from tidings.core.actions.file.acts.acts import KINDS as ACTS
from tidings.core.delivery.exchange import FaultKind, TransportFault
from tidings.core.delivery.states import State
from tidings.core.webhooks.webhook_types import (
    ACTION,
    EMAIL,
    HTTP,
    KAFKA,
    KINDS,
    PULL,
    QUEUE,
    SQL,
)

LOOKS_MAX = 30
STARTED = 3  # looks at least until it leaves: one before its start, two before its first byte

TRIED = {
    HTTP: ["http"],
    KAFKA: ["kafka"],
    QUEUE: ["kafka"],  # the driver of the default connection
    EMAIL: ["email"],
    SQL: ["sql"],
    ACTION: [act for act in ACTS if act != "event"],  # tests/engine/actions/test_new_events.py
    PULL: [],  # tests/engine/pull/test_owner_lease.py
}


def test_every_type_and_every_driver_is_tried() -> None:
    assert TRIED.keys() == KINDS.keys()
    assert {name for names in TRIED.values() for name in names} == DRIVERS.keys()


@pytest.fixture(params=map(on_trial, DRIVERS))
def driver(request: Any) -> Driver:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
async def bench(driver: Driver, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with served(driver, request).run() as bench:
        yield bench


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.001)


async def waits_and_goes_on(bench: Bench, looks: int) -> bool:
    """One delivery whose lease ends at a look, and is renewed then; False where it had left by
    then."""
    arrived, lease = len(bench.got), EndingLease(looks)
    sending = Sending(bench, lease, count=looks)
    dispatcher, settled = sending.dispatcher, sending.desk.quiet.settled
    sending.begin()
    await until(lambda: settled or (lease.looks_left < 0 and not dispatcher.attempts_running))
    if settled:
        return False
    assert len(bench.got) == arrived, f"it left, though the lease was over at look {looks}"
    lease.renew()
    delivered = await sending.ended()
    assert (delivered.state, delivered.attempt) == (State.DELIVERED, 2), "its number is kept"
    assert len(bench.got) == arrived + 1
    await dispatcher.stop(1.0)
    return True


async def test_a_delivery_waits_until_the_lease_is_renewed(bench: Bench) -> None:
    looks = 0
    while looks < LOOKS_MAX and await waits_and_goes_on(bench, looks):
        looks += 1
    assert STARTED <= looks < LOOKS_MAX


async def test_a_test_message_is_not_sent_and_says_why(bench: Bench) -> None:
    for looks in range(LOOKS_MAX):
        arrived = len(bench.got)
        sending = Sending(bench, EndingLease(looks))
        told = await sending.tested()
        if told.delivered:
            break
        assert isinstance(told.ending, TransportFault) and told.ending.kind is FaultKind.OURS
        assert not told.ending.sent and "owns its store" in told.ending.detail
        assert len(bench.got) == arrived
    assert STARTED - 1 <= looks < LOOKS_MAX - 1
