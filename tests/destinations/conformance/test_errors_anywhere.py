"""Whatever is raised on any line of a driver while it sends: the attempt ends, its slot is free,
and the next message is delivered.

The real driver of each type sends to its real receiver; each line of it that runs on the way of a
message raises once, one message after the other. A type that is added is tried by being there.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from tests.destinations.conformance.drivers import DRIVERS, MARKS, on_trial, served
from tests.destinations.conformance.odd_errors import ERRORS, Lines
from tests.destinations.conformance.subject import Bench, Driver
from tests.engine.audit.kept_log import UnkeptLog
from tests.engine.shaping.sending_desk import Desk, Line, Shaping
from tests.engine.shaping.sending_desk import job as new_job
from tidings.core.delivery.exchange import FaultKind, TransportFault
from tidings.core.delivery.receivers.breaker import Breaker, Pause
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId
from tidings.engine.delivery.guards.guarded_channel import GuardedDestination
from tidings.engine.delivery.guards.unforeseen import UnforeseenErrors
from tidings.engine.delivery.trial import Trial
from tidings.store import port

pytestmark = [pytest.mark.timeout(300), pytest.mark.systems]
DEADLINE_S = 4.0
SLOW_STEP = 5  # where each channel reaches a broker anew, one line of so many is tried
OURS = (FaultKind.OURS, FaultKind.TRANSFORM)


"""None that a library raises of what a server has said, and drivers judge as that."""
"""Lines that raise nothing, or nothing that is not raised on the lines within them."""


@pytest.fixture(params=map(on_trial, DRIVERS))
def driver(request: Any) -> Driver:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
async def bench(driver: Driver, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with served(driver, request).run() as bench:
        yield bench


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


class Sending:
    """A dispatcher over the bench's destination, with one webhook."""

    def __init__(self, bench: Bench) -> None:
        plain: dict[str, Any] = {"connections_max": 1, "deadline_s": DEADLINE_S, "plain": True}
        self.webhook = msgspec.structs.replace(bench.webhook(), **plain)
        self.desk = Desk(Line(), Shaping(), self.webhook)
        self.dispatcher = self.desk.dispatcher
        self._destination = self.dispatcher._channels._destination = bench.destination
        self._count = 0

    async def attempt(self, way: str = "live") -> port.Settlement:
        """One more delivery, to the end of its attempt."""
        self._count += 1
        job = new_job(
            delivery=DeliveryId(self._count), org=self.webhook.org, event_id=f"e-{self._count}"
        )
        job.replay = 1 if way == "replay" else None
        runner = self.dispatcher.runners.runner_of(self.webhook.number)
        assert runner is not None
        runner.lane.breaker = Breaker()
        if way == "probe":
            runner.lane.breaker.resume(Pause(1, 0.0), asyncio.get_running_loop().time())
        before = len(self.desk.quiet.settled)
        self.dispatcher.handover.take(port.Receipt(now_ms=1_000, claimed=[job]), [], [])
        async with asyncio.timeout(DEADLINE_S + 60):
            while len(self.desk.quiet.settled) == before or self.dispatcher.attempts_running:
                await asyncio.sleep(0.001)
        for _ in range(5):
            await asyncio.sleep(0)
        [settled] = self.desk.quiet.settled[before:]
        return settled

    def fault(self, settled: port.Settlement) -> str:
        """Say what is wrong with how an attempt has ended; empty where nothing is."""
        runner = self.dispatcher.runners.at_work[self.webhook.number]
        evidence = settled.evidence
        if settled.state != State.DELIVERED:
            if evidence is None or evidence.kind not in OURS:
                return f"it is charged to the receiver: {evidence}"
        if self.dispatcher.slot_watch.look() or runner.slots or runner.lane.running:
            return "its slot is not free"
        asks = runner.lane.breaker.asking and settled.state != State.DELIVERED
        return "the breaker waits for it" if asks else ""

    async def test(self) -> str:
        """Send a test message; say what is wrong with how it has ended."""
        self._count += 1
        trial = Trial(
            destination=GuardedDestination(self._destination, UnforeseenErrors()),
            audit=UnkeptLog(),
            shaper=Shaping(),
            clock=self.dispatcher._clock,
            errors=UnforeseenErrors(),
        )
        org, id = OrgId(self._count), f"e-{self._count}"
        told = await trial.send(org, self.webhook, id, b"{}", lambda: True)
        if told.delivered:
            return ""
        kind = told.ending.kind if isinstance(told.ending, TransportFault) else None
        return "" if kind in OURS else f"it is charged to the receiver: {told.ending}"


WAYS = ("live", "replay", "probe", "test")


async def test_whatever_a_line_of_a_driver_raises_costs_one_attempt(
    bench: Bench, request: pytest.FixtureRequest
) -> None:
    is_slow = any(name in request.node.callspec.id.split("-") for name in MARKS)
    with Lines() as lines:
        sending = Sending(bench)
        assert (await sending.attempt()).state == State.DELIVERED
    places = [*lines.seen]
    if is_slow:
        places = places[::SLOW_STEP]
    wrong: list[tuple[str, int, str, BaseException, str]] = []
    for number, place in enumerate(places):
        lines.breaks, lines.raised = place, False
        lines.error, way = ERRORS[number % len(ERRORS)], WAYS[number % len(WAYS)]
        sending = Sending(bench)  # with a channel that opens first
        try:
            with lines:
                if way == "test":
                    fault = await sending.test()
                else:
                    fault = sending.fault(await sending.attempt(way))
        except TimeoutError:
            fault = "it does not end"
        if not lines.raised:
            continue  # it runs once in a process
        lines.breaks = None
        if fault:
            wrong.append((*place, way, lines.error, fault))
            continue
        after = await sending.attempt()
        if after.state != State.DELIVERED:
            wrong.append((*place, way, lines.error, f"the next one is not delivered: {after}"))
        await sending.dispatcher.stop(1.0)
    assert not wrong, "\n".join(map(str, wrong))
    assert len(places) > 10
