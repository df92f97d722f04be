"""A dispatcher over a store and a line that are told what to answer."""

import random
from collections.abc import Callable
from typing import Any

import msgspec

from tests.engine.delivery.scenes.health_parts import HOOK, Clock, Rows
from tests.engine.unwatched import UNWATCHED
from tests.ports import destinations
from tidings.core.delivery.exchange import Ending, ReceiverAnswer
from tidings.core.delivery.job import Job
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId
from tidings.core.running.lease import EndlessLease
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.egress.port import Leaves
from tidings.engine.delivery.dispatcher import Dispatcher
from tidings.engine.delivery.health_tracker import HealthTracker
from tidings.engine.listeners import new_listeners
from tidings.store import port


class Store(Rows):
    """Remembers what it was asked to release."""

    def __init__(self) -> None:
        super().__init__()
        self.released: list[tuple[int, list[int]]] = []

    async def page(self, webhook: int, after: int, limit: int) -> list[Job]:
        return []

    async def release(self, webhook: int, held: list[int]) -> None:
        self.released.append((webhook, held))


class Line:
    """A receiver that never fails, and remembers."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def open(self, *_: Any, **__: Any) -> "Line":
        return self

    async def send(self, method: str, leaves: Leaves, body: bytes, deadline_s: float) -> Ending:
        assert leaves() is not None
        self.bodies.append(body)
        return ReceiverAnswer(200, (), b"", False, 1.0)

    async def close(self) -> None:
        pass


class Committer:
    """Takes what is asked of it, and writes nothing."""

    halted, unwritten, unwritten_bytes = False, 0, 0

    def __init__(self) -> None:
        self.takes: list[int] = []

    def claim(self, webhook: int, limit: int) -> None:
        self.takes.append(webhook)

    def settle(self, settled: port.Settlement) -> None:
        pass


class Scene:
    def __init__(
        self,
        store: Store | None = None,
        budget_bytes: int = 1 << 20,
        in_flight_max: int = 10,
        target_of: Callable[[str], Any] = lambda url: None,
    ) -> None:
        self.store, self.line, self.committer = store or Store(), Line(), Committer()
        self.registry = Registry()
        self.registry.put(HOOK)
        self.heard = new_listeners()
        self.healths = HealthTracker(
            store=self.store,
            registry=self.registry,
            clock=Clock(),
            owners=None,  # type: ignore[arg-type]  # nothing fails for so long
            parked=self.heard.parked,
        )
        self.dispatcher = Dispatcher(
            store=self.store,  # type: ignore[arg-type]  # the part that is asked here
            registry=self.registry,
            destination=destinations(
                self.line,
                target_of,
                Clock(),
            ),
            clock=Clock(),
            rng=random.Random(1),
            budget_bytes=budget_bytes,
            in_flight_max=in_flight_max,
            healths=self.healths,
            shaper=None,  # type: ignore[arg-type]
            ends=UNWATCHED,
            stops=UNWATCHED,
            heard=self.heard,
            observer=UNWATCHED,
            commits=self.committer,
            lease=EndlessLease(),
        )

    def change(self, standing: WebhookStatus) -> None:
        changed = msgspec.structs.replace(HOOK, status=standing)
        self.registry.put(changed)
        self.dispatcher.changes.changed(changed)

    def delete(self) -> None:
        self.dispatcher.changes.changed(msgspec.structs.replace(HOOK, status=WebhookStatus.DELETED))

    def take_comes_back(self, accepted_ms: int = 1_000_000) -> None:
        job = Job(
            DeliveryId(5), HOOK.number, HOOK.org, "e5", accepted_ms, 2, None, True, b"parked by now"
        )
        receipt = port.Receipt(now_ms=1_000_000, claimed=[job], due=[(HOOK.number, None)])
        self.dispatcher.handover.take(receipt, [], [])
        self.dispatcher.settler.settled([], receipt)


def due_now(webhook: Webhook) -> list[port.Backlog]:
    return [port.Backlog(webhook.number, 0, 0)]
