"""Which families of orgs are here, as the engine looks at it: in memory, before it asks the store.

The store looks again in each commit (`Batch.families`). A family that leaves is held here before
its `BEGIN` is asked, so that nothing begins any more by the time the store has it: its lanes close,
and its calls are answered that it is moving. Where the answer to a step is lost, the family stays
held until the store has been asked again.

A family of which nothing is known here is one that was made here since the start. An org that
nobody knows is of none. A family that has come here while the process runs is held until the next
start, which takes up its orgs as all others; one that has left is in memory until then.
"""

from collections.abc import Iterable
from typing import Protocol

from tidings.core.cells.families import (
    FIRST_NUMBER,
    CallVerdict,
    FamilyId,
    FamilyJudgement,
    FamilyMove,
    FamilyRow,
    FamilyState,
    judge_call,
)
from tidings.core.ids import OrgId
from tidings.core.webhooks.subscriptions import Registry
from tidings.engine.listeners import Listeners
from tidings.store import port


class AwayFamilies(Protocol):
    """Knows the orgs whose family is not here."""

    def is_away(self, org: OrgId) -> bool:
        """Return whether nothing may begin, or be sent, for an org."""

    def refusal_of(self, org: OrgId) -> port.FamilyAway:
        """Return why not."""


class Families:
    """The rows of all families, and those that are held."""

    def __init__(self, store: port.Store, registry: Registry, moved: Listeners[()]) -> None:
        """`moved` hears when one is held, and when one is here again."""
        self._store = store
        self._registry = registry
        self._moved = moved
        self._rows: dict[FamilyId, FamilyRow] = {}  # but for those that have never moved
        self._held: set[FamilyId] = set()  # their BEGIN is asked, or its answer was lost
        self._arrived: set[FamilyId] = set()  # here since the start
        self._left: set[FamilyId] = set()  # gone since the start
        self._away: set[FamilyId] = set()  # held, leaving, or another cell's

    async def load(self) -> None:
        """Take up the rows as the store has them. StoreDown."""
        for row in await self._store.families():
            if row != FamilyRow(row.family, FamilyState.HERE, FIRST_NUMBER):
                self._rows[row.family] = row
        self._look()

    @property
    def are_all_here(self) -> bool:
        """Return whether no family that is known is another cell's, held, or on its way."""
        return not self._away

    def of(self, org: OrgId) -> FamilyId:
        """Return the family of an org."""
        return FamilyId(self._registry.root_of(org))

    def orgs_of(self, family: FamilyId) -> list[OrgId]:
        """List the orgs of a family that are known here, the one without a parent first."""
        root = OrgId(family)
        return [root, *self._registry.below(root)] if self._registry.has_org(root) else []

    def known(self, org: OrgId) -> FamilyId | None:
        """Return the family of an org; None where this cell knows no such org."""
        return self.of(org) if self._registry.has_org(org) else None

    def judge(self, family: FamilyId) -> FamilyJudgement | None:
        """Judge whether calls of a family are taken here; None: it was never here."""
        row = self._rows.get(family)
        if family in self._held or self._is_new(row):
            number = FIRST_NUMBER if row is None else row.number
            return FamilyJudgement(CallVerdict.HELD, number)
        if row is not None:
            return judge_call(row)
        if self._registry.has_org(OrgId(family)):
            return FamilyJudgement(CallVerdict.MINE, FIRST_NUMBER)
        return None

    def is_root(self, org: OrgId) -> bool:
        """Return whether an org that is known has no parent: its row is that of its family. An org
        that has got one leaves its row behind."""
        return self._registry.has_org(org) and self._registry.root_of(org) == org

    def row_of(self, family: FamilyId) -> FamilyRow | None:
        """Return the row of a family as far as it is known; None: it was never here."""
        row = self._rows.get(family)
        if row is None and self.is_root(OrgId(family)):
            return FamilyRow(family, FamilyState.HERE, FIRST_NUMBER)
        return row

    def is_held(self, family: FamilyId) -> bool:
        """Return whether a family is held by a step whose outcome is not known."""
        return family in self._held

    def leaving(self) -> list[FamilyRow]:
        """List the rows of families that leave this cell, or have left rows in it."""
        return [
            row
            for row in self._rows.values()
            if row.state.is_moving or row.state is FamilyState.GONE
        ]

    def arriving(self) -> list[FamilyRow]:
        """List the rows of families whose rows come in."""
        return [row for row in self._rows.values() if row.state is FamilyState.ARRIVING]

    def not_taken_up(self) -> list[FamilyId]:
        """List the families that are here since the start: the next one takes them up."""
        return sorted(self._arrived)

    def left_over(self) -> list[FamilyId]:
        """List the families that are another cell's, and whose orgs are in memory here."""
        return sorted(self._left)

    def is_away(self, org: OrgId) -> bool:
        """Return whether nothing may begin, or be sent, for an org: its family is not here."""
        return bool(self._away) and self.of(org) in self._away

    def refusal_of(self, org: OrgId) -> port.FamilyAway:
        """Return why nothing is taken for an org whose family is away."""
        family = self.of(org)
        row = self._rows.get(family, FamilyRow(family, FamilyState.HERE, FIRST_NUMBER))
        if row.state is FamilyState.HERE:  # it is held, and has not begun to leave
            row = FamilyRow(family, FamilyState.LEAVING, row.number)
        return port.FamilyAway.of(row)

    def may_settle(self, org: OrgId) -> bool:
        """Return whether what came of an attempt for an org is written here: also while its family
        is leaving, up to the seal."""
        if not self._away:
            return True
        row = self._rows.get(self.of(org))
        return row is None or row.state in (FamilyState.HERE, FamilyState.LEAVING)

    def judged(self, begins: Iterable[OrgId], settles: Iterable[OrgId]) -> list[port.JudgedFamily]:
        """Say of which families a batch is, as they are judged now, each once a kind."""
        root_of, has_org, rows = self._registry.root_of, self._registry.has_org, self._rows
        beginning = {root_of(org) for org in begins}
        settling = {root_of(org) for org in settles}
        found: list[port.JudgedFamily] = []
        for families, are_beginning in ((beginning, True), (settling, False)):
            for root in filter(has_org, families):
                row = rows.get(FamilyId(root))
                number = FIRST_NUMBER if row is None else row.number
                if row is not None and row.state is FamilyState.LEAVING:
                    number -= 1  # what ends now has begun before
                found.append(port.JudgedFamily(FamilyId(root), number, are_beginning))
        return found

    async def move(self, step: port.FamilyStep) -> port.FamilyReceipt:
        """Have a family take a step, and follow it. StoreDown: it may have taken it."""
        family = step.family
        if step.move is FamilyMove.BEGIN:
            self.hold(family)
        receipt = await self._store.move_family(step)
        self._follow(family, receipt.row)
        return receipt

    def hold(self, family: FamilyId) -> None:
        """Hold a family: nothing of it begins from now on. What is asked next says what it is."""
        self._held.add(family)
        self._look()

    async def ask_again(self, family: FamilyId) -> FamilyRow | None:
        """Find out what became of a step whose answer was lost. StoreDown."""
        await self._store.commit(port.Batch(0))  # what a lost commit has written is seen behind it
        row = await self._store.family_row(family)
        self._follow(family, row)
        return row

    def _follow(self, family: FamilyId, row: FamilyRow | None) -> None:
        """Have in force what the store has of a family."""
        self._held.discard(family)
        if row is not None:
            self._rows[family] = row
            is_known = self._registry.has_org(OrgId(family))
            if row.state is FamilyState.HERE and not is_known:
                self._arrived.add(family)
            elif row.state is FamilyState.GONE and is_known:
                self._left.add(family)
        self._look()

    def _is_new(self, row: FamilyRow | None) -> bool:
        """Return whether a family has come here since the start."""
        return row is not None and row.family in self._arrived

    def _look(self) -> None:
        """Note who is away, and have it heard where that has changed."""
        away = set(self._held)
        for family, row in self._rows.items():
            # Of one that is emptied nothing is here that could begin.
            is_over = row.state is FamilyState.EMPTIED and family not in self._left
            is_mine = judge_call(row).verdict is CallVerdict.MINE
            if self._is_new(row) or not (is_mine or is_over):
                away.add(family)
        if away != self._away:
            self._away = away
            self._moved.tell()
