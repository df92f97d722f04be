"""Caps while more is asked than one transaction takes: each hears of its own, whatever fails."""

import asyncio
from collections.abc import Sequence

import pytest

from tidings.core.actions.action import Cap
from tidings.core.ids import DeliveryId
from tidings.engine.actions.caps import AT_ONCE_MAX, Caps
from tidings.store.port import CapUse, StoreDown

CAP = Cap(2, 3600.0, "event.id")


class OneByOne:
    """`port.CapStore`: answers each use with the number of its delivery, and fails some batches."""

    def __init__(self, *failing: int) -> None:
        self._failing = failing
        self.sizes: list[int] = []

    async def take_caps(self, uses: Sequence[CapUse]) -> list[int | None]:
        """See `port.CapStore`."""
        await asyncio.sleep(0)
        self.sizes.append(len(uses))
        if len(self.sizes) - 1 in self._failing:
            raise StoreDown("no disk")
        return [None if use.delivery % 3 else int(use.delivery) for use in uses]


def answer_of(number: int) -> int | None:
    return None if number % 3 else number


@pytest.mark.parametrize("count", [1, AT_ONCE_MAX, AT_ONCE_MAX + 1, 3 * AT_ONCE_MAX + 7])
async def test_each_hears_of_its_own_and_no_transaction_is_larger_than_it_may_be(
    count: int,
) -> None:
    store = OneByOne()
    caps = Caps(store)
    asked = [caps.take(1, CAP, f"s{number}", DeliveryId(number)) for number in range(count)]
    assert await asyncio.gather(*asked) == [answer_of(number) for number in range(count)]
    assert sum(store.sizes) == count and max(store.sizes) <= AT_ONCE_MAX
    assert await caps.take(1, CAP, "later", DeliveryId(9)) == 9, "and it goes on"


async def test_a_transaction_that_fails_is_heard_of_by_those_in_it_alone() -> None:
    store = OneByOne(1)
    caps = Caps(store)
    count = 3 * AT_ONCE_MAX
    asked = [caps.take(1, CAP, f"s{number}", DeliveryId(number)) for number in range(count)]
    told = await asyncio.gather(*asked, return_exceptions=True)
    failed = [number for number, element in enumerate(told) if isinstance(element, StoreDown)]
    assert failed == list(range(AT_ONCE_MAX, 2 * AT_ONCE_MAX))
    assert all(told[number] == answer_of(number) for number in range(AT_ONCE_MAX))


async def test_one_that_gives_up_waiting_takes_nobody_with_it() -> None:
    caps = Caps(OneByOne())
    first, second = (
        asyncio.ensure_future(caps.take(1, CAP, f"s{number}", DeliveryId(number)))
        for number in (3, 6)
    )
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 6
    with pytest.raises(asyncio.CancelledError):
        await first
