"""Anchors the audit log: each hour one line in the service's log, with a digest over all chains
that have grown. The line stands where who can write to the store cannot: what is cut off the end
of a chain later is found by it."""

import asyncio

import structlog

from tidings.core.running.service_part import ServicePart
from tidings.core.times import exact
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.clock import Clock
from tidings.engine.heartbeats import Heart
from tidings.engine.outage import Outage

FIRST_AFTER_S = 30.0  # what a killed service has left is anchored soon
EVERY_S = 3600.0
AGAIN_S = 60.0  # after one that the store has refused
FAREWELL_S = 2.0

PART = ServicePart("audit anchors", "what is cut off the end of the audit log cannot be found")

log = structlog.get_logger(__name__)


class AuditAnchors:
    """One task behind the calls, and a last anchor at an orderly stop."""

    def __init__(self, audit: AuditLog, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock
        self._outage = Outage("audit anchors")

    async def run(self, heart: Heart) -> None:
        """Anchor each hour, until cancelled."""
        await heart.sleep(FIRST_AFTER_S)
        while True:
            with self._outage:
                await self.put()
            await heart.sleep(AGAIN_S if self._outage.lasts else EVERY_S)

    async def put(self) -> None:
        """Anchor what has grown, and log it; nothing where nothing has. StoreDown."""
        anchor = await self._audit.put_anchor(self._clock.now_ms())
        if anchor is not None:
            log.info(
                "audit anchor",
                number=anchor.number,
                at=exact(anchor.at_ms),
                chains=len(anchor.heads),
                digest=anchor.mac.hex(),
            )

    async def close(self) -> None:
        """Anchor what has grown once more, within two seconds; a stop goes on in any case."""
        with self._outage:
            async with asyncio.timeout(FAREWELL_S):
                await self.put()
