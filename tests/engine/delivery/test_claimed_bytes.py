"""Due retries that all lanes ask for at once are few where their bodies may be large."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from tests.core.delivery.lanes.jobs import job
from tidings.core.delivery.body_memory import CLAIM_BYTES, CLAIM_LEAST, WindowBudget
from tidings.core.delivery.lane import RETRIES_MAX, Lane
from tidings.engine.clock import WallClock
from tidings.engine.delivery.retries.retry_claims import RetryClaims

LANES = 1_000
BYTES_MAX = 64 << 20


class Scene:
    """A thousand lanes whose retries are all due."""

    def __init__(self) -> None:
        self.budget = WindowBudget(BYTES_MAX)
        self.asked: dict[int, int] = {}
        self.claims = RetryClaims(
            store=cast(Any, None),
            clock=WallClock(),
            runners={},
            lanes=cast(Any, SimpleNamespace(may_claim=lambda: True)),
            commits=cast(Any, SimpleNamespace(claim=self.asked.__setitem__)),
            healths=cast(Any, None),
            budget=self.budget,
        )
        self.runners = [self._runner(number) for number in range(LANES)]

    def _runner(self, number: int) -> Any:
        lane = Lane(10, None, self.budget)
        webhook = SimpleNamespace(number=number)
        return SimpleNamespace(
            webhook=webhook, lane=lane, next_due_ms=1, claiming=False, release_wanted=False
        )

    def ask_all(self) -> int:
        """Let all lanes ask; return how many retries they have asked for."""
        self.asked.clear()
        for runner in self.runners:
            runner.next_due_ms = 1
            self.claims.ask_if_due(runner)
        return sum(self.asked.values())


async def test_all_lanes_together_ask_for_what_the_windows_have_room_for() -> None:
    scene = Scene()
    assert scene.ask_all() <= BYTES_MAX // CLAIM_BYTES + CLAIM_LEAST * LANES
    assert min(scene.asked.values()) >= CLAIM_LEAST, "nobody waits for the others"
    assert scene.ask_all() == 0, "one claim of a lane is under way at a time"
    for runner in scene.runners:
        scene.claims.claimed(runner, None)
    scene.budget.bytes_used = BYTES_MAX
    assert scene.ask_all() == CLAIM_LEAST * LANES, "the windows are full"


async def test_what_has_come_or_will_never_come_makes_room_for_others() -> None:
    scene = Scene()
    first, second, *others = scene.runners
    scene.runners = scene.runners[:40]
    scene.ask_all()
    assert scene.asked[first.webhook.number] == RETRIES_MAX
    last = scene.runners[-1]
    assert scene.asked[last.webhook.number] == CLAIM_LEAST, "the room was used up"
    for runner in scene.runners[:20]:
        scene.claims.forget(runner.webhook.number)  # deleted
    for runner in scene.runners[20:]:
        scene.claims.claimed(runner, None)
    scene.runners = others[-3:]
    assert scene.ask_all() == 3 * RETRIES_MAX
    assert second.claiming


async def test_where_the_windows_are_full_a_lane_asks_only_for_what_it_has_none_of() -> None:
    scene = Scene()
    scene.budget.bytes_used = BYTES_MAX
    for runner in scene.runners[1:]:
        runner.lane.offer_retry(job(1, size=1, retry=True))
    assert scene.ask_all() == CLAIM_LEAST
    for runner in scene.runners:
        scene.claims.claimed(runner, None)
    scene.budget.bytes_used = 0
    assert scene.ask_all() > LANES, "there is room again"


async def test_what_falls_due_while_a_release_is_under_way_is_asked_for_when_it_has_ended() -> None:
    scene = Scene()
    claims, runner = scene.claims, scene.runners[1]

    async def release(*_: Any) -> None:
        while claims._due:  # the alarm rings meanwhile
            await asyncio.sleep(0.001)

    claims._store = cast(Any, SimpleNamespace(release=release))
    claims._runners = {1: runner}
    runner.next_due_ms, runner.overdue = None, False
    claims.release(runner)
    claims.note(runner, 1)
    async with asyncio.timeout(60):
        while not scene.asked:
            await asyncio.sleep(0.001)
    claims.stop()
