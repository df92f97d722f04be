"""A thousand cells: whatever dies, freezes or is cut off, each family is one cell's, and nothing
that was acknowledged is lost or there twice."""

from tests.depth import depth
from tests.simulation.cells.world import CALLS, CellWorld

SEEDS = depth(4, 100, "TIDINGS_SIMULATION_SEEDS")


def test_every_promise_holds_and_is_put_to_the_test() -> None:
    takes = hops = moves = recalls = losses = 0
    for seed in range(SEEDS):
        world = CellWorld(seed)
        world.live()  # what must hold on the way is asserted on the way
        world.check()
        assert world.answers == CALLS and world.sends
        takes += world.takes
        hops += world.hops
        recalls += world.recalls
        losses += world.losses
        moves += sum(place.number - 1 for place in world.map.families.values())
    assert takes > 50 * SEEDS
    assert hops > CALLS * SEEDS
    assert moves > 10 * SEEDS
    assert recalls > SEEDS / 4 and losses > SEEDS / 4
