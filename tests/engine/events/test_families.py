"""Families in the group commit: what is away is left out, and its callers alone are told."""

import asyncio
from typing import Any

import msgspec
import pytest

from tests.engine.delivery.scenes.health_parts import HOOK
from tests.engine.events.all_here import FamilyStore, families_of
from tests.engine.events.commit_desk import Desk, at_work, begun, event, refused, settled, turns
from tidings.core.cells.families import CellId, FamilyId, FamilyMove, FamilyRow, FamilyState
from tidings.core.ids import DeliveryId, EventNumber, OrgId
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.events.commit_queue import QueuedEvent
from tidings.engine.events.intake import Acceptance
from tidings.store import port

MINE, CHILD, OTHER = OrgId(1), OrgId(2), OrgId(3)
FAMILY = FamilyId(1)
BEGIN, SEAL, UNDONE = FamilyMove.BEGIN, FamilyMove.SEAL, FamilyMove.UNDONE
ACCEPTED = [Acceptance("accepted")]
SLICE = port.ReplaySlice(7, EventNumber(0), EventNumber(1), 1)
CANCEL = port.CancelSlice([DeliveryId(4)], "boss")


def step(move: FamilyMove, number: int = 2) -> port.FamilyStep:
    return port.FamilyStep(FAMILY, move, number, other=CellId(2))


def of(org: OrgId, id: str) -> QueuedEvent:
    """An event of an org that waits for its commit."""
    queued = event(id)
    queued.draft.org = org
    return queued


def with_orgs(desk: Desk) -> None:
    """An org, one below it, and another one; each with a webhook by its number."""
    for org, parent in ((MINE, None), (CHILD, MINE), (OTHER, None)):
        desk.registry.set_parent(org, parent)
    for org in (MINE, CHILD, OTHER):
        desk.registry.put(msgspec.structs.replace(HOOK, number=int(org), org=org))


def registry_of(*orgs: OrgId) -> Registry:
    """Orgs without parents."""
    registry = Registry()
    for org in orgs:
        registry.set_parent(org, None)
    return registry


def judged(batch: port.Batch) -> set[tuple[int, int, bool]]:
    return {(found.family, found.number, found.begins) for found in batch.families}


async def test_a_batch_says_of_which_families_it_is() -> None:
    async with at_work() as desk:
        await begun(desk)
        with_orgs(desk)
        call = desk.queue.add([of(CHILD, "a")])
        desk.queue.settle(msgspec.structs.replace(settled(1), webhook=int(OTHER)))
        desk.store.free.set()
        await call
        [batch] = desk.store.batches
        assert judged(batch) == {(MINE, 1, True), (OTHER, 1, False)}


@pytest.mark.parametrize(
    "ask",
    [
        lambda desk: desk.queue.claim(int(OTHER), 4),
        lambda desk: desk.queue.slice(lambda: SLICE, OTHER),
        lambda desk: desk.queue.cancel(CANCEL, OTHER),
        lambda desk: desk.queue.note_rejections([msgspec.structs.replace(refused("x"), org=OTHER)]),
    ],
    ids=["claims", "slices", "cancels", "rejections"],
)
async def test_all_that_begins_something_is_judged(ask: Any) -> None:
    async with at_work() as desk:
        await begun(desk)
        with_orgs(desk)
        ask(desk)
        desk.store.free.set()
        await turns()
        [batch] = desk.store.batches
        assert judged(batch) == {(OTHER, 1, True)}


async def test_what_is_of_a_family_that_leaves_is_refused_and_the_rest_is_written() -> None:
    async with at_work() as desk:
        await begun(desk)
        with_orgs(desk)
        held: list[asyncio.Future[Any]] = [
            desk.queue.add([of(OTHER, "b"), of(CHILD, "c")]),
            desk.queue.slice(lambda: SLICE, CHILD),
            desk.queue.cancel(CANCEL, MINE),
        ]
        other: list[asyncio.Future[Any]] = [
            desk.queue.add([of(OTHER, "a")]),
            desk.queue.cancel(CANCEL, OTHER),
        ]
        desk.queue.note_rejections([refused("x"), msgspec.structs.replace(refused("y"), org=OTHER)])
        for org in (CHILD, OTHER):
            desk.queue.claim(int(org), 4)
            desk.queue.settle(msgspec.structs.replace(settled(int(org)), webhook=int(org)))
        assert (await desk.families.move(step(BEGIN))).changed
        desk.store.free.set()
        await asyncio.gather(*other)
        for call in held:
            with pytest.raises(port.FamilyAway):
                await call
        [batch] = desk.store.batches
        assert desk.store.ids == [["a"]]
        assert [claim.webhook for claim in batch.claims] == [OTHER]
        assert desk.lanes.left_out == [[CHILD]], "its lane does not wait for it"
        assert [rejection.event_id for rejection in batch.rejections] == ["y"]
        assert not batch.replays and len(batch.cancels) == 1
        # What has begun ends here, up to the seal.
        assert [int(settlement.delivery) for settlement in batch.settled] == [CHILD, OTHER]
        assert judged(batch) == {(OTHER, 1, True), (MINE, 1, False), (OTHER, 1, False)}


async def test_settlements_of_a_sealed_family_are_not_written_and_block_nothing() -> None:
    async with at_work() as desk:
        await begun(desk)
        with_orgs(desk)
        for move in (BEGIN, SEAL):
            assert (await desk.families.move(step(move))).changed
        desk.queue.settle(msgspec.structs.replace(settled(1), webhook=int(MINE)))
        call = desk.queue.add([of(OTHER, "a")])
        desk.store.free.set()
        assert await call == ACCEPTED
        assert [list(batch.settled) for batch in desk.store.batches] == [[]]
        assert not desk.queue.unwritten and not desk.queue.unwritten_bytes


async def test_what_the_store_finds_away_is_refused_and_the_rest_is_committed_again() -> None:
    async with at_work() as desk:
        await begun(desk)
        with_orgs(desk)
        desk.store.away = {MINE}
        mine, other = desk.queue.add([of(CHILD, "a")]), desk.queue.add([of(OTHER, "b")])
        desk.queue.settle(msgspec.structs.replace(settled(1), webhook=int(MINE)))
        desk.store.free.set()
        assert await other == ACCEPTED
        with pytest.raises(port.FamilyAway):
            await mine
        assert desk.store.ids == [["b"]]
        assert not desk.queue.unwritten and not desk.queue.halted


async def test_a_family_is_held_before_its_leaving_is_asked_and_until_its_end_is_known() -> None:
    store = FamilyStore()
    families = families_of(registry_of(MINE, OTHER), store)
    store.down = True
    leaving = asyncio.ensure_future(families.move(step(BEGIN)))
    await turns()
    with pytest.raises(port.StoreDown):
        await leaving
    assert families.is_away(MINE), "it may be leaving"
    with pytest.raises(port.StoreDown):
        await families.ask_again(FAMILY)
    assert families.is_away(MINE), "nobody knows yet"
    store.down = False
    leaving_row = FamilyRow(FAMILY, FamilyState.LEAVING, 2, other=CellId(2))
    assert await families.ask_again(FAMILY) == leaving_row
    assert families.is_away(MINE) and families.may_settle(MINE)
    assert (await families.move(step(UNDONE))).changed
    assert not families.is_away(MINE)
    assert families.judged([MINE], [MINE]) == [
        port.JudgedFamily(FAMILY, 2, begins=True),
        port.JudgedFamily(FAMILY, 2, begins=False),
    ]


async def test_a_leaving_that_cannot_begin_lets_the_family_go_on() -> None:
    families = families_of(registry_of(MINE))
    assert not (await families.move(step(BEGIN, number=5))).changed
    assert not families.is_away(MINE)


async def test_an_owner_takes_up_what_a_former_one_has_left_moving() -> None:
    store = FamilyStore()
    store.rows = {
        FAMILY: FamilyRow(FAMILY, FamilyState.SEALED, 2, other=CellId(2)),
        FamilyId(3): FamilyRow(FamilyId(3), FamilyState.HERE, 5),
    }
    families = families_of(registry_of(MINE, OTHER), store)
    await families.load()
    assert families.is_away(MINE) and not families.may_settle(MINE)
    assert families.judged([OTHER], []) == [port.JudgedFamily(FamilyId(3), 5, begins=True)]
    assert "moving" in str(families.refusal_of(MINE))
