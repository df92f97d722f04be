"""The entries that say that a family of orgs has gone to another cell, or has come from one.

The chains of its orgs go with it. So the platform's chain of the cell that it leaves names them in
a mark, in the transaction that ends its stay: anchors name their heads, and without a mark that is
sealed like each entry they would be missing. The cell that it goes to names them too; of the marks
of a chain the newest one says where it is. Pure.
"""

from collections.abc import Iterator, Sequence

import msgspec

from tidings.core.audit.actor import SERVICE, Actor
from tidings.core.audit.audit_actions import (
    FAMILY_ARRIVED,
    FAMILY_HELD,
    FAMILY_LEFT,
    FAMILY_STAYED,
    AuditAction,
)
from tidings.core.audit.entries import PLATFORM_CHAIN, AuditDraft, AuditEntry, draft
from tidings.core.cells.families import CellId, FamilyId
from tidings.core.ids import OrgId

CHAINS_A_MARK = 1000


class FamilyMark(msgspec.Struct, frozen=True):
    """Name the other cell, the number of the move, and chains of the family. One of
    more chains than stand in a mark has several."""

    cell: CellId
    move: int
    chains: Sequence[int]


def draft_begin(
    family: FamilyId, target: CellId, number: int, actor: Actor = SERVICE
) -> Sequence[AuditDraft]:
    """Draft what goes with BEGIN in the cell that a family leaves: who has begun the move."""
    return _in_both(family, actor, FAMILY_HELD, {"to": target, "move": number})


def draft_undone(
    family: FamilyId, target: CellId, number: int, actor: Actor = SERVICE
) -> Sequence[AuditDraft]:
    """Draft what goes with UNDONE in the cell that a family would have left."""
    return _in_both(family, actor, FAMILY_STAYED, {"to": target, "move": number})


def draft_departure(
    family: FamilyId, target: CellId, number: int, orgs: Sequence[OrgId], actor: Actor = SERVICE
) -> Sequence[AuditDraft]:
    """Draft what goes with SWITCHED in the cell that a family has left. `orgs`: all of it."""
    return list(_marks(family, actor, FAMILY_LEFT, FamilyMark(target, number, orgs)))


def draft_arrival(
    family: FamilyId, source: CellId, number: int, orgs: Sequence[OrgId], actor: Actor = SERVICE
) -> Sequence[AuditDraft]:
    """Draft what goes with SWITCH in the cell that a family goes to: the marks, and in the family's
    own chain from where it came."""
    fields = {"from": source, "move": number}
    own = draft(int(family), actor, FAMILY_ARRIVED, str(family), after=fields)
    return [*_marks(family, actor, FAMILY_ARRIVED, FamilyMark(source, number, orgs)), own]


class ChainPlaces:
    """Says which chains have gone to another cell, by the marks of the platform's chain."""

    def __init__(self) -> None:
        self.gone: dict[int, CellId] = {}

    def note(self, entry: AuditEntry) -> None:
        """Take an entry of the platform's chain, in order, whose seal fits."""
        if entry.action not in (FAMILY_LEFT.name, FAMILY_ARRIVED.name):
            return
        try:
            mark = msgspec.json.decode(entry.after or b"", type=FamilyMark)
        except ValueError:
            return  # what is no mark of ours has no seal that fits either
        for chain in mark.chains:
            if entry.action == FAMILY_LEFT.name:
                self.gone[chain] = mark.cell
            else:
                self.gone.pop(chain, None)


def _in_both(
    family: FamilyId, actor: Actor, action: AuditAction, fields: dict[str, int]
) -> Sequence[AuditDraft]:
    """Draft an entry of the platform's chain, and the same of the family's own."""
    return [
        draft(chain, actor, action, str(family), after=fields)
        for chain in (PLATFORM_CHAIN, int(family))
    ]


def _marks(
    family: FamilyId, actor: Actor, action: AuditAction, whole: FamilyMark
) -> Iterator[AuditDraft]:
    entry = draft(PLATFORM_CHAIN, actor, action, str(family))
    for first in range(0, len(whole.chains), CHAINS_A_MARK):
        chains = whole.chains[first : first + CHAINS_A_MARK]
        after = msgspec.json.encode(msgspec.structs.replace(whole, chains=chains))
        yield msgspec.structs.replace(entry, after=after)
