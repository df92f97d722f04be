"""A change whose answer was lost: what is stored is taken over where something was written."""

import asyncio
from pathlib import Path
from typing import cast

import pytest

from tests.simulation.loop import simulate
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine import changes as of_engine
from tidings.engine.changes import READ_AGAIN_S, Changes
from tidings.store import port

ENGINE = Path(of_engine.__file__).parent


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

    async def load_people(self) -> port.People:
        return port.People()

    async def _nothing(self) -> list[object]:
        return []

    load_transformations = load_sources = load_inboxes = load_alert_channels = _nothing


@pytest.mark.parametrize("stored", [1, 2])
def test_what_is_stored_after_a_lost_answer_is_told_once_whatever_its_version(stored: int) -> None:
    """A credential that is revoked does not raise the version that events are matched by."""

    async def lost() -> None:
        raise port.StoreDown("its answer was lost")

    async def scenario() -> None:
        store, registry = AnsweringStore(stored), Registry()
        changes = Changes(cast(port.Store, store), registry)
        changes.seen(1)
        heard: list[object] = []
        changes.reread.add(lambda snapshot, _: heard.append(snapshot.registry_version))
        changes.reread_beside.add(lambda beside: heard.append("the rest"))
        with pytest.raises(port.StoreDown):
            await changes.run(lost)
        assert store.loads == 0
        await asyncio.sleep(2 * READ_AGAIN_S)
        assert heard == [stored, "the rest"]
        await asyncio.sleep(10 * READ_AGAIN_S)
        assert store.loads == 1  # and no more, once it is known

    simulate(1, scenario())


async def test_a_stale_change_is_made_again_of_what_is_stored() -> None:
    """Whatever the version: this process may have raised it itself meanwhile."""
    store, registry = AnsweringStore(1), Registry()
    changes = Changes(cast(port.Store, store), registry)
    changes.seen(1)
    known: list[str] = []
    changes.reread.add(lambda snapshot, _: known.append("the registry"))
    changes.reread_beside.add(lambda beside: known.append("the rest"))

    async def change() -> list[str]:
        if not known:
            raise port.StaleChange("another one was faster")
        return [*known]

    assert await changes.run(change) == ["the registry", "the rest"]
    assert await changes.run(change) == ["the registry", "the rest"] and store.loads == 1


def test_one_place_of_the_engine_hears_that_a_change_is_stale() -> None:
    hearing = [
        path.relative_to(ENGINE).as_posix()
        for path in sorted(ENGINE.rglob("*.py"))
        if "StaleChange" in path.read_text("utf-8")
    ]
    # Saved views are read for each page: there is nothing in memory to be read again.
    assert hearing == ["access/saved_views.py", "changes.py"]
