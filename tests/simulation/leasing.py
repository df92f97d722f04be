"""A world whose owner is cut off from its database now and then, for longer than its lease.

Nobody else takes the store over in it, so all that was begun may be written; what is looked at is
what begins.
"""

import asyncio
import dataclasses
import random
from typing import Any

from tests.simulation.world import World
from tidings.core.running.lease import EARLY_S, LEASE_S, Lease
from tidings.ports import Ports

COMMIT_S_MAX = 1.0  # of a renewal
CUT_S = (4.0, 12.0, 40.0)  # one of these is shorter than the lease
GOES_ON_S = 10.0


class LeasedWorld(World):
    """The lease is renewed as a database would do it, but while it is `cut`."""

    def __init__(self, seed: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(seed, loop)
        self.lease = Lease(self.passed_s)
        self._stands_s: float | None = None
        self.cut = False
        self.went_on = 0  # lapses behind which something went on that had waited

    def passed_s(self) -> float:
        """The clock of the lease."""
        return self.loop.time() if self._stands_s is None else self._stands_s

    def heal_lease(self) -> None:
        """From now on it is always renewed in time: days of that are not worth their turns."""
        self.lease.renewed(self.loop.time())
        self._stands_s = self.loop.time()

    def given(self, ports: Ports) -> Ports:
        return dataclasses.replace(ports, departure=ports.departure._replace(lease=self.lease))

    async def start(self) -> None:
        self.lease.renewed(self.loop.time())
        await super().start()

    def check_send(self, request: Any) -> None:
        assert self.lease.holds(), "59 nothing leaves once the lease of the store is over"
        super().check_send(request)

    async def renew(self) -> None:
        """Renew it three times a lease."""
        while True:
            asked_at_s = self.loop.time()
            await asyncio.sleep(self.rng.random() * COMMIT_S_MAX)
            if not self.cut:
                self.lease.renewed(asked_at_s)
            await asyncio.sleep(max(0.0, asked_at_s + LEASE_S / 3 - self.loop.time()))

    async def lapse(self, rng: random.Random) -> None:
        """Cut it off for a while, and look whether what waits goes on behind that."""
        await asyncio.sleep(rng.random() * 5)
        self.cut = True
        cut_s = rng.choice(CUT_S)
        await asyncio.sleep(cut_s / 2)
        produced = self.spawn(self.produce(20))
        await asyncio.sleep(cut_s / 2)
        waits, sent = not self.lease.holds() and self.startable(), len(self.network.requests)
        self.cut = False
        await produced
        await asyncio.sleep(LEASE_S / 3 + COMMIT_S_MAX + GOES_ON_S)
        assert self.lease.left_s() <= LEASE_S - EARLY_S
        if waits and not self.engine.commits.halted:
            assert len(self.network.requests) > sent, "59 it goes on when the lease is renewed"
            self.went_on += 1

    def startable(self) -> bool:
        """Whether a lane has something that it would start."""
        return any(
            runner.lane.can_start and not runner.lane.wait_s(self.loop.time())
            for runner in self.engine.dispatcher.runners.at_work.values()
        )
