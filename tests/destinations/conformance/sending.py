"""Attempts of a dispatcher over the destination of a bench."""

import asyncio
from typing import Any

import msgspec

from tests.destinations.conformance.subject import Bench
from tests.engine.audit.kept_log import UnkeptLog
from tests.engine.shaping.sending_desk import ENDLESS, Desk, Line, Shaping
from tests.engine.shaping.sending_desk import job as new_job
from tidings.core.delivery.exchange import FaultKind, TransportFault
from tidings.core.delivery.receivers.breaker import Breaker, Pause
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId
from tidings.core.running.lease import OwnerLease
from tidings.engine.delivery.guards.guarded_channel import GuardedDestination
from tidings.engine.delivery.guards.unforeseen import UnforeseenErrors
from tidings.engine.delivery.trial import Trial, TrialResult
from tidings.store import port

DEADLINE_S = 4.0
OURS = (FaultKind.OURS, FaultKind.TRANSFORM)


class Sending:
    """A dispatcher over the bench's destination, with one webhook."""

    def __init__(self, bench: Bench, lease: OwnerLease = ENDLESS, count: int = 0) -> None:
        """`count`: of deliveries that the receiver has seen before."""
        self._lease = lease
        plain: dict[str, Any] = {"connections_max": 1, "deadline_s": DEADLINE_S, "plain": True}
        self.webhook = msgspec.structs.replace(bench.webhook(), **plain)
        self.desk = Desk(Line(), Shaping(), self.webhook, lease)
        self.dispatcher = self.desk.dispatcher
        self._destination = self.dispatcher._channels._destination = bench.destination
        self._count = count

    async def attempt(self, way: str = "live") -> port.Settlement:
        """One more delivery, to the end of its attempt."""
        before = len(self.desk.quiet.settled)
        self.begin(way)
        return await self.ended(before)

    def begin(self, way: str = "live") -> None:
        """Queue one more delivery."""
        self._count += 1
        job = new_job(
            delivery=DeliveryId(self._count),
            org=self.webhook.org,
            event_id=f"e-{self._count}",
            body=b'{"eventId":"e-%d"}' % self._count,
        )
        job.replay = 1 if way == "replay" else None
        runner = self.dispatcher.runners.runner_of(self.webhook.number)
        assert runner is not None
        runner.lane.breaker = Breaker()
        if way == "probe":
            runner.lane.breaker.resume(Pause(1, 0.0), asyncio.get_running_loop().time())
        self.dispatcher.handover.take(port.Receipt(now_ms=1_000, claimed=[job]), [], [])

    async def ended(self, before: int = 0) -> port.Settlement:
        """Wait for the end of the attempt that comes after so many others."""
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

    async def tested(self) -> TrialResult:
        """Send a test message."""
        self._count += 1
        trial = Trial(
            destination=GuardedDestination(self._destination, UnforeseenErrors()),
            audit=UnkeptLog(),
            shaper=Shaping(),
            clock=self.dispatcher._clock,
            lease=self._lease,
            errors=UnforeseenErrors(),
        )
        org, id = OrgId(self._count), f"e-{self._count}"
        return await trial.send(org, self.webhook, id, b"{}", lambda: True)

    async def test(self) -> str:
        """Send a test message; say what is wrong with how it has ended."""
        told = await self.tested()
        if told.delivered:
            return ""
        kind = told.ending.kind if isinstance(told.ending, TransportFault) else None
        return "" if kind in OURS else f"it is charged to the receiver: {told.ending}"
