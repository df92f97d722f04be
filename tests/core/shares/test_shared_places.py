"""A pool that coroutines wait for: whoever is cancelled leaves its place, and owners have turns."""

import asyncio

import pytest

from tidings.shared_places import SharedPlaces

BUSY, QUIET = 1, 2


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_waiting_owner_has_the_next_place_before_a_hundred_of_another_one() -> None:
    places: SharedPlaces[int] = SharedPlaces(2)
    order: list[int] = []
    free = asyncio.Event()

    async def hold(owner: int) -> None:
        async with places.hold(owner):
            order.append(owner)
            await free.wait()

    busy = [asyncio.ensure_future(hold(BUSY)) for _ in range(100)]
    await settled()
    assert order == [BUSY, BUSY]
    quiet = asyncio.ensure_future(hold(QUIET))
    await settled()
    free.set()
    await asyncio.gather(quiet, *busy)
    assert order.index(QUIET) == 2
    assert places.held == 0


async def test_who_goes_while_it_waits_or_in_the_moment_of_its_turn_leaves_its_place() -> None:
    places: SharedPlaces[int] = SharedPlaces(1)
    await places.acquire(BUSY)
    gone = asyncio.ensure_future(places.acquire(BUSY))
    lucky = asyncio.ensure_future(places.acquire(QUIET))
    await settled()
    gone.cancel()
    await settled()
    places.release(BUSY)  # it is the lucky one's turn, which is cancelled before it wakes
    lucky.cancel()
    await asyncio.gather(gone, lucky, return_exceptions=True)
    assert places.held == 0
    await places.acquire(BUSY)
    assert places.held == 1


async def test_a_place_is_given_back_however_the_block_ends() -> None:
    places: SharedPlaces[int] = SharedPlaces(1)
    with pytest.raises(RuntimeError):
        async with places.hold(BUSY):
            raise RuntimeError
    assert places.held == 0
