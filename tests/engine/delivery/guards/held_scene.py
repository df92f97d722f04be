"""A receiver that holds connections, and deliveries that are on their way to it."""

import asyncio
import random
from typing import Any

import msgspec

from tests.engine.delivery.scenes.health_parts import HOOK, Clock
from tests.engine.told_notices import ToldNotices
from tests.engine.unwatched import UNWATCHED
from tests.engine.webhooks.dispatch_scene import Committer, Store
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
)
from tidings.core.delivery.job import Job
from tidings.core.delivery.states import State
from tidings.core.delivery.waits import NotYet
from tidings.core.ids import DeliveryId, OrgId, WebhookId
from tidings.core.notices.operational_events import Fact
from tidings.core.running.lease import EndlessLease
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Channel, Message, MessagePreview
from tidings.engine.delivery.dispatcher import Dispatcher
from tidings.engine.delivery.guards.connection_watch import ConnectionWatch
from tidings.engine.delivery.health_tracker import HealthTracker
from tidings.engine.listeners import new_listeners
from tidings.store import port

WHY = "The database of connection main must let us in and stay there; nobody answers. See to it."

DOWN = AttemptResult(
    DeliveryVerdict.AGAIN, TransportFault(FaultKind.REFUSED, False, WHY, 1.0), unusable=True
)

TAKEN = AttemptResult(DeliveryVerdict.DELIVERED, ReceiverAnswer(200, (), b"", False, 1.0))

NOW_MS = 1_000_000


def webhook(number: int, org: int, connection: str = "main", **more: Any) -> Webhook:
    given = {"kind": "SQL", "connections_max": 2, "plain": True} | more
    return msgspec.structs.replace(
        HOOK,
        number=number,
        id=WebhookId(f"{number:024x}"),
        org=OrgId(org),
        name=f"hook {number}",
        connection=connection,
        **given,
    )


FIRST, SECOND, ELSEWHERE = webhook(1, 7), webhook(2, 8), webhook(3, 9, "other")


class Road:
    """A channel of one webhook, which answers by what the scene says."""

    def __init__(self, scene: "Scene", number: int) -> None:
        self.scene = scene
        self.number = number

    async def send(self, message: Message) -> AttemptResult | NotYet | None:
        await asyncio.sleep(0)
        self.scene.attempts.append(self.number)
        result = self.scene.result_of(self.number)
        if isinstance(result, NotYet):
            return result
        if not result.unusable or self.scene.leaves_first:
            if message.headers_if_current([]) is None:
                return None
            self.scene.sent.append((self.number, message.body))
        return result

    def follow(self, webhook: Webhook) -> bool:
        return True

    async def close(self) -> None:
        pass


class Scene:
    """Lanes over a store's log and the operator's connections, of which some are down."""

    def __init__(self, *webhooks: Webhook, stored: list[Job] | None = None) -> None:
        self.down: set[str] = set()  # really, whatever attempts say
        self.says: dict[int, AttemptResult | NotYet] = {}  # what attempts say all the same
        self.leaves_first = False
        self.sent: list[tuple[int, bytes]] = []
        self.attempts: list[int] = []
        self.probes: list[str] = []
        self.fails: Exception | None = None
        self.told: list[tuple[str, int, Fact]] = []
        self.stored = [] if stored is None else stored
        self.unwritten: list[port.Settlement] = []
        self.written: list[port.Settlement] = []
        self.registry = Registry()
        for webhook in webhooks:
            self.registry.put(webhook)
        self.store, self.commits, heard = Store(), Committer(), new_listeners()
        self.store.page = self.page  # type: ignore[method-assign]
        self.commits.settle = self.unwritten.append  # type: ignore[method-assign,assignment]
        self.watch = ConnectionWatch(
            registry=self.registry,
            connection_of=lambda webhook: webhook.connection,
            probe=self.probe,
            clock=Clock(),
            moved=heard.held,
            notices=ToldNotices(self.told),
        )
        self.healths = HealthTracker(
            store=self.store,
            registry=self.registry,
            clock=Clock(),
            owners=None,  # type: ignore[arg-type]  # nothing fails for so long
            parked=heard.parked,
            connections=self.watch,
            held=heard.held,
        )
        self.dispatcher = Dispatcher(
            store=self.store,  # type: ignore[arg-type]  # the part that is asked here
            registry=self.registry,
            destination=self,
            clock=Clock(),
            rng=random.Random(1),
            budget_bytes=1 << 20,
            in_flight_max=10,
            healths=self.healths,
            shaper=None,  # type: ignore[arg-type]
            ends=UNWATCHED,
            stops=UNWATCHED,
            heard=heard,
            observer=UNWATCHED,
            commits=self.commits,
            lease=EndlessLease(),
            connections=self.watch,
        )
        self.heard = heard
        self.watching = asyncio.get_running_loop().create_task(self.watch.run())

    # -- a destination, and the connections' type

    def open(self, webhook: Webhook) -> Channel:
        return Road(self, webhook.number)

    def carried(self, webhook: Webhook) -> list[tuple[str, str]]:
        return []

    def show(self, webhook: Webhook, headers: Any, body: bytes, key: int | None) -> MessagePreview:
        return MessagePreview("POST", headers, body)

    def result_of(self, number: int) -> AttemptResult | NotYet:
        one = self.registry.get(number)
        assert one is not None
        return self.says.get(number) or (DOWN if one.connection in self.down else TAKEN)

    async def probe(self, name: str) -> str:
        await asyncio.sleep(0)
        self.probes.append(name)
        if self.fails is not None:
            raise self.fails
        return WHY if name in self.down else ""

    # -- a store

    async def page(self, webhook: int, after: int, limit: int) -> list[Job]:
        found = [job for job in self.stored if job.webhook == webhook and job.delivery > after]
        return [msgspec.structs.replace(job) for job in found[:limit]]

    async def commit(self, *jobs: Job, **more: Any) -> None:
        written, self.unwritten[:] = list(self.unwritten), []
        self.written += written
        ended = {settled.delivery for settled in written}
        self.stored[:] = [job for job in self.stored if job.delivery not in ended]
        self.stored += jobs
        receipt = port.Receipt(now_ms=NOW_MS, freed=list(jobs), **more)
        self.dispatcher.handover.take(receipt, [], [])
        self.dispatcher.settler.settled(written, receipt)
        await self.pass_time(0.001)

    async def pass_time(self, seconds: float = 0.05) -> None:
        until_s = asyncio.get_running_loop().time() + seconds
        for _ in range(60):
            await asyncio.sleep(0)
        while asyncio.get_running_loop().time() < until_s:
            await asyncio.sleep(0.001)

    async def until(self, done: Any) -> None:
        while not done():
            await asyncio.sleep(0.002)

    @property
    def ends(self) -> list[tuple[int, State, int]]:
        rows = [*self.written, *self.unwritten]
        return [(row.delivery, State(row.state), row.attempt) for row in rows]

    async def close(self) -> None:
        self.watching.cancel()
        await asyncio.gather(self.watching, return_exceptions=True)
        await self.dispatcher.stop(1.0)


def jobs(of: Webhook, *numbers: int, attempt: int = 1, key: int | None = None) -> list[Job]:
    return [
        Job(
            DeliveryId(number), of.number, of.org, f"e{number}", NOW_MS, attempt, key,
            attempt > 1, b"%d" % number,
        )
        for number in numbers
    ]  # fmt: skip
