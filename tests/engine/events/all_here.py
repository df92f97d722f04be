"""Families of orgs in memory, all of them here until a test says otherwise."""

from typing import Any, cast

from tidings.core.cells.families import FamilyId, FamilyMove, FamilyRow, FamilyState, move_row
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.families import Families
from tidings.engine.listeners import Listeners
from tidings.store import port


class FamilyStore:
    """Keeps rows as a store does, and can lose its answers."""

    def __init__(self) -> None:
        self.rows: dict[FamilyId, FamilyRow] = {}
        self.down = False
        self.asked: list[FamilyMove] = []

    async def move_family(self, step: port.FamilyStep) -> port.FamilyReceipt:
        self.asked.append(step.move)
        known = self.rows.get(step.family, FamilyRow(step.family, FamilyState.HERE, 1))
        row = move_row(known, step.move, family=step.family, number=step.number, other=step.other)
        if row is not None:
            self.rows[step.family] = row
        self._must_be_up()
        return port.FamilyReceipt(row or known, changed=row is not None)

    async def family_row(self, family: FamilyId) -> FamilyRow | None:
        self._must_be_up()
        return self.rows.get(family)

    def _must_be_up(self) -> None:
        if self.down:
            raise port.StoreDown("the answer was lost")

    async def families(self) -> list[FamilyRow]:
        return list(self.rows.values())

    async def commit(self, batch: port.Batch) -> port.Receipt:
        self._must_be_up()
        return port.Receipt()


def families_of(registry: Registry, store: FamilyStore | None = None) -> Families:
    """Families over these orgs, that nobody hears of."""
    switched = Listeners[()]("a family was held")
    switched.add(lambda: None)
    return Families(cast(Any, store or FamilyStore()), registry, switched)


def all_here() -> Families:
    """Families none of which ever moves."""
    return families_of(Registry())
