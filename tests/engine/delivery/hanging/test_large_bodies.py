"""Thousands of webhooks whose receivers hang with large bodies: bounded, and nobody starves.

The dispatcher is the real one; its store, its receivers and time are simulated.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Iterator

import msgspec
import pytest

from tests.depth import depth
from tests.engine.delivery.scenes.health_parts import HOOK
from tests.engine.delivery.scenes.offers import NOW_MS
from tests.engine.webhooks.dispatch_scene import Scene, Store
from tests.simulation.loop import simulate
from tidings.core.delivery.body_memory import LARGE_BYTES, PARTS
from tidings.core.delivery.exchange import Ending, ReceiverAnswer
from tidings.core.delivery.job import Job
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId
from tidings.egress.port import Leaves
from tidings.store import port

BODY = b"x" * 4 * LARGE_BYTES
ALL = 32 * len(BODY)
HANGS_S, QUICK_S = 29.0, 0.05
READ_S = 0.001


class Backlog(Store):
    """Deliveries that wait, by webhook."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[int, dict[int, Job]] = defaultdict(dict)
        self.bodies: dict[int, bytes] = {}
        self.down_until_s = 0.0

    def add(self, webhook: int, org: OrgId, body: bytes) -> int:
        number = len(self.bodies) + 1
        delivery = DeliveryId(number)
        self.bodies[number] = body
        self.rows[webhook][number] = Job(
            delivery, webhook, org, f"e{number}", NOW_MS, 1, None, False, body
        )
        return number

    async def page(self, webhook: int, after: int, limit: int) -> list[Job]:
        await asyncio.sleep(READ_S)
        found = [job for number, job in self.rows[webhook].items() if number > after]
        return [msgspec.structs.replace(job) for job in found[:limit]]

    async def sent_body(self, delivery: DeliveryId) -> port.SentBody:
        await asyncio.sleep(READ_S)
        if asyncio.get_running_loop().time() < self.down_until_s:
            raise port.StoreDown("the disk is full")
        return port.SentBody(accepted=self.bodies[delivery])


class World:
    """A process with many webhooks."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.store = Backlog()
        self.scene = Scene(self.store, ALL, 400, str)
        self.loop = asyncio.get_running_loop()
        self.scene.line.open = self._open  # type: ignore[method-assign,assignment]
        self.scene.committer.settle = self._settle  # type: ignore[method-assign]
        self.takes_s: dict[str, float] = {}
        self.delivered: Counter[int] = Counter()
        self.most = 0

    def webhook(self, org: int, takes_s: float, *bodies: bytes) -> int:
        number = len(self.takes_s) + 10
        url = f"https://{number}.example.com"
        self.takes_s[url] = takes_s
        self.scene.registry.put(
            msgspec.structs.replace(HOOK, number=number, org=OrgId(org), url=url)
        )
        for body in bodies:
            self.store.add(number, OrgId(org), body)
        return number

    def begin(self, *numbers: int) -> None:
        self.scene.dispatcher.recovery.begin([port.Backlog(number, 1, None) for number in numbers])

    def _open(self, url: str, *_: object, **__: object) -> "Receiver":
        return Receiver(self, self.takes_s[url])

    def _settle(self, settled: port.Settlement) -> None:
        assert settled.state is State.DELIVERED
        self.delivered[settled.webhook] += 1
        del self.store.rows[settled.webhook][settled.delivery]
        receipt = port.Receipt(now_ms=NOW_MS)
        self.loop.call_later(READ_S, self.scene.dispatcher.settler.settled, [settled], receipt)

    def _bodies(self) -> Iterator[bytes]:
        for runner in self.scene.dispatcher.runners.all():
            yield from (job.body for queue in runner.lane._queues for job in queue)
            yield from (slot.job.body for slot in runner.slots.values() if slot.job is not None)

    def look(self) -> None:
        """Measure what is held of bodies."""
        held = sum(len(body) for body in self._bodies() if len(body) > LARGE_BYTES)
        self.most = max(self.most, held)

    async def until_delivered(self, *numbers: int, within_s: float) -> float:
        """Wait until all of these have what was for them; return how long that took."""
        began_s = self.loop.time()
        while any(self.store.rows[number] for number in numbers):
            self.look()
            assert self.loop.time() - began_s <= within_s
            await asyncio.sleep(within_s / 200)
        return self.loop.time() - began_s


class Receiver:
    """A receiver of one webhook."""

    def __init__(self, world: World, takes_s: float) -> None:
        self.world, self.takes_s = world, takes_s

    async def send(self, method: str, leaves: Leaves, body: bytes, deadline_s: float) -> Ending:
        assert leaves() is not None
        assert body, "nothing leaves without its body"
        if self.world.rng.random() < 0.02:
            self.world.look()
        await asyncio.sleep(self.takes_s)
        return ReceiverAnswer(200, (), b"", False, self.takes_s * 1000)

    async def close(self) -> None:
        pass


async def crowd(seed: int, webhooks: int) -> None:
    rng = random.Random(seed)
    world = World(rng)
    try:
        await in_crowd(world, webhooks)
    finally:
        await world.scene.dispatcher.stop(0.0)


async def in_crowd(world: World, webhooks: int) -> None:
    rng = world.rng
    known = world.webhook(1, QUICK_S, BODY)
    world.begin(known)
    await world.until_delivered(known, within_s=5.0)
    hanging = [world.webhook(1, HANGS_S, BODY) for _ in range(webhooks)]
    world.begin(*hanging)
    await asyncio.sleep(HANGS_S / 2)
    held = world.scene.dispatcher._admission.bodies.bytes_held
    assert ALL // 4 <= held <= ALL * 3 // 4
    # Small ones of the same org and of others, a large one of the same org that is well, and a
    # large one of another org.
    small = [world.webhook(org, QUICK_S, b"{}", b"{}") for org in (1, 1, 2, 3)]
    world.store.add(known, OrgId(1), BODY)
    other = world.webhook(2, QUICK_S, BODY, BODY)
    huge = world.webhook(3, QUICK_S, b"y" * (ALL + 1))
    world.begin(known, *small, other, huge)
    await world.until_delivered(known, *small, other, huge, within_s=1.0)
    new = world.webhook(1, QUICK_S, BODY)
    world.begin(new)
    await world.until_delivered(new, within_s=HANGS_S + 1)
    if rng.random() < 0.5:
        world.store.down_until_s = world.loop.time() + 20.0
    rounds = webhooks * len(BODY) / (ALL // 4)
    await world.until_delivered(*hanging, within_s=(rounds + 2) * HANGS_S)
    assert all(world.delivered[number] == 1 for number in hanging)
    assert world.most <= 2 * ALL + ALL // PARTS + len(b"y" * (ALL + 1))
    assert world.scene.dispatcher._admission.bodies.bytes_held == 0
    assert world.scene.dispatcher._budget.bytes_used == 0


@pytest.mark.parametrize(
    ("seed", "webhooks"), [(1, 2_500), *((seed, 150) for seed in range(2, depth(5, 40)))]
)
def test_hanging_webhooks_with_large_bodies_hold_a_bound_and_let_all_others_pass(
    seed: int, webhooks: int
) -> None:
    simulate(seed, crowd(seed, webhooks))
