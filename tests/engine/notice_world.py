"""An engine in virtual time whose receivers answer as they are told, and what it tells."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from tests.ports import Unhashed, at_once, ports
from tests.simulation.loop import simulate
from tests.simulation.parts import REST_SLICE_S, SimulatedClock
from tests.store.in_process import MemoryStore
from tidings import catalogue
from tidings.compose import build
from tidings.core.delivery.exchange import Ending, ReceiverAnswer
from tidings.core.delivery.receivers.health import DEFAULT_POLICY, HealthPolicy
from tidings.core.ids import OrgId
from tidings.core.notices.operational_events import KINDS
from tidings.core.orgs.org_settings import OrgSettings
from tidings.core.webhooks.webhook import Webhook
from tidings.egress.port import Leaves, MailFailed, ReceiverAddress
from tidings.engine.engine import EngineLimits
from tidings.engine.events.intake import Draft, Overloaded
from tidings.engine.options import EngineOptions
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.store import port
from tidings.store.port import StoreDown

ORG = OrgId(1)
CATALOGUE = catalogue.load()


class Receivers:
    """`egress.port.Sender`: one receiver a path, each with the status that it answers."""

    def __init__(self) -> None:
        self.status: dict[str, int] = {}
        self.got: dict[str, list[dict[str, Any]]] = {}
        self.tries: Counter[str] = Counter()
        self.tried_ms: list[int] = []  # by the loop's clock
        self.headers: tuple[tuple[str, str], ...] = ()  # of answers that are not 2xx

    def open(
        self, target: ReceiverAddress, connections_max: int, *, keep_answers: bool
    ) -> "Receivers.Line":
        return Receivers.Line(self, target.path)

    class Line:
        def __init__(self, receivers: "Receivers", path: str) -> None:
            self._receivers, self._path = receivers, path

        async def send(
            self, method: str, leaves: Leaves, body: bytes, deadline_s: float
        ) -> Ending | None:
            await asyncio.sleep(0.01)
            if leaves() is None:
                return None
            self._receivers.tries[self._path] += 1
            self._receivers.got.setdefault(self._path, []).append(json.loads(body))
            self._receivers.tried_ms.append(round(asyncio.get_running_loop().time() * 1000))
            status = self._receivers.status.get(self._path, 200)
            headers = self._receivers.headers if status > 299 else ()
            return ReceiverAnswer(status, headers, b"", False, 10.0)

        async def close(self) -> None:
            pass


class Post:
    """`egress.port.Mailer`: keeps what it is given, or fails as it is told."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, tuple[str, ...], str, str]] = []
        self.fail: MailFailed | None = None
        self.tries = 0

    async def send(self, id: str, to: Any, subject: str, text: str) -> None:
        self.tries += 1
        if self.fail is not None:
            raise self.fail
        self.sent.append((id, tuple(to), subject, text))


class NoticeWorld:
    """Everything, started; or what comes after another one, over the same store."""

    def __init__(
        self, before: "NoticeWorld | None" = None, health: HealthPolicy | None = None
    ) -> None:
        self.webhooks: Webhooks
        self.clock: SimulatedClock = before.clock if before else SimulatedClock()
        self.store: MemoryStore = before.store if before else MemoryStore(self.clock)
        self.receivers: Receivers = before.receivers if before else Receivers()
        self.post: Post = before.post if before else Post()
        self.addresses: dict[int, tuple[str, ...]] = before.addresses if before else {}
        self.health: HealthPolicy = health or (before.health if before else DEFAULT_POLICY)
        self.parts = build(
            ports(
                store=self.store,
                clock=self.clock,
                sender=self.receivers,
                mailer=self.post,
                catalogue=CATALOGUE,
                passwords=Unhashed(),
            ),
            EngineOptions(limits=EngineLimits(health=self.health), rest_slice_s=REST_SLICE_S),
        )
        self.parts.orgs.settings = self.settings  # type: ignore[method-assign]
        self.engine, self.webhooks = self.parts.delivery.engine, self.parts.webhooks
        self.notices = self.parts.notices.notices
        self._count: int = before._count if before else 0
        self.running: asyncio.Future[Any] | None = None

    def settings(self, org: int) -> OrgSettings:
        """Of an org whose addresses have all said yes."""
        notify = self.addresses.get(org, ())
        return OrgSettings(notify=notify, notify_confirmed=notify)

    def failing(self, webhook: Webhook, health: port.StoredHealth) -> None:
        """Tell its owner so."""
        healths = self.engine.healths
        told = partial(healths.mark_notified, webhook.number)
        self.notices.failing(webhook, health, healths.ends_ms(health), told)

    async def start(self) -> "asyncio.Future[Any]":
        await self.parts.load(at_once)
        await self.engine.start()
        self.webhooks.resume()
        self.running = asyncio.gather(
            self.notices.run(), self.notices._emails.run(), self.parts.delivery.drains.run()
        )
        return self.running

    async def stop(self) -> None:
        """As the service stops."""
        with contextlib.suppress(StoreDown, Overloaded):  # a stop goes on, whatever is left unsaid
            await self.notices.flush()
        assert self.running is not None
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        if await self.engine.stop():
            self.store.half.recovery.stopped_cleanly()
        await self.webhooks.close()

    async def restarted(self, *, killed: bool = False) -> "NoticeWorld":
        """The process after this one; where it is killed, what waits to be written is not."""
        if killed:
            self.engine.healths.close = _nothing  # type: ignore[method-assign]
        await self.stop()
        after = NoticeWorld(self)
        await after.start()
        return after

    async def webhook(
        self, name: str, *names: str, status: int = 200, org: int = ORG, **fields: Any
    ) -> Webhook:
        """A webhook whose receiver answers so."""
        self.receivers.status[f"/{name}"] = status
        body = {
            "name": name,
            "active": True,
            "eventNames": list(names),
            "webHookType": "HTTP",
            "webHookUrl": f"https://sim.example/{name}",
            "methodType": "POST",
            "webHookHeaders": {},
            "maxAllowedConnections": 10,
            **fields,
        }
        record, *_ = await self.webhooks.create(OrgId(org), body, "test")
        return record.webhook

    async def event(self, org: int = ORG) -> None:
        """One more `groupCreated`."""
        self._count += 1
        event = {"eventName": "groupCreated", "data": {"groupId": self._count}}
        body = b'{"eventName":"groupCreated","data":{"groupId":%d}}' % self._count
        draft = Draft(OrgId(org), "groupCreated", f"e{self._count}", body, event)
        [verdict] = await self.parts.events.acceptor.accept([draft])
        assert verdict.status == "accepted"

    def told(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The operational events that are stored, in order."""
        rows = self.store.half.connection.execute(
            "SELECT e.name, b.bytes FROM event e JOIN body b ON b.seq = e.seq ORDER BY e.seq"
        ).fetchall()
        return [
            json.loads(bytes(body))  # type: ignore[arg-type]
            for name, body in rows
            if (name in KINDS if kind is None else name == kind)
        ]


async def _nothing() -> None:
    pass


def in_world(scenario: Any) -> None:
    """Run a scenario to its end, in virtual time; what has failed behind it fails the test."""

    async def main() -> None:
        world = NoticeWorld()
        running = await world.start()
        try:
            await scenario(world)
            assert not running.done(), running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await world.engine.stop()
            await world.webhooks.close()

    simulate(1, main())


def in_worlds(scenario: Callable[[NoticeWorld], Awaitable[NoticeWorld]]) -> None:
    """Run a scenario that returns the last of its worlds, which is stopped then."""

    async def main() -> None:
        first = NoticeWorld()
        await first.start()
        await (await scenario(first)).stop()

    simulate(1, main())
