"""Families in a store: made, moved, and what a batch says of them."""

from tests.store.conformance.subject import Subject
from tests.store.rows import ORG
from tidings.core.cells.families import CellId, FamilyId, FamilyMove, FamilyRow, FamilyState
from tidings.core.ids import OrgId
from tidings.store import port

FAMILY, OTHER, CHILD = FamilyId(ORG), FamilyId(7), OrgId(8)
THERE = CellId(2)
BEGIN, SEAL, SWITCHED, UNDONE = (
    FamilyMove.BEGIN,
    FamilyMove.SEAL,
    FamilyMove.SWITCHED,
    FamilyMove.UNDONE,
)
HERE, LEAVING, SEALED = FamilyState.HERE, FamilyState.LEAVING, FamilyState.SEALED


def put_org(subject: Subject, org: int, parent: int | None = None, revision: int = 1) -> None:
    """Make an org, or change it."""
    above = None if parent is None else OrgId(parent)
    made = port.StoredOrg(OrgId(org), "Acme", above, revision=revision)
    subject.ask(lambda store: store.put_org(made))


def families(subject: Subject) -> list[FamilyRow]:
    """All rows."""
    return list(subject.ask(lambda store: store.families()))


def move(
    subject: Subject,
    move: FamilyMove,
    number: int,
    family: FamilyId = FAMILY,
    other: CellId | None = None,
) -> port.FamilyReceipt:
    """Ask for one step."""
    step = port.FamilyStep(family, move, number, other=other)
    return subject.ask(lambda store: store.move_family(step))


def leave(subject: Subject, *moves: FamilyMove, number: int = 2) -> None:
    """Take these steps of one move away, each of which changes the row."""
    for step in moves:
        assert move(subject, step, number, other=THERE).changed, step.name


def judged(
    number: int = 1, family: FamilyId = FAMILY, *, begins: bool = True
) -> list[port.JudgedFamily]:
    """What a batch says of one family."""
    return [port.JudgedFamily(family, number, begins)]
