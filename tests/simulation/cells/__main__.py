"""Run seeds: `python -m tests.simulation.cells FIRST COUNT`; the first that fails ends it."""

import sys
import time

from tests.simulation.cells.world import CellWorld


def main(first: int, count: int) -> None:
    """Run so many seeds, and print what happened in them."""
    began_s = time.process_time()
    takes = hops = sends = moved = 0
    for seed in range(first, first + count):
        world = CellWorld(seed)
        try:
            world.live()
            world.check()
        except AssertionError as error:
            print(f"seed {seed}: {error}")
            raise
        takes += world.takes
        hops += world.hops
        sends += world.sends
        moved += sum(place.number - 1 for place in world.map.families.values())
    used_s = time.process_time() - began_s
    print(
        f"{count} seeds, {used_s / count:.2f} s of CPU each: {takes} take-overs, {moved} moves, "
        f"{hops} hops, {sends} sends"
    )


main(int(sys.argv[1]), int(sys.argv[2]))
