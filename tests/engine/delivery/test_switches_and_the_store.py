"""A store that refuses at the wrong moment: a stop holds, disabling parks everything."""

import asyncio

import pytest

from tests.api.control_client import Clock
from tests.engine.delivery.scenes.stops import stops_over, stops_telling
from tests.engine.notice_world import NoticeWorld, in_world
from tests.engine.store.store_faults import refusing
from tests.store.in_process import MemoryStore
from tidings.core.delivery.states import State
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId
from tidings.engine.delivery.stops import EVERYTHING
from tidings.engine.webhooks.retirement import RETIRE_SLICE
from tidings.store import port

ORG = OrgId(7)


@pytest.mark.parametrize("org", [ORG, EVERYTHING])
async def test_a_stop_holds_although_the_store_refuses_and_is_written_when_it_is_asked_again(
    org: int,
) -> None:
    clock = Clock()
    store = MemoryStore(clock)
    changed: list[bool] = []
    stops = stops_telling(store, clock, lambda: changed.append(stops.is_stopped(ORG)))
    store.down = True
    for _ in range(2):
        with pytest.raises(port.StoreDown):
            await stops.stop(OrgId(org), "somebody")
    assert stops.is_stopped(ORG) and changed == [True, True], "held before the store was asked"
    with pytest.raises(port.StoreDown):
        await stops.start(OrgId(org))
    assert stops.is_stopped(ORG), "who cannot start stays stopped"
    store.down = False
    await stops.stop(OrgId(org), "somebody else")
    after = stops_over(store, clock)
    await after.load()
    assert after.is_stopped(ORG) and (found := after.of(OrgId(org))) is not None
    assert found.by == "somebody", "who threw it first"
    await after.start(OrgId(org))
    last = stops_over(store, clock)
    await last.load()
    assert not after.is_stopped(ORG) and not last.is_stopped(ORG)


async def test_a_stop_that_comes_while_a_start_is_written_holds() -> None:
    clock = Clock()
    store = MemoryStore(clock)
    stops = stops_over(store, clock)
    await stops.stop(ORG, "somebody")
    starting = asyncio.ensure_future(stops.start(ORG))
    await asyncio.sleep(0)  # it has asked the store
    assert not starting.done()
    await stops.stop(ORG, "somebody")
    await starting
    after = stops_over(store, clock)
    await after.load()
    assert stops.is_stopped(ORG) and after.is_stopped(ORG)
    await stops.start(ORG)
    assert not stops.is_stopped(ORG)


@pytest.mark.parametrize("fails", [{0}, {0, 1}, {1, 2}, {0, 1, 2, 4, 5}, {2}, {3, 4}], ids=str)
@pytest.mark.parametrize("standing", [WebhookStatus.DISABLED, WebhookStatus.DELETED], ids=str)
def test_disabling_and_deleting_end_everything_whichever_slices_were_refused(
    fails: set[int], standing: WebhookStatus
) -> None:
    count = 2 * RETIRE_SLICE + 50
    parks: list[int] = []

    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated")
        await world.webhooks.change_status(crm.org, crm.id, "pause", "its owner")
        world.store.half.connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " INSERT INTO delivery (id, event, webhook, version, state, attempts)"
            " SELECT 1000 + i, 1, ?, 1, ?, 0 FROM n",
            (count, crm.number, int(State.PENDING)),
        ).fetchall()
        world.notices.disabled = (  # type: ignore[method-assign]
            lambda webhook, reason, parked, since_ms, on_notified: parks.append(parked)
        )
        refused = refusing(world.store, "retire", lambda call: call in fails)
        await world.webhooks.set_status(crm.number, standing, "It is gone.")
        async with asyncio.timeout(60):
            await world.webhooks.retired()
        ends_in = State.PARKED if standing is WebhookStatus.DISABLED else State.CANCELLED
        rows = world.store.half.connection.execute(
            "SELECT state, count(*) FROM delivery WHERE webhook = ? GROUP BY state", (crm.number,)
        ).fetchall()
        assert rows == [(int(ends_in), count)]
        assert set(refused) == fails or max(fails) >= 4
        assert parks == ([count] if standing is WebhookStatus.DISABLED else []), (
            "told once, with all"
        )

    in_world(scenario)
