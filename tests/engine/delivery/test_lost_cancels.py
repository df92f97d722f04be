"""What the store has ended by itself is not sent, by a commit whose answer was lost or as it was
parked; the rest is, once."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tests.engine.delivery.scenes.health_parts import HOOK
from tests.engine.delivery.scenes.offers import hand_over, job, offer, scene_of
from tests.engine.webhooks.dispatch_scene import Scene, Store
from tidings.core.delivery.exchange import Ending, ReceiverAnswer
from tidings.core.delivery.job import Job
from tidings.core.ids import DeliveryId
from tidings.egress.port import Leaves
from tidings.store import port

HOW = ("fresh", "retry", "replay")


class Written(Store):
    """A store that knows what is unfinished; it makes due again what it is asked to release."""

    def __init__(self, *jobs: Job) -> None:
        super().__init__()
        self.jobs = {job.delivery: job for job in jobs}

    async def page(self, webhook: int, after: int, limit: int) -> list[Job]:
        return [job for id, job in sorted(self.jobs.items()) if id > after and not job.retry]

    async def unfinished(self) -> Sequence[port.Backlog]:
        await asyncio.sleep(0)
        pending = sum(1 for job in self.jobs.values() if not job.retry)
        return [port.Backlog(HOOK.number, pending, None)]


class Receiver:
    """Two gates: its connections come to be when they are told to, and so do its answers."""

    def __init__(self) -> None:
        self.connected, self.answers = asyncio.Event(), asyncio.Event()
        self.sent: list[str] = []

    async def send(self, method: str, leaves: Leaves, body: bytes, deadline_s: float) -> Ending:
        await self.connected.wait()
        if (headers := leaves()) is None:
            return None  # type: ignore[return-value]  # as an outlet does it
        self.sent.append(dict(headers)["webhook-id"])
        await self.answers.wait()
        return ReceiverAnswer(200, (), b"", False, 1.0)


def of(how: str, delivery: int) -> Job:
    one = job(delivery, 2 if how == "retry" else 1)
    one.replay = 1 if how == "replay" else None
    return one


async def bring(scene: Scene, how: str, *jobs: Job) -> None:
    await (hand_over if how == "retry" else offer)(scene, *jobs)


def scene_with(receiver: Receiver, store: Written, connections_max: int) -> Scene:
    scene = scene_of(receiver, connections_max=connections_max)  # type: ignore[arg-type]
    scene.store = store
    lanes = scene.dispatcher
    stored: Any = store
    lanes.recovery._store = lanes._claims._store = lanes._pages._store = stored
    return scene


async def settle(seconds: float = 0.02) -> None:
    await asyncio.sleep(seconds)


def count(receiver: Receiver) -> int:
    return len(receiver.sent)


@pytest.mark.parametrize("how", HOW)
async def test_what_waits_in_memory_is_not_sent(how: str) -> None:
    scene = Scene()
    receiver, store = Receiver(), Written()
    receiver.connected.set()
    scene = scene_with(receiver, store, 1)
    await bring(scene, how, of(how, 1), of(how, 2), of(how, 3))
    await settle()
    assert count(receiver) == 1, "two wait for the only connection"
    if how != "retry":
        store.jobs = {DeliveryId(3): of(how, 3)}  # the second is cancelled, and nobody was told
    scene.dispatcher.recovery.look_again(set())
    receiver.answers.set()
    await settle()
    if how == "retry":
        assert count(receiver) == 1
        assert store.released, "the third one is due again"
        assert 3 not in store.released[-1][1] and 2 not in store.released[-1][1]
    else:
        assert count(receiver) == 2, "the third is sent, and sent once"
        assert scene.dispatcher.runners.at_work[HOOK.number].lane.unsettled_attempts.keys() == {
            1,
            3,
        }


@pytest.mark.parametrize("cancelled", [True, False])
@pytest.mark.parametrize("how", HOW)
async def test_what_waits_for_its_connection_is_not_sent(how: str, cancelled: bool) -> None:
    scene = Scene()
    receiver = Receiver()
    store = Written()
    scene = scene_with(receiver, store, 5)
    await bring(scene, how, of(how, 1))
    await settle()
    lane = scene.dispatcher.runners.at_work[HOOK.number].lane
    assert lane.running == 1 and not receiver.sent, "it connects"
    store.jobs = {} if cancelled else {DeliveryId(1): of(how, 1)}
    scene.dispatcher.recovery.look_again(set())
    await settle()
    receiver.connected.set()
    receiver.answers.set()
    await settle()
    if how == "retry":
        assert not receiver.sent, "the store says what becomes of it"
        assert store.released[-1] == (HOOK.number, []), "it is due again if it still is"
    else:
        assert count(receiver) == (0 if cancelled else 1)
    assert lane.running == 0 and scene.dispatcher.attempts_running == 0


@pytest.mark.parametrize("how", HOW)
async def test_what_has_left_already_ends_as_it_began(how: str) -> None:
    scene = Scene()
    receiver, store = Receiver(), Written()
    receiver.connected.set()
    scene = scene_with(receiver, store, 5)
    settled: list[port.Settlement] = []
    scene.committer.settle = settled.append  # type: ignore[method-assign,assignment]
    await bring(scene, how, of(how, 1))
    await settle()
    assert count(receiver) == 1
    scene.dispatcher.recovery.look_again(set())
    await settle()
    receiver.answers.set()
    await settle()
    assert [settlement.delivery for settlement in settled] == [1] and count(receiver) == 1
    scene.dispatcher.settler.settled(settled, port.Receipt(now_ms=1_000_000))
    await bring(scene, "retry", of("retry", 1))
    await settle()
    assert count(receiver) == 2, "a later attempt of it is free again"


@pytest.mark.parametrize("parked", [True, False])
@pytest.mark.parametrize("how", HOW)
async def test_what_is_parked_while_it_waits_for_its_connection_is_not_sent(
    how: str, parked: bool
) -> None:
    """Its page was read before the store has parked it, and its attempt has begun."""
    receiver, store = Receiver(), Written()
    scene = scene_with(receiver, store, 5)
    await bring(scene, how, of(how, 1))
    await settle()
    lane = scene.dispatcher.runners.at_work[HOOK.number].lane
    assert lane.running == 1 and not receiver.sent, "it connects"
    store.jobs = {} if parked else {DeliveryId(1): of(how, 1)}
    scene.heard.parked.tell(HOOK, 1)
    receiver.connected.set()
    receiver.answers.set()
    await settle()
    if how == "retry":
        assert not receiver.sent and store.released[-1] == (HOOK.number, []), "due again"
    else:
        assert count(receiver) == (0 if parked else 1)
    assert lane.running == 0 and scene.dispatcher.attempts_running == 0


@pytest.mark.parametrize("how", HOW)
async def test_what_has_left_before_it_is_parked_ends_as_it_began(how: str) -> None:
    receiver, store = Receiver(), Written()
    receiver.connected.set()
    scene = scene_with(receiver, store, 5)
    settled: list[port.Settlement] = []
    scene.committer.settle = settled.append  # type: ignore[method-assign,assignment]
    await bring(scene, how, of(how, 1))
    await settle()
    assert count(receiver) == 1
    scene.heard.parked.tell(HOOK, 1)
    receiver.answers.set()
    await settle()
    assert [settlement.delivery for settlement in settled] == [1] and count(receiver) == 1
    assert scene.dispatcher.attempts_running == 0
