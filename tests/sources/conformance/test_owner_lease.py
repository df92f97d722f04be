"""Nothing is acknowledged to a source once the lease of the store is over, whatever its type.

What was read is kept meanwhile; it is acknowledged when the lease is renewed, and by whoever owns
the store by then where it is not: it is all there for whoever opens the source next.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.api.control_client import service
from tests.core.running.leases import EndingLease
from tests.engine.sources.topic import BODY, Topic, fetched, numbers, until
from tests.sources.conformance.readings import opened, taken
from tests.sources.conformance.subject import Made, NewSubject, Subject
from tests.sources.kafka.scripted_subject import new_scripted
from tests.sources.outbox.subject import new_outbox
from tidings.core.connections.connection import Connection
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.source import Source
from tidings.core.sources.source_types import FETCHED, KAFKA, KINDS, OUTBOX, WEBHOOK
from tidings.sources.port import OpenSource

# What comes by a webhook is acknowledged by the answer to its call, after the commit that only an
# owner can make: what that answer says stays true, whoever owns the store when it is read.
TRIED: dict[str, NewSubject] = {KAFKA: new_scripted, OUTBOX: new_outbox}


def test_every_type_that_is_fetched_is_tried() -> None:
    assert TRIED.keys() == {*FETCHED} and {*KINDS} - {*FETCHED} == {WEBHOOK}


@pytest.fixture(params=TRIED)
def subject(request: pytest.FixtureRequest) -> Subject:
    return TRIED[request.param](request)


class Frozen:
    """The driver of a source whose owner is frozen after each read, for longer than its lease."""

    def __init__(self, subject: Subject, lease: EndingLease) -> None:
        self._subject, self._lease = subject, lease
        self.opened = self.acknowledged = self.let_go_of = 0

    async def open(self, source: Source, connection: Connection, number: int) -> "FrozenReading":
        self.opened += 1
        return FrozenReading(self, await self._subject.open(), self._lease)


class FrozenReading:
    """One of its sources that is open."""

    def __init__(self, driver: Frozen, inner: OpenSource, lease: EndingLease) -> None:
        self._driver, self._inner, self._lease = driver, inner, lease
        self.lag, self.others, self.close = inner.lag, inner.others, inner.close

    async def read(self) -> Sequence[ForeignMessage]:
        messages = await self._inner.read()
        self._lease.end()
        return messages

    async def acknowledge(self) -> None:
        self._driver.acknowledged += 1
        await self._inner.acknowledge()

    async def let_go(self, *, all_acknowledged: bool) -> None:
        self._driver.let_go_of += 1
        await self._inner.let_go(all_acknowledged=all_acknowledged)


async def begun(s: Any, subject: Subject, lease: EndingLease) -> tuple[Frozen, Any]:
    """A source of three messages that were read, and kept, when the lease was over."""
    await subject.produce(*[Made("k", BODY % n) for n in range(3)])
    s.parts.sources.pumps._lease = lease
    driver: Any = Frozen(subject, lease)
    live = await fetched(s, driver)
    await until(lambda: live.activity.totals["accepted"] == 3 and live.trouble)
    assert await numbers(s) == [0, 1, 2] and driver.acknowledged == 0
    return driver, live


async def test_it_is_acknowledged_when_the_lease_is_renewed(subject: Subject) -> None:
    lease = EndingLease()
    async with service() as s:
        driver, live = await begun(s, subject, lease)
        lease.renew()
        await until(lambda: driver.acknowledged == 1 and not live.trouble)
        assert driver.opened == 1
        await s.parts.sources.pumps.stop()


async def test_a_former_owner_leaves_everything_to_the_next(subject: Subject) -> None:
    async with service() as s:
        driver, _ = await begun(s, subject, EndingLease())
        assert (await s.call("PATCH", "/v1/sources/t", {"paused": True})).status == 200
        await s.parts.sources.pumps.stop()
        assert driver.acknowledged == driver.let_go_of == 0
    async with opened(subject) as reading:
        again = await taken(reading, 3)
    assert [message.body for message in again] == [BODY % n for n in range(3)]


async def test_nothing_is_opened_without_the_lease() -> None:
    lease, topic = EndingLease(0), Topic(1)
    async with service() as s:
        s.parts.sources.pumps._lease = lease
        live = await fetched(s, topic)
        await until(lambda: live.trouble)
        assert topic.opened == 0
        lease.renew()
        await until(lambda: topic.taken == 1)
        await s.parts.sources.pumps.stop()
