"""A turn that is granted in the very moment in which its caller gives up is given back: nothing is
held for nobody. Tried with everything of the process that is waited for in turns."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pytest

from tests.core.access.callers import caller_of
from tidings.api.http import body_guard
from tidings.api.http.body_guard import BodyGuard
from tidings.core.ids import OrgId
from tidings.engine.answer_memory import AnswerMemory
from tidings.errors import TidingsError
from tidings.shared_places import SharedPlaces

WAIT_S = 0.05
MB = 1 << 20


class Shared(NamedTuple):
    """What is full, a caller who waits for it, what makes room, and how much is held."""

    wait: Callable[[], Awaitable[object]]
    free: Callable[[], object]
    held: Callable[[], int]


async def bodies() -> Shared:
    """The memory of bodies, of which a credential holds all that it may."""
    guard = BodyGuard()
    holder = guard.budget.known(caller_of(7, "tdk_1"))
    size = holder.shares[0].bytes_max
    await guard.admit(holder, size)
    return Shared(
        lambda: guard.admit(holder, size),
        lambda: guard.give(holder, size),
        lambda: guard.budget.held(holder.shares[0].key),
    )


async def answers() -> Shared:
    """The memory of long answers."""
    memory = AnswerMemory(30 * MB, wait_s=WAIT_S)
    releases = [await memory.hold(OrgId(org), 10 * MB) for org in (1, 2)]
    return Shared(
        lambda: memory.hold(OrgId(3), 10 * MB),
        lambda: [release() for release in releases],
        lambda: memory.held,
    )


async def places() -> Shared:
    """The places of a pool, whose callers bring deadlines of their own."""
    pool = SharedPlaces[int](1)
    await pool.acquire(1)

    async def wait() -> None:
        async with asyncio.timeout(WAIT_S):
            await pool.acquire(2)

    return Shared(wait, lambda: pool.release(1), lambda: pool.held)


@pytest.mark.parametrize("make", [bodies, answers, places])
@pytest.mark.parametrize("ends", ["by its time", "by its caller"])
async def test_what_is_granted_too_late_is_given_back(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], Awaitable[Shared]], ends: str
) -> None:
    monkeypatch.setattr(body_guard, "WAIT_S", WAIT_S)
    shared = await make()
    assert shared.held() > 0
    loop = asyncio.get_running_loop()
    waiting = asyncio.ensure_future(shared.wait())
    if ends == "by its caller":
        await asyncio.sleep(0)
        loop.call_later(WAIT_S * 0.8, shared.free)
        loop.call_later(WAIT_S * 0.8 + 0.001, waiting.cancel)
    else:
        loop.call_later(WAIT_S * 0.8, shared.free)
        await asyncio.sleep(0)
    time.sleep(2 * WAIT_S)  # both are due in one turn of the loop, the grant first
    with pytest.raises((TidingsError, TimeoutError, asyncio.CancelledError)):
        await waiting
    assert shared.held() == 0
