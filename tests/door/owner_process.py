"""An owner in a process of its own: `python -m tests.door.owner_process`. Prints its port."""

import asyncio

import uvloop

from tests.server.support import Echo
from tidings.door.listening import trust_by_tls

from .support import KEY, owner_door


async def own() -> None:
    """Serve until the process is ended."""
    async with owner_door(Echo(), trust_by_tls(KEY)) as server:
        print(server.port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(own())
