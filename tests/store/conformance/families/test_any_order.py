"""Conformance: whatever the order of moves and batches, nothing is accepted for a family that is
not here. Each store is compared with the rows of core/cells/families.py after every step."""

from random import Random

import pytest

from tests.store.conformance.families.steps import BEGIN, OTHER, families, put_org
from tests.store.conformance.subject import Subject
from tests.store.rows import ORG, event
from tidings.core.cells.families import (
    CellId,
    FamilyId,
    FamilyMove,
    FamilyRow,
    FamilyState,
    may_accept,
    move_row,
)
from tidings.store import port

STEPS = 60
FAMILIES = FamilyId(ORG), OTHER


class Model:
    """The rows as they must be."""

    def __init__(self) -> None:
        self.rows: dict[FamilyId, FamilyRow] = {
            family: FamilyRow(family, FamilyState.HERE, 1) for family in FAMILIES
        }

    def step(self, step: port.FamilyStep) -> port.FamilyReceipt:
        """What comes of a step."""
        known = self.rows[step.family]
        row = move_row(known, step.move, family=step.family, number=step.number, other=step.other)
        self.rows[step.family] = row or known
        return port.FamilyReceipt(row or known, changed=row is not None)


@pytest.mark.parametrize("seed", range(6))
def test_no_order_of_moves_and_batches_accepts_for_a_family_that_is_not_here(
    subject: Subject, seed: int
) -> None:
    random, model = Random(seed), Model()
    for family in FAMILIES:
        put_org(subject, family)
    version, accepted = subject.load().registry_version, 0
    for at in range(STEPS):
        family = random.choice(FAMILIES)
        # Of steps that fit the row more often than chance would have it.
        number = model.rows[family].number + random.choice((-1, 0, 0, 1))
        if random.random() < 0.5:
            move = random.choice((BEGIN, *list(FamilyMove)[1:]))
            number += move in (BEGIN, FamilyMove.RECEIVE)
            step = port.FamilyStep(family, move, number, other=CellId(2))
            assert subject.ask(lambda store: store.move_family(step)) == model.step(step)  # noqa: B023
        else:
            judged = [port.JudgedFamily(family, number, begins=True)]
            receipt = subject.commit(event(str(at), org=family), version=version, families=judged)
            is_mine = may_accept(model.rows[family], number)
            assert list(receipt.away) == [] if is_mine else [family]
            assert bool(receipt.seqs) == is_mine
            assert (subject.event(str(at), family) is not None) == is_mine
            accepted += is_mine
        if random.random() < 0.05:
            random.choice((subject.reopen, subject.crash))()
        assert families(subject) == [model.rows[family] for family in sorted(FAMILIES)]
    assert accepted, "something was accepted"
