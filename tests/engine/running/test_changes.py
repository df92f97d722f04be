"""A change whose answer was lost: what is stored is taken over where something was written."""

import asyncio
from typing import cast

import pytest

from tests.simulation.loop import simulate
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.changes import READ_AGAIN_S, Changes
from tidings.store import port


class AnsweringStore:
    """Has a version, and answers what is read again."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.loads = 0

    async def load(self) -> port.Snapshot:
        self.loads += 1
        return port.Snapshot(self.version, [], [])

    async def load_types(self) -> list[port.StoredType]:
        return []


@pytest.mark.parametrize(("stored", "told"), [(1, 0), (2, 1)])
def test_what_was_written_without_an_answer_is_told_and_else_nothing(
    stored: int, told: int
) -> None:
    async def lost() -> None:
        raise port.StoreDown("its answer was lost")

    async def scenario() -> None:
        store, registry = AnsweringStore(stored), Registry()
        changes = Changes(cast(port.Store, store), registry)
        changes.seen(1)
        heard: list[int] = []
        changes.reread.add(lambda snapshot, _: heard.append(snapshot.registry_version))
        with pytest.raises(port.StoreDown):
            await changes.run(lost)
        assert store.loads == 0
        await asyncio.sleep(2 * READ_AGAIN_S)
        assert heard == [stored] * told
        await asyncio.sleep(10 * READ_AGAIN_S)
        assert store.loads == 1  # and no more, once it is known

    simulate(1, scenario())
