"""The tasks that run now, by their names, and a service that has started."""

import asyncio
from typing import Any

from tests.engine.notice_world import Post, Receivers
from tests.ports import Unhashed, at_once, ports
from tests.simulation.parts import SimulatedClock
from tests.store.in_process import MemoryStore
from tidings.compose import App, build
from tidings.engine.options import EngineOptions


async def started() -> App:
    """The service over a store of the test's own, with everything on, at rest."""
    clock = SimulatedClock()
    app = build(
        ports(
            store=MemoryStore(clock),
            clock=clock,
            sender=Receivers(),
            mailer=Post(),
            passwords=Unhashed(),
        ),
        EngineOptions(),
    )
    await app.load(at_once)
    await app.start(at_once)
    await asyncio.sleep(20)
    return app


def background() -> "dict[str, asyncio.Task[Any]]":
    """The tasks that run now, by their names; without the test's own."""
    current = asyncio.current_task()
    return {task.get_name(): task for task in asyncio.all_tasks() if task is not current}
