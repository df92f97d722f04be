"""A store may be one of before a move, put back from a backup. The map is asked first.

What such a store says of its families was true once. A move that it knows nothing of has made them
another cell's, whose owner has put that into the map, by the number of the move. So a start judges
each row by the map as it was read just now, and what has moved on since is gone here as well,
before an org is loaded or anything is sent.

It may have given numbers since, too. Each owner of a cell is named in the map by an epoch, and
notes that in the store. Where the map has had one that this store knows nothing of, it gives up the
ranges of numbers that it has, and begins only what it is granted from now on.

While the map is away a start goes by the rows alone, for neither take-over nor accept may need it;
but not of a store that has no range left to begin. Such a one may come from a backup, and could
accept nothing before the map grants it a range.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping

import structlog

from tidings.app.cells.duties.owner_duties import OwnCell
from tidings.app.cells.moves.step_entries import recording_step
from tidings.core.cells.families import FamilyId, FamilyMove, FamilyRow, after_restore
from tidings.core.ids import OrgId
from tidings.engine.audit.audit_log import AuditLog
from tidings.store import port
from tidings.store.port.cell_map import MapDown

NoteEpoch = Callable[[int, bool], Awaitable[bool]]  # `Store.note_epoch`
log = structlog.get_logger(__name__)


async def note_former_owner(own: OwnCell, note: NoteEpoch) -> None:
    """Have the store of a cell give up its ranges where the map, as it was read, names an owner
    that has noted nothing in it. Raise StoreDown."""
    known = own.reader.view.places.owner_of(own.cell)
    if known is not None and await note(known.epoch, False):  # noqa: FBT003  # as the port has it
        log.warning(
            "the store of this cell is an earlier one than was served last; it gives no number of "
            "those that it had",
            cell=own.cell,
            epoch=known.epoch,
        )


async def lose_moved_families(own: OwnCell, store: port.Store, audit: AuditLog) -> list[FamilyRow]:
    """Have a store lose the families that have moved to other cells since, by the map as it was
    read, and note in its audit log that their chains are there; return their rows. What is done
    again changes nothing. Raise StoreDown; raise MapDown where the map was not read, and the store
    may come from a backup."""
    view = own.reader.view
    if not view.place.incarnation:
        if (await store.number_ranges()).may_be_restored:
            raise MapDown(
                f"The map of the cells must be read before cell {own.cell} is served: its store "
                f"may be an earlier one, whose orgs have moved since. {own.reader.problem} It is "
                "tried again."
            )
        return []
    await note_former_owner(own, store.note_epoch)
    found = [
        following
        for row in await store.families()
        if (following := after_restore(row, view.places.place_of(row.family), own.cell))
    ]
    if not found:
        return []
    lost: list[FamilyRow] = []
    families = _orgs_by_family((await store.load()).orgs)
    for following in found:
        family = following.family
        step = port.FamilyStep(family, FamilyMove.LOSE, following.number, other=following.other)
        with recording_step(audit, step, following.other, families.get(family, [OrgId(family)])):
            receipt = await store.move_family(step)
        if receipt.changed:
            log.warning(
                "an org has moved since this store was copied, and is not served here any more",
                org=family,
                cell=following.other,
                number=following.number,
            )
            lost.append(following)
    return lost


def _orgs_by_family(orgs: Iterable[port.StoredOrg]) -> Mapping[FamilyId, list[OrgId]]:
    """List the orgs of each family, the one without a parent first."""
    parents = {org.id: org.parent for org in orgs}
    found: dict[FamilyId, list[OrgId]] = defaultdict(list)
    for org in sorted(parents, key=lambda org: parents[org] is not None):
        root = org
        while (parent := parents.get(root)) is not None:
            root = parent
        found[FamilyId(root)].append(org)
    return found
