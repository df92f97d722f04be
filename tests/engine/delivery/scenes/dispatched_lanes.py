"""Lanes of two webhooks, over a store's log, the next commit and one receiver."""

import asyncio

import msgspec

from tests.engine.delivery.scenes.health_parts import HOOK
from tests.engine.delivery.scenes.offers import NOW_MS, job
from tests.engine.webhooks.dispatch_scene import Scene
from tidings.core.delivery.exchange import Ending, ReceiverAnswer
from tidings.core.delivery.job import Job
from tidings.core.delivery.states import State
from tidings.egress.port import Leaves
from tidings.store import port

OTHER = msgspec.structs.replace(HOOK, number=5, id="b" * 24, org=8)
PROCESS_MAX = 10  # attempts of the scene's process
ALARM_S = 0.002  # more than the shortest alarm of what is due


class Receiver:
    """Answers one status after the other, then 200; while it is not `free` it takes its time."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.sent: list[bytes] = []
        self.says = b""  # in each answer
        self.busy = self.most = 0
        self.free = asyncio.Event()
        self.free.set()
        self.connects = asyncio.Event()
        self.connects.set()
        self.closed = 0

    async def send(
        self, method: str, leaves: Leaves, body: bytes, deadline_s: float
    ) -> Ending | None:
        await self.connects.wait()
        if leaves() is None:
            return None
        self.sent.append(body)
        self.busy += 1
        self.most = max(self.most, self.busy)
        try:
            await asyncio.sleep(0)
            await self.free.wait()
        finally:
            self.busy -= 1
        return ReceiverAnswer(
            self.statuses.pop(0) if self.statuses else 200, (), self.says, False, 1.0
        )

    async def close(self) -> None:
        self.closed += 1


class Lanes:
    """A dispatcher over a store's log, the next commit and one receiver of all webhooks."""

    def __init__(self, *statuses: int, connections_max: int = 10) -> None:
        self.receiver = Receiver(*statuses)
        scene = Scene()
        scene.line.send = self.receiver.send  # type: ignore[method-assign,assignment]
        scene.line.close = self.receiver.close  # type: ignore[method-assign]
        scene.store.page = self.page  # type: ignore[method-assign]
        scene.store.unfinished = self.unfinished  # type: ignore[attr-defined]
        scene.committer.settle = self.settle  # type: ignore[method-assign]
        for webhook in (HOOK, OTHER):
            scene.registry.put(msgspec.structs.replace(webhook, connections_max=connections_max))
        self.registry, self.commits, self.dispatcher = (
            scene.registry,
            scene.committer,
            scene.dispatcher,
        )
        self.stored: list[Job] = []
        self.unwritten: list[port.Settlement] = []

    async def page(self, webhook: int, after: int, limit: int) -> list[Job]:
        found = [job for job in self.stored if job.webhook == webhook and job.delivery > after]
        return [msgspec.structs.replace(job) for job in found[:limit]]

    async def unfinished(self) -> list[port.Backlog]:
        return [port.Backlog(HOOK.number, len(self.stored), None)] if self.stored else []

    def settle(self, settled: port.Settlement) -> None:
        self.unwritten.append(settled)
        self.commits.unwritten = len(self.unwritten)

    async def commit(self, *jobs: Job, now_ms: int = NOW_MS, **more: object) -> None:
        """The next one: it writes what has ended, and brings these."""
        written, self.unwritten = self.unwritten, []
        self.commits.unwritten = 0
        receipt = port.Receipt(now_ms=now_ms, freed=list(jobs), **more)  # type: ignore[arg-type]
        ended = {settlement.delivery for settlement in written}
        self.stored = [job for job in self.stored if job.delivery not in ended]
        self.dispatcher.handover.take(receipt, [], [])
        self.dispatcher.settler.settled(written, receipt)
        await turns()

    def have_answered(self) -> None:
        """Both webhooks' receivers have, before this process."""
        for webhook in (HOOK, OTHER):
            runner = self.dispatcher.runners.runner_of(webhook.number)
            assert runner is not None
            runner.pace.trusted()

    @property
    def ends(self) -> list[tuple[int, State, int]]:
        """Which delivery, in which state, after which attempt: of what waits to be written."""
        return [
            (settlement.delivery, State(settlement.state), settlement.attempt)
            for settlement in self.unwritten
        ]


async def turns() -> None:
    """Of the loop: all that is under way goes as far as it can, however slow the machine is."""
    for wait_s in [0.0] * 200 + [ALARM_S] + [0.0] * 200:
        await asyncio.sleep(wait_s)


def numbered(*numbers: int, webhook: int = HOOK.number) -> list[Job]:
    """First attempts, each with a body of its own."""
    return [
        msgspec.structs.replace(job(number), body=b"%d" % number, webhook=webhook)
        for number in numbers
    ]
