"""A webhook that is well beside those of its own org that hang: of every declared type, and at
every step at which an attempt can hang. The dispatcher is the real one; its time is simulated."""

import asyncio
from typing import Any

import msgspec
import pytest

from tests.engine.shaping.sending_desk import HOOK, Desk, Line, Shaping, job
from tests.simulation.loop import simulate
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
    of_fault,
)
from tidings.core.delivery.job import Job
from tidings.core.ids import DeliveryId, WebhookId
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import HTTP, KINDS, PULL, QUEUE
from tidings.destinations.port import Message, MessagePreview
from tidings.store import port

DEADLINE_S, SOON_S = 30.0, 1.0
HANGING, BACKLOG = 12, 4
# Where an attempt hangs: an address that takes no SYN, a receiver that is silent, one that answers
# without an end; a template or a look-up in shaping.
STEPS = ("connect", "answer", "drip", "shape")
TYPES = sorted({*KINDS, QUEUE})


class Hanging:
    """A destination and its channels; what is well answers, the others hang at a step."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.begun: list[int] = []
        self.well_s: list[float] = []

    def open(self, webhook: Webhook) -> "_Channel":
        return _Channel(self, webhook)

    def carried(self, webhook: Webhook) -> list[tuple[str, str]]:
        return []

    def show(self, webhook: Webhook, headers: Any, body: bytes, key: int | None) -> MessagePreview:
        return MessagePreview("POST", headers, body)


class _Channel:
    def __init__(self, of: Hanging, webhook: Webhook) -> None:
        self._of = of
        self._webhook = webhook

    async def send(self, message: Message) -> AttemptResult | None:
        step = self._of.step
        if self._webhook.number == HOOK.number:
            await asyncio.sleep(0.02)
            if message.headers_if_current([]) is None:
                return None
            self._of.well_s.append(asyncio.get_running_loop().time())
            return AttemptResult(
                DeliveryVerdict.DELIVERED, ReceiverAnswer(200, (), b"", False, 20.0)
            )
        self._of.begun.append(self._webhook.number)
        if step != "connect" and message.headers_if_current([]) is None:
            return None
        for _ in range(3):  # of an answer that drips, bytes come meanwhile
            await asyncio.sleep(message.deadline_s / 3)
        return of_fault(TransportFault(FaultKind.TIMEOUT, step != "connect", "", DEADLINE_S * 1e3))

    def follow(self, webhook: Webhook) -> bool:
        return True

    async def close(self) -> None:
        pass


class _Shaping(Shaping):
    """Hangs for those that hang in their shaping."""

    def __init__(self, step: str) -> None:
        super().__init__()
        self._hangs = step == "shape"

    async def shape(self, webhook: Webhook, job: Job) -> bytes:
        if self._hangs and webhook.number != HOOK.number:
            await asyncio.sleep(DEADLINE_S)
        return b"{}"


async def beside(kind: str, step: str) -> None:
    loop = asyncio.get_running_loop()
    hanging = Hanging(step)
    desk = Desk(Line(), _Shaping(step), msgspec.structs.replace(HOOK, kind=HTTP))
    dispatcher = desk.dispatcher
    dispatcher._channels._destination = hanging
    deliveries = iter(range(1, 10_000))

    def offer(webhook: int) -> None:
        made = job(delivery=DeliveryId(next(deliveries)), webhook=webhook)
        dispatcher.handover.take(port.Receipt(now_ms=1_000, claimed=[made]), [], [])

    offer(HOOK.number)
    await asyncio.sleep(1.0)
    assert len(hanging.well_s) == 1
    for number in range(2, 2 + HANGING):
        webhook = msgspec.structs.replace(
            HOOK,
            number=number,
            id=WebhookId(f"{number:024}"),
            kind=kind,
            name=f"hangs {number}",
            connection="kafka" if kind == QUEUE else "",
            connections_max=20,
        )
        dispatcher.runners._registry.put(webhook)
        for _ in range(BACKLOG):
            offer(number)
        if kind == PULL:
            dispatcher.changes.ask(number, BACKLOG, 0)
    await asyncio.sleep(2.0)
    if kind != PULL:  # which waits for its readers and holds nothing
        assert dispatcher.attempts_running > 1, "they hang"
    for _ in range(30):
        before, offered_s = len(hanging.well_s), loop.time()
        offer(HOOK.number)
        while len(hanging.well_s) == before:
            assert loop.time() - offered_s <= SOON_S, "it found no slot"
            await asyncio.sleep(0.01)
        await asyncio.sleep(3.0)
    assert kind == PULL or len({*hanging.begun}) > 3 or step == "shape", "those have turns"
    await dispatcher.stop(0.0)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kind", TYPES)
def test_one_that_is_well_finds_a_slot_within_a_second(kind: str, step: str) -> None:
    simulate(1, beside(kind, step))
