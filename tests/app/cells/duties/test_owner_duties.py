"""What the owner of a cell does for the map: at its start, beside it, and once it has gone back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.app.cells.duties.owned_cells import CHILD, FIRST, ONE, OTHER, TWO, Place, memory_store
from tests.store.rows import webhook
from tidings.app.cells.duties.owner_duties import RANGES_EVERY_S
from tidings.core.cells.cell_map import CellOwner, FamilyPlace
from tidings.core.cells.directory import Opener, OpenerKind
from tidings.core.cells.families import CellId, FamilyId, FamilyMove
from tidings.core.cells.ranges import RANGE_BITS, wanted_spares
from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.port.cell_map import CellEntry, CellKind, MapPlace


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path)
    await made.begin()
    yield made
    for owner in made.owners.values():
        await owner.store.close()


async def test_an_owner_writes_where_its_families_are_and_each_new_one(place: Place) -> None:
    await place.step()
    both = {FamilyId(FIRST): FamilyPlace(ONE, 1), FamilyId(OTHER): FamilyPlace(TWO, 1)}
    assert await place.placed() == both
    one = place.owners[ONE]
    version = (await one.store.read(MapPlace())).place.version
    await place.step()
    assert (await one.store.read(MapPlace())).place.version == version, "nothing is new"
    await one.make_org(OrgId(9))
    await place.step()
    assert await place.placed() == both | {FamilyId(9): FamilyPlace(ONE, 1)}


async def test_a_family_that_is_leaving_is_not_named_again(place: Place) -> None:
    one = place.owners[ONE]
    step = port.FamilyStep(FamilyId(FIRST), FamilyMove.BEGIN, 2, other=TWO)
    await one.memory.move_family(step)
    await place.step()
    assert {*await place.placed()} == {FamilyId(OTHER)}


async def test_each_cell_has_spares_before_it_needs_them_and_none_is_given_twice(
    place: Place,
) -> None:
    await place.step()
    for owner in place.owners.values():
        assert len((await owner.memory.number_ranges()).spares) == wanted_spares(0)
    for _ in range(3 * wanted_spares(0)):
        for owner in place.owners.values():
            await owner.memory.begin_range(0)  # as each take-over does
        await place.step()
    one, two = [await owner.memory.number_ranges() for owner in place.owners.values()]
    assert one.spares and two.spares and not {*one.granted} & {*two.granted}


async def test_what_is_used_in_a_day_is_kept_as_spares(place: Place) -> None:
    one = place.owners[ONE]
    await place.step()
    for _ in range(24):
        place.passed_s += 3600
        await one.memory.begin_range(0)
        await place.step()
    spares = len((await one.memory.number_ranges()).spares)
    assert spares >= wanted_spares(23 << RANGE_BITS)


async def test_with_the_map_away_a_cell_goes_on_with_its_spares(place: Place) -> None:
    one = place.owners[ONE]
    await place.step()
    with place.map.away():
        place.passed_s += RANGES_EVERY_S
        await one.memory.begin_range(0)
        assert "map" in await one.step()
        await one.make_org(OrgId(9))
        assert await one.step()
        await one.memory.begin_range(0)
    place.passed_s += RANGES_EVERY_S
    assert await one.step() == ""
    assert FamilyId(9) in await place.placed()
    assert len((await one.memory.number_ranges()).spares) >= wanted_spares(0)


STORE_CALLS = "families number_ranges grant_ranges load load_people load_inboxes".split()


@pytest.mark.parametrize("name", STORE_CALLS)
async def test_what_the_store_refuses_for_a_while_is_done_when_it_answers(
    place: Place, name: str
) -> None:
    one = place.owners[ONE]
    answer = one.memory.operations[name]

    def refuse(*given: object) -> None:
        raise port.StoreDown("the disk is full")

    one.memory.operations[name] = refuse
    assert await one.step() == "the disk is full"
    one.memory.operations[name] = answer
    assert await one.step() == ""
    assert await place.placed() == {FamilyId(FIRST): FamilyPlace(ONE, 1)}
    assert len((await one.memory.number_ranges()).spares) == wanted_spares(0)
    assert await place.find(OpenerKind.ORG, str(FIRST))


async def test_a_map_that_has_gone_back_gets_places_openers_and_ranges_again(
    place: Place,
) -> None:
    """Also where nobody is left who had read it before."""
    place.map.save()
    await place.step()
    for _ in range(wanted_spares(0)):
        await place.owners[TWO].memory.begin_range(0)
        await place.step()
    before = await place.owners[TWO].memory.number_ranges()
    memories = {cell: owner.memory for cell, owner in place.owners.items()}
    for owner in place.owners.values():
        await owner.store.close()
    place.map.put_back()
    assert place.map.ask("SELECT count(*) FROM family_place") == [(0,)]
    for cell, memory in memories.items():
        place.start(cell, memory)
    for _ in range(3):
        await place.step()
    assert {owner.duties.problem for owner in place.owners.values()} == {""}
    assert {*await place.placed()} == {FamilyId(FIRST), FamilyId(OTHER)}
    assert await place.find(OpenerKind.ORG, str(CHILD)) == [Opener(OpenerKind.ORG, FamilyId(FIRST))]
    for owner in place.owners.values():
        await owner.memory.begin_range(0)
    await place.step()
    await place.step()
    one, two = [await owner.memory.number_ranges() for owner in place.owners.values()]
    assert not {*one.granted} & {*two.granted} and two.granted[: len(before.granted)] == (
        before.granted
    )


async def test_a_restored_cell_gives_no_number_of_what_it_was_granted_since(place: Place) -> None:
    """The map knows what the lost store has had, and would give it the same again."""
    await place.step()
    two = place.owners[TWO]
    backup = await two.memory.number_ranges()
    for _ in range(wanted_spares(0) // 2):
        await two.memory.begin_range(0)
        await place.step()
    lost = await two.memory.number_ranges()
    assert {*lost.granted} > {*backup.granted}
    restored = memory_store()
    await restored.grant_ranges(backup.granted)
    await restored.give_up_ranges()
    await two.store.close()
    place.start(TWO, restored)
    await place.step()
    found = await restored.number_ranges()
    assert len(found.spares) == wanted_spares(0)
    assert not {*found.spares} & {*lost.granted}


async def test_nothing_is_granted_before_every_cell_was_asked(place: Place) -> None:
    await place.step()
    one = place.owners[ONE]
    await one.store.begin_incarnation(one.reader.view.place.incarnation)
    await one.memory.begin_range(0)
    place.unasked = {TWO}
    before = await one.memory.number_ranges()
    place.passed_s += RANGES_EVERY_S
    assert "Ask each cell again" in await one.step()
    assert await one.memory.number_ranges() == before
    place.unasked = set()
    assert await one.step() == ""
    assert len((await one.memory.number_ranges()).spares) >= wanted_spares(0)


async def test_what_it_follows_is_confirmed_once_it_is_in_force(place: Place) -> None:
    await place.step()
    one = place.owners[ONE]
    confirmed = await one.store.confirmations()
    followed = one.followed
    assert confirmed[ONE] > 0 and followed > 0
    await place.step()
    await place.step()
    assert (await one.store.confirmations())[ONE] == one.reader.view.place.version
    steady = one.followed
    await place.step()
    assert one.followed == steady
    one.owner = CellOwner(2, "b:1")  # it is the owner by a later epoch
    assert await one.step() == ""
    await one.store.put_owner(ONE, one.owner)
    await one.step()
    await one.step()
    assert (await one.store.confirmations())[ONE] == one.reader.view.place.version


async def test_what_opens_its_orgs_is_in_the_directory(place: Place) -> None:
    memory = place.owners[ONE].memory
    await memory.put_credential(port.StoredCredential("key-a", CHILD, False, b"d", ""))
    await memory.put_credential(port.StoredCredential("root", FIRST, True, b"d", ""))
    await memory.put_webhook(webhook("till", org=CHILD))
    await memory.put_inbox(port.Inbox(0, FIRST, "token", "name", b"{}"))
    await memory.put_people(
        [port.StoredPerson("p", "a@b.example")], [port.Member(FIRST, "p", "A", "owner")]
    )
    await place.owners[TWO].memory.put_people(
        [port.StoredPerson("q", "a@b.example")], [port.Member(OTHER, "q", "A", "owner")]
    )
    await place.step()
    [kept] = (await memory.load()).webhooks
    family = FamilyId(FIRST)
    for kind, text in (
        (OpenerKind.KEY, "key-a"),
        (OpenerKind.WEBHOOK, str(kept.id)),
        (OpenerKind.CONSUMER_GROUP, kept.consumer_group),
        (OpenerKind.INBOX, "token"),
        (OpenerKind.ORG, str(CHILD)),
        (OpenerKind.ORG, str(FIRST)),
    ):
        assert await place.find(kind, text) == [Opener(kind, family)], kind
    assert {row.family for row in await place.find(OpenerKind.EMAIL, "a@b.example")} == {
        family,
        FamilyId(OTHER),
    }
    assert await place.find(OpenerKind.KEY, "root") == []


async def test_what_opens_another_familys_org_keeps_nothing_else_out(place: Place) -> None:
    credential = port.StoredCredential("same", FIRST, False, b"d", "")
    await place.owners[ONE].memory.put_credential(credential)
    two = place.owners[TWO].memory
    await two.put_credential(port.StoredCredential("same", OTHER, False, b"d", ""))
    await two.put_credential(port.StoredCredential("own", OTHER, False, b"d", ""))
    await place.step()
    assert await place.find(OpenerKind.KEY, "same") == [Opener(OpenerKind.KEY, FamilyId(FIRST))]
    assert await place.find(OpenerKind.KEY, "own") == [Opener(OpenerKind.KEY, FamilyId(OTHER))]
    assert {owner.duties.problem for owner in place.owners.values()} == {""}


async def test_a_store_that_counts_without_an_end_is_told_of(place: Place) -> None:
    three = place.start(CellId(3), memory_store())
    await three.store.put_cell(CellEntry(CellId(3), CellKind.DIRECTORY))
    assert "`tidings cells create` again" in await three.step()
