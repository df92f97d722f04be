"""The engine: acceptor, group commit and lanes as one thing that starts, works and stops."""

import asyncio
import random
from collections.abc import Callable

import msgspec

from tidings.catalogue import Catalogue
from tidings.core.exchange import Ending
from tidings.core.job import Job
from tidings.core.outcome import Outcome
from tidings.core.registry import Registry
from tidings.core.webhook import Webhook
from tidings.egress.port import Sender, Target
from tidings.engine.acceptor import Acceptor, Matcher, Terms
from tidings.engine.clock import Clock
from tidings.engine.committer import Committer
from tidings.engine.dispatcher import Dispatcher
from tidings.store import port

STUCK_S = 5.0
RECOVER_WINDOW = 512


class Limits(msgspec.Struct, frozen=True):
    """The engine's bounds."""

    waiting_bytes_max: int = 64 << 20  # events that wait for their commit
    window_bytes_max: int = 64 << 20  # deliveries in memory that wait for their attempt
    drain_s: float = 25.0  # how long a stop waits for attempts under way


class Engine:
    """Everything between an accepted draft and a settled delivery, over its ports."""

    def __init__(
        self,
        *,
        store: port.Store,
        registry: Registry,
        catalogue: Catalogue,
        sender: Sender,
        target_of: Callable[[str], Target],
        clock: Clock,
        draw: random.Random,
        terms: Terms,
        gone: Callable[[Webhook], None],
        observe: Callable[[Webhook, Job, Ending, Outcome], None] = lambda *_: None,
        limits: Limits | None = None,
    ) -> None:
        self._store = store
        self._limits = limits or Limits()
        self.dispatcher = Dispatcher(
            store=store,
            registry=registry,
            sender=sender,
            target_of=target_of,
            clock=clock,
            draw=draw,
            budget_bytes=self._limits.window_bytes_max,
            gone=gone,
            observe=observe,
        )
        self.committer = Committer(
            store=store,
            registry=registry,
            match=Matcher(registry).match,
            handover=self.dispatcher.handover,
            settled=self.dispatcher.settled,
            waiting_bytes_max=self._limits.waiting_bytes_max,
        )
        self.dispatcher.committer = self.committer
        self.acceptor = Acceptor(catalogue, terms, self.committer)
        self._settler: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Recover what a former owner left, then accept and send. The registry is loaded before."""
        standings = await self._store.recover(RECOVER_WINDOW)
        self._settler = asyncio.get_running_loop().create_task(
            self.committer.run(), name="committer"
        )
        self.dispatcher.begin(standings)

    async def stop(self) -> None:
        """Start nothing more, wait for attempts within the drain limit, write what is known."""
        await self.dispatcher.stop(self._limits.drain_s)
        if self._settler is not None:
            try:
                async with asyncio.timeout(STUCK_S):
                    await self.committer.drained()
            except TimeoutError:
                pass  # the store refuses; what it does not know is sent again after the next start
            self._settler.cancel()
            await asyncio.wait([self._settler])

    @property
    def failed(self) -> BaseException | None:
        """Why the committer ended by itself, or None. Whoever runs the engine stops the service."""
        if self._settler is None or not self._settler.done() or self._settler.cancelled():
            return None
        return self._settler.exception()

    def problems(self) -> list[str]:
        """Why the service is not ready, in sentences; empty when it is. Receivers never count."""
        found = []
        if self._settler is None or self._settler.done():
            found.append("The committer does not run. Restart the service.")
        if self.committer.halted:
            found.append(f"The store refuses writes: {self.committer.failure}. Free its disk.")
        if self.committer.stuck_s() > STUCK_S:
            found.append(f"A commit has taken {self.committer.stuck_s():.0f} s so far.")
        for webhook in self.dispatcher.overdue()[:3]:
            found.append(f"Webhook {webhook.id} has work and a free slot, but does not send.")
        return found
