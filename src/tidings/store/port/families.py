"""Families of orgs as the store keeps them: which are here to be served (core/cells/families.py).

* A root org and the row of its family are made in one transaction. An org that gets a parent ends
  as a family: its row stays as it is, so that no number of a move is given again, and nobody asks
  for it until the org has no parent any more.
  `test_a_family_begins_with_its_org_and_goes_on_where_it_had_ended`
* A family's row changes by `move_family` alone, by one move of core/cells/families.py in a
  transaction of its own, or not at all; asked again it has the effect of one.
  `test_a_move_is_one_transaction_and_repeatable`
* A batch says which families it is of, as they were judged before (`Batch.families`). One of them
  not being here, or no longer as it was judged, has the batch refused whole (`Receipt.away`).
  `test_a_batch_of_a_family_that_is_not_here_is_refused_whole`
* Every other write that is for an org is refused with `FamilyAway` where its family is not here.
  `test_every_write_for_an_org_of_a_family_that_is_not_here_is_refused`
* What is owed to events of a family that is not here is not made, and not counted as owed.
  `test_what_is_owed_to_a_family_that_is_not_here_stays_owed`
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.cells.families import CellId, FamilyId, FamilyMove, FamilyRow
from tidings.store.port.family_rows import ClockLeap


class JudgedFamily(msgspec.Struct, frozen=True, array_like=True):
    """A family that a batch holds something of. `number`: of the move by which it was judged."""

    family: FamilyId
    number: int
    begins: bool  # events, claims, replays, … ; otherwise what came of attempts alone


class FamilyStep(msgspec.Struct, frozen=True, array_like=True):
    """A move of a family, asked of a store. `number`: of the move of the family that it is a part
    of; `other`: the other cell of that. `ended`: of a switch, digests of sessions that are out of
    force in the cell that it leaves, though its rows have them: they end with it; `leaps`: those
    that the store there has followed."""

    family: FamilyId
    move: FamilyMove
    number: int
    other: CellId | None = None
    ended: Sequence[bytes] = ()
    leaps: Sequence[ClockLeap] = ()


class FamilyReceipt(msgspec.Struct, frozen=True, array_like=True):
    """The row after a step; as it was where the step cannot happen to it, or has happened."""

    row: FamilyRow | None
    changed: bool

    @property
    def is_change(self) -> bool:
        """Return whether the step has happened now."""
        return self.changed


class FamilyStore(Protocol):
    """The store of families. What is asked is in order with all other writes."""

    def move_family(self, step: FamilyStep) -> Awaitable[FamilyReceipt]:
        """Change the row of a family by one step, or leave it as it is. Synced."""

    def family_row(self, family: FamilyId) -> Awaitable[FamilyRow | None]:
        """Return the row of a family; None where this store has never heard of it."""

    def families(self) -> Awaitable[Sequence[FamilyRow]]:
        """Return the rows of all families, by their ids."""
