"""The alarm for old signing secrets: it rings at each end, once, and again after a leap."""

import asyncio
from collections.abc import Callable

from tests.simulation.loop import simulate
from tests.simulation.parts import EPOCH_MS, SimulatedClock
from tidings.engine.webhooks.secret_ends import LOOK_AGAIN_S, SecretEnds

MINUTE_MS = 60_000


class Watcher:
    """Keeps what it is told of."""

    def __init__(self, note: Callable[[int], None]) -> None:
        self._note = note

    def end_overlap(self, number: int) -> None:
        self._note(number)


def test_each_end_is_told_when_it_comes_and_once() -> None:
    async def scenario() -> None:
        told: list[tuple[int, float]] = []
        loop = asyncio.get_running_loop()
        ends = SecretEnds(
            SimulatedClock(), Watcher(lambda webhook: told.append((webhook, loop.time())))
        )
        for webhook, minutes in ((2, 180), (1, 5), (3, 5), (1, 5), (4, 0)):
            ends.note(webhook, EPOCH_MS + minutes * MINUTE_MS)
        await asyncio.sleep(4 * 3600)
        assert [webhook for webhook, _ in told] == [4, 1, 3, 2]
        for (_, at_s), due_s in zip(told, (0, 300, 300, 10_800), strict=True):
            assert due_s <= at_s < due_s + 0.1
        ends.close()

    simulate(1, scenario())


def test_a_clock_that_is_set_right_is_noticed_within_a_minute() -> None:
    async def scenario() -> None:
        told: list[int] = []
        clock = SimulatedClock()
        ends = SecretEnds(clock, Watcher(told.append))
        ends.note(1, EPOCH_MS + 600 * MINUTE_MS)
        await asyncio.sleep(1)
        clock.skew_ms = 700 * MINUTE_MS
        await asyncio.sleep(LOOK_AGAIN_S + 1)
        assert told == [1]
        ends.note(2, clock.now_ms() + MINUTE_MS)
        ends.close()
        ends.close()
        await asyncio.sleep(3600)
        assert told == [1], "closed, it rings no more"

    simulate(1, scenario())


def test_an_end_is_told_in_its_own_moment_and_not_before() -> None:
    async def scenario() -> None:
        told: list[int] = []
        clock = SimulatedClock()
        ends = SecretEnds(clock, Watcher(told.append))
        ends.note(1, clock.now_ms())
        ends.note(2, clock.now_ms() + 1)
        ends.ring()
        assert told == [1]
        ends.close()

    simulate(1, scenario())
