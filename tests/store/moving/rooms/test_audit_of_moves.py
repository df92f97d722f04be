"""The audit log of a family that moves: whole in both cells, and what is cut still shows."""

import pytest

from tests.store.conformance.audited import KEY, change
from tests.store.conformance.families.steps import FAMILY
from tests.store.moving.rooms.two_cells import A, B, TwoCells, half
from tests.store.rows import ORG
from tidings.core.audit.report import AuditReport
from tidings.core.cells.families import CellId, FamilyMove, FamilyState
from tidings.store import port
from tidings.store.sql.audit.audit_walk import AuditWalk

STAYS = 9


def write(cells: TwoCells, cell: CellId, *orgs: int) -> None:
    drafts = [change(org=org) for org in orgs]
    cells.of[cell].ask(lambda store: store.append_audit(port.AuditWrite(KEY, drafts)))


def anchor(cells: TwoCells, cell: CellId) -> list[int]:
    """Anchor what has grown; return of which orgs that is."""
    made = cells.of[cell].ask(lambda store: store.put_anchor(KEY, 99))
    return [] if made is None else [head.chain for head in made.heads]


def check(cells: TwoCells, cell: CellId) -> AuditReport:
    connection = half(cells.of[cell]).connection
    return AuditWalk(connection, connection.execute, KEY).check(None)


def departures(report: AuditReport) -> list[tuple[int, int]]:
    assert report.faults == []
    return [(gone.cell, gone.chains) for gone in report.departures]


def cut(cells: TwoCells, cell: CellId, org: int) -> None:
    """Delete a chain by hand, and the note of it."""
    connection = half(cells.of[cell]).connection
    with connection:
        for table in ("audit", "audit_chain"):
            connection.execute(f"DELETE FROM {table} WHERE chain = ?", (org,))


@pytest.fixture
def moved(cells: TwoCells) -> TwoCells:
    """The family has gone to B, with a chain that an anchor of A names."""
    write(cells, A, ORG, STAYS, ORG)
    assert anchor(cells, A) == [STAYS, ORG]
    cells.move(A, B)
    return cells


def test_chains_that_have_gone_are_counted_and_no_fault(moved: TwoCells) -> None:
    assert departures(check(moved, A)) == [(B, 1)]
    assert departures(check(moved, B)) == []
    write(moved, B, ORG)
    assert anchor(moved, A) == [0], "of the platform, with the mark"
    assert anchor(moved, B) == [0, ORG]
    assert departures(check(moved, A)) == [(B, 1)]
    assert departures(check(moved, B)) == []


def test_a_chain_that_was_cut_by_hand_is_missing(moved: TwoCells) -> None:
    anchor(moved, B)
    cut(moved, A, STAYS)
    cut(moved, B, ORG)
    assert [fault.chain for fault in check(moved, A).faults] == [STAYS]
    assert [fault.chain for fault in check(moved, B).faults] == [ORG]


def test_a_mark_that_was_taken_away_is_missing_with_the_chain(moved: TwoCells) -> None:
    anchor(moved, A)
    cut(moved, A, 0)
    assert {fault.chain for fault in check(moved, A).faults} == {0, ORG}


def test_a_chain_that_has_come_back_has_to_be_there(moved: TwoCells) -> None:
    write(moved, B, ORG)
    anchor(moved, B)
    moved.move(B, A)
    assert departures(check(moved, A)) == []
    assert departures(check(moved, B)) == [(A, 1)]
    assert anchor(moved, A) == [0, ORG]
    assert departures(check(moved, A)) == []
    cut(moved, A, ORG)
    assert [fault.chain for fault in check(moved, A).faults] == [ORG]


def test_who_moved_what_stands_in_the_chains_of_both(moved: TwoCells) -> None:
    def actions(cell: CellId, org: int) -> list[str]:
        found = moved.of[cell].ask(lambda store: store.audit_slice(org, 0, 100))
        return [kept.action for kept in found]

    assert actions(A, 0) == ["family.held", "family.left"]
    assert actions(B, 0) == ["family.arrived"]
    assert actions(B, ORG)[-2:] == ["family.held", "family.arrived"]


def test_an_undone_move_is_noted_where_the_family_stays(cells: TwoCells) -> None:
    write(cells, A, ORG)
    cells.begin(A, B)
    cells.copy(A, B)
    assert anchor(cells, A) == [0], "what is copied does not change"
    assert anchor(cells, B) == [], "and may never be here"
    assert check(cells, B).moving == 1
    assert departures(check(cells, B)) == departures(check(cells, A)) == []
    assert cells.step(B, FamilyMove.REFUSE, A)
    assert cells.step(A, FamilyMove.UNDONE, B)
    cells.drop(B)
    assert departures(check(cells, A)) == departures(check(cells, B)) == []
    assert anchor(cells, A) == [0, ORG]
    found = cells.a.ask(lambda store: store.audit_slice(ORG, 0, 100))
    assert [kept.action for kept in found][-2:] == ["family.held", "family.stayed"]


def test_a_step_with_an_entry_of_a_family_that_is_away_is_not_taken(cells: TwoCells) -> None:
    assert cells.begin_leaving()

    async def seal(store: port.Store) -> None:
        step = port.FamilyStep(FAMILY, FamilyMove.SEAL, cells.number, other=B)
        with port.recorded(port.AuditWrite(KEY, [change(org=ORG)])):
            await store.move_family(step)

    with pytest.raises(port.FamilyAway):
        cells.a.ask(seal)
    [row] = cells.a.ask(lambda store: store.families())
    assert row.state is FamilyState.LEAVING
