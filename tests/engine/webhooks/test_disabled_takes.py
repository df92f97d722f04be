"""A take of due retries that is under way while its webhook is disabled sends nothing later."""

import asyncio
import random
from types import SimpleNamespace
from typing import Any

import msgspec

from tests.engine.delivery.test_healths import HOOK, Clock, Rows
from tests.engine.unwatched import UNWATCHED
from tests.ports import destinations
from tidings.core.delivery.exchange import Answer, Ending
from tidings.core.delivery.job import Job
from tidings.core.delivery.standing import Standing
from tidings.core.ids import DeliveryId
from tidings.core.webhooks.registry import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.egress.port import Leaves
from tidings.engine.delivery.dispatcher import Dispatcher
from tidings.engine.delivery.handover import LAST_MS
from tidings.engine.delivery.healths import Healths
from tidings.engine.delivery.retry_claims import RELEASE_AGAIN_S
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
        return Answer(200, (), b"", False, 1.0)

    async def close(self) -> None:
        pass


class Committer:
    """Takes what is asked of it, and writes nothing."""

    halted, unwritten = False, 0

    def __init__(self) -> None:
        self.takes: list[int] = []

    def claim(self, webhook: int, limit: int) -> None:
        self.takes.append(webhook)

    def settle(self, settled: port.Settlement) -> None:
        pass


class Scene:
    def __init__(self) -> None:
        self.store, self.line, self.committer = Store(), Line(), Committer()
        self.registry = Registry()
        self.registry.put(HOOK)
        self.heard = new_listeners()
        self.healths = Healths(
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
                lambda url: None,  # type: ignore[arg-type,return-value]
                Clock(),
            ),
            clock=Clock(),
            rng=random.Random(1),
            budget_bytes=1 << 20,
            in_flight_max=10,
            healths=self.healths,
            shaper=None,  # type: ignore[arg-type]
            ends=UNWATCHED,
            stops=UNWATCHED,
            heard=self.heard,
            observer=UNWATCHED,
            commits=self.committer,
        )

    def change(self, standing: Standing) -> None:
        changed = msgspec.structs.replace(HOOK, standing=standing)
        self.registry.put(changed)
        self.dispatcher.changed(changed)

    def delete(self) -> None:
        self.dispatcher.changed(msgspec.structs.replace(HOOK, standing=Standing.DELETED))

    def take_comes_back(self, accepted_ms: int = 1_000_000) -> None:
        job = Job(
            DeliveryId(5), HOOK.number, HOOK.org, "e5", accepted_ms, 2, None, True, b"parked by now"
        )
        receipt = port.Receipt(now_ms=1_000_000, claimed=[job], due=[(HOOK.number, None)])
        self.dispatcher.handover.take(receipt, [], [])
        self.dispatcher.settled([], receipt)


def due_now(webhook: Webhook) -> list[port.Backlog]:
    return [port.Backlog(webhook.number, 0, 0)]


async def test_what_it_brings_is_not_sent_when_the_webhook_is_enabled_again() -> None:
    scene = Scene()
    scene.dispatcher.begin(due_now(HOOK))
    await asyncio.sleep(0.01)
    assert scene.committer.takes == [HOOK.number]
    scene.change(Standing.DISABLED)
    scene.take_comes_back()
    scene.change(Standing.ACTIVE)
    await asyncio.sleep(0.1)
    assert scene.line.bodies == []
    # What the disabling had not parked yet is due again, and not without an owner.
    assert scene.store.released == [(HOOK.number, [])]


async def test_it_is_released_only_after_it_came_back() -> None:
    scene = Scene()
    scene.dispatcher.begin(due_now(HOOK))
    await asyncio.sleep(0.01)
    scene.change(Standing.DISABLED)
    scene.change(Standing.ACTIVE)
    await asyncio.sleep(0.1)
    assert scene.store.released == []
    scene.take_comes_back()
    await asyncio.sleep(0.1)
    assert scene.store.released == [(HOOK.number, [])] and scene.line.bodies == []
    scene.take_comes_back()  # the next one
    await asyncio.sleep(0.1)
    assert scene.committer.takes == [HOOK.number] * 2
    assert scene.line.bodies == [b"parked by now"], "it was due again, and is sent"


async def test_what_could_not_be_released_is_released_when_the_store_is_back() -> None:
    scene = Scene()
    asked: list[list[int]] = []

    async def release(webhook: int, held: list[int]) -> None:
        asked.append(held)
        if len(asked) == 1:
            raise port.StoreDown("the disk is full")

    scene.store.release = release  # type: ignore[method-assign]
    scene.dispatcher.begin(due_now(HOOK))
    await asyncio.sleep(0.01)
    scene.change(Standing.DISABLED)
    scene.take_comes_back()
    scene.change(Standing.ACTIVE)
    await asyncio.sleep(RELEASE_AGAIN_S + 0.1)
    assert asked == [[], []] and scene.committer.takes == [HOOK.number] * 2


async def test_a_take_whose_window_is_over_behind_an_open_breaker_is_parked_and_not_sent() -> None:
    scene = Scene()
    deeds: list[str] = []

    async def release(webhook: int, held: list[int]) -> None:
        deeds.append("released")

    async def park_expired(webhook: int, accepted_before_ms: int, limit: int) -> int:
        deeds.append("parked")
        return 0

    scene.store.release = release  # type: ignore[method-assign]
    scene.store.park_expired = park_expired  # type: ignore[method-assign]
    parking: Any = SimpleNamespace(parks=lambda _: True)
    scene.dispatcher.handover._healths = parking
    scene.dispatcher.begin(due_now(HOOK))
    await asyncio.sleep(0.01)
    scene.take_comes_back(accepted_ms=1_000_000 - LAST_MS)
    await asyncio.sleep(0.05)
    assert deeds == [] and scene.line.bodies == [b"parked by now"], "the last moment is in time"
    scene.dispatcher.due(HOOK.number, 0)
    await asyncio.sleep(0.05)
    scene.take_comes_back(accepted_ms=1_000_000 - LAST_MS - 1)
    await asyncio.sleep(0.05)
    assert deeds == ["released", "parked"] and len(scene.line.bodies) == 1
    [runner] = scene.dispatcher._runners.values()
    assert not runner.overdue, "what is released next is not parked for it"


async def test_a_first_attempt_whose_window_is_over_behind_an_open_breaker_is_parked() -> None:
    scene = Scene()
    over = Job(
        DeliveryId(5), HOOK.number, HOOK.org, "e5", 1_000_000 - LAST_MS - 1, 1, None, False, b"over"
    )
    fresh = Job(
        DeliveryId(6), HOOK.number, HOOK.org, "e6", 1_000_000 - LAST_MS, 1, None, False, b"in time"
    )
    stored = [over, fresh]

    async def page(webhook: int, after: int, limit: int) -> list[Job]:
        return [job for job in stored if job.delivery > after]

    async def park_expired(webhook: int, accepted_before_ms: int, limit: int) -> int:
        parked = [job for job in stored if job.accepted_ms < accepted_before_ms - 1_000]
        stored[:] = [job for job in stored if job not in parked]
        return len(parked)

    scene.store.page = page  # type: ignore[method-assign]
    scene.store.park_expired = park_expired  # type: ignore[method-assign]
    scene.healths.parks = lambda webhook: True  # type: ignore[method-assign]
    scene.dispatcher.begin([port.Backlog(HOOK.number, 2, None)])
    await asyncio.sleep(0.1)
    assert scene.line.bodies == [b"in time"] and stored == [fresh]


async def test_a_paused_webhook_keeps_what_it_took() -> None:
    scene = Scene()
    scene.dispatcher.begin(due_now(HOOK))
    await asyncio.sleep(0.01)
    scene.change(Standing.PAUSED)
    scene.take_comes_back()
    scene.change(Standing.ACTIVE)
    await asyncio.sleep(0.1)
    assert scene.line.bodies == [b"parked by now"] and scene.store.released == []
