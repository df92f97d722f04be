"""An attack as a process: bombs of every kind, pages that nobody reads, and idle callers.

`python -m tests.e2e.harness.attack '{"port": …, "org": …, "idle": …, "pipelined": …, "calls": …}'`
prints `under way` once all have begun, ends at the first line of its input, and prints what the
bombs were answered.
"""

import asyncio
import json
import sys
from typing import Any

import uvloop

from .api import Api
from .bombs import BOMBS, pipelined, thrown
from .crowd import misbehaving
from .service import KEY, SECRET


class Attacked:
    """The service under attack, as the bombs need it."""

    def __init__(self, port: int) -> None:
        self.port = port

    def api(self, org: int | None = None) -> Api:
        """Return a client with the platform's credential."""
        return Api(self.port, f"{KEY}:{SECRET}", org)


async def attack(orders: dict[str, Any]) -> None:
    """Attack until a line comes."""
    port = orders["port"]
    async with misbehaving(port, "idle", orders["idle"]):
        with (
            thrown(Attacked(port), orders["org"], list(BOMBS)) as outcome,
            pipelined(port, orders["pipelined"], orders["calls"]),
        ):
            print("under way", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
    faults = [
        f"{name}: {status}"
        for name, counts in outcome.answers.items()
        for status in counts
        if status in (500, 502, 504)
    ]
    silent = sorted(set(BOMBS) - outcome.answers.keys())
    told = {"answers": outcome.answers, "faults": faults, "silent": silent}
    print(json.dumps(told | {"broken": outcome.broken[:20]}), flush=True)


if __name__ == "__main__":
    uvloop.run(attack(json.loads(sys.argv[1])))
