"""What the loop reads of an event that a source brought."""

import asyncio
import gc
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from tests import forked
from tests.api.control_client import Service, service
from tests.api.v1.source_calls import admit
from tests.pace import PAUSE_S, slowness
from tidings.app.client_libraries import MODULES, import_clients
from tidings.core.budget import MAPPING_LOOP_S
from tidings.core.declaration import show_resource
from tidings.core.sources.message_plan import MessagePlan
from tidings.transform.renderer import ProcessRenderer

ROUNDS = 7


@contextmanager
def longest(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Keep the seconds of processor time of the longest callback of this thread's loop.

    Loops of other threads (a scripted broker's) are stand-ins for other processes.

    As in the service, the collector does not look through what was made before. It stays so: of
    this process that is all that pytest has collected, half a second each time.
    """
    run: Callable[[Any], None] = asyncio.Handle._run
    worst = [0.0]
    ours = threading.get_ident()

    def timed(handle: Any) -> None:
        began = time.thread_time()
        run(handle)
        if threading.get_ident() == ours:
            worst[0] = max(worst[0], time.thread_time() - began)

    gc.collect()
    gc.freeze()
    with monkeypatch.context() as patched:
        patched.setattr(asyncio.Handle, "_run", timed)
        yield worst


async def held_s(send: Callable[[], Awaitable[list[float]]]) -> float:
    """Return how long a message holds the loop, as on the reference machine: in the best of some
    rounds, or the first that holds it for no longer than it may. It holds it in each, where it
    does; the collector, which looks through all that a test has made, and neighbours on the core
    come in some of them."""
    best, before = float("inf"), slowness()
    for _ in range(ROUNDS):
        [worst_s] = await send()
        after = slowness()
        best, before = min(best, worst_s / min(before, after)), after
        if best <= MAPPING_LOOP_S:
            break
        await asyncio.sleep(PAUSE_S)
    return best


@asynccontextmanager
async def real() -> AsyncIterator[Service]:
    """Give a service with the real processes beside the loop, its client libraries imported."""
    await import_clients(MODULES)
    with patch.object(subprocess, "Popen", forked.Popen):
        renderer = ProcessRenderer()
        async with service() as s:
            s.parts.sources.sources.intake._messages._mapper = renderer
            await admit(s)
            yield s
        await renderer.close()


def fields_of(plan: MessagePlan) -> dict[str, Any]:
    """What the source is set to, as bodies say it."""
    said: dict[str, Any] = {}
    if plan.mapping is not None:
        said["mapping"] = dict(show_resource(plan.mapping))
    if plan.message_id is not None:
        said["messageId"] = plan.message_id.show()
    return msgspec.json.decode(msgspec.json.encode(said))  # type: ignore[no-any-return]
