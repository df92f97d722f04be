"""A webhook with a rate of its own, in simulated time: the whole of it is used, and no second holds
more."""

import asyncio

import pytest

from tests.engine.delivery.scenes.offers import Silent, hand_over, job, scene_of
from tests.simulation.loop import simulate
from tidings.core.delivery.exchange import Ending
from tidings.core.delivery.rate_limit import ROUNDING_S
from tidings.egress.port import Leaves

RATE, COUNT = 10, 35


class Stamping(Silent):
    """A receiver that notes when each came, and answers a little later."""

    def __init__(self) -> None:
        super().__init__()
        self.at_s: list[float] = []

    async def send(self, method: str, leaves: Leaves, body: bytes, deadline_s: float) -> Ending:
        assert leaves() is not None
        self.at_s.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.02)
        return self.answer


@pytest.mark.parametrize("seed", range(5))
def test_all_come_at_the_rate_and_no_second_holds_more(seed: int) -> None:
    stamping = Stamping()

    async def main() -> None:
        scene = scene_of(stamping, rate_per_s=float(RATE))
        await hand_over(scene, *(job(number) for number in range(1, COUNT + 1)))
        await asyncio.sleep(60)

    simulate(seed, main())
    at_s = stamping.at_s
    assert len(at_s) == COUNT
    assert at_s[-1] - at_s[0] == pytest.approx((COUNT - 1) / RATE, abs=0.05)
    for first, start_s in enumerate(at_s):
        assert (
            sum(start_s <= other < start_s + 1 - 2 * ROUNDING_S for other in at_s[first:]) <= RATE
        )
