"""A seed repeats its run in any process: nothing of it follows from the hash seed, the addresses of
objects, the clock on the wall or the speed of the machine.

Else a promise that is broken is seen on one machine and not on another, and a seed that was green
is red one day. `python -m tests.simulation.crossed.test_repeats` prints what runs have come to.
"""

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import structlog

from tests.depth import DEEP
from tests.simulation import test_leases, test_replays, test_simulation
from tests.simulation.crossed import test_crossing
from tests.simulation.loop import SimulatedLoop
from tests.simulation.world import World
from tidings.engine import retention
from tidings.engine.delivery import health_tracker
from tidings.engine.sources import lag_watch

Run = Callable[[int, SimulatedLoop], Coroutine[Any, Any, World]]
RUNS: dict[str, tuple[Run, int]] = {
    "simulation": (test_simulation.run, 2),
    "replays": (test_replays.run, 1),
    "crossing": (test_crossing.run, 1),
}
if DEEP:
    RUNS["leases"] = (test_leases.run, 1)
TABLES = ("event", "delivery", "attempt", "replay", "kept_back")


def outcome(run: Run, seed: int) -> str:
    """What a run has come to: what is stored, when it has ended, and what was drawn on the way."""
    loop = SimulatedLoop(seed)
    try:
        world = loop.run_until_complete(run(seed, loop))
        stored = [world.disk.ask(f"SELECT * FROM {table}") for table in TABLES]
        drawn = [rng.getstate() for rng in (loop.rng, world.rng, world.network._rng)]
        found = repr((stored, loop.time(), len(world.network.requests), drawn))
    finally:
        loop.close()
    return hashlib.sha256(found.encode()).hexdigest()


def outcomes() -> str:
    """Those of all runs, a line each; what lies in memory before them is another each time."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    health_tracker.REVIEW_EVERY_S = lag_watch.LOOK_EVERY_S = test_crossing.CALM_REVIEW_S
    retention.FIRST_AFTER_S = 0.0
    kept = [bytes(random.randrange(2_000)) for _ in range(random.randrange(50_000))]
    del kept[:: random.randrange(2, 5)]
    return "\n".join(f"{name} {outcome(*how)}" for name, how in RUNS.items())


@pytest.mark.systems
def test_a_seed_repeats_its_run_in_another_process() -> None:
    programs = [
        subprocess.Popen(
            [sys.executable, "-m", __name__],
            env=os.environ | {"PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    first, second = (program.communicate()[0] for program in programs)
    assert [program.returncode for program in programs] == [0, 0]
    assert len(first.splitlines()) == len(RUNS)
    assert first == second


if __name__ == "__main__":
    print(outcomes())
