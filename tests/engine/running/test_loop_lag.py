"""The lag of the event loop is seen, and forgotten after a minute."""

import asyncio
import time

from tests.simulation.loop import simulate
from tidings.engine.running.loop_lag import BEAT_S, WINDOW_S, LoopLag


async def test_a_loop_that_is_held_up_is_seen() -> None:
    async def scenario() -> float:
        loop_lag = LoopLag()
        listening = asyncio.ensure_future(loop_lag.run())
        await asyncio.sleep(BEAT_S * 1.5)
        time.sleep(0.2)  # the thing itself: a callback that does not give way
        while not loop_lag.worst_s() > 0.1:
            await asyncio.sleep(0)
        listening.cancel()
        return loop_lag.worst_s()

    assert 0.1 < await scenario() < 5


def test_the_worst_of_the_last_minute_is_told_and_no_older_one() -> None:
    async def scenario() -> None:
        loop_lag, loop = LoopLag(), asyncio.get_running_loop()
        loop_lag.note(loop.time(), 0.5)
        await asyncio.sleep(WINDOW_S / 2)
        loop_lag.note(loop.time(), 0.2)
        assert loop_lag.worst_s() == 0.5
        await asyncio.sleep(WINDOW_S * 0.6)
        assert loop_lag.worst_s() == 0.2
        await asyncio.sleep(WINDOW_S)
        assert loop_lag.worst_s() == 0.0

    simulate(1, scenario())
