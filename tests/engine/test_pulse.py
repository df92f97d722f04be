"""The lag of the event loop is seen, and forgotten after a minute."""

import asyncio
import time

from tests.simulation.loop import simulate
from tidings.engine.pulse import BEAT_S, WINDOW_S, Pulse


def test_a_loop_that_is_held_up_is_seen() -> None:
    async def scenario() -> float:
        pulse = Pulse()
        listening = asyncio.ensure_future(pulse.run())
        await asyncio.sleep(BEAT_S * 1.5)
        time.sleep(0.2)  # the thing itself: a callback that does not give way
        while not pulse.worst_s() > 0.1:
            await asyncio.sleep(0)
        listening.cancel()
        return pulse.worst_s()

    assert 0.1 < asyncio.run(scenario()) < 5


def test_the_worst_of_the_last_minute_is_told_and_no_older_one() -> None:
    async def scenario() -> None:
        pulse, loop = Pulse(), asyncio.get_running_loop()
        pulse.note(loop.time(), 0.5)
        await asyncio.sleep(WINDOW_S / 2)
        pulse.note(loop.time(), 0.2)
        assert pulse.worst_s() == 0.5
        await asyncio.sleep(WINDOW_S * 0.6)
        assert pulse.worst_s() == 0.2
        await asyncio.sleep(WINDOW_S)
        assert pulse.worst_s() == 0.0

    simulate(1, scenario())
