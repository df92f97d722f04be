"""Jobs offered to lanes, and a driver that answers nothing."""

import asyncio

import msgspec

from tests.engine.delivery.scenes.health_parts import HOOK
from tests.engine.webhooks.dispatch_scene import Scene
from tidings.core.delivery.exchange import Ending, ReceiverAnswer
from tidings.core.delivery.job import Job
from tidings.core.delivery.next_attempt import NextAttempt
from tidings.core.ids import DeliveryId
from tidings.egress.port import Leaves
from tidings.store import port

NOW_MS = 1_000_000  # of the scene's clock


class Silent:
    """A receiver that answers when it is told to."""

    def __init__(self, status: int = 200, retry_after: str | None = None) -> None:
        self.answers = asyncio.Event()
        headers = (("retry-after", retry_after),) if retry_after else ()
        self.answer = ReceiverAnswer(status, headers, b"", False, 1.0)

    async def send(self, method: str, leaves: Leaves, body: bytes, deadline_s: float) -> Ending:
        assert leaves() is not None
        await self.answers.wait()
        return self.answer


def job(delivery: int, attempt: int = 1) -> Job:
    return Job(
        DeliveryId(delivery),
        HOOK.number,
        HOOK.org,
        f"e{delivery}",
        NOW_MS,
        attempt,
        None,
        attempt > 1,
        b"{}",
    )


def scene_of(silent: Silent, **more: object) -> Scene:
    """A scene whose webhook is sent to by `silent`."""
    scene = Scene()
    scene.line.send = silent.send  # type: ignore[method-assign]
    scene.registry.put(msgspec.structs.replace(HOOK, **more))
    return scene


async def hand_over(scene: Scene, *jobs: Job) -> None:
    scene.dispatcher.handover.take(port.Receipt(now_ms=NOW_MS, claimed=list(jobs)), [], [])
    await asyncio.sleep(0)  # a lane that has delivered nothing yet begins in the next turn


async def offer(scene: Scene, *jobs: Job) -> None:
    scene.dispatcher.handover.take(port.Receipt(now_ms=NOW_MS, freed=list(jobs)), [], [])
    await asyncio.sleep(0)


def told(scene: Scene, delivery: int, *, retry: bool = True) -> NextAttempt:
    return scene.dispatcher.next_attempts.of(HOOK.number, DeliveryId(delivery), retry)
