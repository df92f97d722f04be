"""A thousand cells: whatever dies, freezes or is cut off, each family is one cell's, and nothing
that was acknowledged is lost or there twice."""

import pytest

from tests.depth import depth
from tests.simulation.cells.world import CALLS, CellWorld

SEEDS = depth(20, 200, "TIDINGS_SIMULATION_SEEDS")


@pytest.fixture(scope="module")
def worlds() -> list[CellWorld]:
    """One of each seed, at its end; what must hold on the way is asserted on the way."""
    found = []
    for seed in range(SEEDS):
        world = CellWorld(seed)
        world.live()
        found.append(world)
    return found


def test_every_promise_holds(worlds: list[CellWorld]) -> None:
    for world in worlds:
        world.check()


def test_what_is_promised_was_put_to_the_test(worlds: list[CellWorld]) -> None:
    assert all(world.answers == CALLS for world in worlds)
    assert sum(world.takes for world in worlds) > 50 * SEEDS
    assert sum(world.hops for world in worlds) > CALLS * SEEDS
    moves = [place.number - 1 for world in worlds for place in world.map.families.values()]
    assert sum(moves) > 10 * SEEDS
    assert all(world.sends for world in worlds)
