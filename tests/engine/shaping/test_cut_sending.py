"""Retries to a webhook that wants no personal data by now: what was sent with it goes no more."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.engine.unwatched import UNWATCHED
from tests.ports import destinations
from tidings.core.delivery.exchange import Ending, ReceiverAnswer
from tidings.core.delivery.job import Job
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import DeliveryId, OrgId, WebhookId
from tidings.core.running.lease import EndlessLease
from tidings.core.shaping.left_out import LeftOut
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.egress.port import Leaves, ReceiverAddress
from tidings.engine.delivery.dispatcher import Dispatcher
from tidings.engine.listeners import new_listeners
from tidings.store import port

ACCEPTED, OLD, CUT = b'{"mobile":"91"}', b'{"old":"91"}', b'{"cut":1}'
SHAPES = Webhook(
    number=1, id=WebhookId("1" * 24), consumer_group="", org=OrgId(7), version=1, name="crm",
    status=WebhookStatus.ACTIVE, event_names=frozenset("a"), kind="HTTP", url="https://x.example/",
    method="POST", headers=(), connections_max=1, secrets=(b"s" * 32,), plain=False,
)  # fmt: skip
WITHOUT = msgspec.structs.replace(SHAPES, version=2, without_personal_data=True)
PLAIN = msgspec.structs.replace(SHAPES, version=3, plain=True)
RETRY = (DeliveryId(5), 1, OrgId(7), "e-1", 0, 2, None, True, OLD)


class Scene:
    """A dispatcher with one webhook: sender, shaper and store are the scene itself."""

    halted, unwritten, unwritten_bytes = False, 0, 0

    def __init__(self, webhook: Webhook, *, before: Callable[[], None] = lambda: None) -> None:
        self.sent: list[bytes] = []
        self.settled: list[port.Settlement] = []
        self.shaped: list[bytes] = []
        self.asked = 0
        self.kept: port.SentBody | None = port.SentBody(OLD, ACCEPTED)
        self.before = before
        self.dispatched = False
        registry = Registry()
        registry.put(webhook)

        class Clock:
            def now_ms(self) -> int:
                return 1_000

        given: dict[str, Any] = {
            "store": self, "registry": registry, "clock": Clock(),
            "destination": destinations(
                self, lambda url: ReceiverAddress("https", url.split("/")[2], 443, "/"), Clock()
            ),
            "rng": random.Random(1), "budget_bytes": 1 << 20, "in_flight_max": 10,
            "healths": self, "shaper": self, "ends": UNWATCHED, "stops": UNWATCHED,
            "observer": UNWATCHED, "commits": self, "lease": EndlessLease(),
        }  # fmt: skip
        self.dispatcher = Dispatcher(**given, heard=new_listeners())

    async def retry(self, body: bytes = OLD, **job: Any) -> port.Settlement:
        """Make a second attempt; what came of it."""
        await self.hand_over(Job(*RETRY[:-1], body, shaped=True, **job))
        [settled] = self.settled
        return settled

    async def hand_over(self, job: Job) -> None:
        """Have it made, as far as it goes."""
        self.dispatcher.handover.take(port.Receipt(now_ms=1_000, claimed=[job]), [], [])
        await self.rest()

    async def rest(self) -> None:
        """Until all that can be done is done."""
        for _ in range(60):
            await asyncio.sleep(0)

    def open(self, *_: Any, **__: Any) -> "Scene":
        return self

    async def send(self, _: str, leaves: Leaves, body: bytes, __: float) -> Ending | None:
        self.before()
        if leaves() is None:
            return None
        self.sent.append(body)
        return ReceiverAnswer(503, (), b"", False, 1.0)

    async def close(self) -> None:
        pass

    async def shape(self, webhook: Webhook, job: Job) -> bytes:
        self.shaped.append(job.body)
        job.left_out = LeftOut(("till",), "It was down.")
        await asyncio.sleep(0)
        return CUT if webhook.without_personal_data else OLD

    async def sent_body(self, _: DeliveryId) -> port.SentBody:
        self.asked += 1
        if self.kept is None:
            raise port.StoreDown("It is full.")
        return self.kept

    def settle(self, one: port.Settlement) -> None:
        self.settled.append(one)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


@pytest.mark.parametrize("body", [OLD, ACCEPTED], ids=["shaped before", "not shaped before"])
async def test_what_was_sent_with_it_is_made_anew_of_the_accepted_bytes_and_kept(
    body: bytes,
) -> None:
    scene = Scene(WITHOUT)
    settled = await scene.retry(body=body)
    assert scene.sent == [CUT] and scene.shaped == [ACCEPTED]
    assert (settled.sent, settled.cut, settled.version) == (CUT, True, 2)
    assert settled.left_out == LeftOut(("till",), "It was down.")


async def test_what_was_made_without_it_goes_as_it_was() -> None:
    scene = Scene(WITHOUT)
    settled = await scene.retry(body=b"made before", cut=True)
    assert scene.sent == [b"made before"] and scene.shaped == [] and scene.asked == 0
    assert (settled.sent, settled.cut) == (None, False)


@pytest.mark.parametrize("webhook", [SHAPES, PLAIN], ids=["shapes", "plain"])
async def test_webhooks_that_do_not_ask_send_what_was_sent_and_ask_the_store_for_nothing(
    webhook: Webhook,
) -> None:
    scene = Scene(webhook)
    settled = await scene.retry()
    assert scene.sent == [OLD] and scene.shaped == [] and scene.asked == 0
    assert (settled.sent, settled.cut) == (None, False)


async def test_what_is_asked_for_in_the_last_moment_still_holds() -> None:
    def change() -> None:
        if not scene.dispatched:
            scene.dispatched = True
            scene.dispatcher.changes.changed(WITHOUT)

    scene = Scene(SHAPES, before=change)
    settled = await scene.retry()
    assert scene.sent == [CUT] and (settled.sent, settled.cut) == (CUT, True)


async def test_what_is_taken_back_in_the_last_moment_sends_and_keeps_the_old_bytes() -> None:
    def change() -> None:
        if not scene.dispatched:
            scene.dispatched = True
            scene.dispatcher.changes.changed(msgspec.structs.replace(SHAPES, version=3))

    scene = Scene(WITHOUT, before=change)
    settled = await scene.retry()
    assert scene.sent == [OLD] and (settled.sent, settled.cut) == (None, False)


async def test_what_was_put_back_before_it_left_is_made_anew_once_more() -> None:
    def change() -> None:
        if not scene.dispatched:
            scene.dispatched = True
            paused = msgspec.structs.replace(WITHOUT, version=3, status=WebhookStatus.PAUSED)
            scene.dispatcher.changes.changed(paused)

    scene = Scene(WITHOUT, before=change)
    await scene.hand_over(Job(*RETRY, shaped=True))
    assert scene.sent == [] and scene.settled == []
    scene.dispatcher.changes.changed(msgspec.structs.replace(WITHOUT, version=4))
    await scene.rest()
    assert scene.sent == [CUT] and scene.shaped == [ACCEPTED] * 2
    assert [(settlement.sent, settlement.cut) for settlement in scene.settled] == [(CUT, True)]


@pytest.mark.parametrize("kept", [None, port.SentBody(OLD, None)], ids=["down", "gone"])
async def test_without_the_accepted_bytes_nothing_leaves_and_it_is_tried_again(
    kept: port.SentBody | None,
) -> None:
    scene = Scene(WITHOUT)
    scene.kept = kept
    settled = await scene.retry()
    assert scene.sent == [] and settled.state == State.RETRYING and settled.sent is None
    assert settled.evidence is not None and settled.evidence.kind == "ours"
