"""A store may be one of before a move, put back from a backup. The map is asked first.

What such a store says of its families was true once. A move that it knows nothing of has made them
another cell's, whose owner has put that into the map, by the number of the move. So a start judges
each row by the map as it was read just now, and what has moved on since is gone here as well,
before an org is loaded or anything is sent.

While the map is away a start goes by the rows alone, for neither take-over nor accept may need it;
but not of a store that has no range left to begin. Such a one may come from a backup, and could
accept nothing before the map grants it a range.
"""

import structlog

from tidings.app.cells.duties.owner_duties import OwnCell
from tidings.core.cells.families import FamilyMove, FamilyRow, after_restore
from tidings.store import port
from tidings.store.port.cell_map import MapDown

log = structlog.get_logger(__name__)


async def lose_moved_families(own: OwnCell, store: port.Store) -> list[FamilyRow]:
    """Have a store lose the families that have moved to other cells since, by the map as it was
    read; return their rows. What is done again changes nothing. Raise StoreDown; raise MapDown
    where the map was not read, and the store may come from a backup."""
    view = own.reader.view
    if not view.place.incarnation:
        if (await store.number_ranges()).may_be_restored:
            raise MapDown(
                f"The map of the cells must be read before cell {own.cell} is served: its store "
                f"may be an earlier one, whose orgs have moved since. {own.reader.problem} It is "
                "tried again."
            )
        return []
    lost: list[FamilyRow] = []
    for row in await store.families():
        following = after_restore(row, view.places.place_of(row.family), own.cell)
        if following is None:
            continue
        step = port.FamilyStep(row.family, FamilyMove.LOSE, following.number, other=following.other)
        if (await store.move_family(step)).changed:
            log.warning(
                "an org has moved since this store was copied, and is not served here any more",
                org=row.family,
                cell=following.other,
                number=following.number,
            )
            lost.append(following)
    return lost
