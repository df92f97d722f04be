"""The rows of families beside a release before: it makes orgs without rows, or has no table."""

import pytest

from tidings.core.cells.families import CellId, FamilyId, FamilyMove, FamilyRow, FamilyState
from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.sql.configuration.families import FamilyRows
from tidings.store.sqlite.halves import WritingHalf

BEGIN = port.FamilyStep(FamilyId(2), FamilyMove.BEGIN, 2, other=CellId(2))
LEAVING = FamilyRow(FamilyId(2), FamilyState.LEAVING, 2, other=CellId(2))


@pytest.fixture
def half() -> WritingHalf:
    """A store with two families, and a child of the first; the second is leaving."""
    made = WritingHalf(":memory:")
    for org, parent in ((1, None), (2, None), (3, OrgId(1))):
        made.orgs.put_org(port.StoredOrg(OrgId(org), "Acme", parent))
    assert made.families.move(BEGIN).changed
    return made


def first(family: int) -> FamilyRow:
    return FamilyRow(FamilyId(family), FamilyState.HERE, 1)


def test_a_start_makes_up_for_rows_that_a_release_before_has_not_made(half: WritingHalf) -> None:
    half.connection.execute("DELETE FROM family WHERE family = 1").fetchall()
    for _ in range(2):
        assert FamilyRows(half.connection).all() == [first(1), LEAVING]
    found = half.connection.execute("SELECT family FROM family ORDER BY family").fetchall()
    assert found == [(1,), (2,)]


def test_on_a_schema_before_all_families_are_here_and_none_moves(half: WritingHalf) -> None:
    half.connection.execute("DROP TABLE family").fetchall()
    families = FamilyRows(half.connection)
    families.begin(OrgId(4))
    assert families.all() == [first(1), first(2), first(4)] and families.are_all_here
    assert not families.move(BEGIN).changed
    assert families.away([port.JudgedFamily(FamilyId(2), 1, begins=True)]) == []
