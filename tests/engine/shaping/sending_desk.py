"""Attempts over a line and a shaper that do as a test says."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tests.ports import destinations
from tidings.core.delivery.exchange import Ending, ReceiverAnswer
from tidings.core.delivery.job import Job
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId, OrgId, WebhookId
from tidings.core.running.lease import EndlessLease, OwnerLease
from tidings.core.shaping.left_out import LeftOut
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.egress.port import Leaves, ReceiverAddress
from tidings.engine.delivery.dispatcher import Dispatcher
from tidings.engine.listeners import new_listeners
from tidings.store import port

BODY = b'{"eventId":"e-1"}'

HOOK = Webhook(
    number=1, id=WebhookId("1" * 24), consumer_group="", org=OrgId(7), version=1, name="crm",
    status=WebhookStatus.ACTIVE, event_names=frozenset("a"), kind="HTTP", url="https://x.example/",
    method="POST", headers=(), connections_max=1, secrets=(b"s" * 32,), plain=False,
)  # fmt: skip

ENDLESS = EndlessLease()


class Line:
    """A sender and its only outlet: keeps what is sent, answers one status after the other."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.sent: list[tuple[dict[str, str], bytes]] = []
        self.opened: list[str] = []

    def open(self, target: ReceiverAddress, connections_max: int, **_: Any) -> "Line":
        self.opened.append(f"{target.scheme}://{target.host}{target.path}")
        return self

    async def send(
        self, method: str, leaves: Leaves, body: bytes, deadline_s: float
    ) -> Ending | None:
        if (headers := leaves()) is None:
            return None
        self.sent.append((dict(headers), body))
        return ReceiverAnswer(self.statuses.pop(0), (), b"", False, 1.0)

    async def close(self) -> None:
        pass


class Shaping:
    """Counts, and does as it is told."""

    def __init__(self, do: Callable[[], None] = lambda: None) -> None:
        self.asked = 0
        self.do = do
        self.left_out: LeftOut | None = None

    async def shape(self, webhook: Webhook, job: Job) -> bytes:
        self.asked += 1
        job.left_out = self.left_out
        await asyncio.sleep(0)
        self.do()
        return b'{"made":%d}' % self.asked


class Quiet:
    """Everything that this test does not look at."""

    halted, unwritten, unwritten_bytes = False, 0, 0

    def __init__(self) -> None:
        self.settled: list[port.Settlement] = []

    def settle(self, one: port.Settlement) -> None:
        self.settled.append(one)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


class Desk:
    """A dispatcher with one webhook, and what it has settled."""

    def __init__(
        self,
        line: Line,
        shaper: Shaping,
        webhook: Webhook = HOOK,
        lease: OwnerLease = ENDLESS,
    ) -> None:
        registry = Registry()
        registry.put(webhook)
        self.quiet = Quiet()
        self.stopped = False  # the stop switches

        class Clock:
            def now_ms(self) -> int:
                return 1_000

        given: dict[str, Any] = {
            "store": self.quiet, "registry": registry, "clock": Clock(),
            "destination": destinations(
                line, lambda url: ReceiverAddress("https", url.split("/")[2], 443, "/"), Clock()
            ),
            "rng": random.Random(1), "budget_bytes": 1 << 20, "in_flight_max": 10,
            "healths": self.quiet, "shaper": shaper, "ends": self.quiet,
            "stops": self, "observer": self.quiet, "commits": self.quiet,
            "lease": lease,
        }  # fmt: skip
        self.heard = new_listeners()
        self.dispatcher = Dispatcher(**given, heard=self.heard)

    def is_stopped(self, org: OrgId) -> bool:
        return self.stopped

    async def work(self, *jobs: Job) -> Sequence[port.Settlement]:
        """Queue the jobs and let everything end."""
        self.dispatcher.handover.take(port.Receipt(now_ms=1_000, claimed=jobs), [], [])
        for _ in range(50):
            await asyncio.sleep(0)
        return self.quiet.settled


def job(**more: Any) -> Job:
    return msgspec.structs.replace(
        Job(DeliveryId(5), 1, OrgId(7), "e-1", 0, 2, None, True, BODY), **more
    )
