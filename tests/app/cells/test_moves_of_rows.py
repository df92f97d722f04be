"""Families with the rows of tables move between two owners: what the stores have of it behind."""

from tests.app.cells.moving_cells import (
    CHILD,
    ONE,
    ORG,
    OTHER,
    TWO,
    OwnerInTest,
    steps,
    two_real_cells,
)
from tests.store.conformance.audited import KEY, change
from tests.store.rows import webhook
from tidings.core.audit.report import AuditReport
from tidings.core.cells.families import FamilyState
from tidings.core.cells.ranges import range_of
from tidings.store import port
from tidings.store.sql.audit.audit_walk import AuditWalk


async def write_entries(owner: OwnerInTest, *orgs: int) -> None:
    """Each of the orgs is changed, and all is anchored."""
    drafts = [change(org=org) for org in orgs]
    await owner.store.append_audit(port.AuditWrite(KEY, drafts))
    await owner.store.put_anchor(KEY, 99)


def verified(owner: OwnerInTest) -> AuditReport:
    """What `tidings audit verify` reports of the cell; there is no fault in it."""
    connection = owner.store.half.connection
    report = AuditWalk(connection, connection.execute, KEY).check(None)
    assert report.faults == []
    return report


def departures(owner: OwnerInTest) -> list[tuple[int, int]]:
    """Into which cells chains have gone, and how many."""
    return [(gone.cell, gone.chains) for gone in verified(owner).departures]


async def actions(owner: OwnerInTest, chain: int) -> list[str]:
    found = await owner.store.audit_slice(chain, 0, 100)
    return [kept.action for kept in found if kept.action.startswith("family.")]


async def moved(source: OwnerInTest, target: OwnerInTest) -> None:
    """The family moves as a whole, and each cell anchors what it has."""
    assert not (await source.begin(target.cell)).refused
    await steps(source, target)
    assert await target.state() is FamilyState.HERE
    assert await source.state() is FamilyState.EMPTIED
    for owner in (source, target):
        await owner.store.put_anchor(KEY, 99)


async def test_the_audit_logs_of_both_cells_say_where_chains_are_there_and_back() -> None:
    _, one, two = await two_real_cells()
    await write_entries(one, ORG, CHILD, OTHER)
    await moved(one, two)
    assert departures(one) == [(TWO, 2)] and departures(two) == []
    assert await actions(two, ORG) == ["family.held", "family.arrived"]
    assert await actions(one, 0) == ["family.held", "family.left"]
    await write_entries(two, CHILD)
    await moved(two, one)
    assert departures(one) == [] and departures(two) == [(ONE, 2)]
    assert verified(one).moving == verified(two).moving == 0


async def test_numbers_that_arrive_find_those_of_the_target_above_them() -> None:
    world, one, two = await two_real_cells(own=(50, 51), granted=(4, 5, 6))
    world.ranges_from = 60
    stored, _ = await one.store.put_webhook(webhook("till", org=ORG))
    assert range_of(stored.number) == 50
    world.map_away = True
    await one.begin()
    await steps(one, two)
    assert await two.state() is None, "nothing arrives before the numbers are above it"
    [shown] = await one.moves.progress()
    assert "map" in shown.problem
    world.map_away = False
    await steps(one, two)
    assert await two.state() is FamilyState.HERE
    assert [kept.number for kept in (await two.store.load()).webhooks] == [stored.number]
    made, _ = await two.store.put_webhook(webhook("another", org=ORG))
    assert range_of(made.number) >= 60


async def test_a_move_that_is_taken_back_is_in_the_log_of_the_cell_where_it_stays() -> None:
    world, one, two = await two_real_cells()
    await write_entries(one, ORG, CHILD, OTHER)
    world.unasked = {TWO}
    await one.begin()
    await one.step()
    await one.moves.undo(ORG)
    world.unasked = set()
    await steps(one, two)
    assert await one.state() is FamilyState.HERE
    assert await actions(one, ORG) == ["family.held", "family.stayed"]
    assert await actions(two, 0) == []
    for owner in (one, two):
        await owner.store.put_anchor(KEY, 99)
        assert departures(owner) == []
